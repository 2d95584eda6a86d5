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
