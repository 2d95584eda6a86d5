"""``harness check``: the reference suite against a service that we did not write, graded by capability."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from harness.errors import UsageError, nearest
from harness.judging.grading import Capability, Grade, NotExercised, grade
from harness.judging.results import Result, exit_code
from harness.running.jobs import Job, not_exercised, select
from harness.running.runner import run_many
from harness.scenario.files import reference_suite
from harness.scenario.live import Need
from harness.scenario.loader import LoadedScenario
from harness.scenario.unscripted import NEEDS, NEVER
from harness.targets.endpoints import load_environment
from harness.targets.service import Access, absent, service_endpoints, tls

MARKS: dict[Grade, str] = {"conformant": "✓", "nonconformant": "✗", "inconclusive": "?", "not-exercised": "-"}


@dataclass(frozen=True)
class Plan:
    """What a check will do: the runs, the plainest first, and what the service cannot be made to do."""

    jobs: tuple[tuple[Job, LoadedScenario], ...]
    left_out: tuple[NotExercised, ...]


@dataclass(frozen=True)
class Checked:
    """What a check found."""

    results: tuple[Result, ...]
    left_out: tuple[NotExercised, ...]
    capabilities: tuple[Capability, ...]

    @property
    def exit_code(self) -> int:
        """As for any runs: 1 also where a call broke a MUST in failing, and 3 where not one run could be made."""
        return exit_code(self.results)


def plan(
    url: str,
    dialect: str,
    access: Access,
    *,
    paths: Sequence[Path] = (),
    keyword: str = "",
    slow: bool = False,
    network: str | None = None,
    out: Path | None = None,
    cwd: Path | None = None,
) -> Plan:
    """The runs of the reference suite (or of ``paths``) in this dialect. ``slow`` takes those in that let more than 30 s of real time pass.
    ``network`` is the preset that they run under.

    Raises UsageError for a wrong setting before anything is sent.
    """
    endpoints = service_endpoints(dialect, url, load_environment(cwd or Path.cwd()), access)
    tls(endpoints)
    access = replace(access, without=access.without | absent(endpoints, access) | (set() if slow else {"time"}))
    chosen = [
        (replace(job, access=access), loaded)
        for job, loaded in select(
            paths or [reference_suite()],
            dialects=(dialect,),
            target=url,
            time="real",
            out=out,
            keyword=keyword,
            network=network,
            cwd=cwd,
        )
    ]
    reasons = not_exercised(chosen)
    jobs = sorted(((job, loaded) for job, loaded in chosen if job not in reasons), key=_plainness)
    return Plan(tuple(jobs), tuple(not_tried(job, loaded, reasons[job]) for job, loaded in chosen if job in reasons))


def check(what: Plan, *, workers: int = 1, done: Callable[[Result], None] = lambda _: None) -> Checked:
    """Make the first run; where even that one finds no service to talk to, stop, else make all others and grade them.

    ``done`` is called with each result as it is ready.
    """
    left_out = what.left_out
    results = run_many(what.jobs[:1], done=done)
    others = what.jobs[1:]
    if results and results[0].error and results[0].milestones["channel-open"] is None:
        first = results[0].id
        left_out += tuple(
            not_tried(job, loaded, f"not tried: {first} could not make its call") for job, loaded in others
        )
    else:
        results += run_many(others, workers=workers, done=done)
    ordered = tuple(sorted(results, key=lambda result: result.id))
    return Checked(ordered, left_out, grade(ordered, left_out))


def needs_named(names: Sequence[str]) -> frozenset[Need]:
    """The needs of these names. Raises UsageError for one that is none, or that no service has."""
    known: dict[str, Need] = {need: need for need in NEEDS if need not in NEVER}
    for name in names:
        if name not in known:
            near = nearest(name, known)
            fix = f"did you mean {near}?" if near else f"one of {', '.join(known)}"
            raise UsageError(f"unknown capability {name!r}", where="--without", fix=fix)
    return frozenset(known[name] for name in names)


def table(capabilities: Sequence[Capability]) -> Iterator[str]:
    """The grade for a terminal: one line a capability; the first character is its mark."""
    width = max((len(one.name) for one in capabilities), default=0)
    for one in capabilities:
        counts = ", ".join(f"{count} {name.replace('-', ' ')}" for name, count in one.counts.items() if count)
        rules = f"MUST {len(one.must.passed)} passed{_named('failed', one.must.failed)}{_named('open', one.must.open)}"
        rules += f"; SHOULD {len(one.should.passed)} passed{_named('missed', one.should.failed)}"
        yield f"{MARKS[one.grade]} {one.name:<{width}}  {one.grade.replace('-', ' '):<13}  {counts or 'no scenario'}"
        yield f"  {'':<{width}}  {rules}"


def reasons(left_out: Sequence[NotExercised]) -> Iterator[str]:
    """Why scenarios were not exercised: a line a reason, with their number."""
    by_reason: dict[str, dict[str, None]] = {}
    for one in left_out:
        by_reason.setdefault(one.reason, {})[Path(one.scenario).stem] = None
    for reason, scenarios in by_reason.items():
        names = list(scenarios)
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        yield f"- not exercised: {reason}: {', '.join(names[:3])}{more}"


def _named(word: str, ids: Sequence[str]) -> str:
    return f", {len(ids)} {word} ({', '.join(ids)})" if ids else ""


def not_tried(job: Job, loaded: LoadedScenario, reason: str) -> NotExercised:
    """A run that is not made, and why, for the reports."""
    return NotExercised(job.name, job.dialect, loaded.scenario.title, reason)


def _plainness(one: tuple[Job, LoadedScenario]) -> tuple[bool, bool, int]:
    """Sorts calls that must succeed first, and of these the smoke tests, and of these the shortest."""
    scenario = one[1].scenario
    return scenario.assert_.fails is not None, "smoke" not in scenario.tags, len(scenario.steps)
