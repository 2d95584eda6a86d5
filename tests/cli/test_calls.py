"""Choosing the runs once more: what failed last time, and no further than the first failure; what a check says in the end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from harness.cli import main as cli
from harness.errors import UsageError
from tests.unscripted import API_KEY, service

RIGHT = "title: Right\ndialects: [openai-ga]\nsteps: [{expect: session.updated, within: 5s}]\n"
WRONG = "title: Wrong\ndialects: [openai-ga]\nsteps: [{expect: response.done, within: 100ms}]\n"


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in {"a-wrong": WRONG, "b-right": RIGHT, "c-wrong": WRONG}.items():
        (tmp_path / f"{name}.yaml").write_text(text)


def run(*words: str) -> Result:
    return CliRunner().invoke(cli.app, ["run", *sorted(path.name for path in Path().glob("*.yaml")), *words])


def scenarios() -> list[str]:
    return [one["scenario"] for one in json.loads(Path("reports/results.json").read_text())["runs"]]


def test_only_what_failed_last_time_is_run_again() -> None:
    assert run().exit_code == 1
    assert scenarios() == ["a-wrong.yaml", "b-right.yaml", "c-wrong.yaml"]
    Path("a-wrong.yaml").write_text(RIGHT)
    assert run("--last-failed").exit_code == 1
    assert scenarios() == ["a-wrong.yaml", "c-wrong.yaml"]
    Path("c-wrong.yaml").write_text(RIGHT)
    assert run("--lf").exit_code == 0
    assert scenarios() == ["c-wrong.yaml"]
    again = run("--lf")
    assert (again.exit_code, len(scenarios())) == (0, 3)
    assert "no run failed last time: all are run" in again.output


def test_the_results_of_something_else_are_refused() -> None:
    Path("reports").mkdir()
    Path("reports/results.json").write_text("[]")
    assert isinstance(run("--last-failed").exception, UsageError)


@pytest.mark.parametrize("option", ["--fail-fast", "-x"])
def test_no_run_begins_after_the_first_that_fails(option: str) -> None:
    found = run(option)
    assert (found.exit_code, scenarios()) == (1, ["a-wrong.yaml"])
    assert "not tried: a-wrong.yaml::openai-ga is nonconformant (--fail-fast): b-right, c-wrong" in found.output


def test_a_check_ends_with_what_to_do_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", API_KEY)
    for name in ("OPENAI_BASE_URL", "OPENAI_REALTIME_MODEL"):
        monkeypatch.delenv(name, raising=False)
    with service(faults=["call-without-location"]) as place:
        words = [
            "check",
            place.url,
            "-d",
            "openai-ga",
            "-m",
            "smoke",
            "-k",
            "the-seeds-flow",
            "--fail-fast",
            "--out",
            "o",
        ]
        found = CliRunner().invoke(cli.app, words)
    lines = found.output.splitlines()
    start = lines.index("What to do next:")
    assert lines[start - 1] == ""
    repeat = next(line for line in lines[start:] if "repeat" in line)
    assert repeat.split(maxsplit=1)[1] == f"harness check {place.url} --dialect openai-ga --out o -k the-seeds-flow"
    assert any(line.split()[:4] == ["grade", "passed", "failed", "open"] for line in lines[:start])
