"""``never``: no such event in the whole call."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field

from harness.errors import UsageError
from harness.protocol.dialects import Dialect
from harness.scenario.event_search import Search, error_of
from harness.scenario.marks import FORBIDDEN, Path, Where
from harness.scenario.match import describe
from harness.scenario.stage import Seen, Stage
from harness.scenario.steps.base import Step
from harness.scenario.steps.patterns import EventPattern
from harness.scenario.vocabulary import Requirement


class Never(Step):
    """No such server event in the whole call; with ``since: here``, from this step on."""

    word: ClassVar[str] = "never"
    never: Annotated[str, FORBIDDEN]
    where: Where = Field(default_factory=dict)
    since: Literal["start", "here"] = "start"

    @classmethod
    def requirements(cls, raw: Mapping[str, Any], path: Path) -> Iterator[Requirement]:
        """None: a dialect without the event never sends it."""
        yield from ()

    @property
    def asks(self) -> bool:
        """Only from here on: what must not come in the whole call is judged wherever the walk ends."""
        return self.since == "here"

    def describe(self, dialect: Dialect) -> str:
        """The event, from when on, the conditions."""
        conditions = f" where {describe(self.where)}" if self.where else ""
        since = "from here on" if self.since == "here" else "in the whole call"
        return f"no {dialect.wire(self.never) or self.never} {since}{conditions}"

    async def take(self, stage: Stage) -> None:
        """Nothing: it is judged at the end."""

    def at_end(self, stage: Stage, reached: int | None) -> Seen | None:
        """Whether it came; None where the walk never came to a step that looks from itself on."""
        since = 0 if self.since == "start" else reached
        if since is None:
            return None
        search = Search(
            stage.entries,
            stage.call.dialect,
            [EventPattern(event=self.never, where=self.where)],
            needs_all=True,
            cursor=since - 1,
            variables=stage.variables,
        )
        try:
            found = search.look()
        except UsageError as wrong:
            return Seen(False, wrong.what)
        if found is None:
            return Seen(True, "it never came")
        entry = found[0]
        detail = f": {error_of(entry.event)}" if entry.type == "error" else ""
        return Seen(False, f"{entry.type} came at {entry.t:.3f} s{detail}", entry)
