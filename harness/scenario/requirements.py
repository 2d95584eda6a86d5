"""What a scenario asks of a dialect, and which dialects can play it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from harness.protocol.dialects import DIALECTS, Dialect
from harness.scenario.model import Scenario
from harness.scenario.steps import STEPS, step_word
from harness.scenario.vocabulary import Requirement


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
    caller, steps = scenario.get("caller"), scenario.get("steps")
    if isinstance(caller, Mapping) and caller.get("webrtcfilter") is True:
        filtering = frozenset(name for name, row in DIALECTS.items() if row.filter)
        yield Requirement(("caller", "webrtcfilter"), "webrtcfilter", filtering)
    for number, step in enumerate(steps if isinstance(steps, list) else ()):
        word = step_word(step)
        if word is not None and isinstance(step, Mapping):
            yield from STEPS[word].requirements(step, ("steps", number))
