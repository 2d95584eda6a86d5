"""What ``results.json`` in a folder says of the runs that were made last."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from harness.errors import UsageError
from harness.judging.results import Result

FILE = "results.json"
T = TypeVar("T")


def rules_last_time(out: Path) -> list[Mapping[str, Any]] | None:
    """The rules of each run, with their outcomes; None where there is no such file. Raises UsageError where it is not what a run leaves."""
    return _each_run(
        out, lambda run: {"rules": [{name: rule[name] for name in ("id", "outcome")} for rule in run["rules"]]}
    )


def failed_last_time(out: Path, *, strict: bool = False) -> frozenset[str]:
    """The ids of the runs that were not conformant; with ``strict`` also of those with warnings. Raises UsageError likewise."""
    results = _each_run(out, Result.from_json) or []
    return frozenset(one.id for one in results if one.verdict != "conformant" or (strict and one.warned))


def _each_run(out: Path, of: Callable[[Mapping[str, Any]], T]) -> list[T] | None:
    path = out / FILE
    if not path.exists():
        return None
    try:
        return [of(run) for run in json.loads(path.read_text(encoding="utf-8"))["runs"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"not the results of a run ({type(error).__name__}: {error})",
            where=str(path),
            fix="harness run writes it; or name another folder with --out",
        ) from error
