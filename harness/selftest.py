"""How we know that green is green: every fault must be caught by exactly its rules, every clean run must be silent.

Faults of the service run against their scenarios in virtual time, those of a client as :mod:`harness.selftest_clients` says. A
fault is caught when each rule of its ``caught_by`` failed, nothing failed outside ``caught_by`` and ``also``, the call failed at the
step ``ends`` (or did not fail, without one), and the diagnosis it names stood first. Rules of severity INFO accuse nobody and count
only where a fault names them.
"""

from __future__ import annotations

import traceback
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

UNPROVEN: dict[str, str] = {
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
            "of": "service",
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
    """All faults as they were met, the false alarms among ``clean`` runs, and the rules that nothing proves.

    ``proven``: rules that a caught fault shows failing. ``unproven``: rules without a fault, each with the reason. ``unexplained``:
    MUST rules about the service, and rules about clients, with neither. Where only some faults were asked for, these are empty.
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
    def passed(self) -> bool:
        """Every fault caught, no false alarm, no rule without a fault or a reason."""
        return not self.alarms and not self.unexplained and not self.uncaught

    @property
    def uncaught(self) -> tuple[Shown | ShownByClient, ...]:
        """The faults that were missed, and those that made other rules fail."""
        return tuple(one for one in self._faults if one.outcome != "caught")

    @property
    def _faults(self) -> tuple[Shown | ShownByClient, ...]:
        return (*self.shown, *self.by_clients)

    @property
    def summary(self) -> dict[str, int]:
        """The counts."""
        outcomes = [one.outcome for one in self._faults]
        return {
            "faults": len(outcomes),
            "of_service": len(self.shown),
            "of_clients": len(self.by_clients),
            "caught": outcomes.count("caught"),
            "missed": outcomes.count("missed"),
            "extra": outcomes.count("extra"),
            "clean_runs": self.clean,
            "false_alarms": len(self.alarms),
            "rules_proven": len(self.proven),
        }

    def to_json(self) -> dict[str, Any]:
        """The whole of ``harness selftest --json``."""
        return {
            "passed": self.passed,
            "seconds": round(self.seconds, 3),
            "summary": self.summary,
            "faults": [one.to_json() for one in self.shown],
            "client_faults": [one.to_json() for one in self.by_clients],
            "alarms": [
                {"run": one.run, "verdict": one.verdict, "failed": list(one.failed), "open": list(one.open)}
                for one in self.alarms
            ],
            "proven": list(self.proven),
            "unproven": [{"id": id, "reason": reason} for id, reason in self.unproven.items()],
            "unexplained": list(self.unexplained),
        }

    def lines(self) -> Iterator[str]:
        """The result for a person: what went wrong, one line each, then the counts."""
        for one in self.uncaught:
            what = f"did not: {', '.join(one.missed)}" if one.missed else f"also: {', '.join(one.extra)}"
            yield f"✗ {one.outcome:<7} {one.name}  (by {', '.join(one.fault.caught_by) or 'the end of the call'}; {what})"
        for alarm in self.alarms:
            yield f"✗ alarm   {alarm.run}  {alarm.verdict} {', '.join((*alarm.failed, *alarm.open))}"
        for id in self.unexplained:
            yield f"✗ unproven {id}: no fault makes it fail, and no reason is given"
        count = self.summary
        yield (
            f"{'✓' if self.passed else '✗'} {count['caught']} of {count['faults']} faults caught ({count['of_service']} of the "
            f"service, {count['of_clients']} of clients); {count['clean_runs']} clean runs, {count['false_alarms']} false alarms; "
            f"{count['rules_proven']} rules shown able to fail; {self.seconds:.1f} s"
        )


def selftest(
    *, names: Sequence[str] = (), clean: bool = True, workers: int = 1, done: Callable[[str], None] = lambda _: None
) -> Selftest:
    """Run every fault (or those of ``names``), and every scenario clean. Raises UsageError for an unknown name.

    ``done`` is called with the name of each run that has ended.
    """
    began = perf_counter()
    tasks = tasks_of(names, clean=clean)
    outcomes = dict(_outcomes(tasks, workers, done))
    shown = tuple(one for task in tasks if isinstance(one := outcomes[task], Shown))
    by_clients = tuple(one for task in tasks if isinstance(one := outcomes[task], ShownByClient))
    proven = {id for one in shown if one.outcome == "caught" for id in one.fault.caught_by}
    of_clients = proven_by_clients(by_clients)
    unproven = UNPROVEN | {
        id: why for id, why in UNPROVEN_OF_CLIENTS.items() if id not in UNPROVEN and id not in proven
    }
    return Selftest(
        shown=shown,
        by_clients=by_clients,
        clean=sum(isinstance(task, Job) for task in tasks),
        alarms=tuple(one for task in tasks if isinstance(one := outcomes[task], Alarm)),
        proven=tuple(one.id for one in all_rules() if one.id in proven | of_clients),
        unproven={} if names else unproven,
        unexplained=() if names else tuple(dict.fromkeys((*unexplained(proven), *unexplained_of_clients(of_clients)))),
        seconds=perf_counter() - began,
    )


Task = tuple[Literal["service", "client"], str] | Job
"""A fault of one side by its name, or a clean run."""
Found = Shown | ShownByClient | Alarm | None


def tasks_of(names: Sequence[str] = (), *, clean: bool = True) -> list[Task]:
    """All calls of a selftest; ``names`` may be faults of either side."""
    wanted = names or [*FAULTS, *CLIENT_FAULTS]
    tasks: list[Task] = [
        ("client", name) if name in CLIENT_FAULTS else ("service", named(name, where="harness selftest").name)
        for name in wanted
    ]
    return [*tasks, *(job for job, _ in select([], target="fake"))] if clean else tasks


def _outcomes(tasks: Sequence[Task], workers: int, done: Callable[[str], None]) -> Iterator[tuple[Task, Found]]:
    if workers <= 1 or len(tasks) <= 1:
        for task in tasks:
            yield task, _outcome(task)
            done(_name(task))
        return
    with ProcessPoolExecutor(min(workers, len(tasks)), mp_context=get_context("spawn")) as pool:
        futures = {pool.submit(_outcome, task): task for task in tasks}
        for future in as_completed(futures):
            yield futures[future], future.result()
            done(_name(futures[future]))


def _name(task: Task) -> str:
    return task.id if isinstance(task, Job) else task[1]


def _outcome(task: Task) -> Found:
    """One call, and what it shows. Only that crosses the process boundary; the recording stays here."""
    try:
        return _shown(task)
    except Exception as error:  # a bug of ours ends this run and no other; it is told as an alarm
        place = traceback.extract_tb(error.__traceback__)[-1]
        what = f"{type(error).__name__}: {error} ({Path(place.filename).name}, line {place.lineno})"
        return Alarm(_name(task), "bug in the harness", (what,), ())


def _shown(task: Task) -> Found:
    if isinstance(task, Job):
        return alarm(run_job(task, load(task.path)))
    side, name = task
    if side == "client":
        return shown_by_client(name)
    fault = named(name)
    job = job_of(fault)
    return judged(fault, run_job(job, load(job.path)))


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
