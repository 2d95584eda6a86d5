"""The offline figures: conversation seconds per wall second and core, warm set-up, and a cold `harness run`."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from harness.scenario.loader import LoadedScenario, load

from harness.jobs import Job
from harness.runner import run_job

ROOT = Path(__file__).parents[2]
CONVERSATION = Path(__file__).with_name("conversation.yaml")
TEN_SECONDS = Path(__file__).with_name("ten-seconds.yaml")


@dataclass(frozen=True)
class Figure:
    """A median with its extremes."""

    median: float
    least: float
    most: float


def _figure(values: list[float]) -> Figure:
    return Figure(statistics.median(values), min(values), max(values))


def _run(path: Path, dialect: str = "azure-ga") -> tuple[float, float, LoadedScenario]:
    loaded = load(path)
    with tempfile.TemporaryDirectory() as out:
        began = time.process_time()
        result = run_job(Job(path, path.name, dialect, out=Path(out)), loaded)
        used = time.process_time() - began
    assert result.verdict == "conformant", result.to_json()
    return result.media_seconds, used, loaded


def conversation(runs: int = 5) -> Figure:
    """Seconds of conversation per CPU second of one core: both ends, every rule, traces and audio written."""
    _run(CONVERSATION)
    return _figure([media / used for media, used, _ in (_run(CONVERSATION) for _ in range(runs))])


def set_up(runs: int = 15) -> Figure:
    """Wall milliseconds from the token request to session.updated, warm, with real loopback sockets in virtual time."""
    loaded = load(TEN_SECONDS)
    return _figure([_set_up_once(loaded) * 1000 for _ in range(runs + 2)][2:])


def _set_up_once(loaded: LoadedScenario) -> float:
    from harness import clock
    from tests.bench.setup_call import seconds_to_updated

    return clock.run(seconds_to_updated, time="virtual")


def cold(runs: int = 5) -> Figure:
    """Wall seconds of `harness run` on one scenario of ten seconds, in a new process, to its verdict and reports."""
    return _figure([_cold_once() for _ in range(runs + 1)][1:])


def _cold_once() -> float:
    with tempfile.TemporaryDirectory() as out:
        command = [sys.executable, "-m", "harness.cli", "run", str(TEN_SECONDS), "--dialect", "azure-ga", "--out", out]
        began = time.perf_counter()
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - began
    assert done.returncode == 0, done.stdout + done.stderr
    return seconds
