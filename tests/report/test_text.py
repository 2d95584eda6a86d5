"""The terminal report: what failed first, then the matrix, then the totals."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from harness.judging.results import Expectation
from harness.report.text import failure, lines_of, matrix, totals, warnings
from harness.rules.base import SHOULD, Outcome
from tests.judging.test_results import RESULT, rule

GOOD = replace(RESULT, verdict="conformant", expectations=(), rules=(), diagnosis=(), dialect="openai-ga")


def test_failure_says_cause_then_what_was_expected_and_seen() -> None:
    lines = list(failure(RESULT))
    assert lines[0] == "✗ nonconformant  scenarios/a.yaml::azure-ga  (A)"
    assert lines[1] == "    cause     cause  [api-key-invalid]"
    assert lines[2] == "    fix       fix"
    assert "    step 2    expected b" in lines
    assert "              seen     c" in lines
    assert any(line.startswith("    SES-01") for line in lines)
    assert "              seen     y (entry 4)" in lines
    assert lines[-1] == "    trace     traces/a.ndjson"


def test_steps_that_were_not_reached_are_counted_not_listed() -> None:
    missed = [
        Expectation(2, False, "b", "c"),
        *(Expectation(n, False, "d", "not reached: step 2 was missed") for n in (3, 4)),
    ]
    lines = list(failure(replace(RESULT, expectations=tuple(missed))))
    assert "              2 later steps not reached" in lines
    assert not any("expected d" in line for line in lines)


def test_error_shows_seen_and_fix() -> None:
    broken = replace(
        RESULT,
        verdict="error",
        error="step 'key': refused\n  seen: 401: no\n  fix: check the key",
        diagnosis=(),
        rules=(),
    )
    lines = list(failure(broken))
    assert lines[1] == "    error     step 'key': refused"
    assert lines[2] == "    seen      401: no"
    assert lines[3] == "    fix       check the key"


def test_matrix_marks_each_dialect() -> None:
    assert list(matrix([RESULT, GOOD])) == ["✗ a  ✗ azure-ga  ✓ openai-ga"]


def test_should_rules_warn_once() -> None:
    warned = replace(GOOD, rules=(rule(Outcome.FAIL, SHOULD),))
    lines = list(warnings([warned, replace(warned, dialect="azure-ga")]))
    assert lines[0].startswith("~ SES-01 (should)")
    assert lines[0].endswith(": 2 runs, for example scenarios/a.yaml::openai-ga")
    assert [line.split()[0] for line in lines[1:]] == ["expected", "seen"]


def test_totals() -> None:
    assert (
        totals([RESULT, GOOD], seconds=3.2)
        == "✗ 2 runs: 1 conformant, 1 nonconformant; 16.8 s of conversation in 3.2 s"
    )
    assert totals([], seconds=0.0) == "? 0 runs: none; 0.0 s of conversation in 0.0 s"
    assert totals([GOOD], seconds=0.3) == "✓ 1 run: 1 conformant; 8.4 s of conversation in 0.3 s"


def test_failures_come_before_the_matrix() -> None:
    lines = list(lines_of([GOOD, RESULT], seconds=1.0))
    assert lines[0].startswith("✗ nonconformant")
    assert lines[-1].startswith("✗ 2 runs")


def test_a_cause_is_told_once_and_summed_up_at_the_end() -> None:
    runs = [
        replace(RESULT, dialect=name) for name in ("azure-ga", "openai-ga", "azure-preview", "openai-beta", "x", "y")
    ]
    lines = list(lines_of(runs, seconds=1.0))
    assert sum(line.startswith("✗ nonconformant") for line in lines) == 1
    assert "    also      a [openai-ga], a [azure-preview], a [openai-beta] and 2 more" in lines
    assert lines[-2] == "✗ 6 runs  cause  [api-key-invalid]"


def test_the_path_of_a_trace_is_one_that_opens(tmp_path: Path) -> None:
    lines = list(lines_of([RESULT], seconds=1.0, out=tmp_path))
    assert f"    trace     {tmp_path}/traces/a.ndjson" in lines


def test_a_step_that_no_source_demands_is_told_where_it_is_missed() -> None:
    missed = Expectation(2, False, "an error", "session.updated", severity=SHOULD)
    lines = list(lines_of([replace(GOOD, expectations=(missed,))], seconds=1.0))
    assert lines[0].startswith("~ conformant, with warnings")
    assert lines[1:3] == ["    step 2    expected an error", "              seen     session.updated"]
    assert lines[-1].startswith("~ 1 run: 1 conformant (1 with warnings)")
