"""What a number of measured values says: median, percentiles. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Distribution:
    """How values in seconds lie: how many there are, their ``median``, and the value that 95 % of them do not exceed."""

    n: int
    median: float
    p95: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Distribution:
        """The distribution of these values. Raises ValueError where there are none."""
        return cls(len(values), statistics.median(values), percentile(values, 95))

    def to_json(self) -> dict[str, Any]:
        """In seconds, to a tenth of a millisecond."""
        return {"n": self.n, "median": round(self.median, 4), "p95": round(self.p95, 4)}


def percentile(values: Iterable[float], share: float) -> float:
    """The smallest of the values that ``share`` percent of them do not exceed: always one that was measured, never one in between.

    Of fewer than 20 values the 95th percentile is the largest. Raises ValueError where there are none.
    """
    ordered = sorted(values)
    if not ordered:
        raise ValueError("no value has no percentile")
    return ordered[max(math.ceil(len(ordered) * share / 100) - 1, 0)]


def pooled(several: Iterable[Mapping[str, Sequence[float]]]) -> dict[str, list[float]]:
    """The values of many runs under each name, in their order."""
    found: dict[str, list[float]] = {}
    for one in several:
        for name, values in one.items():
            found.setdefault(name, []).extend(values)
    return found


def in_words(seconds: float) -> str:
    """A short time as people say it: milliseconds below a second."""
    return f"{seconds:.2f} s" if abs(seconds) >= 1 else f"{seconds * 1000:.0f} ms"
