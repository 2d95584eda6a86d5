"""What a faulty service plays in place of a recording."""

from __future__ import annotations

import numpy as np
import pytest

from harness.fake.audio_effects import bytes_swapped, faster, louder, noise, resound, tone
from harness.fake.babble import babble
from harness.media.levels import dbfs
from harness.media.opus import Decoder


def decoded(packets: list[bytes]) -> np.ndarray:
    decoder = Decoder()
    return np.concatenate([decoder.decode(packet) for packet in packets])


def test_unchanged_it_stays_as_long_and_as_loud() -> None:
    packets = babble(1.0)
    again = resound(packets, lambda samples: samples)
    assert len(again) == 50
    assert dbfs(decoded(again)) == pytest.approx(dbfs(decoded(list(packets))), abs=0.5)


@pytest.mark.parametrize(("factor", "count"), [(0.5, 100), (1, 50), (2, 25), (3, 17)])
def test_faster_is_shorter_and_higher(factor: float, count: int) -> None:
    packets = resound(resound(babble(1.0), tone), faster(factor))
    assert len(packets) == count
    samples = decoded(packets)[4800:14400]
    peak = np.abs(np.fft.rfft(samples * np.hanning(samples.size))).argmax() * 48000 / samples.size
    assert peak == pytest.approx(440 * factor, abs=5)


def test_louder_is_cut_off_at_full_scale() -> None:
    packets = babble(0.5)
    assert dbfs(decoded(resound(packets, louder(-20)))) == pytest.approx(dbfs(decoded(list(packets))) - 20, abs=0.5)
    assert np.abs(decoded(resound(packets, louder(40))).astype(int)).max() >= 32767


def test_noise_and_tone_have_the_recommended_level() -> None:
    for change in (noise, tone):
        assert dbfs(decoded(resound(babble(0.5), change))) == pytest.approx(-22, abs=1)


def test_swapping_twice_changes_nothing() -> None:
    samples = np.array([1.0, 256.0, -2.0, 32767.0])
    assert bytes_swapped(bytes_swapped(samples)).tolist() == samples.tolist()
    assert bytes_swapped(samples)[:2].tolist() == [256.0, 1.0]
