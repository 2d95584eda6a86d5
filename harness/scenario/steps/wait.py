"""``wait``: let time pass."""

from __future__ import annotations

from typing import ClassVar

from harness.protocol.dialects import Dialect
from harness.scenario.match import span
from harness.scenario.stage import Stage
from harness.scenario.steps.base import Step
from harness.scenario.values import Duration


class Wait(Step):
    """Let time pass."""

    word: ClassVar[str] = "wait"
    wait: Duration

    @property
    def patience(self) -> float:
        """The time itself."""
        return self.wait

    @property
    def lasts(self) -> float:
        """The time itself."""
        return self.wait

    def describe(self, dialect: Dialect) -> str:
        """The time."""
        return f"wait {span(self.wait)}"

    async def take(self, stage: Stage) -> None:
        """Wait."""
        await stage.sleep(self.wait)
