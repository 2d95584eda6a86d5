"""Killed at any moment (SIGKILL), a run and a service leave traces that are read up to the last whole line, and judged."""

from __future__ import annotations

import json
import os
import random
import signal
from pathlib import Path

import pytest

from harness.errors import NotATrace
from harness.trace import Trace, read_trace
from tests.commands import command, octets, said, wait_until

SCENARIO = """
title: The caller speaks, the assistant answers
dialects: [azure-preview, azure-ga]
steps:
  - say: caller-queen-of-clubs.wav
  - expect: response.done
"""
# Octets of trace after which a process is killed; the two runs would leave 70,000, the service in two seconds 20,000.
RUNS = [
    (1, 1),
    *((moment, workers) for moment, workers in zip(random.Random(9).sample(range(60_000), 3), (1, 1, 2), strict=True)),
]
CALLS = random.Random(10).sample(range(1, 15_000), 2)


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "s.yaml"
    path.write_text(SCENARIO)
    return path


def check_what_is_left(folder: Path) -> None:
    """Every whole line is read, and judged without a word of Python."""
    left = sorted(folder.glob("traces/*.ndjson"))
    assert left
    traces: dict[Path, Trace] = {}
    for path in left:
        lines = path.read_bytes().split(b"\n")[:-1]
        if lines:
            traces[path] = trace = read_trace(path)
            whole = [json.loads(line) for line in lines[1:]]
            assert [entry.to_json() for entry in trace.entries] == [line for line in whole if "kind" in line]
            assert (trace.end == "truncated") == (not whole or "kind" in whole[-1])
        else:
            with pytest.raises(NotATrace, match=r"empty|header"):
                read_trace(path)
    with command("judge", *traces, "--out", folder / "judged") as judging:
        code, out = said(judging)
    cut = [path for path, trace in traces.items() if trace.end == "truncated"]
    assert code == (3 if cut else 0), out
    for run in json.loads((folder / "judged" / "results.json").read_text())["runs"]:
        assert run["verdict"] == ("inconclusive" if Path(run["scenario"]) in cut else "conformant")
    doubted = [line for line in out.splitlines() if line.startswith("? ")]
    assert all(any(str(path) in line for line in doubted) for path in cut)


@pytest.mark.parametrize(("moment", "workers"), RUNS)
def test_a_run(tmp_path: Path, scenario: Path, moment: int, workers: int) -> None:
    with command("run", scenario, "-n", str(workers), "--out", tmp_path) as running:
        wait_until(lambda: octets(tmp_path) >= moment, running)
        os.killpg(running.pid, signal.SIGKILL)
    check_what_is_left(tmp_path)


@pytest.mark.parametrize("moment", CALLS)
def test_a_service_and_then_its_client(tmp_path: Path, scenario: Path, moment: int) -> None:
    served, ran = tmp_path / "served", tmp_path / "ran"
    with command("serve", "--port", "0", "--dialect", "azure-ga", "--out", served) as serving:
        assert serving.stdout is not None
        url = serving.stdout.readline().split()[1]
        with command("run", scenario, "--dialect", "azure-ga", "--target", url, "--out", ran) as running:
            wait_until(lambda: octets(served) >= moment, running)
            for process in (serving, running):
                os.killpg(process.pid, signal.SIGKILL)
    check_what_is_left(served)
    check_what_is_left(ran)
