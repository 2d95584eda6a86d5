"""Reading fields of events that anyone may have written: what is missing or of another type reads as empty, never raises."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

_LARGEST = 2**63
MISSING: Any = type("Missing", (), {"__repr__": lambda self: "missing"})()


def at(value: Any, *path: str) -> Any:
    """What stands at ``path``, or :data:`MISSING` where any part of the way is absent. ``null`` is a value."""
    for name in path:
        if not isinstance(value, Mapping) or name not in value:
            return MISSING
        value = value[name]
    return value


def text(value: Any, *path: str) -> str:
    """The string at ``path``, else an empty one."""
    found = at(value, *path)
    return found if isinstance(found, str) else ""


def mapping(value: Any, *path: str) -> Mapping[str, Any]:
    """The object at ``path``, else an empty one."""
    found = at(value, *path)
    return found if isinstance(found, Mapping) else {}


def listing(value: Any, *path: str) -> Sequence[Any]:
    """The array at ``path``, else an empty one."""
    found = at(value, *path)
    return found if isinstance(found, (list, tuple)) else ()


def number(value: Any, *path: str) -> float | None:
    """The number at ``path``, else None. Booleans are no numbers, nor is what JSON cannot hold or a double cannot."""
    found = at(value, *path)
    if isinstance(found, bool) or not isinstance(found, (int, float)):
        return None
    return found if -_LARGEST <= found <= _LARGEST else None


def index(value: Any, *path: str) -> int | None:
    """The whole number at ``path``, else None."""
    found = number(value, *path)
    return int(found) if found is not None and float(found).is_integer() else None


def leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every value below nested objects with its path; arrays and empty objects count as values."""
    if isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield from leaves(inner, (*path, str(name)))
    else:
        yield path, value


def shown(value: Any, limit: int = 120) -> str:
    """A value for a person's eyes: quoted text, short."""
    written = "missing" if value is MISSING else repr(value)
    return written if len(written) <= limit else written[: limit - 1] + "…"
