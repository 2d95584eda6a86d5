"""Looking for expected server events in the trace, and saying in plain words what came instead. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from harness.errors import shorten
from harness.protocol.dialects import DIALECTS, FICTIONAL_EVENTS, Dialect
from harness.scenario.match import MISSING, Mismatch, lookup, matches, wire_path
from harness.scenario.steps.patterns import EventPattern
from harness.trace import Entry

_LAST = 5


class Search:
    """One expectation: some patterns, all of them (in any order) or any one, in the events after ``cursor``.

    ``look`` may be called again and again; it goes on where it stopped. One event serves one pattern.
    """

    def __init__(
        self,
        entries: Sequence[Entry],
        dialect: Dialect,
        patterns: Sequence[EventPattern],
        *,
        needs_all: bool,
        cursor: int,
        variables: Mapping[str, Any],
    ) -> None:
        self._entries = entries
        self._dialect = dialect
        self._patterns = patterns
        self._needs_all = needs_all
        self._start = self._next = cursor + 1
        self._variables = variables
        self._near: tuple[Entry, Mismatch] | None = None
        self.found: dict[int, Entry] = {}

    def look(self) -> Mapping[int, Entry] | None:
        """Pattern number to matching entry once the expectation is met, else None.

        Raises ScenarioError where a condition uses a variable that has not been saved.
        """
        while self._next < len(self._entries) and not self._met():
            entry = self._entries[self._next]
            self._next += 1
            if entry.kind == "event.received":
                self._try(entry)
        return self.found if self._met() else None

    def saved(self) -> tuple[dict[str, Any], str]:
        """The variables of the patterns that were found, and the first path that led nowhere (or an empty string)."""
        values: dict[str, Any] = {}
        missing = ""
        for number, entry in sorted(self.found.items(), key=lambda one: one[1].seq):
            for name, path in self._patterns[number].save.items():
                place = wire_path(path, self._dialect)
                value = MISSING if place is None else lookup(entry.event, place)
                if value is MISSING:
                    missing = missing or f"{entry.type} came at {entry.t:.3f} s, but has no {path} to save"
                else:
                    values[name] = value
        return values, missing

    def instead(self) -> str:
        """What came instead, the most telling first. For a person."""
        came = [entry for entry in self._entries[self._start :] if entry.kind == "event.received"]
        told = [*self._partly(), *self._nearly(), *_troubles(came), *self._misnamed(came)]
        return "; ".join(told) or _last_types(came)

    def _met(self) -> bool:
        return len(self.found) == len(self._patterns) if self._needs_all else bool(self.found)

    def _try(self, entry: Entry) -> None:
        for number, pattern in enumerate(self._patterns):
            if number in self.found or entry.type != self._dialect.wire(pattern.event):
                continue
            mismatch = matches(entry.event, pattern.where, self._variables, dialect=self._dialect)
            if mismatch is None:
                self.found[number] = entry
                return
            self._near = (entry, mismatch)

    def _partly(self) -> list[str]:
        if not self.found:
            return []
        missing = [pattern.event for number, pattern in enumerate(self._patterns) if number not in self.found]
        return [f"{', '.join(entry.type for entry in self.found.values())} came, {', '.join(missing)} did not"]

    def _nearly(self) -> list[str]:
        if self._near is None:
            return []
        entry, mismatch = self._near
        return [f"{entry.type} came at {entry.t:.3f} s, but {mismatch}"]

    def _misnamed(self, came: Sequence[Entry]) -> list[str]:
        """Events that are what was asked for under another dialect's name, or that no dialect knows."""
        told: list[str] = []
        wanted = {pattern.event: self._dialect.wire(pattern.event) for pattern in self._patterns}
        for name, wire in wanted.items():
            if wire is None:
                told.append(f"{self._dialect.name} has no event {name}")
        types = dict.fromkeys(entry.type for entry in came)
        for kind in types:
            for name, wire in wanted.items():
                rows = [row for row in DIALECTS.values() if row.generation != self._dialect.generation]
                if wire != kind and any(row.wire(row.canonical(name)) == kind for row in rows):
                    told.append(f"{kind} came: that is the {rows[0].generation.name} name of {wire or name}")
            if kind in FICTIONAL_EVENTS:
                told.append(f"{kind} came, which is no server event: {FICTIONAL_EVENTS[kind]}")
        return told


def _troubles(came: Sequence[Entry]) -> list[str]:
    told = [f"error came: {error_of(entry.event)}" for entry in came if entry.type == "error"][-1:]
    for entry in came:
        status = lookup(entry.event, "response.status")
        if entry.type == "response.done" and status in ("failed", "incomplete", "cancelled"):
            why = lookup(entry.event, "response.status_details.error.message")
            why = lookup(entry.event, "response.status_details.reason") if why is MISSING else why
            told.append(f"response.done came with status {status}{f': {shorten(why)}' if isinstance(why, str) else ''}")
    return told


def _last_types(came: Sequence[Entry]) -> str:
    if not came:
        return "no event at all"
    runs = [(kind, len(list(group))) for kind, group in groupby(shorten(entry.type) for entry in came)]
    names = [f"{kind} ×{count}" if count > 1 else kind for kind, count in runs[-_LAST:]]
    more = "…, " if len(runs) > _LAST else ""
    return f"came instead: {more}{', '.join(names)}"


def error_of(event: Mapping[str, Any]) -> str:
    """The code and message of an ``error`` event, on one line."""
    code, message = (lookup(event, f"error.{name}") for name in ("code", "message"))
    texts = [shorten(one) for one in (code, message) if isinstance(one, str) and one]
    return ": ".join(texts) or "without code and message"
