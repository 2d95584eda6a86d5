"""The grades of a check: a row a capability, with what fails in one line each. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from harness.judging.grading import Capability, Grade, capability, standing
from harness.judging.results import Result
from harness.report.causes import failed_musts, what_broke
from harness.report.text import SHOWN_FAILURES, runs_in_words, title
from harness.rules.base import MUST, SHOULD, Severity

MARKS: Mapping[Grade, str] = {"conformant": "✓", "nonconformant": "✗", "inconclusive": "?", "not-exercised": "-"}
MEANINGS: Mapping[Grade, str] = {
    "conformant": "every scenario passed and no MUST rule failed",
    "nonconformant": "a MUST rule failed, or a step that a source demands was missed",
    "inconclusive": "nothing failed, and some scenarios could not be judged: the model did not play its part, or the call broke",
    "not-exercised": "no scenario could be tried",
}


@dataclass(frozen=True)
class GradeRow:
    """A capability with its grade, and a line for each thing that fails or is open."""

    capability: Capability
    fails: tuple[str, ...]


def grade_rows(capabilities: Sequence[Capability], results: Sequence[Result]) -> tuple[GradeRow, ...]:
    """The rows, in the order of the capabilities."""
    return tuple(GradeRow(one, tuple(_fails(one, results))) for one in capabilities)


def grade_lines(capabilities: Sequence[Capability], results: Sequence[Result]) -> Iterator[str]:
    """The table for a terminal; the first character of a line is its mark."""
    width = max((len(one.name) for one in capabilities), default=0)
    yield f"  {'':<{width}}  {'grade':<13}  passed  failed  open  not tried"
    for one in capabilities:
        passed, failed, unclear, untried = (one.counts[standing] for standing in MEANINGS)
        counts = f"{passed:>6}  {failed:>6}  {unclear:>4}  {untried:>9}"
        yield f"{MARKS[one.grade]} {one.name:<{width}}  {one.grade.replace('-', ' '):<13}  {counts}"
        yield from (f"  {'':<{width}}  {line}" for line in _fails(one, results))
    yield from (
        f"  {name.replace('-', ' ')}: {MEANINGS[name]}"
        for name in MEANINGS
        if any(one.grade == name for one in capabilities)
    )


def _fails(one: Capability, results: Sequence[Result]) -> Iterator[str]:
    """The MUST rules, each with its number of runs; the scenarios that missed a step without one; what is recommended, what is open."""
    own = [run for run in results if capability(run.scenario) == one.name]
    for rule in one.must.failed:
        yield f"{rule} {title(rule)} ({runs_in_words(sum(rule in failed_musts(run) for run in results))})"
    for severity, prefix in ((MUST, ""), (SHOULD, "SHOULD ")):
        lines = [f"{prefix}{line}" for run in own if not failed_musts(run) and (line := _missed(run, severity))]
        yield from lines[:SHOWN_FAILURES]
        if len(lines) > SHOWN_FAILURES:
            yield f"{prefix}and {len(lines) - SHOWN_FAILURES} more"
    for group in what_broke([run for run in own if standing(run) == "inconclusive"]):
        yield f"open: {group.cause} ({runs_in_words(len(group.runs))})"


def _missed(run: Result, severity: Severity) -> str:
    first = next(
        (one for one in run.expectations if not one.met and not one.lenient and one.severity == severity), None
    )
    name = PurePosixPath(run.scenario).stem
    return f"{name}: expected {first.expected}; seen {first.actual}" if first else ""
