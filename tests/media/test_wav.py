from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from harness.errors import UsageError
from harness.media.levels import dbfs
from harness.media.wav import Recording, load
from tests import audio_files
from tests.audio_files import BROKEN, READABLE, Audio

FIXTURES = Path(__file__).parents[2] / "fixtures" / "audio"


@pytest.mark.parametrize("name", READABLE)
def test_every_format_becomes_48_khz_mono(name: str, tmp_path: Path) -> None:
    audio = READABLE[name]
    path = audio.write(tmp_path / "recording")
    recording = load(path)
    assert recording.samples.dtype == np.int16
    assert recording.samples.shape == (round(audio.seconds * 48000),)
    assert recording.seconds == pytest.approx(audio.seconds, abs=1e-4)
    assert recording.name == path.name
    assert dbfs(recording.samples) == pytest.approx(audio.level, abs=0.2)


@pytest.mark.parametrize("rate", [8000, 22050, 44100, 96000])
def test_resampling_keeps_pitch_and_place(rate: int, tmp_path: Path) -> None:
    heard = load(Audio(rate=rate).write(tmp_path / "tone")).samples / 32768
    # Away from the ends, where a filter sees the edge.
    difference = (heard - audio_files.samples("tone", 0.5, 48000))[2400:-2400]
    assert np.abs(difference).max() < 0.005


def test_48_khz_16_bit_mono_passes_unchanged(tmp_path: Path) -> None:
    import soundfile

    noise = np.random.default_rng(1).integers(-32768, 32768, 5000).astype(np.int16)
    soundfile.write(tmp_path / "noise.wav", noise, 48000)
    assert np.array_equal(load(tmp_path / "noise.wav").samples, noise)


def test_channels_are_averaged(tmp_path: Path) -> None:
    import soundfile

    left_only = np.stack([np.full(4800, 20000, np.int16), np.zeros(4800, np.int16)], axis=1)
    soundfile.write(tmp_path / "left.wav", left_only, 48000)
    assert set(load(tmp_path / "left.wav").samples) == {10000}


def test_blocks_join_without_a_seam(tmp_path: Path) -> None:
    """A recording longer than one block of the reader is one wave all the same."""
    heard = load(Audio(rate=96000, seconds=2.0).write(tmp_path / "tone")).samples / 32768
    expected = audio_files.samples("tone", 2.0, 48000)
    assert np.abs(heard - expected)[2400:-2400].max() < 0.005


@pytest.mark.parametrize("name", BROKEN)
def test_broken_files_are_named_with_a_fix(name: str, tmp_path: Path) -> None:
    make, what = BROKEN[name]
    path = make(tmp_path / "recording.wav")
    with pytest.raises(UsageError) as caught:
        load(path)
    assert what in caught.value.what
    assert caught.value.where == str(path)
    assert caught.value.fix
    assert caught.value.exit_code == 2


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    with pytest.raises(UsageError, match="not a regular file"):
        load(tmp_path / "pipe.wav")


@pytest.mark.parametrize("length", [0xFFFFFFFF, 0x7FFFFFFF])
def test_wav_of_unknown_length_is_read_to_its_end(length: int, tmp_path: Path) -> None:
    assert load(audio_files.streamed(tmp_path / "pipe.wav", length=length)).seconds == pytest.approx(0.5, abs=0.001)


def test_truncation_by_a_single_byte_is_seen(tmp_path: Path) -> None:
    path = audio_files.truncated(tmp_path / "short.wav", keep=7999)
    with pytest.raises(UsageError, match=r"announces 8000 bytes of audio, 1 of them = 1 frames"):
        load(path)


def test_missing_padding_byte_is_no_truncation(tmp_path: Path) -> None:
    """An odd number of bytes is padded by the book, and often is not."""
    import soundfile

    path = tmp_path / "odd.wav"
    soundfile.write(path, np.zeros(801), 8000, subtype="PCM_U8")
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.index(b"data") + 8 + 801])
    assert load(path).seconds == pytest.approx(801 / 8000, abs=1e-4)


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    first = load(Audio(seconds=0.1).write(path))
    assert load(path) is first
    Audio(seconds=0.2).write(path)
    assert load(path).seconds == pytest.approx(0.2)


def test_digest_tells_contents_apart_and_not_names() -> None:
    samples = np.arange(10, dtype=np.int16)
    assert Recording(samples, "a").digest == Recording(samples.copy(), "b").digest
    assert Recording(samples, "a").digest != Recording(samples + np.int16(1), "a").digest


def test_every_recording_that_is_shipped_loads_as_its_table_says() -> None:
    table = {
        cells[1]: float(cells[2])
        for line in (FIXTURES / "README.md").read_text().splitlines()
        if len(cells := [cell.strip(" `") for cell in line.split("|")]) > 5 and cells[1].endswith(".wav")
    }
    assert set(table) == {path.name for path in FIXTURES.glob("*.wav")}
    for name, seconds in table.items():
        assert load(FIXTURES / name).seconds == pytest.approx(seconds, abs=0.011)
