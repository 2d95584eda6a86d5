"""Ctrl-C at a terminal, which reaches every process: a message, no traceback, reports of what has ended, traces of all that began."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from harness.trace import read_trace
from tests.commands import command, octets, said, wait_until

SHORT = "title: Nothing is said\ndialects: [azure-ga]\nsteps: []\n"
LONG = "title: Much is waited for\ndialects: [azure-ga, openai-ga]\nsteps:\n  - wait: 60s\n"
# In real time, so that a long call is still there when the signal comes.
REAL = ("--time", "real", "--out")


@pytest.fixture
def short(tmp_path: Path) -> Path:
    path = tmp_path / "a-short.yaml"
    path.write_text(SHORT)
    return path


@pytest.fixture
def long(tmp_path: Path) -> Path:
    path = tmp_path / "long.yaml"
    path.write_text(LONG)
    return path


def ends(folder: Path) -> dict[str, str]:
    """How each trace ends."""
    return {path.name: read_trace(path).end for path in folder.glob("traces/*.ndjson")}


@pytest.mark.parametrize("workers", [1, 2])
def test_a_run(tmp_path: Path, short: Path, long: Path, workers: int) -> None:
    traces = tmp_path / "traces"
    with command("run", short, long, "-n", str(workers), *REAL, tmp_path, cwd=tmp_path) as running:
        # One more than there are workers: the short one has ended, and all others are at it.
        wait_until(lambda: sum(path.stat().st_size > 1000 for path in traces.glob("long.*.ndjson")) == workers, running)
        os.killpg(running.pid, signal.SIGINT)
        code, out = said(running)
    assert code == 130, out
    assert f"harness: {tmp_path}: interrupted after 1 of 3 runs; their reports and all traces are kept" in out
    (run,) = json.loads((tmp_path / "results.json").read_text())["runs"]
    assert (run["trace"], run["verdict"]) == ("traces/a-short.azure-ga.ndjson", "conformant")
    left = ends(tmp_path)
    assert left.pop("a-short.azure-ga.ndjson") == "completed"
    assert list(left.values()) == ["interrupted"] * workers


def test_a_run_without_any_result(tmp_path: Path, long: Path) -> None:
    with command("run", long, *REAL, tmp_path, cwd=tmp_path) as running:
        wait_until(lambda: octets(tmp_path) > 1000, running)
        os.killpg(running.pid, signal.SIGINT)
        code, out = said(running)
    assert code == 130
    assert out == f"harness: {tmp_path}: interrupted after 0 of 2 runs; their reports and all traces are kept\n"
    assert ends(tmp_path) == {"long.azure-ga.ndjson": "interrupted"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_service_with_a_call(tmp_path: Path, long: Path, number: signal.Signals) -> None:
    served = tmp_path / "served"
    with command("serve", "--port", "0", "--dialect", "azure-ga", "--out", served) as serving:
        assert serving.stdout is not None
        url = serving.stdout.readline().split()[1]
        with command("run", long, "--dialect", "azure-ga", "--target", url, "--out", tmp_path / "ran"):
            wait_until(lambda: octets(served) > 4000, serving)
            os.killpg(serving.pid, number)
            code, out = said(serving)
    assert code in (0, 3), out
    assert "1 run: 1 " in out
    (run,) = json.loads((served / "results.json").read_text())["runs"]
    assert run["trace"] == "traces/call-0001.azure-ga.ndjson"
    assert set(ends(served).values()) == {"completed"}
