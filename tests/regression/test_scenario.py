"""The scenario of a recording: what the caller did, when it matters when, and stable facts of what has to come again."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import harness
from harness.errors import NotATrace, UsageError
from harness.regression.facts import facts, spoken
from harness.regression.scenario import scenario_of, write_scenario
from harness.scenario.loader import load
from harness.trace import Recording, Trace, open_recording
from tests.regression.calls import recorded
from tests.traces import event, trace

OPEN = (0.0, "channel.open", {"label": "x", "id": 1})
UPDATE = event(0.0, "client", "session.update", session={"type": "realtime", "instructions": "Be ${brief}."})
CREATED = event(0.01, "service", "session.created", session={"id": "sess_1"})


def made(*rows: Any, words: bool = False, **options: Any) -> dict[str, Any]:
    return scenario_of(trace(OPEN, *rows, **options), "again", words=words)[0]


def steps(*rows: Any, words: bool = False) -> list[dict[str, Any]]:
    return made(UPDATE, CREATED, *rows, words=words)["steps"]


def test_the_first_update_is_the_session_and_what_looks_like_a_variable_is_none() -> None:
    document = made(UPDATE, CREATED)
    assert document["session"] == {"instructions": "Be $${brief}."}
    assert document["steps"] == [{"expect": "session.created"}]
    assert document["fake"] == {"recording": "again"}
    assert document["dialects"] == ["azure-ga"]


def test_a_caller_who_did_not_update_does_not() -> None:
    assert made(CREATED)["caller"] == {"update_on_open": False}


def test_pieces_are_left_out_and_no_id_and_no_words_stand_in_it() -> None:
    response = {"id": "resp_1", "status": "completed", "output": []}
    told = steps(
        event(0.2, "client", "response.create"),
        event(0.3, "service", "response.created", response={"id": "resp_1", "status": "in_progress"}),
        event(0.4, "service", "response.output_audio_transcript.delta", response_id="resp_1", delta="Hel"),
        event(0.5, "service", "response.output_audio_transcript.done", response_id="resp_1", transcript="Hello."),
        event(0.6, "service", "rate_limits.updated", rate_limits=[]),
        event(0.7, "service", "response.done", response=response),
    )
    assert told[1:] == [
        {"wait": "190ms"},
        {"send": {"type": "response.create"}},
        {"expect": "response.created", "save": {"response1": "response.id"}},
        {
            "expect": "response.output_audio_transcript.done",
            "where": {"response_id": "${response1}", "transcript": {"matches": r"\S"}},
        },
        {"expect": "response.done", "where": {"response.id": "${response1}", "response.status": "completed"}},
    ]
    assert "resp_1" not in json.dumps(told)


def test_words_are_asked_for_where_that_is_wanted() -> None:
    done = event(0.5, "service", "response.output_text.done", response_id="r", text="Hello ${you}.")
    assert steps(done, words=True)[-1]["where"] == {"text": "Hello $${you}."}


def test_what_the_caller_said_is_a_fact_without_case_and_punctuation() -> None:
    heard = facts(
        "conversation.item.input_audio_transcription.completed", {"transcript": "He was not, sir!"}, words=False
    )
    pattern = heard["transcript"]["matches"]
    assert re.search(pattern, "he was NOT sir")
    assert not re.search(pattern, "he was not a sir")
    assert re.search(spoken(""), "")


def test_an_event_beside_the_others_may_come_anywhere_but_is_about_its_own() -> None:
    told = steps(
        event(0.2, "service", "input_audio_buffer.committed", item_id="item_1", previous_item_id=None),
        event(
            0.3, "service", "conversation.item.input_audio_transcription.completed", item_id="item_1", transcript="Yes."
        ),
        event(0.4, "service", "response.created", response={"id": "r1"}),
    )
    assert told[1] == {"expect": "input_audio_buffer.committed", "save": {"turn1": "item_id"}}
    assert told[-1] == {
        "expect": "conversation.item.input_audio_transcription.completed",
        "where": {"item_id": "${turn1}", "transcript": {"matches": r"(?i)^\W*Yes\W*$"}},
        "anywhere": True,
    }


def test_ids_of_the_service_in_what_the_caller_sends_are_variables() -> None:
    told = steps(
        event(0.2, "service", "conversation.item.added", item={"id": "item_1", "type": "message", "role": "user"}),
        event(0.2, "client", "conversation.item.delete", item_id="item_1"),
    )
    assert told[-1] == {"send": {"type": "conversation.item.delete", "item_id": "${item1}"}}


def test_the_output_of_a_function_is_the_step_for_it() -> None:
    call = {"type": "function_call", "name": "get_slots", "call_id": "call_1", "arguments": "{}", "status": "completed"}
    output = {"type": "function_call_output", "call_id": "call_1", "output": "[9, 10]"}
    rows = [
        event(0.2, "service", "response.output_item.done", response_id="r", item=call),
        event(0.2, "service", "response.done", response={"id": "r", "status": "completed"}),
        event(0.2, "client", "conversation.item.create", item=output),
    ]
    assert steps(*rows)[-1] == {"tool": {"name": "get_slots", "result": "[9, 10]", "respond": False}}
    assert steps(*rows, event(0.2, "client", "response.create"))[-1] == {
        "tool": {"name": "get_slots", "result": "[9, 10]"}
    }


def test_what_is_no_client_event_is_sent_as_text() -> None:
    raw = {"direction": "sent", "reason": "not JSON", "text": "{${oops", "size": 7, "binary": False}
    assert steps((0.02, "event.undecodable", raw))[-1] == {"send_raw": "{$${oops"}
    assert steps(event(0.02, "client", "conversation.item.shout"))[-1] == {
        "send_raw": '{"type": "conversation.item.shout"}'
    }


def test_a_refused_call_has_to_be_refused_again() -> None:
    refused = (
        0.2,
        "harness.error",
        {"error": "TokenRequestFailed", "step": "key", "what": "x", "seen": "", "fix": "", "status": 401},
    )
    document = scenario_of(trace(refused, end="failed"), "again")[0]
    assert document["assert"] == {"fails": {"at": "key", "status": 401}, "order": []}
    assert document["steps"] == []


def test_the_services_own_recording_of_a_refusal_is_enough() -> None:
    refused = {"id": 2, "step": "call", "status": 403, "headers": {}, "body": {}, "seconds": 0.0}
    document = scenario_of(trace((0.1, "http.response", refused), observer="service", end="failed"), "again")[0]
    assert document["assert"]["fails"] == {"at": "answer", "status": 403}


def test_no_secret_gets_into_the_scenario(tmp_path: Path) -> None:
    secret = "s3cret-Value-0123456789"
    leaky = trace(
        OPEN,
        UPDATE,
        CREATED,
        event(
            0.5,
            "client",
            "conversation.item.create",
            item={
                "type": "message",
                "role": "user",
                "content": [{"type": "input_text", "text": f"my key is {secret}"}],
            },
        ),
    )
    write_scenario(Recording(leaky, "x"), tmp_path / "again.yaml", secrets=[secret])
    assert not any(secret.encode() in one.read_bytes() for one in tmp_path.rglob("*") if one.is_file())


def test_a_rule_that_the_recording_broke_is_skipped_and_told() -> None:
    twice = [
        event(0.1 * number, "service", "response.done", response={"id": "r", "status": "completed"})
        for number in (2, 3)
    ]
    document, notes = scenario_of(trace(OPEN, UPDATE, CREATED, *twice), "again")
    assert "broken in the recording" in document["assert"]["rules"]["skip"].values()
    assert any("is broken in the recording, and skipped" in note for note in notes)


def test_the_file_is_one_that_loads_and_runs_from_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, path = recorded("turns/two-turns-in-one-call.yaml", "openai-ga", tmp_path / "run")
    written = write_scenario(open_recording(path), tmp_path / "deep" / "again.yaml")
    assert sorted(one.name for one in written.folder.iterdir()) == [
        "caller-1.wav", "caller-2.wav", "cassette.json", "received.ogg", "sent.ogg", "trace.ndjson",
    ]  # fmt: skip
    document = yaml.safe_load(written.path.read_text())
    assert [step["say"] for step in document["steps"] if "say" in step] == ["again/caller-1.wav", "again/caller-2.wav"]
    assert "hear" in json.dumps(document["steps"])
    assert load(written.path).dialects == ("openai-ga",)
    monkeypatch.chdir("/")
    moved = tmp_path / "moved"
    (tmp_path / "deep").rename(moved)
    (result,) = harness.run(moved / "again.yaml")
    assert result.verdict == "conformant"


def test_it_is_refused_where_it_cannot_be_made(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"a scenario file ends in \.yaml"):
        write_scenario(Recording(trace(), "x"), tmp_path / "again.txt")
    speaks = trace(OPEN, (1.0, "audio.speech", {"direction": "sent", "state": "started", "at": 0.5}), observer="client")
    with pytest.raises(NotATrace, match=r"the caller's audio is missing: no sent\.ogg"):
        write_scenario(Recording(speaks, "x"), tmp_path / "again.yaml")


def test_a_wrong_recording_in_a_scenario_is_named_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("title: x\nfake: {recording: nowhere.zip}\n")
    with pytest.raises(UsageError, match=r"x\.yaml:2:19: no recording 'nowhere\.zip'"):
        load(path)
    path.write_text("title: x\nfake: {recording: {file: nowhere.zip, lenient: true}}\n")
    with pytest.raises(UsageError, match=r"x\.yaml:2:26: no recording"):
        load(path)
    (tmp_path / "t.ndjson").write_text("".join(f"{line}\n" for line in Trace(trace().header, (), "completed").lines()))
    path.write_text("title: x\nfake: {recording: t.ndjson}\n")
    with pytest.raises(UsageError, match="a recording of azure-ga cannot be replayed in openai-ga"):
        harness.run(path, dialects=["openai-ga"])
