"""Responses: text, function calls, limits, failures, out-of-band."""

from __future__ import annotations

import pytest

from tests.fake.rim import EPOCH, EVERY_DIALECT, GENERATIONS, USER_ITEM, Rim, error_of, script

BOTH = pytest.mark.parametrize("dialect", GENERATIONS)
GET_SLOTS = {"type": "function", "name": "get_slots", "description": "d", "parameters": {"type": "object"}}


@BOTH
def test_a_written_turn_in_a_text_session(dialect):
    rim = Rim(dialect, script({"says": "Well enough."}))
    rim.text_only()
    rim.write()
    rim.send({"type": "response.create"})
    rim.run(1.0)
    assert rim.types()[3:] == rim.expected(
        *USER_ITEM,
        "response.created",
        "rate_limits.updated",
        "response.output_item.added",
        "conversation.item.added",
        "response.content_part.added",
        *["response.output_text.delta"] * 2,
        "response.output_text.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
    )
    kind = "output_text" if rim.dialect.generation.name == "ga" else "text"
    content = rim.one("response.done")["response"]["output"][0]["content"]
    assert content == [{"type": kind, "text": "Well enough."}]
    assert rim.one("response.content_part.done")["part"] == {"type": "text", "text": "Well enough."}
    assert not [action for action in rim.actions if hasattr(action, "audio")]


@BOTH
def test_one_response_can_be_text(dialect):
    rim = Rim(dialect)
    name = "output_modalities" if rim.dialect.generation.name == "ga" else "modalities"
    rim.send({"type": "response.create", "response": {name: ["text"], "metadata": {"topic": "greeting"}}})
    rim.run(1.0)
    response = rim.one("response.done")["response"]
    assert response[name] == ["text"]
    assert response["metadata"] == {"topic": "greeting"}
    assert rim.one("response.output_text.done")["text"] == "Hello, world."


@BOTH
def test_a_response_knows_its_token_limit(dialect):
    rim = Rim(dialect, script({"says": "one two three four five six seven eight nine ten"}))
    rim.send({"type": "response.create", "response": {"max_output_tokens": 20}})
    rim.run(6.0)
    response = rim.one("response.done")["response"]
    assert (response["status"], response["max_output_tokens"]) == ("incomplete", 20)
    assert response["status_details"] == {"type": "incomplete", "reason": "max_output_tokens"}
    assert response["output"][0]["status"] == "incomplete"
    assert 0 < response["usage"]["output_tokens"] <= 20
    # What was not made is not played either: the buffer is empty long before four seconds of speech are over.
    assert rim.at("output_audio_buffer.stopped") < 2.0


def test_the_beta_response_shows_its_own_fields():
    rim = Rim("azure-preview")
    rim.send(
        {
            "type": "response.create",
            "response": {"voice": "sage", "temperature": 0.7, "max_response_output_tokens": 99},
        }
    )
    response = rim.one("response.created")["response"]
    assert (response["voice"], response["temperature"], response["max_output_tokens"]) == ("sage", 0.7, 99)
    assert response["output_audio_format"] == "pcm16"
    assert (response["status"], response["output"], response["usage"]) == ("in_progress", [], None)


def test_the_ga_response_shows_its_own_fields():
    rim = Rim("openai-ga", session={"audio": {"output": {"voice": {"id": "voice_1"}}}})
    rim.send({"type": "response.create"})
    response = rim.one("response.created")["response"]
    assert response["audio"]["output"] == {"format": {"type": "audio/pcm", "rate": 24000}, "voice": "voice_1"}
    assert response["output_modalities"] == ["audio"]
    assert "temperature" not in response


@BOTH
def test_calls_then_an_output_then_the_answer(dialect):
    call = {"name": "get_slots", "arguments": {"day": "Monday", "count": 2}}
    rim = Rim(dialect, script({"calls": [call, call]}, {"says": "At nine."}))
    rim.update(tools=[GET_SLOTS])
    rim.speak()
    rim.run(1.0)
    assert rim.of("response.content_part.added") == []
    items = rim.one("response.done")["response"]["output"]
    assert [item["type"] for item in items] == ["function_call", "function_call"]
    for index, item in enumerate(items):
        done = rim.of("response.function_call_arguments.done")[index]
        deltas = [e for e in rim.of("response.function_call_arguments.delta") if e["item_id"] == item["id"]]
        assert "".join(e["delta"] for e in deltas) == done["arguments"] == item["arguments"]
        assert {e["call_id"] for e in deltas} == {done["call_id"], item["call_id"]}
        assert done["output_index"] == index
        assert done.get("name") == ("get_slots" if rim.dialect.generation.name == "ga" else None)
    assert items[0]["arguments"] == '{"day": "Monday", "count": 2}'
    output = {"type": "function_call_output", "call_id": items[0]["call_id"], "output": "[9]"}
    events = rim.send({"type": "conversation.item.create", "item": output})
    assert events[0]["item"]["call_id"] == items[0]["call_id"]
    rim.run(2.0)
    assert len(rim.of("response.created")) == 1  # silent until it is asked
    rim.send({"type": "response.create"})
    rim.run(3.0)
    assert rim.of("response.done")[1]["response"]["output"][0]["content"][0]["transcript"] == "At nine."


