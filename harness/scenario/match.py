"""Pure matching of events against ``where``: dotted paths, conditions, variables. Never raises for what an event contains."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from harness.errors import ScenarioError
from harness.protocol.dialects import Dialect
from harness.protocol.sessions import SESSION_FIELDS, SessionField

CONDITIONS: tuple[str, ...] = ("equals", "matches", "one_of", "at_least", "at_most", "contains", "absent")

_VARIABLE = re.compile(r"\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_-]*)\}")
_LONGEST_TEXT = 160


class Missing(Enum):
    """The type of :data:`MISSING`."""

    MISSING = "absent"


MISSING: Final = Missing.MISSING
"""What :func:`lookup` returns where a path leads nowhere. A JSON null is not missing: it is None."""


@dataclass(frozen=True, slots=True)
class Mismatch:
    """The first condition that does not hold: at which path, what was asked for, what is there; both as text for a person."""

    path: str
    expected: str
    actual: str

    def __str__(self) -> str:
        return f"expected {self.path} {self.expected}, got {self.actual}"


def lookup(event: Any, path: str) -> Any:
    """The value at a dotted path; a number is an index into a list: ``response.output.0.content.0.transcript``.

    Returns :data:`MISSING` where a part of the path is not there.
    """
    value = event
    for part in path.split("."):
        if isinstance(value, Mapping):
            if part not in value:
                return MISSING
            value = value[part]
        elif isinstance(value, (list, tuple)) and part.isascii() and part.isdigit() and len(part) < 10:
            if int(part) >= len(value):
                return MISSING
            value = value[int(part)]
        else:
            return MISSING
    return value


def matches(
    event: Any, where: Mapping[str, Any], variables: Mapping[str, Any], *, dialect: Dialect | None = None
) -> Mismatch | None:
    """None when every condition of ``where`` holds for ``event``, else the first that does not.

    ``where`` maps dotted paths to a bare value (it must be equal) or to a mapping of conditions, all of which must hold.
    With a ``dialect``, session settings are found by their canonical word: ``session.voice`` looks at
    ``session.audio.output.voice`` in a GA session. Raises ScenarioError for an unknown ``${variable}`` and for a regular
    expression that a variable makes invalid.
    """
    for path, asked in where.items():
        place = path if dialect is None else wire_path(path, dialect)
        actual = MISSING if place is None else lookup(event, place)
        for name, value in conditions(asked).items():
            # What a variable holds is meant literally, also inside a regular expression.
            wanted = fill(value, variables, literal=name == "matches")
            if not _holds(name, wanted, actual):
                return Mismatch(path, _say(name, wanted), as_text(actual))
    return None


def conditions(asked: Any) -> Mapping[str, Any]:
    """The conditions that a value of ``where`` stands for; a bare value means ``equals``."""
    if isinstance(asked, Mapping) and asked and all(name in CONDITIONS for name in asked):
        return asked
    return {"equals": asked}


def fill(value: Any, variables: Mapping[str, Any], *, literal: bool = False) -> Any:
    """``value`` with every ``${name}`` in its strings replaced, however deep; keys of mappings are left alone.

    A string that is nothing but ``"${name}"`` becomes the variable's value with its type; inside a longer string other
    values than strings are written as JSON. ``$${name}`` stands for ``${name}`` itself. ``literal`` escapes what is put in
    for use inside a regular expression. Raises ScenarioError for a variable that has not been saved.
    """
    if isinstance(value, str):
        return _fill_text(value, variables, literal)
    if isinstance(value, Mapping):
        return {key: fill(inner, variables, literal=literal) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [fill(inner, variables, literal=literal) for inner in value]
    return value


def variables_in(value: Any) -> Iterator[str]:
    """Names of the variables that :func:`fill` would replace in ``value``, in order, repeated where they repeat."""
    if isinstance(value, str):
        yield from (found[1] for found in _VARIABLE.finditer(value) if found[1])
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from variables_in(inner)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from variables_in(inner)


def describe(where: Mapping[str, Any]) -> str:
    """``where`` as a person reads it: ``response.status is "completed" and transcript matches /sorry/``; empty for none."""
    said = (f"{path} {_say(name, value)}" for path, asked in where.items() for name, value in conditions(asked).items())
    return " and ".join(said)


def wire_path(path: str, dialect: Dialect) -> str | None:
    """Where a path that begins with ``session.`` stands in this dialect; None where the dialect has no such setting.

    The setting may be named by its canonical word, its beta name or its GA place. Other paths, and fields of the session
    that are no setting (``session.id``), are returned as they are.
    """
    row, rest = session_setting(path)
    if row is None:
        return path
    place = dialect.session_path(row.word)
    return None if place is None else ".".join(("session", *place, *rest))


def session_setting(path: str) -> tuple[SessionField | None, tuple[str, ...]]:
    """The session setting that a path like ``session.voice`` or ``session.audio.output.voice`` names, and what follows it."""
    head, *parts = path.split(".")
    if head == "session" and parts:
        for row in SESSION_FIELDS:
            for spelled in filter(None, (row.ga, row.beta, (row.word,))):
                if tuple(parts[: len(spelled)]) == spelled:
                    return row, tuple(parts[len(spelled) :])
    return None, ()


def as_text(value: Any) -> str:
    """A value for a person's eyes: compact JSON, shortened; ``absent`` for :data:`MISSING`."""
    if value is MISSING:
        return "absent"
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except (TypeError, ValueError, RecursionError):
        text = f"a {type(value).__name__} that is not JSON"
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"


