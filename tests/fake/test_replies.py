"""The script: which reply comes next, what was heard, what tool_choice makes of it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from harness.fake.replies import (
    DEFAULT_AUDIO,
    DEFAULT_HEARD,
    DEFAULT_TEXT,
    Replies,
    pieces,
    recordings,
    speaking_seconds,
    with_tool_choice,
)
from harness.scenario.script import FakeScript, Reply
from tests.fake.rim import script

TOOLS = [
    {"type": "mcp", "server_label": "docs"},
    {"type": "function", "name": "f", "parameters": {"properties": {"s": {"type": "string"}, "x": {}}, "required": ["s", "x", "y"]}},
    {"type": "function", "name": "g"},
]  # fmt: skip


@given(st.text())
def test_pieces_are_the_text(text):
    assert "".join(pieces(text)) == text
    assert all(pieces(text))


def test_pieces_are_words_with_the_space_before():
    assert pieces("I am sorry. ") == ["I", " am", " sorry.", " "]
    assert speaking_seconds("") == 0.4


def test_without_a_script_there_are_defaults():
    replies = Replies(script())
    assert replies.hear() == (DEFAULT_HEARD, None)
    reply = replies.reply()
    assert (reply.says, reply.audio) == (DEFAULT_TEXT, DEFAULT_AUDIO)


@pytest.mark.parametrize(
    ("replies", "expected"),
    [
        ((), (DEFAULT_AUDIO,)),
        (({"audio": "b.wav"}, {"hears": "x"}, {"says": "tone"}, {"audio": "a.wav"}, {"audio": "b.wav"}), ("b.wav", DEFAULT_AUDIO, "a.wav")),
        (({"calls": [{"name": "f"}]}, {"status": "failed"}), ()),
    ],
)  # fmt: skip
def test_all_that_may_be_played_is_known_before(replies, expected):
    assert recordings(script(*replies)) == expected


def test_the_last_reply_repeats():
    replies = Replies(script({"says": "a"}, {"says": "b"}))
    assert [replies.reply().says for _ in range(4)] == ["a", "b", "b", "b"]


def test_what_is_heard_belongs_to_the_reply_that_follows():
    replies = Replies(script({"hears": "1", "says": "a"}, {"hears": "2", "says": "b"}, {"hears": "3", "says": "c"}))
    assert (replies.hear()[0], replies.reply().says) == ("1", "a")
    assert replies.reply().says == "b"  # asked for without a turn, after a function call's output for instance
    assert (replies.hear()[0], replies.reply().says) == ("3", "c")


def test_turns_without_a_response_run_ahead():
    replies = Replies(script({"hears": "1"}, {"hears": "2"}))
    assert [replies.hear()[0] for _ in range(3)] == ["1", "2", "2"]


@pytest.mark.parametrize(
    ("choice", "calls"),
    [
        ("auto", []),
        ("none", []),
        ("required", [("f", {"s": "", "x": None, "y": None})]),
        ("g", [("g", {})]),
        ({"type": "function", "name": "g"}, [("g", {})]),
        ({"type": "function", "name": "nowhere"}, []),
    ],
)
def test_tool_choice_without_a_scripted_call(choice, calls):
    reply = with_tool_choice(Reply(says="Hi."), TOOLS, choice)
    assert [(call.name, call.arguments) for call in reply.calls] == calls
    assert reply.says == (None if calls else "Hi.")


def test_tool_choice_and_scripted_calls():
    scripted = Reply.model_validate({"calls": [{"name": "h"}]})
    assert with_tool_choice(scripted, TOOLS, "required") is scripted
    silenced = with_tool_choice(scripted, TOOLS, "none")
    assert (silenced.calls, silenced.says) == ([], DEFAULT_TEXT)


def test_several_messages_are_listed_and_recordings_of_all_are_known() -> None:
    reply = Reply.model_validate({"says": ["One.", {"text": "Two.", "audio": "b.wav", "phase": "final_answer"}]})
    assert [(one.text, one.audio, one.phase) for one in reply.messages] == [
        ("One.", None, None),
        ("Two.", "b.wav", "final_answer"),
    ]
    assert recordings(FakeScript(replies=[reply])) == ("b.wav",)


@pytest.mark.parametrize(
    ("reply", "message"), [({"says": []}, "at least one message"), ({"says": ["x"], "audio": "b.wav"}, "its own audio")]
)
def test_audio_stands_beside_the_message_that_it_is_of(reply: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Reply.model_validate(reply)
