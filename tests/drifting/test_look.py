"""The calls of the fake that recordings are compared with."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from harness.drifting import look

ROOT = Path(__file__).parents[2]
TURN = ROOT / "tests" / "golden" / "azure-ga" / "s06-text.ndjson"


def test_the_suite_is_run_in_the_dialects_of_the_recordings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(look, "reference_suite", lambda: ROOT / "scenarios" / "text")
    told: list[str] = []
    found = look.drift([TURN], today=date(2026, 6, 1), told=told.append)
    assert 5 <= found.counts["fake"] <= len(list((ROOT / "scenarios" / "text").glob("*.yaml"))), (
        "but for those of other dialects"
    )
    assert told[0].startswith(f"making {found.counts['fake']} calls of the fake in azure-ga")
    assert found.contract == ()
    assert found.exit_code == 0
