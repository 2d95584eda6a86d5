"""Judges a recording on its own, without a scenario: rules, milestones, diagnosis; for ``harness judge`` and ``harness serve``."""

from __future__ import annotations

from pathlib import Path

from harness.results import Result
from harness.trace import Trace
from harness.verdict import judge


def result_of(trace: Trace, *, name: str, path: str | None = None, seconds: float = 0.0) -> Result:
    """The result of a trace. ``name`` stands where a scenario's path would; ``path`` is the trace's file, for links."""
    judgement = judge(trace)
    return Result(
        scenario=name,
        title=trace.header.scenario or f"A call seen by the {trace.header.observer}",
        dialect=trace.header.dialect,
        target=trace.header.target or "unknown",
        observer=trace.header.observer,
        time=trace.header.time,
        verdict=judgement.verdict,
        seconds=seconds,
        media_seconds=trace.seconds,
        milestones=judgement.milestones,
        expectations=judgement.expectations,
        rules=judgement.rules,
        diagnosis=judgement.diagnosis,
        trace=path,
        error=judgement.error,
        bug=judgement.bug,
        media=judgement.media,
        recording=trace,
    )


def judge_file(path: Path) -> Result:
    """Judge a trace file by today's rules. Raises TraceError where it cannot be read."""
    return result_of(Trace.read(path), name=path.as_posix(), path=path.resolve().as_posix())
