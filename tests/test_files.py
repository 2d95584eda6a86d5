"""A disk that fills up, at any octet, and folders that take no files: a clear message, and what was there stays."""

from __future__ import annotations

import errno
import io
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.errors import TraceError, UsageError
from harness.files import open_trace, write_text
from harness.running.runner import run_job
from harness.trace import Header, Recorder, read_trace
from tests.running.test_runner import job_for


@contextmanager
def room_for(octets: int) -> Iterator[None]:
    """No file may become longer: the system refuses it in the middle of a write, as a full disk does (Python ignores SIGXFSZ)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def record(path: Path) -> Recorder:
    with open_trace(path) as sink:
        recorder = Recorder(Header("client", "azure-ga"), lambda: 0.0, sink=sink)
        for number in range(5):
            recorder.record("harness.note", text=f"entry {number}")
        recorder.close()
    return recorder


def test_a_trace_that_finds_no_more_room_ends_with_a_part_of_a_line(tmp_path: Path) -> None:
    whole = record(tmp_path / "whole.ndjson")
    size = (tmp_path / "whole.ndjson").stat().st_size
    for octets in range(0, size, 7):
        path = tmp_path / f"{octets}.ndjson"
        with (
            room_for(octets),
            pytest.raises(UsageError, match=rf"{path}: cannot be written: File too large\n  fix: free"),
        ):
            record(path)
        whole_lines = path.read_bytes().count(b"\n")
        if whole_lines:
            left = read_trace(path).entries
            assert left == tuple(whole.entries[: len(left)])
            assert len(left) >= whole_lines - 1
        else:
            with pytest.raises(TraceError):
                read_trace(path)


class FullDisk(io.StringIO):
    """Takes so many lines and then none."""

    def __init__(self, lines: int) -> None:
        super().__init__()
        self.left = lines

    def flush(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("lines", range(6))
def test_the_recording_goes_on_without_its_file(lines: int) -> None:
    recorder = Recorder(Header("client", "azure-ga"), lambda: 0.0, sink=FullDisk(lines))
    for number in range(5):
        recorder.record("harness.note", text=f"entry {number}")
    assert recorder.sink_error is not None
    assert recorder.sink_error.errno == errno.ENOSPC
    assert len(recorder.close().entries) == 5


@pytest.mark.parametrize("octets", [0, 100, 4_000, 10_000, 20_000])
def test_a_call_ends_with_the_message_and_leaves_what_there_was_room_for(tmp_path: Path, octets: int) -> None:
    job, loaded = job_for(tmp_path)
    with room_for(octets), pytest.raises(UsageError, match=r"/out/.*: cannot be written: File too large\n  fix: free"):
        run_job(job, loaded)
    path = tmp_path / "out" / "traces" / f"{job.slug}.ndjson"
    assert path.stat().st_size <= octets
    if b"\n" in path.read_bytes():
        assert read_trace(path).header.dialect == "azure-ga"


def test_a_text_that_finds_no_room_leaves_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    write_text(path, "before")
    for octets in range(0, 40, 3):
        with room_for(octets), pytest.raises(UsageError, match=r"results.json: cannot be written: File too large"):
            write_text(path, "after, and much longer than there is room for")
        assert [one.name for one in tmp_path.iterdir()] == ["results.json"]
        assert path.read_text() == "before"


@pytest.mark.parametrize("folder", ["taken", "taken/below", "/proc/none", "/dev/null"])
def test_a_folder_that_takes_no_files_is_named(tmp_path: Path, folder: str) -> None:
    (tmp_path / "taken").write_text("a file")
    path = tmp_path / folder / "traces" / "t.ndjson"
    for attempt in (lambda: write_text(path, "x"), lambda: record(path)):
        with pytest.raises(UsageError, match=rf"{path}: cannot be written: .+\n  fix: .+ --out"):
            attempt()  # type: ignore[no-untyped-call]
