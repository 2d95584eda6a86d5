"""What is given to others reads back as it was: the same events and requests, and the same findings wherever the copy can show them."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

from harness.errors import TraceError
from harness.formats import read_records
from harness.formats.writing import EXPORTS
from harness.judging.recording import result_of
from harness.judging.results import Result
from harness.rules.base import Outcome
from harness.trace import Trace, read_trace
from tests.traces import SET_UP, event, trace

TESTS = Path(__file__).parents[1]
TRACES = sorted([*TESTS.glob("golden/*/*.ndjson"), *TESTS.glob("formats/recorded/*/served.ndjson")])


def failed(result: Result) -> dict[str, list[str]]:
    return {one.id: [seen.actual for seen in one.failures] for one in result.rules if one.outcome is Outcome.FAIL}


def given(path: Path, folder: Path, *forms: str) -> tuple[Trace, Result]:
    ours = read_trace(path)
    files = []
    for form in forms:
        file = folder / f"copy{EXPORTS[form].ending}"
        file.write_bytes(EXPORTS[form].write(ours, {}))
        files.append(file)
    (found,) = read_records(files, ours.header.dialect)
    return found.trace, result_of(found.trace, name="copy")


@pytest.mark.parametrize("path", TRACES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_events_read_back_as_they_were_and_find_nothing_else(path: Path, tmp_path: Path) -> None:
    ours = read_trace(path)
    try:
        copy, result = given(path, tmp_path, "events")
    except TraceError:
        assert not ours.of("event.sent", "event.received")
        return
    for side in ("client", "service"):
        before = [dict(entry.event) for entry in ours.events(side)]  # type: ignore[arg-type]
        if before:
            assert [dict(entry.event) for entry in copy.events(side)] == before  # type: ignore[arg-type]
    whole = failed(result_of(ours, name="ours"))
    assert {id: seen for id, seen in failed(result).items() if whole.get(id) != seen} == {}


@pytest.mark.parametrize("path", TRACES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_requests_read_back_as_they_were_and_find_nothing_else(path: Path, tmp_path: Path) -> None:
    ours = read_trace(path)
    copy, result = given(path, tmp_path, "har")
    assert [entry.data.get("body") for entry in copy.of("http.request")] == [
        entry.data.get("body") for entry in ours.of("http.request")
    ]
    assert [(entry.data["step"], entry.data["status"]) for entry in copy.of("http.response")] == [
        (entry.data["step"], entry.data["status"]) for entry in ours.of("http.response")
    ]
    whole = failed(result_of(ours, name="ours"))
    assert {id: seen for id, seen in failed(result).items() if whole.get(id) != seen} == {}


def test_what_was_no_event_is_given_too_and_the_time_as_it_went_where_the_day_is_not_known() -> None:
    broken = (0.2, "event.undecodable", {"direction": "received", "reason": "not JSON", "text": "{", "size": 1})
    lines = EXPORTS["events"].write(trace(event(0.1, "client", "response.create"), broken), {}).decode().splitlines()
    assert [json.loads(line) for line in lines] == [
        {"elapsed_ms": 100.0, "from": "client", "event": {"type": "response.create"}},
        {"elapsed_ms": 200.0, "from": "service", "text": "{"},
    ]


def rtp(t: float, direction: str, *rows: list[int]) -> tuple[float, str, dict[str, object]]:
    told = {"direction": direction, "ssrc": 0x01020304, "payload_type": 111, "first": t, "packets": list(rows)}
    return (t + 1.0, "rtp.packets", told)


def test_a_capture_holds_each_packet_at_its_time_with_the_payload_of_the_audio_file() -> None:
    sent = rtp(0.5, "sent", [0, 7, 960, 3, 1, 0xF8], [20, 8, 1920, 2, 0, 0x08])
    received = rtp(0.51, "received", [0, 65535, 0, 3, 0, 0xF8])
    # The audio file has silence where a packet was lost.
    payloads = {"sent": [b"\xf8\xff\xfe", b"\xf8\xff\xff", b"\x08\x01"]}
    capture = EXPORTS["pcap"].write(trace(*SET_UP, sent, received), payloads)
    assert struct.unpack_from("<IHH", capture) == (0xA1B2C3D4, 2, 4)
    assert struct.unpack_from("<I", capture, 20) == (228,)
    frames = []
    at = 24
    while at < len(capture):
        seconds, micros, length, whole = struct.unpack_from("<IIII", capture, at)
        assert length == whole
        frames.append((seconds + micros / 1e6, capture[at + 16 : at + 16 + length]))
        at += 16 + length
    assert [round(t, 3) for t, _ in frames] == [0.5, 0.51, 0.52]
    first, other, second = (frame for _, frame in frames)
    assert (first[12:16], other[12:16]) == (bytes((192, 0, 2, 1)), bytes((192, 0, 2, 2)))
    assert struct.unpack_from("!BBHII", first, 28) == (0x80, 0x80 | 111, 7, 960, 0x01020304)
    assert first[40:] == b"\xf8\xff\xfe"
    assert second[40:] == b"\x08\x01"
    assert struct.unpack_from("!H", other, 30) == (65535,)
    assert other[40:] == b"\xf8\x00\x00"  # no audio file: the first byte, which tells the length, and zeros
    for frame in (first, other, second):
        header = struct.unpack("!10H", frame[:20])
        assert sum(header) % 0xFFFF == 0  # RFC 1071: a sound header sums to minus zero
        assert struct.unpack_from("!H", frame, 2)[0] == len(frame)
        assert struct.unpack_from("!H", frame, 24)[0] == len(frame) - 20


def test_a_recording_without_audio_makes_an_empty_capture() -> None:
    assert len(EXPORTS["pcap"].write(trace(*SET_UP), {})) == 24
