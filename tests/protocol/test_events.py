"""Every schema refuses what its model refuses and says so in a short sentence; nothing that a peer sends makes it raise."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.protocol.dialects import DIALECTS
from harness.protocol.events import WITHOUT_EVENT_ID, findings, problems, types

GA, BETA = DIALECTS["azure-ga"], DIALECTS["azure-preview"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
PART = {"response_id": "r", "item_id": "i", "output_index": 0, "content_index": 0, "event_id": "e"}


def session(**settings: Any) -> dict[str, Any]:
    return {"type": "session.update", "session": {"type": "realtime", **settings}}


def item(**fields: Any) -> dict[str, Any]:
    return {"type": "conversation.item.create", "item": fields}


def heard(**settings: Any) -> dict[str, Any]:
    return session(audio={"input": settings})


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=lambda row: row.name)
def test_every_event_of_the_dialect_has_a_schema_and_no_other(dialect: Any) -> None:
    assert types(dialect.generation.name, "service") == dialect.server_events
    assert types(dialect.generation.name, "client") == dialect.client_events


def test_how_many_events_there_are() -> None:
    counts = {
        (by, row.generation.name): len(types(row.generation.name, by))
        for row in (GA, BETA)
        for by in ("client", "service")
    }
    assert counts == {("client", "ga"): 11, ("service", "ga"): 46, ("client", "beta"): 12, ("service", "beta"): 34}


@pytest.mark.parametrize("dialect", [GA, BETA], ids=["ga", "beta"])
def test_only_dtmf_may_come_without_an_event_id(dialect: Any) -> None:
    bare = {kind for kind in dialect.server_events if not any("event_id is missing" in one for one in problems(dialect, "service", {"type": kind}))}  # fmt: skip
    assert bare == WITHOUT_EVENT_ID & dialect.server_events


@pytest.mark.parametrize(
    "event",
    [
        session(),
        session(audio={"output": {"voice": "alloy", "speed": 1}}, max_output_tokens="inf", tracing="auto"),
        session(audio={"output": {"voice": {"id": "voice_1"}}}, truncation={"type": "retention_ratio", "retention_ratio": 0.8}),
        heard(turn_detection=None, transcription=None, noise_reduction=None),
        heard(turn_detection={"type": "server_vad", "threshold": 1}),
        {"type": "session.update", "session": {"type": "transcription"}, "event_id": None},
        session(tools=[{"type": "function", "name": "f", "parameters": {"type": "object", "anything": 1}}]),
        session(tools=[{"type": "mcp", "server_label": "docs", "headers": {"any": "name"}}], tool_choice="required"),
        item(type="message", role="user", content=[{"type": "input_text", "text": "Hi"}]),
        item(type="mcp_approval_response", approval_request_id="m", approve=True),
        {"type": "response.create", "response": {"input": [{"type": "item_reference", "id": "i"}, {"type": "message", "role": "user", "content": []}]}},
        {"type": "response.create", "response": {"metadata": {"any": "name"}, "conversation": "none"}},
        {"type": "conversation.item.truncate", "item_id": "i", "content_index": 0, "audio_end_ms": 1500.0},
    ],
    ids=json.dumps,
)  # fmt: skip
def test_valid_events_of_a_ga_client(event: dict[str, Any]) -> None:
    assert problems(GA, "client", event) == []


@pytest.mark.parametrize(
    "event",
    [
        {"type": "session.update", "session": {"model": "my-deployment", "voice": "alloy", "tool_choice": {"type": "function", "name": "f"}}},
        {"type": "response.create", "response": {"max_output_tokens": 100}},
        {"type": "response.create", "response": {"max_response_output_tokens": "inf"}},
        {"type": "transcription_session.update", "session": {"input_audio_transcription": {"model": "my-deployment"}}},
    ],
    ids=json.dumps,
)  # fmt: skip
def test_valid_events_of_a_beta_client(event: dict[str, Any]) -> None:
    assert problems(BETA, "client", event) == []


@pytest.mark.parametrize(
    ("dialect", "event"),
    [
        (GA, {"type": "response.content_part.added", **PART, "part": {"type": "audio", "transcript": ""}}),
        (GA, {"type": "response.content_part.done", **PART, "part": {"type": "output_audio", "new": 1}}),
        (GA, {"type": "input_audio_buffer.dtmf_event_received", "event": "5", "received_at": 1795230000}),
        (GA, {"type": "session.created", "event_id": "e", "session": {"type": "realtime", "id": "s", "expires_at": 1}, "new": {}}),
        (BETA, {"type": "session.created", "event_id": "e", "session": {"model": "my-deployment", "turn_detection": None}}),
        (BETA, {"type": "conversation.item.created", "event_id": "e", "previous_item_id": None, "item": {"id": "i", "type": "message"}}),
        (BETA, {"type": "transcription_session.updated", "event_id": "e", "session": {"id": "s"}}),
        (BETA, {"type": "response.audio.done", **PART, "obfuscation": "x"}),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else value.generation.name,
)  # fmt: skip
def test_valid_events_of_a_service(dialect: Any, event: dict[str, Any]) -> None:
    assert problems(dialect, "service", event) == []


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ({"type": "conversation.item.delete"}, ["item_id is missing"]),
        ({"type": "response.cancel", "respons_id": "r"}, ["respons_id is no known field; did you mean response_id?"]),
        ({"type": "session.update", "session": 5}, ["session is 5, not an object"]),
        ({"type": "session.update", "session": {}}, ["session.type is missing; it is 'realtime' or 'transcription'"]),
        ({"type": "session.update", "session": {"type": "x"}}, ["session.type is 'x', not 'realtime' or 'transcription'"]),
        (session(temperature=0.8), ["session.temperature is no known field"]),
        (session(modalities=["text"]), ["session.modalities is no known field; did you mean output_modalities?"]),
        (session(output_modalities=["text", "video"]), ["session.output_modalities[1] is 'video', not 'text' or 'audio'"]),
        (session(max_output_tokens="infinite"), ["session.max_output_tokens is 'infinite', not an integer or 'inf'"]),
        (session(max_output_tokens=1.5), ["session.max_output_tokens is 1.5, not an integer or 'inf'"]),
        (session(instructions=True), ["session.instructions is true, not a string"]),
        (session(tracing=[]), ["session.tracing is a list, not an object or 'auto'"]),
        (session(tools=[{"type": "web"}]), ["session.tools[0].type is 'web', not 'function' or 'mcp'"]),
        (session(tools=[{"type": "function", "strict": True}]), ["session.tools[0].strict is no known field"]),
        (heard(turn_detection={"type": "none"}), ["session.audio.input.turn_detection.type is 'none', not 'server_vad' or 'semantic_vad'"]),
        (heard(turn_detection={"type": "server_vad", "eagerness": "low"}), ["session.audio.input.turn_detection.eagerness is no known field"]),
        (heard(format="pcm16"), ["session.audio.input.format is a string, not an object"]),
        (heard(format={"type": "pcm16"}), ["session.audio.input.format.type is 'pcm16', not 'audio/pcm', 'audio/pcmu' or 'audio/pcma'"]),
        (item(type="message"), ["item.role is missing; it is 'system', 'user' or 'assistant'"]),
        (item(type="message", role="user"), ["item.content is missing"]),
        (item(type="message", role="bot", content=[]), ["item.role is 'bot', not 'system', 'user' or 'assistant'"]),
        (item(type="message", role="user", content=[{"type": "text"}]), ["item.content[0].type is 'text', not 'input_text', 'input_audio' or 'input_image'"]),
        (item(type="function_call_output", output={}), ["item.call_id is missing", "item.output is an object, not a string"]),
        ({"type": "response.start"}, ["type is 'response.start': the client has no such event"]),
        ({"type": 5}, ["type must be the name of an event"]),
        ({}, ["type must be the name of an event"]),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else "",
)  # fmt: skip
def test_what_is_wrong_is_said_in_short(event: dict[str, Any], said: list[str]) -> None:
    assert problems(GA, "client", event) == said


def test_of_a_service_too() -> None:
    event = {"type": "conversation.item.truncated", "event_id": "e", "item_id": None, "content_index": "0"}
    assert sorted(problems(GA, "service", event)) == [
        "audio_end_ms is missing",
        "content_index is a string, not an integer",
        "item_id is null, not a string",
    ]


def test_a_problem_has_its_place_and_kind() -> None:
    (one,) = findings("ga", "client", session(tools=[{"type": "web"}]))
    assert (one.place, one.kind, one.path) == (("session", "tools", 0, "type"), "value", "session.tools[0].type")


@pytest.mark.parametrize(
    ("event", "value", "types", "values"),
    [
        (session(tools=[{"type": "web"}]), "web", (), ("function", "mcp")),
        (session(max_output_tokens="infinite"), "infinite", ("integer",), ("inf",)),
        (session(instructions=True), True, ("string",), ()),
        (session(tracing=[]), [], ("object",), ("auto",)),
        ({"type": "response.cancel", "event_id": 5}, 5, ("string",), ()),
        ({"type": "conversation.item.delete"}, None, (), ()),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else "",
)
def test_a_problem_has_the_value_and_what_it_could_be(event: dict[str, Any], value: Any, types: tuple[str, ...], values: tuple[str, ...]) -> None:  # fmt: skip
    (one,) = findings("ga", "client", event)
    assert (one.value, one.types, one.values) == (value, types, values)


def test_a_long_value_is_cut() -> None:
    (said,) = problems(GA, "client", session(truncation="x" * 500))
    assert len(said) < 140


@pytest.mark.parametrize("broken", [{"\ud800": 1}, {"\ud800": {"\udfff": []}}, {5: 1}])
def test_what_no_json_document_can_hold_is_a_problem(broken: dict[Any, Any]) -> None:
    (one,) = findings(
        "ga", "service", {"type": "error", "event_id": "e", "error": {"type": "t", "message": "m", **broken}}
    )
    assert one.kind == "type"
    assert "no JSON" in str(one)


@settings(deadline=None)  # the first event of a type compiles its schema
@given(
    st.sampled_from([(row, by) for row in (GA, BETA) for by in ("client", "service")]),
    st.sampled_from(sorted(GA.server_events | BETA.client_events | GA.client_events)),
    st.dictionaries(
        st.sampled_from(["item", "session", "response", "part", "delta", "usage", "rate_limits", "item_id", "error"]),
        JSON
        | st.dictionaries(st.sampled_from(["type", "role", "content", "audio", "tools", "output", "status_details"]), JSON),
    ),
)  # fmt: skip
def test_anything_is_judged(place: Any, kind: str, fields: dict[str, Any]) -> None:
    dialect, by = place
    for one in findings(dialect.generation.name, by, {"type": kind, **fields}):
        assert len(str(one)) < 400
        assert "\n" not in str(one)


def test_neither_the_sdk_nor_the_validator_is_imported_before_it_is_needed() -> None:
    code = (
        "import sys, harness.rules.catalogue, harness.protocol.events as events; print('jsonschema_rs' in sys.modules);"
        "from harness.protocol.dialects import DIALECTS;"
        "events.problems(DIALECTS['azure-ga'], 'client', {'type': 'response.cancel'});"
        "print('jsonschema_rs' in sys.modules, 'openai' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True", "False"]
