"""Which event names and session words a scenario may use, and which dialects have them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from harness.errors import nearest
from harness.protocol.dialects import DIALECTS, FICTIONAL_EVENTS, WEBRTC_FILTER, Dialect
from harness.protocol.sessions import SESSION_FIELDS
from harness.scenario import marks
from harness.scenario.marks import Marked, Path
from harness.scenario.match import session_setting

# A dialect takes the canonical name of every event it has, and its own.
SERVER_NAMES: frozenset[str] = frozenset(
    name for row in DIALECTS.values() for wire in row.server_events for name in (wire, row.canonical(wire))
)
CLIENT_NAMES: frozenset[str] = frozenset(name for row in DIALECTS.values() for name in row.client_events)
SESSION_WORDS: frozenset[str] = frozenset(
    spelled
    for row in SESSION_FIELDS
    for spelled in (row.word, row.beta[0] if row.beta else row.word, row.ga[0] if row.ga else row.word)
)


class Requirement(NamedTuple):
    """One thing that a scenario asks of a dialect, where it does, and the dialects that have it."""

    path: Path
    what: str
    dialects: frozenset[str]


def speaks(dialect: Dialect, name: str) -> bool:
    """True where the dialect has this server or client event, under its canonical or its own name."""
    wire = dialect.wire(name)
    return wire in dialect.server_events or wire in dialect.client_events


def passes_filter(name: str) -> bool:
    """True where ``webrtcfilter=on`` lets this server event through."""
    return name in WEBRTC_FILTER


def wrong_server_event(name: str) -> str | None:
    """Why no service sends an event of this name, with what is meant instead; None where one does."""
    if name in FICTIONAL_EVENTS:
        return f"no service sends {name}: {FICTIONAL_EVENTS[name]}"
    if name in SERVER_NAMES:
        return None
    if name in CLIENT_NAMES:
        return f"{name} is a client event; the service never sends it"
    return f"unknown event {name!r}{_nearest(name, SERVER_NAMES)}"


def wrong_client_event(name: str) -> str | None:
    """Why no client sends an event of this name, with what is meant instead; None where one does."""
    if name in CLIENT_NAMES:
        return None
    if name in FICTIONAL_EVENTS:
        return f"there is no event {name}: {FICTIONAL_EVENTS[name]}"
    if name in SERVER_NAMES:
        return f"{name} is a server event; a client cannot send it"
    return f"unknown event {name!r} (send_raw sends a wrong one on purpose){_nearest(name, CLIENT_NAMES)}"


def did_you_mean(word: str, known: Iterable[str], *, otherwise: str = "") -> str:
    """``; did you mean 'x'?`` with the nearest known word, or ``otherwise`` where none is near."""
    near = nearest(word, known)
    return f"; did you mean {near!r}?" if near else otherwise


def requirement_of(found: Marked) -> Iterator[Requirement]:
    """What a value of a step asks of a dialect: its events, and the session settings that it changes, looks at or saves."""
    place, value = found.path, found.value
    match found.kind:
        case marks.AWAITED:
            if isinstance(value, str) and value in SERVER_NAMES:
                yield Requirement(place, value, _having(lambda row: speaks(row, value)))
        case marks.SENT:
            kind = value.get("type") if isinstance(value, Mapping) else None
            if isinstance(kind, str) and kind in CLIENT_NAMES:
                yield Requirement((*place, "type"), kind, _having(lambda row: speaks(row, kind)))
        case marks.SETTINGS:
            for word in value if isinstance(value, Mapping) else ():
                yield from _setting((*place, word), f"session.{word}")
        case marks.CONDITIONS:
            for field, asked in value.items() if isinstance(value, Mapping) else ():
                if asked != {"absent": True}:
                    yield from _setting((*place, field), field)
        case marks.SAVED:
            for name, field in value.items() if isinstance(value, Mapping) else ():
                yield from _setting((*place, name), str(field))


def _setting(path: Path, field: str) -> Iterator[Requirement]:
    row, _ = session_setting(field)
    if row is not None:
        word = row.word
        yield Requirement(path, f"session.{word}", _having(lambda dialect: dialect.session_path(word) is not None))


def _having(has: Callable[[Dialect], bool]) -> frozenset[str]:
    return frozenset(name for name, row in DIALECTS.items() if has(row))


def _nearest(name: str, known: frozenset[str]) -> str:
    return did_you_mean(name, known, otherwise=f"; the nearest known one is {nearest(name, known, cutoff=0.0)!r}")
