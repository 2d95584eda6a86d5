"""Times as logs write them: what stands for a time in a field or in the words before an event, and what a whole log's times mean."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from statistics import median

from harness.formats.base import Clock

DAY = 86400.0
_ISO = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)?")
_OF_DAY = re.compile(r"(?<![\d:])(\d{1,2}):(\d\d):(\d\d)(?:[.,](\d{1,9}))?(?![\d:])")
_MINUTES = re.compile(r"(?<![\d:.])(\d{1,3}):(\d\d)[.,](\d{1,3})(?![\d:])")
_UNIT = re.compile(r"(?<![\w.])\+?(\d+(?:\.\d+)?)\s*(ms|s)\b")
_EPOCH = re.compile(r"(?<![\w.])(1\d{9}(?:\.\d+)?|1\d{12}(?:\.\d+)?)(?![\w.])")
_PLAIN = re.compile(r"^\W*(\d+\.\d+)\b")
# A number is an epoch time from here on, by its unit: 2001 in seconds, milliseconds, microseconds, nanoseconds.
_EPOCHS = ((1e18, 1e9), (1e15, 1e6), (1e12, 1e3), (1e9, 1.0))
# A call sends several events a second and ends within the hour: a log whose numbers would make it slower or longer counts milliseconds.
_LONGEST_CALL = 5400.0
_SLOWEST = 5.0
# More falling times than this share, and the lines are out of order; fewer, and the clock was set.
_UNORDERED = 0.1


@dataclass(frozen=True, slots=True)
class Stamp:
    """A time as it was written: ``seconds`` by its own unit, on this ``clock``; ``fine``: below a second; ``unit`` is known."""

    seconds: float
    clock: Clock
    fine: bool
    unit: bool = True


def stamp_of(value: object, name: str = "") -> Stamp | None:
    """The time in a field's value, or None. ``name`` is the field's, which may say its unit (``elapsed_ms``)."""
    if isinstance(value, str):
        return stamp_in(value) or (_number(float(value), name) if re.fullmatch(r"\d+(\.\d+)?", value.strip()) else None)
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) and value >= 0:
        return _number(float(value), name)
    return None


def stamp_in(text: str) -> Stamp | None:
    """The first time in the words before an event, or None."""
    if found := _ISO.search(text):
        return _iso(found[0])
    if found := _OF_DAY.search(text):
        hours, minutes, seconds, part = int(found[1]), int(found[2]), int(found[3]), found[4] or ""
        if hours < 24 and minutes < 60 and seconds < 60:
            return Stamp(hours * 3600 + minutes * 60 + seconds + float(f"0.{part or 0}"), "day", bool(part))
    if found := _MINUTES.search(text):
        return Stamp(int(found[1]) * 60 + int(found[2]) + float(f"0.{found[3]}"), "relative", True)
    if found := _UNIT.search(text):
        return Stamp(
            float(found[1]) / (1000 if found[2] == "ms" else 1), "relative", found[2] == "ms" or "." in found[1]
        )
    if found := _EPOCH.search(text):
        return _number(float(found[1]), "")
    if found := _PLAIN.search(text):
        return _number(float(found[1]), "")
    return None


def _iso(text: str) -> Stamp | None:
    try:
        when = datetime.fromisoformat(text.replace(",", "."))
    except ValueError:
        return None
    fine = bool(re.search(r"[.,]\d", text))
    if when.tzinfo is None:
        return Stamp(when.replace(tzinfo=UTC).timestamp() % DAY, "day", fine)
    return Stamp(when.timestamp(), "epoch", fine)


def _number(value: float, name: str) -> Stamp:
    for least, unit in _EPOCHS:
        if value >= least:
            return Stamp(value / unit, "epoch", unit > 1 or not value.is_integer())
    if re.search(r"(?i)(?:_|\b)ms\b|millis", name) or name.endswith("Ms"):
        return Stamp(value / 1000, "relative", True)
    return Stamp(value, "relative", not value.is_integer(), unit=False)


@dataclass(frozen=True)
class Times:
    """The times of a log's entries in seconds, None where one has none or must not be relied on; on which ``clock``; what was noticed.

    ``order``: the positions of the entries in the order in which they happened.
    """

    seconds: tuple[float | None, ...]
    clock: Clock
    order: tuple[int, ...]
    notes: tuple[str, ...] = ()


def times_of(stamps: Sequence[Stamp | None]) -> Times:
    """What the stamps of a whole log say. A log with times to the second only, or on two clocks, keeps its order and loses its times."""
    places = tuple(range(len(stamps)))
    known = [one for one in stamps if one is not None]
    nothing = Times((None,) * len(stamps), "none", places)
    if not known or len(known) * 2 < len(stamps):
        return nothing
    clocks = {one.clock for one in known}
    if len(clocks) > 1:
        return Times(nothing.seconds, "none", places, ("its times are on two clocks, and were not used",))
    (clock,) = clocks
    values = [None if one is None else one.seconds for one in stamps]
    if clock == "day":
        values = _over_midnight(values)
    if clock == "relative" and not all(one.unit for one in known):
        values = _by_pace(values)
    elif not any(one.fine for one in known):
        seconds, order, notes = _ordered(values)
        return Times((None,) * len(stamps), "none", order, (*notes, "its times are to the second, and were not used"))
    seconds, order, notes = _ordered(values)
    return Times(seconds, clock, order, notes)


def _over_midnight(values: Sequence[float | None]) -> list[float | None]:
    days = 0.0
    last: float | None = None
    out: list[float | None] = []
    for value in values:
        if value is not None:
            if last is not None and last - value > DAY / 2:
                days += DAY
            elif last is not None and value - last > DAY / 2:
                days -= DAY
            last = value
        out.append(None if value is None else value + days)
    return out


def _by_pace(values: Sequence[float | None]) -> list[float | None]:
    """Numbers without a unit: seconds, or milliseconds where seconds would make the call too long or too slow."""
    known = sorted(value for value in values if value is not None)
    gaps = [after - before for before, after in pairwise(known)]
    slow = known[-1] - known[0] > _LONGEST_CALL or (bool(gaps) and median(gaps) > _SLOWEST)
    return [None if value is None else value / (1000 if slow else 1) for value in values]


def _ordered(values: Sequence[float | None]) -> tuple[tuple[float | None, ...], tuple[int, ...], tuple[str, ...]]:
    """The times in the order of what happened: a log with the newest first is turned round, one out of order is sorted by time.

    A few falling times are a clock that was set: their order is that of the lines, and their times are not known.
    """
    known = [value for value in values if value is not None]
    steps = [after - before for before, after in pairwise(known)]
    falling = sum(step < 0 for step in steps)
    places = list(range(len(values)))
    notes: tuple[str, ...] = ()
    if falling and falling > len(steps) / 2:
        places.reverse()
        notes = ("it has the newest first, and was read from its end",)
    elif falling > len(steps) * _UNORDERED:
        held = -math.inf
        keys = []
        for value in values:
            held = held if value is None else value
            keys.append(held)
        places.sort(key=lambda place: keys[place])
        notes = ("its lines were out of order, and were sorted by time",)
    out: list[float | None] = []
    highest = -math.inf
    jumps = 0
    for place in places:
        value = values[place]
        if value is not None and value < highest:
            jumps += 1
            value = None
        highest = max(highest, -math.inf if value is None else value)
        out.append(value)
    if jumps:
        notes = (*notes, f"its clock was set back: {jumps} of its times were not used")
    return tuple(out), tuple(places), notes
