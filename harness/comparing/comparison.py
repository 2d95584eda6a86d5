"""Two samples of runs, paired by scenario and dialect, and everything that changed between them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.comparing import changes
from harness.comparing.changes import CauseChange, OrderChange, RuleChange, StepChange, VerdictChange
from harness.comparing.facts import Run
from harness.comparing.statistics import FEWEST, Budget, LatencyChange, latency_change
from harness.rules.latency import OF_THE_CALLER, SET_UP

SCHEMA = 1


@dataclass(frozen=True)
class Sample:
    """One side of a comparison: what it is called, its runs, and what could not be read, each with the reason."""

    name: str
    runs: tuple[Run, ...]
    unread: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The ``before`` or ``after`` of the document."""
        return {
            "name": self.name,
            "runs": len(self.runs),
            "dialects": self.values("dialect"),
            "targets": self.values("target"),
            "clocks": self.values("time"),
            "harness": self.values("harness"),
            "unread": list(self.unread),
        }

    def values(self, name: str) -> list[str]:
        """What the runs have under a name (``dialect``, ``target``, ...), each once."""
        return sorted({str(getattr(run, name)) for run in self.runs} - {""})


@dataclass(frozen=True)
class Pair:
    """The runs of one scenario on both sides, in one dialect, or in one on each side where they have none in common."""

    scenario: str
    dialects: tuple[str, str]
    observer: str
    before: tuple[Run, ...]
    after: tuple[Run, ...]
    verdict: VerdictChange
    rules: tuple[RuleChange, ...]
    causes: CauseChange
    steps: tuple[StepChange, ...]
    milestones: Mapping[str, tuple[int, int]]
    order: OrderChange | None
    latencies: tuple[LatencyChange, ...]
    without_order: tuple[int, int] = (0, 0)

    @property
    def id(self) -> str:
        """``scenarios/turns/greeting.yaml::azure-ga``; with an arrow where the dialects differ."""
        return f"{self.scenario}::{' → '.join(dict.fromkeys(self.dialects))}"

    @property
    def comparable(self) -> bool:
        """Whether there is something to compare with: behind calls that all broke down nothing was proven."""
        return any(run.verdict != "error" for run in self.before)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why this is a regression; none where it is none."""
        return tuple(self._reasons()) if self.comparable else ()

    @property
    def changed(self) -> bool:
        """Whether anything is worth a line: latencies only where the difference is beyond doubt, no rule that merely judges more."""
        return bool(
            self.reasons
            or self.verdict.changed
            or any(one.kind != "now exercised" for one in self.rules)
            or self.causes.changed
            or self.steps
            or self.milestones
            or self.order
            or any(one.direction in ("slower", "faster") for one in self.latencies)
        )

    def _reasons(self) -> Iterator[str]:
        if self.verdict.worse:
            yield "the verdict got worse"
        yield from (f"{one.id} (must) {_FAILS[one.kind]}" for one in self.rules if one.regression)
        yield from (
            f"step {one.step.number} is newly missed" if one.step.number else "an assertion is newly missed"
            for one in self.steps
            if one.regression
        )
        yield from (f"{one.name} is beyond the budget" for one in self.latencies if one.beyond)

    def to_json(self) -> dict[str, Any]:
        """An element of ``pairs`` of the document."""
        return {
            "scenario": self.scenario,
            "dialects": {"before": self.dialects[0], "after": self.dialects[1]},
            "observer": self.observer,
            "runs": {"before": len(self.before), "after": len(self.after)},
            "comparable": self.comparable,
            "changed": self.changed,
            "regressions": list(self.reasons),
            "verdict": self.verdict.to_json(),
            "rules": [one.to_json() for one in self.rules],
            "causes": self.causes.to_json(),
            "steps": [one.to_json() for one in self.steps],
            "milestones": {name: {"before": was, "after": now} for name, (was, now) in self.milestones.items()},
            "order": self.order.to_json() if self.order else self._no_order(),
            "latencies": [one.to_json() for one in self.latencies],
        }

    def _no_order(self) -> dict[str, Any]:
        seen = self.without_order[0] < len(self.before) and self.without_order[1] < len(self.after)
        missing = {"before": self.without_order[0], "after": self.without_order[1]}
        return {"same": True if seen else None, **({"without_trace": missing} if any(self.without_order) else {})}


_FAILS: Mapping[str, str] = {"newly failing": "newly fails", "failing more often": "fails more often"}


@dataclass(frozen=True)
class Comparison:
    """Everything that changed. ``overall``: the latencies of the set-up over all pairs of the dialects, by the dialects.

    ``only_before`` and ``only_after``: runs (by id) that the other side does not have, each with their number.
    """

    before: Sample
    after: Sample
    pairs: tuple[Pair, ...]
    only_before: Mapping[str, int]
    only_after: Mapping[str, int]
    overall: Mapping[tuple[str, str], tuple[LatencyChange, ...]]
    budget: Budget | None = None

    @property
    def regressions(self) -> tuple[Pair, ...]:
        """The pairs that are a regression."""
        return tuple(pair for pair in self.pairs if pair.reasons)

    @property
    def beyond(self) -> tuple[tuple[tuple[str, str], LatencyChange], ...]:
        """The latencies of all pairs together that are beyond the budget, each with its dialects."""
        return tuple((dialects, one) for dialects, rows in self.overall.items() for one in rows if one.beyond)

    @property
    def comparable(self) -> bool:
        """Whether anything could be compared."""
        return any(pair.comparable for pair in self.pairs)

    @property
    def exit_code(self) -> int:
        """1: a regression; 3: nothing could be compared; else 0."""
        if self.regressions or self.beyond:
            return 1
        return 0 if self.comparable else 3

    @property
    def across(self) -> tuple[tuple[str, str], ...]:
        """The dialects that were compared with another, each two once."""
        return tuple(dict.fromkeys(pair.dialects for pair in self.pairs if pair.dialects[0] != pair.dialects[1]))

    def notes(self) -> Iterator[str]:
        """What a reader should know before the changes: what differs between the sides that is not the service's doing."""
        for name, what in (("target", "target"), ("time", "clock"), ("harness", "release of the harness")):
            first, then = self.before.values(name), self.after.values(name)
            if first != then:
                yield f"not the same {what}: {', '.join(first) or 'unknown'} before, {', '.join(then) or 'unknown'} after"
        for was, now in self.across:
            yield f"dialects compared with each other, since they have none in common: {was} before, {now} after"
        for side in (self.before, self.after):
            yield from (f"not read: {reason}" for reason in side.unread)

    def to_json(self) -> dict[str, Any]:
        """``harness compare --json``."""
        return {
            "schema": SCHEMA,
            "before": self.before.to_json(),
            "after": self.after.to_json(),
            "budget": self.budget.text if self.budget else None,
            "fewest": FEWEST,
            "exit_code": self.exit_code,
            "notes": list(self.notes()),
            "regressions": len(self.regressions) + len(self.beyond),
            "only_before": dict(self.only_before),
            "only_after": dict(self.only_after),
            "overall": [
                {"dialects": {"before": was, "after": now}, "latencies": [one.to_json() for one in rows]}
                for (was, now), rows in self.overall.items()
            ],
            "pairs": [pair.to_json() for pair in self.pairs],
        }


