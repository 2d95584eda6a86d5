"""What people add is added in one file: a copy of the package gets one new file, or one new row, and all of the program knows it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import harness

PACKAGE, SUITE = Path(harness.__file__).parent, Path(harness.__file__).parents[1] / "scenarios"

RULE = '''
"""NEW: a family of its own."""

from collections.abc import Iterator

from harness.rules.base import OBSERVED, SERVICE, SHOULD, Family, Observation, View, judged

FAMILY = Family("NEW", "A new family", rank=180, who=SERVICE)


@FAMILY.rule("01", SHOULD, OBSERVED, "own policy")
def short_ids(view: View) -> Iterator[Observation]:
    """a response's id is short

    Long ids do not fit on a screen.

    Okay:
        < response.created {"response": {"id": "r"}}
    Fail:
        < response.created {"response": {"id": "rrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrrr"}}
    """
    for created in view.server("response.created"):
        yield judged(created, len(created.event["response"]["id"]) < 60, "a short id", "a long one")
'''

FAULT = '''
"""A plane of its own."""

from harness.fake.faults.base import EVENTS, fault
from harness.fake.faults.edits import without

TEXT = "text/text-only-session-answers-in-writing.yaml"
fault("new-fault", "a response ends without a status", plane=EVENTS, caught_by=("RSP-05",), also=("EVT-06",), scenario=TEXT)(
    without("response.done", "response.status")
)
'''

DIAGNOSIS = '''
"""A cause of its own."""

from harness.diagnosis.base import Case, Evidence, cause


@cause("new-cause", "The key endpoint is out of order.", rank=1, fix="Call the operator.", source="own policy")
def new_cause(case: Case) -> Evidence:
    """A token request that is answered with 500."""
    return case.refused(500, step="key")
'''

STEP = '''
"""``greet``: say hello in writing."""

from typing import ClassVar

from harness.protocol.dialects import Dialect
from harness.scenario.stage import Stage
from harness.scenario.steps.base import Step


class Greet(Step):
    """Write a greeting to somebody."""

    word: ClassVar[str] = "greet"
    greet: str

    def describe(self, dialect: Dialect) -> str:
        """Whom."""
        return f"greet {self.greet}"

    async def take(self, stage: Stage) -> None:
        """Write it."""
        part = {"type": "input_text", "text": f"Hello {self.greet}"}
        stage.create_item({"type": "message", "role": "user", "content": [part]}, respond=True)
'''

GATEWAY = {
    "name": '"gateway"',
    "title": '"A gateway"',
    "key_url": '"https://gateway.example/rt/v2/keys"',
    "transcription_key_url": '"https://gateway.example/rt/v2/keys"',
    "call_url": '"https://gateway.example/rt/v2/offers"',
    "hangup_url": '"https://gateway.example/rt/v2/offers/{call_id}/end"',
    "auth": '(Auth("gateway-key", "x-gateway-key", "x-gateway-key: <key>"),)',
    "label": '"gateway-events"',
}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the package, where one thing is added."""
    shutil.copytree(PACKAGE, tmp_path / "harness", ignore=shutil.ignore_patterns("__pycache__", "suite"))
    for name in ("scenarios", "fixtures"):
        (tmp_path / name).symlink_to(PACKAGE.parent / name)
    return tmp_path / "harness"


def run(copy: Path, *words: str, code: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "harness.cli", *words],
        cwd=copy.parent,
        env={**os.environ, "PYTHONPATH": str(copy.parent), "PYTHONSAFEPATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def results(copy: Path) -> list[dict[str, object]]:
    runs: list[dict[str, object]] = json.loads((copy.parent / "out" / "results.json").read_text())["runs"]
    return runs


def test_a_rule_with_its_family(copy: Path) -> None:
    (copy / "rules" / "new.py").write_text(RULE)
    assert "a response's id is short" in run(copy, "explain", "NEW-01")
    assert "## NEW: A new family" in run(copy, "rules", "--markdown")
    run(copy, "run", str(SUITE / "text"), "-k", "answers-in-writing", "--dialect", "azure-ga", "--out", "out")
    (found,) = results(copy)
    assert {rule["id"]: rule["outcome"] for rule in found["rules"]}["NEW-01"] == "pass"  # type: ignore[attr-defined]


def test_a_fault(copy: Path) -> None:
    (copy / "fake" / "faults" / "new.py").write_text(FAULT)
    assert "new-fault" in run(copy, "faults")
    assert "faults caught" in run(copy, "selftest", "new-fault")


def test_a_diagnosis(copy: Path) -> None:
    (copy / "diagnosis" / "new.py").write_text(DIAGNOSIS)
    assert "Call the operator." in run(copy, "explain", "new-cause")
    text = "title: x\nsteps: [{expect: session.created}]\n"
    (copy.parent / "s.yaml").write_text(text)
    said = run(copy, "run", "s.yaml", "--dialect", "azure-ga", "--fault", "key-server-error", code=3)
    assert "The key endpoint is out of order." in said


def test_a_step(copy: Path) -> None:
    (copy / "scenario" / "steps" / "new.py").write_text(STEP)
    assert '"greet"' in run(copy, "schema")
    scenario = copy.parent / "s.yaml"
    scenario.write_text("title: x\nsteps: [{greet: you}, {expect: response.done}]\n")
    run(copy, "run", "s.yaml", "--dialect", "azure-ga")
    scenario.write_text("title: x\nsteps: [{gret: you}]\n")
    assert "did you mean 'greet'" in run(copy, "run", "s.yaml", code=2)


def test_a_dialect(copy: Path) -> None:
    """The whole suite runs in it; here the part that depends on addresses, headers and labels."""
    table = copy / "protocol" / "dialects.py"
    text = table.read_text()
    found = re.search(r'    Dialect\(\n        name="openai-ga".*?\n    \),\n', text, re.DOTALL)
    assert found
    row = found[0]
    for name, value in GATEWAY.items():
        row, changed = re.subn(
            rf"^        {name}=.*,$", lambda _, put=f"        {name}={value},": put, row, flags=re.MULTILINE
        )
        assert changed == 1
    table.write_text(text.replace(found[0], found[0] + row))
    assert "A gateway" in run(copy, "dialects")
    run(copy, "run", str(SUITE / "signaling"), str(SUITE / "errors"), "--dialect", "gateway", "--out", "out")
    runs = results(copy)
    assert len(runs) > 10
    assert {one["verdict"] for one in runs} == {"conformant"}
    judged = [rule for one in runs for rule in one["rules"] if rule["outcome"] != "not-applicable"]  # type: ignore[attr-defined]
    assert {"HTTP-03", "DC-04", "SES-03"} <= {rule["id"] for rule in judged if rule["outcome"] == "pass"}
