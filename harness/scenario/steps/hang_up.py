"""``hang_up``: end the call."""

from __future__ import annotations

from typing import ClassVar

from harness.protocol.dialects import Dialect
from harness.scenario.stage import Stage
from harness.scenario.steps.base import Step


class HangUp(Step):
    """End the call here; otherwise it ends after the last step."""

    word: ClassVar[str] = "hang_up"
    hang_up: None = None

    def describe(self, dialect: Dialect) -> str:
        """The end."""
        return "hang up"

    async def take(self, stage: Stage) -> None:
        """End the call."""
        await stage.call.close()
