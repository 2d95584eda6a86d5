"""What is going to be run and what the target cannot be made to do; and carrying it out. ``run``, ``check`` and programs go this way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from harness.judging.grading import NotExercised
from harness.judging.results import Result
from harness.running.jobs import Job, not_exercised
from harness.running.runner import run_many
from harness.scenario.loader import LoadedScenario

Chosen = Sequence[tuple[Job, LoadedScenario]]


@dataclass(frozen=True)
class Plan:
    """The runs to make, in this order, and what is left out, with the reason.

    ``probing``: the first run is made alone, and no other where it finds no service to talk to.
    """

    jobs: tuple[tuple[Job, LoadedScenario], ...]
    left_out: tuple[NotExercised, ...] = ()
    probing: bool = False

    @property
    def warnings(self) -> tuple[str, ...]:
        """What is not wrong with the scenarios and should be known, each once."""
        return tuple(dict.fromkeys(f"warning: {warning}" for _, loaded in self.jobs for warning in loaded.warnings))


@dataclass(frozen=True)
class Made:
    """What came of a plan: a result for each run that was made, what was left out, and the seconds that it took."""

    results: tuple[Result, ...]
    left_out: tuple[NotExercised, ...]
    seconds: float


def plan(chosen: Chosen, *, probing: bool = False) -> Plan:
    """The runs that the target can be made to do; with ``probing`` the plainest first."""
    unable = not_exercised(chosen)
    able = [(job, loaded) for job, loaded in chosen if job not in unable]
    left_out = [_left_out(job, loaded, unable[job]) for job, loaded in chosen if job in unable]
    return Plan(tuple(sorted(able, key=_plainness) if probing else able), tuple(left_out), probing)


def carry_out(what: Plan, *, workers: int = 1, done: Callable[[Result], None] = lambda _: None) -> Made:
    """Make all runs, ``workers`` side by side; ``done`` is called with each result as it is ready."""
    began = perf_counter()
    jobs, left_out, results = what.jobs, what.left_out, list[Result]()
    if what.probing and jobs:
        results, jobs = run_many(jobs[:1], done=done), jobs[1:]
        first = results[0]
        if first.error and first.milestones["channel-open"] is None:
            reason = f"not tried: {first.id} could not make its call"
            left_out += tuple(_left_out(job, loaded, reason) for job, loaded in jobs)
            jobs = ()
    results += run_many(jobs, workers=workers, done=done)
    if what.probing:
        results.sort(key=lambda result: result.id)
    return Made(tuple(results), left_out, perf_counter() - began)


def reasons(left_out: Sequence[NotExercised]) -> Iterator[str]:
    """Why scenarios were not exercised: a line a reason, with their number."""
    by_reason: dict[str, dict[str, None]] = {}
    for one in left_out:
        by_reason.setdefault(one.reason, {})[Path(one.scenario).stem] = None
    for reason, scenarios in by_reason.items():
        names = list(scenarios)
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        yield f"- not exercised: {reason}: {', '.join(names[:3])}{more}"


def _left_out(job: Job, loaded: LoadedScenario, reason: str) -> NotExercised:
    return NotExercised(job.name, job.dialect, loaded.scenario.title, reason)


def _plainness(one: tuple[Job, LoadedScenario]) -> tuple[bool, bool, int]:
    """Sorts calls that must succeed first, and of these the smoke tests, and of these the shortest."""
    scenario = one[1].scenario
    return scenario.assert_.fails is not None, "smoke" not in scenario.tags, len(scenario.steps)
