"""Opens a recording: a trace file, or a cassette (a folder or a .zip) with the trace and its audio in it; a hostile archive is bounded."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Literal

from harness.errors import NotATrace
from harness.trace.model import Trace
from harness.trace.reader import read_trace

Direction = Literal["sent", "received"]

TRACE = "trace.ndjson"
"""What a cassette calls its trace."""
ABOUT = "cassette.json"
"""What a cassette says of itself: versions and provenance."""
DIRECTIONS: tuple[Direction, ...] = ("sent", "received")
MOST_MEMBERS = 64
LARGEST_TRACE = 1 << 30
LARGEST_AUDIO = 256 << 20
"""Bytes; an hour of 48 kbit/s is 22 million, an hour's trace some 200 million."""
MOST_RATIO = 200
"""A trace compresses 20 to 40 times; a zip bomb a thousand times. Small files are let through whatever their ratio."""
_SMALL = 16 << 20
_FIX = "make it with harness cassette TRACE, or name the .ndjson file itself"


@dataclass(frozen=True)
class Recording:
    """A trace with the audio beside it. ``name`` is the file's or folder's own name, without its path."""

    trace: Trace
    name: str
    _audio: Mapping[Direction, Callable[[], bytes]] = field(default_factory=dict)

    @property
    def directions(self) -> tuple[Direction, ...]:
        """The directions (the observer's) whose audio is there."""
        return tuple(one for one in DIRECTIONS if one in self._audio)

    def audio(self, direction: Direction) -> bytes | None:
        """The Ogg Opus file of this direction, None where there is none. Raises NotATrace where it cannot be read."""
        read = self._audio.get(direction)
        return None if read is None else read()


def open_recording(path: Path | str) -> Recording:
    """The recording at ``path``: a trace (.ndjson), a cassette folder, or a cassette .zip.

    Audio is looked for by the name that ``audio.file`` entries give, beside the trace and in ``audio/`` beside it or beside its folder,
    never elsewhere, whatever path a trace names. Raises TraceError (NotATrace and others), naming what is wrong and where.
    """
    path = Path(path)
    if path.is_dir():
        return _of_folder(path)
    if zipfile.is_zipfile(path):
        return _of_zip(path)
    return _of_file(path, path.name)


def _of_folder(path: Path) -> Recording:
    return _of_file(_trace_in(path), path.resolve().name)


def _trace_in(folder: Path) -> Path:
    own = folder / TRACE
    if own.is_file():
        return own
    found = sorted(folder.glob("*.ndjson"))
    if len(found) != 1:
        what = f"{len(found)} traces, and none is {TRACE}" if found else "no trace in this folder"
        raise NotATrace(what, where=str(folder), fix="name one of the .ndjson files" if found else _FIX)
    return found[0]


def _of_file(path: Path, name: str) -> Recording:
    trace = read_trace(path)
    audio: dict[Direction, Callable[[], bytes]] = {}
    for direction in DIRECTIONS:
        for folder in (path.parent, path.parent / "audio", path.parent.parent / "audio"):
            found = next(
                (folder / one for one in _names(trace, path.stem, direction) if (folder / one).is_file()), None
            )
            if found is not None:
                audio[direction] = _reader(found)
                break
    return Recording(trace, name, audio)


def _names(trace: Trace, stem: str, direction: Direction) -> tuple[str, ...]:
    """The file names, without any folder, under which the audio of a direction may be found."""
    told = [
        PurePosixPath(str(entry.data.get("path", "")).replace("\\", "/")).name
        for entry in trace.of("audio.file")
        if entry.data.get("direction") == direction
    ]
    return (*(one for one in told if one), f"{stem}.{direction}.ogg", f"{direction}.ogg")


def _reader(path: Path) -> Callable[[], bytes]:
    def read() -> bytes:
        try:
            if path.stat().st_size > LARGEST_AUDIO:
                raise NotATrace(f"larger than {LARGEST_AUDIO >> 20} MiB", where=str(path), fix="is this the recording?")
            return path.read_bytes()
        except OSError as error:
            raise NotATrace(error.strerror or str(error), where=str(path), fix="make the file readable") from error

    return read


def _of_zip(path: Path) -> Recording:
    with _opened(path) as archive:
        member = _trace_member(archive, path)
        trace = read_trace(_lines(_member(archive, path, member, LARGEST_TRACE)))
        folder = PurePosixPath(member).parent
        names = set(archive.namelist())
        audio: dict[Direction, Callable[[], bytes]] = {}
        for direction in DIRECTIONS:
            for one in _names(trace, PurePosixPath(member).stem, direction):
                found = next((str(at / one) for at in (folder, folder / "audio") if str(at / one) in names), None)
                if found is not None:
                    data = _member(archive, path, found, LARGEST_AUDIO)
                    audio[direction] = lambda data=data: data  # type: ignore[misc]
                    break
    return Recording(trace, path.name, audio)


def _opened(path: Path) -> zipfile.ZipFile:
    try:
        archive = zipfile.ZipFile(path)
    except (OSError, zipfile.BadZipFile, NotImplementedError) as error:
        raise NotATrace(f"not a .zip that can be read: {error}", where=str(path), fix=_FIX) from error
    if len(archive.namelist()) > MOST_MEMBERS:
        archive.close()
        raise NotATrace(
            f"{len(archive.filelist)} files, at most {MOST_MEMBERS} are in a cassette", where=str(path), fix=_FIX
        )
    return archive


def _trace_member(archive: zipfile.ZipFile, path: Path) -> str:
    """The name of the trace in the archive: ``trace.ndjson``, at the top or in the one folder, or the only .ndjson."""
    found = [one for one in archive.namelist() if one.endswith(".ndjson") and not one.startswith("__MACOSX/")]
    own = [one for one in found if PurePosixPath(one).name == TRACE]
    chosen = own if len(own) == 1 else found
    if len(chosen) != 1:
        what = f"{len(found)} traces in this .zip" if found else "no trace in this .zip"
        raise NotATrace(what, where=str(path), fix=_FIX)
    return chosen[0]


def _member(archive: zipfile.ZipFile, path: Path, name: str, limit: int) -> bytes:
    """The bytes of one file of the archive, never more than ``limit``, whatever its header says."""
    where = f"{path}:{name}"
    info = archive.getinfo(name)
    bomb = info.file_size > _SMALL and info.file_size > MOST_RATIO * max(info.compress_size, 1)
    if info.file_size > limit or bomb:
        raise NotATrace(f"unpacks to {info.file_size} bytes, which is refused", where=where, fix=_FIX)
    try:
        with archive.open(info) as file:
            data = file.read(info.file_size + 1)
    except (
        Exception
    ) as error:  # what the decompressors raise (zlib.error, LZMAError, BadZipFile, EOFError) has no common base
        raise NotATrace(f"cannot be unpacked: {error}", where=where, fix=_FIX) from error
    if len(data) > info.file_size:
        raise NotATrace("larger than its header says", where=where, fix=_FIX)
    return data


def _lines(data: bytes) -> list[str]:
    return io.StringIO(data.decode("utf-8", errors="replace")).readlines()
