"""What the parts of a scenario are made of: durations with a unit, milestones, and the base of all parts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, WithJsonSchema

Milestone = Literal["key", "offer", "answer", "channel-open", "session.update", "first-audio"]
MILESTONES: tuple[Milestone, ...] = ("key", "offer", "answer", "channel-open", "session.update", "first-audio")

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|min)\Z")
_UNITS = {"ms": 0.001, "s": 1.0, "min": 60.0}


def parse_duration(value: object) -> float:
    """Seconds of a duration with a unit. Raises ValueError for a bare number, an unknown unit, a negative value."""
    if isinstance(value, str) and (found := _DURATION.match(value.strip())):
        return round(float(found[1]) * _UNITS[found[2]], 6)
    raise ValueError(f"{value!r} is not a duration; write a number and a unit: 300ms, 1.5s, 2min")


Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    WithJsonSchema({"type": "string", "pattern": r"^\d+(\.\d+)?\s*(ms|s|min)$", "examples": ["300ms", "1.5s"]}),
]


class Model(BaseModel):
    """Base of all parts: unknown keys are errors, values never change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=False)

    @classmethod
    def describes(cls, raw: Mapping[str, Any]) -> bool:
        """Whether a mapping of a file may be meant for this model, which need not be the only one at its place."""
        return True
