"""The JSON Schema of a scenario file (draft 2020-12), made from the model; editors complete and check with it."""

from __future__ import annotations

from typing import Any

from harness.protocol.dialects import DIALECTS
from harness.protocol.sessions import SESSION_FIELDS
from harness.scenario.model import Scenario
from harness.scenario.network import PRESETS
from harness.scenario.steps import STEPS
from harness.scenario.vocabulary import CLIENT_NAMES, SERVER_NAMES

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_VARIABLE = {"type": "string", "pattern": r"^\$\{[^}]+\}$"}
_NUMBER = {"anyOf": [{"type": "number"}, _VARIABLE]}
_PATH = r"^[^.]+(\.[^.]+)*$"


def scenario_schema() -> dict[str, Any]:
    """A JSON Schema that every scenario file satisfies.

    It knows keys, types, units, event names and conditions. What depends on other parts of the file or on other files
    (variables, dialects that lack an event, recordings) only the loader checks.
    """
    schema: dict[str, Any] = _tidy(Scenario.model_json_schema(by_alias=True))
    parts = schema["$defs"]
    # The parts that the model leaves open because the loader reports their mistakes with better words.
    parts["ServerEvent"] = {
        "description": "A server event: its GA name, or its own in a dialect",
        "enum": sorted(SERVER_NAMES),
    }
    parts["ClientEvent"] = {"description": "A client event", "enum": sorted(CLIENT_NAMES)}
    parts["Condition"] = _condition()
    parts["Where"] = _where()
    parts["Session"] = _session()
    parts["SentEvent"] = {"type": "object", "properties": {"type": _ref("ClientEvent")}, "required": ["type"]}
    for word, step in STEPS.items():
        parts[step.__name__]["required"] = [word]
    properties = schema["properties"]
    parts["AnyNetwork"] = {
        "anyOf": [*({"const": name, "description": text} for name, (text, _) in PRESETS.items()), _ref("Network")]
    }
    properties["network"] = {"description": properties["network"]["description"], **_ref("AnyNetwork")}
    parts["Disturb"]["properties"]["network"] = _ref("AnyNetwork")
    properties["dialects"] = {
        "description": properties["dialects"]["description"],
        "type": "array",
        "minItems": 1,
        "items": {"enum": list(DIALECTS)},
    }
    properties["steps"]["items"] = {
        "description": "One step: its word, a colon, its value.",
        "anyOf": [
            *(_ref(step.__name__) for step in STEPS.values()),
            {"enum": [word for word, step in STEPS.items() if step.model_fields[word].annotation is type(None)]},
        ],
    }
    return {"$schema": _DIALECT, **schema, "title": "Scenario file"}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{name}"}


def _condition() -> dict[str, Any]:
    shapes: dict[str, dict[str, Any]] = {
        "equals": {},
        "matches": {"type": "string", "format": "regex", "description": "a regular expression that is searched for"},
        "one_of": {"type": "array", "minItems": 1},
        "at_least": dict(_NUMBER),
        "at_most": dict(_NUMBER),
        "contains": {"description": "a substring, or an element of a list"},
        "absent": {"type": "boolean"},
    }
    return {
        "description": "What a field must be; all of it must hold.",
        "type": "object",
        "properties": shapes,
        "additionalProperties": False,
        "minProperties": 1,
    }


def _where() -> dict[str, Any]:
    bare = {"type": ["string", "number", "boolean", "null", "array"]}
    return {
        "description": "Dotted path into the event (response.output.0.id) -> a value it must equal, or conditions.",
        "type": "object",
        "propertyNames": {"pattern": _PATH},
        "additionalProperties": {"anyOf": [bare, _ref("Condition")]},
    }


def _session() -> dict[str, Any]:
    words = {row.word: {"description": row.note} if row.note else {} for row in SESSION_FIELDS}
    return {
        "description": "Session settings by their canonical words; each dialect gets them in its own place and spelling.",
        "type": "object",
        "properties": words,
    }


def _tidy(schema: Any) -> Any:
    """Without generated titles and null defaults; default durations with a unit, as they are written in a file."""
    if isinstance(schema, list):
        return [_tidy(inner) for inner in schema]
    if not isinstance(schema, dict):
        return schema
    tidy: dict[str, Any] = {}
    for key, value in schema.items():
        if (key == "title" and isinstance(value, str)) or (key == "default" and value is None):
            continue
        if key == "default" and isinstance(value, float) and "pattern" in schema:
            value = f"{value:g}s"
        if key == "description" and isinstance(value, str):
            value = " ".join(value.replace("``", "").split())
        tidy |= _ref(value) if key == "x-part" else {key: _tidy(value)}
    return tidy
