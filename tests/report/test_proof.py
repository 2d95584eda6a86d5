"""What a selftest proved, as reports tell it: claimed only where this very program made it, and nothing is claimed without it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from harness.report.html import conformance_html, proof_html, selftest_html
from harness.report.proof import Proof, proof_of, read_proof
from harness.report.write import write_reports, write_selftest
from harness.rules.base import MUST, REGISTRY
from harness.rules.catalogue import all_rules
from harness.selftest.calls import Alarm, FaultRun
from harness.selftest.proof import Selftest
from tests.judging.test_results import RESULT

CAUGHT = (FaultRun("rsp-done-twice", {"client": ("RSP-03",)}), FaultRun("second-channel", {"client": ("DC-04",)}))
MISSED = FaultRun("key-missing", {"client": ()}, ("HTTP-08",))


def document(*shown: FaultRun, alarms: tuple[Alarm, ...] = (), calls: tuple[int, int] = (9, 9)) -> dict[str, Any]:
    made = Selftest(shown or CAUGHT, clean=7, alarms=alarms, planned=calls[0], made=calls[1], whole=True, seconds=3.2)
    said: dict[str, Any] = json.loads(json.dumps(made.to_json()))
    return said


def test_each_rule_names_the_faults_that_show_it_failing() -> None:
    proof = proof_of(document())
    assert proof.doubt == ""
    assert {id: [one.name for one in shown] for id, shown in proof.by_rule.items()} == {
        "RSP-03": ["rsp-done-twice"],
        "DC-04": ["second-channel"],
    }
    assert sum(len(rows) for rows in proof.by_family.values()) == len(all_rules())
    assert proof.musts == {
        "all": sum(any(one.severity_in(name) == MUST for name in one.dialects) for one in REGISTRY.values()),
        "shown": 1,
    }
    assert {row.rule.id: set(row.reasons) for row in proof.musts_without}["DC-03"] == {"service", "client"}


def test_a_fault_that_was_missed_proves_nothing_and_is_told() -> None:
    proof = proof_of(document(*CAUGHT, MISSED, alarms=(Alarm("a.yaml::azure-ga", "nonconformant", ("RSP-01",), ()),)))
    assert not proof.passed
    assert "HTTP-08" not in proof.by_rule
    page = conformance_html([RESULT], seconds=1.0, proof=proof)
    assert "did not fail: HTTP-08" in page
    assert "a.yaml::azure-ga" in page
    assert '<span class="fail">✗ 2 of 3 faults caught, 1 false alarm in 7 clean runs</span>' in page


@pytest.mark.parametrize(
    ("change", "doubt"),
    [
        ({"harness": "0.0.1"}, "made by realtime-harness 0.0.1"),
        ({"revision": "000000000000"}, "rules and faults 000000000000"),
        ({"complete": False, "calls": {"planned": 9, "made": 4}}, "interrupted: 4 of 9 calls"),
        ({"faults": [{}]}, "cannot be read"),
        ({"client_faults": 7}, "cannot be read"),
    ],
)
def test_what_another_program_or_half_a_selftest_says_is_not_claimed(
    change: dict[str, Any], doubt: str, tmp_path: Path
) -> None:
    (tmp_path / "selftest.json").write_text(json.dumps(document() | change))
    proof = read_proof(tmp_path)
    assert doubt in proof.doubt
    assert not proof.passed
    assert not proof.by_rule
    page = conformance_html([RESULT], seconds=1.0, proof=proof)
    assert "Not proven here:" in page
    assert "faults caught" not in page


@pytest.mark.parametrize("text", ["", "[]", "7", '{"harness"', "\udcff"])
def test_a_file_that_is_no_selftest_proves_nothing(text: str, tmp_path: Path) -> None:
    (tmp_path / "selftest.json").write_bytes(text.encode("utf-8", "surrogateescape"))
    assert "cannot be read" in read_proof(tmp_path).doubt


def test_without_a_selftest_the_report_says_so(tmp_path: Path) -> None:
    page = write_reports([RESULT], tmp_path, seconds=1.0).read_text()
    assert "no proof included; run <code>harness selftest</code>" in page
    assert "No selftest was run beside this report." in page


def test_a_report_beside_a_selftest_tells_what_it_proved(tmp_path: Path) -> None:
    assert write_selftest(document(), tmp_path) == tmp_path / "selftest.html"
    page = write_reports([RESULT], tmp_path, seconds=1.0).read_text()
    assert "2 of 2 faults caught, no false alarms in 7 clean runs" in page
    assert 'href="selftest.html#rsp-done-twice"' in page
    live = write_reports([RESULT], tmp_path / "live", seconds=1.0, proof=read_proof(tmp_path, base="..")).read_text()
    assert 'href="../selftest.html#rsp-done-twice"' in live


def test_links_lead_to_what_the_page_of_the_selftest_has() -> None:
    page = selftest_html(proof_of(document(*CAUGHT, MISSED)))
    targets = re.findall(r' id="([^"]+)"', page)
    assert len(targets) == len(set(targets))
    assert {*re.findall(r'href="(?:selftest\.html)?#([^"]+)"', page)} <= set(targets)
    assert {"RSP-03", "rsp-done-twice", "key-missing"} <= set(targets)
    assert selftest_html(Proof("nobody knows")).count("Nobody knows.") == 1


def test_what_was_seen_is_never_markup() -> None:
    evil = "<script>alert(1)</script>"
    shown = FaultRun("rsp-done-twice", {"client": ()}, (), (f"bug: {evil}",))
    said = document(shown, alarms=(Alarm(evil, "bug in the harness", (evil,), ()),))
    for page in (selftest_html(proof_of(said)), proof_html(proof_of(said))):
        assert "<script" not in page
        assert "&lt;script&gt;" in page
