"""The events that a scenario sends, held against their schemas before anything runs.

``send_raw`` is free to be wrong, and so is a scenario that skips rule EVT-06, which judges the same on the wire: its point is a
wrong event. Values with ``${variables}`` are not known yet and pass. What ``text`` and ``tool`` send is made here, and fits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from harness.protocol.dialects import Dialect
from harness.protocol.events import findings
from harness.protocol.mismatch import Problem
from harness.protocol.session_body import session_body
from harness.scenario.marks import SENT, SETTINGS, Marked, Path
from harness.scenario.match import lookup, variables_in
from harness.scenario.requirements import rows_of
from harness.scenario.source import Source
from harness.scenario.vocabulary import SESSION_WORDS, did_you_mean

RULE = "EVT-06"
_MEANT = f" (if that is the point: skip {RULE}, or send_raw)"


def check_sent(source: Source, scenario: Mapping[str, Any], found: Iterable[Marked]) -> None:
    """Report what is wrong with the events and settings that steps send, in the dialects that the scenario runs in."""
    if _is_meant(scenario):
        return
    rows = rows_of(scenario)
    for one in found:
        # Dialects call one thing by several names: the first of them is enough.
        problems: dict[tuple[Path, str], dict[str, Problem]] = {}
        for row in rows:
            for place, problem in _wrong(row, one):
                problems.setdefault(((*one.path, *place), problem.kind), {}).setdefault(row.name, problem)
        for (place, kind), by_dialect in problems.items():
            stands = source.at_key(place) if kind == "unknown" else source.at(place)
            where = "" if len(by_dialect) == len(rows) else f" in {', '.join(by_dialect)}"
            source.report(stands, f"{next(iter(by_dialect.values()))}{where}{_MEANT}")


def _is_meant(scenario: Mapping[str, Any]) -> bool:
    skipped = lookup(scenario, "assert.rules.skip")
    return isinstance(skipped, Mapping) and RULE in skipped


def _wrong(row: Dialect, found: Marked) -> Iterator[tuple[Path, Problem]]:
    """Each problem of what a step sends, with the part of it that it comes from."""
    if not isinstance(found.value, Mapping):
        return
    if found.kind == SENT:
        for problem in _problems(row, found.value):
            yield problem.place, problem
    for word, value in found.value.items() if found.kind == SETTINGS else ():
        if word not in SESSION_WORDS and did_you_mean(word, SESSION_WORDS):
            continue  # a slip, which is reported as one
        kind = {"type": found.value["type"]} if "type" in found.value else {}
        session, _ = session_body(row, {**kind, word: value})
        for problem in _problems(row, {"type": "session.update", "session": session}):
            yield (word, *_within(value, problem.place)), problem


def _problems(row: Dialect, event: Mapping[str, Any]) -> Iterator[Problem]:
    if not isinstance(event.get("type"), str) or event["type"] not in row.client_events:
        return  # reported by its name
    for problem in findings(row.generation.name, "client", event):
        if problem.kind in ("missing", "unknown") or not any(variables_in(_at(event, problem.place))):
            yield problem


def _within(value: Any, place: Path) -> Path:
    """The end of a place on the wire that leads somewhere in a setting as it is written in the file."""
    return next((place[start:] for start in range(len(place)) if _leads(value, place[start:])), ())


def _leads(value: Any, path: Path) -> bool:
    try:
        _at(value, path)
    except (KeyError, IndexError, TypeError):
        return False
    return True


def _at(value: Any, path: Path) -> Any:
    for part in path:
        value = value[part]
    return value
