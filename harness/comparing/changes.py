"""What changed between the runs of one scenario before and after: verdicts, rules, causes, steps, milestones, the order of events. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from harness.comparing.facts import Event, Run, Step
from harness.comparing.statistics import SIGNIFICANT, more_often
from harness.judging.results import Verdict
from harness.rules.base import MUST, Outcome, Severity, order

WORSE: tuple[Verdict, ...] = ("conformant", "inconclusive", "error", "nonconformant")
"""From the best to the worst."""
RuleKind = Literal[
    "newly failing", "failing more often", "failing less often", "newly passing", "now open", "now not exercised", "now exercised",
    "new rule", "rule gone",
]  # fmt: skip
Key = tuple[int, str]
_JUDGED = (Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE)


@dataclass(frozen=True, slots=True)
class VerdictChange:
    """How often each verdict was given before and after. ``worse``: the worst of them is worse now, or significantly more runs are bad."""

    before: dict[str, int]
    after: dict[str, int]
    worse: bool
    better: bool

    @property
    def changed(self) -> bool:
        """Whether the shares of the verdicts are not the same as before."""
        size, now = sum(self.before.values()), sum(self.after.values())
        return any(self.before.get(one, 0) * now != self.after.get(one, 0) * size for one in WORSE)

    def to_json(self) -> dict[str, Any]:
        """The ``verdict`` of a pair."""
        return {"before": self.before, "after": self.after, "worse": self.worse, "better": self.better}


@dataclass(frozen=True, slots=True)
class RuleChange:
    """A rule that ended otherwise than before. The pairs count the runs in which it failed, and those in which it judged."""

    id: str
    kind: RuleKind
    severity: Severity
    before: tuple[int, int]
    after: tuple[int, int]
    actual: str = ""

    @property
    def regression(self) -> bool:
        """Whether a MUST fails that did not, or significantly more often."""
        return self.severity == MUST and self.kind in ("newly failing", "failing more often")

    def to_json(self) -> dict[str, Any]:
        """An element of ``rules`` of a pair."""
        return {
            "id": self.id,
            "change": self.kind,
            "severity": self.severity,
            "before": {"failed": self.before[0], "judged": self.before[1]},
            "after": {"failed": self.after[0], "judged": self.after[1]},
            **({"actual": self.actual} if self.actual else {}),
            "regression": self.regression,
        }


@dataclass(frozen=True, slots=True)
class StepChange:
    """A step that was met before and missed in no run, and now is missed (``newly``), or the other way round; with the number of runs."""

    newly: bool
    step: Step
    runs: int

    @property
    def regression(self) -> bool:
        """Whether it is missed now, and that is the service's fault."""
        return self.newly and self.step.demanded

    def to_json(self) -> dict[str, Any]:
        """An element of ``steps`` of a pair."""
        return {
            "change": "newly missed" if self.newly else "no longer missed",
            "step": self.step.number,
            "expected": self.step.expected,
            "actual": self.step.actual,
            "runs": self.runs,
            "regression": self.regression,
        }


@dataclass(frozen=True, slots=True)
class CauseChange:
    """Diagnosis ids: the first of the most runs before and after (empty: none), those that are new and those that are gone."""

    first: tuple[str, str]
    new: tuple[str, ...]
    gone: tuple[str, ...]
    words: str = ""

    @property
    def changed(self) -> bool:
        """Whether anything is otherwise."""
        return self.first[0] != self.first[1] or bool(self.new or self.gone)

    def to_json(self) -> dict[str, Any]:
        """The ``causes`` of a pair."""
        return {
            "first": {"before": self.first[0] or None, "after": self.first[1] or None},
            "new": list(self.new),
            "gone": list(self.gone),
        }


