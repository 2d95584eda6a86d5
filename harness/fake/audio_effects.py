"""Recordings as a faulty service plays them: Opus packets decoded, changed, and encoded again."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from harness.media.opus import FRAME_SAMPLES, SAMPLE_RATE, Decoder, Encoder

Samples = NDArray[np.float64]
Change = Callable[[Samples], Samples]

# As loud as speech is recommended to be (RFC 7874 section 4).
_RMS = 2600.0


def resound(packets: Sequence[bytes], change: Change) -> list[bytes]:
    """The packets of what ``change`` makes of their 48 kHz samples; what lies beyond full scale is cut off there."""
    decoder, encoder = Decoder(), Encoder()
    changed = change(np.concatenate([decoder.decode(packet) for packet in packets]).astype(np.float64))
    samples = np.clip(np.rint(changed), -32768, 32767).astype(np.int16)
    frames = np.pad(samples, (0, -samples.size % FRAME_SAMPLES)).reshape(-1, FRAME_SAMPLES)
    return [encoder.encode(frame) for frame in frames]


def louder(decibels: float) -> Change:
    """Turned up, or down."""
    return lambda samples: samples * 10.0 ** (decibels / 20)


def faster(factor: float) -> Change:
    """Played at a multiple of its rate, and at a pitch as much higher: samples of one rate taken for those of another."""

    def change(samples: Samples) -> Samples:
        at = np.arange(0, samples.size - 1, factor)
        played: Samples = np.interp(at, np.arange(samples.size), samples)
        return played

    return change


def bytes_swapped(samples: Samples) -> Samples:
    """Big-endian samples taken for little-endian ones."""
    return samples.astype(np.int16).byteswap().astype(np.float64)


def noise(samples: Samples) -> Samples:
    """White noise, the same in every run."""
    return np.random.default_rng(1).normal(0.0, _RMS, samples.size)


def tone(samples: Samples) -> Samples:
    """A steady tone of 440 Hz."""
    wave: Samples = _RMS * np.sqrt(2) * np.sin(2 * np.pi * 440 * np.arange(samples.size) / SAMPLE_RATE)
    return wave
