"""The output audio buffer: barge-in, cancel and clear, and audio that ends before or after its response."""

from __future__ import annotations

import pytest

from harness.fake.items import output_audio_tokens
from tests.fake.rim import GENERATIONS, Rim, error_of, script

BOTH = pytest.mark.parametrize("dialect", GENERATIONS)


@BOTH
def test_barge_in_while_the_reply_is_being_made(dialect):
    rim = Rim(dialect, script({"says": "word " * 100, "audio": "long.wav"}, {"says": "Yes?", "audio": "short.wav"}))
    rim.speak()
    rim.run(2.0)
    started = rim.at("output_audio_buffer.started")
    events = rim.run(0.1, speech=True)
    assert [rim.dialect.canonical(e["type"]) for e in events if not e["type"].endswith(".delta")] == rim.expected(
        "input_audio_buffer.speech_started",
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
        "output_audio_buffer.cleared",
        "conversation.item.truncated",
    )
    response = rim.one("response.done")["response"]
    assert (response["status"], response["status_details"]["reason"]) == ("cancelled", "turn_detected")
    assert response["output"][0]["status"] == "incomplete"
    deltas = "".join(e["delta"] for e in rim.of("response.output_audio_transcript.delta"))
    assert rim.one("response.output_audio_transcript.done")["transcript"] == deltas
    when = rim.at("conversation.item.truncated")
    heard = rim.one("conversation.item.truncated")["audio_end_ms"]
    assert heard == pytest.approx(1000 * (when - started) + 20, abs=1)
    assert [action.response_id for action in rim.actions if type(action).__name__ == "StopAudio"] == ["resp_0001"]
    item = rim.one("conversation.item.truncated")["item_id"]
    [retrieved] = rim.send({"type": "conversation.item.retrieve", "item_id": item})
    assert retrieved["item"]["content"][0]["transcript"] is None
    rim.run(0.6)
    rim.run(3.0)
    assert rim.of("response.done")[1]["response"]["status"] == "completed"
    assert len(rim.of("output_audio_buffer.stopped")) == 1


def test_barge_in_when_everything_was_made_already():
    rim = Rim("azure-ga", script({"says": "A long tale.", "audio": "long.wav"}))
    rim.speak()
    rim.run(12.0)
    assert rim.one("response.done")["response"]["status"] == "completed"
    events = rim.run(0.1, speech=True)
    assert [event["type"] for event in events] == [
        "input_audio_buffer.speech_started",
        "output_audio_buffer.cleared",
        "conversation.item.truncated",
    ]


def test_without_interrupt_response_the_reply_goes_on():
    rim = Rim("azure-ga", script({"says": "A long tale.", "audio": "long.wav"}))
    rim.turn_detection({"type": "server_vad", "interrupt_response": False})
    rim.speak()
    rim.run(1.0)
    rim.speak()
    assert rim.of("output_audio_buffer.cleared") == []
    # The second turn cannot be answered while the first is: the service says so without a client event to blame.
    assert rim.one("error")["error"]["code"] == "conversation_already_has_active_response"
    assert rim.one("error")["error"]["event_id"] is None
    rim.run(40.0)
    assert rim.one("response.done")["response"]["status"] == "completed"


@BOTH
def test_cancel_ends_the_response_and_clear_the_audio(dialect):
    rim = Rim(dialect, script({"says": "A long tale.", "audio": "long.wav"}))
    rim.speak()
    rim.run(1.32)
    events = rim.send({"type": "response.cancel"})
    assert events[-1]["response"]["status_details"] == {"type": "cancelled", "reason": "client_cancelled"}
    rim.run(0.5)
    [cleared] = rim.send({"type": "output_audio_buffer.clear"})
    assert cleared["type"] == "output_audio_buffer.cleared"
    assert cleared["response_id"] == "resp_0001"
    rim.run(2.0)
    assert rim.of("output_audio_buffer.stopped") == []


