"""``tool``: wait for a function call and answer it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field

from harness.protocol.dialects import Dialect
from harness.protocol.messages import parse
from harness.scenario.event_search import error_of
from harness.scenario.live import Need
from harness.scenario.marks import FILLED, Where
from harness.scenario.match import Mismatch, as_text, describe, lookup, matches, span
from harness.scenario.relaxation import Relaxation
from harness.scenario.stage import Seen, Stage
from harness.scenario.steps.base import DEFAULT_WITHIN, Step
from harness.scenario.values import Duration, Model
from harness.trace import Entry


class ToolAnswer(Model):
    """Which function call to answer, and with what."""

    name: str
    result: Annotated[Any, FILLED] = None
    arguments: Where = Field(default_factory=dict, description="what the call's arguments must be")
    respond: bool = Field(default=True, description="false: no response.create after the output")


class Tool(Step):
    """Wait for the function call, answer it (function_call_output with its call_id) and ask for the next response."""

    word: ClassVar[str] = "tool"
    tool: ToolAnswer
    within: Duration = DEFAULT_WITHIN

    @property
    def asks(self) -> bool:
        """Always."""
        return True

    @property
    def patience(self) -> float:
        """How long it waits."""
        return self.within

    @property
    def cooperative(self) -> bool:
        """Always: the model decides whether to call."""
        return True

    def needs(self) -> Iterable[Need]:
        """Functions."""
        return ("function-calls",)

    def describe(self, dialect: Dialect) -> str:
        """The function, how long it waits, the conditions on its arguments."""
        arguments = f" where {describe(self.tool.arguments)}" if self.tool.arguments else ""
        return f"a call of the function {self.tool.name} within {span(self.within)}{arguments}"

    def relaxed(self, relax: Relaxation) -> Self:
        """With more time and any arguments."""
        arguments = {path: relax.argument(asked) for path, asked in self.tool.arguments.items()}
        tool = self.tool.model_copy(update={"arguments": arguments})
        return self.model_copy(update={"tool": tool, "within": relax.within(self.within)})

    async def take(self, stage: Stage) -> Seen:
        """Wait for the call and for the end of its response, then answer."""
        deadline = stage.now + self.within

        def call() -> Entry | None:
            return find_call(stage.entries, self.tool, stage.answered, stage.variables)

        found = await stage.until(call, self.within)
        if found is None:
            instead = called_instead(stage.entries, self.tool, stage.answered, stage.variables)
            return Seen(False, stage.in_short(instead))
        # The response that calls must be over, or the next response.create is refused as a second one.
        response_id = found.event.get("response_id")
        done = await stage.until(lambda: response_done(stage.entries, response_id), deadline - stage.now)
        if done is None:
            actual = f"the function call came at {found.t:.3f} s, but its response.done did not"
            return Seen(False, stage.in_short(actual), found)
        call_id = found.event["item"]["call_id"]
        stage.answered.add(call_id)
        stage.cursor = max(stage.cursor, done.seq)
        result = stage.filled(self.tool.result)
        output = result if isinstance(result, str) else json.dumps(result, ensure_ascii=False)
        item = {"type": "function_call_output", "call_id": call_id, "output": output}
        stage.create_item(item, respond=self.tool.respond)
        return Seen(True, f"called at {found.t:.3f} s", found)


def find_call(
    entries: Iterable[Entry], wanted: ToolAnswer, answered: Collection[str], variables: Mapping[str, Any]
) -> Entry | None:
    """The first finished call of this function, with these arguments, whose ``call_id`` has not been answered."""
    for entry in _calls(entries, answered):
        if _name(entry) == wanted.name and _mismatch(entry, wanted, variables) is None:
            return entry
    return None


def called_instead(
    entries: Iterable[Entry], wanted: ToolAnswer, answered: Collection[str], variables: Mapping[str, Any]
) -> str:
    """What the service called instead, or why it called nothing, as far as the trace tells."""
    entries = list(entries)
    told: list[str] = []
    for entry in _calls(entries, answered):
        mismatch = _mismatch(entry, wanted, variables) if _name(entry) == wanted.name else None
        told.append(f"{_name(entry)} was called{f', but {mismatch}' if mismatch else ''}")
    errors = [entry for entry in entries if entry.kind == "event.received" and entry.type == "error"]
    told += [f"error came: {error_of(entry.event)}" for entry in errors[-1:]]
    return "; ".join(told) or "no function was called"


def response_done(entries: Iterable[Entry], response_id: Any) -> Entry | None:
    """The response.done of this response."""
    return next(
        (
            entry
            for entry in entries
            if entry.kind == "event.received"
            and entry.type == "response.done"
            and lookup(entry.event, "response.id") == response_id
        ),
        None,
    )


def _calls(entries: Iterable[Entry], answered: Collection[str]) -> Iterable[Entry]:
    for entry in entries:
        if (
            entry.kind == "event.received"
            and entry.type == "response.output_item.done"
            and lookup(entry.event, "item.type") == "function_call"
            and isinstance(call_id := lookup(entry.event, "item.call_id"), str)
            and call_id not in answered
        ):
            yield entry


def _name(entry: Entry) -> str:
    name = lookup(entry.event, "item.name")
    return name if isinstance(name, str) else as_text(name)


def _mismatch(entry: Entry, wanted: ToolAnswer, variables: Mapping[str, Any]) -> Mismatch | None:
    if not wanted.arguments:
        return None
    text = lookup(entry.event, "item.arguments")
    try:
        arguments = parse(text) if isinstance(text, str) else text
    except ValueError:
        return Mismatch("arguments", "to be JSON", as_text(text))
    return matches(arguments, wanted.arguments, variables)
