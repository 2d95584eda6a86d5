"""Opus packets as RFC 6716 section 3 describes them: how much time a packet covers, read from its first one or two bytes."""

from __future__ import annotations

SAMPLE_RATE = 48000  # RFC 7587 section 4.1: the RTP clock of Opus is 48 kHz, whatever the audio bandwidth
LONGEST = 5760  # RFC 6716 section 3.2.5, R5: a packet must not hold more than 120 ms
SHORTEST = 120  # 2.5 ms, the shortest frame; every duration is a multiple of it

# RFC 6716 section 3.1, table 2: samples at 48 kHz per frame, by the five configuration bits.
_SILK = (480, 960, 1920, 2880)
_HYBRID = (480, 960)
_CELT = (120, 240, 480, 960)
FRAME_SAMPLES: tuple[int, ...] = (*_SILK * 3, *_HYBRID * 2, *_CELT * 4)


def frame_samples(toc: int) -> int:
    """Samples (48 kHz) of each frame in a packet with this TOC byte (0..255)."""
    return FRAME_SAMPLES[(toc & 0xFF) >> 3]


def frame_count(toc: int) -> int | None:
    """Frames in a packet with this TOC byte, or None for code 3, whose count stands in the second byte."""
    return (1, 2, 2, None)[toc & 3]


def toc_samples(toc: int) -> int | None:
    """Samples (48 kHz) of a packet as far as its TOC byte tells; None for code 3 and for an empty packet (``toc`` < 0)."""
    count = frame_count(toc) if toc >= 0 else None
    return None if count is None else count * frame_samples(toc)


def packet_samples(payload: bytes) -> int:
    """Samples (48 kHz) that a packet covers; 0 where it is malformed: empty, no frame count, no frames, longer than 120 ms."""
    if not payload:
        return 0
    count = frame_count(payload[0])
    if count is None:
        count = payload[1] & 0x3F if len(payload) > 1 else 0
    samples = count * frame_samples(payload[0])
    return samples if samples <= LONGEST else 0
