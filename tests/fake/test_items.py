"""Items made, read, removed and cut by the client."""

from __future__ import annotations

import base64

import pytest

from tests.fake.rim import GENERATIONS, Rim, error_of, script

BOTH = pytest.mark.parametrize("dialect", GENERATIONS)


def create(rim: Rim, item, **fields):
    return rim.send({"type": "conversation.item.create", "item": item, **fields})


@BOTH
def test_created_items_are_announced_with_their_neighbour(dialect):
    rim = Rim(dialect)
    first = rim.write(id="item_a")[0]
    assert (first["item"]["id"], first["item"]["status"], first["previous_item_id"]) == ("item_a", "completed", None)
    assert first["item"]["object"] == "realtime.item"
    second = rim.write()[0]
    assert second["previous_item_id"] == "item_a"
    item = {"type": "message", "role": "system", "content": [{"type": "input_text", "text": "Be kind."}]}
    assert create(rim, item, previous_item_id="root")[0]["previous_item_id"] is None
    between = create(rim, {**item, "id": "item_b"}, previous_item_id="item_a")[0]
    assert between["previous_item_id"] == "item_a"
    third = create(rim, item, previous_item_id="item_b")[0]
    assert third["previous_item_id"] == "item_b"
    assert rim.write()[0]["previous_item_id"] == second["item"]["id"]


@BOTH
def test_an_unknown_neighbour(dialect):
    rim = Rim(dialect)
    item = {"type": "message", "role": "user", "content": []}
    error = error_of(create(rim, item, previous_item_id="item_none", event_id="mine"))
    assert (error["param"], error["event_id"]) == ("previous_item_id", "mine")


@BOTH
def test_an_id_is_used_once(dialect):
    rim = Rim(dialect)
    rim.write(id="item_a")
    assert error_of(rim.write(id="item_a"))["param"] == "item.id"
    rim.send({"type": "conversation.item.delete", "item_id": "item_a"})
    assert error_of(rim.write(id="item_a"))["param"] == "item.id"
    assert error_of(rim.write(id="root"))["param"] == "item.id"
    assert error_of(rim.write(id="x" * 33))["code"] == "string_above_max_length"


def test_an_id_the_client_took_is_not_made_again():
    rim = Rim()
    rim.write(id="item_0001")
    rim.speak()
    assert rim.one("input_audio_buffer.committed")["item_id"] == "item_0002"


@pytest.mark.parametrize(
    ("dialect", "item", "code", "param"),
    [
        ("azure-ga", {"type": "message", "role": "user"}, "missing_required_parameter", "item.content"),
        ("azure-ga", {"role": "user", "content": []}, "missing_required_parameter", "item.type"),
        ("azure-ga", {"type": "message", "content": []}, "missing_required_parameter", "item.role"),
        ("azure-ga", {"type": "message", "role": "tool", "content": []}, "invalid_value", "item.role"),
        ("azure-ga", {"type": "message", "role": "user", "content": [{"type": "text", "text": "x"}]}, "invalid_value", "item.content[0].type"),
        ("azure-ga", {"type": "message", "role": "assistant", "content": [{"type": "text", "text": "x"}]}, "invalid_value", "item.content[0].type"),
        ("azure-preview", {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "x"}]}, "invalid_value", "item.content[0].type"),
        ("azure-preview", {"type": "message", "role": "system", "content": [{"type": "input_audio", "audio": ""}]}, "invalid_value", "item.content[0].type"),
        ("azure-preview", {"type": "message", "role": "user", "content": [{"type": "input_image", "image_url": ""}]}, "invalid_value", "item.content[0].type"),
        ("azure-preview", {"type": "message", "role": "user", "content": [{"type": "input_text"}]}, "missing_required_parameter", "item.content[0].text"),
        ("azure-preview", {"type": "message", "role": "user", "content": [], "mood": 1}, "unknown_parameter", "item.mood"),
        ("azure-preview", {"type": "mcp_approval_response", "approval_request_id": "x", "approve": True}, "invalid_value", "item.type"),
        ("azure-ga", {"type": "function_call", "name": "f"}, "missing_required_parameter", "item.arguments"),
        ("azure-ga", {"type": "message", "role": "user", "content": [{"type": "input_audio", "audio": "!"}]}, "invalid_value", "item.content[0].audio"),
    ],
)  # fmt: skip
def test_what_is_refused(dialect, item, code, param):
    error = error_of(create(Rim(dialect), item))
    assert (error["code"], error["param"]) == (code, param)


