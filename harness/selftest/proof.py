"""Why a pass can be trusted: every fault must be caught by exactly its rules, every clean run must be silent.

Which calls are made, how they are spread over processes, and what they prove together. What a single call shows is said in
:mod:`harness.selftest.calls`.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import Any, Literal

from harness import __version__
from harness.client.faults import CLIENT_FAULTS
from harness.fake.faults import FAULTS
from harness.faults.registry import Declared
from harness.judging.revision import revision
from harness.rules.base import CLIENT, MUST, SERVICE, Rule
from harness.rules.catalogue import all_rules
from harness.running.jobs import Job, select
from harness.running.runner import run_job
from harness.running.workers import spread
from harness.scenario.files import reference_suite
from harness.scenario.loader import load
from harness.selftest.calls import Alarm, FaultRun, alarm, show

SCHEMA = 1

Side = Literal["service", "client"]
CATALOGUES: Mapping[Side, Mapping[str, Declared]] = {"service": FAULTS, "client": CLIENT_FAULTS}

UNPROVEN: Mapping[Side, Mapping[str, str]] = {
    "service": {
        "DC-03": "no caller on this TLS library agrees on less than DTLS 1.2 or on a profile without encryption, so that a service that asks for either gets no call; the examples of the rule show it failing",
        "SEC-02": "it judges the recording, not the service; a property test plants secrets and looks for them",
    },
    "client": {
        "DC-03": "the TLS library of either end refuses older versions and profiles that do not protect: no caller can agree on one",
        "DC-15": "the WebRTC stack refuses a description out of turn, so that no caller on it can jump between signaling states",
        "DC-16": "the stack delivers nothing on a closed channel, and what a client sends there is DC-14",
        "SES-17": "the service gives the session its id; no client can change it",
        "ERR-03": "what a client does after an error is its own choice; only the service can break the rule",
        "LAT-01": "it tells the times of the call and judges nothing",
        "SEC-02": "it judges the recording, not a client; a property test plants secrets and looks for them",
    },
}
"""Rules that no fault of this side shows failing, each with the reason: of the service its MUSTs, of clients all about them.

