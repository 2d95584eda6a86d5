"""``harness rules --coverage``: counted from the results.json of a run, or from a run of the whole suite against the fake."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from harness.judging.results import Result
from harness.report.coverage import coverage, coverage_json, coverage_text
from harness.running.jobs import select
from harness.running.last_time import rules_last_time
from harness.running.many import run_many
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
    runs = rules_last_time(out)
    if runs is not None:
        return runs
    jobs = select([reference_suite()], cwd=Path.cwd())
    with progress(len(jobs)) as advance:
        return [result.to_json() for result in run_many(jobs, workers=os.cpu_count() or 1, done=advance).in_order]
