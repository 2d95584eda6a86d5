"""The pytest door: collection, ids, selection, reports, live runs."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import httpcore  # noqa: F401
import pytest

# Imported before pytester takes its snapshot: what it finds here it does not import anew for each inner run.
import harness.report.write
import harness.running.runner  # noqa: F401
from harness.report.write import write_selftest
from harness.selftest.calls import FaultRun
from harness.selftest.proof import Selftest
from tests.unscripted import API_KEY, service

pytest_plugins = ["pytester"]

GREETING = """
title: The caller speaks, the assistant answers
tags: [smoke]
dialects: [azure-preview, azure-ga]
steps:
  - say: caller-not-ill-disposed.wav
  - expect: response.done
    where: {response.status: completed}
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    """A project of somebody else with a scenario of its own."""
    folder = pytester.mkdir("scenarios") / "turns"
    folder.mkdir()
    (folder / "greeting.yaml").write_text(GREETING)
    (folder / "silent.yaml").write_text("title: Nothing is said\nsteps: []\n")
    (pytester.path / "unrelated.yaml").write_text("some: thing\n")
    return pytester


def run(project: pytest.Pytester, *words: str) -> pytest.RunResult:
    project.makeini("[pytest]\nasyncio_default_fixture_loop_scope = function\n")
    return project.runpytest_inprocess("-p", "no:cacheprovider", "-p", "no:randomly", *words)


def test_each_dialect_is_a_test(project: pytest.Pytester) -> None:
    result = run(project, "--collect-only", "-q")
    ids = [line for line in result.outlines if "::" in line]
    assert ids == [
        "scenarios/turns/greeting.yaml::azure-preview",
        "scenarios/turns/greeting.yaml::azure-ga",
        *(f"scenarios/turns/silent.yaml::{name}" for name in ("azure-preview", "azure-ga", "openai-ga", "openai-beta")),
    ]


def test_runs_are_selected_and_reported(project: pytest.Pytester) -> None:
    result = run(
        project, "-k", "greeting and azure-ga", "--junitxml=junit.xml", "--html=page.html", "--self-contained-html"
    )
    result.assert_outcomes(passed=1, deselected=5)
    assert "greeting.yaml" in Path("junit.xml").read_text()
    page = Path("page.html").read_text()
    assert "timeline of the call" in page
    (one,) = json.loads(Path("reports/results.json").read_text())["runs"]
    assert (one["scenario"], one["verdict"]) == ("scenarios/turns/greeting.yaml", "conformant")
    assert Path("reports/conformance.html").exists()
    result.stdout.fnmatch_lines(["conformance report: *reports/conformance.html"])
    assert "Why a pass can be trusted" in page
    assert "No selftest was run beside this report." in page


def test_the_page_of_pytest_html_tells_what_a_selftest_proved(project: pytest.Pytester) -> None:
    shown = FaultRun("rsp-done-twice", {"client": ("RSP-03",)})
    write_selftest(Selftest((shown,), 0, (), planned=1, made=1, whole=True).to_json(), project.path / "reports")
    run(project, "-k", "silent and azure-ga", "--html=pages/page.html")
    page = Path("pages/page.html").read_text()
    assert 'href="../reports/selftest.html"' in page
    run(project, "-k", "nothing", "--html=pages/page.html")
    assert "a pass can be trusted" not in Path("pages/page.html").read_text()


def test_no_two_tests_write_the_same_trace(project: pytest.Pytester) -> None:
    text = "title: Nothing is said\ndialects: [azure-ga]\nsteps: []\n"
    for name in ("turns-off.yaml", "turns/off.yaml"):
        (project.path / "scenarios" / name).write_text(text)
    run(project, "-k", "off").assert_outcomes(passed=2, deselected=6)
    traces = sorted(path.name for path in Path("reports/traces").iterdir())
    assert traces == ["turns-off-2.azure-ga.ndjson", "turns-off.azure-ga.ndjson"]


def test_a_test_may_make_its_call_several_times(project: pytest.Pytester) -> None:
    result = run(project, "-k", "greeting and azure-ga", "--harness-repeat", "2", "--html=page.html")
    result.assert_outcomes(passed=1, deselected=5)
    runs = json.loads(Path("reports/results.json").read_text())["runs"]
    assert [(one["repetition"], Path("reports", one["trace"]).exists()) for one in runs] == [(1, True), (2, True)]
    assert len({one["trace"] for one in runs}) == 2
    assert "p95" in Path("reports/conformance.html").read_text()
    assert run(project, "--harness-repeat", "0").ret == pytest.ExitCode.USAGE_ERROR


def test_a_budget_of_a_percentile_holds_over_the_repetitions(project: pytest.Pytester) -> None:
    text = GREETING + "assert: {budgets: {channel-open: {p95: 1ms}}}\n"
    Path("scenarios/turns/greeting.yaml").write_text(text)
    result = run(project, "-k", "greeting and azure-ga", "--harness-repeat", "2")
    result.assert_outcomes(failed=1, deselected=5)
    result.stdout.fnmatch_lines(["*expected channel-open within 0.001 s at p95*", "*p95 of 2 runs is 0.*"])


def test_tags_are_marks(project: pytest.Pytester) -> None:
    run(project, "-m", "smoke", "--strict-markers").assert_outcomes(passed=2, deselected=4)


