"""Whether the faults of the fake exist that a scenario or the command line names."""

from __future__ import annotations

from collections.abc import Sequence

from harness.errors import ScenarioError, UsageError
from harness.fake.faults import FAULTS, named
from harness.scenario import source as yaml_source
from harness.scenario.loader import LoadedScenario


def check_named(names: Sequence[str], *, where: str = "--fault") -> None:
    """Raise UsageError with the nearest name for the first fault that nobody knows."""
    for name in names:
        named(name, where=where)


def check_service_faults(loaded: LoadedScenario) -> None:
    """Raise ScenarioError with ``file:line:column`` and the nearest name for each fault under ``fake:`` that nobody knows."""
    faults = loaded.scenario.fake.faults
    if all(name in FAULTS for name in faults):
        return
    try:
        source = yaml_source.parse(loaded.path.read_text(encoding="utf-8-sig"), str(loaded.path))
    except OSError as error:
        raise ScenarioError("names an unknown fault", where=str(loaded.path), fix="harness faults") from error
    for number, name in enumerate(faults):
        try:
            named(name)
        except UsageError as error:
            source.report(source.at(("fake", "faults", number)), f"{error.what}; {error.fix}")
    source.raise_problems()