def test_after_cancel_what_was_made_is_still_played():
    rim = Rim("azure-ga", script({"says": "A long tale.", "audio": "long.wav"}))
    rim.speak()
    rim.run(1.32)  # one second since the first output: four seconds of audio were made
    rim.send({"type": "response.cancel"})
    rim.run(5.0)
    started, stopped = rim.at("output_audio_buffer.started"), rim.at("output_audio_buffer.stopped")
    assert stopped - started == pytest.approx(4.0, abs=0.021)
    usage = rim.one("response.done")["response"]["usage"]
    assert usage["output_token_details"]["audio_tokens"] == 80


def test_cancel_before_the_first_output():
    rim = Rim()
    rim.send({"type": "response.create"})
    [done] = rim.send({"type": "response.cancel", "response_id": "resp_0001"})
    assert (done["type"], done["response"]["output"]) == ("response.done", [])
    rim.run(3.0)
    assert rim.types()[2:] == ["response.created", "rate_limits.updated", "response.done"]


@BOTH
def test_nothing_to_cancel_and_nothing_to_clear(dialect):
    rim = Rim(dialect)
    assert error_of(rim.send({"type": "response.cancel"}))["code"] == "response_cancel_not_active"
    assert error_of(rim.send({"type": "output_audio_buffer.clear"}))["type"] == "invalid_request_error"


@BOTH
def test_a_second_response_is_refused_while_one_is_active(dialect):
    rim = Rim(dialect)
    rim.send({"type": "response.create"})
    error = error_of(rim.send({"type": "response.create", "event_id": "second"}))
    assert (error["code"], error["event_id"]) == ("conversation_already_has_active_response", "second")
    rim.run(3.0)
    assert rim.send({"type": "response.create"})[0]["type"] == "response.created"


def test_audio_that_drains_before_the_response_is_done():
    rim = Rim(
        "azure-ga",
        script({"says": "Hi.", "audio": "short.wav", "calls": [{"name": "f", "arguments": {"a": "b" * 900}}]}),
    )
    rim.speak()
    rim.run(4.0)
    types = rim.types()
    assert types.index("output_audio_buffer.stopped") == types.index("response.done") + 1


TWO = [{"text": "One.", "audio": "short.wav", "phase": "commentary"}, {"text": "Two.", "audio": "short.wav"}]


def test_messages_of_one_response_are_played_behind_each_other_between_one_start_and_one_stop():
    rim = Rim(fake=script({"says": TWO}))
    rim.write()
    rim.send({"type": "response.create"})
    rim.run(4.0)
    done = rim.one("response.done")["response"]
    assert [item.get("phase") for item in done["output"]] == ["commentary", None]
    assert rim.at("output_audio_buffer.stopped") - rim.at("output_audio_buffer.started") == pytest.approx(2.0, abs=0.05)
    assert done["usage"]["output_token_details"]["audio_tokens"] == output_audio_tokens(2.0)


@pytest.mark.parametrize(
    ("seconds", "cut"), [(0.5, [("first", 500), ("second", 0)]), (1.5, [("second", 500)]), (3.0, [])]
)
def test_an_interruption_truncates_what_was_not_heard_of_each_message(seconds: float, cut: list[tuple[str, int]]):
    rim = Rim(fake=script({"says": TWO}))
    rim.write()
    rim.send({"type": "response.create"})
    rim.run(0.4)
    begun = rim.at("output_audio_buffer.started")
    rim.run(begun + seconds - rim.now)
    rim.run(0.1, speech=True)
    late = rim.at("input_audio_buffer.speech_started") - begun - seconds
    items = [event["item"]["id"] for event in rim.of("response.output_item.added")]
    names = dict(zip(items, ("first", "second"), strict=True))
    truncated = [(names[event["item_id"]], event["audio_end_ms"]) for event in rim.of("conversation.item.truncated")]
    # Whoever hears nothing of a message hears none of it later either.
    assert truncated == [(name, pytest.approx(ms and ms + 1000 * late, abs=21)) for name, ms in cut]
