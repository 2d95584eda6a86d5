"""Calls of the engine that are recorded, replayed and made into scenarios."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

import harness
from harness.judging.results import Result
from harness.rules.base import Outcome

SUITE = Path(__file__).parents[2] / "scenarios"


def recorded(scenario: str, dialect: str, out: Path, *, faults: tuple[str, ...] = ()) -> tuple[Result, Path]:
    """A run of the suite, and its trace."""
    (result,) = harness.run(SUITE / scenario, dialects=[dialect], faults=faults, out=out)
    return result, next((out / "traces").glob("*.ndjson"))


def replaying(scenario: str, recording: Path, dialect: str, path: Path, **more: Any) -> Path:
    """The same scenario with the recorded service in place of the engine."""
    document = yaml.safe_load((SUITE / scenario).read_text())
    document["fake"] = {"recording": {"file": str(recording), **more}}
    document["dialects"] = [dialect]
    path.write_text(yaml.safe_dump(document, sort_keys=False))
    return path


def findings(result: Result) -> tuple[Any, ...]:
    """What was found: verdict, failed rules, which steps were met, and the first cause."""
    failed = sorted(one.id for one in result.rules if one.outcome is Outcome.FAIL)
    steps = [(one.step, one.met) for one in result.expectations]
    return result.verdict, failed, steps, [one.id for one in result.diagnosis][:1]