def test_failure_reads_like_a_verdict(project: pytest.Pytester) -> None:
    path = project.path / "scenarios" / "turns" / "greeting.yaml"
    path.write_text(GREETING.replace("completed", "failed"))
    result = run(project, "-k", "greeting and azure-ga")
    result.assert_outcomes(failed=1, deselected=5)
    result.stdout.fnmatch_lines(
        ["✗ nonconformant  scenarios/turns/greeting.yaml::azure-ga*", "*step 2*expected response.done*"]
    )
    result.stdout.no_fnmatch_line("*Traceback*")


def test_warnings_fail_a_test_only_where_that_is_asked_for(project: pytest.Pytester) -> None:
    (project.path / "scenarios" / "turns" / "greeting.yaml").write_text(
        "title: Refused\ndialects: [azure-ga]\nassert: {errors: allowed}\n"
        "steps: [{send: {type: conversation.item.delete, item_id: none}}, {wait: 1s}]\n"
    )
    run(project, "-k", "greeting").assert_outcomes(passed=1, deselected=4)
    strict = run(project, "-k", "greeting", "--harness-strict")
    strict.assert_outcomes(failed=1, deselected=4)
    strict.stdout.fnmatch_lines(["~ conformant, with warnings  scenarios/turns/greeting.yaml::azure-ga*", "*cause*"])


def test_broken_file_is_a_collection_error_with_its_place(project: pytest.Pytester) -> None:
    (project.path / "scenarios" / "broken.yaml").write_text("title: x\nstpes: []\n")
    result = run(project, "scenarios/broken.yaml")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*broken.yaml:2:1*stpes*"])


def test_xdist_brings_the_results_home(project: pytest.Pytester) -> None:
    result = project.runpytest_subprocess("-n", "2", "-q", "-k", "silent")
    result.assert_outcomes(passed=4)
    runs = json.loads((project.path / "reports" / "results.json").read_text())["runs"]
    assert sorted(one["dialect"] for one in runs) == ["azure-ga", "azure-preview", "openai-beta", "openai-ga"]


def test_live_skips_with_the_reason(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "AZURE_OPENAI_REALTIME_KEY",
        "VITE_AZURE_OPENAI_REALTIME_KEY",
        "OPENAI_API_KEY",
        "AZURE_OPENAI_AD_TOKEN",
    ):
        monkeypatch.delenv(name, raising=False)
    result = run(project, "-m", "live", "-rs")
    result.assert_outcomes(skipped=6, deselected=6)
    result.stdout.fnmatch_lines(["SKIPPED*AZURE_OPENAI_REALTIME_KEY*"])
    quiet = run(project, "-m", "live", "-q")
    quiet.stdout.fnmatch_lines(["*live tests that were skipped*", "azure-ga needs*AZURE_OPENAI_REALTIME_KEY*"])
    assert sum(line.startswith("azure-ga needs") for line in quiet.outlines) == 1


def test_without_m_live_nothing_live_is_collected(project: pytest.Pytester) -> None:
    result = run(project, "--collect-only", "-q")
    result.stdout.no_fnmatch_line("*-live*")


def test_what_a_service_cannot_be_made_to_do_is_skipped_with_the_reason(project: pytest.Pytester) -> None:
    (project.path / "scenarios" / "failing.yaml").write_text(
        "title: A response fails\ndialects: [azure-ga]\nsteps: []\nfake: {replies: [{status: failed}]}\n"
    )
    chosen = ("scenarios/failing.yaml", "-rs")
    elsewhere = run(project, *chosen, "--harness-target", "http://127.0.0.1:9")
    elsewhere.assert_outcomes(skipped=1)
    elsewhere.stdout.fnmatch_lines(["*not exercised: only a scripted service can be made to do this*"])
    run(project, *chosen).assert_outcomes(passed=1)


def test_calls_to_a_service_are_made_side_by_side(project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_KEY", API_KEY)
    together = project.path / "scenarios" / "together.yaml"
    together.write_text("title: A call\ndialects: [openai-ga]\nsteps: [{expect: session.updated, within: 5s}]\n")
    (project.path / "scenarios" / "failing.yaml").write_text(
        "title: Another\ndialects: [openai-ga]\nsteps: [{expect: session.updated, within: 5s}, {never: session.created}]\n"
    )
    with service() as place:
        chosen = ("scenarios/failing.yaml", str(together), "--harness-target", place.url)
        result = run(project, *chosen)
        result.assert_outcomes(passed=1, failed=1)
        run(project, *chosen, "--harness-calls", "1", "-x").assert_outcomes(failed=1)
        run(project, *chosen, "-x").assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*session.created*"])
    ahead = [one for one in threading.enumerate() if one.name == "calls"]
    assert ahead == []


def test_reports_that_cannot_be_written_are_named_and_make_the_session_fail(project: pytest.Pytester) -> None:
    (project.path / "reports" / "results.json").mkdir(parents=True)
    result = run(project, "scenarios/turns/silent.yaml", "-k", "azure-ga")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["harness: *results.json: cannot be written: Is a directory", "  fix: *"])
    result.stdout.no_fnmatch_line("*INTERNALERROR*")


def test_traces_that_cannot_be_written_fail_their_run_alone(project: pytest.Pytester) -> None:
    (project.path / "reports" / "traces" / "turns-silent.azure-ga.ndjson").mkdir(parents=True)
    result = run(project, "scenarios/turns/silent.yaml")
    result.assert_outcomes(passed=3, failed=1)
    result.stdout.fnmatch_lines(["*silent.azure-ga.ndjson: cannot be written: Is a directory"])
    assert len(json.loads((project.path / "reports" / "results.json").read_text())["runs"]) == 3
