"""The calls of a selftest: what a fault shows is held against what it should show, at each end; a clean run has to be silent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from harness.client.faults import CLIENT_FAULTS
from harness.diagnosis import Trouble
from harness.fake.faults import FAULTS
from harness.judging.verdict import judge
from harness.rules.base import MUST, Outcome, RuleResult
from harness.running.runner import run_job
from harness.scenario.loader import load
from harness.selftest.calls import Alarm, FaultRun, Told, alarm, job_of, judged, judged_by_both, show
from harness.trace import Trace
from tests.traces import event, trace


@pytest.mark.parametrize("name", CLIENT_FAULTS)
def test_a_fault_is_caught_by_exactly_its_rules(name: str) -> None:
    shown = show(name)
    assert (shown.missed, shown.extra) == ((), ())


def test_a_clean_run_is_silent_and_a_finding_in_one_is_an_alarm() -> None:
    job = job_of(FAULTS["rsp-done-twice"], faults=())
    clean = run_job(job, load(job.path))
    assert alarm(clean) is None
    failed = replace(clean, rules=(RuleResult("RSP-03", Outcome.FAIL, MUST, 1),))
    assert alarm(failed) == Alarm(clean.id, "conformant", ("RSP-03",), ())
    troubled = replace(clean, troubles=(Trouble(7, "the service sent an error", "oops"),))
    assert alarm(troubled) == Alarm(clean.id, "conformant", ("the service sent an error (entry 7)",), ())
    left_open = replace(clean, rules=(RuleResult("RSP-03", Outcome.INCONCLUSIVE, MUST, 1),))
    assert alarm(left_open) == Alarm(clean.id, "conformant", (), ("RSP-03",))


def test_a_fault_shown_on_a_clean_run_is_missed() -> None:
    job = job_of(FAULTS["rsp-done-twice"], faults=())
    clean = run_job(job, load(job.path))
    assert judged(FAULTS["rsp-done-twice"], clean).missed == ("RSP-03",)
    assert judged(FAULTS["key-server-error"], clean).missed == ("service-error (but no cause)", "ends at key")


def both(*traces: Trace) -> Sequence[tuple[Trace, Told]]:
    return [(one, judge(one)) for one in traces]


def test_a_rule_that_fails_nothing_makes_the_fault_missed() -> None:
    fault = CLIENT_FAULTS["second-channel"]
    silent = {"client": both(trace(observer="client")), "service": both(trace(observer="service"))}
    shown = judged_by_both(fault, silent)
    assert shown.outcome == "missed"
    assert shown.missed == ("DC-04 at the client", "DC-04 at the service", "second-channel")


def test_a_rule_that_nobody_named_makes_the_fault_extra() -> None:
    shown = FaultRun("second-channel", {"client": ("DC-09", "DC-04")}, (), ("DC-09 at the client",))
    assert shown.outcome == "extra"
    said = shown.to_json()
    assert (said["of"], said["outcome"], said["failed"]) == ("client", "extra", ["DC-04", "DC-09"])
    assert said["failed_at"] == {"client": ["DC-09", "DC-04"]}


def test_another_cause_than_the_faults_own_makes_it_missed() -> None:
    fault = FAULTS["audio-clipped"]
    job = job_of(fault)
    found = run_job(job, load(job.path))
    assert judged(fault, found).outcome == "caught"
    assert judged(replace(fault, diagnosis="noise-for-speech"), found).missed == (
        "noise-for-speech (but audio-clipped)",
    )
    assert judged(replace(fault, diagnosis=None), found).missed == ("no cause (but audio-clipped)",)


def test_a_broken_rule_of_another_kind_is_not_its_cause() -> None:
    fault = FAULTS["rsp-done-twice"]
    job = job_of(fault)
    found = run_job(job, load(job.path))
    assert found.diagnosis[0].id == "rule-broken"
    (missed,) = judged(replace(fault, caught_by=("EVT-01",), also=()), found).missed[1:]
    assert missed.startswith("EVT-01 as the cause (but: A rule is broken: RSP-")


def test_a_milestone_that_is_reached_makes_its_fault_missed() -> None:
    fault = replace(CLIENT_FAULTS["no-session-update"], diagnosis="not-recognised")
    update = event(0.0, "client", "session.update", session={"type": "realtime"})
    reached = judged_by_both(fault, {"client": both(trace(update))})
    assert reached.missed == ("session.update at the client",)
    assert judged_by_both(replace(fault, diagnosis=None), {"client": both(trace())}).missed == ()


def test_a_bug_is_never_caught() -> None:
    fault = replace(CLIENT_FAULTS["no-session-update"], diagnosis=None)
    assert judged_by_both(fault, {"client": both(trace())}, bug="a check raised").outcome == "extra"
