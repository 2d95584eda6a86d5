"""Opening recordings: files, folders, archives; and archives that are meant to do harm."""

from __future__ import annotations

import contextlib
import io
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import HarnessError, NotATrace
from harness.judging.recording import judge_file
from harness.trace import Trace, open_recording
from harness.trace.recording import LARGEST_AUDIO, MOST_MEMBERS
from tests.traces import SET_UP, trace


def text(*files: tuple[str, str]) -> str:
    entries = [(1.0, "audio.file", {"direction": direction, "path": path, "seconds": 1.0}) for direction, path in files]
    return "".join(f"{line}\n" for line in trace(*SET_UP, *entries).lines())


def archive(path: Path, files: dict[str, str | bytes], **options: int) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, **options) as made:
        for name, data in files.items():
            made.writestr(name, data)
    return path


def test_audio_is_found_by_its_told_name_beside_and_in_the_folders_of_a_run(tmp_path: Path) -> None:
    (tmp_path / "traces").mkdir()
    (tmp_path / "audio").mkdir()
    path = tmp_path / "traces" / "call.ndjson"
    path.write_text(text(("sent", "../audio/any name.ogg")))
    (tmp_path / "audio" / "any name.ogg").write_bytes(b"told")
    (tmp_path / "traces" / "call.received.ogg").write_bytes(b"beside")
    found = open_recording(path)
    assert (found.name, found.directions) == ("call.ndjson", ("sent", "received"))
    assert (found.audio("sent"), found.audio("received")) == (b"told", b"beside")


def test_a_path_that_leads_away_is_only_a_name(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"not for you")
    deep = tmp_path / "a" / "b" / "c"
    deep.mkdir(parents=True)
    (deep / "x.ndjson").write_text(text(("sent", "../../../secret"), ("received", str(tmp_path / "secret"))))
    assert open_recording(deep / "x.ndjson").directions == ()


@pytest.mark.parametrize("form", ["folder", "zip", "zip in a folder"])
def test_a_cassette_is_a_folder_or_a_zip(form: str, tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {"trace.ndjson": text(), "sent.ogg": b"audio"}
    if form == "folder":
        path = tmp_path / "cassette"
        path.mkdir()
        for name, data in files.items():
            (path / name).write_bytes(data.encode() if isinstance(data, str) else data)
    else:
        inside = "one/" if form == "zip in a folder" else ""
        path = archive(tmp_path / "c.zip", {f"{inside}{name}": data for name, data in files.items()})
    found = open_recording(path)
    assert (found.audio("sent"), found.audio("received")) == (b"audio", None)
    assert found.trace.end == "completed"
    assert judge_file(path).dialect == "azure-ga"


@pytest.mark.parametrize(
    ("files", "what"),
    [
        ({}, "no trace in this .zip"),
        ({"a.ndjson": text(), "b.ndjson": text()}, "2 traces in this .zip"),
        ({f"{number}.txt": "" for number in range(MOST_MEMBERS + 1)}, f"at most {MOST_MEMBERS} are in a cassette"),
        ({"trace.ndjson": b"\0" * (64 << 20)}, "unpacks to 67108864 bytes, which is refused"),
        ({"trace.ndjson": text(), "sent.ogg": b"\0" * (LARGEST_AUDIO + 1)}, "which is refused"),
        ({"trace.ndjson": "no trace"}, "the first line is not a trace header"),
    ],
)
def test_an_archive_that_is_none_is_refused(files: dict[str, str | bytes], what: str, tmp_path: Path) -> None:
    with pytest.raises(NotATrace, match=what.replace("(", r"\(")):
        open_recording(archive(tmp_path / "c.zip", files))


def test_a_header_that_lies_about_the_size_is_not_believed(tmp_path: Path) -> None:
    path = archive(tmp_path / "c.zip", {"trace.ndjson": text() + " " * 100_000})
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\x01\x02")
    data[at + 24 : at + 28] = (50).to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(NotATrace):
        open_recording(path)


def test_names_that_lead_out_of_the_archive_open_nothing_outside(tmp_path: Path) -> None:
    (tmp_path / "sent.ogg").write_bytes(b"outside")
    inner = tmp_path / "in"
    inner.mkdir()
    found = open_recording(
        archive(inner / "c.zip", {"trace.ndjson": text(("sent", "../sent.ogg")), "../sent.ogg": b"inside"})
    )
    assert found.audio("sent") is None
    assert list(inner.iterdir()) == [inner / "c.zip"]


def test_a_folder_without_one_trace_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotATrace, match="no trace in this folder"):
        open_recording(tmp_path)
    for name in "ab":
        (tmp_path / f"{name}.ndjson").write_text(text())
    with pytest.raises(NotATrace, match=r"2 traces, and none is trace\.ndjson"):
        open_recording(tmp_path)


@given(st.integers(0, 400), st.binary(min_size=1, max_size=8))
def test_a_damaged_archive_is_a_message_or_a_recording(at: int, noise: bytes) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("trace.ndjson", text())
        made.writestr("sent.ogg", b"audio")
    data = bytearray(buffer.getvalue())
    data[at % len(data) : at % len(data) + len(noise)] = noise
    from tempfile import TemporaryDirectory

    with TemporaryDirectory() as folder:
        path = Path(folder, "c.zip")
        path.write_bytes(data)
        with contextlib.suppress(HarnessError):
            assert isinstance(open_recording(path).trace, Trace)
