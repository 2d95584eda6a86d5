"""What a value of a scenario file stands for, where its type alone does not say it; and where such values stand in a file.

The model of each part marks its fields with a kind. The checks of event names, conditions, variables, settings and recordings, the
dialects that a scenario asks for, and the published JSON Schema all go by the kind: a new step needs no entry in any of them.
"""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import GetJsonSchemaHandler

from harness.scenario.values import Model

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Kind:
    """A kind of value. ``part``: its place in ``$defs`` of the JSON Schema, where the type says too little."""

    name: str
    part: str = ""

    def __get_pydantic_json_schema__(self, core: Any, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"x-part": self.part} if self.part else dict(handler(core))


AWAITED = Kind("an event that the service is expected to send", "ServerEvent")
FORBIDDEN = Kind("an event that the service must not send", "ServerEvent")
SENT = Kind("an event that the client sends", "SentEvent")
CONDITIONS = Kind("conditions on fields", "Where")
SAVED = Kind("variables and the fields they are saved from")
SETTINGS = Kind("session settings by their canonical words", "Session")
FILLED = Kind("text or JSON in which variables are filled in")
RECORDING = Kind("the file of a recording")

AwaitedEvent = Annotated[str, AWAITED]
Where = Annotated[dict[str, Any], CONDITIONS]
Save = Annotated[dict[str, str], SAVED]
Settings = Annotated[dict[str, Any], SETTINGS]
Recording = Annotated[str, RECORDING]


@dataclass(frozen=True)
class Marked:
    """A value of a kind, as it stands in a file, and its place."""

    kind: Kind
    path: Path
    value: Any


def marked(model: type[Model], raw: Any, path: Path = ()) -> Iterator[Marked]:
    """The values of a part of a file that have a kind, in the order of the model; what is malformed is passed over."""
    if not isinstance(raw, Mapping) or not model.describes(raw):
        return
    for name, field in model.model_fields.items():
        key = field.alias or name
        if key in raw:
            yield from (Marked(kind, (*path, key), raw[key]) for kind in field.metadata if isinstance(kind, Kind))
            yield from _within(field.annotation, raw[key], (*path, key))


def _within(annotation: Any, value: Any, path: Path) -> Iterator[Marked]:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        yield from (Marked(kind, path, value) for kind in arguments[1:] if isinstance(kind, Kind))
        yield from _within(arguments[0], value, path)
    elif origin in (Union, types.UnionType):
        for alternative in arguments:
            yield from _within(alternative, value, path)
    elif origin is list and isinstance(value, list):
        for number, element in enumerate(value):
            yield from _within(arguments[0], element, (*path, number))
    elif isinstance(annotation, type) and issubclass(annotation, Model):
        yield from marked(annotation, value, path)
