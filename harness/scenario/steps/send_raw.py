"""``send_raw``: any text on the channel."""

from __future__ import annotations

from typing import Annotated, ClassVar

from harness.protocol.dialects import Dialect
from harness.scenario.marks import FILLED
from harness.scenario.match import as_text
from harness.scenario.stage import Stage
from harness.scenario.steps.base import Step


class SendRaw(Step):
    """Send text as it stands on the channel, valid or not; only ``${variables}`` are filled in."""

    word: ClassVar[str] = "send_raw"
    send_raw: Annotated[str, FILLED]

    def describe(self, dialect: Dialect) -> str:
        """The text."""
        return f"send the text {as_text(self.send_raw)}"

    async def take(self, stage: Stage) -> None:
        """Send it."""
        stage.call.send_raw(stage.filled(self.send_raw))
