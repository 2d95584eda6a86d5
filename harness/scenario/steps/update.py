"""``update``: change the session."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from harness.protocol.dialects import Dialect
from harness.scenario.live import Need, needs_of_settings
from harness.scenario.marks import Settings
from harness.scenario.stage import Stage
from harness.scenario.steps.base import Step


class Update(Step):
    """session.update with canonical session words, translated to the dialect."""

    word: ClassVar[str] = "update"
    update: Settings

    def needs(self) -> Iterable[Need]:
        """What the settings ask for."""
        return needs_of_settings(self.update)

    def describe(self, dialect: Dialect) -> str:
        """The settings by name."""
        return f"update the session: {', '.join(self.update)}"

    async def take(self, stage: Stage) -> None:
        """Send it."""
        stage.call.update(stage.filled(self.update))
