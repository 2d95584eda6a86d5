"""How we know that green is green: every fault of the fake must be caught by exactly its rules, every clean run must be silent.

Each fault runs against its scenario in virtual time. It is caught when each rule of its ``caught_by`` failed, nothing failed
outside ``caught_by`` and ``also``, the call failed at the step ``ends`` (or did not fail, without one), and the diagnosis it
names stood first. Rules of severity INFO accuse nobody and count only where a fault names them. Faults of the caller are shown in
:mod:`harness.selftest_clients`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter
from typing import Any, Literal

from harness.client.faults import CLIENT_FAULTS
from harness.fake.faults import FAULTS, Fault, named
from harness.jobs import Job, display_name, select
from harness.results import Result
from harness.rules.base import CLIENT, INFO, MUST, Outcome, Rule
from harness.rules.catalogue import all_rules
from harness.runner import run_job
from harness.scenario.files import suite_dir
from harness.scenario.loader import load
from harness.selftest_clients import (
    UNPROVEN_OF_CLIENTS,
    ShownByClient,
    proven_by_clients,
    shown_by_client,
    unexplained_of_clients,
)

Verdict = Literal["caught", "missed", "extra"]

UNPROVEN: Mapping[str, str] = {
    "DC-03": "the TLS library of the fake refuses weaker versions and ciphers, so that it cannot misbehave; the examples of the rule show it failing",
    "DC-11": "the SCTP stack of the fake refuses to send what is too long; the examples of the rule show it failing",
    "SEC-02": "it judges the recording, not the service; a property test plants secrets and looks for them",
}
"""MUST rules about the service that no fault shows failing, each with the reason."""


@dataclass(frozen=True)
class Shown:
    """A fault as it was met: the rules that failed, the first diagnosis, the step at which the call failed."""

    name: str
    failed: tuple[str, ...]
    diagnosis: str | None
    ended: str | None
    missed: tuple[str, ...]
    extra: tuple[str, ...]

    @property
    def fault(self) -> Fault:
        """The fault itself; its rewrite cannot cross a process boundary, its name can."""
        return FAULTS[self.name]

    @property
    def outcome(self) -> Verdict:
        """caught, missed (something that had to fail did not), or extra (something failed that should not have)."""
        return "missed" if self.missed else "extra" if self.extra else "caught"

    def to_json(self) -> dict[str, Any]:
        """The ``faults`` element of ``harness selftest --json``."""
        return {
            "fault": self.fault.name,
            "scenario": self.fault.scenario,
            "dialect": self.fault.dialect,
            "caught_by": list(self.fault.caught_by),
            "also": list(self.fault.also),
            "failed": list(self.failed),
            "diagnosis": self.diagnosis,
            "ended": self.ended,
            "missed": list(self.missed),
            "extra": list(self.extra),
            "outcome": self.outcome,
        }


@dataclass(frozen=True)
class Alarm:
    """A clean run in which something was found: a false alarm."""

    run: str
    verdict: str
    failed: tuple[str, ...]
    open: tuple[str, ...]


@dataclass(frozen=True)
class Selftest:
    """All faults as they were met, the false alarms among ``clean`` runs, and the MUST rules that nothing proves.

    ``by_clients`` are the faults of the caller; ``proven`` holds what either kind proves.
    """

    shown: tuple[Shown, ...]
    by_clients: tuple[ShownByClient, ...]
    clean: int
    alarms: tuple[Alarm, ...]
    proven: tuple[str, ...]
    unproven: Mapping[str, str]
    unexplained: tuple[str, ...]
    seconds: float = field(compare=False, default=0.0)

    @property
    def all_shown(self) -> tuple[Shown | ShownByClient, ...]:
        """The faults of the service, then those of the caller."""
        return (*self.shown, *self.by_clients)

    @property
    def passed(self) -> bool:
        """Every fault caught, no false alarm, no MUST without a fault or a reason."""
        return not self.alarms and not self.unexplained and all(one.outcome == "caught" for one in self.all_shown)

    def to_json(self) -> dict[str, Any]:
        """The whole of ``harness selftest --json``."""
        outcomes = [one.outcome for one in self.all_shown]
        return {
            "passed": self.passed,
            "seconds": round(self.seconds, 3),
            "summary": {
                "faults": len(outcomes),
                "of_clients": len(self.by_clients),
                **{name: outcomes.count(name) for name in ("caught", "missed", "extra")},
                "clean_runs": self.clean,
                "false_alarms": len(self.alarms),
                "rules_proven": len(self.proven),
            },
            "faults": [one.to_json() for one in self.all_shown],
            "clean": [
                {"run": one.run, "verdict": one.verdict, "failed": list(one.failed), "open": list(one.open)}
                for one in self.alarms
            ],
            "unproven": [{"id": id, "reason": reason} for id, reason in self.unproven.items()],
            "unexplained": list(self.unexplained),
        }


def selftest(
    *, names: Sequence[str] = (), clean: bool = True, workers: int = 1, done: Callable[[str], None] = lambda _: None
) -> Selftest:
    """Run every fault of either kind (or those of ``names``), and every scenario clean. Raises UsageError for an unknown name.

    ``done`` is called with the name of each run that has ended.
    """
    began = perf_counter()
    by_clients = [name for name in names if name in CLIENT_FAULTS] if names else list(CLIENT_FAULTS)
    faults = [named(name, where="harness selftest").name for name in names if name not in CLIENT_FAULTS]
    faults = faults if names else list(FAULTS)
    jobs = [job for job, _ in select([], target="fake")] if clean else []
    shown: dict[str, Shown] = {}
    by_client: dict[str, ShownByClient] = {}
    found: list[Alarm] = []
    for name, outcome in _outcomes([*faults, *by_clients, *jobs], workers):
        done(name)
        if isinstance(outcome, Shown):
            shown[name] = outcome
        elif isinstance(outcome, ShownByClient):
            by_client[name] = outcome
        elif outcome is not None:
            found.append(outcome)
    of_service = {id for one in shown.values() if one.outcome == "caught" for id in one.fault.caught_by}
    of_clients = proven_by_clients(by_client.values())
    proven = of_service | of_clients
    whole = not names
    return Selftest(
        shown=tuple(shown[name] for name in faults),
        by_clients=tuple(by_client[name] for name in by_clients),
        clean=len(jobs),
        alarms=tuple(sorted(found, key=lambda alarm: alarm.run)),
        proven=tuple(one.id for one in all_rules() if one.id in proven),
        unproven={**UNPROVEN_OF_CLIENTS, **UNPROVEN} if whole else {},
        unexplained=(*unexplained(of_service), *unexplained_of_clients(of_clients)) if whole else (),
        seconds=perf_counter() - began,
    )


def count_of(names: Sequence[str] = (), *, clean: bool = True) -> int:
    """How many calls :func:`selftest` makes."""
    return (len(names) or len(FAULTS) + len(CLIENT_FAULTS)) + (len(select([], target="fake")) if clean else 0)


def _outcomes(tasks: Sequence[str | Job], workers: int) -> Iterator[tuple[str, Shown | ShownByClient | Alarm | None]]:
    if workers <= 1 or len(tasks) <= 1:
        yield from map(_outcome, tasks)
        return
    with ProcessPoolExecutor(min(workers, len(tasks)), mp_context=get_context("spawn")) as pool:
        futures = [pool.submit(_outcome, task) for task in tasks]
        for future in as_completed(futures):
            yield future.result()


def _outcome(task: str | Job) -> tuple[str, Shown | ShownByClient | Alarm | None]:
    """One call, and what it shows. Only that crosses the process boundary; the recording stays here."""
    if isinstance(task, Job):
        return task.id, alarm(run_job(task, load(task.path)))
    if task in CLIENT_FAULTS:
        return task, shown_by_client(task)
    fault = named(task)
    job = job_of(fault)
    return task, judged(fault, run_job(job, load(job.path)))


def job_of(fault: Fault) -> Job:
    """The run that shows a fault."""
    path = suite_dir() / fault.scenario
    return Job(path, display_name(path, Path.cwd()), fault.dialect, faults=(fault.name,))


def judged(fault: Fault, result: Result) -> Shown:
    """What a fault's run shows, against what it should show."""
    named_here = {*fault.caught_by, *fault.also}
    failed = tuple(
        rule.id
        for rule in result.rules
        if rule.outcome is Outcome.FAIL and (rule.severity != INFO or rule.id in named_here)
    )
    diagnosis = result.diagnosis[0].id if result.diagnosis else None
    error = result.recording.first("harness.error") if result.recording else None
    ended = str(error.data.get("step")) if error else None
    missed = [id for id in fault.caught_by if id not in failed]
    extra = [id for id in failed if id not in named_here]
    if fault.diagnosis is not None and diagnosis != fault.diagnosis:
        missed.append(fault.diagnosis)
    if fault.ends != ended:
        (missed if ended is None else extra).append(f"ends at {ended or fault.ends}")
    if result.bug:
        extra.append(f"bug: {result.error}")
    return Shown(fault.name, failed, diagnosis, ended, tuple(missed), tuple(extra))


def alarm(result: Result) -> Alarm | None:
    """What was found in a clean run: a finding, an open end of a MUST, a verdict other than conformant; None for silence."""
    judgements = [rule for rule in result.rules if rule.severity != INFO]
    failed = tuple(rule.id for rule in judgements if rule.outcome is Outcome.FAIL)
    open_ends = tuple(rule.id for rule in judgements if rule.outcome is Outcome.INCONCLUSIVE and rule.severity == MUST)
    if failed or open_ends or result.verdict != "conformant":
        return Alarm(result.id, result.verdict, failed, open_ends)
    return None


def unexplained(proven: set[str]) -> Iterator[str]:
    """MUST rules about the service that no caught fault proves and that have no reason to be unproven."""
    for one in all_rules():
        if is_must_of_service(one) and one.id not in proven and one.id not in UNPROVEN:
            yield one.id


def is_must_of_service(rule: Rule) -> bool:
    """A MUST, in some dialect at least, about the service or about both sides."""
    return rule.who != CLIENT and any(rule.severity_in(name) == MUST for name in rule.dialects)
