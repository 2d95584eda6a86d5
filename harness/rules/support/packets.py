"""The packets of the RTP streams, with the arithmetic of their sequence numbers and timestamps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from harness.rules.base import View
from harness.rules.support.fields import index, listing, number, text
from harness.trace import Entry, Observer

SEQUENCES, TIMESTAMPS = 1 << 16, 1 << 32


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet's header: arrival in seconds of the trace, sequence number, RTP timestamp, size, marker, Opus TOC (-1: empty)."""

    t: float
    sequence: int
    timestamp: int
    size: int
    marker: bool
    toc: int


Streams = dict[tuple[str, int | None], list[tuple[Entry, list[Packet]]]]


def _is_number(field: Any) -> bool:
    return isinstance(field, (int, float)) and abs(field) < TIMESTAMPS * 2


def packets(entry: Entry) -> list[Packet]:
    """The packets of an rtp.packets entry; rows that are not well-formed are left out."""
    first = number(entry.data, "first")
    start = entry.t if first is None else first
    found = []
    for row in listing(entry.data, "packets"):
        if isinstance(row, Sequence) and len(row) == 6 and all(_is_number(field) for field in row):
            dt, sequence, timestamp, size, marker, toc = row
            found.append(Packet(start + dt / 1000, int(sequence), int(timestamp), int(size), bool(marker), int(toc)))
    return found


def streams(view: View) -> Streams:
    """RTP by (direction, SSRC), in order, each entry with its packets. Computed once for a trace."""
    derived = view.trace.derived
    if "streams" not in derived:
        found: Streams = {}
        for entry in view.trace.of("rtp.packets"):
            key = (text(entry.data, "direction"), index(entry.data, "ssrc"))
            found.setdefault(key, []).append((entry, packets(entry)))
        derived["streams"] = found
    result: Streams = derived["streams"]
    return result


def distance(old: int, new: int, modulus: int) -> int:
    """How far ``new`` is ahead of ``old`` in serial arithmetic; negative where it lies behind."""
    half = modulus // 2
    return (new - old + half) % modulus - half


def sent_by(view: View, party: Observer) -> Iterator[list[tuple[Entry, list[Packet]]]]:
    """The RTP streams that ``party`` sends."""
    for stream in streams(view).values():
        if view.trace.sender(stream[0][0]) == party:
            yield stream
