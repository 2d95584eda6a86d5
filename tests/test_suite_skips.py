"""Every rule that a scenario skips is one that its own caller breaks: a skip marks an intended mistake, and hides nothing else."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.rules.base import Outcome
from harness.running.jobs import Job
from harness.running.runner import run_job
from harness.scenario.loader import LoadedScenario, find, load
from harness.scenario.sent import RULE

SUITE = Path(__file__).parent.parent / "scenarios"
SKIPPING = [path for path in find([SUITE]) if load(path).scenario.assert_.rules.skip]


def without_skips(loaded: LoadedScenario) -> LoadedScenario:
    scenario = loaded.scenario
    rules = scenario.assert_.rules.model_copy(update={"skip": {}})
    asserted = scenario.assert_.model_copy(update={"rules": rules})
    return replace(loaded, scenario=scenario.model_copy(update={"assert_": asserted}))


def refused_when_loaded(path: Path, tmp_path: Path) -> bool:
    """Whether the file, without the skip that lets its events be wrong, is refused for what it sends."""
    copy = tmp_path / path.name
    copy.write_text(path.read_text(encoding="utf-8").replace(f"      {RULE}:", "      LAT-01:"), encoding="utf-8")
    try:
        load(copy)
    except UsageError as error:
        return RULE in str(error)
    return False


@pytest.mark.parametrize("path", SKIPPING, ids=lambda path: path.relative_to(SUITE).as_posix())
def test_every_skipped_rule_would_fail(path: Path, tmp_path: Path) -> None:
    loaded = load(path)
    skipped = set(loaded.scenario.assert_.rules.skip)
    broken: set[str] = set()
    for dialect in loaded.dialects:
        result = run_job(Job(path, path.name, dialect), without_skips(loaded))
        found = {rule.id for rule in result.rules if rule.outcome is Outcome.FAIL and rule.severity != "info"}
        assert found <= skipped
        broken |= found
    if RULE in skipped - broken and refused_when_loaded(path, tmp_path):
        broken.add(RULE)
    assert broken == skipped
