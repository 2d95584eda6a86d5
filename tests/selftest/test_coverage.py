"""What the suite exercises: every rule of the catalogue, or its reason is declared."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.report.coverage import BEYOND_THE_SUITE
from harness.running.jobs import Job, select
from harness.running.many import run_many
from harness.scenario.loader import LoadedScenario
from harness.selftest import coverage

SUITE = Path(__file__).parents[2] / "scenarios"
# One dialect shows what the rules about a conversation see; the ways to a call differ between all of them.
CONVERSATIONS = ("turns", "responses", "text", "tools", "interruption", "transcription", "errors", "filter", "limits")
CALLS = ("signaling", "browser")


def chosen() -> list[tuple[Job, LoadedScenario]]:
    return [
        *select([SUITE / area for area in CONVERSATIONS], dialects=["azure-ga"]),
        *select([SUITE / area for area in CALLS]),
    ]


def test_every_rule_is_exercised_or_says_why_not() -> None:
    results = run_many(chosen(), workers=2).in_order
    rows = coverage.coverage([result.to_json() for result in results])
    assert [row.id for row in rows if row.unexplained] == []
    assert [row.id for row in rows if row.exercised and row.id in BEYOND_THE_SUITE] == [], "the reason no longer holds"


def results_in(folder: Path, text: str) -> Path:
    (folder / "results.json").write_text(text)
    return folder


def test_the_results_of_a_run_are_counted(tmp_path: Path) -> None:
    rules = [{"id": "SES-01", "outcome": "pass", "severity": "must", "observations": 1, "failures": []}]
    out = results_in(tmp_path, json.dumps({"schema": 1, "runs": [{"scenario": "a.yaml", "rules": rules}] * 3}))
    document = json.loads(coverage.coverage_page(out, as_json=True))
    (row,) = (row for row in document["rules"] if row["id"] == "SES-01")
    assert (document["runs"], row["passed"]) == (3, 3)
    assert "over 3 runs: 1 exercised" in coverage.coverage_page(out)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"runs": [{}]}', '{"runs": [{"rules": [{"id": "SES-01"}]}]}', "null"]
)
def test_a_file_that_no_run_left_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(UsageError, match=r"results\.json"):
        coverage.suite_runs(results_in(tmp_path, text))


def test_without_results_the_suite_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    jobs = select([SUITE / "text"], dialects=["azure-ga"], keyword="deleted-item")
    monkeypatch.setattr(coverage, "select", lambda paths, cwd: jobs[:1])
    runs = coverage.suite_runs(tmp_path)
    assert len(runs) == 1
    assert {one["outcome"] for one in runs[0]["rules"]} >= {"pass", "not-exercised"}
    assert list(tmp_path.iterdir()) == []
