"""Scenarios on a service without a script: what they need, and what is still asked of it there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.scenario.loader import find, load
from harness.scenario.model import Scenario
from harness.scenario.relaxation import HEARD, PATIENCE, STORY
from harness.scenario.steps.expect import Expect
from harness.scenario.steps.hear import Hear
from harness.scenario.steps.tool import Tool
from harness.scenario.unscripted import NEEDS, REASONS, Unscripted, adapt, cooperative_steps, needs_of, why_not

SUITE = Path(__file__).parents[2] / "scenarios"


def scenario(**parts: Any) -> Scenario:
    return Scenario.model_validate({"title": "x", **parts})


def adapted_where(condition: Any, *, path: str = "transcript", **reply: Any) -> Any:
    step = {"expect": "response.output_audio_transcript.done", "where": {path: condition}}
    made = adapt(scenario(steps=[step], fake={"replies": [reply or {"says": "I am sorry."}]}), Unscripted())
    (found,) = made.steps
    assert isinstance(found, Expect)
    return found.where[path]


@pytest.mark.parametrize(
    ("parts", "needs"),
    [
        ({}, set()),
        ({"fake": {"replies": [{"says": "Hello."}]}}, set()),
        ({"fake": {"replies": [{"status": "failed"}]}}, {"script"}),
        ({"fake": {"replies": [{"hears_fails": "audio_unintelligible"}]}}, {"script"}),
        ({"fake": {"faults": ["any"]}}, {"script"}),
        ({"fake": {"mcp": {"weather": ["today"]}}}, {"script"}),
        ({"tags": ["scripted"]}, {"script"}),
        ({"assert": {"fails": {"at": "key"}}}, {"token-request"}),
        ({"assert": {"fails": {"at": "answer"}}}, set()),
        ({"caller": {"key_age": "5s"}}, {"token-request"}),
        ({"caller": {"key_age": "20s"}, "steps": [{"wait": "20s"}]}, {"token-request", "time"}),
        ({"session": {"tools": []}}, set()),
        ({"session": {"tools": [{"type": "function", "name": "f"}]}}, {"function-calls"}),
        ({"session": {"transcription": {"model": "whisper-1"}}}, {"transcription"}),
        ({"session": {"type": "transcription"}}, {"token-request", "transcription"}),
        ({"session": {"turn_detection": {"type": "semantic_vad"}}}, {"semantic-vad"}),
        ({"session": {"turn_detection": {"type": "server_vad"}}}, set()),
        ({"steps": [{"update": {"transcription": {"model": "whisper-1"}}}]}, {"transcription"}),
        ({"steps": [{"update": {"tools": []}}]}, set()),
        ({"caller": {"api_key": "wrong"}}, {"authentication"}),
        ({"caller": {"region": "eastus"}}, {"regions"}),
        ({"caller": {"origin": "https://app.example"}}, {"browsers"}),
        ({"caller": {"faults": ["event-cut-off"]}}, {"faulty-caller"}),
        ({"caller": {"faults": ["event-cut-off"]}, "live": {"needs": []}}, set()),
        ({"tags": ["scripted"], "live": {"needs": []}}, set()),
        ({"live": {"needs": ["script"]}}, {"script"}),
        ({"fake": {"recording": "again.ndjson"}}, set()),
        ({"fake": {"faults": ["rsp-done-twice"]}}, {"script"}),
    ],
)
def test_needs_are_read_off_the_scenario_unless_it_names_them(parts: dict[str, Any], needs: set[str]) -> None:
    assert needs_of(scenario(**parts)) == needs


def test_what_is_missing_is_the_reason() -> None:
    slow = scenario(steps=[{"wait": "60s"}])
    assert why_not(slow, Unscripted()) is None
    assert why_not(slow, Unscripted(without=frozenset({"time"}))) == REASONS["time"]
    assert why_not(scenario(tags=["scripted"]), Unscripted()) == REASONS["script"]
    assert set(REASONS) == set(NEEDS)


@pytest.mark.parametrize(
    "condition", ["I am sorry.", {"matches": "(?i)SORRY"}, {"contains": "sorry"}, {"one_of": ["No.", "I am sorry."]}]
)
def test_words_of_the_script_become_some_words(condition: Any) -> None:
    assert adapted_where(condition) == {"matches": r"\S"}


@pytest.mark.parametrize("condition", ["Good morning.", {"matches": "[0-9]+"}, "", {"absent": True}, "${said}"])
def test_other_words_are_kept(condition: Any) -> None:
    # An empty text is in every text, and asks for none of the script's words.
    assert adapted_where(condition) == condition


def test_other_fields_are_kept_whatever_they_hold() -> None:
    assert adapted_where("I am sorry.", path="response.status") == "I am sorry."


def test_elements_of_a_list_lose_the_words_of_the_script_alone() -> None:
    wanted = {"contains": {"type": "function_call", "name": "f", "arguments": '{"day": "tomorrow"}'}}
    found = adapted_where(wanted, path="response.output", calls=[{"name": "f", "arguments": {"day": "tomorrow"}}])
    assert found == {"contains": {"type": "function_call", "name": "f"}}
    spoken = {"contains": {"role": "assistant", "content": [{"type": "output_audio", "transcript": "I am sorry."}]}}
    assert adapted_where(spoken, path="response.output") == {"contains": {"role": "assistant"}}
    own = {"contains": {"type": "input_text", "text": "Good morning."}}
    assert adapted_where(own, path="item.content") == own


def test_waits_are_longer_and_speech_is_shorter() -> None:
    steps: list[Any] = [
        {"expect": "response.done", "within": "1s"},
        {"expect": "response.done", "within": "40s"},
        {"expect": "response.done", "within": "1s", "optional": True},
        {"hear": {"speech": "5s", "within": "6s"}},
        {"hear": {"speech": "100ms", "within": "6s"}},
        {"hear": {"silence": "1s", "within": "2s"}},
    ]
    found = adapt(scenario(steps=steps), Unscripted()).steps
    assert [step.within for step in found if isinstance(step, Expect)] == [PATIENCE, 40.0, 1.0]
    heard = [step.hear for step in found if isinstance(step, Hear)]
    assert [(one.speech, one.silence, one.within) for one in heard] == [
        (HEARD, None, PATIENCE),
        (0.1, None, PATIENCE),
        (None, 1.0, 2.0),
    ]
    asked = adapt(scenario(steps=steps, live={"ask": "Talk at length."}), Unscripted()).steps[3]
    assert isinstance(asked, Hear)
    assert asked.hear.speech == 5.0


def test_long_answer_that_was_asked_for_goes_on() -> None:
    steps: list[Any] = [{"hear": {"speech": "2s"}, "lenient": True}, {"hear": {"speech": "8s"}, "lenient": True}]
    made = adapt(scenario(steps=steps, live={"ask": "Talk at length."}), Unscripted()).steps
    assert [step.hear.speech for step in made if isinstance(step, Hear)] == [STORY, 8.0]


def test_absent_transcript_of_the_caller_is_left_to_its_rule() -> None:
    names = ["conversation.item.input_audio_transcription.completed", "response.done"]
    steps: list[Any] = [{"expect": name} for name in names] + [{"expect": {"all_of": names}}]
    assert cooperative_steps(adapt(scenario(steps=steps), Unscripted())) == {1, 3}


def test_what_is_asked_for_is_added_to_the_instructions_and_expected_back() -> None:
    step = {"expect": "session.updated", "where": {"session.instructions": "Be kind."}}
    made = adapt(scenario(session={"instructions": "Be kind."}, steps=[step], live={"ask": "Call f."}), Unscripted())
    assert made.session["instructions"] == "Be kind. Call f."
    (found,) = made.steps
    assert isinstance(found, Expect)
    assert found.where == {"session.instructions": "Be kind. Call f."}
    assert adapt(scenario(live={"ask": "Call f."}), Unscripted()).session == {"instructions": "Call f."}
    assert adapt(scenario(session={"voice": "alloy"}), Unscripted()).session == {"voice": "alloy"}


def test_arguments_are_the_choice_of_the_model() -> None:
    tool = {"name": "f", "arguments": {"day": "tomorrow", "hour": {"at_least": 0}, "id": "${id}"}}
    step, save = {"tool": tool}, {"expect": "response.done", "save": {"id": "response.id"}}
    found = adapt(scenario(steps=[save, step]), Unscripted()).steps[1]
    assert isinstance(found, Tool)
    assert found.tool.arguments == {"day": {"absent": False}, "hour": {"at_least": 0}, "id": "${id}"}


def test_budgets_and_diagnosis_do_not_count_unless_said_so() -> None:
    block = {
        "assert": {"budgets": {"key": "1s"}, "fails": {"at": "answer", "status": 400, "diagnosis": "offer-refused"}},
        "live": {"budgets": {"answer": "9s"}},
    }
    asserted = adapt(scenario(**block), Unscripted()).assert_
    assert asserted.budgets == {"answer": 9.0}
    assert asserted.fails is not None
    assert (asserted.fails.status, asserted.fails.diagnosis) == (400, None)
    assert asserted.order[0] == "key"
    assert adapt(scenario(), Unscripted(without=frozenset({"token-request"}))).assert_.order[0] == "offer"


def test_own_reasons_for_skipping_a_rule_are_kept_when_the_service_alone_is_graded() -> None:
    block = {"assert": {"rules": {"skip": {"OFF-03": "on purpose"}}}}
    assert adapt(scenario(**block), Unscripted()).assert_.rules.skip == {"OFF-03": "on purpose"}
    skip = adapt(scenario(**block), Unscripted(graded=True)).assert_.rules.skip
    assert skip["OFF-03"] == "on purpose"
    assert skip["HTTP-13"] == "the client of this call is the checker itself"
    assert "HTTP-18" not in skip


def test_steps_that_depend_on_a_model() -> None:
    steps = [{"text": "Hello"}, {"tool": {"name": "f"}}, {"expect": "response.done", "lenient": True}, "hang_up"]
    assert cooperative_steps(scenario(steps=steps)) == {2, 3}


@pytest.mark.parametrize("path", find([SUITE]), ids=lambda path: path.relative_to(SUITE).as_posix())
def test_every_file_of_the_suite_can_be_adapted(path: Path) -> None:
    whole = load(path).scenario
    found = adapt(whole, Unscripted(graded=True))
    assert [step.word for step in found.steps] == [step.word for step in whole.steps]
    assert whole.live.ask is None or cooperative_steps(whole), "what is asked for shows in a step that may be missed"
