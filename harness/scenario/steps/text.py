"""``text``: say it in writing."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from harness.protocol.dialects import Dialect
from harness.scenario.marks import FILLED
from harness.scenario.match import as_text
from harness.scenario.stage import Stage
from harness.scenario.steps.base import Step


class Text(Step):
    """Say it in writing: conversation.item.create with a user message, then response.create."""

    word: ClassVar[str] = "text"
    text: Annotated[str, FILLED]
    respond: bool = Field(default=True, description="false: only the item, no response.create")

    def describe(self, dialect: Dialect) -> str:
        """The text."""
        return f"write {as_text(self.text)}{'' if self.respond else ' without asking for a response'}"

    async def take(self, stage: Stage) -> None:
        """Send the item, then the request for a response."""
        part = {"type": "input_text", "text": stage.filled(self.text)}
        stage.create_item({"type": "message", "role": "user", "content": [part]}, respond=self.respond)
