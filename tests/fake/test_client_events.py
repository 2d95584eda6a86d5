"""Whatever comes off the channel: a refusal at worst, never an exception, never a closed session."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.fake.checks import Refusal
from harness.fake.client_events import decode
from tests.fake.rim import EVERY_DIALECT, GENERATIONS, Rim, error_of

BOTH = pytest.mark.parametrize("dialect", GENERATIONS)


@pytest.mark.parametrize(
    "message",
    [
        b'{"type": "response.create"}',
        "",
        "{",
        "[]",
        '"response.create"',
        "null",
        '{"type": "session.update", "session": {"temperature": NaN}}',
        '{"type": "session.update", "session": {"temperature": 1e999}}',
        '{"type": "response.create", "event_id": "\\ud800"}',
        "[" * 100_000,
        '{"a":' * 70 + "1" + "}" * 70,
        "{}",
    ],
    ids=lambda message: repr(message[:30]),
)
def test_what_is_no_event(message):
    rim = Rim()
    error = error_of(rim.send(message))
    assert (error["type"], error["code"]) == ("invalid_request_error", "invalid_event")
    assert rim.send({"type": "response.create"})[0]["type"] == "response.created"


def test_brackets_in_strings_are_not_depth():
    assert decode(json.dumps({"text": "[" * 200 + '\\"{'})) == {"text": "[" * 200 + '\\"{'}


@pytest.mark.parametrize("dialect", EVERY_DIALECT)
@pytest.mark.parametrize("kind", ["message", "session.end", "response.created", "", 7, None, []])
def test_an_unknown_type(dialect, kind):
    error = error_of(Rim(dialect).send({"type": kind, "event_id": "mine"}))
    assert (error["code"], error["param"], error["event_id"]) == ("invalid_value", "type", "mine")


def test_the_beta_event_is_unknown_in_ga():
    error = error_of(Rim("openai-ga").send({"type": "transcription_session.update", "session": {}}))
    assert error["code"] == "invalid_value"


@BOTH
@pytest.mark.parametrize(
    ("event", "code", "param"),
    [
        ({"type": "session.update"}, "missing_required_parameter", "session"),
        ({"type": "session.update", "session": []}, "invalid_type", "session"),
        ({"type": "response.create", "now": True}, "unknown_parameter", "now"),
        ({"type": "response.create", "response": 3}, "invalid_type", "response"),
        ({"type": "response.create", "response": {"style": 1}}, "unknown_parameter", "response.style"),
        ({"type": "response.create", "response": {"conversation": "new"}}, "invalid_value", "response.conversation"),
        ({"type": "response.create", "response": {"metadata": {"k": 1}}}, "invalid_type", "response.metadata.k"),
        ({"type": "response.create", "response": {"metadata": {str(n): "" for n in range(17)}}}, "invalid_value", "response.metadata"),
        ({"type": "response.create", "response": {"metadata": {"k" * 65: ""}}}, "string_above_max_length", f"response.metadata.{'k' * 65}"),
        ({"type": "response.cancel", "event_id": 5}, "invalid_type", "event_id"),
        ({"type": "input_audio_buffer.append"}, "missing_required_parameter", "audio"),
        ({"type": "conversation.item.delete"}, "missing_required_parameter", "item_id"),
        ({"type": "conversation.item.truncate", "item_id": "x", "content_index": 0, "audio_end_ms": -1}, "invalid_value", "audio_end_ms"),
        ({"type": "conversation.item.truncate", "item_id": "x", "content_index": 0, "audio_end_ms": 1.5}, "invalid_type", "audio_end_ms"),
    ],
)  # fmt: skip
def test_fields(dialect, event, code, param):
    error = error_of(Rim(dialect).send(event))
    assert (error["code"], error["param"]) == (code, param)


@pytest.mark.parametrize(
    ("dialect", "settings", "message"),
    [
        ("azure-ga", {"colour": 1}, "Unknown parameter: 'session.colour'."),
        ("azure-ga", {"truncation": {"type": "retention_ratio"}}, "Missing required parameter: 'session.truncation.retention_ratio'."),
        ("azure-ga", {"tools": {}}, "Invalid type for 'session.tools': expected an array, but got an object instead."),
        ("azure-ga", {"parallel_tool_calls": 1.5}, "Invalid type for 'session.parallel_tool_calls': expected a boolean, but got a decimal instead."),
        ("azure-ga", {"max_output_tokens": True}, "Invalid type for 'session.max_output_tokens': expected one of an integer, 'inf', but got a boolean instead."),
        ("azure-ga", {"max_output_tokens": 5.0}, "Invalid type for 'session.max_output_tokens': expected an integer, but got a decimal instead."),
        ("azure-ga", {"max_output_tokens": 0}, "Invalid value: 0. Supported values are: integers from 1 to 4096."),
        ("azure-ga", {"truncation": "x" * 90}, f"Invalid value: '{'x' * 76}.... Supported values are: an object, 'auto', 'disabled'."),
        ("azure-preview", {"turn_detection": {"type": "none"}}, "Invalid value: 'none'. Supported values are: 'server_vad', 'semantic_vad'."),
        ("azure-preview", {"temperature": 2}, "Invalid value: 2. Supported values are: numbers from 0.6 to 1.2."),
        ("azure-preview", {"tools": [{"type": "function", "name": None}]}, "Invalid type for 'session.tools[0].name': expected a value, but got null instead."),
        ("azure-preview", {"tool_choice": {"type": "function"}}, "Invalid type for 'session.tool_choice.name': expected a string, but got null instead."),
        ("azure-preview", {"tool_choice": {"type": "function", "function": "f"}}, "Invalid type for 'session.tool_choice.function': expected an object, but got a string instead."),
        ("azure-preview", {"tracing": {"metadata": "m"}}, "Invalid type for 'session.tracing.metadata': expected one of an object, null, but got a string instead."),
    ],
)  # fmt: skip
def test_wordings(dialect, settings, message):
    assert error_of(Rim(dialect).update(**settings))["message"] == message


@pytest.mark.parametrize(
    ("event", "param"),
    [
        ({"type": "session.update", "session": {"instructions": 3, "type": "realtime", "speed": 1}}, "session.speed"),
        (
            {"type": "session.update", "session": {"type": "realtime", "audio": {"loud": 1}, "tools": 1}},
            "session.tools",
        ),
        ({"type": "conversation.item.truncate", "content_index": "0", "audio_end_ms": 1, "now": 1}, "now"),
        ({"type": "conversation.item.truncate", "content_index": "0", "audio_end_ms": 1}, "item_id"),
        ({"type": "conversation.item.create", "item": {"type": "x", "text": "x"}, "now": 1}, "now"),
        ({"type": "conversation.item.create", "item": {"type": "x", "text": "x"}}, "item.type"),
    ],
)
def test_of_several_problems_the_first(event, param):
    assert error_of(Rim("azure-ga").send(event))["param"] == param


@pytest.mark.parametrize(
    ("settings", "shown"),
    [
        ({"type": "audio/pcm"}, {"type": "audio/pcm", "rate": 24000}),
        ({"type": "audio/pcm", "rate": None}, {"type": "audio/pcm", "rate": 24000}),
        ({"type": "audio/pcmu"}, {"type": "audio/pcmu"}),
    ],
)
def test_a_format_is_shown_whole(settings, shown):
    [updated] = Rim("azure-ga").update(audio={"input": {"format": settings}})
    assert updated["session"]["audio"]["input"]["format"] == shown


@pytest.mark.parametrize(
    "part", [{"type": "input_text", "text": "x", "audio": ""}, {"type": "input_audio", "audio": "", "detail": "low"}]
)
def test_a_part_has_the_fields_of_its_type(part):
    item = {"type": "message", "role": "user", "content": [part]}
    error = error_of(Rim("azure-ga").send({"type": "conversation.item.create", "item": item}))
    assert (error["code"], error["param"]) == ("unknown_parameter", f"item.content[0].{[*part][-1]}")


@pytest.mark.parametrize("kind", ["mcp_list_tools", "mcp_call", "mcp_approval_request"])
def test_what_only_the_service_makes(kind):
    fields = {"id": "i", "server_label": "l", "name": "n", "arguments": "{}"}
    item = {"type": kind, **({"server_label": "l", "tools": []} if kind == "mcp_list_tools" else fields)}
    error = error_of(Rim("azure-ga").send({"type": "conversation.item.create", "item": item}))
    assert (error["code"], error["param"]) == ("invalid_value", "item.type")


@given(st.text() | st.binary())
def test_decoding_never_raises_anything_else(message):
    with suppress(Refusal):
        assert isinstance(decode(message), dict)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
)


@given(st.sampled_from(EVERY_DIALECT), st.data())
def test_any_fields_of_a_known_type_give_valid_events(dialect, data):
    rim = Rim(dialect)
    kind = data.draw(st.sampled_from(sorted(rim.dialect.client_events)))
    names = st.sampled_from(
        ["session", "item", "item_id", "response", "audio", "content_index", "audio_end_ms", "event_id"]
    )
    rim.send({"type": kind, **data.draw(st.dictionaries(names, JSON, max_size=4))})
    rim.run(0.1)
