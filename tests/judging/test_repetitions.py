"""Budgets of a percentile: over all repetitions of a run, never over the wrong ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from harness.judging.repetitions import budgets, settled
from harness.judging.results import Result
from harness.rules.base import Outcome
from harness.scenario.model import Assert
from tests.judging.test_results import RESULT, rule


def limits(**written: Any) -> Any:
    return Assert.model_validate({"budgets": {name.replace("_", "-"): one for name, one in written.items()}}).budgets


P95 = limits(first_audio={"p95": "1500ms"})
CLEAN = replace(RESULT, expectations=(), rules=(rule(Outcome.PASS),), diagnosis=(), verdict="conformant")


def run(number: int, t: float | None, asked: Mapping[Any, Any] = P95, **changed: Any) -> Result:
    reached = {"first-audio": t}
    found = tuple(budgets(reached, asked))
    bad = any(not one.met for one in found)
    made = replace(CLEAN, milestones=reached, expectations=found, verdict="nonconformant" if bad else "conformant")
    return replace(made, repetition=number, **changed)


def test_a_single_run_is_judged_by_its_own_value() -> None:
    (slow,) = budgets({"first-audio": 1.6}, P95)
    assert (slow.met, slow.expected, slow.actual) == (False, "first-audio within 1.5 s at p95", "1.600 s")
    assert settled([run(0, 1.6)], {RESULT.id: P95})[0].verdict == "nonconformant"


def test_one_of_twenty_may_take_longer() -> None:
    runs = [run(number, 1.0) for number in range(1, 20)] + [run(20, 9.0)]
    found = settled(runs, {RESULT.id: P95})
    assert {one.verdict for one in found} == {"conformant"}
    assert found[-1].expectations[0].actual == "9.000 s; p95 of 20 runs is 1.000 s"


def test_two_of_twenty_may_not_and_these_two_are_named() -> None:
    runs = [run(number, 1.0) for number in range(1, 19)] + [run(19, 2.0), run(20, None)]
    found = settled(runs, {RESULT.id: P95})
    assert [one.repetition for one in found if one.verdict == "nonconformant"] == [19, 20]
    assert found[18].expectations[0].actual == "2.000 s; p95 of 20 runs is 2.000 s"
    assert found[19].expectations[0].actual == "never reached; p95 of 20 runs is 2.000 s"


def test_where_most_never_got_there_the_percentile_is_never_reached() -> None:
    found = settled([run(1, None), run(2, None)], {RESULT.id: P95})
    assert [one.verdict for one in found] == ["nonconformant", "nonconformant"]
    assert found[0].expectations[0].actual == "never reached; p95 of 2 runs is never reached"


def test_each_run_keeps_a_plain_budget() -> None:
    both = limits(first_audio="1s")
    found = settled([run(1, 0.9, both), run(2, 1.1, both)], {RESULT.id: both})
    assert [one.verdict for one in found] == ["conformant", "nonconformant"]


def test_runs_of_another_scenario_are_not_counted() -> None:
    other = [replace(run(number, 1.0), scenario="scenarios/b.yaml") for number in range(1, 40)]
    found = settled([run(1, 2.0), run(2, 2.0), *other], {RESULT.id: P95, other[0].id: P95})
    assert [one.verdict for one in found[:2]] == ["nonconformant", "nonconformant"]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"rules": (rule(Outcome.FAIL),)}, "nonconformant"),
        ({"verdict": "error", "error": "the call broke"}, "error"),
        ({"error": "the call never got through"}, "inconclusive"),
    ],
)
def test_what_else_is_wrong_stays_wrong(changed: dict[str, Any], expected: str) -> None:
    runs = [run(number, 1.0) for number in range(1, 20)] + [run(20, 9.0, **changed)]
    assert settled(runs, {RESULT.id: P95})[-1].verdict == expected
