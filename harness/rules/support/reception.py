"""How the media came, measured and not judged: packets, loss, jitter, holes of each direction; and what the harness did to the network."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

from harness.protocol.opus import SAMPLE_RATE
from harness.rules.media.packets import REORDER
from harness.rules.support.fields import mapping, number, text
from harness.rules.support.packets import SEQUENCES, TIMESTAMPS, Packet, distance, packets
from harness.trace import Trace

_RESTART = 3000  # packets: by RFC 3550 appendix A.1 (MAX_DROPOUT) the sender has begun anew


def media_of(trace: Trace) -> dict[str, Any]:
    """``sent`` and ``received``, as the observer sees them, each as in :func:`reception`; ``network`` where the harness disturbed it.

    ``proxy`` is what a proxy added to the call, as it stands in its ``harness.relayed`` entry: delays in milliseconds.
    ``network`` is {conditions, sent, received, changes?}: the settings, and how many datagrams were lost, duplicated and reordered on
    purpose; ``changes`` where they were set more than once, each as {t, conditions}.
    """
    found: dict[str, Any] = {}
    for direction in ("sent", "received"):
        streams: dict[Any, list[Packet]] = {}
        for entry in trace.of("rtp.packets"):
            if text(entry.data, "direction") == direction:
                streams.setdefault(entry.data.get("ssrc"), []).extend(packets(entry))
        if streams:
            found[direction] = reception(streams.values())
        elif counted := _counted(trace, direction):
            found[direction] = counted
    relayed = trace.first("harness.relayed")
    if relayed is not None:
        found["proxy"] = dict(relayed.data)
    disturbed = trace.of("connection.disturbed")
    if disturbed:
        found["network"] = {
            name: dict(value)
            for name in ("conditions", "sent", "received")
            if (value := next((one for entry in reversed(disturbed) if (one := mapping(entry.data, name))), None))
        }
        set_to = [entry for entry in disturbed if "conditions" in entry.data]
        if len(set_to) > 1:
            changes = [{"t": entry.t, "conditions": dict(mapping(entry.data, "conditions"))} for entry in set_to]
            found["network"]["changes"] = changes
    return found


def _counted(trace: Trace, direction: str) -> dict[str, Any]:
    """The same from a browser's statistics, as far as they go: its counters at the end, its jitter on average and at its worst."""
    packets: dict[Any, float] = {}
    lost: dict[Any, float] = {}
    jitters: list[float] = []
    for entry in trace.of("rtp.stats"):
        if text(entry.data, "direction") == direction:
            ssrc = entry.data.get("ssrc")
            for counts, name in ((packets, "packets"), (lost, "lost")):
                if (count := number(entry.data, name)) is not None:
                    counts[ssrc] = max(count, 0)
            if (jitter := number(entry.data, "jitter_ms")) is not None:
                jitters.append(jitter)
    if not packets:
        return {}
    count, gone = int(sum(packets.values())), int(sum(lost.values()))
    return {
        "packets": count,
        "lost": gone,
        "loss_percent": round(100 * gone / (count + gone), 2) if count else 0.0,
        "jitter_ms": round(sum(jitters) / len(jitters), 2) if jitters else 0.0,
        "jitter_max_ms": round(max(jitters, default=0.0), 2),
    }


def reception(streams: Iterable[list[Packet]]) -> dict[str, Any]:
    """Measures of the packets of one direction, the streams (SSRCs) of which follow each other.

    ``packets``: different ones that came; ``lost`` and ``loss_percent``: numbers that are missing between the lowest and the highest;
    ``longest_loss``: most of them in a row; ``reordered``: packets that came after a later one; ``jitter_ms`` and ``jitter_max_ms``:
    the interarrival jitter (:rfc:`3550` section 6.4.1), on average and at its worst; ``longest_gap_ms``: between two arrivals.
    """
    count = lost = longest_loss = reordered = 0
    jitters: list[float] = []
    gap = 0.0
    for stream in streams:
        numbers: set[int] = set()
        highest = 0
        jitter = 0.0
        last: Packet | None = None
        for packet in stream:
            step = 0 if last is None else distance(highest % SEQUENCES, packet.sequence, SEQUENCES)
            if last is None:
                highest = packet.sequence + SEQUENCES
            elif abs(step) > _RESTART:
                lost, longest_loss = _missing(numbers, lost, longest_loss)
                count += len(numbers)
                numbers, highest, last, step = set(), packet.sequence + SEQUENCES, None, 0
            elif step > 0:
                highest += step
            elif -REORDER <= step < 0 and highest + step not in numbers:
                reordered += 1
            if last is not None:
                gap = max(gap, packet.t - last.t)
                media = distance(last.timestamp, packet.timestamp, TIMESTAMPS) / SAMPLE_RATE
                jitter += (abs(packet.t - last.t - media) - jitter) / 16
                jitters.append(jitter)
            numbers.add(highest + min(step, 0))
            last = packet
        lost, longest_loss = _missing(numbers, lost, longest_loss)
        count += len(numbers)
    return {
        "packets": count,
        "lost": lost,
        "loss_percent": round(100 * lost / (count + lost), 2) if count else 0.0,
        "longest_loss": longest_loss,
        "reordered": reordered,
        "jitter_ms": round(1000 * sum(jitters) / len(jitters), 2) if jitters else 0.0,
        "jitter_max_ms": round(1000 * max(jitters, default=0.0), 2),
        "longest_gap_ms": round(1000 * gap, 1),
    }


def _missing(numbers: set[int], lost: int, longest: int) -> tuple[int, int]:
    """The losses so far, and the longest of them, with those between these numbers."""
    ordered = sorted(numbers)
    for before, after in pairwise(ordered):
        lost += after - before - 1
        longest = max(longest, after - before - 1)
    return lost, longest


def as_text(media: Mapping[str, Any]) -> str:
    """One line for a report; empty where no media came."""
    parts = [
        f"{direction} {one['packets']} packets, {one['loss_percent']:g} % lost, jitter {one['jitter_ms']:g} ms"
        for direction in ("received", "sent")
        if (one := media.get(direction))
    ]
    added = added_text(mapping(media, "proxy"))
    return " · ".join([*parts, *([f"the proxy added {added}"] if added else [])])


def added_text(figures: Mapping[str, Any]) -> str:
    """What a proxy added to a call, on one line; empty where it handed nothing on."""
    parts = [
        f"{one['median_ms']:g} ms per {name.removesuffix('s')} (99th percentile {one['p99_ms']:g} ms, {one['count']} {name})"
        for name in ("events", "packets")
        if (one := mapping(figures, name))
    ]
    if held := mapping(figures, "held_events"):
        parts.append(f"{held['count']} events waited for the other side's channel, at most {held['longest_ms']:g} ms")
    if dropped := figures.get("dropped_packets"):
        parts.append(f"{dropped} packets came while the other side was not connected")
    return "; ".join(parts)
