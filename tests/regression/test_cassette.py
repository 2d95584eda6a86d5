"""A cassette holds the recording and nothing that must not be handed on: secrets, paths, names."""

from __future__ import annotations

import io
import json
import string
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import NotATrace, UsageError
from harness.judging.recording import result_of
from harness.media import ogg
from harness.media.opus import SILENCE
from harness.regression.anonymous import anonymous
from harness.regression.cassette import cassette_files, write_cassette, zipped
from harness.trace import Entry, Header, Recording, Trace, open_recording
from tests.regression.calls import findings, recorded

secrets = st.text(string.ascii_letters + string.digits + "+/=_-.", min_size=20, max_size=60).map(
    lambda text: f"K9{text}Z"
)
names = st.text(string.ascii_lowercase, min_size=6, max_size=12).map(lambda text: f"zq{text}")


def planted(secret: str, user: str) -> Trace:
    """A trace in which nothing was redacted, from somebody's home folder."""
    home = f"/home/{user}"
    rows = [
        ("harness.config", {"dialect": "azure-ga", "key_url": f"https://x.example/k?api-key={secret}"}),
        (
            "http.request",
            {
                "id": 1,
                "step": "key",
                "method": "POST",
                "url": "https://x.example/k",
                "headers": {"api-key": secret, "x-log": f"{home}/app/log.txt"},
                "body": {},
            },
        ),
        (
            "http.response",
            {
                "id": 1,
                "step": "key",
                "status": 200,
                "headers": {},
                "body": {"value": secret, "expires_at": 1},
                "seconds": 0.1,
            },
        ),
        (
            "http.request",
            {
                "id": 2,
                "step": "call",
                "method": "POST",
                "url": "https://x.example/c",
                "headers": {"authorization": f"Bearer {secret}"},
                "body": "v=0",
            },
        ),
        (
            "harness.log",
            {"logger": "x", "level": "WARNING", "text": f'File "{home}/project/x.py", line 3: key {secret} is wrong'},
        ),
        (
            "event.sent",
            {
                "event": {"type": "session.update", "session": {"tools": [{"type": "mcp", "authorization": secret}]}},
                "size": 10,
            },
        ),
        ("step.said", {"step": 1, "file": f"C:\\Users\\{user}\\caller.wav", "seconds": 1.0}),
        ("audio.file", {"direction": "sent", "path": f"{home}/reports/audio/call.ogg", "seconds": 1.0}),
    ]
    header = Header(
        "client", "azure-ga", f"file://{home}/x", f"../../{user}/scenarios/x.yaml", extra={"note": f"{home}/y"}
    )
    return Trace(
        header, tuple(Entry(number, 0.1 * number, kind, data) for number, (kind, data) in enumerate(rows)), "completed"
    )


@given(secrets, names)
def test_no_secret_and_no_name_is_in_any_byte_of_it(secret: str, user: str) -> None:
    tagged = ogg.file([(960, SILENCE)], vendor=f"/home/{user} {secret}")
    made = zipped(cassette_files(Recording(planted(secret, user), f"{user}.ndjson", {"sent": lambda: tagged})))
    with zipfile.ZipFile(io.BytesIO(made)) as archive:
        unpacked = b"".join(archive.read(name) for name in archive.namelist())
        told = " ".join([*archive.namelist(), *(repr(info) for info in archive.infolist())])
    for data in (made, unpacked, told.encode()):
        assert secret.encode() not in data
        assert user.encode() not in data


@given(secrets)
def test_a_secret_that_is_known_is_taken_out_wherever_it_stands(secret: str) -> None:
    entries = (Entry(0, 0.0, "event.sent", {"event": {"type": "x", "text": f"say {secret} please"}, "size": 1}),)
    files = cassette_files(Recording(Trace(Header("client", "azure-ga"), entries, "completed"), "x"), secrets=[secret])
    assert secret.encode() not in b"".join(files.values())


def test_a_new_mark_is_no_old_one() -> None:
    entries = (Entry(0, 0.0, "harness.note", {"text": "old [redacted:1:20:text], new Bearer abcdefghijklmnop1234"}),)
    files = cassette_files(Recording(Trace(Header("client", "azure-ga"), entries, "completed"), "x"))
    assert b"old [redacted:1:20:text], new Bearer [redacted:2:20:ice]" in files["trace.ndjson"]


def test_it_is_judged_as_the_recording_and_is_the_same_every_time(tmp_path: Path) -> None:
    result, trace = recorded("turns/caller-speaks-assistant-answers.yaml", "azure-ga", tmp_path / "run")
    first = write_cassette(open_recording(trace), tmp_path / "a.zip")
    second = write_cassette(open_recording(trace), tmp_path / "b.zip")
    assert first.read_bytes() == second.read_bytes()
    packed = open_recording(first)
    assert packed.directions == ("sent", "received")
    judged = result_of(packed.trace, name="x")
    assert findings(judged)[:2] == findings(result)[:2]
    with zipfile.ZipFile(first) as archive:
        assert sorted(archive.namelist()) == ["cassette.json", "received.ogg", "sent.ogg", "trace.ndjson"]
        about = json.loads(archive.read("cassette.json"))
    assert about["recorded"]["dialect"] == "azure-ga"
    assert about["recorded"]["observer"] == "client"
    assert about["recorded"]["date"]
    again = write_cassette(packed, tmp_path / "folder")
    assert open_recording(again).trace.entries == packed.trace.entries


def test_a_folder_with_other_things_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.doc").write_text("mine")
    with pytest.raises(UsageError, match="something else already"):
        write_cassette(Recording(Trace(Header("client", "azure-ga"), (), "completed"), "x"), tmp_path)


def test_audio_that_is_none_is_refused() -> None:
    with pytest.raises(NotATrace, match="x: sent audio: not an Ogg Opus file"):
        cassette_files(Recording(Trace(Header("client", "azure-ga"), (), "completed"), "x", {"sent": lambda: b"RIFF"}))


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("say /tmp/x/caller.wav (looped)", "say caller.wav (looped)"),
        ("../../tmp/rp/x.yaml", "x.yaml"),
        ("~bob/x.wav and C:\\Users\\bob\\y.wav", "x.wav and y.wav"),
        ("https://api.example/v1/realtime/calls/rtc_1", "https://api.example/v1/realtime/calls/rtc_1"),
        ("http://127.0.0.1:8080/data/x", "http://127.0.0.1:8080/data/x"),
        ("/openai/v1/realtime/calls/rtc_1", "/openai/v1/realtime/calls/rtc_1"),
        ("scenarios/turns/x.yaml", "scenarios/turns/x.yaml"),
        ("either/or, 1/2", "either/or, 1/2"),
    ],
)
def test_paths_become_names_and_addresses_stay(text: str, left: str) -> None:
    assert anonymous({"a": [text]}) == {"a": [left]}
