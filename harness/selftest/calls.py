"""The calls of a selftest, and what each shows: a fault of the service or of a client, or a run that is clean.

A fault is caught when each rule of its ``caught_by`` failed, nothing failed outside ``caught_by`` and ``also``, and the cause that
stands first is its ``diagnosis``: the one it names, else the broken rule itself. A fault of the service is judged as a run is: the
call also has to fail at the step ``ends`` (or not to fail, without one). A call with a fault of a client is recorded by both ends, by
the service as ``harness serve`` judges it; its rules have to fail in the recordings of its ``seen_by``, and both name one cause. Rules of severity INFO accuse nobody and count only where a fault names them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from harness.client.faults import CLIENT_FAULTS, ClientFault
from harness.fake.faults import FAULTS, Fault
from harness.faults.registry import Declared
from harness.judging.results import Result
from harness.judging.verdict import Judgement, judge
from harness.rules.base import INFO, MUST, Outcome, RuleResult
from harness.rules.support.milestones import milestones
from harness.running.jobs import Job, display_name
from harness.running.runner import run_job
from harness.scenario.files import reference_suite
from harness.scenario.loader import load
from harness.trace import Trace

RULE_BROKEN = "rule-broken"
"""The cause that is the broken rule itself."""

Verdict = Literal["caught", "missed", "extra"]


@dataclass(frozen=True)
class FaultRun:
    """A fault as it was met: the rules that failed, by the end of the call that recorded it, and what is wrong about that.

    ``diagnosis``: the first one; ``ended``: the step at which the call failed, which is asked of faults of the service alone.
    """

    name: str
    failed: Mapping[str, tuple[str, ...]]
    missed: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()
    diagnosis: str | None = None
    ended: str | None = None

    @property
    def fault(self) -> Declared:
        """The fault itself; its rewrite cannot cross a process boundary, its name can."""
        return FAULTS.get(self.name) or CLIENT_FAULTS[self.name]

    @property
    def outcome(self) -> Verdict:
        """caught, missed (something that had to fail did not), or extra (something failed that should not have)."""
        return "missed" if self.missed else "extra" if self.extra else "caught"

    def to_json(self) -> dict[str, Any]:
        """An element of ``faults`` or of ``client_faults`` in ``harness selftest --json``."""
        fault = self.fault
        of_client = {"seen_by": list(fault.seen_by)} if isinstance(fault, ClientFault) else {}
        by_end = {"failed_at": {end: list(ids) for end, ids in self.failed.items()}}
        asked = by_end if of_client else {"ended": self.ended}
        return {
            "fault": fault.name,
            "of": "client" if of_client else "service",
            "title": fault.title,
            "plane": fault.plane,
            "scenario": fault.scenario,
            "dialect": fault.dialect,
            "caught_by": list(fault.caught_by),
            "also": list(fault.also),
            "otherwise": fault.otherwise,
            **of_client,
            "failed": sorted({id for ids in self.failed.values() for id in ids}),
            "diagnosis": self.diagnosis,
            **asked,
            "missed": list(self.missed),
            "extra": list(self.extra),
            "outcome": self.outcome,
        }


Told = Result | Judgement
"""What is said of a recording, with or without a scenario."""


@dataclass(frozen=True)
class Alarm:
    """A clean run in which something was found: a false alarm."""

    run: str
    verdict: str
    failed: tuple[str, ...]
    open: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """An element of ``alarms`` in ``harness selftest --json``."""
        return {"run": self.run, "verdict": self.verdict, "failed": list(self.failed), "open": list(self.open)}


def show(name: str) -> FaultRun:
    """Make the call with this fault, and say what was seen of it."""
    if name in CLIENT_FAULTS:
        return _shown_by_client(CLIENT_FAULTS[name])
    fault = FAULTS[name]
    job = job_of(fault)
    return judged(fault, run_job(job, load(job.path)))


def job_of(fault: Declared, *, faults: tuple[str, ...] | None = None) -> Job:
    """The run that shows a fault of the service; with ``faults``, the same run with these instead."""
    path = reference_suite() / fault.scenario
    return Job(path, display_name(path, Path.cwd()), fault.dialect, faults=(fault.name,) if faults is None else faults)


def judged(fault: Fault, result: Result) -> FaultRun:
    """What the run of a fault of the service shows, against what it should show."""
    failed = _failed(result.rules, fault)
    missed = [id for id in fault.caught_by if id not in failed]
    extra = _unnamed(failed, fault)
    missed += _other_cause(fault, result)
    error = result.recording.first("harness.error") if result.recording else None
    ended = str(error.data.get("step")) if error else None
    if fault.ends != ended:
        (missed if ended is None else extra).append(f"ends at {ended or fault.ends}")
    if result.bug:
        extra.append(f"bug: {result.error}")
    return FaultRun(fault.name, {"client": failed}, tuple(missed), tuple(extra), _first_cause(result), ended)


def _shown_by_client(fault: ClientFault) -> FaultRun:
    job = job_of(fault, faults=fault.against)
    loaded = load(job.path)
    scenario = loaded.scenario
    caller = scenario.caller.model_copy(update={"faults": [*scenario.caller.faults, fault.name]})
    loaded = replace(loaded, scenario=scenario.model_copy(update={"caller": caller}))
    watched: list[Trace] = []
    result = run_job(job, loaded, watch=watched)
    assert result.recording is not None
    skip = scenario.assert_.rules.skip
    heard = [(trace, judge(trace)) for trace in watched]
    ends: dict[str, list[tuple[Trace, Told]]] = {
        "client": [(result.recording, result)],
        "service": [
            (trace, replace(told, rules=tuple(rule for rule in told.rules if rule.id not in skip)))
            for trace, told in heard
        ],
    }
    return judged_by_both(fault, ends, bug=result.error if result.bug else None)


def judged_by_both(
    fault: ClientFault, ends: Mapping[str, Sequence[tuple[Trace, Told]]], *, bug: str | None = None
) -> FaultRun:
    """What the recordings of both ends show, each with what is said of it, against what they should show."""
    failed: dict[str, tuple[str, ...]] = {}
    missed: list[str] = []
    extra: list[str] = [f"bug: {bug}"] if bug else []
    causes: list[str] = []
    for end, recorded in ends.items():
        traces = [trace for trace, _ in recorded]
        failed[end] = tuple(dict.fromkeys(id for _, told in recorded for id in _failed(told.rules, fault)))
        extra += [f"{id} at the {end}" for id in _unnamed(failed[end], fault)]
        if end in fault.seen_by:
            missed += [f"{id} at the {end}" for id in fault.caught_by if id not in failed[end]]
            if fault.misses is not None and any(milestones(trace)[fault.misses] is not None for trace in traces):
                missed.append(f"{fault.misses} at the {end}")
            # A call that came to nothing may have been tried again: its first recording that explains anything counts.
            told = next((told for _, told in recorded if told.diagnosis), None)
            if told is not None:
                missed += [f"{what} at the {end}" for what in _other_cause(fault, told)]
                causes.append(told.diagnosis[0].id)
            elif fault.diagnosis is not None and failed[end]:
                missed.append(f"{fault.diagnosis} at the {end}")
    if fault.diagnosis is not None and not causes:
        missed.append(fault.diagnosis)
    return FaultRun(fault.name, failed, tuple(missed), tuple(extra), next(iter(causes), None))


def _first_cause(told: Told) -> str | None:
    return told.diagnosis[0].id if told.diagnosis else None


def _other_cause(fault: Declared, told: Told) -> list[str]:
    """The cause that should stand first and does not, as one text, or nothing."""
    first = next(iter(told.diagnosis), None)
    must = any(rule.outcome is Outcome.FAIL and rule.severity == MUST for rule in told.rules)
    wanted = fault.diagnosis or (RULE_BROKEN if must else None)
    if (first.id if first else None) != wanted:
        return [f"{wanted or 'no cause'} (but {first.id if first else 'no cause'})"]
    if (
        first is not None
        and wanted == RULE_BROKEN
        and not any(id in first.cause for id in (*fault.caught_by, *fault.also))
    ):
        return [f"{' or '.join(fault.caught_by)} as the cause (but: {first.cause})"]
    return []


def _failed(rules: Iterable[RuleResult], fault: Declared) -> tuple[str, ...]:
    named = {*fault.caught_by, *fault.also}
    return tuple(
        rule.id for rule in rules if rule.outcome is Outcome.FAIL and (rule.severity != INFO or rule.id in named)
    )


def _unnamed(failed: Iterable[str], fault: Declared) -> list[str]:
    return [id for id in failed if id not in fault.caught_by and id not in fault.also]


def alarm(result: Result) -> Alarm | None:
    """What was found in a clean run: a finding, trouble, an open end of a MUST, a verdict other than conformant; None for silence."""
    judgements = [rule for rule in result.rules if rule.severity != INFO]
    failed = tuple(rule.id for rule in judgements if rule.outcome is Outcome.FAIL)
    open_ends = tuple(rule.id for rule in judgements if rule.outcome is Outcome.INCONCLUSIVE and rule.severity == MUST)
    if failed or open_ends or result.troubles or result.verdict != "conformant":
        told = tuple(f"{one.what} (entry {one.entry})" for one in result.troubles)
        return Alarm(result.id, result.verdict, (*failed, *told), open_ends)
    return None