Key = tuple[str, str, str]
Groups = dict[Key, list[Run]]


def compare(before: Sample, after: Sample, *, budget: Budget | None = None) -> Comparison:
    """Pair the runs of both samples and say what changed. ``budget`` is what a latency may grow by."""
    was, now = _groups(before.runs), _groups(after.runs)
    matched = [(key, key) for key in was if key in now]
    matched += _across(was, now, matched)
    pairs = tuple(_pair(was[one], now[other], budget) for one, other in matched)
    left = [key for key in was if key not in {one for one, _ in matched}]
    right = [key for key in now if key not in {other for _, other in matched}]
    return Comparison(
        before,
        after,
        tuple(sorted(pairs, key=lambda pair: pair.id)),
        {f"{key[0]}::{key[1]}": len(was[key]) for key in left},
        {f"{key[0]}::{key[1]}": len(now[key]) for key in right},
        _overall(pairs, budget),
        budget,
    )


def _groups(runs: Sequence[Run]) -> Groups:
    found: Groups = {}
    for run in runs:
        found.setdefault((run.scenario, run.dialect, run.observer), []).append(run)
    return found


def _across(was: Groups, now: Groups, matched: Sequence[tuple[Key, Key]]) -> Iterator[tuple[Key, Key]]:
    """Scenarios that have one dialect on each side, and not the same; and two samples of one scenario each, whatever it is called."""
    taken = {(scenario, observer) for (scenario, _, observer), _ in matched}
    for scenario, observer in dict.fromkeys((key[0], key[2]) for key in was):
        one, other = ([key for key in side if (key[0], key[2]) == (scenario, observer)] for side in (was, now))
        if (scenario, observer) not in taken and len(one) == len(other) == 1:
            taken.add((scenario, observer))
            yield one[0], other[0]
    if not taken and len(was) == len(now) == 1:
        yield next(iter(was)), next(iter(now))


