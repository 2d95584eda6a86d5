"""Reads traces: NDJSON in, header, entries and end out; what is wrong with a file is named with its line."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.errors import BrokenTrace, NotATrace, UnknownTraceVersion
from harness.trace.model import VERSION, Entry, Header, Trace

_LONGEST = 1e9  # seconds; no recording lasts that long, and a float still counts microseconds there


def read_trace(source: Path | str | Iterable[str]) -> Trace:
    """Read a trace from a file or from lines; a file is read line by line, so that memory goes by what is in it, not by its text.

    A last line that is cut off is dropped and the trace counts as "truncated": that is what a killed run leaves.
    Raises NotATrace, UnknownTraceVersion or BrokenTrace, each naming the file and line.
    """
    if not isinstance(source, (str, Path)):
        return Trace(*_parse("trace", iter(source)))
    path = Path(source)
    try:
        with path.open("rb") as file:
            return Trace(*_parse(str(source), _decoded(file, path)))
    except OSError as error:
        raise NotATrace(
            error.strerror or str(error), where=str(path), fix="give the path of a trace (.ndjson)"
        ) from error


def _decoded(file: Iterable[bytes], path: Path) -> Iterator[str]:
    """The lines of a file as text; the tail of a killed run may end inside a character."""
    for raw in file:
        try:
            yield raw.decode("utf-8")
        except UnicodeDecodeError as error:
            if error.start >= len(raw) - 4 and not raw.endswith(b"\n"):
                yield raw[: error.start].decode("utf-8")
                return
            raise NotATrace(
                "not UTF-8 text", where=str(path), fix="a trace is NDJSON; is this an audio file?"
            ) from error


def _parse(name: str, lines: Iterator[str]) -> tuple[Header, tuple[Entry, ...], str]:
    first = next(lines, "")
    if not first.strip() and not any(line.strip() for line in lines):
        raise NotATrace("the file is empty", where=name, fix="a run writes its traces below --out, in traces/")
    header = _header(name, first)
    entries: list[Entry] = []
    rest = _numbered(lines)
    for number, line, last in rest:
        where = f"{name}:{number}"
        try:
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            if last:
                break
            raise BrokenTrace(
                f"not JSON: {str(error).partition(':')[0]}",
                where=where,
                fix="the file was edited or damaged; use the original",
            ) from error
        if isinstance(value, dict) and "end" in value and "kind" not in value:
            if value.get("entries") != len(entries):
                raise BrokenTrace(
                    f"the footer counts {value.get('entries')} entries, {len(entries)} are here", where=where
                )
            if any(one.strip() for _, one, _ in rest):
                raise BrokenTrace(
                    "lines after the footer",
                    where=f"{name}:{number + 1}",
                    fix="one file holds one recording; judge each by itself",
                )
            return header, tuple(entries), str(value["end"])
        entry = _entry(where, value, len(entries))
        if entries and entry.t < entries[-1].t:
            raise BrokenTrace(f"time falls from {entries[-1].t} to {entry.t}", where=where, fix="lines were moved")
        entries.append(entry)
    return header, tuple(entries), "truncated"


def _numbered(lines: Iterator[str]) -> Iterator[tuple[int, str, bool]]:
    """The lines behind the first, each with its number and whether it is the last."""
    line = next(lines, None)
    for number in itertools.count(2):
        if line is None:
            return
        following = next(lines, None)
        yield number, line, following is None
        line = following


def _header(name: str, line: str) -> Header:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict) or "trace" not in value:
        raise NotATrace(
            "the first line is not a trace header",
            where=f"{name}:1",
            fix="a trace is an .ndjson file below reports/traces/; harness judge FILE --out reports makes one of other records",
        )
    if value["trace"] is True or value["trace"] != VERSION:
        raise UnknownTraceVersion(
            f"trace version {value['trace']!r}, this program reads version {VERSION}",
            where=f"{name}:1",
            fix="judge it with the harness version named in its header, or upgrade",
        )
    known = {"trace", "observer", "dialect", "target", "scenario", "time", "harness", "shows", "excerpt"}
    if value.get("observer") not in ("client", "service") or not isinstance(value.get("dialect"), str):
        raise BrokenTrace("the header lacks observer or dialect", where=f"{name}:1")
    return Header(
        observer=value["observer"],
        dialect=value["dialect"],
        target=str(value.get("target", "")),
        scenario=str(value.get("scenario", "")),
        time="virtual" if value.get("time") == "virtual" else "real",
        harness=str(value.get("harness", "")),
        shows=tuple(value["shows"]) if _texts(value.get("shows")) else None,
        excerpt=value.get("excerpt") is True,
        extra={key: inner for key, inner in value.items() if key not in known},
    )


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < _LONGEST


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _object(value: Any) -> bool:
    return isinstance(value, dict)


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_text, value))


def _numbers(value: Any) -> bool:
    return isinstance(value, list) and all(map(_number, value))


def _packets(value: Any) -> bool:
    """Rows of dt_ms, sequence, timestamp, size, marker, toc."""
    rows = value if isinstance(value, list) else [None]
    return all(
        isinstance(row, list) and len(row) == 6 and _whole(row[2]) and _numbers(row[:2] + row[3:]) for row in rows
    )


def _headers(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_text, value.values()))


_STATE = (("state", _text),)
_STEP = (("step", _whole), ("text", _text), ("word", _text), ("expected", _text), ("actual", _text))
_HTTP = (
    ("id", _whole),
    ("step", _text),
    ("headers", _headers),
    ("url", _text),
    ("method", _text),
    ("status", _whole),
    ("seconds", _number),
)
_CHANNEL = (("label", _text), ("direction", _text), ("message", _text), ("stream", _whole))
_AUDIO = (
    ("direction", _text), ("state", _text), ("at", _number), ("start", _number), ("step", _number), ("levels", _numbers),
    ("speech", _numbers), ("clipped", _numbers), ("flatness", _numbers), ("breaks", _numbers), ("size", _whole), ("sequence", _whole), ("seconds", _number), ("path", _text),
)  # fmt: skip
_RTP = (
    ("direction", _text), ("ssrc", lambda value: value is None or _whole(value)), ("payload_type", _whole), ("first", _number),
    ("packets", _packets), ("types", _texts),
)  # fmt: skip
_STATS = (
    ("direction", _text),
    ("ssrc", _whole),
    ("packets", _number),
    ("lost", _number),
    ("jitter_ms", _number),
    ("level", _number),
)
_EVENT = (("event", _object), ("size", _whole), ("direction", _text), ("reason", _text), ("text", _text))
_HARNESS = (("text", _text), ("error", _text), ("step", _text), ("what", _text), ("seen", _text), ("fix", _text))

# What the fields of an entry are, as far as its readers rely on it; what a peer sent (bodies, events) may be anything.
_FIELDS: Mapping[str, tuple[tuple[str, Callable[[Any], bool]], ...]] = {
    **dict.fromkeys(("harness.note", "harness.error", "harness.log"), _HARNESS),
    **dict.fromkeys(("http.request", "http.response", "http.failed"), _HTTP),
    **dict.fromkeys(("sdp.offer", "sdp.answer", "sdp.rejected"), (("sdp", _text), ("reason", _text))),
    **dict.fromkeys([f"connection.{what}" for what in ("signaling", "gathering", "ice", "dtls", "state")], _STATE),
    **dict.fromkeys([f"channel.{what}" for what in ("created", "open", "dcep", "closed")], _CHANNEL),
    **dict.fromkeys([f"event.{what}" for what in ("sent", "received", "undecodable")], _EVENT),
    **dict.fromkeys([f"rtp.{what}" for what in ("packets", "rtcp")], _RTP),
    "rtp.stats": _STATS,
    **dict.fromkeys([f"audio.{what}" for what in ("levels", "speech", "undecodable", "file")], _AUDIO),
    **dict.fromkeys([f"step.{what}" for what in ("started", "met", "missed", "said")], _STEP),
}


def _entry(where: str, value: Any, expected_seq: int) -> Entry:
    match value:
        case {"seq": int(seq), "t": int() | float() as t, "kind": str(kind), "data": dict(data)} if 0 <= t < _LONGEST:
            if seq != expected_seq:
                raise BrokenTrace(
                    f"entry {seq} where {expected_seq} belongs", where=where, fix="lines are missing or were moved"
                )
            wrong = [name for name, right in _FIELDS.get(kind, ()) if name in data and not right(data[name])]
            if wrong:
                raise BrokenTrace(f"{kind} has a {wrong[0]} that it cannot have", where=where)
            return Entry(seq, float(t), kind, data)
    raise BrokenTrace("not a trace entry (seq, t, kind, data)", where=where)
