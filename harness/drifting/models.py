"""The event models of the vendor's SDK, where that is installed, as the JSON Schemas that this package ships.

On the way the schemas get smaller without a change of meaning: descriptions go, unions of plain types become one, equal definitions
become one, unions that come up again become a definition. Two things do change what is valid. Client events have no fields that the
models do not name, because a service refuses those; and the relaxations in :mod:`harness.drifting.relaxations` are applied.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module, metadata
from typing import Any, get_args

from harness.drifting.relaxations import RELAXATIONS, Relaxation

# File -> the package of the models and the union of the events.
UNIONS: Mapping[str, tuple[str, str]] = {
    "beta-client": ("openai.types.beta.realtime", "RealtimeClientEvent"),
    "beta-service": ("openai.types.beta.realtime", "RealtimeServerEvent"),
    "ga-client": ("openai.types.realtime", "RealtimeClientEvent"),
    "ga-service": ("openai.types.realtime", "RealtimeServerEvent"),
}
_PREFIX = "#/$defs/"
_ANNOTATIONS = frozenset({"title", "description", "default"})
# Shorter unions than this many characters are not worth a definition.
_WORTH_A_NAME = 80

Schema = dict[str, Any]


def installed() -> str | None:
    """The release of the SDK that is installed here; None: none is."""
    try:
        return metadata.version("openai")
    except metadata.PackageNotFoundError:
        return None


def generate(
    file: str, relaxations: tuple[Relaxation, ...] = RELAXATIONS, *, in_vain: list[str] | None = None
) -> Schema:
    """The content of one file: ``source``, ``events`` by type, and the ``$defs`` they refer to. Needs the SDK.

    Raises ValueError for a relaxation of something that is not there or that the models allow already; with ``in_vain`` it is left out
    and its reason put there.
    """
    from pydantic.json_schema import models_json_schema

    package, union = UNIONS[file]
    module = import_module(package)
    relaxed = [one for one in relaxations if file in one.files]
    events = get_args(get_args(getattr(module, union))[0])
    more = [getattr(module, name) for one in relaxed for name in _models_in(one.also) if hasattr(module, name)]
    keys, whole = models_json_schema(
        [(model, "validation") for model in (*events, *more)], ref_template=_PREFIX + "{model}"
    )
    definitions = {_short(key): _mapped(_simple, one) for key, one in whole["$defs"].items()}
    definitions = _repointed(definitions, {key: _short(key) for key in whole["$defs"]})
    for one in relaxed:
        try:
            _relax(definitions, one)
        except ValueError as error:
            if in_vain is None:
                raise
            in_vain.append(str(error))
    if file.endswith("client"):
        definitions = _mapped(_closed, definitions, names=True)
    definitions, renamed = _merged(definitions)
    names = {_type_of(model): keys[model, "validation"]["$ref"].removeprefix(_PREFIX) for model in events}
    by_type = {kind: definitions[renamed.get(_short(key), _short(key))] for kind, key in sorted(names.items())}
    by_type, definitions = _named_unions(by_type, definitions)
    source = f"OpenAI Python SDK {metadata.version('openai')}, {package}.{union}"
    return {"source": source, "events": by_type, "$defs": _reached(by_type, definitions)}


def _text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _type_of(model: Any) -> str:
    return str(get_args(model.model_fields["type"].annotation)[0])


def _short(key: str) -> str:
    """``openai__types__realtime__session__Session`` (a name that several modules use) -> ``session.Session``."""
    return ".".join(key.split("__")[-2:])


def _mapped(change: Callable[[Schema], Schema], value: Any, *, names: bool = False) -> Any:
    """Every schema within ``value`` changed, the inner ones first; ``names``: the keys are names and not keywords."""
    if isinstance(value, list):
        return [_mapped(change, one) for one in value]
    if not isinstance(value, dict):
        return value
    inner = {key: _mapped(change, one, names=not names and key == "properties") for key, one in value.items()}
    return inner if names else change(inner)


def _simple(schema: Schema) -> Schema:
    schema = {key: one for key, one in schema.items() if key not in _ANNOTATIONS}
    if schema.get("additionalProperties") is True:
        del schema["additionalProperties"]
    if "const" in schema:
        return {"const": schema["const"]}
    if "enum" in schema:
        return {"enum": schema["enum"]}
    return _union(schema["anyOf"]) if "anyOf" in schema else schema


def _union(branches: list[Schema]) -> Schema:
    """``anyOf`` of these, with what plain types and lists of values have in common written as one."""
    flat = [inner for one in branches for inner in (one["anyOf"] if set(one) == {"anyOf"} else [one])]
    if {} in flat:
        return {}
    types: list[str] = []
    values: list[Any] = []
    rest: list[Schema] = []
    for one in flat:
        if set(one) == {"type"}:
            types += one["type"] if isinstance(one["type"], list) else [one["type"]]
        elif set(one) in ({"const"}, {"enum"}):
            values += one.get("enum", [one.get("const")])
        elif one not in rest:
            rest.append(one)
    values = [one for one in dict.fromkeys(values) if not ("string" in types and isinstance(one, str))]
    types = list(dict.fromkeys([*types, *(["null"] if None in values else [])]))
    values = [one for one in values if one is not None]
    if values and types == ["null"]:
        values, types = [*values, None], []
    plain: list[Schema] = []
    if types:
        plain.append({"type": types[0] if len(types) == 1 else types})
    if values:
        plain.append({"const": values[0]} if len(values) == 1 else {"enum": values})
    return (plain + rest)[0] if len(plain + rest) == 1 else {"anyOf": rest + plain}


def _closed(schema: Schema) -> Schema:
    return {**schema, "additionalProperties": False} if "properties" in schema else schema


def _models_in(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if "model" in value:
            yield value["model"]
        for one in value.values():
            yield from _models_in(one)


def _relax(definitions: Schema, one: Relaxation) -> None:
    model = definitions.get(one.model)
    if model is None:
        raise ValueError(f"no model {one.model} to relax")
    before = _text(model)
    if one.optional and one.field in model.get("required", ()):
        model["required"] = [name for name in model["required"] if name != one.field]
    if one.also is not None:
        also = _mapped(lambda it: {"$ref": _PREFIX + it["model"]} if set(it) == {"model"} else it, dict(one.also))
        name, elements = one.field.removesuffix("[]"), one.field.endswith("[]")
        place = (
            next(it for it in _branches(model["properties"][name]) if "items" in it)
            if elements
            else model["properties"]
        )
        field = "items" if elements else name
        place[field] = _union([place[field], also]) if field in place else also
    if _text(model) == before:
        raise ValueError(f"{one.model}.{one.field} needs no relaxation: {one.reason}")


def _branches(schema: Schema) -> list[Schema]:
    return list(schema.get("anyOf", [schema]))


def _merged(definitions: Schema) -> tuple[Schema, dict[str, str]]:
    """Equal definitions made one, under the shortest of their names; old name -> the name that is left."""
    renamed: dict[str, str] = {}
    while True:
        first: dict[str, str] = {}
        again: dict[str, str] = {}
        for name in sorted(definitions, key=lambda it: (len(it), it)):
            same = first.setdefault(_text(definitions[name]), name)
            if same != name:
                again[name] = same
        if not again:
            return definitions, renamed
        renamed = {**{old: again.get(new, new) for old, new in renamed.items()}, **again}
        definitions = _repointed({name: one for name, one in definitions.items() if name not in again}, again)


def _repointed(definitions: Schema, renamed: Mapping[str, str]) -> Schema:
    """The definitions with their references to the new names."""

    def point(schema: Schema) -> Schema:
        name = str(schema.get("$ref", "")).removeprefix(_PREFIX)
        return {"$ref": _PREFIX + renamed[name]} if name in renamed else schema

    changed: Schema = _mapped(point, definitions, names=True)
    return changed


def _named_unions(events: Schema, definitions: Schema) -> tuple[Schema, Schema]:
    """Long unions that come up more than once become definitions, named after the first field that has them."""
    count: Counter[str] = Counter()
    fields: dict[str, str] = {}

    def look(schema: Schema) -> Schema:
        for field, one in schema.get("properties", {}).items():
            for union in (one, one.get("items")):
                if isinstance(union, dict) and "anyOf" in union:
                    fields.setdefault(_text(union), field)
        if "anyOf" in schema:
            count[_text(schema)] += 1
        return schema

    _mapped(look, [*events.values(), *definitions.values()])
    names: dict[str, str] = {}
    for union, field in fields.items():
        if count[union] > 1 and len(union) >= _WORTH_A_NAME:
            number = sum(name.split(".")[0] == field for name in names.values())
            names[union] = f"{field}.{number + 1}" if number else field
    added = {name: json.loads(union) for union, name in names.items()}

    def point(schema: Schema) -> Schema:
        name = names.get(_text(schema)) if "anyOf" in schema else None
        return schema if name is None else {"$ref": _PREFIX + name}

    return _mapped(point, events, names=True), {**_mapped(point, definitions, names=True), **added}


def _reached(events: Schema, definitions: Schema) -> Schema:
    names: set[str] = set()
    waiting: list[Any] = [*events.values()]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            name = value.get("$ref")
            if isinstance(name, str) and name not in names:
                names.add(name)
                waiting.append(definitions[name.removeprefix(_PREFIX)])
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return {name: one for name, one in sorted(definitions.items()) if _PREFIX + name in names}
