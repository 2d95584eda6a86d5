"""Whether the faults that a scenario names for its caller exist."""

from __future__ import annotations

from harness.client.faults import CLIENT_FAULTS, nearest
from harness.errors import ScenarioError
from harness.scenario import source as yaml_source
from harness.scenario.loader import LoadedScenario


def check_faults(loaded: LoadedScenario) -> None:
    """Raise ScenarioError with ``file:line:column`` and the nearest name for each fault under ``caller:`` that nobody knows."""
    unknown = [name for name in loaded.scenario.caller.faults if name not in CLIENT_FAULTS]
    if not unknown:
        return
    try:
        source = yaml_source.parse(loaded.path.read_text(encoding="utf-8-sig"), str(loaded.path))
    except OSError:
        raise ScenarioError(f"unknown fault {unknown[0]!r}", where=str(loaded.path), fix=nearest(unknown[0])) from None
    for number, name in enumerate(loaded.scenario.caller.faults):
        if name in unknown:
            source.report(source.at(("caller", "faults", number)), f"unknown fault {name!r}; {nearest(name)}")
    source.raise_problems()
