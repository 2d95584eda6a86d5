"""The audio of a recorded service as packets with their times and headers, and when each of them leaves in a replay. Pure.

Every packet belongs to the act of the service before it: it leaves as long after that act as in the recording. While an act waits for the
client longer than it did then, silence fills the time where the recorded stream had no pause; where it waits less, what would be late is
left out. Sequence numbers and timestamps keep their recorded steps, right or wrong, but for these places, where they go on.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from harness.errors import NotATrace
from harness.media.capture import Places, Timeline
from harness.media.ogg_reader import packets as ogg_packets
from harness.media.opus import SILENCE, packet_samples
from harness.protocol.rtp import RtpPacket
from harness.trace import Recording, Trace

FRAME_SECONDS, FRAME_SAMPLES, SAMPLE_RATE = 0.02, 960, 48000
PATIENCE = 0.06
"""Seconds without a packet after which silence fills the time that an act waits: three packets."""
PAUSE = 0.1
"""A stream that had no packet for so long paused by itself: nothing is filled in."""
LATE = 0.1
"""A packet that is later than this is left out."""
OVERLAP = 0.04
"""Seconds that what came before an act may still take after it: two packets."""
SHIFTED = 0.02
"""A change of the shift between recording and replay below this is jitter; the stream goes on as recorded."""
TICK = 1e-6
"""Seconds that are no time: what is due within them is due."""
_NEAR = 480
"""Samples by which a packet's place in the file may differ from its place in the stream: silence fills gaps by whole packets."""


@dataclass(frozen=True, slots=True)
class Packet:
    """A recorded packet of the service: ``t`` in seconds of the trace, its header, its octets (None where the recording has them not).

    ``broken``: they did not decode.
    """

    t: float
    sequence: int
    timestamp: int
    marker: bool
    payload_type: int
    ssrc: int
    size: int
    toc: int
    broken: bool = False
    payload: bytes | None = None


def packets_of(recording: Recording, *, silence: bool = False) -> tuple[Packet, ...]:
    """Every RTP packet that the service sent, in the order of its time, with its octets from the audio beside the trace.

    Raises NotATrace where there were packets and the audio is missing, unless ``silence`` is to stand for it, and where it is no Ogg
    Opus file.
    """
    direction = recording.trace.direction("service")
    found = sorted(_headers(recording.trace, direction), key=lambda packet: packet.t)
    if not found:
        return ()
    data = recording.audio(direction)
    if data is None:
        if silence:
            return tuple(found)
        raise NotATrace(
            f"the service's audio is missing: {len(found)} packets are in the trace, and no {direction}.ogg beside it",
            where=recording.name,
            fix="put the file back (a run leaves it in audio/ beside traces/), or replay with silence: --silence, or recording: {silence: true}",
        )
    try:
        return _with_payloads(found, list(ogg_packets(data)))
    except ValueError as error:
        raise NotATrace(
            str(error), where=f"{recording.name}: {direction} audio", fix="use the recording's own file"
        ) from error


def first_packet(trace: Trace, direction: str) -> float:
    """When the first packet of a direction was seen, in seconds of the trace: the beginning of its file."""
    packets = (one.data for one in trace.of("rtp.packets") if one.data.get("direction") == direction)
    return min((float(one.get("first") or 0.0) for one in packets), default=0.0)


def _headers(trace: Trace, direction: str) -> Iterator[Packet]:
    broken = {
        one.data.get("sequence") for one in trace.of("audio.undecodable") if one.data.get("direction") == direction
    }
    for entry in trace.of("rtp.packets"):
        data = entry.data
        if data.get("direction") != direction:
            continue
        first = float(data.get("first") or 0.0)
        for dt, sequence, timestamp, size, marker, toc in data.get("packets", ()):
            t = first + dt / 1000
            stream = int(data.get("payload_type") or 0), int(data.get("ssrc") or 0)
            yield Packet(
                t, int(sequence), int(timestamp), bool(marker), *stream, int(size), int(toc), sequence in broken
            )


def _with_payloads(found: Sequence[Packet], encoded: Sequence[bytes]) -> tuple[Packet, ...]:
    """Each packet with the octets that stand at its place in the file; what the file does not hold keeps None."""
    timeline, places = Timeline(), Places()
    placed: list[tuple[int, int]] = []
    for number, one in enumerate(found):
        stub = RtpPacket("received", one.ssrc, one.payload_type, one.sequence, one.timestamp, one.marker, b"x", one.t)
        _, late, position = timeline.place(stub)
        if position is not None and one.size:
            placed.append((places.of(position, late, one.toc), number))
    placed.sort()
    payloads: dict[int, bytes] = {}
    at, place, origin = 0, 0, placed[0][0] if placed else 0
    for position, number in placed:
        wanted = found[number]
        there = at, place
        while at < len(encoded) and place < position - origin - _NEAR:
            place += _samples(encoded[at])
            at += 1
        while at < len(encoded) and place <= position - origin + _NEAR:
            payload = encoded[at]
            place += _samples(payload)
            at += 1
            if len(payload) == wanted.size and payload[0] == wanted.toc:
                payloads[number] = payload
                break
        else:
            at, place = there
    return tuple(replace(one, payload=payloads.get(number)) for number, one in enumerate(found))


def _samples(payload: bytes) -> int:
    try:
        return packet_samples(payload)
    except ValueError:
        return FRAME_SAMPLES


def resounded(packets: Sequence[Packet], rewrite: Callable[[Sequence[bytes]], Sequence[bytes]]) -> tuple[Packet, ...]:
    """The packets with each stretch of sound as ``rewrite`` makes it: a fault of the sound. What becomes longer is cut, shorter is silence."""
    made = list(packets)
    for sounds, group in groupby(range(len(made)), lambda number: made[number].payload not in (None, SILENCE)):
        stretch = list(group)
        before = [made[number].payload or SILENCE for number in stretch]
        changed = rewrite(before) if sounds else before
        if changed == before:
            continue
        for place, number in enumerate(stretch):
            made[number] = replace(made[number], payload=changed[place] if place < len(changed) else SILENCE)
    return tuple(made)


