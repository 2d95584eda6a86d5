"""The sequences of the protocol, in both vocabularies: what comes in which order, and at which time."""

from __future__ import annotations

import pytest

from harness.fake.conversation import passes_filter
from tests.fake.rim import EPOCH, EVERY_DIALECT, GENERATIONS, USER_ITEM, Rim, error_of, script

BOTH = pytest.mark.parametrize("dialect", GENERATIONS)


@pytest.mark.parametrize("dialect", EVERY_DIALECT)
def test_a_session_begins_with_session_created(dialect):
    rim = Rim(dialect)
    assert rim.types() == ["session.created", "conversation.created"]
    session = rim.one("session.created")["session"]
    assert session["id"] == "sess_0001"
    assert session["expires_at"] == EPOCH + 60 * rim.dialect.session_minutes
    assert rim.conversation.connect(1.0) == []


def test_the_filter_lets_the_eleven_documented_types_through():
    rim = Rim("azure-ga")
    assert {name for name in rim.dialect.server_events if passes_filter(name)} == {
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "output_audio_buffer.started",
        "output_audio_buffer.stopped",
        "conversation.item.input_audio_transcription.completed",
        "conversation.item.added",
        "conversation.item.created",
        "response.output_text.delta",
        "response.output_text.done",
        "response.output_audio_transcript.delta",
        "response.output_audio_transcript.done",
    }


def test_nothing_happens_before_the_channel_is_open():
    rim = Rim()
    fresh = type(rim.conversation)(rim.dialect, script(), session={}, model="m", ids=lambda prefix: prefix, epoch=0.0)
    assert fresh.hear(True, -10.0, 0.0) == fresh.receive("{}", 0.0) == fresh.tick(5.0) == []
    assert fresh.deadline is None


@BOTH
def test_a_spoken_turn(dialect):
    rim = Rim(dialect, script({"hears": "Hi there.", "says": "I am sorry.", "audio": "short.wav", "after": "320ms"}))
    rim.speak(1.0)
    rim.run(3.0)
    assert rim.types()[2:] == rim.expected(
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        *USER_ITEM,
        "response.created",
        "rate_limits.updated",
        "response.output_item.added",
        "conversation.item.added",
        "response.content_part.added",
        "output_audio_buffer.started",
        *["response.output_audio_transcript.delta"] * 3,
        "response.output_audio.done",
        "response.output_audio_transcript.done",
        "response.content_part.done",
        "conversation.item.done",
        "response.output_item.done",
        "response.done",
        "output_audio_buffer.stopped",
    )
    stopped = rim.at("input_audio_buffer.speech_stopped")
    assert rim.at("response.created") == stopped == 1.5
    assert rim.at("response.output_item.added") == pytest.approx(stopped + 0.32)
    assert rim.at("output_audio_buffer.stopped") == pytest.approx(stopped + 0.32 + 1.0)
    spoken = rim.one("input_audio_buffer.committed")["item_id"]
    assert rim.one("input_audio_buffer.speech_started")["item_id"] == spoken
    assert rim.one("input_audio_buffer.speech_stopped")["item_id"] == spoken
    user, assistant = [event["item"] for event in rim.of("conversation.item.added")]
    assert (user["id"], user["role"], user["content"]) == (
        spoken,
        "user",
        [{"type": "input_audio", "transcript": None}],
    )
    assert (assistant["status"], assistant["content"]) == ("in_progress", [])
    done = rim.one("response.done")["response"]
    part = "output_audio" if rim.dialect.generation.name == "ga" else "audio"
    assert done["status"] == "completed"
    assert done["output"][0]["content"] == [{"type": part, "transcript": "I am sorry."}]
    assert "".join(e["delta"] for e in rim.of("response.output_audio_transcript.delta")) == "I am sorry."
    usage = done["usage"]
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
    assert usage["input_token_details"]["audio_tokens"] == 15  # 1.5 s
    assert usage["output_token_details"]["audio_tokens"] == 20  # 1 s
    assert rim.of("conversation.item.input_audio_transcription.completed") == []


@BOTH
def test_ids_and_event_ids_are_unique_and_prefixed(dialect):
    rim = Rim(dialect)
    rim.speak()
    rim.run(3.0)
    event_ids = [event["event_id"] for event in rim.events]
    assert len(set(event_ids)) == len(event_ids)
    assert all(event_id.startswith("event_") for event_id in event_ids)
    assert rim.one("response.created")["response"]["id"].startswith("resp_")
    assert rim.one("response.created")["response"]["conversation_id"].startswith("conv_")


def test_the_default_reply_is_the_shipped_recording():
    rim = Rim()
    rim.speak()
    rim.run(1.0)
    play = next(action for action in rim.actions if hasattr(action, "audio"))
    assert (play.audio, play.text, play.seconds) == ("assistant-hello-world.wav", "Hello, world.", 1.4)


