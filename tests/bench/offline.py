"""The offline figures: conversation seconds per CPU second, warm set-up, and a cold `harness run`.

CPU seconds are the process's own (user and system), so that other work on the machine counts as little as it can; wall seconds stand
beside them.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from harness.running import clock
from harness.running.jobs import Job
from harness.running.runner import run_job
from harness.scenario.loader import load
from tests.bench import setup_call
from tests.commands import HARNESS

ROOT = Path(__file__).parents[2]
CONVERSATION = Path(__file__).with_name("conversation.yaml")
TEN_SECONDS = Path(__file__).with_name("ten-seconds.yaml")
# The step whose time is a figure to reach: the whole of them.
MEASURED = next(iter(setup_call.STEPS))


@dataclass(frozen=True)
class Figure:
    """A median with its extremes."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Iterable[float]) -> Figure:
        """The figure of single measurements."""
        found = list(values)
        return cls(statistics.median(found), min(found), max(found))


@dataclass(frozen=True)
class Run:
    """One run of a scenario: its seconds of conversation, and what it took in CPU and wall seconds."""

    media: float
    cpu: float
    wall: float


def run(path: Path, dialect: str = "azure-ga") -> Run:
    """Run a scenario as `harness run` does: both ends, all rules, trace and audio written. It must be conformant."""
    loaded = load(path)
    with tempfile.TemporaryDirectory() as out:
        cpu, wall = time.process_time(), time.perf_counter()
        result = run_job(Job(path, path.name, dialect, out=Path(out)), loaded)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        written = [*Path(out).rglob("*.ogg"), *Path(out).rglob("*.ndjson")]
    assert result.verdict == "conformant", result.to_json()
    assert len(written) == 3, written
    return Run(result.media_seconds, cpu, wall)


def conversation(runs: int = 5) -> list[Run]:
    """A conversation of five turns, again and again, the first one not counted: it encodes the recordings."""
    return [run(CONVERSATION) for _ in range(runs + 1)][1:]


def set_up(calls: int = 15) -> dict[str, tuple[Figure, Figure]]:
    """(Wall, CPU) milliseconds of a call's set-up and its steps, warm, with real loopback sockets in virtual time."""
    walls, cpus = _set_ups(time.perf_counter, calls), _set_ups(time.process_time, calls)
    return {step: (Figure.of(one[step] for one in walls), Figure.of(one[step] for one in cpus)) for step in walls[0]}


def _set_ups(counter: Callable[[], float], calls: int) -> list[dict[str, float]]:
    found = [clock.run(lambda: setup_call.seconds(counter), time="virtual") for _ in range(calls + 2)]
    return [{step: value * 1000 for step, value in one.items()} for one in found[2:]]


def command(*arguments: str, runs: int = 5) -> tuple[Figure, Figure]:
    """(Wall, CPU) seconds of ``harness ARGUMENTS`` in a new process, with the system's file cache warm."""
    found = [_command(arguments) for _ in range(runs + 1)][1:]
    return Figure.of(wall for wall, _ in found), Figure.of(cpu for _, cpu in found)


def cold(runs: int = 5) -> tuple[Figure, Figure]:
    """(Wall, CPU) seconds of `harness run` on one scenario of ten seconds, to its verdict and reports."""
    with tempfile.TemporaryDirectory() as out:
        return command("run", str(TEN_SECONDS), "--dialect", "azure-ga", "--out", out, runs=runs)


def _command(arguments: tuple[str, ...]) -> tuple[float, float]:
    before, began = _children(), time.perf_counter()
    done = subprocess.run([*HARNESS, *arguments], capture_output=True, text=True, check=False, cwd=ROOT)
    wall = time.perf_counter() - began
    assert done.returncode == 0, done.stdout + done.stderr
    return wall, _children() - before


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
