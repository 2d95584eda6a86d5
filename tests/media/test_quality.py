"""Overload, noise and breaks, in sounds that have them and in the recordings, which do not."""

from __future__ import annotations

from pathlib import Path
from statistics import median

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from harness.media import wav
from harness.media.levels import dbfs
from harness.media.quality import Breaks, at_full_scale, flatness

FIXTURES = Path(__file__).parents[2] / "fixtures" / "audio"
VOICES = sorted(path.name for path in FIXTURES.glob("*.wav") if not path.name.startswith("noise"))
SECOND = np.arange(48000)


def frames(samples: np.ndarray) -> list[np.ndarray]:
    return list(samples[: samples.size // 960 * 960].astype(np.int16).reshape(-1, 960))


def middle(samples: np.ndarray) -> float:
    return median(flatness(frame) for frame in frames(samples) if dbfs(frame) >= -50)


def noise(color: float) -> np.ndarray:
    """Noise with a power that falls by ``color`` times 3 dB an octave."""
    spectrum = np.fft.rfft(np.random.default_rng(3).normal(0, 1, SECOND.size))
    spectrum[1:] /= np.arange(1, spectrum.size) ** (color / 2)
    spectrum[:20] = 0
    samples = np.fft.irfft(spectrum)
    return 3000 * samples / samples.std()


# The expected flatness of a power spectrum of noise is exp(-Euler's constant) = 0.561.
@pytest.mark.parametrize(("color", "expected"), [(0, 0.561), (1, 0.45)], ids=["white", "pink"])
def test_noise_is_flat(color: float, expected: float) -> None:
    assert middle(noise(color)) == pytest.approx(expected, abs=0.04)


def test_a_tone_is_not() -> None:
    assert middle(3000 * np.sin(2 * np.pi * 440 * SECOND / 48000)) < 0.001


@pytest.mark.parametrize("name", VOICES)
def test_voices_are_not_flat(name: str) -> None:
    assert middle(wav.load(FIXTURES / name).samples) < 0.2


def test_a_voice_in_the_wrong_byte_order_is() -> None:
    assert middle(wav.load(FIXTURES / "assistant-congrats.wav").samples.byteswap()) > 0.5


@given(arrays(np.int16, st.integers(0, 960)))
def test_flatness_is_a_share(samples: np.ndarray) -> None:
    assert 0.0 <= flatness(samples) <= 1.0


def test_samples_at_full_scale_are_counted_on_both_sides() -> None:
    samples = np.array([32767, -32768, 32700, -32700, 32699, -32699, 0], np.int16)
    assert at_full_scale(samples, dbfs(samples)) == 4
    assert at_full_scale(samples, -20.0) == 0


@pytest.mark.parametrize("name", VOICES)
def test_the_recordings_are_not_clipped(name: str) -> None:
    counts = [at_full_scale(frame, dbfs(frame)) for frame in frames(wav.load(FIXTURES / name).samples)]
    assert sum(counts) <= 0.0005 * 960 * len(counts)


@pytest.mark.parametrize(
    ("levels", "expected"),
    [
        ([-20, -20, -90], 1),
        ([-20, -55, -90], 1),
        ([-20, -50, -55, -90], 0),
        ([-20, -90, -90, -90], 1),
        ([-20, -90, -20, -90], 2),
        ([-45, -90], 0),
        ([-100, -90], 0),
        ([], 0),
    ],
)
def test_what_goes_from_loud_to_nothing_within_two_frames_has_broken_off(levels: list[float], expected: int) -> None:
    breaks = Breaks()
    assert sum(breaks.step(level) for level in levels) == expected