@dataclass(frozen=True, slots=True)
class OrderChange:
    """Where the order of events first differs from the nearest order before. ``at`` counts from 0 in that order.

    ``context`` are the two events before; ``before`` and ``after`` what comes next there and here ("the end" where nothing does);
    ``only_before`` and ``only_after`` the events that one has more often. ``orders``: how many different orders the runs before had;
    ``runs``: how many runs after have a new one. ``traces`` are the files of the two, ``entries`` where they differ.
    """

    at: int
    context: tuple[str, ...]
    before: str
    after: str
    entries: tuple[int | None, int | None]
    only_before: tuple[str, ...]
    only_after: tuple[str, ...]
    orders: int
    runs: int
    traces: tuple[Path | None, Path | None] = (None, None)

    def to_json(self) -> dict[str, Any]:
        """The ``order`` of a pair."""
        return {
            "same": False,
            "at": self.at,
            "behind": list(self.context),
            "before": self.before,
            "after": self.after,
            "entries": list(self.entries),
            "only_before": list(self.only_before),
            "only_after": list(self.only_after),
            "orders_before": self.orders,
            "runs": self.runs,
        }


def verdicts(before: Sequence[Run], after: Sequence[Run]) -> VerdictChange:
    """How the verdicts changed. Behind an error nothing was proven: runs that end so now are worse than conformant ones, never better."""
    first, then = Counter(run.verdict for run in before), Counter(run.verdict for run in after)
    worst, now = (max(map(WORSE.index, one)) for one in (first, then))
    bad = [
        (sum(count for verdict, count in one.items() if verdict != "conformant"), sum(one.values()))
        for one in (first, then)
    ]
    worse = now > worst or more_often(bad[0], bad[1]) < SIGNIFICANT
    better = not worse and WORSE[now] != "error" and (now < worst or more_often(bad[1], bad[0]) < SIGNIFICANT)
    return VerdictChange(_counted(first), _counted(then), worse, better)


def _counted(verdicts: Counter[Verdict]) -> dict[str, int]:
    return {one: verdicts[one] for one in WORSE if verdicts[one]}


def rules(before: Sequence[Run], after: Sequence[Run]) -> tuple[RuleChange, ...]:
    """The rules that ended otherwise, in the order of the catalogue; those that a dialect does not have left out."""
    ids = {id for run in (*before, *after) for id in run.rules}
    return tuple(change for id in sorted(ids, key=_place) if (change := _rule(id, before, after)) is not None)


def _place(id: str) -> tuple[int, int, str]:
    try:
        return (*order(id), "")
    except (KeyError, ValueError):  # of another release
        return 10**6, 0, id


def _rule(id: str, before: Sequence[Run], after: Sequence[Run]) -> RuleChange | None:
    first, then = ([run.rules[id] for run in runs if id in run.rules] for runs in (before, after))
    was, now = ([outcome for outcome, _ in rows] for rows in (first, then))
    severity = (then or first)[0][1]
    counts = [(one.count(Outcome.FAIL), sum(outcome in _JUDGED for outcome in one)) for one in (was, now)]
    shown = next(
        (run.shown[id] for run in after if run.rules.get(id, (None,))[0] is Outcome.FAIL and id in run.shown), ""
    )

    def change(kind: RuleKind) -> RuleChange:
        return RuleChange(id, kind, severity, counts[0], counts[1], shown)

    if not first or not then:
        return (
            change("rule gone" if first else "new rule")
            if any(outcome in _JUDGED for outcome in (*was, *now))
            else None
        )
    if Outcome.NOT_APPLICABLE in (*was, *now):
        return None
    (failed, judged), (fails, judges) = counts
    if fails and not failed:
        return change("newly failing")
    if fails and failed:
        if more_often(counts[0], counts[1]) < SIGNIFICANT:
            return change("failing more often")
        return change("failing less often") if more_often(counts[1], counts[0]) < SIGNIFICANT else None
    if judged and not judges:
        return change("now not exercised")
    if Outcome.INCONCLUSIVE in now and Outcome.INCONCLUSIVE not in was:
        return change("now open")
    if failed:
        return change("newly passing" if Outcome.PASS in now else "now not exercised")
    return change("now exercised") if judges and not judged else None


