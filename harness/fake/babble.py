"""A voice that says nothing: what the fake plays for a reply that has a text but no recording.

Vowels of a source-filter kind: the harmonics of a pitch, weighted by the resonances of a vocal tract, with the rise and fall of
syllables. A voice activity detector takes it for speech, a person for a robot, and it is the same in every run.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from harness.media.opus import FRAME_SAMPLES, SAMPLE_RATE, Encoder

# 125 Hz: a period is 384 samples, twenty of them are a syllable of eight 20 ms frames.
PITCH_HZ = 125
PERIOD = SAMPLE_RATE // PITCH_HZ
SYLLABLE_PERIODS = 20
# First three formants in Hz of the vowels of "father, feet, food, bed, bought, bird" (Peterson and Barney 1952, men's averages).
VOWELS = (
    (730, 1090, 2440),
    (270, 2290, 3010),
    (300, 870, 2240),
    (530, 1840, 2480),
    (570, 840, 2410),
    (490, 1350, 1690),
)
BANDWIDTH_HZ = 120.0
HIGHEST_HZ = 4000
PEAK = 12000.0


def babble(seconds: float) -> tuple[bytes, ...]:
    """Opus packets of 20 ms, as many as last for ``seconds``, one at least."""
    loop = _loop()
    count = max(1, round(seconds * SAMPLE_RATE / FRAME_SAMPLES))
    return (loop * (count // len(loop) + 1))[:count]


@lru_cache(maxsize=1)
def _loop() -> tuple[bytes, ...]:
    voice = np.concatenate([_syllable(vowel) for vowel in VOWELS])
    samples = np.rint(voice * (PEAK / np.abs(voice).max())).astype(np.int16)
    encoder = Encoder()
    return tuple(encoder.encode(frame) for frame in samples.reshape(-1, FRAME_SAMPLES))


def _syllable(formants: tuple[int, ...]) -> NDArray[np.float64]:
    harmonics = np.arange(PITCH_HZ, HIGHEST_HZ, PITCH_HZ, dtype=np.float64)
    resonances = [1 / (1 + ((harmonics - formant) / BANDWIDTH_HZ) ** 2) for formant in formants]
    # The glottal source falls by 12 dB an octave, lips radiate 6 dB more: an amplitude of 1/f remains.
    amplitudes = np.sum(resonances, axis=0) / harmonics
    times = np.arange(PERIOD) / SAMPLE_RATE
    period = amplitudes @ np.sin(2 * np.pi * np.outer(harmonics, times))
    length = PERIOD * SYLLABLE_PERIODS
    rise_and_fall = 0.25 + 0.75 * np.sin(np.pi * np.arange(length) / length)
    return np.tile(period, SYLLABLE_PERIODS) * rise_and_fall
