"""All declared faults, of the service and of the caller: as ``harness faults`` lists them, and whether one exists that is named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from harness.client.faults import CLIENT_FAULTS
from harness.errors import ScenarioError, UsageError
from harness.fake.faults import FAULTS
from harness.faults.registry import Declared, Registry
from harness.scenario import source as yaml_source
from harness.scenario.loader import LoadedScenario


def faults_json() -> list[dict[str, Any]]:
    """``harness faults --json``: ``of`` says whose fault it is, "service" (--fault, fake.faults) or "client" (caller.faults)."""
    return [one.to_json() for one in (*FAULTS.values(), *CLIENT_FAULTS.values())]


def faults_text() -> Iterator[str]:
    """A line for each fault, by whose it is: its name, what catches it, what it does."""
    yield f"{len(FAULTS)} faults of the service (--fault NAME, or faults: under fake: in a scenario)"
    yield from map(_line, FAULTS.values())
    yield ""
    yield f"{len(CLIENT_FAULTS)} faults of the caller (faults: under caller: in a scenario)"
    yield from map(_line, CLIENT_FAULTS.values())


def explain_fault(name: str) -> list[str] | None:
    """What a fault does, what catches it, and how to see that, as lines; None where nobody knows it."""
    wanted = name.strip().lower()
    if wanted in FAULTS:
        return [*_page(FAULTS[wanted], "the service"), f"try         harness run --fault {wanted}"]
    if wanted in CLIENT_FAULTS:
        return [
            *_page(CLIENT_FAULTS[wanted], "the caller"),
            f"use         caller: {{faults: [{wanted}]}}   (in a scenario)",
        ]
    return None


def _page(one: Declared, of: str) -> Iterator[str]:
    yield f"{one.name}  {one.title}"
    yield f"fault of    {of}"
    yield f"caught by   {', '.join(one.caught_by) or one.otherwise or 'nothing'}"
    yield f"prove       harness selftest {one.name}"


def _line(one: Declared) -> str:
    return f"  {one.name:<42} {', '.join(one.caught_by) or one.otherwise or '':<24} {one.title}"


def check_named(names: Sequence[str], *, where: str = "--fault") -> None:
    """Raise UsageError with the nearest name for the first fault of the service that nobody knows."""
    for name in names:
        FAULTS.named(name, where=where)


def check_faults(loaded: LoadedScenario) -> None:
    """Raise ScenarioError with ``file:line:column`` and the nearest name for each fault under ``fake:`` or ``caller:`` that nobody knows."""
    fake, caller = loaded.scenario.fake.faults, loaded.scenario.caller.faults
    unknown = {**_unknown("fake", fake, FAULTS), **_unknown("caller", caller, CLIENT_FAULTS)}
    if not unknown:
        return
    try:
        source = yaml_source.parse(loaded.path.read_text(encoding="utf-8-sig"), str(loaded.path))
    except OSError:
        first = next(iter(unknown.values()))
        raise ScenarioError(first.what, where=str(loaded.path), fix=first.fix) from None
    for place, error in unknown.items():
        source.report(source.at(place), f"{error.what}; {error.fix}")
    source.raise_problems()


def _unknown(section: str, names: Sequence[str], known: Registry[Any]) -> dict[tuple[str | int, ...], UsageError]:
    found: dict[tuple[str | int, ...], UsageError] = {}
    for number, name in enumerate(names):
        try:
            known.named(name, where=section)
        except UsageError as error:
            found[section, "faults", number] = error
    return found
