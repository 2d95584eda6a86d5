"""What only all repetitions of a run can say together: budgets of a percentile. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from harness.judging.results import Expectation, Result, verdict
from harness.judging.samples import percentile
from harness.scenario.values import Limit, Milestone, limits_of

_NEVER = float("inf")


def settled(results: Sequence[Result], budgets: Mapping[str, Mapping[Milestone, Limit]]) -> list[Result]:
    """The results, with each budget of a percentile judged over all repetitions of its run; ``budgets`` by the ids of the runs.

    Where the percentile is within the limit, no run misses it; where it is not, those do that took longer or never got there.
    """
    together: dict[str, list[Result]] = {}
    for result in results:
        if result.repetition:
            together.setdefault(result.id, []).append(result)
    found = {id: _settled(runs, budgets[id]) for id, runs in together.items() if budgets.get(id)}
    in_order = {(run.id, run.repetition): run for runs in found.values() for run in runs}
    return [in_order.get((result.id, result.repetition), result) for result in results]


def budgets(reached: Mapping[str, float | None], limits: Mapping[Milestone, Limit]) -> list[Expectation]:
    """What a single run says of the budgets: of a percentile its own value."""
    return [
        Expectation(0, t is not None and t <= limit, words, "never reached" if t is None else f"{t:.3f} s")
        for name, share, limit, words in _limits(limits)
        for t in [reached.get(name)]
    ]


def _settled(runs: Sequence[Result], limits: Mapping[Milestone, Limit]) -> list[Result]:
    over: dict[str, tuple[str, float, str]] = {}
    for name, share, limit, words in _limits(limits):
        if share is not None:
            at = percentile((_time(run, name) for run in runs), share)
            over[words] = (name, limit if at > limit else _NEVER, _over(at, share, len(runs)))
    return [_with(run, over) for run in runs]


def _with(run: Result, over: Mapping[str, tuple[str, float, str]]) -> Result:
    changed = []
    for one in run.expectations:
        if one.step == 0 and one.expected in over:
            name, most, seen = over[one.expected]
            t = _time(run, name)
            met = t <= most
            one = replace(one, met=met, actual=f"{'never reached' if t == _NEVER else f'{t:.3f} s'}; {seen}")
        changed.append(one)
    # What was an error stays one: a budget says nothing of a call that broke.
    found = verdict(changed, run.rules, error=run.verdict == "error", short=run.error is not None, bug=run.bug)
    return replace(run, expectations=tuple(changed), verdict=found)


def _time(run: Result, name: str) -> float:
    t = run.milestones.get(name)
    return _NEVER if t is None else t


def _over(at: float, share: float, runs: int) -> str:
    return f"p{share:g} of {runs} runs is {'never reached' if at == _NEVER else f'{at:.3f} s'}"


def _limits(limits: Mapping[Milestone, Limit]) -> list[tuple[str, float | None, float, str]]:
    """Milestone, percentile (None: of every run), seconds, and the budget in words."""
    return [
        (name, share, limit, f"{name} within {limit:g} s" + ("" if share is None else f" at p{share:g}"))
        for name, one in limits.items()
        for share, limit in limits_of(one)
    ]