def _pair(before: Sequence[Run], after: Sequence[Run], budget: Budget | None) -> Pair:
    first, then = before[0], after[0]
    return Pair(
        first.scenario,
        (first.dialect, then.dialect),
        first.observer,
        tuple(before),
        tuple(after),
        changes.verdicts(before, after),
        changes.rules(before, after),
        changes.causes(before, after),
        tuple(changes.steps(before, after)),
        changes.milestones(before, after),
        changes.orders(before, after),
        _latencies([[run] for run in before], [[run] for run in after], budget),
        (changes.without_order(before), changes.without_order(after)),
    )


def _latencies(
    before: Sequence[Sequence[Run]], after: Sequence[Sequence[Run]], budget: Budget | None, names: Sequence[str] = ()
) -> tuple[LatencyChange, ...]:
    """The distributions of every latency, by name, or only of ``names``. Runs that have their chances in common stand together."""
    found = dict.fromkeys(name for runs in (*before, *after) for run in runs for name in run.latencies)
    return tuple(
        latency_change(
            name,
            *([[t for run in runs for t in run.latencies.get(name, ())] for runs in side] for side in (before, after)),
            budget=budget,
            service=name not in OF_THE_CALLER,
        )
        for name in found
        if not names or name in names
    )


def _overall(pairs: Sequence[Pair], budget: Budget | None) -> dict[tuple[str, str], tuple[LatencyChange, ...]]:
    """The set-up over all scenarios, where a scenario has too few runs of its own; the same number of runs of each on both sides."""
    found: dict[tuple[str, str], tuple[LatencyChange, ...]] = {}
    for dialects in dict.fromkeys(pair.dialects for pair in pairs):
        own = [pair for pair in pairs if pair.dialects == dialects]
        if len(own) < 2:
            continue
        fewer = [min(len(pair.before), len(pair.after)) for pair in own]
        was = _with_chances([pair.before[:number] for pair, number in zip(own, fewer, strict=True)])
        now = _with_chances([pair.after[:number] for pair, number in zip(own, fewer, strict=True)])
        rows = _latencies(was, now, budget, SET_UP)
        if rows:
            found[dialects] = rows
    return found


def _with_chances(scenarios: Sequence[Sequence[Run]]) -> list[list[Run]]:
    """The runs of several scenarios by what they owe to chance: each its own, but in virtual time the first of all scenarios have one seed."""
    found: dict[tuple[int, ...], list[Run]] = {}
    for scenario, runs in enumerate(scenarios):
        for number, run in enumerate(runs):
            found.setdefault((number,) if run.time == "virtual" else (number, scenario), []).append(run)
    return list(found.values())
