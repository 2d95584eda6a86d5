from __future__ import annotations

from typing import Any

from harness.report.coverage import BEYOND_THE_SUITE, coverage, coverage_json, coverage_text
from harness.rules.catalogue import all_rules, unobservable_rules


def run(**outcomes: str) -> dict[str, Any]:
    return {"rules": [{"id": name.replace("_", "-"), "outcome": outcome} for name, outcome in outcomes.items()]}


RUNS = [
    run(SES_01="pass", RSP_03="fail", RSP_01="inconclusive", SES_02="not-observable", GONE_9="pass"),
    run(SES_01="pass", RSP_03="pass", RSP_01="not-applicable", SES_02="skipped"),
]


def test_a_rule_is_counted_in_the_runs_that_judged_it() -> None:
    rows = {row.id: row for row in coverage(RUNS)}
    assert (rows["SES-01"].exercised, rows["SES-01"].passed, rows["SES-01"].failed) == (2, 2, 0)
    assert (rows["RSP-03"].exercised, rows["RSP-03"].passed, rows["RSP-03"].failed) == (2, 1, 1)
    assert (rows["RSP-01"].exercised, rows["RSP-01"].inconclusive) == (1, 1)


def test_what_was_hidden_or_skipped_was_not_exercised() -> None:
    (row,) = (row for row in coverage(RUNS) if row.id == "SES-02")
    assert (row.exercised, row.hidden, row.unexplained) == (0, 1, True)


def test_every_row_of_the_catalogue_stands_in_its_place_once() -> None:
    ids = [row.id for row in coverage(RUNS)]
    assert sorted(ids) == sorted({one.id for one in (*all_rules(), *unobservable_rules())})
    assert ids[0] == "HTTP-01"
    assert ids.index("SES-13") < ids.index("SES-14") < ids.index("SES-15"), "unobservable rows among the others"


def test_a_reason_holds_only_while_nothing_was_judged() -> None:
    before = {row.id: row for row in coverage([])}
    assert all(before[name].reason == reason for name, reason in BEYOND_THE_SUITE.items())
    assert all(before[row.id].reason == row.reason for row in unobservable_rules())
    after = {row.id: row for row in coverage([run(HTTP_07="pass")])}
    assert (after["HTTP-07"].exercised, after["HTTP-07"].reason) == (1, "")


def test_reasons_are_of_rules_that_there_are() -> None:
    assert set(BEYOND_THE_SUITE) <= {one.id for one in all_rules()}


def test_text_and_json_tell_the_same() -> None:
    rows = coverage(RUNS)
    document = coverage_json(rows, len(RUNS))
    assert document["runs"] == 2
    assert document["summary"]["rules"] == len(document["rules"]) == len(rows)
    assert document["summary"]["exercised"] == 3
    lines = list(coverage_text(rows, len(RUNS)))
    assert len([line for line in lines if "NOT EXERCISED" in line]) == document["summary"]["unexplained"]
    (http_07,) = (line for line in lines if line.startswith("HTTP-07"))
    assert BEYOND_THE_SUITE["HTTP-07"] in http_07
    assert f"{len(rows)} rows over 2 runs: 3 exercised" in lines[-1]
