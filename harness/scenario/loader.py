"""A scenario file, from YAML to the model: every mistake in it found at once, each with its line, column and the nearest known word."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from harness.errors import ScenarioError
from harness.scenario import source as yaml_source
from harness.scenario.check import check, step_word
from harness.scenario.files import find, resolve_audio, suite_dir
from harness.scenario.match import as_text
from harness.scenario.model import Scenario
from harness.scenario.requirements import dialects_of
from harness.scenario.schema import scenario_schema
from harness.scenario.source import Source
from harness.scenario.steps import STEPS
from harness.scenario.vocabulary import did_you_mean

__all__ = [
    "LoadedScenario",
    "dialects_of",
    "find",
    "load",
    "loads",
    "resolve_audio",
    "scenario_schema",
    "suite_dir",
]

Location = tuple[int | str, ...]
# Stands in for a step that is wrong already, so that the steps after it keep their numbers.
_PLACEHOLDER: Mapping[str, Any] = {"hang_up": None}


@dataclass(frozen=True)
class LoadedScenario:
    """A scenario with the file it came from. ``lines``: step number, from 1, to its line; 0 is the ``assert`` block, if there is one.

    ``warnings``: what is not wrong and should be known, such as a model that ends; ``file:line:column: what``.
    """

    path: Path
    scenario: Scenario
    lines: Mapping[int, int] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def dialects(self) -> tuple[str, ...]:
        """The dialects it runs in."""
        return dialects_of(self.scenario)

    def where(self, step: int) -> str:
        """``file:line`` of a step, as it is put in front of a message."""
        return f"{self.path}:{self.lines.get(step, 1)}"


def load(path: str | Path) -> LoadedScenario:
    """Read and check a scenario file.

    Raises ScenarioError that names all mistakes, one line each, in the order of the file: ``file:line:column: what``.
    """
    path = Path(path)
    try:
        raw = path.read_bytes()
    except OSError as error:
        fix = "name a file in it" if path.is_dir() else "give the path of a scenario file"
        raise ScenarioError((error.strerror or str(error)).lower(), where=str(path), fix=fix) from error
    return loads(yaml_source.decode(raw, str(path)), path)


def loads(text: str, path: Path) -> LoadedScenario:
    """As :func:`load`, for a text that is already there; ``path`` is its name, and recordings are looked for beside it."""
    source = yaml_source.parse(text, str(path))
    if not isinstance(source.value, dict):
        source.report(source.at(()), "a scenario is a mapping that begins with title: and has steps:")
        source.raise_problems()
    scenario = _validate(source)
    check(source, source.value, path)
    source.raise_problems()
    assert scenario is not None  # a scenario that is not valid has raised its problems
    lines = {number + 1: source.at(("steps", number)).line for number in range(len(scenario.steps))}
    if "assert" in source.value:
        lines[0] = source.at_key(("assert",)).line
    warnings = tuple(f"{path}:{place.line}:{place.column}: {text}" for place, text in source.warnings)
    return LoadedScenario(path, scenario, lines, warnings)


def _validate(source: Source) -> Scenario | None:
    value = dict(source.value)
    if isinstance(value.get("steps"), list):
        steps = [(step, step_word(source, step, ("steps", number))) for number, step in enumerate(value["steps"])]
        value["steps"] = [_PLACEHOLDER if word is None else step for step, word in steps]
    try:
        return Scenario.model_validate(value)
    except ValidationError as error:
        for problem in error.errors(include_url=False):
            _report(source, value, problem)
    return None


def _report(source: Source, value: Mapping[str, Any], problem: ErrorDetails) -> None:
    """Report one of pydantic's errors in words of the file, at its place."""
    path, at_key = _path_in_file(value, problem["loc"])
    given = _at(value, path)
    kind = problem["type"]
    name = next((part for part in reversed(path) if isinstance(part, str)), "the scenario")
    if kind == "string_type" and problem["loc"][-1:] == ("str",) and isinstance(given, (Mapping, list)):
        return  # the other half of "text or mapping" says it better
    if len(path) == 2 and path[0] == "steps" and isinstance(given, str):
        source.report(source.at(path), f"{given} needs a value; write {given}: and what")
    elif kind == "missing":
        missing = problem["loc"][-1]
        source.report(source.at(path), f"{_owner(path)} needs {missing!r}")
    elif kind == "extra_forbidden":
        known = _known_keys(path[:-1], value)
        unused = [key for key in known if key not in _at(value, path[:-1])]
        hint = did_you_mean(str(name), unused, otherwise=f"; known here: {', '.join(known)}")
        source.report(source.at_key(path), f"unknown key {name!r}{hint}")
    elif kind == "literal_error":
        allowed = re.findall(r"'([^']*)'", str(problem.get("ctx", {}).get("expected", "")))
        word = str(problem["input"])
        otherwise = f"; it is one of {', '.join(allowed)}"
        place = source.at_key(path) if at_key else source.at(path)
        source.report(
            place, f"{as_text(problem['input'])} is not known here{did_you_mean(word, allowed, otherwise=otherwise)}"
        )
    elif kind == "value_error":
        source.report(source.at(path), f"{name}: {problem.get('ctx', {}).get('error', problem['msg'])}")
    else:
        source.report(source.at(path), f"{name}: {_must_be(kind, problem['msg'], path)}, not {as_text(given)}")


_TYPES: Mapping[str, str] = {
    "string_type": "must be text (in quotes, where it looks like something else)",
    "list_type": "must be a list",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "model_attributes_type": "must be a mapping",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "none_required": "takes no value",
}


def _must_be(kind: str, message: str, path: Location) -> str:
    if path and path[-1] == "expect" and kind in ("string_type", "model_type", "model_attributes_type"):
        return "must be an event name, {all_of: [...]} or {any_of: [...]}"
    return _TYPES.get(kind, message)


def _path_in_file(value: Any, location: Location) -> tuple[Location, bool]:
    """The part of a pydantic location that stands in the file (tags of unions do not), and whether the key itself is meant."""
    path: list[int | str] = []
    here: Any = value
    at_key = False
    for number, part in enumerate(location):
        if len(path) == 2 and path[0] == "steps" and number == 2 and part in STEPS:
            if isinstance(here, str):
                break
            continue  # the tag that tells the kind of step
        if part == "[key]":
            at_key = True
        elif (isinstance(here, Mapping) and part in here) or (isinstance(here, list) and isinstance(part, int)):
            path.append(part)
            here = _at(here, (part,))
    return tuple(path), at_key


def _at(value: Any, path: Location) -> Any:
    for part in path:
        value = value[part]
    return value


def _owner(path: Location) -> str:
    """What a missing key is missing from."""
    names = [part for part in path if isinstance(part, str)]
    return names[-1] if names else "a scenario"


def _known_keys(path: Location, value: Any) -> list[str]:
    """The keys that the model knows at this place of the file."""
    model: type[BaseModel] = Scenario
    here: Any = value
    for number, part in enumerate(path):
        here = here[part]
        if number == 1 and path[0] == "steps":
            model = next((STEPS[key] for key in here if key in STEPS), model)
        if isinstance(part, int):
            continue
        inner = next((info for name, info in model.model_fields.items() if part in (name, info.alias)), None)
        models = list(_models_in(inner.annotation)) if inner is not None else []
        model = models[0] if models else model
    return [info.alias or name for name, info in model.model_fields.items()]


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from _models_in(inner)
