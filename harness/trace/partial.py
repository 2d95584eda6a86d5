"""What a partial record can show: a view of its trace that refuses to be asked for what the record cannot hold.

A log of events has no packets; that none are in it says nothing about the call. So whoever judges reads such a trace through
:func:`strict`: a look at a kind of entry, a time or a field that the record cannot show raises :class:`NotShown`, and the judgement
is "not observable", never "passed". What was recorded by the harness itself shows everything, and is read as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from harness.trace.model import Data, Entry, Observer, Trace

UNSEEN = "unseen"
"""The field of an entry's data that lists what the record does not hold of it: "t", "body", "headers.authorization"."""
_OURS = ("harness", "step", "connection.disturbed")
"""What only this program writes: where it had no hand, there is none, and that is known."""


class NotShown(Exception):
    """The record cannot show this: ``what`` in words ("rtp.packets", "when event.sent happened")."""

    def __init__(self, what: str) -> None:
        super().__init__(f"the record does not show {what}")
        self.what = what


def shows(trace: Trace, kind: str) -> bool:
    """Whether a record can show entries of this kind, or of all kinds of this plane."""
    seen = trace.header.shows
    return seen is None or any(kind == one or kind.startswith(f"{one}.") for one in (*seen, *_OURS))


def strict(trace: Trace) -> Trace:
    """The trace as a judge may read it; the trace itself where it shows everything."""
    if trace.header.shows is None or isinstance(trace, _Strict):
        return trace
    found = trace.derived.get("strict")
    if found is None:
        found = trace.derived["strict"] = _Strict(trace.header, tuple(map(_strict, trace.entries)), trace.end)
    whole: Trace = found
    return whole


def timed(entry: Entry) -> bool:
    """Whether it is known when an entry happened."""
    return "t" not in _names(entry.data.get(UNSEEN))


def if_shown(trace: Trace, *kinds: str) -> tuple[Entry, ...]:
    """Entries of those of these kinds that the record can show: for what adds to a judgement and changes none."""
    visible = [kind for kind in kinds if shows(trace, kind)]
    return trace.of(*visible) if visible else ()


class _Strict(Trace):
    """A trace that raises NotShown for what its record cannot show."""

    def of(self, *kinds: str) -> tuple[Entry, ...]:
        for kind in kinds:
            if not shows(self, kind):
                raise NotShown(kind)
        return super().of(*kinds)

    def events(self, by: Observer, *types: str) -> tuple[Entry, ...]:
        kind = f"event.{self.direction(by)}"
        if not shows(self, kind):
            raise NotShown(f"the events of the {by}")
        return super().events(by, *types)

    @cached_property
    def _untimed(self) -> bool:
        return not all(map(timed, self.entries[-1:]))

    @property
    def seconds(self) -> float:
        if self._untimed:
            raise NotShown("how long the call lasted")
        return super().seconds


_T: Any = vars(Entry)["t"]


class _StrictEntry(Entry):
    """An entry whose time is not known."""

    __slots__ = ()

    def _time(self) -> float:
        raise NotShown(f"when {self.kind} happened")

    def _keep(self, value: float) -> None:
        _T.__set__(self, value)

    t = property(_time, _keep)


class _StrictData(dict[str, Any]):
    """The data of an entry, some fields of which the record does not hold."""

    def __init__(self, data: Data, kind: str, unseen: frozenset[str]) -> None:
        inner = {name for name in unseen if "." in name}
        super().__init__(data)
        for name in {one.partition(".")[0] for one in inner}:
            if isinstance(data.get(name), Mapping):
                below = frozenset(one.partition(".")[2] for one in inner if one.startswith(f"{name}."))
                self[name] = _StrictData(data[name], f"{kind} {name}", below)
        self._kind, self._unseen = kind, unseen

    def _look(self, name: object) -> None:
        if name in self._unseen:
            raise NotShown(f"{name} of {self._kind}")

    def __getitem__(self, name: str) -> Any:
        self._look(name)
        return super().__getitem__(name)

    def get(self, name: str, default: Any = None) -> Any:
        self._look(name)
        return super().get(name, default)

    def __contains__(self, name: object) -> bool:
        self._look(name)
        return super().__contains__(name)


def _strict(entry: Entry) -> Entry:
    unseen = frozenset(_names(entry.data.get(UNSEEN)))
    if not unseen:
        return entry
    made = _StrictEntry if "t" in unseen else Entry
    return made(entry.seq, entry.t, entry.kind, _StrictData(entry.data, entry.kind, unseen - {"t"}))


def _names(value: Any) -> Iterator[str]:
    yield from (one for one in value if isinstance(one, str)) if isinstance(value, list) else ()
