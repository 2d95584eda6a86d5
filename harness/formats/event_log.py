"""Logs of events: a JSON array, JSON lines, or lines pasted from a console; with or without times, directions and envelopes.

Which end sent an event follows from its type. Where a log marks directions, what its marks mean is learned from the events that only one
end sends ("->" may be towards the service or towards the client), and decides for types that are not known. An event with another
one inside is an envelope: ``{"time": ..., "source": "server", "event": {...}}``, a transport event of an SDK.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.errors import NotARecord
from harness.formats.base import Moment, Record, began, counted, iso
from harness.formats.clocks import Stamp, stamp_in, stamp_of, times_of
from harness.formats.jsons import Tangled, pieces
from harness.protocol.generations import GENERATIONS
from harness.protocol.messages import parse, size_of
from harness.trace import UNSEEN, Trace, dump

_BY_SERVICE = frozenset(kind for one in GENERATIONS for kind in one.server_events)
_BY_CLIENT = frozenset(kind for one in GENERATIONS for kind in one.client_events)
_FAMILY = re.compile(
    r"(?:session|transcription_session|conversation|input_audio_buffer|output_audio_buffer|response|rate_limits|mcp_list_tools)\.[a-z_.]+\Z"
)
_TIMES = (
    "timestamp",
    "time",
    "ts",
    "t",
    "at",
    "received_at",
    "sent_at",
    "logged_at",
    "date",
    "elapsed",
    "elapsed_ms",
    "timestamp_ms",
)
_MARKS = ("direction", "dir", "source", "sender", "from", "side", "origin", "way")
_LOGGED = frozenset((*_TIMES, *_MARKS, "level", "count", "seq", "index", "logger"))
_MARK = re.compile(
    r"(?i)(<-+|-+>|<=+|=+>|←|→|⬅|➡|<{1,3}|>{1,3}|\b(?:sent|send|sending|received|receive|recv|client|server|service|outgoing|incoming|outbound|inbound|"
    r"out|in|tx|rx|up|down|upstream|downstream)\b)"
)
_DEEPEST_ENVELOPE = 4
# A field that a logger adds stands in so large a share of the events, of both ends.
_EVERYWHERE = 0.9


@dataclass(frozen=True)
class _Line:
    event: dict[str, Any]
    stamp: Stamp | None
    mark: str

    @property
    def type(self) -> str:
        kind = self.event["type"]
        assert isinstance(kind, str)
        return kind


def is_event(value: Any) -> bool:
    """Whether this looks like an event of the Realtime API: a type that it has, or of one of its families."""
    if not isinstance(value, Mapping) or not isinstance(value.get("type"), str):
        return False
    kind = value["type"]
    if kind == "error":
        return isinstance(value.get("error"), Mapping)
    return kind in _BY_SERVICE or kind in _BY_CLIENT or _FAMILY.match(kind) is not None


def recognise(text: str) -> bool:
    """Whether an event stands in this text."""
    try:
        return any(_lines(value, before, 0) for before, value in pieces(text))
    except Tangled:
        return False


def read(text: str, where: str) -> tuple[Record, ...]:
    """The calls of a log, told apart where a session begins. Raises NotARecord where no event stands in it."""
    lines: list[_Line] = []
    broken = 0
    try:
        for before, value in pieces(text):
            found = _lines(value, before, 0)
            lines += found
            broken += value is None
    except Tangled as error:
        raise NotARecord(str(error), where=where, fix="cut the log down to its lines with events") from error
    if not lines:
        raise NotARecord("no event of the Realtime API stands in it", where=where)
    notes = [f"{counted(broken, 'line')} with JSON that is cut off"] if broken else []
    lines, told = _without_logged_fields(lines)
    times = times_of([told.get(number, line.stamp) for number, line in enumerate(lines)])
    notes += times.notes
    lines = [lines[place] for place in times.order]
    sides = _sides(lines)
    moments: list[Moment] = []
    seen: dict[str, str] = {}
    twice = 0
    for line, t, received in zip(lines, times.seconds, sides, strict=True):
        text_of = dump(line.event)
        id = line.event.get("event_id")
        if isinstance(id, str) and id and seen.get(id) == text_of:
            twice += 1
            continue
        if isinstance(id, str):
            seen[id] = text_of
        data: dict[str, Any] = {"event": line.event, "size": size_of(text_of)}
        if t is None:
            data[UNSEEN] = ["t"]
        moments.append(Moment(t, "event.received" if received else "event.sent", data))
    if twice:
        notes.append(f"{counted(twice, 'event')} logged twice")
    calls = _calls(moments)
    if len(calls) > 1:
        notes.append(f"{len(calls)} calls are in it, each judged by itself")
    return tuple(
        Record("events", times.clock, _shown(call), tuple(call), tuple(notes), excerpt=_excerpt(call)) for call in calls
    )


def write(trace: Trace) -> str:
    """The events of a trace as JSON lines: ``{"time": ..., "from": "client" | "service", "event": {...}}``; what was no event as ``text``.

    ``elapsed_ms`` stands instead of ``time`` where the trace does not say when it was.
    """
    out = []
    start = began(trace)
    for entry in trace.of("event.sent", "event.received", "event.undecodable"):
        said = {"text": entry.data.get("text", "")} if entry.kind == "event.undecodable" else {"event": entry.event}
        when = {"elapsed_ms": round(1000 * entry.t, 3)} if not start else {"time": iso(start + entry.t)}
        out.append(dump({**when, "from": trace.sender(entry), **said}))
    return "".join(f"{line}\n" for line in out)


def _lines(value: Any, before: str, depth: int, stamp: Stamp | None = None, mark: str = "") -> list[_Line]:
    """The events in a value: itself, those of a list, or the one in an envelope, with the time and mark nearest to it."""
    stamp = stamp or stamp_in(before)
    mark = mark or _mark(before)
    if isinstance(value, str) and value.lstrip().startswith("{"):
        try:
            value = parse(value)
        except ValueError:
            return []
    if is_event(value) and not _envelope(value):
        return [_Line(dict(value), stamp, mark)]
    if depth > _DEEPEST_ENVELOPE:
        return []
    if isinstance(value, list):
        if any(isinstance(one, (str, int, float)) for one in value):  # ["12:03:11.201", "sent", {...}]
            words = " ".join(str(one) for one in value if isinstance(one, str) and not one.lstrip().startswith("{"))
            number = next((one for one in value if isinstance(one, (int, float))), None)
            stamp, mark = stamp or stamp_in(words) or stamp_of(number), mark or _mark(words)
        return [line for one in value for line in _lines(one, "", depth + 1, stamp, mark)]
    if isinstance(value, Mapping):
        stamp = next((found for name in _TIMES if (found := stamp_of(value.get(name), name))), stamp)
        mark = next((one.lower() for name in _MARKS if isinstance(one := value.get(name), str) and one), mark)
        return [line for one in value.values() if _may_hold(one) for line in _lines(one, "", depth + 1, stamp, mark)]
    return []


def _may_hold(value: Any) -> bool:
    return isinstance(value, (Mapping, list)) or (isinstance(value, str) and value.lstrip().startswith("{"))


def _envelope(value: Mapping[str, Any]) -> bool:
    return value["type"] not in _BY_SERVICE and value["type"] not in _BY_CLIENT and any(map(is_event, value.values()))


def _mark(before: str) -> str:
    found = _MARK.findall(before.rpartition("\n")[2])
    return str(found[-1]).lower() if found else ""


def _without_logged_fields(lines: Sequence[_Line]) -> tuple[list[_Line], dict[int, Stamp | None]]:
    """The events without the fields that a logger put into nearly all of them, and the times that these say."""
    counts = Counter(name for line in lines for name in line.event if name in _LOGGED)
    added = {name for name, count in counts.items() if count >= max(2, _EVERYWHERE * len(lines))}
    if not added:
        return list(lines), {}
    out: list[_Line] = []
    stamps: dict[int, Stamp | None] = {}
    for number, line in enumerate(lines):
        stamp = next(
            (found for name in _TIMES if name in added and (found := stamp_of(line.event.get(name), name))), line.stamp
        )
        mark = next(
            (str(line.event[name]).lower() for name in _MARKS if name in added and name in line.event), line.mark
        )
        stamps[number] = stamp
        out.append(_Line({name: value for name, value in line.event.items() if name not in added}, stamp, mark))
    return out, stamps


def _sides(lines: Sequence[_Line]) -> list[bool]:
    """Whether the service sent each of them: by its type, else by what its mark means elsewhere, else as the one before."""
    votes: dict[str, Counter[bool]] = {}
    for line in lines:
        if line.mark and _side(line.type) is not None:
            votes.setdefault(line.mark, Counter())[bool(_side(line.type))] += 1
    meaning = {mark: counts.most_common(1)[0][0] for mark, counts in votes.items()}
    out: list[bool] = []
    for line in lines:
        known = _side(line.type)
        by_mark = meaning.get(line.mark) if line.mark else None
        out.append(known if known is not None else by_mark if by_mark is not None else out[-1] if out else True)
    return out


def _side(kind: str) -> bool | None:
    return True if kind in _BY_SERVICE else False if kind in _BY_CLIENT else None


def _calls(moments: Sequence[Moment]) -> list[list[Moment]]:
    """The moments of each session: a second session.created begins another call, with what the client sent just before."""
    begins = [at for at, one in enumerate(moments) if one.data["event"].get("type") == "session.created"]
    cuts = [0]
    for at in begins[1:]:
        while at > cuts[-1] and moments[at - 1].kind == "event.sent" and _type(moments[at - 1]) in ("session.update",):
            at -= 1
        cuts.append(at)
    return [list(moments[start:end]) for start, end in zip(cuts, [*cuts[1:], len(moments)], strict=True)]


def _type(moment: Moment) -> str:
    return str(moment.data["event"].get("type"))


def _shown(moments: Sequence[Moment]) -> tuple[str, ...]:
    """A log shows the events of an end where it has one of it."""
    return tuple(sorted({one.kind for one in moments}))


def _excerpt(moments: Sequence[Moment]) -> bool:
    first = next(_of_service(moments), None)
    return first is not None and first != "session.created"


def _of_service(moments: Sequence[Moment]) -> Iterator[str]:
    return (_type(one) for one in moments if one.kind == "event.received")
