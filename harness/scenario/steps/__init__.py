"""The steps of the scenario language, one file each; every file of this package is imported, and its step is known."""

from __future__ import annotations

import pkgutil
from collections.abc import Mapping
from functools import reduce
from importlib import import_module
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from pydantic import Discriminator, Tag

from harness.scenario.steps.base import Step

for _found in pkgutil.iter_modules(__path__, f"{__name__}."):
    import_module(_found.name)

STEPS: Mapping[str, type[Step]] = {
    step.word: step for step in sorted(Step.__subclasses__(), key=lambda step: step.word)
}


def step_word(value: Any) -> str | None:
    """The word of a step, or of a step as it stands in a file; None where it has none."""
    if isinstance(value, Step):
        return value.word
    words = value if isinstance(value, Mapping) else [value] if isinstance(value, str) else []
    return next((word for word in words if word in STEPS), None)


if TYPE_CHECKING:
    AnyStep: TypeAlias = Step
else:
    _tagged = (Annotated[step, Tag(word)] for word, step in STEPS.items())
    AnyStep = Annotated[reduce(or_, _tagged), Discriminator(step_word)]
