"""What is given to compare, read: results.json, traces, folders of them. Traces are read one after the other and not kept."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path

from harness import __version__
from harness.comparing.comparison import Sample
from harness.comparing.facts import Run, facts
from harness.errors import TraceError, UsageError
from harness.formats import read_records
from harness.judging.recording import judged
from harness.judging.results import EXIT_CODES, Result
from harness.trace import Trace, read_trace

RESULTS = "results.json"
TRACE = ".ndjson"


def read_sample(path: Path) -> Sample:
    """The runs of a results.json, a trace, or a folder in which those are at any depth.

    A folder with a results.json is what one run left: its traces belong to it. Traces elsewhere are judged by today's rules.
    Raises UsageError where nothing is found, and for a file that is neither; of a folder, what cannot be read is listed.
    """
    if not path.exists():
        raise UsageError(
            "no such file or folder", where=str(path), fix="give results.json, a trace or a folder of them"
        )
    if not path.is_dir():
        return Sample(str(path), tuple(_of_file(path)))
    runs: list[Run] = []
    unread: list[str] = []
    for file in _files(path):
        try:
            runs += _of_file(file)
        except (UsageError, TraceError) as error:
            unread.append(f"{error.where or file}: {error.what}")
    if not runs:
        seen = "".join(f"\n  {reason}" for reason in unread[:5])
        raise UsageError(
            f"no results.json and no trace in it{seen}", where=str(path), fix="harness run --out makes one"
        )
    return Sample(str(path), tuple(runs), tuple(unread))


def _files(folder: Path) -> Iterator[Path]:
    """The results and traces below a folder, in the order of their names."""
    if (folder / RESULTS).is_file():
        yield folder / RESULTS
        return
    for entry in sorted(folder.iterdir()):
        if entry.is_dir() and not entry.is_symlink():
            yield from _files(entry)
        elif entry.suffix == TRACE and entry.is_file():
            yield entry


def _of_file(path: Path) -> Iterator[Run]:
    if path.suffix != Path(RESULTS).suffix or _is_record(path):
        yield from _of_recordings(path)
        return
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        release = str(document.get("harness", ""))
        yield from [_of_result(_checked(Result.from_json(run)), path.parent, release) for run in document["runs"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError(
            f"not the results of a run ({type(error).__name__}: {error})",
            where=str(path),
            fix="give results.json as harness run writes it, a trace or another record of a call, or a folder of them",
        ) from error


def _is_record(path: Path) -> bool:
    """Whether a JSON file is the record of a call, not the results of a run."""
    try:
        read_records([path])
    except TraceError:
        return False
    return True


def _checked(result: Result) -> Result:
    """The result, with what a comparison computes with as it must be. Raises TypeError or ValueError where it is not."""
    texts = [
        *(result.scenario, result.title, result.dialect, result.target, result.observer, result.time),
        *(text for one in result.rules for text in (one.id, one.severity, *(seen.actual for seen in one.failures))),
        *(text for one in result.expectations for text in (one.expected, one.actual, one.severity)),
        *(text for one in result.diagnosis for text in (one.id, one.cause)),
        *(text for text in (result.trace, result.error) if text is not None),
        *result.milestones,
        *result.latencies,
    ]
    times = [
        *(t for t in result.milestones.values() if t is not None),
        *(t for values in result.latencies.values() for t in values),
        *(one.step for one in result.expectations),
        *(result.media_seconds, result.repetition),
    ]
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("a text is something else")
    if not all(isinstance(t, (int, float)) and math.isfinite(t) for t in times):
        raise TypeError("a time is not a number")
    if result.verdict not in EXIT_CODES:
        raise ValueError(f"unknown verdict {result.verdict!r}")
    return result


def _of_result(result: Result, folder: Path, release: str) -> Run:
    trace, file = _trace_of(result, folder)
    named = trace.header.scenario if trace is not None and result.scenario.endswith(TRACE) else ""
    return facts(result, trace, scenario=named or result.scenario, path=file, harness=release)


def _trace_of(result: Result, folder: Path) -> tuple[Trace | None, Path | None]:
    """The trace of a result, where it lies and is that of this run."""
    if result.trace is None:
        return None, None
    path = folder / result.trace
    try:
        trace = read_trace(path)
    except TraceError:
        return None, None
    same = trace.header.dialect == result.dialect and abs(trace.seconds - result.media_seconds) < 0.01
    return (trace, path) if same else (None, None)


def _of_recordings(path: Path) -> Iterator[Run]:
    """Traces, and what records of others show of a call."""
    for result in judged(read_records([path])):
        trace = result.recording
        assert trace is not None
        name = trace.header.scenario or path.name.removesuffix(TRACE)
        yield facts(result, trace, scenario=name, path=path, harness=__version__)
