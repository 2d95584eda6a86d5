"""What every step is: a word of the scenario language, its settings, its words for people, and what it does on the stage."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from harness.protocol.dialects import Dialect
from harness.scenario.live import Need
from harness.scenario.marks import Path, marked
from harness.scenario.relaxation import Relaxation
from harness.scenario.stage import Audio, Seen, Stage
from harness.scenario.values import Model
from harness.scenario.vocabulary import Requirement, requirement_of

DEFAULT_WITHIN = 10.0


class Step(Model):
    """Base of the steps. ``word`` is the key that names the step.

    A new step is a file in this package with a class of its own: whatever the program knows of a step, it asks here.
    """

    word: ClassVar[str]
    changes_network: ClassVar[bool] = False
    lenient: bool = Field(
        default=False, description="on a service without a script its miss is inconclusive (see live)"
    )

    @model_validator(mode="before")
    @classmethod
    def _bare_word(cls, value: Any) -> Any:
        """``- hang_up`` means ``- hang_up:``."""
        return {value: None} if isinstance(value, str) and value == cls.word else value

    @classmethod
    def describes(cls, raw: Mapping[str, Any]) -> bool:
        """Whether a step as it stands in a file is of this kind."""
        return cls.word in raw

    @classmethod
    def requirements(cls, raw: Mapping[str, Any], path: Path) -> Iterator[Requirement]:
        """What the step, as it stands in a file at ``path``, asks of a dialect. Parts that are malformed are passed over."""
        for found in marked(cls, raw, path):
            yield from requirement_of(found)

    @abstractmethod
    def describe(self, dialect: Dialect) -> str:
        """One line for a person: what the step does, or what it asks for."""

    @abstractmethod
    async def take(self, stage: Stage) -> Seen | None:
        """Do it. What was seen, where the step asks for something; None where it does not.

        Raises UsageError for what cannot be sent, CallError where the connection that it needs is gone.
        """

    @property
    def asks(self) -> bool:
        """Whether the step is missed where the walk ends before it."""
        return False

    @property
    def patience(self) -> float:
        """Seconds after which a run that is still in this step has hung; 0 for a step that waits for nothing."""
        return 0.0

    @property
    def lasts(self) -> float:
        """Seconds that the step takes whatever happens."""
        return 0.0

    @property
    def cooperative(self) -> bool:
        """Whether a model must cooperate: missed, the step says nothing about the service for certain."""
        return self.lenient

    def needs(self) -> Iterable[Need]:
        """What a service without a script must have so that the step says something about it."""
        return ()

    def relaxed(self, relax: Relaxation) -> Self:
        """The step as it is judged on a service without a script."""
        return self

    def prepare(self, audio: Audio) -> None:
        """What is done before the call, because it would hold up the media clock in it."""

    def at_end(self, stage: Stage, reached: int | None) -> Seen | None:
        """What the whole call showed of the step, once it is over; ``reached``: the length of the trace when the walk came to the step."""
        return None
