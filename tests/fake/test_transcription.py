"""Transcription of the caller's turns, in a conversation and in sessions that do nothing else."""

from __future__ import annotations

import pytest

from tests.fake.rim import GENERATIONS, Rim, error_of, script

BOTH = pytest.mark.parametrize("dialect", GENERATIONS)


@BOTH
def test_deltas_then_completed(dialect):
    rim = Rim(dialect, script({"hears": "Hi there."}))
    rim.transcribe()
    rim.speak()
    rim.run(1.0)
    deltas = rim.of("conversation.item.input_audio_transcription.delta")
    assert [event["delta"] for event in deltas] == ["Hi", " there."]
    completed = rim.one("conversation.item.input_audio_transcription.completed")
    assert completed["transcript"] == "Hi there."
    assert completed["item_id"] == rim.one("input_audio_buffer.committed")["item_id"]
    usage = completed["usage"]
    assert usage["type"] == "tokens"
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]


def test_whisper_gives_one_delta_and_a_duration():
    rim = Rim("openai-ga", script({"hears": "Hi there."}))
    rim.transcribe("whisper-1")
    rim.speak(1.0)
    rim.run(1.0)
    assert rim.one("conversation.item.input_audio_transcription.delta")["delta"] == "Hi there."
    usage = rim.one("conversation.item.input_audio_transcription.completed")["usage"]
    assert usage == {"type": "duration", "seconds": 1.5}


@BOTH
def test_a_failure_is_an_event_of_its_own(dialect):
    rim = Rim(dialect, script({"hears_fails": "audio_unintelligible"}))
    rim.transcribe()
    rim.speak()
    rim.run(3.0)
    failed = rim.one("conversation.item.input_audio_transcription.failed")
    assert failed["error"]["code"] == "audio_unintelligible"
    assert rim.of("conversation.item.input_audio_transcription.completed") == []
    assert rim.one("response.done")["response"]["status"] == "completed"


def test_logprobs_and_speakers_where_asked_for():
    rim = Rim("openai-ga", script({"hears": "Hi."}))
    rim.update(include=["item.input_audio_transcription.logprobs"])
    rim.transcribe("gpt-4o-transcribe-diarize")
    rim.speak()
    rim.run(1.0)
    completed = rim.one("conversation.item.input_audio_transcription.completed")
    assert [entry["token"] for entry in completed["logprobs"]] == ["Hi."]
    segment = rim.one("conversation.item.input_audio_transcription.segment")
    assert (segment["text"], segment["end"]) == ("Hi.", 1.5)


def test_an_item_that_was_deleted_is_not_transcribed():
    rim = Rim("azure-ga", script({"hears": "Hi."}))
    rim.transcribe()
    rim.speak()
    rim.send({"type": "conversation.item.delete", "item_id": rim.one("input_audio_buffer.committed")["item_id"]})
    rim.run(1.0)
    assert rim.of("conversation.item.input_audio_transcription.completed") == []


@BOTH
def test_a_transcription_session_never_responds(dialect):
    rim = Rim(dialect, script({"hears": "First."}, {"hears": "Second."}), transcription=True)
    assert rim.one("session.created")["session"]["object"] == "realtime.transcription_session"
    rim.speak()
    rim.run(1.0)
    rim.speak()
    rim.run(1.0)
    texts = [e["transcript"] for e in rim.of("conversation.item.input_audio_transcription.completed")]
    assert texts == ["First.", "Second."]
    assert error_of(rim.send({"type": "response.create"}))["code"] == "invalid_value"
    assert not [name for name in rim.types() if name.startswith("response.")]


def test_the_key_tells_that_it_is_a_transcription_session():
    rim = Rim("azure-ga", session={"type": "transcription", "audio": {"input": {"transcription": {"language": "de"}}}})
    session = rim.one("session.created")["session"]
    assert session["type"] == "transcription"
    assert session["audio"]["input"]["transcription"] == {"language": "de"}
    assert "output" not in session["audio"]


def test_the_beta_transcription_session_has_an_event_of_its_own():
    rim = Rim("openai-beta", transcription=True)
    [updated] = rim.send(
        {"type": "transcription_session.update", "session": {"input_audio_transcription": {"model": "whisper-1"}}}
    )
    assert updated["type"] == "transcription_session.updated"
    assert updated["session"]["input_audio_transcription"] == {"model": "whisper-1"}
    assert error_of(rim.update(instructions="No."))["param"] == "type"
    assert error_of(Rim("openai-beta").send({"type": "transcription_session.update", "session": {}}))
