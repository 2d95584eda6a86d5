"""The files under scenarios/: every one loads, satisfies the published schema, finds its recordings, and has a title of its own."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from harness.protocol.dialects import DIALECTS
from harness.scenario.loader import find, load, resolve_audio, scenario_schema
from harness.scenario.source import parse
from harness.scenario.steps.say import Say

ROOT = Path(__file__).parent.parent
SUITE = ROOT / "scenarios"
FILES = find([SUITE])


def name_of(path: Path) -> str:
    return path.relative_to(SUITE).as_posix()


@pytest.fixture(scope="module")
def validator() -> Any:
    return jsonschema_rs.Draft202012Validator(scenario_schema())


AREAS = {
    "browser",
    "signaling", "session", "turns", "responses", "text", "tools", "interruption", "transcription", "errors", "filter", "audio",
    "limits", "network",
}  # fmt: skip


def test_the_suite_has_its_size_and_its_areas() -> None:
    areas = Counter(path.parent.name for path in FILES)
    assert set(areas) == AREAS
    assert sum(areas.values()) >= 120
    assert areas.pop("browser") >= 1, "one call shows all that a browser asks for"
    assert min(areas.values()) >= 5


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


def test_every_dialect_is_exercised_in_every_area_it_has() -> None:
    runs = Counter((path.parent.name, name) for path in FILES for name in load(path).dialects)
    files = Counter(name for path in FILES for name in load(path).dialects)
    assert set(files) == set(DIALECTS)
    assert min(files.values()) >= 100
    missing = {(area, name) for area in AREAS for name in DIALECTS if not runs[area, name]}
    assert missing == {("filter", name) for name, row in DIALECTS.items() if not row.filter}


def asked_of(name: str) -> list[dict[str, Any]]:
    value: dict[str, Any] = parse((SUITE / name).read_text(encoding="utf-8"), name).value
    return [step for step in value.get("steps", []) if isinstance(step, dict)]


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_every_file_asks_for_something_that_can_fail(path: Path) -> None:
    """A walk of steps that only speak and wait, or forbid, would pass on a service that does nothing."""
    failure = load(path).scenario.assert_.fails
    assert failure or any({"expect", "hear", "tool"} & step.keys() for step in asked_of(name_of(path)))


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_an_expected_error_is_not_forbidden_and_others_are(path: Path) -> None:
    """Where no error is expected, none may come, unless the run is to fail or errors cannot be seen."""
    scenario, steps = load(path).scenario, asked_of(name_of(path))
    expected = any(step.get("expect") == "error" for step in steps)
    forbidden = any(step.get("never") == "error" for step in steps)
    assert not (expected and forbidden)
    assert expected or forbidden or scenario.assert_.fails or scenario.caller.webrtcfilter


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
