"""The list of all faults."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.client.faults import CLIENT_FAULTS
from harness.errors import ScenarioError
from harness.fake.faults import FAULTS
from harness.running.faults import check_faults, faults_json, faults_text
from harness.scenario.loader import load


def test_the_list_has_both_kinds() -> None:
    rows = faults_json()
    assert {row["fault"] for row in rows if row["of"] == "service"} == set(FAULTS)
    assert {row["fault"] for row in rows if row["of"] == "client"} == set(CLIENT_FAULTS)
    assert json.loads(json.dumps(rows)) == rows


def test_a_line_says_what_catches_the_fault_and_what_it_does() -> None:
    lines = [line.split() for line in faults_text()]
    assert ["no-opus", "OFF-05", "Opus", "is", "not", "offered"] in lines
    assert [line[:3] for line in lines if line[:1] == ["no-session-update"]] == [
        ["no-session-update", "no", "session.update"]
    ]


def test_every_fault_has_a_line() -> None:
    named = {line.split()[0] for line in faults_text() if line.startswith("  ")}
    assert named == {*FAULTS, *CLIENT_FAULTS}


def test_unknown_faults_in_a_scenario_are_told_with_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "scenario.yaml"
    path.write_text(
        "title: x\nsteps: []\ncaller:\n  faults: [no-opuss]\nfake:\n  faults:\n    - rsp-done-missing\n    - rsp-done-mising\n"
    )
    with pytest.raises(ScenarioError) as caught:
        check_faults(load(path))
    assert "scenario.yaml:8:7" in str(caught.value)
    assert "did you mean rsp-done-missing?" in str(caught.value)
    assert "4:12" in str(caught.value)
    assert "did you mean no-opus?" in str(caught.value)
