"""Events that a step names, one or several, with conditions and variables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from pydantic import ConfigDict, Field, model_validator

from harness.protocol.dialects import Dialect
from harness.scenario.marks import AwaitedEvent, Save, Where
from harness.scenario.match import describe, span
from harness.scenario.values import Model


class EventPattern(Model):
    """One event of a group with conditions and variables of its own."""

    event: AwaitedEvent
    where: Where = Field(default_factory=dict, description="dotted path -> value or condition")
    save: Save = Field(default_factory=dict, description="variable -> dotted path")


class EventGroup(Model):
    """Several events at once: all of them in any order, or any one of them."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1, "maxProperties": 1})

    all_of: list[AwaitedEvent | EventPattern] | None = Field(default=None, json_schema_extra={"minItems": 1})
    any_of: list[AwaitedEvent | EventPattern] | None = Field(default=None, json_schema_extra={"minItems": 1})

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.all_of is None) == (self.any_of is None) or not (self.all_of or self.any_of):
            raise ValueError("give either all_of or any_of, with at least one event")
        return self


def expected(
    dialect: Dialect, patterns: Sequence[EventPattern], *, needs_all: bool, within: float, optional: bool = False
) -> str:
    """An expectation in words: ``response.done within 10 s where response.status is "completed"``."""
    shared = patterns[0].where if all(one.where == patterns[0].where for one in patterns) else {}
    names = []
    for one in patterns:
        own = "" if shared or not one.where else f" ({describe(one.where)})"
        names.append(f"{dialect.wire(one.event) or one.event}{own}")
    text = (" and " if needs_all else " or ").join(names)
    text += ", in any order," if needs_all and len(names) > 1 else ""
    text += f" within {span(within)}"
    text += f" where {describe(shared)}" if shared else ""
    return f"{text} (optional)" if optional else text
