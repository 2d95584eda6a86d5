"""Percentiles of runs that were made several times."""

from __future__ import annotations

from dataclasses import replace

from harness.report.html import conformance_html
from harness.report.junit import junit
from harness.report.latencies import by_dialect, by_run, latency_lines
from harness.report.text import lines_of, matrix
from tests.judging.test_results import RESULT

TIMES = {"call request": [0.1], "key to offer": [0.5], "end of speech to first audio": [0.3, 0.4]}
FIRST = replace(RESULT, verdict="conformant", expectations=(), rules=(), diagnosis=(), latencies=TIMES, repetition=1)
SEVERAL = [replace(FIRST, repetition=number) for number in (1, 2, 3)]
BROKEN = [*SEVERAL[:2], replace(RESULT, repetition=3)]


def test_the_latencies_of_the_service_over_all_repetitions() -> None:
    assert list(latency_lines(SEVERAL)) == [
        "  scenarios/a.yaml::azure-ga  (3 runs)",
        "    call request                  median 100 ms, p95 100 ms (n 3)",
        "    end of speech to first audio  median 350 ms, p95 400 ms (n 6)",
    ]
    assert list(latency_lines([replace(FIRST, repetition=0)])) == []


def test_of_many_scenarios_only_what_a_caller_waits_for() -> None:
    many = [replace(one, scenario=f"{name}.yaml") for name in "abcd" for one in SEVERAL]
    assert len(by_run(many)) == 4
    assert not any("call request" in line for line in latency_lines(many))


def test_the_set_up_over_all_runs_of_a_dialect() -> None:
    (one,) = by_dialect(SEVERAL)
    assert (one.of, one.runs, [name for name, _ in one.rows]) == ("azure-ga", 3, ["call request"])
    assert by_dialect([FIRST]) == ()


def test_repetitions_share_a_mark() -> None:
    assert list(matrix(SEVERAL)) == ["✓ a  ✓ azure-ga ×3"]
    assert list(matrix(BROKEN)) == ["✗ a  ✗ azure-ga 1 of 3"]


def test_the_report_has_them_and_the_worst_repetition_in_the_table() -> None:
    page = conformance_html(BROKEN, seconds=1.0)
    assert page.startswith("<!doctype html>")
    assert "<td>end of speech to first audio</td><td>350 ms</td><td>400 ms</td><td>4</td>" in page
    assert 'href="#run-scenarios_a.yaml.azure-ga.3"' in page
    assert "scenarios/a.yaml::azure-ga #3" in page


def test_a_failure_names_the_repetition() -> None:
    assert "✗ nonconformant  scenarios/a.yaml::azure-ga #3  (A)" in list(lines_of(BROKEN, seconds=1.0))
    assert 'name="azure-ga #3"' in junit(BROKEN, seconds=1.0)
