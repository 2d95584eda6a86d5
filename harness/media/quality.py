"""What can be told from the samples of a sound beside its level: overload, noise or tone, and whether it breaks off."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.int16]

SAMPLE_RATE = 48000
AUDIBLE_DBFS = -50.0
"""What is quieter is not looked at: its spectrum is that of the codec."""

# The peaks of speech lie up to 18 dB above its level: quieter frames need not be searched.
_LOUD_DBFS = -18.0
FULL_SCALE = 32700
# The band of a telephone, where voiced speech has its harmonics: 200 to 4000 Hz.
_LOWEST_HZ, _HIGHEST_HZ = 200, 4000
_FEWEST = 40  # samples of every third: 2.5 ms, the shortest that Opus has
_BROKEN_DBFS, _SOUNDING_DBFS = -70.0, -40.0


def at_full_scale(samples: Samples, level: float) -> int:
    """How many samples lie at full scale, of either sign (within 0.02 dB); ``level`` is the frame's in dBFS."""
    if level < _LOUD_DBFS:
        return 0
    return int(np.count_nonzero(samples >= FULL_SCALE)) + int(np.count_nonzero(samples <= -FULL_SCALE))


def flatness(samples: Samples) -> float:
    """Spectral flatness from 200 to 4000 Hz: the geometric mean of the power spectrum over its arithmetic mean, 0 to 1.

    (J. D. Johnston, "Transform coding of audio signals using perceptual noise criteria", IEEE JSAC 6(2), 1988.) Of one frame of
    20 ms: 0.56 for white noise, 0.4 for pink noise; 0.001 to 0.2 for speech, whose sounds are mostly voiced; 0 for a tone.
    """
    # Every third sample: what lies above 8 kHz folds down, and is flat where the rest is.
    fewer = samples[::3]
    if fewer.size < _FEWEST:
        return 0.0
    spectrum = np.fft.rfft(fewer * _hann(fewer.size))[_band(fewer.size)]
    # Far below one step of the samples: keeps digital silence from being a logarithm of nothing.
    power = spectrum.real**2 + spectrum.imag**2 + 1e-3
    return min(1.0, float(np.exp(np.log(power).mean()) / power.mean()))


@lru_cache
def _hann(size: int) -> NDArray[np.float32]:
    return np.hanning(size).astype(np.float32)


@lru_cache
def _band(size: int) -> slice:
    rate = SAMPLE_RATE // 3
    return slice(-(-_LOWEST_HZ * size // rate), _HIGHEST_HZ * size // rate + 1)


class Breaks:
    """Finds where a sound breaks off: from -40 dBFS and more to below -70 within 40 ms.

    Voices and rooms fade: what ends like this was cut, or ran dry. The transform codec leaves a tail of one frame.
    """

    def __init__(self) -> None:
        self._before, self._last = -100.0, -100.0

    def step(self, level: float) -> bool:
        """Whether the sound is gone with this frame, of this level in dBFS."""
        broken = level <= _BROKEN_DBFS < self._last and max(self._before, self._last) >= _SOUNDING_DBFS
        self._before, self._last = self._last, level
        return broken
