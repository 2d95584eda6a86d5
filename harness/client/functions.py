"""Function calls of the service's responses, found in the trace. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from harness.client.describe import error_of
from harness.protocol.messages import parse
from harness.scenario.match import Mismatch, as_text, lookup, matches
from harness.scenario.model import ToolAnswer
from harness.trace import Entry


def find_call(
    entries: Iterable[Entry], wanted: ToolAnswer, answered: Collection[str], variables: Mapping[str, Any]
) -> Entry | None:
    """The first finished call of this function, with these arguments, whose ``call_id`` has not been answered."""
    for entry in _calls(entries, answered):
        if _name(entry) == wanted.name and _mismatch(entry, wanted, variables) is None:
            return entry
    return None


def called_instead(
    entries: Iterable[Entry], wanted: ToolAnswer, answered: Collection[str], variables: Mapping[str, Any]
) -> str:
    """What the service called instead, or why it called nothing, as far as the trace tells."""
    entries = list(entries)
    told: list[str] = []
    for entry in _calls(entries, answered):
        mismatch = _mismatch(entry, wanted, variables) if _name(entry) == wanted.name else None
        told.append(f"{_name(entry)} was called{f', but {mismatch}' if mismatch else ''}")
    errors = [entry for entry in entries if entry.kind == "event.received" and entry.type == "error"]
    told += [f"error came: {error_of(entry.event)}" for entry in errors[-1:]]
    return "; ".join(told) or "no function was called"


def response_done(entries: Iterable[Entry], response_id: Any) -> Entry | None:
    """The response.done of this response."""
    return next(
        (
            entry
            for entry in entries
            if entry.kind == "event.received"
            and entry.type == "response.done"
            and lookup(entry.event, "response.id") == response_id
        ),
        None,
    )


def _calls(entries: Iterable[Entry], answered: Collection[str]) -> Iterable[Entry]:
    for entry in entries:
        if (
            entry.kind == "event.received"
            and entry.type == "response.output_item.done"
            and lookup(entry.event, "item.type") == "function_call"
            and isinstance(call_id := lookup(entry.event, "item.call_id"), str)
            and call_id not in answered
        ):
            yield entry


def _name(entry: Entry) -> str:
    name = lookup(entry.event, "item.name")
    return name if isinstance(name, str) else as_text(name)


def _mismatch(entry: Entry, wanted: ToolAnswer, variables: Mapping[str, Any]) -> Mismatch | None:
    if not wanted.arguments:
        return None
    text = lookup(entry.event, "item.arguments")
    try:
        arguments = parse(text) if isinstance(text, str) else text
    except ValueError:
        return Mismatch("arguments", "to be JSON", as_text(text))
    return matches(arguments, wanted.arguments, variables)
