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
"""Values on each side that a claim needs: the range of five holds the true median in 93.75 % of all cases, that of six in 96.9 %."""
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
    """One latency in both samples. ``interval`` is None where one of them has too few values for a claim (see FEWEST), or none.

    ``service``: whether the service takes this time; what the caller takes is never a regression.
    """

    name: str
    before: Distribution | None
    after: Distribution | None
    interval: Interval | None = None
    service: bool = True
    beyond: bool = False

    @property
    def fewest(self) -> int:
        """The number of values on the side that has fewer."""
        return min(one.n if one else 0 for one in (self.before, self.after))

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
            "interval": self.interval.to_json() if self.interval else None,
            "direction": self.direction,
            "by": "service" if self.service else "caller",
            "regression": self.beyond,
        }


def latency_change(
    name: str, before: Sequence[float], after: Sequence[float], *, budget: Budget | None = None, service: bool = True
) -> LatencyChange:
    """Compare the values of one latency. A regression is only what lies beyond the budget with its whole interval."""
    first = Distribution.of(before) if before else None
    then = Distribution.of(after) if after else None
    if first is None or then is None or min(first.n, then.n) < FEWEST:
        return LatencyChange(name, first, then, service=service)
    interval = bootstrap(before, after)
    beyond = budget is not None and service and interval.low > budget.over(first.median)
    return LatencyChange(name, first, then, interval, service, beyond)


def bootstrap(before: Sequence[float], after: Sequence[float]) -> Interval:
    """The difference of the medians with its interval: percentiles of the differences between samples drawn again and again.

    Deterministic: the draws have a fixed seed, and the order of the values has no influence.
    """
    import numpy

    random = numpy.random.default_rng(_SEED)
    differences = _medians(random, sorted(after)) - _medians(random, sorted(before))
    edge = 50 * (1 - CONFIDENCE)
    low, high = numpy.percentile(differences, [edge, 100 - edge])
    # Differences of milliseconds in binary fractions: what cannot be measured is not told.
    found = Distribution.of(after).median - Distribution.of(before).median
    return Interval(round(found, 6), round(float(low), 6), round(float(high), 6))


def _medians(random: Generator, values: Sequence[float]) -> NDArray[float64]:
    """The medians of RESAMPLES samples drawn from the values, in portions that fit into memory."""
    import numpy

    pool = numpy.asarray(values)
    rows = max(_CELLS // len(pool), 1)
    return numpy.concatenate(
        [
            numpy.median(random.choice(pool, (min(rows, RESAMPLES - done), len(pool))), axis=1)
            for done in range(0, RESAMPLES, rows)
        ]
    )


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
