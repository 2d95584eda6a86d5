"""Rewrites of single events, by their type, from which the faults of both ends are put together."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from typing import Any

from harness.faults.registry import Event, EventRewrite, Outgoing
from harness.protocol.dialects import Dialect

Make = Callable[[Dialect], EventRewrite]
Change = Callable[[dict[str, Any]], object]
Test = Callable[[Event], bool]


def any_event(event: Event) -> bool:
    """Every event."""
    return True


class Picker:
    """Tells the events a rewrite is about, and counts them. ``kind`` is a canonical (GA) type; ``at`` counts from 1, None: every one."""

    def __init__(self, dialect: Dialect, kind: str, at: int | None, where: Test) -> None:
        self._wire = dialect.wire(kind) or kind
        self._at = at
        self._where = where
        self._count = 0

    def __call__(self, event: Event) -> bool:
        """Whether it is about this event."""
        if event.get("type") != self._wire or not self._where(event):
            return False
        self._count += 1
        return self._at is None or self._count == self._at


def each(
    kind: str, act: Callable[[Event], Iterable[Outgoing]], *, at: int | None = None, where: Test = any_event
) -> Make:
    """What ``act`` makes of each event of this type; all others leave as they are."""

    def make(dialect: Dialect) -> EventRewrite:
        picked = Picker(dialect, kind, at, where)

        def rewrite(event: Event) -> Iterable[Outgoing]:
            return act(event) if picked(event) else [(0.0, event)]

        return rewrite

    return make


def changed(kind: str, change: Change, *, at: int | None = None, where: Test = any_event) -> Make:
    """The event leaves with what ``change`` does to its copy."""

    def act(event: Event) -> Iterable[Outgoing]:
        edited = copy.deepcopy(dict(event))
        change(edited)
        return [(0.0, edited)]

    return each(kind, act, at=at, where=where)
