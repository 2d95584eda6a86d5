"""Grades by capability: what counts where, MUST apart from SHOULD, and never green for nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.judging.grading import NotExercised, capability, grade, standing
from harness.judging.results import Expectation, Result
from harness.rules.base import MUST, SHOULD, Outcome, RuleResult, Severity
from tests.judging.test_results import RESULT

MET = Expectation(1, True, "a", "a")
MISSED = Expectation(1, False, "a", "b")


def run(
    scenario: str, *rules: RuleResult, expectations: tuple[Expectation, ...] = (MET,), verdict: str = "x"
) -> Result:
    return replace(
        RESULT,
        scenario=f"scenarios/{scenario}.yaml",
        rules=rules,
        expectations=expectations,
        verdict=verdict,  # type: ignore[arg-type]
    )


def rule(name: str, outcome: Outcome = Outcome.PASS, severity: Severity = MUST) -> RuleResult:
    return RuleResult(name, outcome, severity, 1)


LEFT = NotExercised("scenarios/tools/mcp.yaml", "azure-ga", "MCP", "needs a script")


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (run("text/a"), "conformant"),
        (run("text/a", expectations=(MET, MISSED)), "nonconformant"),
        (run("text/a", expectations=(replace(MISSED, lenient=True),)), "inconclusive"),
        (run("text/a", expectations=(MISSED, replace(MISSED, lenient=True))), "nonconformant"),
        (run("text/a", rule("RSP-03", Outcome.FAIL)), "nonconformant"),
        (run("text/a", rule("RSP-03", Outcome.FAIL, SHOULD)), "conformant"),
        (run("text/a", rule("RSP-03", Outcome.INCONCLUSIVE)), "inconclusive"),
        (run("text/a", rule("HTTP-18", Outcome.FAIL)), "conformant"),
        (run("signaling/a", rule("HTTP-18", Outcome.FAIL)), "nonconformant"),
        (run("text/a", verdict="error"), "inconclusive"),
    ],
)
def test_standing_of_a_run_in_its_own_capability(result: Result, expected: str) -> None:
    assert standing(result) == expected


def test_rule_counts_where_its_family_belongs() -> None:
    found = {one.name: one for one in grade([run("text/a", rule("HTTP-18", Outcome.FAIL), rule("RSP-03"))])}
    assert list(found) == ["signaling", "text"]
    assert (found["signaling"].grade, found["signaling"].must.failed) == ("nonconformant", ("HTTP-18",))
    assert set(found["signaling"].counts.values()) == {0}
    assert (found["text"].grade, found["text"].must.passed) == ("conformant", ("RSP-03",))


def test_rules_that_pass_make_nothing_green_without_a_scenario() -> None:
    found = {one.name: one for one in grade([run("text/a", rule("HTTP-18"))], [LEFT])}
    assert set(found) == {"text", "tools"}
    assert found["tools"].grade == "not-exercised"
    assert found["tools"].to_json()["not_exercised"][0]["reason"] == "needs a script"


def test_worst_outcome_of_a_rule_over_all_runs_counts_and_should_does_not_gate() -> None:
    runs = [
        run("turns/a", rule("TURN-01"), rule("TURN-02", Outcome.FAIL, SHOULD)),
        run("turns/b", rule("TURN-01", Outcome.INCONCLUSIVE), rule("TURN-02", severity=SHOULD)),
    ]
    (found,) = grade(runs)
    assert (found.name, found.grade) == ("voice turns", "inconclusive")
    assert (found.must.open, found.must.passed, found.should.failed) == (("TURN-01",), (), ("TURN-02",))
    assert found.counts == {"nonconformant": 0, "inconclusive": 1, "conformant": 1, "not-exercised": 0}


def test_traces_that_no_scenario_made_are_not_graded() -> None:
    assert grade([replace(RESULT, scenario="call-0001.azure-ga")]) == ()


@pytest.mark.parametrize(
    ("scenario", "expected"), [("scenarios/turns/a.yaml", "voice turns"), ("own/b.yaml", "own"), ("c.yaml", "other")]
)
def test_capability_is_the_folder(scenario: str, expected: str) -> None:
    assert capability(scenario) == expected
