"""A vocabulary: the events of one side of one generation, their fields and listed values, from a schema or from what was seen. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["event", "field", "value", "required", "type"]
Schema = Mapping[str, Any]
_DEEPEST = 12
_REFERENCE = "#/$defs/"


@dataclass(frozen=True, slots=True, order=True)
class Fact:
    """One thing that a vocabulary has: an event, a field of it (by its path, ``[]`` an element), a listed value, a type, that it is required."""

    event: str
    kind: Kind
    path: str = ""
    value: str = ""

    @property
    def text(self) -> str:
        """The fact as a person reads it."""
        place = f"{self.event}: {self.path}" if self.path else self.event
        return f"{place} {self.value}".rstrip()


@dataclass(frozen=True, slots=True)
class Place:
    """What a schema says of one field. ``values`` are the listed ones, None where any may stand there; ``open``: anything may be inside."""

    types: frozenset[str]
    values: frozenset[str] | None
    required: bool
    open: bool


@dataclass(frozen=True)
class Vocabulary:
    """The places of each event by their paths."""

    events: Mapping[str, Mapping[str, Place]] = field(default_factory=dict)

    def facts(self) -> Iterator[Fact]:
        """Everything that it has."""
        for event, places in self.events.items():
            yield Fact(event, "event")
            for path, place in places.items():
                yield Fact(event, "field", path)
                yield from (Fact(event, "value", path, value) for value in place.values or ())
                yield from (Fact(event, "type", path, name) for name in place.types)
                if place.required:
                    yield Fact(event, "required", path)


def vocabulary(whole: Schema) -> Vocabulary:
    """The vocabulary of a file of schemas: ``events`` by type, and the ``$defs`` that they refer to."""
    definitions = whole["$defs"]
    return Vocabulary({kind: _places(one, definitions) for kind, one in whole["events"].items()})


def _places(event: Schema, definitions: Schema) -> dict[str, Place]:
    found: dict[str, Place] = {}
    for path, place in _walk(event, definitions, "", required=False, above=()):
        known = found.get(path)
        found[path] = place if known is None else _either(known, place)
    return found


def _either(one: Place, other: Place) -> Place:
    """What stands there in one branch of a union or in another."""
    values = None if one.values is None or other.values is None else one.values | other.values
    return Place(one.types | other.types, values, one.required and other.required, one.open or other.open)


def _walk(
    schema: Schema, definitions: Schema, path: str, *, required: bool, above: tuple[str, ...]
) -> Iterator[tuple[str, Place]]:
    """The fields inside a schema. ``above`` are the definitions that this one is part of: one inside itself ends the walk."""
    branches = list(_branches(schema, definitions, above))
    names: dict[str, list[tuple[Schema, bool, tuple[str, ...]]]] = {}
    for branch, inside in branches:
        for name, inner in branch.get("properties", {}).items():
            names.setdefault(name, []).append((inner, name in branch.get("required", ()), inside))
        if "items" in branch:
            yield f"{path}[]", _place(branch["items"], definitions, False, inside)
            yield from _walk(branch["items"], definitions, f"{path}[]", required=False, above=inside)
    objects = sum("properties" in branch for branch, _ in branches)
    for name, several in names.items():
        here = f"{path}.{name}" if path else name
        needed = all(needs for _, needs, _ in several) and len(several) == objects
        for inner, _, inside in several:
            yield here, _place(inner, definitions, needed, inside)
            if here.count(".") < _DEEPEST:
                yield from _walk(inner, definitions, here, required=needed, above=inside)


def _branches(schema: Schema, definitions: Schema, above: tuple[str, ...]) -> Iterator[tuple[Schema, tuple[str, ...]]]:
    if "$ref" in schema:
        name = str(schema["$ref"]).removeprefix(_REFERENCE)
        if name not in above:
            yield from _branches(definitions[name], definitions, (*above, name))
    elif "anyOf" in schema:
        for one in schema["anyOf"]:
            yield from _branches(one, definitions, above)
    else:
        yield schema, above


def _place(schema: Schema, definitions: Schema, required: bool, above: tuple[str, ...]) -> Place:
    types: set[str] = set()
    values: set[str] = set()
    any_text = open_inside = False
    for branch, _ in _branches(schema, definitions, above):
        named = branch.get("type", ())
        own = {named} if isinstance(named, str) else set(named)
        types |= own
        listed = branch.get("enum", [branch.get("const")])
        values.update(str(one) for one in listed if one is not None)
        any_text |= not branch or "string" in own
        open_inside |= not branch or ("object" in own and "properties" not in branch)
    listed_only = None if any_text or not values else frozenset(values)
    return Place(frozenset(types), listed_only, required, open_inside)


@dataclass(frozen=True, slots=True)
class Example:
    """Where something was seen: the file and the number of the entry."""

    file: str
    entry: int

    def __str__(self) -> str:
        return f"{self.file}, entry {self.entry}"


@dataclass
class Seen:
    """What was seen of the events of one side: each fact with its first example, and in how many events it was seen."""

    facts: dict[Fact, Example] = field(default_factory=dict)
    times: Counter[Fact] = field(default_factory=Counter)

    def add(self, event: Mapping[str, Any], example: Example, known: Vocabulary) -> None:
        """Note an event. Fields inside of what is open in the vocabulary (metadata, schemas of functions) are not the protocol's."""
        kind = event.get("type")
        if not isinstance(kind, str):
            return
        places = known.events.get(kind, {})
        found = {Fact(kind, "event"): None}
        for path, value in _fields(event, places):
            found[Fact(kind, "field", path)] = None
            place = places.get(path)
            if isinstance(value, str) and place is not None and place.values is not None:
                found[Fact(kind, "value", path, value)] = None
        self.times.update(found.keys())
        for fact in found:
            self.facts.setdefault(fact, example)

    @property
    def events(self) -> list[str]:
        """The types of events that came."""
        return [fact.event for fact in self.facts if fact.kind == "event"]

    def around(self, fact: Fact) -> int:
        """In how many events that was seen which a field is part of: the event itself, or the field around it."""
        above = fact.path.rpartition(".")[0]
        return self.times[Fact(fact.event, "field", above) if above else Fact(fact.event, "event")]


def _fields(value: Any, places: Mapping[str, Place], path: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            here = f"{path}.{name}" if path else str(name)
            yield here, inner
            # What is within an unknown field is told by that field.
            if here in places and not places[here].open:
                yield from _fields(inner, places, here)
    elif isinstance(value, list):
        for inner in value:
            here = f"{path}[]"
            if here in places:
                yield here, inner
            if here not in places or not places[here].open:
                yield from _fields(inner, places, here)
