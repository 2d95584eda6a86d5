"""What broke, once: the runs that are not conformant, grouped by the cause they share. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.diagnosis.base import CAUSES
from harness.judging.results import Result, Verdict
from harness.rules.base import MUST, REGISTRY, Outcome

GENERAL = "not-the-service-alone"
"""The cause that stands for many, each with its own words."""


@dataclass(frozen=True)
class Broken:
    """One cause and its runs, in their order. ``id`` is that of the diagnosis, else of the rules that failed, else empty."""

    verdict: Verdict
    id: str
    cause: str
    fix: str
    runs: tuple[Result, ...]

    @property
    def rules(self) -> tuple[str, ...]:
        """The MUST rules that failed or stayed open in these runs, the most frequent first."""
        hits = [rule for run in self.runs for rule in failed_musts(run)]
        return tuple(sorted(dict.fromkeys(hits), key=lambda rule: -hits.count(rule)))

    @property
    def dialects(self) -> tuple[str, ...]:
        """The dialects of these runs, each once."""
        return tuple(dict.fromkeys(run.dialect for run in self.runs))


def what_broke(results: Sequence[Result]) -> tuple[Broken, ...]:
    """The causes of everything that is not conformant, the one with most runs first."""
    shared: dict[tuple[Verdict, str, str], list[Result]] = {}
    for result in results:
        if result.verdict != "conformant":
            shared.setdefault((result.verdict, *_cause(result)), []).append(result)
    groups = (
        Broken(
            verdict,
            name,
            _words(runs) if runs[0].diagnosis else cause,
            runs[0].diagnosis[0].fix if runs[0].diagnosis else "",
            tuple(runs),
        )
        for (verdict, name, cause), runs in shared.items()
    )
    return tuple(sorted(groups, key=lambda group: -len(group.runs)))


def failed_musts(result: Result) -> list[str]:
    """The ids of the MUST rules that failed or stayed open."""
    return [
        rule.id
        for rule in result.rules
        if rule.severity == MUST and rule.outcome in (Outcome.FAIL, Outcome.INCONCLUSIVE)
    ]


def _words(runs: Sequence[Result]) -> str:
    """The words of the cause that these runs share: of one that is completed by what each run has seen, its beginning."""
    first = runs[0].diagnosis[0]
    differ = len({run.diagnosis[0].cause for run in runs}) > 1
    return f"{CAUSES[GENERAL].cause.rstrip(':')}." if first.id == GENERAL and differ else first.cause


def _cause(result: Result) -> tuple[str, str]:
    """Id and words by which runs are grouped: the diagnosis, where it is a general one its words; else rules, error or missed step."""
    if result.diagnosis and result.diagnosis[0].id == "rule-broken":
        return "rule-broken", ", ".join(failed_musts(result)[:1]) or result.diagnosis[0].cause
    if result.diagnosis:
        first = result.diagnosis[0]
        return first.id, first.cause if first.id in ("unexpected-error", "not-recognised") else ""
    if rules := failed_musts(result):
        return ", ".join(rules), "; ".join(REGISTRY[rule].title for rule in rules if rule in REGISTRY)
    if result.error:
        return "", result.error.partition("\n")[0]
    missed = next((one for one in result.expectations if not one.met), None)
    return "", f"missed: {missed.expected}" if missed else result.verdict
