"""Several records of one call, joined on one clock."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import replace

from harness.errors import NotARecord
from harness.formats.base import Moment, Record
from harness.formats.clocks import DAY
from harness.trace import UNSEEN

_APART = 3600.0  # seconds between the ends of two records of one call, at most: a call lasts no longer
_ZONE = 900.0  # seconds: every time zone is a whole number of quarters of an hour away from UTC
_UFRAG = re.compile(r"a=ice-ufrag:(\S+)")
_HTTP_FIRST = ("http", "rtcstats", "webrtc-internals", "events")
"""In which order things of one time are told, by the form that shows them."""


def joined(records: Sequence[Record], where: str) -> Record:
    """One record of the call that all of these show. Raises NotARecord where they cannot be of one call."""
    if len(records) == 1:
        return records[0]
    records = sorted(records, key=lambda one: _HTTP_FIRST.index(one.form))
    _same_call(records, where)
    fixed = [one for one in records if one.clock == "epoch"]
    notes = [f"{one.form}: {note}" for one in records for note in one.left_out]
    if not fixed:
        raise NotARecord("none of the files says when it was recorded", where=where, fix="judge each by itself")
    told = [_on_epoch(one, fixed, notes) for one in _without_samples(records)]
    kept = _once(told)
    rows = [row for number, one in enumerate(kept) for row in _keyed(one, number)]
    rows.sort(key=lambda row: row[0])
    return Record(
        form="+".join(one.form for one in records),
        clock="epoch",
        shows=tuple(dict.fromkeys(kind for one in told for kind in one.shows)),
        moments=tuple(moment for _, moment in rows),
        left_out=tuple(notes),
        excerpt=any(one.excerpt for one in records),
        hints=tuple(hint for one in records for hint in one.hints),
    )


def _same_call(records: Sequence[Record], where: str) -> None:
    fix = "give the files of one call, and judge another call by itself"
    marks = [set(_UFRAG.findall(text)) for one in records if (text := _offer(one))]
    if any(not first & second for first, second in itertools.pairwise(marks)):
        raise NotARecord("the files show different offers: they are of different calls", where=where, fix=fix)
    spans = [(times[0], times[-1]) for one in records if one.clock == "epoch" and (times := _times(one))]
    for (begun, ended), (other, over) in itertools.combinations(spans, 2):
        if other - ended > _APART or begun - over > _APART:
            raise NotARecord("the files were recorded hours apart: they are of different calls", where=where, fix=fix)


def _offer(record: Record) -> str:
    return next((str(one.data["sdp"]) for one in record.moments if one.kind == "sdp.offer"), "")


def _times(record: Record) -> list[float]:
    return sorted(one.t for one in record.moments if one.t is not None)


def _on_epoch(record: Record, fixed: Sequence[Record], notes: list[str]) -> Record:
    """A record's times as epoch seconds, where they can be; else its entries stand in their order, and without times."""
    times = _times(record)
    if record.clock == "epoch" or not times:
        return record
    anchor = _opened(fixed)
    if record.clock == "day":
        midnight = anchor - anchor % DAY
        shifts = (midnight + zone * _ZONE for zone in range(-104, 105))
        return record.shifted(min(shifts, key=lambda shift: abs(times[0] + shift - anchor)))
    notes.append(
        f"{record.form}: its clock cannot be joined with the others; its entries stand behind the answer, without times"
    )
    untimed = (
        replace(one, t=None, data={**one.data, UNSEEN: [*one.data.get(UNSEEN, ()), "t"]}) for one in record.moments
    )
    return replace(record, moments=tuple(untimed), clock="none")


def _without_samples(records: Sequence[Record]) -> list[Record]:
    """Beside events, which show the channel at work, a state from statistics is in the way: it came some time before it was seen."""
    if not any(one.form == "events" for one in records):
        return list(records)
    sampled = ("channel.open", "connection.dtls")
    return [
        replace(
            one,
            shows=tuple(kind for kind in one.shows if kind not in sampled),
            moments=tuple(moment for moment in one.moments if moment.kind not in sampled),
        )
        for one in records
    ]


def _opened(fixed: Sequence[Record]) -> float:
    """When the call had its answer, which the first event follows; else the end of what is known."""
    answers = [one.t for record in fixed for one in record.moments if one.kind == "sdp.answer" and one.t is not None]
    return max(answers) if answers else max(times[-1] for record in fixed if (times := _times(record)))


def _once(records: Sequence[Record]) -> list[Record]:
    """A description that two records show stands once: as the page set it, not as it went over the wire."""
    own = [one for one in records if one.form not in ("http", "events")]
    shown = {moment.kind for one in own for moment in one.moments if moment.kind in ("sdp.offer", "sdp.answer")}
    return [
        one if one in own else replace(one, moments=tuple(moment for moment in one.moments if moment.kind not in shown))
        for one in records
    ]


def _keyed(record: Record, number: int) -> list[tuple[tuple[float, int], Moment]]:
    """Each moment with its place: its time, or that of the one before it; a record without times stands behind all others."""
    at = next(iter(_times(record)), float("inf"))
    rows = []
    for moment in record.moments:
        at = at if moment.t is None else max(at, moment.t)
        rows.append(((at, number), moment))
    return rows