@BOTH
def test_an_output_for_an_unknown_call(dialect):
    rim = Rim(dialect)
    item = {"type": "function_call_output", "call_id": "call_nowhere", "output": "1"}
    error = error_of(rim.send({"type": "conversation.item.create", "item": item}))
    assert error["code"] == "invalid_tool_call_id"


@BOTH
def test_a_message_and_a_call_in_one_response(dialect):
    rim = Rim(dialect, script({"says": "Let me see.", "audio": "short.wav", "calls": [{"name": "get_slots"}]}))
    rim.speak()
    rim.run(3.0)
    assert [e["output_index"] for e in rim.of("response.output_item.added")] == [0, 1]
    kinds = [item["type"] for item in rim.one("response.done")["response"]["output"]]
    assert kinds == ["message", "function_call"]


def test_required_tool_choice_makes_a_call_without_a_script():
    rim = Rim()
    schema = {
        "type": "object",
        "properties": {"day": {"enum": ["mon"]}, "n": {"type": "integer"}},
        "required": ["day", "n"],
    }
    rim.update(tools=[{"type": "function", "name": "f", "parameters": schema}], tool_choice="required")
    rim.send({"type": "response.create"})
    rim.run(1.0)
    assert rim.one("response.function_call_arguments.done")["arguments"] == '{"day": "mon", "n": 0}'


def test_a_cancelled_call_is_closed():
    rim = Rim("azure-ga", script({"calls": [{"name": "f", "arguments": {"text": "x" * 500}}]}))
    rim.send({"type": "response.create"})
    rim.run(0.5)
    rim.send({"type": "response.cancel"})
    done = rim.one("response.function_call_arguments.done")
    assert done["arguments"] == "".join(e["delta"] for e in rim.of("response.function_call_arguments.delta"))
    assert rim.one("response.output_item.done")["item"]["status"] == "incomplete"


@BOTH
def test_a_failed_response_is_no_error_event(dialect):
    rim = Rim(dialect, script({"status": "failed", "reason": "rate_limit_exceeded"}))
    rim.speak()
    rim.run(1.0)
    response = rim.one("response.done")["response"]
    assert response["status"] == response["status_details"]["type"] == "failed"
    assert response["status_details"]["error"]["code"] == "rate_limit_exceeded"
    assert response["output"] == []
    assert rim.of("error") == []


@BOTH
@pytest.mark.parametrize("reason", ["content_filter", "max_output_tokens"])
def test_an_incomplete_response(dialect, reason):
    rim = Rim(dialect, script({"says": "I was about", "status": "incomplete", "reason": reason}))
    rim.speak()
    rim.run(3.0)
    response = rim.one("response.done")["response"]
    assert (response["status"], response["status_details"]["reason"]) == ("incomplete", reason)
    assert response["output"][0]["status"] == "incomplete"
    assert len(rim.of("output_audio_buffer.stopped")) == 1


@pytest.mark.parametrize("dialect", EVERY_DIALECT)
def test_the_session_expires(dialect):
    rim = Rim(dialect, maximum=90.0)
    rim.run(89.9)
    assert rim.of("error") == []
    [event] = rim.run(0.2)
    assert event["error"]["code"] == "session_expired"
    assert "1.5 minutes" in event["error"]["message"]
    assert rim.closed == "session_expired"
    assert rim.conversation.closed
    assert rim.send({"type": "response.create"}) == []
    assert rim.conversation.deadline is None
    assert rim.one("session.created")["session"]["expires_at"] == EPOCH + 90


@BOTH
def test_it_runs_beside_the_default_one_and_leaves_no_items(dialect):
    rim = Rim(dialect, script({"says": "A long tale.", "audio": "long.wav"}, {"says": "Summary."}))
    rim.speak()
    rim.run(0.5)
    before = len(rim.of("conversation.item.added"))
    modalities = "output_modalities" if rim.dialect.generation.name == "ga" else "modalities"
    request = {"conversation": "none", modalities: ["text"], "metadata": {"k": "v"}, "input": []}
    rim.send({"type": "response.create", "response": request})
    rim.run(1.0)
    [response] = [e["response"] for e in rim.of("response.done")]
    assert response["conversation_id"] is None
    assert response["metadata"] == {"k": "v"}
    assert response["output"][0]["content"][0]["text"] == "Summary."
    assert len(rim.of("conversation.item.added")) == before
    item = response["output"][0]["id"]
    assert error_of(rim.send({"type": "conversation.item.retrieve", "item_id": item}))["param"] == "item_id"


def test_it_is_not_interrupted_but_can_be_cancelled():
    rim = Rim("azure-ga", script({"says": "word " * 200}))
    rim.send({"type": "response.create", "response": {"conversation": "none", "output_modalities": ["text"]}})
    rim.run(1.0)
    rim.run(0.2, speech=True)
    assert rim.of("response.done") == []
    assert error_of(rim.send({"type": "response.cancel"}))["code"] == "response_cancel_not_active"
    rim.send({"type": "response.cancel", "response_id": "resp_0001"})
    assert rim.one("response.done")["response"]["status"] == "cancelled"


def test_input_may_refer_to_items_of_the_session():
    rim = Rim()
    rim.write(id="item_mine")
    reference = {"type": "item_reference", "id": "item_mine"}
    create = {"type": "response.create", "response": {"conversation": "none", "input": [reference]}}
    assert rim.send(create)[0]["type"] == "response.created"
    reference["id"] = "item_other"
    assert error_of(rim.send(create))["param"] == "response.input[0].id"