@BOTH
def test_history_can_be_populated(dialect):
    rim = Rim(dialect)
    kind = "output_text" if rim.dialect.generation.name == "ga" else "text"
    said = create(rim, {"type": "message", "role": "assistant", "content": [{"type": kind, "text": "Hello."}]})[0]
    assert said["item"]["content"] == [{"type": kind, "text": "Hello."}]
    call = create(rim, {"type": "function_call", "name": "f", "arguments": "{}", "call_id": "call_x"})[0]
    assert call["item"]["call_id"] == "call_x"
    assert create(rim, {"type": "function_call_output", "call_id": "call_x", "output": "1"})[0]["item"]["output"] == "1"


@BOTH
def test_audio_is_never_sent_back(dialect):
    rim = Rim(dialect)
    audio = base64.b64encode(bytes(48_000)).decode()
    content = [{"type": "input_audio", "audio": audio, "transcript": "Hi."}]
    made = create(rim, {"type": "message", "role": "user", "content": content})[0]
    assert made["item"]["content"] == [{"type": "input_audio", "transcript": "Hi."}]
    rim.send({"type": "response.create"})
    rim.run(3.0)
    assert rim.one("response.done")["response"]["usage"]["input_token_details"]["audio_tokens"] == 10  # one second


@BOTH
def test_retrieve_and_delete(dialect):
    rim = Rim(dialect)
    item = rim.write(id="item_a")[0]["item"]
    [retrieved] = rim.send({"type": "conversation.item.retrieve", "item_id": "item_a"})
    assert (retrieved["type"], retrieved["item"]) == ("conversation.item.retrieved", item)
    [deleted] = rim.send({"type": "conversation.item.delete", "item_id": "item_a"})
    assert (deleted["type"], deleted["item_id"]) == ("conversation.item.deleted", "item_a")
    for verb in ("retrieve", "delete"):
        error = error_of(rim.send({"type": f"conversation.item.{verb}", "item_id": "item_a"}))
        assert error["code"] == f"item_{verb}_invalid_item_id"


def test_an_item_that_is_being_written_cannot_be_deleted():
    rim = Rim("azure-ga", script({"says": "A tale.", "audio": "long.wav"}))
    rim.send({"type": "response.create"})
    rim.run(1.0)
    item = rim.one("response.output_item.added")["item"]["id"]
    assert error_of(rim.send({"type": "conversation.item.delete", "item_id": item}))["param"] == "item_id"


class TestTruncate:
    @BOTH
    def test_the_rest_and_the_transcript_go(self, dialect):
        rim = Rim(dialect, script({"says": "Well.", "audio": "short.wav"}))
        rim.send({"type": "response.create"})
        rim.run(3.0)
        item = rim.one("response.output_item.done")["item"]["id"]
        where = {"item_id": item, "content_index": 0}
        [event] = rim.send({"type": "conversation.item.truncate", **where, "audio_end_ms": 600})
        assert (event["type"], event["audio_end_ms"], event["item_id"]) == ("conversation.item.truncated", 600, item)
        error = error_of(rim.send({"type": "conversation.item.truncate", **where, "audio_end_ms": 601}))
        assert error["message"] == "Audio content of 600ms is already shorter than 601ms"
        [retrieved] = rim.send({"type": "conversation.item.retrieve", "item_id": item})
        assert retrieved["item"]["content"][0]["transcript"] is None

    def test_what_was_not_made_yet_cannot_be_cut(self):
        rim = Rim("azure-ga", script({"says": "A tale.", "audio": "long.wav"}))
        rim.send({"type": "response.create"})
        rim.run(1.32)
        item = rim.one("response.output_item.added")["item"]["id"]
        where = {"type": "conversation.item.truncate", "item_id": item, "content_index": 0}
        assert error_of(rim.send({**where, "audio_end_ms": 4001}))["param"] == "audio_end_ms"
        assert rim.send({**where, "audio_end_ms": 900})[0]["type"] == "conversation.item.truncated"
        rim.run(40.0)
        assert rim.one("response.done")["response"]["output"][0]["content"][0]["transcript"] is None

    @BOTH
    def test_only_the_assistants_audio(self, dialect):
        rim = Rim(dialect, script({"says": "Well.", "audio": "short.wav"}))
        rim.write(id="item_a")
        where = {"type": "conversation.item.truncate", "content_index": 0, "audio_end_ms": 0}
        error = error_of(rim.send({**where, "item_id": "item_a"}))
        assert error["message"] == "Only model output audio messages can be truncated"
        assert error_of(rim.send({**where, "item_id": "item_none"}))["code"] == "item_truncate_invalid_item_id"
        rim.send({"type": "response.create"})
        rim.run(3.0)
        item = rim.one("response.output_item.done")["item"]["id"]
        assert error_of(rim.send({**where, "item_id": item, "content_index": 1}))["param"] == "content_index"
