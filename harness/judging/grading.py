"""What a service can do, graded: the results of many runs by capability, with MUST and SHOULD apart. Pure.

A capability is the folder of a scenario. A rule of a family that belongs to one capability counts there, whichever run it failed in:
a service without a Location header fails in signaling, not in everything. All other rules count where their run does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any, Literal

from harness.judging.results import Result
from harness.rules.base import MUST, SHOULD, Outcome, RuleResult, Severity
from harness.rules.catalogue import families

Grade = Literal["conformant", "nonconformant", "inconclusive", "not-exercised"]
GRADES: tuple[Grade, ...] = ("nonconformant", "inconclusive", "conformant", "not-exercised")

ORDER = (
    "signaling", "browser", "session", "text", "voice turns", "responses", "interruption", "tools", "transcription", "errors", "filter",
    "audio", "limits", "network",
)  # fmt: skip
_CAPABILITIES: Mapping[str, str] = MappingProxyType({family.id: family.capability for family in families()})
_FOLDERS: Mapping[str, str] = MappingProxyType({"turns": "voice turns"})


@dataclass(frozen=True)
class NotExercised:
    """A scenario that the service could not be made to do, and why."""

    scenario: str
    dialect: str
    title: str
    reason: str


@dataclass(frozen=True)
class RuleTally:
    """The rules of one severity that were exercised: ids by their worst outcome over all runs."""

    passed: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    open: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Number of passes, ids of the others."""
        return {"passed": len(self.passed), "failed": list(self.failed), "open": list(self.open)}


@dataclass(frozen=True)
class Capability:
    """One line of the grade. ``counts``: scenarios (in one dialect each) by how they stand; ``grade`` looks at MUST alone."""

    name: str
    grade: Grade
    counts: Mapping[Grade, int]
    must: RuleTally
    should: RuleTally
    left_out: tuple[NotExercised, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """An element of ``capabilities`` in results.json."""
        return {
            "grade": self.grade,
            "scenarios": dict(self.counts),
            "must": self.must.to_json(),
            "should": self.should.to_json(),
            "not_exercised": [
                {"scenario": one.scenario, "dialect": one.dialect, "title": one.title, "reason": one.reason}
                for one in self.left_out
            ],
        }


def grade(results: Sequence[Result], left_out: Sequence[NotExercised] = ()) -> tuple[Capability, ...]:
    """One line for each capability that a scenario or a failed rule speaks of; none for traces that no scenario file made.

    A capability that no scenario could be run for is not exercised, never conformant, whatever rules passed beside it.
    """
    runs = [result for result in results if result.scenario.endswith((".yaml", ".yml"))]
    rules: dict[str, dict[tuple[Severity, str], set[Outcome]]] = {}
    for run in runs:
        for rule in run.rules:
            if rule.outcome in (Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE):
                seen = rules.setdefault(owner(rule, run), {})
                seen.setdefault((rule.severity, rule.id), set()).add(rule.outcome)
    named = dict.fromkeys(
        [*map(capability, (run.scenario for run in runs)), *(capability(one.scenario) for one in left_out)]
    )
    failing = [name for name, seen in rules.items() if _tally(seen, MUST).failed]
    names = sorted({*named, *failing}, key=lambda name: (ORDER.index(name) if name in ORDER else len(ORDER), name))
    return tuple(
        _line(
            name,
            _standings([run for run in runs if capability(run.scenario) == name]),
            rules.get(name, {}),
            tuple(one for one in left_out if capability(one.scenario) == name),
        )
        for name in names
    )


def capability(scenario: str) -> str:
    """The capability that a scenario file speaks of: its folder."""
    folder = PurePosixPath(scenario).parent.name
    return _FOLDERS.get(folder, folder) or "other"


def owner(rule: RuleResult, run: Result) -> str:
    """The capability in which a rule's outcome counts."""
    return _CAPABILITIES.get(rule.id.partition("-")[0]) or capability(run.scenario)


def _standings(runs: Sequence[Result]) -> list[Grade]:
    """How each scenario stands in each dialect; one that was run several times as badly as at its worst."""
    found: dict[str, list[Grade]] = {}
    for run in runs:
        found.setdefault(run.id, []).append(standing(run))
    return [min(several, key=GRADES.index) for several in found.values()]


def standing(run: Result) -> Grade:
    """How a run stands in its own capability: its expectations, and the MUST rules that count there."""
    if run.verdict == "error":
        return "inconclusive"
    own = [rule for rule in run.rules if rule.severity == MUST and owner(rule, run) == capability(run.scenario)]
    missed = [one for one in run.expectations if not one.met]
    if any(one.demanded for one in missed) or any(rule.outcome is Outcome.FAIL for rule in own):
        return "nonconformant"
    if any(one.lenient for one in missed) or any(rule.outcome is Outcome.INCONCLUSIVE for rule in own):
        return "inconclusive"
    return "conformant"


def _line(
    name: str,
    standings: Sequence[Grade],
    rules: Mapping[tuple[Severity, str], set[Outcome]],
    left_out: tuple[NotExercised, ...],
) -> Capability:
    must = _tally(rules, MUST)
    counts: dict[Grade, int] = {one: standings.count(one) for one in GRADES}
    counts["not-exercised"] = len(left_out)
    worst: Iterable[Grade] = ("nonconformant",) if must.failed else (one for one in GRADES if counts[one])
    return Capability(name, next(iter(worst), "not-exercised"), counts, must, _tally(rules, SHOULD), left_out)


def _tally(rules: Mapping[tuple[Severity, str], set[Outcome]], severity: Severity) -> RuleTally:
    found: dict[Outcome, list[str]] = {Outcome.PASS: [], Outcome.FAIL: [], Outcome.INCONCLUSIVE: []}
    for (one, rule_id), outcomes in rules.items():
        if one == severity:
            worst = next(
                outcome for outcome in (Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.PASS) if outcome in outcomes
            )
            found[worst].append(rule_id)
    return RuleTally(*(tuple(sorted(ids)) for ids in found.values()))
