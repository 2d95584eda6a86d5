"""The published JSON Schema: valid itself, and agreeing with the loader on what is right and wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from harness.errors import ScenarioError
from harness.scenario.loader import loads, scenario_schema
from harness.scenario.source import parse
from harness.scenario.steps import STEPS
from tests.scenario.test_loader import GOOD


@pytest.fixture(scope="module")
def validator() -> Any:
    return jsonschema_rs.Draft202012Validator(scenario_schema())


def test_it_is_a_valid_schema_and_plain_json() -> None:
    schema = scenario_schema()
    assert jsonschema_rs.meta.is_valid(schema)
    assert json.loads(json.dumps(schema)) == schema
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_every_reference_leads_somewhere_and_every_part_is_described() -> None:
    schema = scenario_schema()
    names = {part["$ref"].removeprefix("#/$defs/") for part in _parts(schema) if "$ref" in part}
    assert names <= set(schema["$defs"])
    assert {step.__name__ for step in STEPS.values()} <= names
    assert all(schema["$defs"][step.__name__]["description"] for step in STEPS.values())


def test_defaults_of_durations_carry_their_unit() -> None:
    parts = scenario_schema()["$defs"]
    assert parts["Expect"]["properties"]["within"]["default"] == "10s"
    assert parts["Reply"]["properties"]["after"]["default"] == "0.32s"


def test_it_accepts_a_good_file(validator: Any) -> None:
    assert [error.message for error in validator.iter_errors(parse(GOOD, "x.yaml").value)] == []


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"title": 5},
        {"title": "x", "stepps": []},
        {"title": "x", "dialects": ["azure"]},
        {"title": "x", "dialects": []},
        {"title": "x", "steps": [{"wait": 5}]},
        {"title": "x", "steps": [{"wait": "5 hours"}]},
        {"title": "x", "steps": [{}]},
        {"title": "x", "steps": ["say"]},
        {"title": "x", "steps": [{"say": "caller-go-forward.wav", "wait": "1s"}]},
        {"title": "x", "steps": [{"hang_up": "now"}]},
        {"title": "x", "steps": [{"expect": "session.end"}]},
        {"title": "x", "steps": [{"expect": {"all_of": []}}]},
        {"title": "x", "steps": [{"expect": {"all_of": ["error"], "any_of": ["error"]}}]},
        {"title": "x", "steps": [{"expect": {"any_of": [{"event": "eror"}]}}]},
        {"title": "x", "steps": [{"expect": "error", "where": {"a": {"equal": 1}}}]},
        {"title": "x", "steps": [{"expect": "error", "where": {"a": {}}}]},
        {"title": "x", "steps": [{"expect": "error", "where": {"a..b": 1}}]},
        {"title": "x", "steps": [{"expect": "error", "where": {"a": {"at_least": "5"}}}]},
        {"title": "x", "steps": [{"tool": {"name": "f", "arguments": {"a": {"is": 1}}}}]},
        {"title": "x", "steps": [{"hear": {"within": "1s"}}]},
        {"title": "x", "steps": [{"hear": {"speech": "1s", "silence": "1s"}}]},
        {"title": "x", "steps": [{"send": {"type": "response.done"}}]},
        {"title": "x", "steps": [{"send": {"item": 1}}]},
        {"title": "x", "assert": {"fails": {"at": "kex"}}},
        {"title": "x", "assert": {"budgets": {"kex": "1s"}}},
        {"title": "x", "assert": {"budgets": {"key": {"p96": "1s"}}}},
        {"title": "x", "assert": {"budgets": {"key": {"p95": 1}}}},
        {"title": "x", "assert": {"budgets": {"key": {}}}},
    ],
)
def test_what_it_rejects_the_loader_rejects_too(validator: Any, wrong: dict[str, Any]) -> None:
    assert not validator.is_valid(wrong)
    with pytest.raises(ScenarioError):
        loads(json.dumps(wrong), Path("x.yaml"))


def _parts(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, dict):
        return [value, *(part for inner in value.values() for part in _parts(inner))]
    if isinstance(value, list):
        return [part for inner in value for part in _parts(inner)]
    return []
