"""Small rewrites of events and SDP from which faults are put together: drop, repeat, delay, hold back, change a field, a line.

Event types are canonical (GA) names, found under their wire name in every dialect. ``at`` picks one of the events of that type,
counted from 1; None means every one of them.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from harness.fake.faults.base import HeardRewrite
from harness.faults.events import Change, Make, Picker, Test, any_event, changed, each
from harness.faults.registry import Event, EventRewrite, Outgoing
from harness.protocol.dialects import Dialect

REMOVED = object()
"""In :func:`put`: the field goes."""


def lookup(event: Any, path: str) -> Any:
    """The value at a dotted path ("item.content.0.transcript"), or None."""
    for name in path.split("."):
        if isinstance(event, Mapping):
            event = event.get(name)
        elif isinstance(event, list) and name.isdigit() and int(name) < len(event):
            event = event[int(name)]
        else:
            return None
    return event


def put(event: dict[str, Any], path: str, value: Any = REMOVED) -> dict[str, Any]:
    """Set the field at a dotted path where its parent exists; without a value, remove it; the event is returned. ``value`` may be a function of the old one."""
    *parents, last = path.split(".")
    target: Any = lookup(event, ".".join(parents)) if parents else event
    if isinstance(target, list) and last.isdigit() and int(last) < len(target):
        target[int(last)] = value(target[int(last)]) if callable(value) else value
    elif isinstance(target, dict):
        if value is REMOVED:
            target.pop(last, None)
        else:
            target[last] = value(target.get(last)) if callable(value) else value
    return event


def drop(kind: str, *, at: int | None = None, where: Test = any_event) -> Make:
    """The event never leaves."""
    return each(kind, lambda event: (), at=at, where=where)


def twice(kind: str, *, at: int | None = 1, where: Test = any_event, fresh: bool = True, after: float = 0.0) -> Make:
    """The event leaves twice, the second time ``after`` seconds later and under an event_id of its own where ``fresh``."""

    def act(event: Event) -> Iterable[Outgoing]:
        again = {**event, "event_id": f"{event.get('event_id')}again"} if fresh else dict(event)
        return [(0.0, event), (after, again)]

    return each(kind, act, at=at, where=where)


def late(kind: str, seconds: float, *, at: int | None = None, where: Test = any_event) -> Make:
    """The event leaves so much later; what comes after it overtakes it."""
    return each(kind, lambda event: [(seconds, event)], at=at, where=where)


def everywhere(change: Change) -> Make:
    """Every event leaves with what ``change`` does to its copy, whatever its type."""

    def rewrite(event: Event) -> Iterable[Outgoing]:
        edited = copy.deepcopy(dict(event))
        change(edited)
        return [(0.0, edited)]

    return lambda dialect: rewrite


def with_field(kind: str, path: str, value: Any, *, at: int | None = None, where: Test = any_event) -> Make:
    """A field of the event has another value; ``value`` may be a function of the right one."""
    return changed(kind, lambda event: put(event, path, value), at=at, where=where)


def without(kind: str, path: str, *, at: int | None = None, where: Test = any_event) -> Make:
    """A field of the event is missing."""
    return changed(kind, lambda event: put(event, path), at=at, where=where)


def instead(kind: str, message: Callable[[Event], Any], *, at: int | None = 1, where: Test = any_event) -> Make:
    """Something else leaves in the event's place: another event, text, bytes."""
    return each(kind, lambda event: [(0.0, message(event))], at=at, where=where)


def added(kind: str, *more: Any, at: int | None = 1, where: Test = any_event, first: bool = False) -> Make:
    """Further messages leave after the event (or before it, ``first``). Each is a message, or a function of the event."""

    def act(event: Event) -> Iterator[Outgoing]:
        extra = [(0.0, one(event) if callable(one) else one) for one in more]
        yield from [*extra, (0.0, event)] if first else [(0.0, event), *extra]

    return each(kind, act, at=at, where=where)


def held(kind: str, until: str, *, at: int | None = None, where: Test = any_event) -> Make:
    """The event is held back until an event of the type ``until`` has left."""

    def make(dialect: Dialect) -> EventRewrite:
        picked = Picker(dialect, kind, at, where)
        release = dialect.wire(until) or until
        waiting: list[Event] = []

        def rewrite(event: Event) -> Iterator[Outgoing]:
            if picked(event):
                waiting.append(event)
                return
            yield 0.0, event
            if event.get("type") == release:
                yield from ((0.0, one) for one in waiting)
                waiting.clear()

        return rewrite

    return make


def deaf(kind: str) -> Callable[[Dialect], HeardRewrite]:
    """The service does not hear client events of this type."""
    return lambda dialect: lambda event: None if event.get("type") == kind else event
