"""Faults of the outgoing RTP: when packets leave, what their headers say, what they hold."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from harness.client.faults.base import CLIENT_END, RTP, client_fault
from harness.faults.packets import each, moved, one, shifted
from harness.faults.registry import TURN, PacketRewrite
from harness.media.opus import FRAME_SAMPLES, SILENCE
from harness.webrtc.peer import RtpPacket

LATER = 100
"""Packets: the fault begins two seconds into the call."""


def rtp(name: str, title: str, make: Callable[[], PacketRewrite], *caught_by: str, **more: Any) -> None:
    """Declare a fault of the outgoing packets."""
    client_fault(name, title, plane=RTP, caught_by=caught_by, scenario=TURN, **more)(make)


def _silent() -> PacketRewrite:
    """Packets of silence are kept back; the sequence goes on without a gap, as it does where no packet was made."""
    kept_back = 0

    def rewrite(packet: RtpPacket) -> Iterable[RtpPacket]:
        nonlocal kept_back
        if packet.payload == SILENCE:
            kept_back += 1
            return ()
        return moved(replace(packet, marker=kept_back > 0), -kept_back)

    return rewrite


def _in_bursts() -> PacketRewrite:
    """Half a second of packets at a time."""
    waiting: list[RtpPacket] = []

    def rewrite(packet: RtpPacket) -> Iterable[RtpPacket]:
        waiting.append(packet)
        if len(waiting) < 25:
            return ()
        burst, waiting[:] = [replace(one, t=packet.t) for one in waiting], []
        return burst

    return rewrite


rtp("no-rtp-in-silence", "no packets are sent while nobody speaks", _silent, "TURN-12", diagnosis="no-rtp-in-silence")
rtp("audio-in-bursts", "half a second of audio is sent at once", _in_bursts, "MED-09", also=("MED-11",))
rtp(
    "other-payload-type",
    "packets carry a payload type that was not negotiated",
    each(lambda packet, count: one(packet, payload_type=111)),
    "MED-01",
    diagnosis="audio-not-decodable",
)
rtp(
    "sequence-jump",
    "sequence numbers jump by five thousand",
    each(lambda packet, count: moved(packet, 5000 if count > LATER else 0)),
    "MED-02",
)
rtp(
    "sequence-number-used-twice",
    "every tenth packet repeats the sequence number before it, with other audio",
    each(lambda packet, count: moved(packet, -(count // 10))),
    "MED-02",
    seen_by=CLIENT_END,  # SRTP takes the second packet of a number for a replay
)
rtp(
    "sequence-numbers-by-two",
    "every packet leaves a sequence number out, while no audio is missing",
    each(lambda packet, count: moved(packet, count)),
    "MED-02",
)
rtp(
    "timestamps-off-the-grid",
    "timestamps advance by 882 for 20 ms, as at 44.1 kHz",
    each(lambda packet, count: shifted(packet, -78 * count)),
    "MED-03",
    also=("MED-11",),
)
rtp(
    "timestamps-at-24-khz",
    "timestamps advance by 480 for 20 ms, as at 24 kHz",
    each(lambda packet, count: shifted(packet, -FRAME_SAMPLES // 2 * count)),
    "MED-11",
)
rtp(
    "packet-without-frames",
    "a packet of code 3 says not how many frames it has",
    each(lambda packet, count: one(packet, payload=b"\xfb") if count % 50 == 0 else (packet,)),
    "MED-04",
    also=("MED-06",),
    diagnosis="audio-not-decodable",
)
rtp(
    "garbage-for-opus",
    "the payload is no Opus",
    each(lambda packet, count: one(packet, payload=b"\xff" * 60) if count % 50 == 0 else (packet,)),
    "MED-06",
    also=("MED-04", "MED-11"),
    diagnosis="audio-not-decodable",
)
rtp(
    "empty-packet",
    "a packet has no payload",
    each(lambda packet, count: one(packet, payload=b"") if count % 50 == 0 else (packet,)),
    "MED-06",
    diagnosis="audio-not-decodable",
)
rtp(
    "ssrc-changed",
    "the stream goes on under another SSRC",
    each(lambda packet, count: one(packet, ssrc=packet.ssrc ^ 1) if count > LATER else (packet,)),
    "MED-10",
)