def span(seconds: float) -> str:
    """A duration as a person writes it: 320 ms, 1.5 s."""
    return f"{seconds * 1000:g} ms" if seconds < 1 else f"{seconds:g} s"


def known(text: str, variables: Mapping[str, Any]) -> str:
    """A text for a person's eyes with the variables that have been saved; the others keep their names."""

    def put(found: re.Match[str]) -> str:
        if found[1] not in variables:
            return found[0]
        value = variables[found[1]]
        return value if isinstance(value, str) else as_text(value)

    return _VARIABLE.sub(put, text)


def _fill_text(text: str, variables: Mapping[str, Any], literal: bool) -> Any:
    whole = _VARIABLE.fullmatch(text)
    if whole and whole[1] and not literal:
        return _value_of(whole[1], variables)

    def put(found: re.Match[str]) -> str:
        if not found[1]:
            return "${"
        value = _value_of(found[1], variables)
        plain = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
        return re.escape(plain) if literal else plain

    return _VARIABLE.sub(put, text)


def _value_of(name: str, variables: Mapping[str, Any]) -> Any:
    if name in variables:
        return variables[name]
    known = ", ".join(f"${{{known}}}" for known in variables) or "none"
    raise ScenarioError(
        f"${{{name}}} has not been saved",
        fix=f"save it in an earlier expect (save: {{{name}: item_id}}); saved so far: {known}",
    )


def _holds(name: str, wanted: Any, actual: Any) -> bool:
    if name == "absent":
        return (actual is MISSING) == bool(wanted)
    if actual is MISSING:
        return False
    match name:
        case "equals":
            return _same(wanted, actual)
        case "matches":
            return isinstance(actual, str) and _regex(wanted).search(actual) is not None
        case "one_of":
            return isinstance(wanted, Sequence) and any(_same(one, actual) for one in wanted)
        case "at_least":
            return _number(wanted) and _number(actual) and actual >= wanted
        case "at_most":
            return _number(wanted) and _number(actual) and actual <= wanted
        case "contains":
            return _contains(wanted, actual)
        case _:
            raise ValueError(f"no condition is called {name}")


def _contains(wanted: Any, actual: Any) -> bool:
    """A substring; or an element of a list, where an object needs to have only the fields that are named."""
    if isinstance(actual, str):
        return isinstance(wanted, str) and wanted in actual
    return isinstance(actual, (list, tuple)) and any(_includes(wanted, one) for one in actual)


def _includes(wanted: Any, actual: Any) -> bool:
    if isinstance(wanted, Mapping) and isinstance(actual, Mapping):
        return all(key in actual and _includes(inner, actual[key]) for key, inner in wanted.items())
    return _same(wanted, actual)


def _same(wanted: Any, actual: Any) -> bool:
    """Equality as JSON has it: true is not 1, but 1 is 1.0."""
    if isinstance(wanted, bool) or isinstance(actual, bool):
        return wanted is actual
    if isinstance(wanted, Mapping) and isinstance(actual, Mapping):
        return wanted.keys() == actual.keys() and all(_same(inner, actual[key]) for key, inner in wanted.items())
    if isinstance(wanted, (list, tuple)) and isinstance(actual, (list, tuple)):
        return len(wanted) == len(actual) and all(map(_same, wanted, actual))
    return bool(wanted == actual)


def _number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _regex(pattern: Any) -> re.Pattern[str]:
    try:
        return re.compile(pattern)
    except (re.error, TypeError, OverflowError, RecursionError) as error:
        raise ScenarioError(
            f"matches: {as_text(pattern)} is no regular expression: {error}", fix="write a Python regular expression"
        ) from error


_SAYINGS: Mapping[str, str] = {
    "equals": "is",
    "one_of": "is one of",
    "at_least": "is at least",
    "at_most": "is at most",
    "contains": "contains",
}


def _say(name: str, value: Any) -> str:
    if name == "absent":
        return "is absent" if value else "is present"
    if name == "matches":
        return f"matches /{value}/"
    if name == "one_of" and isinstance(value, (list, tuple)):
        return f"is one of {', '.join(map(as_text, value))}"
    return f"{_SAYINGS[name]} {as_text(value)}"
