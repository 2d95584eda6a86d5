"""``send``: any client event."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from harness.protocol.dialects import Dialect
from harness.scenario.marks import SENT
from harness.scenario.stage import Stage
from harness.scenario.steps.base import Step


class Send(Step):
    """Send any client event, canonical or wire name; ``${variables}`` are filled in."""

    word: ClassVar[str] = "send"
    send: Annotated[dict[str, Any], SENT]

    def describe(self, dialect: Dialect) -> str:
        """The event's type."""
        return f"send {self.send.get('type', 'an event without a type')}"

    async def take(self, stage: Stage) -> None:
        """Send it."""
        stage.call.send(stage.filled(self.send))
