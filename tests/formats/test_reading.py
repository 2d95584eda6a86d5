from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.errors import NotARecord, TraceError, UsageError
from harness.formats import read_records
from harness.formats import reading as module
from harness.judging.recording import result_of
from tests.traces import SET_UP, trace

EVENTS = [
    {"type": "session.created", "event_id": "e1", "session": {"id": "s", "type": "realtime", "audio": {}}},
    {"type": "response.output_text.delta", "event_id": "e2", "response_id": "r", "delta": "x"},
]
HAR = {
    "log": {
        "entries": [
            {
                "startedDateTime": "2026-11-28T07:31:35.500Z",
                "time": 1,
                "request": {
                    "method": "POST",
                    "url": "https://api.openai.com/v1/realtime/calls",
                    "headers": [{"name": "Authorization", "value": "Bearer sk-hidden0123456789"}],
                    "postData": {
                        "mimeType": "application/sdp",
                        "text": "v=0\r\na=ice-pwd:averysecretpassword12345\r\n",
                    },
                },
                "response": {"status": 201, "headers": [], "content": {"text": "v=0\r\n"}},
            }
        ]
    }
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(name: str, content: object) -> Path:
    path = Path(name)
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def test_a_trace_of_ours_is_read_as_it_is(here: Path) -> None:
    ours = trace(*SET_UP)
    path = write("t.ndjson", "".join(f"{line}\n" for line in ours.lines()))
    (found,) = read_records([path], "openai-beta")
    assert found.trace == ours
    assert found.path == path.resolve()


@pytest.mark.parametrize("packed", [False, True])
def test_a_record_becomes_a_trace_that_says_what_it_can_show(here: Path, packed: bool) -> None:
    text = json.dumps(EVENTS).encode()
    (found,) = read_records([write("log.json", gzip.compress(text) if packed else text)])
    header = found.trace.header
    assert (header.observer, header.dialect, header.shows) == ("client", "openai-ga", ("event.received",))
    assert header.extra["record"] == "events"
    assert header.extra["recognised"].startswith("openai-ga, by the names of its events")
    assert (found.trace.end, found.path) == ("unknown", None)


def test_a_log_saved_by_powershell_is_read(here: Path) -> None:
    assert len(read_records([write("log.json", json.dumps(EVENTS).encode("utf-16"))])) == 1


def test_a_dialect_that_is_given_counts(here: Path) -> None:
    (found,) = read_records([write("log.json", EVENTS)], "azure-ga")
    assert found.trace.header.dialect == "azure-ga"
    assert "recognised" not in found.trace.header.extra


def test_secrets_are_taken_out_on_the_way_in(here: Path) -> None:
    (found,) = read_records([write("x.har", HAR)])
    text = "\n".join(found.trace.lines())
    assert "sk-hidden" not in text
    assert "averysecret" not in text
    assert "[redacted:" in text


def test_files_of_different_forms_are_one_call_and_files_of_one_form_are_a_call_each(here: Path) -> None:
    log, har = write("log.json", EVENTS), write("x.har", HAR)
    (one,) = read_records([log, har])
    assert one.name == "log.json + x.har"
    assert [found.name for found in read_records([log, log])] == ["log.json", "log.json"]


def test_calls_of_one_file_have_numbers(here: Path) -> None:
    again = {**EVENTS[0], "event_id": "e9"}
    assert [one.name for one in read_records([write("log.json", [*EVENTS, again])])] == ["log.json#1", "log.json#2"]


def test_files_that_cannot_be_joined_are_refused(here: Path) -> None:
    log, har = write("log.json", EVENTS), write("x.har", HAR)
    two = write("two.json", [*EVENTS, {**EVENTS[0], "event_id": "e9"}])
    with pytest.raises(UsageError, match="same side"):
        read_records([log, log, har])
    with pytest.raises(UsageError, match="more than one call"):
        read_records([two, har])


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"\n \n", "empty"),
        (b"RIFF\x00\x01\xff\xfe", "not UTF-8"),
        (b"hello", "no record of a call"),
        (b"{}", "no record of a call"),
        (b"[" * 100_000, "no record of a call"),
        (b'{"a":' * 100_000, "no record of a call"),
        (b"\x1f\x8b\x08damaged", "gzip"),
        (b'{"type": "error", "error": {}}', "which API"),
    ],
)
def test_any_other_file_is_refused_with_what_is_taken(here: Path, content: bytes, said: str) -> None:
    with pytest.raises(NotARecord) as caught:
        read_records([write("file", content)])
    assert said in str(caught.value)
    assert caught.value.fix
    assert caught.value.exit_code == 2


def test_a_missing_file_is_named(here: Path) -> None:
    with pytest.raises(NotARecord, match=r"nothing\.json"):
        read_records([Path("nothing.json")])


def test_a_file_that_is_too_large_also_unpacked_is_refused(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST", 1000)
    for content in (b"x" * 1001, gzip.compress(b"x" * 5000)):
        with pytest.raises(NotARecord, match="larger than"):
            read_records([write("big", content)])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(max_size=8) | st.sampled_from(EVENTS),
        lambda inner: (
            st.lists(inner, max_size=4)
            | st.dictionaries(
                st.sampled_from(["type", "event", "time", "log", "entries", "PeerConnections", "error"]),
                inner,
                max_size=4,
            )
        ),
        max_leaves=12,
    )
)
def test_whatever_json_is_in_a_file_it_is_judged_or_refused(here: Path, value: object) -> None:
    path = write("any.json", value)
    try:
        found = read_records([path], "azure-ga")
    except TraceError:
        return
    for one in found:
        result = result_of(one.trace, name=one.name)
        assert not result.bug, result.error
