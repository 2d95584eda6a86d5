"""The list of all faults."""

from __future__ import annotations

import json

from harness.client.faults import CLIENT_FAULTS
from harness.fake.faults import FAULTS
from harness.faults import faults_json, faults_text


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
