"""A recorded turn, made once."""

from __future__ import annotations

from pathlib import Path

import pytest

import harness
from tests.regression.calls import SUITE


@pytest.fixture(scope="session")
def turn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The trace of a spoken turn of the engine, with its audio beside it."""
    out = tmp_path_factory.mktemp("turn")
    harness.run(SUITE / "turns" / "caller-speaks-assistant-answers.yaml", dialects=["azure-ga"], out=out)
    return next((out / "traces").glob("*.ndjson"))
