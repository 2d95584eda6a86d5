"""Odd audio files, made on purpose: silence, tones, every rate and depth, very short, empty, cut off, and files that are no audio."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import soundfile
from numpy.typing import NDArray

Kind = Literal["tone", "silence", "clipped"]
HERTZ = 440.0


def samples(kind: Kind, seconds: float, rate: int) -> NDArray[np.float32]:
    """One channel, float: a sine of 440 Hz at -6 dB of full scale, the same driven into clipping, or zeros."""
    wave = np.sin(2 * np.pi * HERTZ * np.arange(round(seconds * rate)) / rate)
    gain = {"tone": 0.5, "silence": 0.0, "clipped": 8.0}[kind]
    return np.clip(gain * wave, -1.0, 1.0).astype(np.float32)


@dataclass(frozen=True)
class Audio:
    """What a readable file holds; ``level`` is what one hears of it in dBFS (RMS, a full-scale square wave is 0)."""

    kind: Kind = "tone"
    seconds: float = 0.5
    rate: int = 48000
    channels: int = 1
    subtype: str = "PCM_16"
    level: float = -9.03
    suffix: str = ".wav"

    def write(self, path: Path) -> Path:
        """Write it below the folder of ``path``; returns the path with its suffix."""
        target = path.with_suffix(self.suffix)
        column = samples(self.kind, self.seconds, self.rate)[:, None]
        soundfile.write(target, np.repeat(column, self.channels, axis=1), self.rate, subtype=self.subtype)
        return target


READABLE: Mapping[str, Audio] = {
    "silence": Audio("silence", level=-100.0),
    "tone": Audio(),
    "clipped": Audio("clipped", level=-0.24),
    "stereo": Audio(channels=2),
    "six channels": Audio(channels=6),
    "8 kHz": Audio(rate=8000),
    "22.05 kHz": Audio(rate=22050),
    "44.1 kHz": Audio(rate=44100),
    "96 kHz 24 bit stereo": Audio(rate=96000, subtype="PCM_24", channels=2),
    "8 bit": Audio(rate=8000, subtype="PCM_U8"),
    "mu-law": Audio(rate=8000, subtype="ULAW"),
    "float": Audio(subtype="FLOAT"),
    "double": Audio(rate=44100, subtype="DOUBLE"),
    "10 ms": Audio(seconds=0.01),
    "one sample": Audio("silence", seconds=1 / 48000, level=-100.0),
    "FLAC": Audio(rate=16000, suffix=".flac"),
    "Ogg Vorbis": Audio(rate=44100, subtype="VORBIS", suffix=".ogg"),
}


def truncated(path: Path, *, keep: int = 1000) -> Path:
    """A WAV file of 0.5 s at 8 kHz whose audio ends after ``keep`` bytes, its header unchanged."""
    whole = Audio(rate=8000).write(path).read_bytes()
    path.write_bytes(whole[: whole.index(b"data") + 8 + keep])
    return path


def streamed(path: Path, *, length: int = 0xFFFFFFFF) -> Path:
    """A WAV file as it comes out of a pipe: its writer did not know the length."""
    whole = bytearray(Audio(rate=8000).write(path).read_bytes())
    at = whole.index(b"data") + 4
    whole[4:8] = whole[at : at + 4] = struct.pack("<I", length)
    path.write_bytes(whole)
    return path


def claims(path: Path, *, rate: int, seconds: float) -> Path:
    """A FLAC file whose header claims this rate and length, with next to nothing in it."""
    Audio(rate=8000, seconds=0.1, suffix=".flac").write(path)
    target = path.with_suffix(".flac")
    whole = bytearray(target.read_bytes())
    # STREAMINFO: 20 bits of rate, 3 of channels, 5 of depth, 36 of total samples, from byte 18 of the file.
    word = rate << 44 | 0 << 41 | 15 << 36 | round(rate * seconds)
    whole[18:26] = word.to_bytes(8, "big")
    target.write_bytes(whole)
    return target


def _bytes(content: bytes) -> Callable[[Path], Path]:
    def write(path: Path) -> Path:
        path.write_bytes(content)
        return path

    return write


def _not_numbers(path: Path) -> Path:
    soundfile.write(path, np.array([0.0, np.nan, np.inf, 0.0], np.float32), 48000, subtype="FLOAT")
    return path


def _without_samples(path: Path) -> Path:
    soundfile.write(path, np.zeros(0, np.int16), 48000)
    return path


def _directory(path: Path) -> Path:
    path.mkdir()
    return path


BROKEN: Mapping[str, tuple[Callable[[Path], Path], str]] = {
    "missing": (lambda path: path, "no such file"),
    "directory": (_directory, "a directory, not a recording"),
    "empty": (_bytes(b""), "the file is empty (0 bytes)"),
    "text": (_bytes(b"This is no audio.\n" * 20), "not audio, or damaged"),
    "HTML": (_bytes(b"<!doctype html><title>404</title>"), "not audio, or damaged"),
    "picture": (_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100)), "not audio, or damaged"),
    "no samples": (_without_samples, "no audio in it: zero samples"),
    "not numbers": (_not_numbers, "samples that are no numbers"),
    "cut off in the audio": (truncated, "7000 of them = 3500 frames (0.44 s) are missing"),
    "cut off behind RIFF": (lambda path: _cut(path, 12), "ends before the data chunk"),
    "cut off in the format": (lambda path: _cut(path, 24), "ends before the data chunk"),
    "cut off before the audio": (lambda path: _cut(path, 44), "8000 of them = 4000 frames (0.50 s) are missing"),
    "longer than an hour": (lambda path: claims(path, rate=8000, seconds=3601), "3601 s long"),
    "half a FLAC file": (lambda path: _half(path, ".flac"), "not audio, or damaged"),
    "half an MP3 file": (lambda path: _half(path, ".mp3"), "frames can be read"),
    "a rate that no sound card has": (
        lambda path: Audio(rate=100, seconds=2).write(path),
        "a sample rate of 100 Hz",
    ),
}


def _half(path: Path, suffix: str) -> Path:
    target = path.with_suffix(suffix)
    soundfile.write(target, np.random.default_rng(1).normal(0, 0.1, 16000), 8000)
    whole = target.read_bytes()
    target.write_bytes(whole[: len(whole) // 2])
    return target


def _cut(path: Path, size: int) -> Path:
    path.write_bytes(Audio(rate=8000).write(path).read_bytes()[:size])
    return path


def recording(kind: Kind = "tone", seconds: float = 0.5) -> Any:
    """A :class:`harness.media.wav.Recording` made without a file."""
    from harness.media.wav import Recording

    return Recording(np.rint(samples(kind, seconds, 48000) * 32767).astype(np.int16), kind)
