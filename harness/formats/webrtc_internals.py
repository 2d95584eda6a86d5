"""Dumps of ``chrome://webrtc-internals``: one JSON object, often gzipped, with the calls and statistics of each RTCPeerConnection."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from harness.errors import NotARecord
from harness.formats.base import Record, counted
from harness.formats.peer_connection import PeerConnection, Sample, Update, record_of
from harness.protocol.messages import parse

FORM = "webrtc-internals"
_OURS = frozenset({"transport", "data-channel", "media-source", "inbound-rtp", "outbound-rtp", "remote-inbound-rtp"})
_SAMPLES = 1 << 18  # values that are read of all statistics


def recognise(text: str) -> bool:
    """Whether this is such a dump."""
    return re.match(r"\s*\{", text) is not None and '"PeerConnections"' in text


def read(text: str, where: str) -> tuple[Record, ...]:
    """The calls of a dump, one a connection. Raises NotARecord where none of the connections is a call."""
    try:
        dump = parse(text)
        found = dump["PeerConnections"]
    except (ValueError, KeyError, TypeError) as error:
        raise NotARecord(
            "a dump of webrtc-internals that is cut off", where=where, fix="create the dump again"
        ) from error
    listed = [one for one in found.values() if isinstance(one, Mapping)] if isinstance(found, Mapping) else []
    connections = [_connection(one) for one in listed]
    return records(connections, FORM, where)


def records(
    connections: Sequence[PeerConnection], form: str, where: str, left_out: Sequence[str] = ()
) -> tuple[Record, ...]:
    """The records of those connections that may be calls, in the order of their beginning."""
    calls = [one for one in connections if one.is_call]
    if not calls:
        closed = (
            "; Chromium forgets a connection that was closed: create the dump while the call is running"
            if not connections
            else ""
        )
        raise NotARecord(
            f"none of its connections ({len(connections)}) offers audio with a data channel beside it",
            where=where,
            fix=f"is this the dump of another page?{closed}",
        )
    others = len(connections) - len(calls)
    notes = [*left_out, *([counted(others, "other connection")] if others else [])]
    if len(calls) > 1:
        notes.append(f"{len(calls)} calls are in it, each judged by itself")
    calls.sort(key=lambda one: one.updates[0].t if one.updates else 0.0)
    return tuple(record_of(one, form, notes) for one in calls)


def _connection(one: Mapping[str, Any]) -> PeerConnection:
    log = one.get("updateLog")
    updates = [
        Update(t, str(update.get("type", "")), _value(update.get("value")))
        for update in (log if isinstance(log, list) else ())
        if isinstance(update, Mapping) and (t := _time(update)) is not None
    ]
    stats = one.get("stats")
    samples = list(_samples(stats)) if isinstance(stats, Mapping) else []
    return PeerConnection(updates, samples, str(one.get("url", "")))


def _value(value: Any) -> Any:
    """An argument: JSON in newer dumps, text in older ones."""
    if isinstance(value, str) and value[:1] in ("{", "[", '"'):
        try:
            return parse(value)
        except ValueError:
            return value
    return value


def _time(update: Mapping[str, Any]) -> float | None:
    """Epoch seconds: ``timestamp`` in milliseconds, or in older dumps ``time`` in the words of the machine's locale, or ISO."""
    stamp = update.get("timestamp")
    if isinstance(stamp, (int, float)) and not isinstance(stamp, bool):
        return stamp / 1000
    try:
        return datetime.fromisoformat(str(update.get("time"))).timestamp()
    except (ValueError, OverflowError):
        pass
    try:
        return datetime.strptime(str(update.get("time")), "%m/%d/%Y, %I:%M:%S %p").timestamp()
    except (ValueError, OverflowError):
        return None


def _samples(stats: Mapping[str, Any]) -> Iterator[Sample]:
    """The series, one a value of an object, turned into samples, one an object and time."""
    series: dict[str, tuple[str, dict[str, list[Any]]]] = {}
    left = _SAMPLES
    for name, one in stats.items():
        object_id, _, field = name.rpartition("-")
        if not isinstance(one, Mapping) or one.get("statsType") not in _OURS or field.startswith("["):
            continue
        values = _values(one.get("values"))
        left -= len(values)
        if left < 0:
            return
        series.setdefault(object_id, (str(one["statsType"]), {}))[1][field] = values
    for kind, fields in series.values():
        for at, t in enumerate(fields.get("timestamp", ())):
            if isinstance(t, (int, float)) and not isinstance(t, bool):
                # A value that came later has a shorter series: it is counted from the end.
                rows = {
                    name: values[place]
                    for name, values in fields.items()
                    if (place := at - len(fields["timestamp"]) + len(values)) >= 0
                }
                yield Sample(t / 1000, kind, rows)


def _values(written: Any) -> list[Any]:
    if isinstance(written, str):
        try:
            written = json.loads(written)
        except (ValueError, RecursionError):
            return []
    return written if isinstance(written, list) else []
