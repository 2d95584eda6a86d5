"""The golden traces with one fault each: some rule must see it. And with nonsense in any field: no rule may raise."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.protocol.dialects import DIALECTS as ROWS
from harness.rules import catalogue
from harness.rules.base import Outcome
from harness.trace import Entry, Trace, read_trace
from tests.judging_all import judge_all

FILES = sorted((Path(__file__).parents[1] / "golden").rglob("*.ndjson"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**40) | st.floats() | st.sampled_from(["", "x", "item_u1", "resp_1"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "type", "item", "status"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@cache
def load(dialect: str, name: str) -> Trace:
    assert catalogue.all_rules()
    return read_trace(Path(__file__).parents[1] / "golden" / dialect / f"{name}.ndjson")


def numbered(trace: Trace, entries: list[Entry]) -> Trace:
    return Trace(trace.header, tuple(replace(entry, seq=seq) for seq, entry in enumerate(entries)), trace.end)


def failed(trace: Trace) -> set[str]:
    return {result.id for result in judge_all(trace) if result.outcome is Outcome.FAIL}


def place(trace: Trace, wire: str, number: int = 0) -> int:
    return [entry.seq for entry in trace.entries if entry.type == wire][number]


# The canonical type that is left out, the sequence, which one of them, and the rule that must say so.
DROPPED = [
    ("session.created", "s02-server-vad-turn", 0, "SES-01"),
    ("session.updated", "s02-server-vad-turn", 0, "SES-04"),
    ("input_audio_buffer.speech_started", "s02-server-vad-turn", 0, "TURN-01"),
    ("input_audio_buffer.speech_stopped", "s02-server-vad-turn", 1, "TURN-04"),
    ("input_audio_buffer.committed", "s02-server-vad-turn", 0, "TURN-04"),
    ("conversation.item.added", "s02-server-vad-turn", 0, "TURN-05"),
    ("conversation.item.added", "s02-server-vad-turn", 1, "ITM-19"),
    ("response.created", "s02-server-vad-turn", 0, "RSP-01"),
    ("response.output_item.added", "s02-server-vad-turn", 0, "RSP-20"),
    ("response.content_part.added", "s02-server-vad-turn", 0, "CNT-01"),
    ("output_audio_buffer.started", "s02-server-vad-turn", 0, "PLAY-01"),
    ("response.output_audio_transcript.delta", "s02-server-vad-turn", 1, "CNT-04"),
    ("response.output_audio_transcript.done", "s02-server-vad-turn", 0, "CNT-06"),
    ("response.output_audio.done", "s02-server-vad-turn", 0, "CNT-10"),
    ("response.content_part.done", "s02-server-vad-turn", 0, "CNT-06"),
    ("response.output_item.done", "s02-server-vad-turn", 0, "RSP-07"),
    ("response.done", "s02-server-vad-turn", 0, "RSP-03"),
    ("output_audio_buffer.stopped", "s02-server-vad-turn", 0, "PLAY-03"),
    ("response.function_call_arguments.done", "s07-function-call", 0, "ITM-21"),
    ("response.output_audio_transcript.done", "s09-barge-in", 0, "CNT-09"),
    ("output_audio_buffer.cleared", "s09-barge-in", 1, "PLAY-08"),
    ("conversation.item.retrieved", "s11-truncate", 0, "ITM-11"),
]
DUPLICATED = [
    ("session.created", "s02-server-vad-turn", "SES-02"),
    ("session.updated", "s02-server-vad-turn", "SES-16"),
    ("input_audio_buffer.speech_started", "s02-server-vad-turn", "TURN-13"),
    ("input_audio_buffer.committed", "s02-server-vad-turn", "TURN-17"),
    ("conversation.item.added", "s02-server-vad-turn", "ITM-03"),
    ("response.created", "s02-server-vad-turn", "RSP-17"),
    ("response.content_part.added", "s02-server-vad-turn", "EVT-08"),
    ("output_audio_buffer.started", "s02-server-vad-turn", "PLAY-01"),
    ("response.output_audio_transcript.delta", "s02-server-vad-turn", "CNT-04"),
    ("response.output_audio_transcript.done", "s02-server-vad-turn", "CNT-06"),
    ("response.output_item.done", "s02-server-vad-turn", "RSP-20"),
    ("response.done", "s02-server-vad-turn", "RSP-03"),
    ("output_audio_buffer.stopped", "s02-server-vad-turn", "PLAY-03"),
    ("conversation.item.input_audio_transcription.completed", "s02-server-vad-turn", "TRN-02"),
    ("response.function_call_arguments.done", "s07-function-call", "ITM-21"),
    ("conversation.item.deleted", "s11-truncate", "ITM-23"),
    ("error", "s10-client-cancel", "ERR-07"),
]
SWAPPED = [
    ("session.created", "conversation.created", "s02-server-vad-turn", "SES-01"),
    ("input_audio_buffer.speech_stopped", "input_audio_buffer.committed", "s02-server-vad-turn", "TURN-04"),
    ("input_audio_buffer.committed", "conversation.item.added", "s02-server-vad-turn", "TURN-05"),
    ("response.output_audio_transcript.done", "response.content_part.done", "s02-server-vad-turn", "CNT-01"),
    ("response.content_part.done", "response.output_item.done", "s02-server-vad-turn", "CNT-12"),
    ("response.done", "output_audio_buffer.stopped", "s02-server-vad-turn", "PLAY-02"),
    ("input_audio_buffer.speech_started", "output_audio_buffer.cleared", "s09-barge-in", "PLAY-13"),
    ("response.function_call_arguments.done", "response.output_item.done", "s07-function-call", "ITM-21"),
]
DIALECTS = ["azure-preview", "azure-ga"]


def wire(trace: Trace, canonical: str) -> str:
    name = ROWS[trace.header.dialect].wire(canonical)
    assert name is not None
    return name


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(("kind", "name", "number", "rule"), DROPPED, ids=lambda value: str(value))
def test_a_dropped_event_is_missed(dialect: str, kind: str, name: str, number: int, rule: str) -> None:
    trace = load(dialect, name)
    at = place(trace, wire(trace, kind), number)
    assert rule in failed(numbered(trace, [entry for entry in trace.entries if entry.seq != at]))


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(("kind", "name", "rule"), DUPLICATED, ids=lambda value: str(value))
def test_a_duplicated_event_is_seen(dialect: str, kind: str, name: str, rule: str) -> None:
    trace = load(dialect, name)
    at = place(trace, wire(trace, kind))
    again = {**trace.entries[at].data, "event": {**trace.entries[at].event, "event_id": "event_again"}}
    copy = replace(trace.entries[at], data=again)
    assert rule in failed(numbered(trace, [*trace.entries[: at + 1], copy, *trace.entries[at + 1 :]]))


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(("first", "second", "name", "rule"), SWAPPED, ids=lambda value: str(value))
def test_swapped_events_are_seen(dialect: str, first: str, second: str, name: str, rule: str) -> None:
    trace = load(dialect, name)
    number = 1 if name == "s09-barge-in" else 0
    here = place(trace, wire(trace, first), number)
    there = next(entry.seq for entry in trace.entries if entry.seq > here and entry.type == wire(trace, second))
    entries = list(trace.entries)
    entries[here], entries[there] = (
        replace(entries[here], data=entries[there].data, kind=entries[there].kind),
        replace(entries[there], data=entries[here].data, kind=entries[here].kind),
    )
    assert rule in failed(numbered(trace, entries))


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(FILES), st.data())
def test_no_rule_raises_whatever_a_peer_sends(path: Path, data: st.DataObject) -> None:
    """One field of one event or entry, at any depth, becomes any JSON value."""
    trace = load(path.parent.name, path.stem)
    at = data.draw(st.integers(0, len(trace.entries) - 1))
    entry = trace.entries[at]
    broken = _spoilt(entry.data, data)
    entries = [*trace.entries[:at], replace(entry, data=broken), *trace.entries[at + 1 :]]
    judge_all(Trace(trace.header, tuple(entries), trace.end))


def _spoilt(value: Any, data: st.DataObject) -> Any:
    if isinstance(value, dict) and value:
        key = data.draw(st.sampled_from(sorted(value)))
        if isinstance(value[key], (dict, list)) and data.draw(st.booleans()):
            return {**value, key: _spoilt(value[key], data)}
        return {**value, key: data.draw(JSON)}
    if isinstance(value, list) and value:
        index = data.draw(st.integers(0, len(value) - 1))
        return [*value[:index], _spoilt(value[index], data), *value[index + 1 :]]
    return data.draw(JSON)


def test_a_channel_that_closes_on_an_error_is_the_service_s_doing() -> None:
    """Only a call that failed by it: a client that hangs up behind an error, and a recording that was cut, are no evidence."""
    trace = load("azure-ga", "s10-client-cancel")
    error = place(trace, "error")
    closed = next(entry for entry in trace.entries if entry.kind == "channel.closed")
    entries = [*trace.entries[: error + 1], closed]
    rule = "ERR-03"
    for end, blamed in (("failed", True), ("completed", False), ("truncated", False), ("interrupted", False)):
        assert (rule in failed(Trace(trace.header, numbered(trace, entries).entries, end))) is blamed, end