def causes(before: Sequence[Run], after: Sequence[Run]) -> CauseChange:
    """How the diagnosed causes changed."""
    was, now = (tuple(dict.fromkeys(id for run in runs for id in run.causes)) for runs in (before, after))
    first, then = _first_cause(before), _first_cause(after)
    words = next((run.words[then] for run in after if then in run.words), "")
    new, gone = tuple(one for one in now if one not in was), tuple(one for one in was if one not in now)
    return CauseChange((first, then), new, gone, words)


def _first_cause(runs: Sequence[Run]) -> str:
    """The first cause of the most runs; of those that are not conformant, where there are any."""
    counted = Counter(run.causes[0] for run in runs if run.causes)
    return counted.most_common(1)[0][0] if counted else ""


def steps(before: Sequence[Run], after: Sequence[Run]) -> Iterator[StepChange]:
    """The steps that are newly missed, then those that no longer are. A step that was not reached, or not there, is neither."""
    numbered = len({tuple(one.number for one in run.steps if one.number) for run in (*before, *after)}) == 1
    was, now = ([dict(_keyed(run, numbered)) for run in runs] for runs in (before, after))
    for newly, one, other in ((True, was, now), (False, now, was)):
        found: dict[Key, list[Step]] = {}
        for run in other:
            for key, step in run.items():
                if step.reached and not step.met:
                    found.setdefault(key, []).append(step)
        for key, missed in found.items():
            known = [run[key] for run in one if key in run and run[key].reached]
            if known and all(step.met for step in known):
                yield StepChange(newly, missed[0], len(missed))


def _keyed(run: Run, numbered: bool) -> Iterator[tuple[Key, Step]]:
    """The steps by their numbers where all runs have the same ones: the words of a step name what was saved in that run, and in its dialect.

    Else by their words, and how many before them have the same.
    """
    seen: Counter[str] = Counter()
    for step in run.steps:
        yield (step.number, "") if numbered and step.number else (seen[step.expected], step.expected), step
        seen[step.expected] += 1


def milestones(before: Sequence[Run], after: Sequence[Run]) -> dict[str, tuple[int, int]]:
    """The milestones that were reached in a smaller or larger share of the runs: in how many of them before and after."""
    names = dict.fromkeys(name for run in (*before, *after) for name in run.milestones)
    counts = {name: (_reached(name, before), _reached(name, after)) for name in names}
    return {name: (was, now) for name, (was, now) in counts.items() if was * len(after) != now * len(before)}


def _reached(name: str, runs: Sequence[Run]) -> int:
    return sum(run.milestones.get(name) is not None for run in runs)


def orders(before: Sequence[Run], after: Sequence[Run]) -> OrderChange | None:
    """The first order after that no run had before, against the one before that it goes along with for longest. None: there is no such.

    Runs without a trace are left out; where that leaves none on a side, see :func:`without_order`.
    """
    known = {_names(run.order): run for run in before if run.order is not None}
    new = [run for run in after if run.order is not None and _names(run.order) not in known]
    if not known or not new:
        return None
    first = new[0].order or ()
    near = max(known.values(), key=lambda run: (_common(run.order or (), first), _names(run.order or ())))
    nearest = near.order or ()
    at = _common(nearest, first)
    had, has = Counter(_names(nearest)), Counter(_names(first))
    return OrderChange(
        at,
        _names(first)[max(at - 2, 0) : at],
        _name_at(nearest, at),
        _name_at(first, at),
        (_entry_at(nearest, at), _entry_at(first, at)),
        tuple((had - has).elements()),
        tuple((has - had).elements()),
        len(known),
        len(new),
        (near.trace, new[0].trace),
    )


def without_order(runs: Sequence[Run]) -> int:
    """How many of the runs have no trace, so that nothing can be said of their order."""
    return sum(run.order is None for run in runs)


def _names(order: Sequence[Event]) -> tuple[str, ...]:
    return tuple(one.name for one in order)


def _common(one: Sequence[Event], other: Sequence[Event]) -> int:
    pairs = zip(_names(one), _names(other), strict=False)
    return next((number for number, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def _name_at(order: Sequence[Event], at: int) -> str:
    return order[at].name if at < len(order) else "the end"


def _entry_at(order: Sequence[Event], at: int) -> int | None:
    return order[at].entry if at < len(order) else None