@dataclass(frozen=True, slots=True)
class Leaving:
    """A packet as it leaves: its header relative to the first packet of the replay (``sequence`` and ``timestamp`` count from 0).

    ``payload_type`` and ``stream`` are None and 0 for the usual ones, else those recorded.
    """

    sequence: int
    timestamp: int
    marker: bool
    payload: bytes
    payload_type: int | None = None
    stream: int = 0


class AudioReplay:
    """Which packet leaves when. ``acts`` are the recorded times of the service's acts, ``negotiated`` the payload type of the recorded answer."""

    def __init__(self, packets: Sequence[Packet], acts: Sequence[float], negotiated: int | None = None) -> None:
        self._packets = packets
        self._acts = acts
        self._next = 0
        self._done = -1  # the last act that was played
        self._due: dict[int, float] = {}
        self._sequence = self._timestamp = -1  # of the packet that left last, counted from the first one
        self._steps = 0, 0  # what is added to the recorded numbers
        self._shift: float | None = None
        self._last = 0.0
        self._usual = _usual(packets, negotiated)

    def begin(self, now: float) -> None:
        """The track is asked for its first packet: the recorded first one leaves now."""
        self._due[-1] = now - (self._packets[0].t if self._packets else 0.0)
        self._last = now

    def acted(self, number: int, due: float) -> None:
        """The act of this number was played, and belongs to ``due``."""
        self._due[number] = due - self._acts[number]
        self._done = max(self._done, number)

    def end(self) -> None:
        """Play nothing more of the recording: silence follows."""
        self._next = len(self._packets)

    def when(self, now: float) -> float | None:
        """The time at which to call :meth:`take`; None: not before another act, or never."""
        self._pass_over(now)
        if self._next >= len(self._packets):
            return self._last + FRAME_SECONDS if self._packets else None
        shift = self._due.get(self._act())
        if shift is not None:
            return max(self._packets[self._next].t + shift, now)
        if self._paused():
            return None
        return self._last + (FRAME_SECONDS if self._shift is None else PATIENCE)

    def take(self, now: float) -> Leaving:
        """The packet that leaves at ``now``: the next recorded one, or silence."""
        shift = self._due.get(self._act()) if self._next < len(self._packets) else None
        if shift is None or self._packets[self._next].t + shift > now + TICK:
            return self._silence(now)
        packet = self._packets[self._next]
        self._next += 1
        if self._shift is None or abs(shift - self._shift) > SHIFTED:
            self._go_on(packet, now, shift)
        self._last = now
        self._sequence, self._timestamp = packet.sequence + self._steps[0], packet.timestamp + self._steps[1]
        payload = packet.payload if packet.payload is not None else _stand_in(packet)
        kind = None if packet.payload_type == self._usual[0] else packet.payload_type
        stream = 0 if packet.ssrc == self._usual[1] else packet.ssrc
        return Leaving(self._sequence, self._timestamp, packet.marker, payload, kind, stream)

    def _act(self) -> int:
        """The number of the act that the next packet belongs to."""
        return bisect_right(self._acts, self._packets[self._next].t + 1e-9) - 1

    def _pass_over(self, now: float) -> None:
        """Leave out what belongs to the time before an act that has been played already, and would come after it, or late."""
        while self._next < len(self._packets):
            act = self._act()
            shift = self._due.get(act)
            if shift is None or act >= self._done:
                return
            due, following = self._packets[self._next].t + shift, self._due[act + 1] + self._acts[act + 1]
            if now - LATE < due <= following + OVERLAP:
                return
            self._next += 1

    def _paused(self) -> bool:
        before = self._packets[self._next - 1].t if self._next else self._packets[0].t
        return self._packets[self._next].t - before > PAUSE

    def _go_on(self, packet: Packet, now: float, shift: float) -> None:
        """The stream goes on with this packet as long after the last one as it really is."""
        passed = max(1, round((now - self._last) / FRAME_SECONDS)) if self._sequence >= 0 else 1
        timestamp = self._timestamp + passed * FRAME_SAMPLES if self._sequence >= 0 else 0
        self._steps = self._sequence + 1 - packet.sequence, timestamp - packet.timestamp
        self._shift = shift

    def _silence(self, now: float) -> Leaving:
        passed = max(1, round((now - self._last) / FRAME_SECONDS)) if self._sequence >= 0 else 1
        self._sequence += 1
        self._timestamp = self._timestamp + passed * FRAME_SAMPLES if self._sequence else 0
        self._last, self._shift = now, None
        return Leaving(self._sequence, self._timestamp, False, SILENCE)


def _usual(packets: Sequence[Packet], negotiated: int | None) -> tuple[int, int]:
    """The payload type that was negotiated, else that of most packets, and the SSRC of most packets."""
    types, streams = Counter(one.payload_type for one in packets), Counter(one.ssrc for one in packets)
    most = types.most_common(1)[0][0] if types else 0
    return most if negotiated is None else negotiated, streams.most_common(1)[0][0] if streams else 0


def _stand_in(packet: Packet) -> bytes:
    """Octets for a packet whose own are not in the file: what did not decode then does not decode now; else silence."""
    if packet.toc < 0 or not packet.size:
        return b""
    if not packet.broken:
        return SILENCE
    # RFC 6716 section 3.2.5: code 3 with a count of no frames, or without the count, which no decoder takes (R5, R6).
    return bytes([packet.toc | 3]) + bytes(packet.size - 1)
