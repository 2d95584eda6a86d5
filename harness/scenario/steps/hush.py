"""``hush``: stop speaking."""

from __future__ import annotations

from typing import ClassVar

from harness.protocol.dialects import Dialect
from harness.scenario.stage import Stage
from harness.scenario.steps.base import Step


class Hush(Step):
    """Stop saying: what is queued is dropped, the track falls back to silence (RTP keeps flowing)."""

    word: ClassVar[str] = "hush"
    hush: None = None

    def describe(self, dialect: Dialect) -> str:
        """Silence."""
        return "fall silent"

    async def take(self, stage: Stage) -> None:
        """Drop what is queued."""
        stage.call.track.hush()
