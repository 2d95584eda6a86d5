"""Recordings: any file that libsndfile reads becomes 48 kHz mono, 16 bit, once; every other file is a clear error."""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import av
import numpy as np
import soundfile
from numpy.typing import NDArray

from harness.errors import UsageError

SAMPLE_RATE = 48000
LONGEST_SECONDS = 3600
RATES = range(1000, 768001)

_BLOCK = 65536
_FORMATS = "copy the file again, or use WAV, FLAC, Ogg or another format that libsndfile reads"
# What a program that writes to a pipe puts in place of a length that it cannot know.
_UNKNOWN_LENGTHS = (0, 0x7FFFFFFF, 0xFFFFFFFF, 0x7FFFF000, 0xFFFFF000)


@dataclass(frozen=True, eq=False)
class Recording:
    """Audio to be said: ``samples`` are int16, shape (n,), 48 kHz mono; ``name`` is the file's name."""

    samples: NDArray[np.int16]
    name: str = ""

    @property
    def seconds(self) -> float:
        """Its length."""
        return float(self.samples.size) / SAMPLE_RATE

    @cached_property
    def digest(self) -> bytes:
        """Tells contents apart, whatever the name."""
        return hashlib.blake2b(self.samples.tobytes(), digest_size=16).digest()


def load(path: Path) -> Recording:
    """Read a recording of any rate, depth and number of channels (the channels' mean is taken).

    Read once and kept for as long as the file stays as it is. Raises UsageError for what is missing, not a file, not
    audio, empty, broken, longer than an hour, and for a WAV file that is cut off, with how much of it is missing.
    """
    try:
        status = path.stat()
    except OSError as error:
        what = "no such file" if isinstance(error, FileNotFoundError) else error.strerror or str(error)
        raise UsageError(what, where=str(path), fix="name a recording that exists") from error
    if path.is_dir():
        raise UsageError("a directory, not a recording", where=str(path), fix="name one audio file in it")
    if not path.is_file():
        raise UsageError("not a regular file", where=str(path), fix="name an audio file")
    if status.st_size == 0:
        raise UsageError("the file is empty (0 bytes)", where=str(path), fix="record it again")
    return _load(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=64)
def _load(path: Path, modified: int, size: int) -> Recording:
    where = str(path)
    try:
        with path.open("rb") as file:
            _refuse_truncated_wav(file, where, size)
        with soundfile.SoundFile(path) as sound:
            samples = _read(sound, where)
    except OSError as error:
        raise UsageError(error.strerror or str(error), where=where, fix="make the file readable") from error
    except soundfile.LibsndfileError as error:
        reason = error.error_string.strip().rstrip(".")
        raise UsageError(f"not audio, or damaged: {reason}", where=where, fix=_FORMATS) from error
    samples.setflags(write=False)
    return Recording(samples, path.name)


def _read(sound: Any, where: str) -> NDArray[np.int16]:
    if sound.frames <= 0:
        raise UsageError("no audio in it: zero samples", where=where, fix="record it again")
    if sound.samplerate not in RATES:
        raise UsageError(
            f"a sample rate of {sound.samplerate} Hz", where=where, fix=f"use {RATES[0]} to {RATES[-1]} Hz"
        )
    seconds = sound.frames / sound.samplerate
    if seconds > LONGEST_SECONDS:
        raise UsageError(
            f"{seconds:.0f} s long, at most {LONGEST_SECONDS} s (an hour) can be said",
            where=where,
            fix="cut it, or check the sample rate in its header",
        )
    resample = _Resampler(sound.samplerate)
    read, parts = 0, []
    while (block := sound.read(_BLOCK, dtype="float32", always_2d=True)).size:
        if not np.isfinite(block).all():
            raise UsageError("samples that are no numbers (NaN or infinity)", where=where, fix="export it again")
        read += len(block)
        parts += resample.add(block.mean(axis=1, dtype=np.float32))
    if read < sound.frames:
        raise UsageError(
            f"truncated: {read} of {sound.frames} frames can be read, {sound.frames - read} are missing",
            where=where,
            fix="copy the file again",
        )
    samples: NDArray[np.int16] = np.concatenate([*parts, *resample.rest()])
    return _fit(samples, max(1, round(sound.frames * SAMPLE_RATE / sound.samplerate)))


def _fit(samples: NDArray[np.int16], length: int) -> NDArray[np.int16]:
    """Cut or fill up what a resampler's filter adds or keeps at the end: a few samples."""
    return samples[:length] if samples.size >= length else np.pad(samples, (0, length - samples.size))


class _Resampler:
    """Float samples of any rate to 16-bit samples at 48 kHz, block by block."""

    def __init__(self, rate: int) -> None:
        self._rate = rate
        self._resampler: Any = av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)
        self._position = 0

    def add(self, samples: NDArray[np.float32]) -> list[NDArray[np.int16]]:
        if self._rate == SAMPLE_RATE:
            return [np.clip(np.rint(samples * 32768.0), -32768, 32767).astype(np.int16)]
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="flt", layout="mono")
        frame.sample_rate = self._rate
        frame.pts = self._position
        self._position += samples.size
        return [out.to_ndarray()[0] for out in self._resampler.resample(frame)]

    def rest(self) -> list[NDArray[np.int16]]:
        if self._rate == SAMPLE_RATE:
            return []
        return [out.to_ndarray()[0] for out in self._resampler.resample(None)]


def _refuse_truncated_wav(file: Any, where: str, size: int) -> None:
    """libsndfile reads what is there of a WAV file that was cut off, and says nothing; the header says how much there should be.

    RIFF (Microsoft and IBM, Multimedia Programming Interface and Data Specifications 1.0): chunks of an id, a length and as
    many bytes, padded to even.
    """
    riff = file.read(12)
    if len(riff) < 12 or riff[:4] != b"RIFF" or riff[8:] != b"WAVE":
        return
    frame_bytes, bytes_per_second = 1, 0
    while len(head := file.read(8)) == 8:
        name, length = struct.unpack("<4sI", head)
        start = file.tell()
        if name == b"fmt ":
            form = file.read(min(length, 16))
            if len(form) == 16:
                bytes_per_second, frame_bytes = struct.unpack_from("<IH", form, 8)
        elif name == b"data":
            missing = start + length - size
            if missing <= 0 or length in _UNKNOWN_LENGTHS:
                return
            frames = -(-missing // max(frame_bytes, 1))
            seconds = f" ({missing / bytes_per_second:.2f} s)" if bytes_per_second else ""
            raise UsageError(
                f"truncated: the header announces {length} bytes of audio, {missing} of them = {frames} frames{seconds} are missing",
                where=where,
                fix="copy or record the file again",
            )
        file.seek(start + length + length % 2)
    raise UsageError(
        "a WAV file without audio: it ends before the data chunk", where=where, fix="copy or record it again"
    )
