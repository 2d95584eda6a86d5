"""Which event names, session words and dialects a scenario may use, and which dialects can play it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any, NamedTuple

from harness.protocol.dialects import DIALECTS, FICTIONAL_EVENTS, SESSION_FIELDS, WEBRTC_FILTER, Dialect
from harness.scenario.match import session_setting
from harness.scenario.model import Scenario

Path = tuple[str | int, ...]

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


def dialects_of(scenario: Scenario) -> tuple[str, ...]:
    """The dialects a scenario runs in: those it names, else every one that can.

    A dialect can when it has every event that is expected or sent, every setting that is updated or looked at, and
    ``webrtcfilter`` where that is used. A session setting that a dialect lacks is no hindrance: it is left out, with a note.
    """
    if scenario.dialects is not None:
        return tuple(dict.fromkeys(scenario.dialects))
    return able(requirements(scenario.model_dump(by_alias=True, exclude_unset=True)))


def able(required: Iterable[Requirement]) -> tuple[str, ...]:
    """The dialects that meet all requirements, in the order of the table."""
    required = tuple(required)
    return tuple(name for name in DIALECTS if all(name in one.dialects for one in required))


def rows_of(scenario: Mapping[str, Any]) -> list[Dialect]:
    """The dialects that a scenario runs in as it stands in its file: those it names and that there are, else every one that can."""
    given = scenario.get("dialects")
    names = given if isinstance(given, list) else able(requirements(scenario))
    return [DIALECTS[name] for name in names if isinstance(name, str) and name in DIALECTS]


def requirements(scenario: Mapping[str, Any]) -> Iterator[Requirement]:
    """What a scenario, as it stands in its file, asks of a dialect. Parts that are malformed are passed over."""
    caller = scenario.get("caller")
    if isinstance(caller, Mapping) and caller.get("webrtcfilter") is True:
        yield Requirement(("caller", "webrtcfilter"), "webrtcfilter", _having(lambda row: row.filter))
    for number, step in enumerate(_list(scenario.get("steps"))):
        if isinstance(step, Mapping):
            yield from _of_step(step, ("steps", number))


def patterns_in(step: Mapping[str, Any], path: Path) -> Iterator[tuple[Path, Any, Path, Mapping[str, Any]]]:
    """Each event that an expect or never step names: the place of the name, the name, the place and text of its conditions."""
    if "never" in step:
        yield (*path, "never"), step["never"], path, step
    expected = step.get("expect")
    if not isinstance(expected, Mapping):
        if "expect" in step:
            yield (*path, "expect"), expected, path, step
        return
    for kind in ("all_of", "any_of"):
        for number, one in enumerate(_list(expected.get(kind))):
            place = (*path, "expect", kind, number)
            if isinstance(one, Mapping):
                yield (*place, "event"), one.get("event"), place, one
            else:
                yield place, one, place, {}


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
    by_lower = {one.lower(): one for one in sorted(known)}
    near = get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return f"; did you mean {by_lower[near[0]]!r}?" if near else otherwise


def _nearest(name: str, known: frozenset[str]) -> str:
    near = get_close_matches(name, sorted(known), n=1, cutoff=0.0)
    return did_you_mean(name, known, otherwise=f"; the nearest known one is {near[0]!r}")


def _of_step(step: Mapping[str, Any], path: Path) -> Iterator[Requirement]:
    if "expect" in step and step.get("optional") is not True:
        yield from _of_expectation(step, path)
    sent = step.get("send")
    if isinstance(sent, Mapping) and _known(sent.get("type"), CLIENT_NAMES):
        yield _event((*path, "send", "type"), sent["type"])
    for word in _mapping(step.get("update")):
        row, _ = session_setting(f"session.{word}")
        if row is not None:
            yield _setting((*path, "update", word), row.word)


def _of_expectation(step: Mapping[str, Any], path: Path) -> Iterator[Requirement]:
    named = [(place, name) for place, name, _, _ in patterns_in(step, path) if _known(name, SERVER_NAMES)]
    if "any_of" in _mapping(step.get("expect")):
        together = frozenset().union(*(_event(place, name).dialects for place, name in named))
        if named:
            yield Requirement(named[0][0], " or ".join(name for _, name in named), together)
    else:
        for place, name in named:
            yield _event(place, name)
    parts = [(path, step), *((place, part) for _, _, place, part in patterns_in(step, path) if place != path)]
    for place, part in parts:
        for field, asked in _mapping(part.get("where")).items():
            row, _ = session_setting(field)
            if row is not None and asked != {"absent": True}:
                yield _setting((*place, "where", field), row.word)
        for name, field in _mapping(part.get("save")).items():
            row, _ = session_setting(str(field))
            if row is not None:
                yield _setting((*place, "save", name), row.word)


def _event(path: Path, name: str) -> Requirement:
    return Requirement(path, name, _having(lambda row: speaks(row, name)))


def _setting(path: Path, word: str) -> Requirement:
    return Requirement(path, f"session.{word}", _having(lambda row: row.session_path(word) is not None))


def _having(has: Callable[[Dialect], bool]) -> frozenset[str]:
    return frozenset(name for name, row in DIALECTS.items() if has(row))


def _known(name: Any, names: frozenset[str]) -> bool:
    return isinstance(name, str) and name in names


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
