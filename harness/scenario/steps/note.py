"""``note``: a remark for whoever reads the recording."""

from __future__ import annotations

from typing import Annotated, ClassVar

from harness.protocol.dialects import Dialect
from harness.scenario.marks import FILLED
from harness.scenario.match import as_text
from harness.scenario.stage import Stage
from harness.scenario.steps.base import Step


class Note(Step):
    """Write a remark into the recording and the report's timeline; nothing is sent."""

    word: ClassVar[str] = "note"
    note: Annotated[str, FILLED]

    def describe(self, dialect: Dialect) -> str:
        """The remark."""
        return f"note {as_text(self.note)}"

    async def take(self, stage: Stage) -> None:
        """Write it down."""
        stage.record("harness.note", text=stage.filled(self.note), about="scenario")