def test_a_reply_without_a_recording_is_to_be_synthesised():
    rim = Rim("azure-ga", script({"says": "One two three four."}))
    rim.speak()
    rim.run(1.0)
    play = next(action for action in rim.actions if hasattr(action, "audio"))
    assert (play.audio, play.text, play.seconds) == (None, "One two three four.", 1.6)


class TestManualTurns:
    @BOTH
    def test_commit_and_response_are_asked_for(self, dialect):
        rim = Rim(dialect)
        rim.turn_detection(None)
        rim.speak()
        rim.run(5.0)
        assert rim.types()[3:] == []
        events = rim.send({"type": "input_audio_buffer.commit"})
        assert [rim.dialect.canonical(e["type"]) for e in events] == rim.expected(
            "input_audio_buffer.committed", *USER_ITEM
        )
        rim.run(2.0)
        assert rim.of("response.created") == []
        rim.send({"type": "response.create"})
        rim.run(3.0)
        assert rim.one("response.done")["response"]["status"] == "completed"

    @BOTH
    def test_an_empty_buffer_cannot_be_committed(self, dialect):
        rim = Rim(dialect)
        rim.turn_detection(None)
        rim.run(0.5)
        assert [e["type"] for e in rim.send({"type": "input_audio_buffer.clear"})] == ["input_audio_buffer.cleared"]
        rim.run(0.08)
        error = error_of(rim.send({"type": "input_audio_buffer.commit", "event_id": "mine"}))
        assert error["code"] == "input_audio_buffer_commit_empty"
        assert error["event_id"] == "mine"
        assert "80.00ms" in error["message"]

    def test_there_is_nothing_to_commit_while_turn_detection_waits(self):
        rim = Rim()
        rim.run(2.0)
        assert error_of(rim.send({"type": "input_audio_buffer.commit"}))["code"] == "input_audio_buffer_commit_empty"

    def test_a_commit_during_speech_takes_the_announced_item(self):
        rim = Rim()
        rim.run(0.5, speech=True)
        rim.send({"type": "input_audio_buffer.commit"})
        assert (
            rim.one("input_audio_buffer.committed")["item_id"]
            == rim.one("input_audio_buffer.speech_started")["item_id"]
        )
        rim.run(0.5, speech=True)
        rim.run(0.6)
        first, second = rim.of("input_audio_buffer.speech_started")
        assert second["item_id"] != first["item_id"]
        assert rim.one("input_audio_buffer.speech_stopped")["item_id"] == second["item_id"]
        assert second["audio_start_ms"] == 500

    def test_appended_audio_counts(self):
        rim = Rim()
        rim.turn_detection(None)
        assert rim.send({"type": "input_audio_buffer.append", "audio": "A" * 6400}) == []  # 4800 bytes, 100 ms
        assert rim.send({"type": "input_audio_buffer.commit"})[0]["type"] == "input_audio_buffer.committed"
        assert error_of(rim.send({"type": "input_audio_buffer.append", "audio": "?"}))["param"] == "audio"

    @BOTH
    def test_create_response_false_leaves_the_answer_to_the_client(self, dialect):
        rim = Rim(dialect)
        rim.turn_detection({"type": "server_vad", "create_response": False})
        rim.speak()
        rim.run(3.0)
        assert rim.of("response.created") == []
        assert len(rim.of("input_audio_buffer.committed")) == 1


class TestIdleTimeout:
    def test_it_counts_from_the_end_of_the_audio(self):
        rim = Rim("azure-ga", script({"says": "Hello.", "audio": "short.wav"}))
        rim.turn_detection({"type": "server_vad", "idle_timeout_ms": 5000})
        rim.speak()
        rim.run(12.0)
        fired, stopped = (
            rim.at("input_audio_buffer.timeout_triggered"),
            rim.times[rim.types().index("output_audio_buffer.stopped")],
        )
        assert fired == pytest.approx(stopped + 5.0)
        event = rim.one("input_audio_buffer.timeout_triggered")
        assert event["audio_end_ms"] - event["audio_start_ms"] == 5000
        after = rim.types()[rim.types().index("input_audio_buffer.timeout_triggered") + 1 :]
        assert after[:4] == ["input_audio_buffer.committed", *USER_ITEM, "response.created"]
        assert rim.of("input_audio_buffer.committed")[1]["item_id"] == event["item_id"]

    def test_speech_and_responses_put_it_off(self):
        rim = Rim("azure-ga", script({"says": "Hello.", "audio": "short.wav"}))
        rim.turn_detection({"type": "server_vad", "idle_timeout_ms": 5000, "create_response": False})
        rim.run(20.0)
        assert rim.of("input_audio_buffer.timeout_triggered") == []  # there was no response yet
        rim.send({"type": "response.create"})
        rim.run(5.0)
        rim.speak(4.0)
        rim.run(6.0)
        assert rim.of("input_audio_buffer.timeout_triggered") == []

    def test_beta_has_none(self):
        rim = Rim("azure-preview")
        error = error_of(rim.turn_detection({"type": "server_vad", "idle_timeout_ms": 5000}))
        assert error["param"] == "session.turn_detection.idle_timeout_ms"