Of HTTP-01 one half is not shown either: on the loopback interface http is allowed, so that no caller can break the demand for https.
"""


@dataclass(frozen=True)
class Selftest:
    """All faults as they were met, the false alarms among ``clean`` runs, and the rules that nothing proves.

    ``proven``: rules that a caught fault shows failing. ``unexplained``: rules that need a fault or a reason and have neither. It is
    empty where not all calls were made: ``planned`` were asked for, ``made`` of them were; ``whole`` where every fault was asked for.
    """

    shown: tuple[FaultRun, ...]
    clean: int
    alarms: tuple[Alarm, ...]
    planned: int
    made: int
    whole: bool
    seconds: float = field(compare=False, default=0.0)

    @property
    def complete(self) -> bool:
        """Everything was asked for, and nothing was interrupted."""
        return self.whole and self.made == self.planned

    @property
    def passed(self) -> bool:
        """Every fault caught, no false alarm, no rule without a fault or a reason, nothing interrupted."""
        return not (self.alarms or self.uncaught or self.unexplained) and self.made == self.planned

    @property
    def uncaught(self) -> tuple[FaultRun, ...]:
        """The faults that were missed, and those that made other rules fail."""
        return tuple(one for one in self.shown if one.outcome != "caught")

    @property
    def proven(self) -> tuple[str, ...]:
        """The rules that a caught fault, of whichever side, shows failing."""
        found = self._proven_by("service") | self._proven_by("client")
        return tuple(one.id for one in all_rules() if one.id in found)

    @property
    def unexplained(self) -> tuple[str, ...]:
        """The rules that have neither a fault that was caught nor a reason."""
        if not self.complete:
            return ()
        return tuple(dict.fromkeys(id for side in CATALOGUES for id in unexplained(side, self._proven_by(side))))

    @property
    def summary(self) -> dict[str, int]:
        """The counts."""
        outcomes = [one.outcome for one in self.shown]
        return {
            "faults": len(outcomes),
            "of_service": len(self._of("service")),
            "of_clients": len(self._of("client")),
            "caught": outcomes.count("caught"),
            "missed": outcomes.count("missed"),
            "extra": outcomes.count("extra"),
            "clean_runs": self.clean,
            "false_alarms": len(self.alarms),
            "rules_proven": len(self.proven),
            "rules": len(all_rules()),
        }

    def to_json(self) -> dict[str, Any]:
        """The whole of ``harness selftest --json``, and of ``selftest.json``."""
        reasons = UNPROVEN if self.whole else {}
        return {
            "schema": SCHEMA,
            "harness": __version__,
            "revision": revision(),
            "made": datetime.now(UTC).isoformat(timespec="seconds"),
            "passed": self.passed,
            "complete": self.complete,
            "calls": {"planned": self.planned, "made": self.made},
            "seconds": round(self.seconds, 3),
            "summary": self.summary,
            "faults": [one.to_json() for one in self._of("service")],
            "client_faults": [one.to_json() for one in self._of("client")],
            "alarms": [one.to_json() for one in self.alarms],
            "proven": list(self.proven),
            "unproven": [
                {"id": id, "of": side, "reason": reason}
                for side, rows in reasons.items()
                for id, reason in rows.items()
            ],
            "unexplained": list(self.unexplained),
        }

    def lines(self) -> Iterator[str]:
        """The result for a person: what went wrong, one line each, then the counts."""
        for one in self.uncaught:
            what = f"did not: {', '.join(one.missed)}" if one.missed else f"also: {', '.join(one.extra)}"
            by = ", ".join(one.fault.caught_by) or one.fault.otherwise
            yield f"✗ {one.outcome:<7} {one.name}  (by {by}; {what})"
        for false in self.alarms:
            yield f"✗ alarm   {false.run}  {false.verdict} {', '.join((*false.failed, *false.open))}"
        for id in self.unexplained:
            yield f"✗ unproven {id}: no fault makes it fail, and no reason is given"
        if self.made < self.planned:
            yield f"? interrupted: {self.made} of {self.planned} calls were made"
        count = self.summary
        yield (
            f"{'✓' if self.passed else '✗'} {count['caught']} of {count['faults']} faults caught ({count['of_service']} of the "
            f"service, {count['of_clients']} of clients); {count['clean_runs']} clean runs, {count['false_alarms']} false alarms; "
            f"{count['rules_proven']} of {count['rules']} rules proven by a fault that they catch; {self.seconds:.1f} s"
        )

    def _of(self, side: Side) -> list[FaultRun]:
        return [one for one in self.shown if one.name in CATALOGUES[side]]

    def _proven_by(self, side: Side) -> set[str]:
        return {id for one in self._of(side) if one.outcome == "caught" for id in one.fault.caught_by}


def selftest(
    *, names: Sequence[str] = (), clean: bool = True, workers: int = 1, done: Callable[[str], None] = lambda _: None
) -> Selftest:
    """Run every fault, or those of ``names`` (see :func:`tasks_of`), and with ``clean`` every scenario without a fault.

    ``done`` is called with the name of each run that has ended. Ctrl-C ends the selftest with what it has. Raises UsageError for an
    unknown name.
    """
    began = perf_counter()
    tasks = tasks_of(names, clean=clean)
    found: dict[int, Found] = {}
    try:
        for number, outcome in spread(_outcome, tasks, workers=workers):
            found[number] = outcome
            done(_name(tasks[number]))
    except KeyboardInterrupt:
        pass  # told by the number of calls that were made
    met = [found[number] for number in sorted(found)]
    return Selftest(
        shown=tuple(one for one in met if isinstance(one, FaultRun)),
        clean=sum(isinstance(tasks[number], Job) for number in found),
        alarms=tuple(one for one in met if isinstance(one, Alarm)),
        planned=len(tasks),
        made=len(found),
        whole=clean and not names,
        seconds=perf_counter() - began,
    )


Task = str | Job
"""A fault by its name, or a clean run."""
Found = FaultRun | Alarm | None


def tasks_of(names: Sequence[str] = (), *, clean: bool = True) -> list[Task]:
    """All calls of a selftest; ``names`` may be faults of either side, and rules, which stand for all faults they have to catch."""
    faults = [name for given in names for name in _faults_named(given)] if names else [*FAULTS, *CLIENT_FAULTS]
    tasks: list[Task] = list(dict.fromkeys(faults))
    return [*tasks, *(job for job, _ in select([reference_suite()], target="fake"))] if clean else tasks


def _faults_named(name: str) -> list[str]:
    by_rule = [one.name for faults in CATALOGUES.values() for one in faults.values() if name.upper() in one.caught_by]
    return by_rule or [name if name in CLIENT_FAULTS else FAULTS.named(name, where="harness selftest").name]


def _name(task: Task) -> str:
    return task.id if isinstance(task, Job) else task


def _outcome(task: Task) -> Found:
    """One call, and what it shows. Only that crosses the process boundary; the recording stays here."""
    try:
        return alarm(run_job(task, load(task.path))) if isinstance(task, Job) else show(task)
    except Exception as error:  # a bug of ours ends this run and no other; it is told as an alarm
        place = traceback.extract_tb(error.__traceback__)[-1]
        what = f"{type(error).__name__}: {error} ({Path(place.filename).name}, line {place.lineno})"
        return Alarm(_name(task), "bug in the harness", (what,), ())


def unexplained(side: Side, proven: Iterable[str]) -> tuple[str, ...]:
    """The rules that a fault of this side should show failing, that none of ``proven`` is, and that have no reason for it."""
    known = {*proven, *UNPROVEN[side]}
    return tuple(one.id for one in all_rules() if needs_fault(one, side) and one.id not in known)


def needs_fault(rule: Rule, side: Side) -> bool:
    """Whether a fault of this side has to show the rule failing: of the service every MUST (in some dialect), of clients every rule."""
    if side == "client":
        return rule.who != SERVICE
    return rule.who != CLIENT and any(rule.severity_in(name) == MUST for name in rule.dialects)
