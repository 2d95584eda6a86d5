"""Strict reading of what a peer sends: JSON without NaN, without bottomless nesting; one event out of one channel message; its entry in a trace."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

DEEPEST = 64
"""More levels of lists and objects than any event has; deeper text is refused, so that walking a value cannot exhaust the stack."""


def parse(text: str) -> Any:
    """The JSON value in ``text`` (RFC 8259). Raises ValueError with the reason where there is none."""
    try:
        value = json.loads(text, parse_constant=_refuse, parse_float=_finite)
    except RecursionError as error:
        raise ValueError(f"nested deeper than {DEEPEST} levels") from error
    if text.count("[") + text.count("{") > DEEPEST and _deeper(value):
        raise ValueError(f"nested deeper than {DEEPEST} levels")
    return value


def decode(message: str | bytes) -> tuple[Mapping[str, Any] | None, str]:
    """The event in a channel message and an empty reason, or None and why it is no event.

    Realtime messages are strings, each one JSON object with a string ``type``.
    """
    if isinstance(message, bytes):
        return None, "a binary message; events are text messages"
    try:
        event = parse(message)
    except ValueError as error:
        return None, f"not JSON: {error}"
    if not isinstance(event, dict):
        return None, f"not a JSON object but {_name(event)}"
    if not isinstance(event.get("type"), str) or not event["type"]:
        return None, "an object without a string type"
    return event, ""


def entry_of(message: str | bytes, direction: str, *, invalid: bool = False) -> tuple[str, dict[str, Any]]:
    """The kind and the data of the trace's entry for a channel message that was "sent" or "received".

    ``invalid``: it came as a text message whose octets are no UTF-8 (:rfc:`8831` section 6.6 asks for it).
    """
    event, reason = decode(message)
    if event is not None:
        return f"event.{direction}", {"event": event, "size": size_of(message)}
    return "event.undecodable", {
        "direction": direction,
        "reason": "a text message that is not UTF-8" if invalid else reason,
        "text": as_text(message),
        "size": size_of(message),
        "binary": isinstance(message, bytes) and not invalid,
    }


def as_text(message: str | bytes) -> str:
    """A message as text for the trace, with replacement characters where it is not UTF-8."""
    return message if isinstance(message, str) else message.decode("utf-8", errors="replace")


def size_of(message: str | bytes) -> int:
    """Bytes on the wire."""
    return len(message) if isinstance(message, bytes) else len(message.encode("utf-8", errors="replace"))


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON number")


def _finite(written: str) -> float:
    """A double (:rfc:`8259` section 6 lets a reader set that limit): beyond it nothing could be kept, or sent on."""
    value = float(written)
    if math.isinf(value):
        raise ValueError(f"{written[:20]} is beyond what a number can hold")
    return value


def _deeper(value: Any) -> bool:
    level = [value]
    for _ in range(DEEPEST):
        level = [
            inner
            for outer in level
            if isinstance(outer, (dict, list))
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return False
    return any(isinstance(one, (dict, list)) for one in level)


def _name(value: Any) -> str:
    if value is None:
        return "null"
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a string", list: "a list"}
    return names[type(value)]
