"""``harness rules --coverage``: counted from the results.json of a run, or from a run of the whole suite against the fake."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.judging.results import Result
from harness.report.coverage import coverage, coverage_json, coverage_text
from harness.running.jobs import select
from harness.running.runner import run_many
from harness.scenario.files import reference_suite

Progress = Callable[[int], AbstractContextManager[Callable[[Result], None]]]
"""Shows how so many runs get on: its context gives the function that each result is handed to."""


def silent(total: int) -> AbstractContextManager[Callable[[Result], None]]:
    """Shows nothing."""
    return nullcontext(lambda result: None)


def coverage_page(out: Path, *, as_json: bool = False, progress: Progress = silent) -> str:
    """The table of ``harness rules --coverage``, as text or as JSON. Raises UsageError as :func:`suite_runs` does."""
    runs = suite_runs(out, progress=progress)
    rows = coverage(runs)
    if as_json:
        return json.dumps(coverage_json(rows, len(runs)), indent=2)
    return "\n".join(coverage_text(rows, len(runs)))


def suite_runs(out: Path, *, progress: Progress = silent) -> list[Mapping[str, Any]]:
    """The elements of ``runs`` in ``out``/results.json. Where there is no such file the suite runs first, and leaves nothing behind.

    Raises UsageError where the file is not what a run leaves.
    """
    path = out / "results.json"
    if not path.exists():
        jobs = select([reference_suite()], cwd=Path.cwd())
        with progress(len(jobs)) as advance:
            return [result.to_json() for result in run_many(jobs, workers=os.cpu_count() or 1, done=advance)]
    try:
        return _runs(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"not the results of a run ({type(error).__name__}: {error})",
            where=str(path),
            fix="harness run writes it; or name another folder with --out",
        ) from error


def _runs(document: Any) -> list[Mapping[str, Any]]:
    runs: Sequence[Mapping[str, Any]] = document["runs"]
    return [{"rules": [{"id": one["id"], "outcome": one["outcome"]} for one in run["rules"]]} for run in runs]
