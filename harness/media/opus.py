"""Opus: recordings to 20 ms packets once, packets back to samples, packets mixed, packets written as Ogg Opus files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np
from av.error import FFmpegError
from numpy.typing import NDArray

from harness.media import ogg
from harness.protocol.opus import LONGEST, frame_samples

if TYPE_CHECKING:
    from harness.media.wav import Recording

Samples = NDArray[np.int16]

SAMPLE_RATE = 48000
FRAME_SAMPLES = 960
TIME_BASE = Fraction(1, SAMPLE_RATE)
BIT_RATE = 48000
SILENCE = b"\xf8\xff\xfe"
"""20 ms of digital silence, as libopus encodes it: a full packet, not discontinuous transmission, since a service's turn detection
hears the end of a turn only if packets keep coming."""

# RFC 6716 section 3.2.1: lengths below 252 take one byte, others two; no frame is longer than 1275 bytes (R2).
_LONGEST_FRAME = 1275


def packet_samples(payload: bytes) -> int:
    """Samples at 48 kHz that the packet decodes to: 120 (2.5 ms) to 5760 (120 ms).

    Raises ValueError, with the requirement that is not met (R1 to R7 of :rfc:`6716` section 3.4), where no decoder takes the packet.
    """
    if not payload:
        raise ValueError("an empty packet (R1)")
    code = payload[0] & 3
    frames = (1, 2, 2, 0)[code]
    if code == 3:
        if len(payload) < 2:
            raise ValueError("cut off before the frame count (R6, R7)")
        frames = payload[1] & 0x3F
        if not frames:
            raise ValueError("a packet without frames (R5)")
    samples = frames * frame_samples(payload[0])
    if samples > LONGEST:
        raise ValueError(f"{samples / 48:g} ms, more than 120 ms (R5)")
    if code == 0:
        longest = len(payload) - 1
    elif code == 1:
        longest, odd = divmod(len(payload) - 1, 2)
        if odd:
            raise ValueError("two frames of equal size do not fill an odd number of bytes (R3)")
    elif code == 2:
        length, end = _frame_length(payload, 1)
        if length > len(payload) - end:
            raise ValueError("the first frame is longer than the packet (R4)")
        longest = max(length, len(payload) - end - length)
    else:
        longest = _longest_of_many(payload, frames)
    if longest > _LONGEST_FRAME:
        raise ValueError(f"a frame of {longest} bytes, more than 1275 (R2)")
    return samples


def _frame_length(payload: bytes, at: int) -> tuple[int, int]:
    """The frame length coded at ``at``, and where it ends (RFC 6716 section 3.2.1)."""
    if at >= len(payload):
        raise ValueError("cut off inside a frame length (R4, R7)")
    first = payload[at]
    if first < 252:
        return first, at + 1
    if at + 1 >= len(payload):
        raise ValueError("cut off inside a frame length (R4, R7)")
    return payload[at + 1] * 4 + first, at + 2


def _longest_of_many(payload: bytes, frames: int) -> int:
    """The longest frame of a code 3 packet, in bytes (RFC 6716 section 3.2.5)."""
    at, padding = 2, 0
    if payload[1] & 0x40:
        more = 255
        while more == 255:
            if at >= len(payload):
                raise ValueError("cut off inside the padding length (R6, R7)")
            more = payload[at]
            padding += min(more, 254)
            at += 1
    if not payload[1] & 0x80:
        length, rest = divmod(len(payload) - at - padding, frames)
        if length < 0 or rest:
            raise ValueError("the frames of equal size do not fill the packet (R6)")
        return length
    lengths = []
    for _ in range(frames - 1):
        length, at = _frame_length(payload, at)
        lengths.append(length)
    last = len(payload) - at - padding - sum(lengths)
    if last < 0:
        raise ValueError("the frames are longer than the packet (R7)")
    return max(last, *lengths) if lengths else last


class Encoder:
    """One outgoing stream, 48 kHz mono, 20 ms packets, CELT only.

    libopus's low-delay application delays by 2.5 ms where the others take 6.5 ms, and costs half as much to encode.
    """

    def __init__(self) -> None:
        context: Any = av.CodecContext.create("libopus", "w")
        context.format, context.layout, context.sample_rate = "s16", "mono", SAMPLE_RATE
        context.bit_rate, context.time_base = BIT_RATE, TIME_BASE
        context.options = {"application": "lowdelay"}
        self._context = context
        self._position = 0

    def encode(self, samples: Samples) -> bytes:
        """The packet of the next 960 samples."""
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = SAMPLE_RATE
        frame.pts = self._position
        self._position += FRAME_SAMPLES
        (packet,) = self._context.encode(frame)
        return bytes(packet)


class Decoder:
    """One incoming stream to 48 kHz mono; stereo packets are mixed down by libopus."""

    def __init__(self) -> None:
        context: Any = av.CodecContext.create("libopus", "r")
        context.format, context.layout, context.sample_rate = "s16", "mono", SAMPLE_RATE
        self._context = context
        self._last = b""
        self._silent = 0

    def decode(self, payload: bytes) -> Samples:
        """The samples of one packet, 960 where it lasts 20 ms. Do not write to them. Raises ValueError where it is no Opus packet."""
        if self._silent >= _SETTLED and payload == self._last:
            return _silence(packet_samples(payload))
        expected = packet_samples(payload)
        try:
            frames = self._context.decode(av.Packet(payload))
        except FFmpegError as error:
            raise ValueError(f"libopus does not decode it: {error.strerror}") from error
        if len(frames) != 1 or frames[0].samples != expected:
            raise ValueError(f"it decodes to {sum(frame.samples for frame in frames)} samples, not {expected}")
        samples: Samples = np.frombuffer(frames[0].planes[0], np.int16, expected)
        if payload != self._last:
            self._last, self._silent = payload, 0
        self._silent = 0 if samples.any() or not _is_celt(payload) else self._silent + expected
        return samples


# Samples of silence after which a CELT decoder has forgotten everything before: its memory holds 2048 samples, and the energies of the
# last two frames (libopus, celt_decoder.c). One silent packet more of the same kind changes nothing then, and most of a call is silence.
_SETTLED = 3840


def _is_celt(payload: bytes) -> bool:
    """A coded CELT frame (RFC 6716 section 3.1, table 2). SILK keeps more in mind, and what stands for a lost packet adds noise."""
    return payload[0] >= 0x80 and len(payload) >= 3


@lru_cache(maxsize=16)
def _silence(samples: int) -> Samples:
    return np.zeros(samples, np.int16)


def mix(*voices: Samples) -> Samples:
    """The sum of frames of equal length, turned down as a whole where it would overload."""
    total = np.sum([voice.astype(np.int32) for voice in voices], axis=0)
    peak = int(np.abs(total).max(initial=0))
    if peak > 32767:
        total = np.rint(total * (32767.0 / peak))
    mixed: Samples = total.astype(np.int16)
    return mixed


def encode(recording: Recording, *, gain: float = 0.0) -> tuple[bytes, ...]:
    """The recording as 20 ms packets, the last one filled up with silence; ``gain`` is decibels added, clipped at full scale.

    Encoded once and kept, by content and gain, whatever its name. The codec's delay of 2.5 ms remains in the stream.
    """
    key = (recording.digest, gain)
    packets = _encoded.pop(key, None)
    if packets is None:
        packets = _encode(recording.samples, gain)
        while len(_encoded) >= _MOST_KEPT:
            del _encoded[next(iter(_encoded))]
    _encoded[key] = packets  # after all others: the one unused for longest goes first
    return packets


_encoded: dict[tuple[bytes, float], tuple[bytes, ...]] = {}
_MOST_KEPT = 256


def _encode(samples: Samples, gain: float) -> tuple[bytes, ...]:
    if gain:
        samples = np.clip(np.rint(samples * 10.0 ** (gain / 20.0)), -32768, 32767).astype(np.int16)
    frames = np.pad(samples, (0, -samples.size % FRAME_SAMPLES)).reshape(-1, FRAME_SAMPLES)
    encoder = Encoder()
    return tuple(encoder.encode(frame) for frame in frames)


class Mixer:
    """Mixes voices packet by packet: decodes each, sums, encodes. For as long as they overlap.

    ``history`` of a voice are the packets that led up to its first one here, so that its decoder is warm.
    """

    def __init__(self) -> None:
        self._decoders: dict[object, Decoder] = {}
        self._encoder = Encoder()

    def mix(self, voices: Iterable[tuple[object, Sequence[bytes], bytes]]) -> bytes:
        """The next packet of the mixture; each voice is (who, history, its next packet)."""
        frames = []
        for who, history, payload in voices:
            decoder = self._decoders.get(who)
            if decoder is None:
                decoder = self._decoders[who] = Decoder()
                for packet in history:
                    decoder.decode(packet)
            frames.append(decoder.decode(payload))
        return self._encoder.encode(mix(*frames))


def write_ogg(path: Path, packets: Iterable[tuple[int, bytes]]) -> float:
    """Write packets (timestamp in 48 kHz units without wraps, payload) as an Ogg Opus file; returns its seconds.

    Gaps between timestamps become silence; repeated packets and payloads that are no Opus packet are left out. Without any
    packet no file is written and 0.0 returned. Raises OSError.
    """
    timed = []
    for timestamp, payload in packets:
        try:
            timed.append((timestamp, packet_samples(payload), payload))
        except ValueError:
            continue
    if not timed:
        return 0.0
    stream = list(ogg.fill_gaps(timed))
    channels = 2 if any(payload[0] & 4 for _, payload in stream) else 1  # the TOC's stereo bit, RFC 6716 section 3.1
    path.write_bytes(ogg.file(stream, channels=channels, vendor="realtime-harness"))
    return sum(samples for samples, _ in stream) / SAMPLE_RATE
