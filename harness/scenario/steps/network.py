"""``network``: another network from here on."""

from __future__ import annotations

from typing import ClassVar

from harness.protocol.dialects import Dialect
from harness.scenario.network import Network
from harness.scenario.stage import Stage
from harness.scenario.steps.base import Step


class Disturb(Step):
    """Another network from here on, in place of the one before; ``network: clean`` ends the trouble."""

    word: ClassVar[str] = "network"
    changes_network: ClassVar[bool] = True
    network: Network

    def describe(self, dialect: Dialect) -> str:
        """The words that are given for the network."""
        given = [name for name in type(self.network).model_fields if name in self.network.model_fields_set]
        words = [self.network.preset if name == "preset" else name for name in given]
        return f"another network from here on: {', '.join(map(str, words)) or 'clean'}"

    async def take(self, stage: Stage) -> None:
        """Change it."""
        stage.call.disturb(self.network.conditions, seed=self.network.seed)
