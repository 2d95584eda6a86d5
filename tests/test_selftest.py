"""The selftest itself: it passes on what is caught, and it fails when a rule no longer sees what it should see."""

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness import selftest as proof
from harness.errors import ScenarioError, UsageError
from harness.fake.faults import FAULTS
from harness.rules import base
from harness.rules.base import MUST, Outcome, Rule, RuleResult
from harness.rules.catalogue import REGISTRY
from harness.runner import run_job
from harness.scenario.loader import load
from harness.selftest import Alarm, alarm, job_of, judged, selftest
from harness.service_faults import check_service_faults

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


def test_a_clean_run_is_silent_and_a_finding_in_one_is_an_alarm() -> None:
    job = dataclasses.replace(job_of(FAULTS["rsp-done-twice"]), faults=())
    clean = run_job(job, load(job.path))
    assert alarm(clean) is None
    failed = dataclasses.replace(clean, rules=(RuleResult("RSP-03", Outcome.FAIL, MUST, 1),))
    assert alarm(failed) == Alarm(clean.id, "conformant", ("RSP-03",), ())
    left_open = dataclasses.replace(clean, rules=(RuleResult("RSP-03", Outcome.INCONCLUSIVE, MUST, 1),))
    assert alarm(left_open) == Alarm(clean.id, "conformant", (), ("RSP-03",))


def test_a_fault_shown_on_a_clean_run_is_missed() -> None:
    job = dataclasses.replace(job_of(FAULTS["rsp-done-twice"]), faults=())
    clean = run_job(job, load(job.path))
    assert judged(FAULTS["rsp-done-twice"], clean).missed == ("RSP-03",)
    assert judged(FAULTS["key-server-error"], clean).missed == ("service-error", "ends at key")


def test_a_bug_in_one_run_is_told_and_ends_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    real = proof.run_job

    def broken(job: object, loaded: object) -> object:
        if "rsp-done-twice" in job.faults:  # type: ignore[attr-defined]
            raise RuntimeError("boom")
        return real(job, loaded)  # type: ignore[arg-type]

    monkeypatch.setattr(proof, "run_job", broken)
    result = selftest(names=["rsp-done-twice", "key-missing"], clean=False)
    assert [one.name for one in result.shown] == ["key-missing"]
    assert not result.passed
    assert "boom" in result.alarms[0].failed[0]


def test_every_must_about_the_service_has_a_fault_or_a_reason() -> None:
    assert list(proof.unexplained({id for one in FAULTS.values() for id in one.caught_by})) == []


def test_reasons_stand_only_where_there_is_no_fault() -> None:
    by_fault = {id for one in FAULTS.values() for id in one.caught_by}
    assert set(proof.UNPROVEN) <= set(REGISTRY)
    assert not set(proof.UNPROVEN) & by_fault
    assert all(proof.is_must_of_service(REGISTRY[id]) for id in proof.UNPROVEN)


def test_rules_about_clients_alone_are_not_asked_of_the_service() -> None:
    about_clients: list[Rule] = [one for one in REGISTRY.values() if one.who == base.CLIENT]
    assert about_clients
    assert not any(proof.is_must_of_service(one) for one in about_clients)


def test_an_unknown_fault_is_refused_by_name() -> None:
    with pytest.raises(UsageError) as caught:
        selftest(names=["rsp-done-mising"])
    assert "rsp-done-missing" in caught.value.fix


def test_an_unknown_fault_in_a_scenario_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text("title: x\nsteps: []\nfake:\n  faults:\n    - rsp-done-missing\n    - rsp-done-mising\n")
    with pytest.raises(ScenarioError, match="rsp-done-missing") as caught:
        check_service_faults(load(path))
    assert "scenario.yaml:6:7" in str(caught.value)
