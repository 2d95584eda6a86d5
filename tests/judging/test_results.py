"""Verdicts, exit codes, and the JSON form of results."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from harness.diagnosis import Diagnosis
from harness.judging.results import Expectation, Result, exit_code, summary, to_json, verdict
from harness.rules.base import MUST, SHOULD, Observation, Outcome, RuleResult

MET = Expectation(1, True, "a", "a", 3)
MISSED = Expectation(2, False, "b", "c", None)


def rule(outcome: Outcome, severity: str = MUST) -> RuleResult:
    failures = (Observation(4, False, ("x",), "y"),) if outcome is Outcome.FAIL else ()
    return RuleResult("SES-01", outcome, severity, 1, failures)  # type: ignore[arg-type]


RESULT = Result(
    scenario="scenarios/a.yaml",
    title="A",
    dialect="azure-ga",
    target="fake",
    observer="client",
    time="virtual",
    verdict="nonconformant",
    seconds=0.25,
    media_seconds=8.4,
    milestones={"key": 0.0, "first-audio": None},
    expectations=(MET, MISSED),
    rules=(rule(Outcome.FAIL), rule(Outcome.NOT_EXERCISED)),
    diagnosis=(Diagnosis("api-key-invalid", "cause", "fix", (3,)),),
    trace="traces/a.ndjson",
    audio={"sent": "audio/a.ogg"},
    tags=("smoke",),
)


@pytest.mark.parametrize(
    ("expectations", "rules", "error", "expected"),
    [
        ([MET], [rule(Outcome.PASS)], False, "conformant"),
        ([MET, MISSED], [rule(Outcome.PASS)], False, "nonconformant"),
        ([MET], [rule(Outcome.FAIL)], False, "nonconformant"),
        ([MET], [rule(Outcome.FAIL, SHOULD)], False, "conformant"),
        ([MET], [rule(Outcome.INCONCLUSIVE)], False, "inconclusive"),
        ([MET], [rule(Outcome.INCONCLUSIVE, SHOULD)], False, "conformant"),
        ([MET], [rule(Outcome.NOT_EXERCISED)], False, "conformant"),
        ([MISSED], [rule(Outcome.INCONCLUSIVE)], False, "nonconformant"),
        ([MISSED], [rule(Outcome.PASS)], True, "error"),
        ([MISSED], [rule(Outcome.FAIL)], True, "nonconformant"),
        ([], [rule(Outcome.FAIL, SHOULD)], True, "error"),
    ],
)
def test_verdict(expectations: list[Expectation], rules: list[RuleResult], error: bool, expected: str) -> None:
    assert verdict(expectations, rules, error=error) == expected
    assert verdict(expectations, rules, error=error, bug=True) == "error"
    short = verdict(expectations, rules, error=error, short=True)
    assert short == ("inconclusive" if expected == "conformant" else expected)
    assert verdict(expectations, rules, error=error, bug=True) == "error"
    unproven = verdict(expectations, rules, error=error, short=True)
    assert unproven == ("inconclusive" if expected == "conformant" else expected)


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        ((), 3),
        (("conformant",), 0),
        (("conformant", "error"), 3),
        (("inconclusive",), 3),
        (("error", "nonconformant"), 1),
    ],
)
def test_exit_code(verdicts: tuple[str, ...], code: int) -> None:
    assert exit_code([replace(RESULT, verdict=one) for one in verdicts]) == code  # type: ignore[arg-type]


def test_result_survives_its_json_form() -> None:
    assert Result.from_json(json.loads(json.dumps(RESULT.to_json()))) == RESULT


def test_results_json_has_the_published_shape() -> None:
    whole = to_json([RESULT, replace(RESULT, verdict="conformant")], seconds=3.21)
    assert whole["schema"] == 1
    assert (
        whole["summary"]
        == {"runs": 2, "conformant": 1, "nonconformant": 1, "inconclusive": 0, "error": 0, "with_warnings": 0}
        == summary([RESULT, replace(RESULT, verdict="conformant")])
    )
    assert whole["media_seconds"] == 16.8
    run = whole["runs"][0]
    assert run["expectations"][1] == {"step": 2, "outcome": "missed", "expected": "b", "actual": "c", "entry": None}
    assert run["rules"][0] == {
        "id": "SES-01",
        "outcome": "fail",
        "severity": "must",
        "observations": 1,
        "failures": [{"entry": 4, "expected": ["x"], "actual": "y"}],
    }
    assert run["diagnosis"] == [{"id": "api-key-invalid", "cause": "cause", "fix": "fix", "evidence": [3]}]
