"""Traces of any content are judged, explained and shown: no rule, diagnosis or report stumbles over what a peer sent."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.errors import TraceError
from harness.files import write_text
from harness.judging.recording import judge_file, result_of
from harness.judging.results import to_json
from harness.report.html import conformance_html
from harness.report.junit import junit
from harness.report.text import lines_of
from harness.trace import Header, Recorder, Trace, read_trace
from tests.hostile.mutations import spoiled, values

GOLDEN = sorted((Path(__file__).parent.parent / "golden").glob("*/*.ndjson"))
TRACES = {path.relative_to(path.parent.parent).as_posix(): read_trace(path) for path in GOLDEN}


def recorded(rows: list[tuple[str, Any]], header: Header) -> Trace:
    """What a recorder makes of these observations, a hundredth of a second apart."""
    now = iter(range(10**6))
    recorder = Recorder(header, lambda: next(now) / 100)
    for kind, data in rows:
        recorder.record(kind, **{str(name): value for name, value in data.items()})
    return recorder.close()


def sound(trace: Trace) -> None:
    """It can be stored and read again, judged, and told in every form."""
    assert read_trace(trace.lines()).end == trace.end
    result = result_of(trace, name="hostile")
    assert not result.bug, result.error
    json.loads(json.dumps(to_json([result], seconds=0.0)))
    ElementTree.fromstring(junit([result], seconds=0.0).encode("utf-8", "replace"))
    list(lines_of([result], seconds=0.0))
    conformance_html([result], seconds=0.0)


# Only what a peer decides: events, its HTTP responses, its SDP, its packets. The rest of an entry is our own.
PEERS = {"event.received": ("event",), "event.sent": ("event",), "http.response": ("headers", "body", "status"),
         "http.request": ("headers", "body", "url"), "sdp.answer": ("sdp",), "sdp.offer": ("sdp",), "rtp.packets": ("packets",),
         "channel.created": ("label", "protocol", "id"), "channel.dcep": ("stream",), "rtp.rtcp": ("types", "ssrc"),
         "event.undecodable": ("text",)}  # fmt: skip


@pytest.mark.parametrize(
    "name",
    [
        "azure-ga/s02-server-vad-turn.ndjson",
        "azure-ga/s07-function-call.ndjson",
        "azure-ga/s09-barge-in.ndjson",
        "azure-preview/s13-transcription-session.ndjson",
        "azure-ga/s15-errors.ndjson",
    ],
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(data=st.data())
def test_spoiled_recordings_are_judged(name: str, data: st.DataObject) -> None:
    whole = TRACES[name]
    rows: list[tuple[str, Any]] = [(entry.kind, json.loads(json.dumps(dict(entry.data)))) for entry in whole.entries]
    ours = [index for index, (kind, _) in enumerate(rows) if kind in PEERS]
    for index in data.draw(st.lists(st.sampled_from(ours), min_size=1, max_size=6, unique=True)):
        kind, fields = rows[index]
        if kind.startswith("event.") and isinstance(fields.get("event"), dict):
            event = data.draw(spoiled(fields["event"], times=3))
            rows[index] = (
                kind,
                {**fields, "event": {**event, "type": event["type"] if isinstance(event.get("type"), str) else "x"}},
            )
        elif kind == "http.response":
            rows[index] = (kind, {**fields, "body": data.draw(values), "status": data.draw(st.integers(100, 599))})
        elif kind.startswith("sdp."):
            rows[index] = (
                kind,
                {"sdp": data.draw(st.text(max_size=60)) + fields["sdp"][data.draw(st.integers(0, 300)) :]},
            )
        elif kind == "channel.created":
            rows[index] = (kind, {**fields, "label": data.draw(st.text(max_size=20))})
        elif kind == "http.request" and whole.header.observer == "service":
            rows[index] = (kind, {**fields, "body": data.draw(values)})
    if data.draw(st.booleans()):
        rows.reverse()
    sound(recorded(rows, replace(whole.header, observer=data.draw(st.sampled_from(["client", "service"])))))


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300) | st.text(max_size=200).map(str.encode))
def test_any_file_is_read_as_a_trace_or_refused_with_its_line(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.ndjson"
    path.write_bytes(content)
    refused(path)
    path.write_bytes(b'{"trace":1,"observer":"client","dialect":"azure-ga"}\n' + content)
    refused(path)


def refused(path: Path) -> None:
    result, message = None, ""
    try:
        result = judge_file(path)
    except TraceError as error:
        message = str(error)
    assert str(path) in message if result is None else not result.bug, result and result.error


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_trace_file_with_spoiled_lines_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    lines = list(TRACES["azure-ga/s06-text.ndjson"].lines())
    at = data.draw(st.integers(0, len(lines) - 1))
    lines[at] = json.dumps(data.draw(spoiled(json.loads(lines[at]))))
    path = tmp_path_factory.getbasetemp() / "spoiled.ndjson"
    write_text(path, "\n".join(lines) + "\n")
    refused(path)
