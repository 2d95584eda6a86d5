"""The selftest itself: it passes on what is caught, and it fails when a rule no longer sees what it should see."""

import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping

import pytest

from harness.client.faults import CLIENT_FAULTS
from harness.errors import UsageError
from harness.fake.faults import FAULTS
from harness.faults.registry import Declared
from harness.rules import base
from harness.rules.base import CLIENT, SERVICE, Rule
from harness.rules.catalogue import REGISTRY
from harness.selftest import proof
from harness.selftest.proof import UNPROVEN, needs_fault, selftest, tasks_of, unexplained

ONE_OF_EACH_PLANE = (
    "key-missing",
    "key-slow",
    "key-cut-off",
    "call-without-location",
    "answer-unbundled",
    "ice-wrong-password",
    "dcep-wrong-parity",
    "session-created-twice",
    "event-binary",
    "filter-ignored",
    "rsp-done-twice",
    "item-create-ignored",
    "audio-silent",
    "rtp-sequence-jump",
)


@pytest.fixture(scope="module")
def shown() -> proof.Selftest:
    return selftest(names=ONE_OF_EACH_PLANE, clean=False)


def test_faults_of_every_plane_are_caught_by_their_rules(shown: proof.Selftest) -> None:
    assert [(one.name, one.outcome) for one in shown.shown] == [(name, "caught") for name in ONE_OF_EACH_PLANE]
    assert shown.passed
    assert {"HTTP-08", "HTTP-18", "ANS-05", "RSP-03", "MED-02"} <= set(shown.proven)


def test_the_json_says_what_was_declared_and_what_failed(shown: proof.Selftest) -> None:
    said = json.loads(json.dumps(shown.to_json()))
    assert said["passed"] is True
    assert said["summary"]["caught"] == len(ONE_OF_EACH_PLANE)
    first = said["faults"][0]
    assert first["fault"] == "key-missing"
    assert first["caught_by"] == first["failed"] == ["HTTP-08"]
    assert first["outcome"] == "caught"
    assert said["alarms"] == said["unexplained"] == []


def test_a_rule_that_has_gone_blind_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    blind = dataclasses.replace(REGISTRY["RSP-03"], check=lambda view: iter(()))
    monkeypatch.setitem(base._RULES, "RSP-03", blind)
    result = selftest(names=["rsp-done-twice"], clean=False)
    assert not result.passed
    assert result.shown[0].outcome == "missed"
    assert any("rsp-done-twice" in line and "RSP-03" in line for line in result.lines())


def test_a_rule_that_cries_wolf_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    def wolf(view: base.View) -> Iterator[base.Observation]:
        yield base.bad(view.trace.entries[0], "something else", "a sheep")

    monkeypatch.setitem(base._RULES, "RSP-05", dataclasses.replace(REGISTRY["RSP-05"], check=wolf))
    result = selftest(names=["rsp-done-twice"], clean=False)
    assert (result.shown[0].outcome, result.shown[0].extra) == ("extra", ("RSP-05",))


def test_a_bug_in_one_run_is_told_and_ends_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    real = proof.show

    def broken(name: str) -> proof.FaultRun:
        if name == "rsp-done-twice":
            raise RuntimeError("boom")
        return real(name)

    monkeypatch.setattr(proof, "show", broken)
    result = selftest(names=["rsp-done-twice", "key-missing"], clean=False)
    assert [one.name for one in result.shown] == ["key-missing"]
    assert not result.passed
    assert "boom" in result.alarms[0].failed[0]


def test_an_interrupted_selftest_keeps_what_it_has_and_proves_nothing() -> None:
    def impatient(name: str) -> None:
        raise KeyboardInterrupt

    result = selftest(names=["key-missing", "key-null"], clean=False, done=impatient)
    assert [one.name for one in result.shown] == ["key-missing"]
    assert (result.made, result.planned) == (1, 2)
    assert not result.passed
    assert not result.complete
    assert "? interrupted: 1 of 2 calls were made" in list(result.lines())


def test_a_rule_stands_for_the_faults_that_it_has_to_catch() -> None:
    assert tasks_of(["rsp-03", "rsp-done-twice"], clean=False) == ["rsp-done-missing", "rsp-done-twice"]
    assert tasks_of(["DC-02"], clean=False) == ["dtls-other-certificate", "fingerprint-of-another-certificate"]


def test_a_selftest_of_everything_makes_every_call() -> None:
    tasks = tasks_of()
    assert len(set(tasks)) == len(tasks)
    assert {*FAULTS, *CLIENT_FAULTS} < set(tasks)
    assert len(tasks) > len(FAULTS) + len(CLIENT_FAULTS) + 400


def test_a_selftest_of_a_few_faults_is_no_proof_of_all(shown: proof.Selftest) -> None:
    assert shown.passed
    assert not shown.complete
    assert shown.unexplained == ()
    assert shown.to_json()["unproven"] == []


@pytest.mark.parametrize(("side", "faults"), [("service", FAULTS), ("client", CLIENT_FAULTS)])
def test_every_rule_has_a_fault_or_a_reason(side: proof.Side, faults: Mapping[str, Declared]) -> None:
    named = {id for one in faults.values() for id in one.caught_by}
    assert unexplained(side, named) == ()
    assert not named & set(UNPROVEN[side]), "a rule that is proven needs no reason"
    assert all(needs_fault(REGISTRY[id], side) for id in UNPROVEN[side])
    assert unexplained(side, named - {"DC-02"}) == ("DC-02",)


def test_a_side_has_to_prove_the_rules_about_it() -> None:
    about: Callable[[str], list[Rule]] = lambda who: [one for one in REGISTRY.values() if one.who == who]  # noqa: E731
    assert not any(needs_fault(one, "service") for one in about(CLIENT))
    assert all(needs_fault(one, "client") for one in about(CLIENT))
    assert not any(needs_fault(one, "client") for one in about(SERVICE))
    assert needs_fault(REGISTRY["RSP-03"], "service")


def test_an_unknown_fault_is_refused_by_name() -> None:
    with pytest.raises(UsageError) as caught:
        selftest(names=["rsp-done-mising"])
    assert "rsp-done-missing" in caught.value.fix
