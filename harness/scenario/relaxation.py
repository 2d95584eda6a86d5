"""What is still asked of a service that has no script: its own words and its own pace. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from harness.scenario.marks import Where
from harness.scenario.match import conditions, variables_in

PATIENCE = 15.0
"""Seconds that anything may take on a service whose speed is its own affair."""
HEARD = 0.3
"""Seconds of speech that any spoken reply has, however short."""
STORY = 5.0
"""Seconds of speech by which an answer is as long as it was asked to be, so that it goes on while something is done to it."""

# Fields whose words are made by whoever speaks, not by the protocol.
_SPOKEN = frozenset({"transcript", "text", "delta", "arguments"})
_SOME_TEXT = {"matches": r"\S"}
_OF_TEXT = frozenset({"equals", "matches", "one_of", "contains"})


class Relaxation:
    """How conditions are made lenient. ``before`` and ``after`` are the session's instructions without and with what is asked for.

    ``script`` holds every text that only the fake's script explains; ``asked``: the model was asked to do what the script does.
    """

    def __init__(self, script: Sequence[str], before: Any, after: Any, *, asked: bool) -> None:
        self._script = script
        self._before = before
        self._after = after
        self.asked = asked

    def within(self, seconds: float) -> float:
        """How long something may take."""
        return max(seconds, PATIENCE)

    def where(self, where: Where) -> Where:
        """Conditions without the words of the script."""
        return {path: self._condition(path, asked) for path, asked in where.items()}

    def _condition(self, path: str, asked: Any) -> Any:
        if asked == self._before and path.endswith("instructions"):
            return self._after
        if any(variables_in(asked)):
            return asked  # an echo of what the service itself said
        named = conditions(asked)
        if path.rpartition(".")[2] in _SPOKEN:
            if not any(self._scripted(name, value) for name, value in named.items()):
                return asked
            return {**{name: value for name, value in named.items() if name not in _OF_TEXT}, **_SOME_TEXT}
        inner = named.get("contains")
        return {**named, "contains": self._without_words(inner)} if isinstance(inner, Mapping) else asked

    def argument(self, asked: Any) -> Any:
        """What a model passes to a function is its own choice; that it passes it is not."""
        if any(variables_in(asked)) or not any(
            self._scripted(name, value) or name == "equals" for name, value in conditions(asked).items()
        ):
            return asked
        return {"absent": False}

    def _scripted(self, name: str, value: Any) -> bool:
        """Whether a condition asks for words of the script."""
        if name == "matches" and isinstance(value, str):
            return any(re.search(value, text) for text in self._script)
        if name in ("equals", "contains") and isinstance(value, str):
            return value != "" and any(value in text for text in self._script)
        return name == "one_of" and isinstance(value, list) and any(self._scripted("equals", one) for one in value)

    def _without_words(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """An element that a list must contain, without the fields that hold words of the script."""
        kept: dict[str, Any] = {}
        for name, value in wanted.items():
            if isinstance(value, Mapping):
                kept[name] = self._without_words(value)
            elif not (name in _SPOKEN and self._scripted("equals", value)) and not self._speaks(value):
                kept[name] = value
        return kept

    def _speaks(self, value: Any) -> bool:
        """Whether a list has words of the script somewhere in it: lists are compared as a whole."""
        if isinstance(value, list):
            return any(self._speaks(one) for one in value)
        if isinstance(value, Mapping):
            return any(
                self._speaks(inner) or (name in _SPOKEN and self._scripted("equals", inner))
                for name, inner in value.items()
            )
        return False
