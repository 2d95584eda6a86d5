"""Files that a run leaves: a disk that is full, a folder that cannot be written to are a message with the path, and what was there stays."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from harness.errors import UsageError


def refused(path: Path, error: OSError) -> UsageError:
    """The error for a person: what the system said, about which file, and what to do."""
    return UsageError(
        f"cannot be written: {error.strerror or error}",
        where=str(path),
        fix="free some space, make the folder writable, or choose another one with --out",
    )


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """The folder of ``path`` exists inside. Raises UsageError where the system refuses something."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        raise refused(path, error) from error


def write_text(path: Path, text: str) -> None:
    """Put ``text`` (UTF-8) into the file, all of it or nothing: what was there before stays until then. Raises UsageError."""
    # A lone surrogate, which a peer can send in JSON, is no character; JSON reads its escape.
    write_bytes(path, text.encode("utf-8", errors="backslashreplace"))


def write_bytes(path: Path, octets: bytes) -> None:
    """Put ``octets`` into the file likewise."""
    new = path.with_name(f"{path.name}.new")
    with writing(path):
        try:
            new.write_bytes(octets)
            os.replace(new, path)
        except OSError:
            with contextlib.suppress(OSError):
                new.unlink()
            raise


@contextmanager
def open_trace(path: Path) -> Iterator[IO[str]]:
    """A new file that a recorder streams into. Raises UsageError where it cannot be opened, or its last lines cannot be written.

    Where there already is another error, that one is raised.
    """
    with writing(path):
        sink = path.open("w", encoding="utf-8")
    try:
        yield sink
    except BaseException:
        with contextlib.suppress(OSError):
            sink.close()
        raise
    with writing(path):
        sink.close()
