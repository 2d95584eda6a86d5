"""What to do next: the findings that matter most, each with its fix, its source and the command that repeats it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from harness.diagnosis.base import CAUSES
from harness.judging.results import Result
from harness.report.causes import GENERAL, Broken, what_broke
from harness.report.sources import linked
from harness.report.text import GLYPHS, runs_in_words
from harness.rules.base import REGISTRY

SHOWN = 3


@dataclass(frozen=True)
class NextStep:
    """A finding: its cause and fix, the runs that it shows in, the rule and the address of its source, and a scenario
    that shows it, empty where it was no scenario that showed it.
    """

    mark: str
    cause: str
    fix: str
    runs: int
    rule: str
    source: str
    scenario: str


def next_steps(results: Sequence[Result]) -> tuple[NextStep, ...]:
    """The findings that matter most: a broken MUST first, then calls that broke, then missed steps, then what stays open; the frequent first."""
    groups = sorted(what_broke(results), key=_weight)[:SHOWN]
    return tuple(
        NextStep(
            GLYPHS[one.verdict],
            one.cause,
            one.fix,
            len(one.runs),
            next(iter(one.rules), ""),
            _source(one),
            _repeatable(one.runs[0].scenario),
        )
        for one in groups
    )


def next_lines(results: Sequence[Result], command: str) -> Iterator[str]:
    """The findings for a terminal. ``command`` is what was run, without its choice of scenarios."""
    found = next_steps(results)
    if not found:
        return
    yield ""
    yield "What to do next:"
    for number, one in enumerate(found, start=1):
        yield f"{one.mark} {number}. {one.cause} ({runs_in_words(one.runs)})"
        if one.fix:
            yield f"     fix     {one.fix}"
        if one.rule or one.source:
            yield f"     source  {' '.join(filter(None, (one.rule, one.source)))}"
        if one.scenario:
            yield f"     repeat  {command} -k {one.scenario}"


def _repeatable(scenario: str) -> str:
    """The name of a scenario's file; empty for a recording or a call of somebody else, which nobody can make again."""
    path = PurePosixPath(scenario)
    return path.stem if path.suffix in (".yaml", ".yml") else ""


def _weight(group: Broken) -> tuple[int, bool, int]:
    order = {"nonconformant": 2, "error": 1, "inconclusive": 3}
    broken = group.verdict == "nonconformant" and group.rules
    return 0 if broken else order[group.verdict], group.id == GENERAL, -len(group.runs)


def _source(group: Broken) -> str:
    """The address of what demands it: of the rule's source, else of the diagnosis's."""
    rules = [REGISTRY[rule].source for rule in group.rules if rule in REGISTRY]
    causes = [CAUSES[group.id].source] if group.id in CAUSES else []
    return next((url for source in (*rules, *causes) for _, url in linked(source) if url), "")
