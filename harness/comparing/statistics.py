"""Two samples of a latency: the difference of their medians with a confidence interval, and whether it is beyond a budget. Pure."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.errors import UsageError
from harness.judging.samples import Distribution

if TYPE_CHECKING:
    from numpy import float64
    from numpy.random import Generator
    from numpy.typing import NDArray

FEWEST = 6
"""Runs on each side that a claim needs: the range of five values holds the true median in 93.75 % of all cases, that of six in 96.9 %."""
CONFIDENCE = 0.95
RESAMPLES = 4000
RESOLUTION = 0.001
"""Seconds. Times are kept to the millisecond: less is no difference."""
SIGNIFICANT = 0.05
_SEED = 0
_CELLS = 2_000_000  # values that are drawn at once: 16 MB
_BUDGET = re.compile(r"(\d+(?:\.\d+)?)\s*(%|ms|s)\Z")


@dataclass(frozen=True, slots=True)
class Budget:
    """How much a median may grow: a ``share`` of the one before, or ``seconds``; one of both is None."""

    text: str
    share: float | None = None
    seconds: float | None = None

    @classmethod
    def parse(cls, text: str) -> Budget:
        """A budget as it is written on a command line: ``20%``, ``200ms``, ``0.5s``. Raises UsageError."""
        found = _BUDGET.match(text.strip())
        if not found:
            raise UsageError(f"{text!r} is not a budget", where="--latency-budget", fix="write 20%, 200ms or 0.5s")
        number, unit = float(found[1]), found[2]
        if unit == "%":
            return cls(text, share=number / 100)
        return cls(text, seconds=number / 1000 if unit == "ms" else number)

    def over(self, median: float) -> float:
        """The seconds by which this median may grow; a share of next to nothing is at least what can be measured."""
        if self.seconds is not None:
            return self.seconds
        return max((self.share or 0.0) * median, RESOLUTION)


@dataclass(frozen=True, slots=True)
class Interval:
    """The difference of two medians (the later minus the earlier) and between which values it lies with 95 % confidence, in seconds."""

    difference: float
    low: float
    high: float

    def to_json(self) -> dict[str, Any]:
        """In seconds, to a tenth of a millisecond."""
        return {name: round(getattr(self, name), 4) for name in ("difference", "low", "high")}


@dataclass(frozen=True, slots=True)
class LatencyChange:
    """One latency in both samples. ``runs``: in how many runs of each it was measured; a run may have it several times.

    ``interval`` is None where one of them has too few runs for a claim (see FEWEST), or none. ``service``: whether the service takes this
    time; what the caller takes is never a regression.
    """

    name: str
    before: Distribution | None
    after: Distribution | None
    runs: tuple[int, int]
    interval: Interval | None = None
    service: bool = True
    beyond: bool = False

    @property
    def direction(self) -> str:
        """ "slower" or "faster", where the interval leaves no doubt of it; "same" where it does; "unknown" without an interval."""
        if self.interval is None:
            return "unknown"
        if self.interval.low > 0 and self.interval.difference >= RESOLUTION:
            return "slower"
        return "faster" if self.interval.high < 0 and self.interval.difference <= -RESOLUTION else "same"

    def to_json(self) -> dict[str, Any]:
        """An element of ``latencies`` of a pair."""
        return {
            "name": self.name,
            "before": self.before.to_json() if self.before else None,
            "after": self.after.to_json() if self.after else None,
            "runs": {"before": self.runs[0], "after": self.runs[1]},
            "interval": self.interval.to_json() if self.interval else None,
            "direction": self.direction,
            "by": "service" if self.service else "caller",
            "regression": self.beyond,
        }


Values = Sequence[Sequence[float]]
"""The values of a latency, in seconds, run by run."""


def latency_change(
    name: str, before: Values, after: Values, *, budget: Budget | None = None, service: bool = True
) -> LatencyChange:
    """Compare a latency. A regression is only what lies beyond the budget with its whole interval."""
    was, now = ([run for run in runs if run] for runs in (before, after))
    first, then = (Distribution.of([value for run in runs for value in run]) if runs else None for runs in (was, now))
    runs = len(was), len(now)
    if first is None or then is None or min(runs) < FEWEST:
        return LatencyChange(name, first, then, runs, service=service)
    interval = bootstrap(was, now)
    beyond = budget is not None and service and interval.low > budget.over(first.median)
    return LatencyChange(name, first, then, runs, interval, service, beyond)


def bootstrap(before: Values, after: Values) -> Interval:
    """The difference of the medians with its interval: percentiles of the differences between samples drawn again and again.

    Whole runs are drawn, each with all its values: those of one call have its server and its network in common. Deterministic: the
    draws have a fixed seed, and the order of the runs has no influence. No run may be without a value.
    """
    import numpy

    random = numpy.random.default_rng(_SEED)
    differences = _medians(random, after) - _medians(random, before)
    edge = 50 * (1 - CONFIDENCE)
    low, high = numpy.percentile(differences, [edge, 100 - edge])
    first, then = (Distribution.of([value for run in runs for value in run]).median for runs in (before, after))
    # Differences of milliseconds in binary fractions: what cannot be measured is not told.
    return Interval(round(then - first, 6), round(float(low), 6), round(float(high), 6))


def _medians(random: Generator, runs: Values) -> NDArray[float64]:
    """The medians of RESAMPLES samples of runs, in portions that fit into memory.

    A run that was drawn twice counts twice: its values weigh as much, and the median is where half of the weight is reached.
    """
    import numpy

    ordered = sorted(sorted(run) for run in runs)
    pool = sorted((value, number) for number, run in enumerate(ordered) for value in run)
    values = numpy.array([value for value, _ in pool])
    owners = numpy.array([number for _, number in pool])
    chances = numpy.full(len(ordered), 1 / len(ordered))
    rows = max(_CELLS // len(pool), 1)
    found = []
    for done in range(0, RESAMPLES, rows):
        drawn = random.multinomial(len(ordered), chances, min(rows, RESAMPLES - done))
        reached = numpy.cumsum(drawn[:, owners], axis=1)
        half = reached[:, -1:] / 2
        found.append((values[(reached >= half).argmax(axis=1)] + values[(reached > half).argmax(axis=1)]) / 2)
    return numpy.concatenate(found)


def more_often(before: tuple[int, int], after: tuple[int, int]) -> float:
    """The chance of at least so many hits in the second sample if both were alike: Fisher's exact test, one-sided.

    Each sample is (hits, size). 1.0 where one of them is empty.
    """
    (hits, size), (later, others) = before, after
    if not size or not others:
        return 1.0
    total = hits + later
    whole = math.comb(size + others, total)
    most = min(others, total)
    return sum(math.comb(others, k) * math.comb(size, total - k) for k in range(later, most + 1)) / whole
