"""Faults of the audio: what is played, and the RTP packets that carry it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from harness.fake.faults.base import RTP, SOUND, fault
from harness.faults.packets import each, moved, one, shifted
from harness.faults.registry import TURN, PacketRewrite

LATER = 100
"""Packets: the fault begins two seconds into the call."""

LONG = "audio/half-minute-answer-is-heard-in-full.yaml"


def sound(
    name: str, title: str, rewrite: Callable[[Sequence[bytes]], Sequence[bytes]], *caught_by: str, **more: Any
) -> None:
    """Declare a fault of what is played."""
    fault(name, title, plane=SOUND, caught_by=caught_by, **{"scenario": TURN, **more})(rewrite)


def rtp(name: str, title: str, rewrite: Callable[[], PacketRewrite], *caught_by: str, **more: Any) -> None:
    """Declare a fault of the RTP packets."""
    fault(name, title, plane=RTP, caught_by=caught_by, **{"scenario": TURN, **more})(rewrite)


def _holes(*edges: int) -> Callable[[], PacketRewrite]:
    """Packets leave until the first edge, not until the second, and so on; edges are counted in packets."""
    return each(lambda packet, count: () if sum(edge <= count for edge in edges) % 2 else (packet,))


def _silence(packets: Sequence[bytes]) -> Sequence[bytes]:
    from harness.media.opus import SILENCE

    return [SILENCE] * len(packets)


def _changed(name: str, *arguments: float) -> Callable[[Sequence[bytes]], Sequence[bytes]]:
    """The packets as ``harness.fake.audio_effects`` makes them; what it takes is loaded where the fault is used."""

    def rewrite(packets: Sequence[bytes]) -> Sequence[bytes]:
        from harness.fake import audio_effects as resound

        change = getattr(resound, name)
        return resound.resound(packets, change(*arguments) if arguments else change)

    return rewrite


def _silent_where(silent: Callable[[int, int], bool]) -> Callable[[Sequence[bytes]], Sequence[bytes]]:
    """Silence in place of the packets of these numbers, of so many."""

    def rewrite(packets: Sequence[bytes]) -> Sequence[bytes]:
        from harness.media.opus import SILENCE

        return [SILENCE if silent(n, len(packets)) else one for n, one in enumerate(packets)]

    return rewrite


sound(
    "audio-noise",
    "what is played is white noise",
    _changed("noise"),
    "MED-14",
    diagnosis="noise-for-speech",
)
sound(
    "audio-tone",
    "what is played is a steady tone",
    _changed("tone"),
    "MED-14",
    diagnosis="noise-for-speech",
)
sound(
    "audio-bytes-swapped",
    "the samples have the wrong byte order: a hiss that rises and falls with the words",
    _changed("bytes_swapped"),
    "MED-14",
    also=("MED-15", "MED-16"),
    diagnosis="noise-for-speech",
)
sound(
    "audio-clipped",
    "the audio is 24 dB too loud, and clipped",
    _changed("louder", 24),
    "MED-15",
    also=("MED-16",),
    diagnosis="audio-clipped",
)
sound("audio-faint", "the audio is 20 dB too faint", _changed("louder", -20), "MED-16")
sound(
    "audio-falls-silent",
    "the audio dies half-way through the answer, while packets and events go on",
    _silent_where(lambda n, count: n > count // 2),
    "MED-18",
    scenario=LONG,
    diagnosis="audio-source-dry",
)
sound(
    "audio-stalls",
    "the answer stalls for two seconds in its middle, while packets and events go on",
    _silent_where(lambda n, count: 0 <= n - count // 2 < 100),
    "MED-24",
    scenario=LONG,
    diagnosis="audio-source-dry",
)
sound(
    "audio-choppy",
    "a third of the audio is missing, 100 ms at a time: it stutters",
    _silent_where(lambda n, _: n % 15 < 5),
    "MED-19",
    diagnosis="audio-source-dry",
)
sound("audio-at-half-speed", "48 kHz samples are played as 24 kHz", _changed("faster", 0.5), "MED-20")
sound(
    "audio-at-double-speed",
    "24 kHz samples are played as 48 kHz",
    _changed("faster", 2),
    "MED-20",
    scenario=LONG,
    diagnosis="not-recognised",
)
sound(
    "audio-at-triple-speed",
    "16 kHz samples are played as 48 kHz",
    _changed("faster", 3),
    "MED-21",
    also=("MED-20",),
    diagnosis="audio-at-other-rate",
)
sound(
    "audio-cut-off",
    "most of the audio never comes, and the answer counts as played",
    lambda packets: packets[: len(packets) // 4],
    "MED-21",
    also=("MED-20",),
    diagnosis="audio-at-other-rate",
)
sound("audio-silent", "what is played is silence", _silence, "MED-07", diagnosis="silent-output")
sound(
    "audio-broken",
    "every tenth packet is no Opus",
    lambda packets: [b"\xff" * 9 if n % 10 == 5 else frame for n, frame in enumerate(packets)],
    "MED-06",
    diagnosis="audio-not-decodable",
)
sound(
    "audio-empty-packet",
    "a packet without a single byte",
    lambda packets: [b"" if n == 9 else frame for n, frame in enumerate(packets)],
    "MED-06",
    diagnosis="audio-not-decodable",
)
sound(
    "audio-frame-count-missing",
    "packets of code 3 without their frame count",
    lambda packets: [b"\xfb" if n % 10 == 5 else frame for n, frame in enumerate(packets)],
    "MED-04",
    also=("MED-06",),
    diagnosis="audio-not-decodable",
)
rtp(
    "rtp-other-payload-type",
    "another payload type than negotiated",
    each(lambda packet, count: one(packet, payload_type=111)),
    "MED-01",
    diagnosis="audio-not-decodable",
)
rtp(
    "rtp-sequence-jump",
    "the sequence number jumps by twenty thousand",
    each(lambda packet, count: moved(packet, 20000 if count >= LATER else 0)),
    "MED-02",
)
rtp(
    "rtp-sequence-gaps",
    "every second sequence number is left out",
    each(lambda packet, count: moved(packet, count)),
    "MED-02",
)
rtp(
    "rtp-timestamp-odd",
    "timestamps count 44.1 kHz",
    each(lambda packet, count: shifted(packet, -78 * count)),
    "MED-03",
    also=("MED-11",),
)
rtp(
    "rtp-timestamp-24-khz",
    "timestamps count 24 kHz",
    each(lambda packet, count: shifted(packet, -480 * count)),
    "MED-11",
)
rtp(
    "rtp-timestamp-still",
    "the timestamp stands still",
    each(lambda packet, count: shifted(packet, -960 * count)),
    "MED-11",
)
rtp(
    "rtp-timestamp-jump",
    "the timestamp jumps by ten seconds in mid-stream",
    each(lambda packet, count: shifted(packet, 480_000 if count >= LATER else 0)),
    "MED-04",
    "MED-11",
)
rtp(
    "rtp-timestamp-jump-marked",
    "the timestamp jumps by ten seconds at a packet with a marker, as if a pause were over that was none",
    each(lambda packet, count: one(shifted(packet, 480_000 if count >= LATER else 0)[0], marker=count == LATER)),
    "MED-11",
)
rtp(
    "rtp-timestamp-too-long",
    "each packet claims 200 ms",
    each(lambda packet, count: shifted(packet, 9 * 960 * count)),
    "MED-04",
    also=("MED-11", "MED-17"),
)
rtp(
    "rtp-ssrc-changes",
    "the SSRC changes in the middle of the call",
    each(lambda packet, count: one(packet, ssrc=packet.ssrc ^ 0x55AA) if count >= LATER else (packet,)),
    "MED-10",
)
rtp("rtp-hole", "no packets for most of a second, in the middle of the answer", _holes(200, 240), "MED-13")
rtp("rtp-stutters", "the packets of most of every second are missing", _holes(*range(150, 1000, 40)), "MED-13")
