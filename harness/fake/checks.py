"""Checks of client-made JSON: each returns the value (perhaps normalised) or raises the refusal the service would send.

Codes and wordings follow the errors that users of the real service report: ``unknown_parameter``, ``missing_required_parameter``,
``invalid_value``, ``invalid_type`` (openai/openai-python#2638, pipecat-ai/pipecat#1324, livekit/agents#3489, TanStack/ai#586).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

Path = tuple[str, ...]
Check = Callable[[Any, str], Any]


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


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def unknown(param: str) -> Refusal:
    """A field that the service does not know."""
    return Refusal("unknown_parameter", f"Unknown parameter: '{param}'.", param)


def missing(param: str) -> Refusal:
    """A field without which it does not go."""
    return Refusal("missing_required_parameter", f"Missing required parameter: '{param}'.", param)


def invalid(param: str, value: Any, supported: Iterable[str]) -> Refusal:
    """A value outside the enumeration or range."""
    return Refusal(
        "invalid_value", f"Invalid value: {_shown(value)}. Supported values are: {', '.join(supported)}.", param
    )


def wrong_type(param: str, expected: str, value: Any) -> Refusal:
    """A value of another JSON type."""
    return Refusal(
        "invalid_type", f"Invalid type for '{param}': expected {expected}, but got {json_type(value)} instead.", param
    )


_TYPES: Mapping[type, str] = {
    str: "a string",
    bool: "a boolean",
    int: "an integer",
    float: "a decimal",
    list: "an array",
    dict: "an object",
    type(None): "null",
}


def json_type(value: Any) -> str:
    """The JSON type in words, with its article."""
    return _TYPES.get(type(value), "something else")


def is_whole(value: Any) -> bool:
    """True for a JSON integer (a boolean is none)."""
    return isinstance(value, int) and not isinstance(value, bool)


def anything(value: Any, param: str) -> Any:
    """Any JSON value."""
    return value


def flag(value: Any, param: str) -> Any:
    """A boolean."""
    if not isinstance(value, bool):
        raise wrong_type(param, "a boolean", value)
    return value


def mapping(value: Any, param: str) -> Any:
    """An object with any content."""
    if not isinstance(value, dict):
        raise wrong_type(param, "an object", value)
    return value


def string(longest: int | None = None) -> Check:
    """A string, perhaps of limited length."""

    def check(value: Any, param: str) -> Any:
        if not isinstance(value, str):
            raise wrong_type(param, "a string", value)
        if longest is not None and len(value) > longest:
            what = f"Invalid '{param}': string too long. Expected a string with maximum length {longest}, but got a string with length {len(value)} instead."
            raise Refusal("string_above_max_length", what, param)
        return value

    return check


def whole(low: int, high: int | None = None) -> Check:
    """An integer between ``low`` and ``high``, both included."""

    def check(value: Any, param: str) -> Any:
        if not is_whole(value):
            raise wrong_type(param, "an integer", value)
        if value < low or (high is not None and value > high):
            raise invalid(param, value, [f"integers from {low}" + ("" if high is None else f" to {high}")])
        return value

    return check


def decimal(low: float, high: float) -> Check:
    """A number between ``low`` and ``high``, both included."""

    def check(value: Any, param: str) -> Any:
        if not (is_whole(value) or isinstance(value, float)):
            raise wrong_type(param, "a decimal", value)
        if not low <= value <= high:
            raise invalid(param, value, [f"numbers from {low} to {high}"])
        return value

    return check


def one_of(*values: str) -> Check:
    """One of these strings."""

    def check(value: Any, param: str) -> Any:
        if not isinstance(value, str):
            raise wrong_type(param, f"one of {', '.join(map(repr, values))}", value)
        if value not in values:
            raise invalid(param, value, map(repr, values))
        return value

    return check


def nullable(inner: Check) -> Check:
    """Null, or what ``inner`` accepts."""
    return lambda value, param: None if value is None else inner(value, param)


def list_of(inner: Check) -> Check:
    """An array whose elements pass ``inner``."""

    def check(value: Any, param: str) -> Any:
        if not isinstance(value, list):
            raise wrong_type(param, "an array", value)
        return [inner(element, f"{param}[{index}]") for index, element in enumerate(value)]

    return check


def map_of(inner: Check, *, most: int | None = None, longest_key: int | None = None) -> Check:
    """An object used as a dictionary: every value passes ``inner``."""
    key_check = string(longest_key)

    def check(value: Any, param: str) -> Any:
        entries = mapping(value, param)
        if most is not None and len(entries) > most:
            raise invalid(param, f"{len(entries)} entries", [f"at most {most} entries"])
        return {key_check(key, f"{param}.{key}"): inner(element, f"{param}.{key}") for key, element in entries.items()}

    return check


def record(fields: Mapping[str, Check], required: tuple[str, ...] = ()) -> Check:
    """An object with exactly these fields, of which some are required."""

    def check(value: Any, param: str) -> Any:
        entries = mapping(value, param)
        prefix = f"{param}." if param else ""
        for name in entries:
            if name not in fields:
                raise unknown(prefix + name)
        for name in required:
            if name not in entries:
                raise missing(prefix + name)
        return {name: fields[name](element, prefix + name) for name, element in entries.items()}

    return check


def variant(key: str, kinds: Mapping[str, Check]) -> Check:
    """An object whose field ``key`` says which of ``kinds`` it must be."""
    names = one_of(*kinds)

    def check(value: Any, param: str) -> Any:
        entries = mapping(value, param)
        where = f"{param}.{key}" if param else key
        if key not in entries:
            raise missing(where)
        return kinds[names(entries[key], where)](entries, param)

    return check


def string_or(on_string: Check, otherwise: Check) -> Check:
    """A string that passes one check, or anything else that passes the other."""
    return lambda value, param: (on_string if isinstance(value, str) else otherwise)(value, param)


def gather(body: Mapping[str, Any], paths: Mapping[Path, str], param: str) -> dict[str, tuple[Any, str]]:
    """The settings in ``body``: canonical word -> (value, its place as the service names it). Unknown places are refused."""
    found: dict[str, tuple[Any, str]] = {}

    def walk(branch: Mapping[str, Any], prefix: Path, where: str) -> None:
        for name, value in branch.items():
            path, here = (*prefix, name), f"{where}.{name}"
            if path in paths:
                found[paths[path]] = (value, here)
            elif any(known[: len(path)] == path for known in paths):
                if value is not None:
                    walk(mapping(value, here), path, here)
            else:
                raise unknown(here)

    walk(body, (), param)
    return found


def place(tree: dict[str, Any], path: Path, value: Any) -> None:
    """Put ``value`` at ``path``, making the objects on the way."""
    for name in path[:-1]:
        tree = tree.setdefault(name, {})
    tree[path[-1]] = value
