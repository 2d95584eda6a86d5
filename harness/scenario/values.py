"""What the parts of a scenario are made of: durations with a unit, milestones, and the base of all parts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainValidator, WithJsonSchema

Milestone = Literal["key", "offer", "answer", "channel-open", "session.update", "first-audio"]
MILESTONES: tuple[Milestone, ...] = ("key", "offer", "answer", "channel-open", "session.update", "first-audio")

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|min)\Z")
_UNITS = {"ms": 0.001, "s": 1.0, "min": 60.0}


def parse_duration(value: object) -> float:
    """Seconds of a duration with a unit. Raises ValueError for a bare number, an unknown unit, a negative value."""
    if isinstance(value, str) and (found := _DURATION.match(value.strip())):
        return round(float(found[1]) * _UNITS[found[2]], 6)
    raise ValueError(f"{value!r} is not a duration; write a number and a unit: 300ms, 1.5s, 2min")


Percentile = Literal["p50", "p75", "p90", "p95", "p99"]
PERCENTILES: tuple[Percentile, ...] = ("p50", "p75", "p90", "p95", "p99")
_DURATION_SCHEMA = {"type": "string", "pattern": r"^\d+(\.\d+)?\s*(ms|s|min)$", "examples": ["300ms", "1.5s"]}

Duration = Annotated[
    float,
    BeforeValidator(parse_duration),
    WithJsonSchema(_DURATION_SCHEMA),
]


def parse_limit(value: object) -> float | dict[Percentile, float]:
    """Seconds of a duration, or of one for each percentile. Raises ValueError for anything else."""
    if not isinstance(value, Mapping):
        return parse_duration(value)
    unknown = [name for name in value if name not in PERCENTILES]
    if unknown or not value:
        seen = f"not {unknown[0]!r}" if unknown else "at least one"
        raise ValueError(f"a budget is a duration, or one for each percentile ({', '.join(PERCENTILES)}), {seen}")
    return {name: parse_duration(limit) for name, limit in value.items()}


Limit = Annotated[
    float | dict[Percentile, float],
    PlainValidator(parse_limit),
    WithJsonSchema(
        {
            "description": "A duration that every run keeps; or one for each percentile, over all repetitions of a run (--repeat).",
            "anyOf": [
                _DURATION_SCHEMA,
                {
                    "type": "object",
                    "properties": {name: _DURATION_SCHEMA for name in PERCENTILES},
                    "additionalProperties": False,
                    "minProperties": 1,
                },
            ],
        }
    ),
]


def limits_of(limit: Limit) -> tuple[tuple[float | None, float], ...]:
    """The percentiles of a budget (None: of every run), each with its seconds."""
    if isinstance(limit, dict):
        return tuple((float(name[1:]), seconds) for name, seconds in limit.items())
    return ((None, limit),)


class Model(BaseModel):
    """Base of all parts: unknown keys are errors, values never change after loading."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=False)

    @classmethod
    def describes(cls, raw: Mapping[str, Any]) -> bool:
        """Whether a mapping of a file may be meant for this model, which need not be the only one at its place."""
        return True
