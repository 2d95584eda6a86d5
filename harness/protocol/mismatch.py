"""What a JSON Schema validator found, in short sentences: of a union only the branch that was meant, told by ``type`` and ``role``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from harness.errors import nearest

if TYPE_CHECKING:
    from jsonschema_rs import ValidationError

Place = tuple[str | int, ...]

TELLING = ("type", "role")
"""The fields that tell the kinds of session, item, content, tool and turn detection apart."""

_LONGEST = 60
_TYPES: Mapping[str, str] = {
    "array": "a list",
    "boolean": "true or false",
    "integer": "an integer",
    "null": "null",
    "number": "a number",
    "object": "an object",
    "string": "a string",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where, of what kind ("missing", "type", "value": not one of a list, "unknown": a field), in words.

    Of kind "type" and "value" it has the ``value`` that is there, and which could be: ``types`` by JSON Schema's names, ``values``.
    """

    place: Place
    kind: Literal["missing", "type", "value", "unknown"]
    text: str
    value: Any = field(default=None, compare=False)
    types: tuple[str, ...] = field(default=(), compare=False)
    values: tuple[Any, ...] = field(default=(), compare=False)

    @property
    def path(self) -> str:
        """The place as the services write it: ``session.tools[0].name``."""
        written = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in self.place)
        return written.removeprefix(".") or "the event"

    def __str__(self) -> str:
        return f"{self.path} {self.text}"


def problems_of(errors: Iterable[ValidationError], schema: Mapping[str, Any]) -> tuple[Problem, ...]:
    """The problems behind a validator's errors; ``schema`` is the one it was made from."""
    return tuple(problem for error in errors for problem in _problems(error, schema))


def _problems(error: ValidationError, schema: Mapping[str, Any]) -> Iterator[Problem]:
    kind: Any = error.kind
    place = tuple(error.instance_path)
    if kind.name == "anyOf":
        yield from _of_union(place, error.instance, kind.context, schema)
    elif kind.name == "required":
        yield _missing(error, schema)
    elif kind.name == "additionalProperties":
        known = _at(schema, error.schema_path[:-1]).get("properties", ())
        for name in kind.unexpected:
            yield Problem((*place, name), "unknown", f"is no known field{_nearest(name, known)}")
    else:
        yield _mismatch(place, error.instance, [error])


def _of_union(
    place: Place, value: Any, branches: Sequence[Sequence[ValidationError]], schema: Mapping[str, Any]
) -> Iterator[Problem]:
    meant = [
        errors for errors in branches if not any(tuple(one.instance_path) == place and _is_plain(one) for one in errors)
    ]
    if not meant:
        yield _mismatch(place, value, [one for errors in branches for one in errors])
        return
    for name in TELLING:
        told = [[one for one in errors if _tells(one, place, name)] for errors in meant]
        if all(told) and len(meant) > 1:
            known = isinstance(value, dict) and name in value
            first = [errors[0] for errors in told]
            yield _mismatch((*place, name), value[name], first) if known else _missing(first[0], schema, first)
            return
        meant = [errors for errors, against in zip(meant, told, strict=True) if not against] or meant
    nearest = min(meant, key=len)
    yield from problems_of(nearest, schema)


def _tells(error: ValidationError, place: Place, name: str) -> bool:
    """True where the field ``name`` of the value at ``place`` speaks against this branch."""
    kind: Any = error.kind
    if kind.name == "required":
        return tuple(error.instance_path) == place and bool(kind.property == name)
    return tuple(error.instance_path) == (*place, name) and _is_plain(error)


def _is_plain(error: ValidationError) -> bool:
    return error.kind.name in ("type", "const", "enum")


def _missing(error: ValidationError, schema: Mapping[str, Any], others: Sequence[ValidationError] = ()) -> Problem:
    name: str = error.kind.property  # type: ignore[attr-defined]
    fields = [_at(schema, one.schema_path[:-1])["properties"].get(name, {}) for one in others or [error]]
    values = [value for field in fields for value in field.get("enum", [field["const"]] if "const" in field else [])]
    listed = f"; it is {_one_of(map(repr, values))}" if values else ""
    return Problem((*error.instance_path, name), "missing", f"is missing{listed}")


def _mismatch(place: Place, value: Any, errors: Sequence[ValidationError]) -> Problem:
    kinds: list[Any] = [error.kind for error in errors]
    types = dict.fromkeys(name for kind in kinds if kind.name == "type" for name in kind.types)
    values = dict.fromkeys(one for kind in kinds if kind.name != "type" for one in _listed(kind))
    # Null stands for "not given" nearly everywhere: to name it as a choice would only be noise.
    if len(types) + len(values) > 1:
        types.pop("null", None)
        values.pop(None, None)
    expected = _one_of([*(_TYPES[name] for name in types), *map(repr, values)])
    listed = any(type(one) is type(value) for one in values)
    text = f"is {_shown(value, listed)}, not {expected}"
    return Problem(place, "value" if listed else "type", text, value, tuple(types), tuple(values))


def _listed(kind: Any) -> Sequence[Any]:
    return kind.options if kind.name == "enum" else [kind.expected_value]


def _one_of(words: Iterable[str]) -> str:
    *most, last = dict.fromkeys(words)
    return f"{', '.join(most)} or {last}" if most else last


def _shown(value: Any, listed: bool) -> str:
    if listed:
        written = repr(value)
        return written if len(written) <= _LONGEST else written[: _LONGEST - 1] + "…"
    if isinstance(value, bool):
        return "true" if value else "false"
    return {dict: "an object", list: "a list", str: "a string", type(None): "null"}.get(type(value)) or str(value)


def _nearest(name: str, known: Iterable[str]) -> str:
    near = nearest(name, known)
    return f"; did you mean {near}?" if near else ""


def _at(schema: Any, path: Sequence[str | int]) -> Any:
    for part in path:
        schema = schema[part]
    return schema
