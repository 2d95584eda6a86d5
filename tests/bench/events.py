"""What it costs to hold an event against its schema: our validator, and the vendor's SDK in a process that has imported it."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.protocol.dialects import DIALECTS
from harness.protocol.events import problems
from harness.running.jobs import Job
from harness.running.runner import run_job
from harness.scenario.loader import load
from harness.trace import read_trace
from tests.bench.offline import CONVERSATION, Figure

DIALECT = "azure-ga"
TIMES = 20


def conversation() -> list[dict[str, Any]]:
    """The service's events of a conversation of five turns, in the mix in which they come."""
    with tempfile.TemporaryDirectory() as out:
        run_job(Job(CONVERSATION, CONVERSATION.name, DIALECT, out=Path(out)), load(CONVERSATION))
        (path,) = Path(out).rglob("*.ndjson")
        return [dict(entry.event) for entry in read_trace(path).events("service")]


def ours(events: list[dict[str, Any]], runs: int) -> tuple[Figure, Figure]:
    """(Wall, CPU) microseconds an event."""
    row = DIALECTS[DIALECT]
    return _measured(events, lambda event: problems(row, "service", event), runs)


def theirs(events: list[dict[str, Any]], runs: int) -> tuple[Figure, Figure]:
    """(Wall, CPU) microseconds an event, by the pydantic models of the SDK. Raises ImportError where it is not installed."""
    from openai.types.realtime import RealtimeServerEvent
    from pydantic import TypeAdapter

    return _measured(events, TypeAdapter(RealtimeServerEvent).validate_python, runs)


def _measured(events: list[dict[str, Any]], check: Callable[[Any], Any], runs: int) -> tuple[Figure, Figure]:
    found = [_once(events, check) for _ in range(runs + 1)][1:]
    return Figure.of(wall for wall, _ in found), Figure.of(cpu for _, cpu in found)


def _once(events: list[dict[str, Any]], check: Callable[[Any], Any]) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(TIMES):
        for event in events:
            check(event)
    each = 1e6 / TIMES / len(events)
    return (time.perf_counter() - wall) * each, (time.process_time() - cpu) * each
