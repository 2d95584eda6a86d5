"""What is going to be run and what the target cannot be made to do; and carrying it out. ``run``, ``check`` and programs go this way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from harness.judging.grading import NotExercised
from harness.judging.repetitions import settled
from harness.judging.results import Result
from harness.running import CALLS
from harness.running.jobs import Job, not_exercised
from harness.running.many import run_many
from harness.running.places import Places
from harness.running.together import Attempted
from harness.scenario.loader import LoadedScenario
from harness.scenario.unscripted import budgets_of

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
    """The runs that the target can be made to do; with ``probing`` the plainest first, then the longest, so that none is waited for alone."""
    unable = not_exercised(chosen)
    able = [(job, loaded) for job, loaded in chosen if job not in unable]
    left_out = dict.fromkeys(_left_out(job, loaded, unable[job]) for job, loaded in chosen if job in unable)
    if probing and able:
        first = min(able, key=_plainness)
        able = [first, *sorted((one for one in able if one is not first), key=_seconds, reverse=True)]
    return Plan(tuple(able), tuple(left_out), probing)


def carry_out(
    what: Plan,
    *,
    workers: int = 1,
    calls: int = CALLS,
    done: Callable[[Result], None] = lambda _: None,
    told: Callable[[str], None] = lambda _: None,
    fail_fast: bool = False,
) -> Made:
    """Make all runs, of a service ``calls`` side by side in this process, else in ``workers`` processes.

    ``done`` is called with each result as it is ready, ``told`` with a line where the service bears fewer calls. ``fail_fast``: after the
    first run that is not conformant, none begins.
    """
    began = perf_counter()
    results: list[Result] = []
    left_out = list(what.left_out)
    untried: list[tuple[Job, LoadedScenario]] = []
    places = Places(calls) if workers == 1 and any(job.target != "fake" for job, _ in what.jobs) else None
    enough = _failed if fail_fast else _nothing
    reason = ""
    for jobs in (what.jobs[:1], what.jobs[1:]) if what.probing else (what.jobs,):
        made = Attempted()
        if not reason:
            made = run_many(jobs, workers=workers, places=places, done=done, told=told, enough=enough)
            reason = made.reason
        results += made.in_order
        if (
            what.probing
            and results
            and not reason
            and results[0].error
            and results[0].milestones["channel-open"] is None
        ):
            reason = f"{results[0].id} could not make its call"
        untried += (one for number, one in enumerate(jobs) if number not in made.results)
    tried = {result.id for result in results}
    missing = (_left_out(job, loaded, f"not tried: {reason}") for job, loaded in untried if job.id not in tried)
    left_out += dict.fromkeys(missing)
    if what.probing:
        results.sort(key=lambda result: (result.id, result.repetition))
    limits = {job.id: budgets_of(loaded.scenario, job.unscripted) for job, loaded in what.jobs}
    return Made(tuple(settled(results, limits)), tuple(left_out), perf_counter() - began)


def _failed(result: Result) -> str:
    return "" if result.verdict == "conformant" else f"{result.id} is {result.verdict} (--fail-fast)"


def _nothing(_: Result) -> str:
    return ""


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


def _seconds(one: tuple[Job, LoadedScenario]) -> float:
    """How long the scenario lasts at least."""
    return sum(step.lasts for step in one[1].scenario.steps)
