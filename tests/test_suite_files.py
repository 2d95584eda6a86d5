"""The files under scenarios/: every one loads, satisfies the published schema, finds its recordings, and has a title of its own."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from harness.protocol.dialects import DIALECTS
from harness.scenario.loader import find, load, resolve_audio, scenario_schema
from harness.scenario.model import Say
from harness.scenario.source import parse

ROOT = Path(__file__).parent.parent
SUITE = ROOT / "scenarios"
FILES = find([SUITE])


def name_of(path: Path) -> str:
    return path.relative_to(SUITE).as_posix()


@pytest.fixture(scope="module")
def validator() -> Any:
    return jsonschema_rs.Draft202012Validator(scenario_schema())


def test_the_suite_is_not_empty() -> None:
    assert len(FILES) >= 12


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_every_file_loads_and_says_what_it_is_about(path: Path) -> None:
    scenario = load(path).scenario
    assert scenario.title
    assert scenario.description
    assert path.parent.parent == SUITE, "scenarios lie in folders by area"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_every_file_satisfies_the_published_schema(path: Path, validator: Any) -> None:
    value = parse(path.read_text(encoding="utf-8"), name_of(path)).value
    assert [f"{error.instance_path}: {error.message}" for error in validator.iter_errors(value)] == []


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_every_recording_is_one_of_the_fixtures(path: Path) -> None:
    scenario = load(path).scenario
    named = [step.say for step in scenario.steps if isinstance(step, Say)]
    named += [reply.audio for reply in scenario.fake.replies if reply.audio]
    for name in named:
        assert resolve_audio(path, name) == ROOT / "fixtures" / "audio" / name


def test_titles_are_unique() -> None:
    titles = Counter(load(path).scenario.title for path in FILES)
    assert [title for title, count in titles.items() if count > 1] == []


def test_every_dialect_is_exercised() -> None:
    assert {name for path in FILES for name in load(path).dialects} == set(DIALECTS)


@pytest.mark.parametrize(
    ("name", "dialects"),
    [
        ("signaling/the-seeds-flow.yaml", set(DIALECTS)),
        ("errors/unknown-deployment-is-refused.yaml", {"azure-preview", "azure-ga"}),
        ("filter/only-the-listed-events-arrive.yaml", {"azure-ga"}),
        ("session/temperature-is-a-setting-of-the-beta-session.yaml", {"azure-preview", "openai-beta"}),
    ],
)
def test_scenarios_run_in_every_dialect_that_can(name: str, dialects: set[str]) -> None:
    assert set(load(SUITE / name).dialects) == dialects
