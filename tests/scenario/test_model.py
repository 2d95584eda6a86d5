"""The model itself: durations, groups of events, bare step words."""

from __future__ import annotations

from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from harness.scenario import model
from harness.scenario.model import Scenario
from harness.scenario.steps import STEPS
from harness.scenario.steps.expect import Expect
from harness.scenario.steps.hear import Hear
from harness.scenario.values import MILESTONES, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("300ms", 0.3), ("1.5s", 1.5), ("2min", 120.0), (" 20 ms ", 0.02), ("0s", 0.0), ("320ms", 0.32)],
)
def test_a_duration_is_a_number_and_a_unit(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("value", [300, 1.5, None, True, "300", "ms", "-1s", "1h", "1 s s", "1,5s", "1e3ms", ""])
def test_anything_else_is_refused_with_an_example(value: Any) -> None:
    with pytest.raises(ValueError, match="write a number and a unit: 300ms"):
        parse_duration(value)


@given(st.integers(0, 10**6))
def test_milliseconds_and_seconds_agree(number: int) -> None:
    assert parse_duration(f"{number}ms") == pytest.approx(parse_duration(f"{number}s") / 1000)


def test_an_expectation_of_one_event_has_one_pattern() -> None:
    step = Expect.model_validate({"expect": "error", "where": {"error.code": "x"}, "save": {"code": "error.code"}})
    assert [pattern.model_dump() for pattern in step.patterns] == [
        {"event": "error", "where": {"error.code": "x"}, "save": {"code": "error.code"}}
    ]
    assert step.needs_all


def test_conditions_of_the_step_hold_for_every_event_of_its_group() -> None:
    step = Expect.model_validate(
        {
            "expect": {"all_of": ["a", {"event": "b", "where": {"item_id": "other", "x": 1}, "save": {"v": "y"}}]},
            "where": {"item_id": "${item}"},
        }
    )
    assert [(pattern.event, pattern.where, pattern.save) for pattern in step.patterns] == [
        ("a", {"item_id": "${item}"}, {}),
        ("b", {"item_id": "other", "x": 1}, {"v": "y"}),
    ]
    assert step.needs_all
    assert not Expect.model_validate({"expect": {"any_of": ["a", "b"]}}).needs_all


@pytest.mark.parametrize("group", [{}, {"all_of": []}, {"all_of": ["a"], "any_of": ["b"]}])
def test_a_group_is_all_of_or_any_of_and_not_empty(group: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="either all_of or any_of"):
        Expect.model_validate({"expect": group})


@pytest.mark.parametrize("what", [{}, {"within": "1s"}, {"speech": "1s", "silence": "1s"}])
def test_hearing_is_for_speech_or_for_silence(what: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="either speech or silence"):
        Hear.model_validate({"hear": what})


def test_steps_without_a_value_may_be_bare_words() -> None:
    scenario = Scenario.model_validate({"title": "x", "steps": ["hush", {"hang_up": None}, "hang_up"]})
    assert [step.word for step in scenario.steps] == ["hush", "hang_up", "hang_up"]


def test_a_bare_word_that_needs_a_value_is_refused() -> None:
    with pytest.raises(ValidationError, match="should be a valid string"):
        Scenario.model_validate({"title": "x", "steps": ["say"]})


def test_a_failure_can_be_at_every_milestone_and_in_the_session() -> None:
    assert set(get_args(model.Failure.model_fields["at"].annotation)) == {*MILESTONES, "session"}


def test_every_step_has_a_field_of_its_own_word_and_says_what_it_does() -> None:
    for word, step in STEPS.items():
        assert word in step.model_fields
        assert step.__doc__
