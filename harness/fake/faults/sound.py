"""Faults of the audio: what is played, and the RTP packets that carry it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

from harness.fake.faults.base import RTP, SOUND, fault
from harness.fault_registry import TURN, PacketRewrite
from harness.rtp import RtpPacket


def sound(
    name: str, title: str, rewrite: Callable[[Sequence[bytes]], Sequence[bytes]], *caught_by: str, **more: Any
) -> None:
    """Declare a fault of what is played."""
    fault(name, title, plane=SOUND, caught_by=caught_by, **{"scenario": TURN, **more})(rewrite)


def rtp(name: str, title: str, rewrite: Callable[[], PacketRewrite], *caught_by: str, **more: Any) -> None:
    """Declare a fault of the RTP packets."""
    fault(name, title, plane=RTP, caught_by=caught_by, **{"scenario": TURN, **more})(rewrite)


def from_packet(start: int, act: Callable[[RtpPacket], RtpPacket]) -> Callable[[], PacketRewrite]:
    """What ``act`` makes of every packet from this one on."""

    def make() -> PacketRewrite:
        count = 0

        def rewrite(packet: RtpPacket) -> Iterable[RtpPacket]:
            nonlocal count
            count += 1
            return (act(packet) if count >= start else packet,)

        return rewrite

    return make


def _holes(*edges: int) -> PacketRewrite:
    """Packets leave until the first edge, not until the second, and so on; edges are counted in packets."""
    count = 0

    def rewrite(packet: RtpPacket) -> Iterable[RtpPacket]:
        nonlocal count
        count += 1
        return () if sum(edge <= count for edge in edges) % 2 else (packet,)

    return rewrite


def _frozen() -> PacketRewrite:
    first: list[int] = []

    def rewrite(packet: RtpPacket) -> Iterable[RtpPacket]:
        first.append(packet.timestamp)
        return (replace(packet, timestamp=first[0]),)

    return rewrite


def _silence(packets: Sequence[bytes]) -> Sequence[bytes]:
    from harness.media.opus import SILENCE

    return [SILENCE] * len(packets)


sound("audio-silent", "what is played is silence", _silence, "MED-07")
sound(
    "audio-broken",
    "every tenth packet is no Opus",
    lambda packets: [b"\xff" * 9 if n % 10 == 5 else one for n, one in enumerate(packets)],
    "MED-06",
)
sound(
    "audio-empty-packet",
    "a packet without a single byte",
    lambda packets: [b"" if n == 9 else one for n, one in enumerate(packets)],
    "MED-06",
)
sound(
    "audio-frame-count-missing",
    "packets of code 3 without their frame count",
    lambda packets: [b"\xfb" if n % 10 == 5 else one for n, one in enumerate(packets)],
    "MED-04",
    also=("MED-06",),
)
rtp(
    "rtp-other-payload-type",
    "another payload type than negotiated",
    from_packet(1, lambda packet: replace(packet, payload_type=111)),
    "MED-01",
)
rtp(
    "rtp-sequence-jump",
    "the sequence number jumps by twenty thousand",
    from_packet(100, lambda packet: replace(packet, sequence=packet.sequence + 20000 & 0xFFFF)),
    "MED-02",
)
rtp(
    "rtp-sequence-gaps",
    "every second sequence number is left out",
    lambda: lambda packet: (replace(packet, sequence=packet.sequence * 2 & 0xFFFF),),
    "MED-02",
)
rtp(
    "rtp-timestamp-odd",
    "timestamps count 44.1 kHz",
    lambda: lambda packet: (replace(packet, timestamp=packet.timestamp // 960 * 882 & 0xFFFFFFFF),),
    "MED-03",
    also=("MED-11",),
)
rtp(
    "rtp-timestamp-24-khz",
    "timestamps count 24 kHz",
    lambda: lambda packet: (replace(packet, timestamp=packet.timestamp // 2 & 0xFFFFFFFF),),
    "MED-11",
)
rtp("rtp-timestamp-still", "the timestamp stands still", _frozen, "MED-11")
rtp(
    "rtp-timestamp-too-long",
    "each packet claims 200 ms",
    lambda: lambda packet: (replace(packet, timestamp=packet.timestamp * 10 & 0xFFFFFFFF),),
    "MED-04",
    also=("MED-11",),
)
rtp(
    "rtp-ssrc-changes",
    "the SSRC changes in the middle of the call",
    from_packet(100, lambda packet: replace(packet, ssrc=packet.ssrc ^ 0x55AA)),
    "MED-10",
)
rtp("rtp-hole", "no packets for most of a second, in the middle of the answer", lambda: _holes(200, 240), "MED-13")
rtp("rtp-stutters", "the packets of most of every second are missing", lambda: _holes(*range(150, 1000, 40)), "MED-13")
