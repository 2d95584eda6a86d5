"""How we know that the rules about clients can fail: every fault of the caller must be caught, by both ends of the call.

Each fault is run against the fake in virtual time, and the call is recorded twice: by the caller and by the service (which is what
``harness serve`` judges). It is caught when each rule of its ``caught_by`` failed in the recordings of its ``seen_by``, and nothing
failed in either outside ``caught_by`` and ``also``. Rules of severity INFO count only where a fault names them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from harness.client.faults import CLIENT_FAULTS, ClientFault
from harness.jobs import Job, display_name
from harness.results import milestones
from harness.rules.base import INFO, SERVICE, Outcome, Rule
from harness.rules.catalogue import all_rules
from harness.runner import run_job
from harness.scenario.files import suite_dir
from harness.scenario.loader import load
from harness.trace import Trace
from harness.verdict import judge

Verdict = Literal["caught", "missed", "extra"]

UNPROVEN_OF_CLIENTS: Mapping[str, str] = {
    "DC-03": "the TLS library of either end refuses older versions and profiles that do not protect: no caller can agree on one",
    "DC-15": "the WebRTC stack refuses a description out of turn, so that no caller on it can jump between signaling states",
    "DC-16": "the stack delivers nothing on a closed channel, and what a client sends there is DC-14",
    "SES-17": "the service gives the session its id; no client can change it",
    "ERR-03": "what a client does behind an error is its own choice; only the service can break the rule",
    "LAT-01": "it tells the times of the call and judges nothing",
    "SEC-02": "it judges the recording, not a client; a property test plants secrets and looks for them",
}
"""Rules about clients, of whatever severity, that no fault shows failing, each with the reason.

Of HTTP-01 one half is not shown either: on the loopback interface http is allowed, so that no caller can break the demand for https.
"""


@dataclass(frozen=True)
class ShownByClient:
    """A fault of the caller as it was met: the rules that failed, by the end of the call that recorded it."""

    name: str
    failed: Mapping[str, tuple[str, ...]]
    missed: tuple[str, ...]
    extra: tuple[str, ...]

    @property
    def fault(self) -> ClientFault:
        """The fault itself; its rewrite cannot cross a process boundary, its name can."""
        return CLIENT_FAULTS[self.name]

    @property
    def outcome(self) -> Verdict:
        """caught, missed (something that had to fail did not), or extra (something failed that should not have)."""
        return "missed" if self.missed else "extra" if self.extra else "caught"

    def to_json(self) -> dict[str, Any]:
        """The ``client_faults`` element of ``harness selftest --json``."""
        return {
            "fault": self.fault.name,
            "of": "client",
            "scenario": self.fault.scenario,
            "dialect": self.fault.dialect,
            "caught_by": list(self.fault.caught_by),
            "also": list(self.fault.also),
            "seen_by": list(self.fault.seen_by),
            "failed": sorted({id for ids in self.failed.values() for id in ids}),
            "failed_at": {end: list(ids) for end, ids in self.failed.items()},
            "missed": list(self.missed),
            "extra": list(self.extra),
            "outcome": self.outcome,
        }


def shown_by_client(name: str) -> ShownByClient:
    """Make the call with this fault, and say what both ends saw of it."""
    fault = CLIENT_FAULTS[name]
    path = suite_dir() / fault.scenario
    loaded = load(path)
    scenario = loaded.scenario
    caller = scenario.caller.model_copy(update={"faults": [*scenario.caller.faults, name]})
    loaded = replace(loaded, scenario=scenario.model_copy(update={"caller": caller}))
    watched: list[Trace] = []
    result = run_job(
        Job(path, display_name(path, Path.cwd()), fault.dialect, faults=fault.against), loaded, watch=watched
    )
    assert result.recording is not None
    traces = {"client": [result.recording], "service": watched}
    return judged_by_both(fault, traces, skip=scenario.assert_.rules.skip, bug=result.error if result.bug else None)


def judged_by_both(
    fault: ClientFault, traces: Mapping[str, list[Trace]], *, skip: Mapping[str, str], bug: str | None = None
) -> ShownByClient:
    """What the recordings of both ends show, against what they should show."""
    named_here = {*fault.caught_by, *fault.also}
    failed: dict[str, tuple[str, ...]] = {}
    missed: list[str] = []
    extra: list[str] = [f"bug: {bug}"] if bug else []
    for end, recorded in traces.items():
        failed[end] = tuple(dict.fromkeys(id for trace in recorded for id in _failed(trace, named_here, skip)))
        extra += [f"{id} at the {end}" for id in failed[end] if id not in named_here]
        if end in fault.seen_by:
            missed += [f"{id} at the {end}" for id in fault.caught_by if id not in failed[end]]
            if fault.misses is not None and any(milestones(trace)[fault.misses] is not None for trace in recorded):
                missed.append(f"{fault.misses} at the {end}")
    return ShownByClient(fault.name, failed, tuple(missed), tuple(extra))


def _failed(trace: Trace, named_here: set[str], skip: Mapping[str, str]) -> Iterator[str]:
    for rule in judge(trace).rules:
        if rule.outcome is Outcome.FAIL and rule.id not in skip and (rule.severity != INFO or rule.id in named_here):
            yield rule.id


def proven_by_clients(shown: Iterable[ShownByClient]) -> frozenset[str]:
    """The rules that caught faults show failing."""
    return frozenset(id for one in shown if one.outcome == "caught" for id in one.fault.caught_by)


def unexplained_of_clients(proven: frozenset[str]) -> tuple[str, ...]:
    """Rules about clients that no caught fault shows failing and that have no reason for it."""
    return tuple(
        one.id
        for one in all_rules()
        if is_about_clients(one) and one.id not in proven and one.id not in UNPROVEN_OF_CLIENTS
    )


def is_about_clients(rule: Rule) -> bool:
    """Whether a client can break it."""
    return rule.who != SERVICE
