"""How runs are paired, what counts as a regression, and the exit codes."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from harness.comparing.facts import Run
from harness.comparing.statistics import Budget
from harness.rules.base import Outcome
from tests.comparing.runs import GOOD, compared, pair, rules, run

BROKEN = run(verdict="nonconformant", rules=rules(RSP_03=Outcome.FAIL))


def test_the_same_is_no_change() -> None:
    found = compared([GOOD], [GOOD])
    assert found.exit_code == 0
    assert not found.pairs[0].changed


def test_a_regression_exits_with_1_and_says_why() -> None:
    found = compared([GOOD], [BROKEN])
    assert found.exit_code == 1
    assert found.pairs[0].reasons == ("the verdict got worse", "RSP-03 (must) newly fails")
    assert compared([BROKEN], [GOOD]).exit_code == 0


def test_nothing_in_common_exits_with_3() -> None:
    found = compared([GOOD], [run(scenario="scenarios/b.yaml", dialect="openai-ga"), run(scenario="scenarios/c.yaml")])
    assert (found.exit_code, found.pairs) == (3, ())
    assert dict(found.only_before) == {"scenarios/turns/a.yaml::azure-ga": 1}
    assert len(found.only_after) == 2


def test_calls_that_broke_down_are_nothing_to_compare_with() -> None:
    broken = run(verdict="error", error="no route")
    found = compared([broken], [BROKEN])
    assert found.exit_code == 3
    assert found.pairs[0].reasons == ()
    assert compared([GOOD], [broken]).exit_code == 1


def test_one_dialect_on_each_side_is_compared_and_said() -> None:
    found = compared([run(dialect="azure-preview")], [GOOD])
    assert found.pairs[0].id == "scenarios/turns/a.yaml::azure-preview → azure-ga"
    assert found.across == (("azure-preview", "azure-ga"),)
    assert any("azure-preview before, azure-ga after" in note for note in found.notes())


def test_dialects_in_common_are_compared_with_themselves_alone() -> None:
    found = compared([run(dialect="azure-preview"), GOOD], [GOOD, run(dialect="openai-ga")])
    assert [one.dialects for one in found.pairs] == [("azure-ga", "azure-ga")]
    assert list(found.only_after) == ["scenarios/turns/a.yaml::openai-ga"]


def test_two_single_recordings_are_a_pair_whatever_they_are_called() -> None:
    assert len(compared([run(scenario="monday")], [run(scenario="today")]).pairs) == 1


def test_both_ends_of_a_call_are_not_mixed() -> None:
    both = [GOOD, run(observer="service")]
    assert [one.observer for one in compared(both, both).pairs] == ["client", "service"]


def test_latencies_beyond_the_budget_are_a_regression() -> None:
    quick, slow = ([run(latencies={"call request": [t]})] * 6 for t in (0.1, 0.2))
    assert compared(quick, slow).exit_code == 0
    found = compared(quick, slow, budget=Budget.parse("20%"))
    assert found.exit_code == 1
    assert found.pairs[0].reasons == ("call request is beyond the budget",)
    assert compared(quick, slow, budget=Budget.parse("100ms")).exit_code == 0
    own = [run(latencies={"key to offer": [t]}) for t in (0.2,) * 6]
    assert compared([run(latencies={"key to offer": [0.1]})] * 6, own, budget=Budget.parse("1%")).exit_code == 0


def suite(t: float, time: str, repetitions: int = 1) -> list[Run]:
    names = [f"scenarios/{n}.yaml" for n in range(6)]
    one = run(time=time, latencies={"call request": [t], "x": [t]})
    return [replace(one, scenario=name, repetition=number) for name in names for number in range(repetitions)]


def test_the_set_up_of_many_scenarios_is_one_sample() -> None:
    found = compared(suite(0.1, "real"), suite(0.2, "real"), budget=Budget.parse("20%"))
    assert not found.regressions
    assert [one.name for _, one in found.beyond] == ["call request"]
    assert found.exit_code == 1


def test_in_virtual_time_scenarios_share_the_seed_and_only_repetitions_are_a_sample() -> None:
    once = compared(suite(0.1, "virtual"), suite(0.2, "virtual"), budget=Budget.parse("20%"))
    assert (once.exit_code, [one.runs for rows in once.overall.values() for one in rows]) == (0, [(1, 1)])
    often = compared(suite(0.1, "virtual", 6), suite(0.2, "virtual", 6), budget=Budget.parse("20%"))
    assert [one.runs for _, one in often.beyond] == [(6, 6)]


def test_what_differs_besides_the_service_is_noted() -> None:
    found = compared([GOOD], [run(target="live", time="real", harness="0.2.0")])
    assert [note.partition(":")[0] for note in found.notes()] == [
        "not the same target",
        "not the same clock",
        "not the same release of the harness",
    ]


def test_a_missing_trace_is_told() -> None:
    assert pair([run(order=None)], [GOOD]).to_json()["order"] == {
        "same": None,
        "without_trace": {"before": 1, "after": 0},
    }
    assert pair([GOOD], [GOOD]).to_json()["order"] == {"same": True}


@pytest.mark.parametrize("after", [GOOD, BROKEN, run(dialect="openai-ga", order=None)])
def test_the_document_is_json(after: object) -> None:
    document = json.loads(json.dumps(compared([GOOD], [after], budget=Budget.parse("5%")).to_json()))  # type: ignore[list-item]
    assert document["schema"] == 1
    assert {"before", "after", "pairs", "overall", "notes", "exit_code"} <= set(document)
