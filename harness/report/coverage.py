"""What the reference suite exercises of the catalogue: for every rule how often it judged, passed and failed, or why it never did."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.rules.base import MUST, Outcome, Severity, order
from harness.rules.catalogue import all_rules, unobservable_rules

# Rules that no scenario can exercise offline, each with the reason. Their examples test them, and faults do: harness selftest.
BEYOND_THE_SUITE: Mapping[str, str] = {
    "HTTP-07": "the caller asks for no lifetime of its key; a client under test may",
    "HTTP-23": "the fake answers 429 only when a fault tells it to",
    "ANS-15": "the fake listens on loopback, where no firewall has to let anything out",
}


@dataclass(frozen=True, slots=True)
class RuleCoverage:
    """One rule over a whole suite. The numbers count runs; ``reason`` says why nothing was judged, empty where something was.

    ``hidden`` are the runs in which ``webrtcfilter=on`` kept the rule from seeing anything.
    """

    id: str
    title: str
    severity: Severity
    passed: int = 0
    failed: int = 0
    inconclusive: int = 0
    hidden: int = 0
    reason: str = ""

    @property
    def exercised(self) -> int:
        """Runs in which there was something to judge."""
        return self.passed + self.failed + self.inconclusive

    @property
    def unexplained(self) -> bool:
        """Nothing was judged, and nobody says why."""
        return not self.exercised and not self.reason

    def to_json(self) -> dict[str, Any]:
        """An element of ``rules`` in ``harness rules --coverage --json``."""
        return {
            "id": self.id,
            "title": self.title,
            "severity": self.severity,
            "exercised": self.exercised,
            "passed": self.passed,
            "failed": self.failed,
            "inconclusive": self.inconclusive,
            "not_observable": self.hidden,
            "reason": self.reason,
        }


def coverage(runs: Iterable[Mapping[str, Any]]) -> tuple[RuleCoverage, ...]:
    """One row for every rule and for every line of the catalogue that no check stands for, in the order of the catalogue.

    ``runs`` are elements of ``runs`` in results.json; what they say of rules that are no more is left out.
    """
    counts: dict[str, Counter[str]] = {}
    for run in runs:
        for one in run["rules"]:
            counts.setdefault(one["id"], Counter())[one["outcome"]] += 1
    rows = [
        RuleCoverage(
            rule.id,
            rule.title,
            rule.severity,
            passed=seen[Outcome.PASS],
            failed=seen[Outcome.FAIL],
            inconclusive=seen[Outcome.INCONCLUSIVE],
            hidden=seen[Outcome.NOT_OBSERVABLE],
            reason="" if _judged(seen) else BEYOND_THE_SUITE.get(rule.id, ""),
        )
        for rule in all_rules()
        for seen in (counts.get(rule.id, Counter()),)
    ]
    rows += [RuleCoverage(one.id, one.title, one.severity, reason=one.reason) for one in unobservable_rules()]
    return tuple(sorted(rows, key=lambda row: order(row.id)))


def coverage_json(rows: Sequence[RuleCoverage], runs: int) -> dict[str, Any]:
    """The table for scripts; ``runs`` is the number of runs it was made from."""
    return {"runs": runs, "summary": _summary(rows), "rules": [row.to_json() for row in rows]}


def coverage_text(rows: Sequence[RuleCoverage], runs: int) -> Iterator[str]:
    """The table for a person, with a last line that sums it up."""
    yield f"{'rule':<9} {'severity':<8} {'runs':>5} {'passed':>7} {'failed':>7}  what it demands, or why nothing was judged"
    for row in rows:
        said = row.title if row.exercised else f"{row.title}: {row.reason or 'NOT EXERCISED, and no reason is given'}"
        yield f"{row.id:<9} {row.severity:<8} {row.exercised:>5} {row.passed:>7} {row.failed:>7}  {said}"
    total = _summary(rows)
    yield ""
    yield (
        f"{total['rules']} rows over {runs} runs: {total['exercised']} exercised, {total['explained']} not, with the reason, "
        f"{total['unexplained']} not, without one ({total['unexplained_must']} of them must)"
    )


def _judged(seen: Counter[str]) -> bool:
    return bool(seen[Outcome.PASS] or seen[Outcome.FAIL] or seen[Outcome.INCONCLUSIVE])


def _summary(rows: Sequence[RuleCoverage]) -> dict[str, int]:
    unexplained = [row for row in rows if row.unexplained]
    return {
        "rules": len(rows),
        "exercised": sum(1 for row in rows if row.exercised),
        "explained": sum(1 for row in rows if not row.exercised and row.reason),
        "unexplained": len(unexplained),
        "unexplained_must": sum(1 for row in unexplained if row.severity == MUST),
    }
