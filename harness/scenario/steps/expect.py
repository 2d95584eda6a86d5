"""``expect``: wait for server events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Self

from pydantic import Field

from harness.protocol.dialects import Dialect
from harness.scenario.event_search import Search
from harness.scenario.marks import AWAITED, AwaitedEvent, Path, Save, Where, marked
from harness.scenario.relaxation import Relaxation
from harness.scenario.stage import Seen, Stage
from harness.scenario.steps.base import DEFAULT_WITHIN, Step
from harness.scenario.steps.patterns import EventGroup, EventPattern, expected
from harness.scenario.values import Duration
from harness.scenario.vocabulary import Requirement, requirement_of

_TRANSCRIPTION = "conversation.item.input_audio_transcription."


class Expect(Step):
    """Wait for a server event (others in between are allowed). Matching starts after the last matched event."""

    word: ClassVar[str] = "expect"
    expect: AwaitedEvent | EventGroup
    within: Duration = DEFAULT_WITHIN
    where: Where = Field(default_factory=dict, description="dotted path -> value or condition")
    save: Save = Field(default_factory=dict, description="variable -> dotted path; used later as ${variable}")
    optional: bool = Field(default=False, description="its absence is no failure")
    anywhere: bool = Field(
        default=False,
        description="look through the whole call, not only after the last matched event, which stays where it is; name what it is "
        "about in where",
    )

    @property
    def patterns(self) -> tuple[EventPattern, ...]:
        """Each event that is waited for, with the step's own ``where`` and ``save`` merged in. One, unless it is a group."""
        match self.expect:
            case str(name):
                wanted: list[str | EventPattern] = [name]
            case group:
                wanted = group.all_of or group.any_of or []
        patterns = (EventPattern(event=one) if isinstance(one, str) else one for one in wanted)
        return tuple(
            EventPattern(event=one.event, where={**self.where, **one.where}, save={**self.save, **one.save})
            for one in patterns
        )

    @property
    def needs_all(self) -> bool:
        """True where every one of ``patterns`` must come (in any order), False where any one of them is enough."""
        return isinstance(self.expect, str) or self.expect.all_of is not None

    @property
    def asks(self) -> bool:
        """Always."""
        return True

    @property
    def patience(self) -> float:
        """How long it waits."""
        return self.within

    @classmethod
    def requirements(cls, raw: Mapping[str, Any], path: Path) -> Iterator[Requirement]:
        """Nothing where the event is optional; of several that are enough each, a dialect with any."""
        if raw.get("optional") is True:
            return
        group = raw["expect"]
        alternatives: list[Requirement] = []
        for found in marked(cls, raw, path):
            own = requirement_of(found)
            if found.kind == AWAITED and isinstance(group, Mapping) and "any_of" in group:
                alternatives += own
            else:
                yield from own
        if alternatives:
            dialects = frozenset().union(*(one.dialects for one in alternatives))
            yield Requirement(alternatives[0].path, " or ".join(one.what for one in alternatives), dialects)

    def describe(self, dialect: Dialect) -> str:
        """The events, how long it waits, the conditions."""
        text = expected(dialect, self.patterns, needs_all=self.needs_all, within=self.within, optional=self.optional)
        return f"{text}, anywhere in the call" if self.anywhere else text

    def relaxed(self, relax: Relaxation) -> Self:
        """With more time and without the words of the script.

        That a transcript comes is a SHOULD (TRN-02): its absence is a finding of that rule, not a failed run.
        """
        transcript = any(one.event.startswith(_TRANSCRIPTION) for one in self.patterns)
        return self.model_copy(
            update={
                "expect": self.expect if isinstance(self.expect, str) else _relaxed(self.expect, relax),
                "within": self.within if self.optional else relax.within(self.within),
                "where": relax.where(self.where),
                "lenient": self.lenient or transcript,
            }
        )

    async def take(self, stage: Stage) -> Seen:
        """Look until they came or the time is over, then save what is asked for."""
        search = Search(
            stage.entries,
            stage.call.dialect,
            self.patterns,
            needs_all=self.needs_all,
            cursor=-1 if self.anywhere else stage.cursor,
            variables=stage.variables,
        )
        found = await stage.until(search.look, self.within)
        if found is None:
            return Seen(self.optional, stage.in_short(search.instead()))
        last = max(found.values(), key=lambda entry: entry.seq)
        stage.cursor = stage.cursor if self.anywhere else last.seq
        values, missing = search.saved()
        if missing:
            return Seen(False, missing, last)
        stage.variables.update(values)
        came = ", ".join(f"{entry.type} at {entry.t:.3f} s" for entry in found.values())
        return Seen(True, came, last, tuple(found.values()) if len(found) > 1 else ())


def _relaxed(group: EventGroup, relax: Relaxation) -> EventGroup:
    def each(several: list[str | EventPattern] | None) -> list[str | EventPattern] | None:
        return several and [
            one if isinstance(one, str) else one.model_copy(update={"where": relax.where(one.where)}) for one in several
        ]

    return group.model_copy(update={"all_of": each(group.all_of), "any_of": each(group.any_of)})
