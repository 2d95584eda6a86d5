"""Whether an event is what its schema says: required fields, JSON types, listed values; of a client also no field too many.

The schemas are in schemas/, one file for each vocabulary and side, made from the official SDK's event models (OpenAI Python SDK
3.57.0, types/realtime and types/beta/realtime) with a few relaxations where the models are stricter than the service. They are
read and compiled when an event of their type is first seen.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from harness.protocol.dialects import Dialect
from harness.protocol.mismatch import Problem, problems_of

if TYPE_CHECKING:
    from jsonschema_rs import Validator

Side = Literal["client", "service"]
Schema = dict[str, Any]

WITHOUT_EVENT_ID = frozenset({"input_audio_buffer.dtmf_event_received"})
"""No event_id, alone of all server events (SIP only)."""

_FOLDER = Path(__file__).with_name("schemas")
_REFERENCE = "#/$defs/"


def problems(dialect: Dialect, by: Side, event: Mapping[str, Any]) -> list[str]:
    """What is wrong with an event that the client or the service sent, each in a short sentence; empty for a valid one.

    About a microsecond for a valid event. A service's event may have fields that no schema names. Never raises for what a peer sent.
    """
    return [str(one) for one in findings(dialect.generation.name, by, event)]


def findings(generation: str, by: Side, event: Mapping[str, Any]) -> tuple[Problem, ...]:
    """As :func:`problems`, each with its place and kind."""
    kind = event.get("type")
    if not isinstance(kind, str):
        return (Problem(("type",), "missing" if kind is None else "type", "must be the name of an event"),)
    validator = _validator(generation, by, kind)
    if validator is None:
        return (Problem(("type",), "value", f"is {kind!r}: the {by} has no such event"),)
    plain = event if isinstance(event, dict) else dict(event)
    try:
        if validator.is_valid(plain):
            return ()
        return problems_of(validator.iter_errors(plain), _schema(generation, by, kind))
    except ValueError as error:  # names or text that no JSON document can hold, such as half of a surrogate pair
        return (Problem((), "type", f"is no JSON: {error}"),)


def whole(file: str) -> Mapping[str, Any]:
    """A file of schemas by its name without the suffix (``ga-service``): ``source``, ``events`` by type, the ``$defs`` that they refer to."""
    generation, _, by = file.partition("-")
    return _file(generation, "client" if by == "client" else "service")


def types(generation: str, by: Side) -> frozenset[str]:
    """The types of events that have a schema."""
    return frozenset(_file(generation, by)["events"])


@cache
def _validator(generation: str, by: Side, kind: str) -> Validator | None:
    from jsonschema_rs import Draft202012Validator

    if kind not in _file(generation, by)["events"]:
        return None
    return Draft202012Validator(_schema(generation, by, kind))


@cache
def _file(generation: str, by: Side) -> Schema:
    whole: Schema = json.loads((_FOLDER / f"{generation}-{by}.json").read_text(encoding="utf-8"))
    return whole


def _schema(generation: str, by: Side, kind: str) -> Schema:
    """The schema of one event with the definitions that it needs and no others: compiling takes time by size."""
    whole = _file(generation, by)
    definitions: Schema = {}
    waiting = [*_references(whole["events"][kind])]
    while waiting:
        name = waiting.pop()
        if name not in definitions:
            definitions[name] = whole["$defs"][name]
            waiting += _needed(generation, by, name)
    return {**whole["events"][kind], "$defs": definitions}


@cache
def _needed(generation: str, by: Side, definition: str) -> tuple[str, ...]:
    """The definitions that one refers to: many events share the large ones."""
    return tuple(dict.fromkeys(_references(_file(generation, by)["$defs"][definition])))


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        if "$ref" in schema and isinstance(schema["$ref"], str):
            yield schema["$ref"].removeprefix(_REFERENCE)
        schema = list(schema.values())
    for inner in schema if isinstance(schema, list) else ():
        yield from _references(inner)
