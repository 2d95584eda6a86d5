"""What the fake service refuses: the problems that the event schemas find, and checks of what the schemas leave open.

Codes and wordings follow the errors that users of the real service report: ``unknown_parameter``, ``missing_required_parameter``,
``invalid_value``, ``invalid_type`` (openai/openai-python#2638, pipecat-ai/pipecat#1324, livekit/agents#3489, TanStack/ai#586).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from harness.protocol.mismatch import TELLING, Problem

Path = tuple[str, ...]
# Returns the value, perhaps normalised, or raises Refusal. The schema has judged the value before: what is of a type that a check
# does not expect is allowed to be so, and passes.
Check = Callable[[Any, str], Any]

# Kind of problem -> the service's code and wording. An unknown field is refused before a missing one, and both before values.
WORDING: Mapping[str, tuple[str, str]] = {
    "unknown": ("unknown_parameter", "Unknown parameter: '{param}'."),
    "missing": ("missing_required_parameter", "Missing required parameter: '{param}'."),
    "type": ("invalid_type", "Invalid type for '{param}': expected {one_of}{expected}, but got {found} instead."),
    "value": ("invalid_value", "Invalid value: {value}. Supported values are: {expected}."),
}
# Type of a decoded value -> JSON Schema's name of it, and the service's.
_TYPES: Mapping[type, tuple[str, str]] = {
    str: ("string", "a string"),
    bool: ("boolean", "a boolean"),
    int: ("integer", "an integer"),
    float: ("number", "a decimal"),
    list: ("array", "an array"),
    dict: ("object", "an object"),
    type(None): ("null", "null"),
}
_TYPE_WORDS = dict(_TYPES.values())


class Refusal(Exception):
    """The service refuses what the client sent: ``code``, ``message`` and ``param`` of the ``error`` event (or HTTP 400)."""

    def __init__(self, code: str | None, message: str, param: str | None = None, kind: str = "invalid_request_error"):
        super().__init__(message)
        self.code = code
        self.message = message
        self.param = param
        self.kind = kind

    def error(self, event_id: str | None = None) -> dict[str, Any]:
        """The inner object of an ``error`` event."""
        fields = {"type": self.kind, "code": self.code, "message": self.message, "param": self.param}
        return {**fields, "event_id": event_id}


def refusal(kind: str, param: str, value: Any = None, expected: Collection[str] = ()) -> Refusal:
    """The refusal of a problem of this kind at ``param``; ``expected`` are the types or values that it may have, in words."""
    code, wording = WORDING[kind]
    written = repr(value)
    message = wording.format(
        param=param,
        value=written if len(written) <= 80 else written[:77] + "...",
        found=_TYPES[type(value)][1],
        expected=", ".join(expected),
        one_of="one of " if len(expected) > 1 else "",
    )
    return Refusal(code, message, param)


def refusal_of(problems: Iterable[Problem]) -> Refusal:
    """The refusal of the first of the problems that the schema of an event found."""
    first = min(problems, key=_rank)
    expected = [_TYPE_WORDS[name] for name in first.types] + [repr(value) for value in first.values]
    return refusal(first.kind, first.path, first.value, expected)


def _rank(problem: Problem) -> tuple[int, bool, int]:
    """The outermost comes first; there, what tells the kind of an object; then, as the table has them."""
    telling = problem.path.rpartition(".")[2] in TELLING
    return len(problem.place), not telling, [*WORDING].index(problem.kind)


def within(low: float, high: float | None = None) -> Check:
    """A number between ``low`` and ``high``, both included."""
    whole = isinstance(low, int)

    def check(value: Any, param: str) -> Any:
        if whole and isinstance(value, float):  # JSON Schema counts 1.0 among the integers
            raise refusal("type", param, value, ["an integer"])
        if isinstance(value, int | float) and (value < low or (high is not None and value > high)):
            numbers = f"{'integers' if whole else 'numbers'} from {low}"
            raise refusal("value", param, value, [numbers if high is None else f"{numbers} to {high}"])
        return value

    return check


def at_most(longest: int) -> Check:
    """A string of limited length."""

    def check(value: Any, param: str) -> Any:
        if isinstance(value, str) and len(value) > longest:
            what = f"Invalid '{param}': string too long. Expected a string with maximum length {longest}, but got a string with length {len(value)} instead."
            raise Refusal("string_above_max_length", what, param)
        return value

    return check


def one_of(*values: str) -> Check:
    """One of these strings."""

    def check(value: Any, param: str) -> Any:
        if isinstance(value, str) and value not in values:
            raise refusal("value", param, value, [*map(repr, values)])
        return value

    return check


def typed(*types: type) -> Check:
    """A value of one of these types, where the schema allows anything."""

    def check(value: Any, param: str) -> Any:
        if not isinstance(value, types):
            raise refusal("type", param, value, [_TYPES[one][1] for one in types])
        return value

    return check


def each(inner: Check) -> Check:
    """An array whose elements pass ``inner``."""
    return lambda value, param: [inner(element, f"{param}[{index}]") for index, element in enumerate(value)]


def fields(*needed: str, known: Iterable[str] | None = None, **checks: Check) -> Check:
    """An object with the fields ``needed``, and of others only those ``known``; ``checks`` judge its fields."""
    allowed = None if known is None else {*needed, *known}

    def check(value: Any, param: str) -> Any:
        if not isinstance(value, dict):
            return value
        places = {name: f"{param}.{name}".removeprefix(".") for name in (*value, *needed)}
        for name in value:
            if allowed is not None and name not in allowed:
                raise refusal("unknown", places[name])
        for name in needed:
            if name not in value:
                raise refusal("missing", places[name])
            if value[name] is None:
                raise refusal("type", places[name], None, ["a value"])
        return {name: checks[name](one, places[name]) if name in checks else one for name, one in value.items()}

    return check


def variant(key: str, kinds: Mapping[str, Check]) -> Check:
    """An object whose field ``key`` says which of ``kinds`` it must be."""
    told, names = fields(key), one_of(*kinds)
    return lambda value, param: kinds[names(told(value, param)[key], f"{param}.{key}")](value, param)


def gather(body: Mapping[str, Any], paths: Mapping[Path, str], param: str) -> dict[str, tuple[Any, str]]:
    """The settings in ``body``: canonical word -> (value, its place as the service names it). Unknown places are refused."""
    found: dict[str, tuple[Any, str]] = {}

    def walk(branch: Mapping[str, Any], prefix: Path, where: str) -> None:
        for name, value in branch.items():
            path, here = (*prefix, name), f"{where}.{name}"
            if path in paths:
                found[paths[path]] = (value, here)
            elif any(known[: len(path)] == path for known in paths):
                walk(value or {}, path, here)
            else:
                raise refusal("unknown", here)

    walk(body, (), param)
    return found


def place(tree: dict[str, Any], path: Path, value: Any) -> None:
    """Put ``value`` at ``path``, making the objects on the way."""
    for name in path[:-1]:
        tree = tree.setdefault(name, {})
    tree[path[-1]] = value
