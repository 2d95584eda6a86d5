"""What broke, once: runs grouped by the cause they share."""

from __future__ import annotations

from dataclasses import replace

from harness.diagnosis import Diagnosis
from harness.judging.results import Expectation
from harness.report.causes import what_broke
from harness.rules.base import Outcome
from tests.judging.test_results import RESULT, rule

BARE = replace(RESULT, diagnosis=(), rules=(), expectations=(), error=None)
GOOD = replace(BARE, verdict="conformant")


def test_runs_with_one_diagnosis_are_one_group_and_the_largest_group_comes_first() -> None:
    other = replace(RESULT, diagnosis=(Diagnosis("cors", "refused", "list it", ()),))
    groups = what_broke([GOOD, other, RESULT, replace(RESULT, dialect="openai-ga")])
    assert [(group.id, len(group.runs), group.fix) for group in groups] == [
        ("api-key-invalid", 2, "fix"),
        ("cors", 1, "list it"),
    ]
    assert groups[0].dialects == ("azure-ga", "openai-ga")
    assert groups[0].rules == ("SES-01",)


def test_without_a_diagnosis_the_broken_rules_name_the_group() -> None:
    (group,) = what_broke([replace(BARE, rules=(rule(Outcome.FAIL),))])
    assert (group.id, group.cause) == ("SES-01", "the first event from the service is session.created")


def test_without_rules_the_error_or_the_missed_step_does() -> None:
    missed = Expectation(1, False, "response.done", "nothing")
    groups = what_broke([replace(BARE, error="step 'key': refused\n  fix: x"), replace(BARE, expectations=(missed,))])
    assert [(group.id, group.cause) for group in groups] == [("", "step 'key': refused"), ("", "missed: response.done")]


def test_nothing_broke() -> None:
    assert what_broke([GOOD]) == ()
