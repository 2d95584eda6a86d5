"""The lifecycle tables of the protocol drawn as Mermaid state diagrams, for RULES.md."""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.protocol.states import LIFECYCLES, Lifecycle


def lifecycles_markdown() -> Iterator[str]:
    """The chapter of RULES.md, line by line: what each machine stands for, and its diagram."""
    yield "## Lifecycles"
    yield ""
    yield "What may follow what, drawn from the tables that the rules use. An event that leads nowhere from a state is illegal there."
    for lifecycle in LIFECYCLES:
        yield from ("", f"### {lifecycle.name.capitalize()}", "", lifecycle.about, "", "```mermaid")
        yield from diagram(lifecycle)
        yield "```"


def diagram(lifecycle: Lifecycle) -> Iterator[str]:
    """One machine as a ``stateDiagram-v2``, an arrow for each line of its table."""
    states = dict.fromkeys((lifecycle.initial, *(state for state, _ in lifecycle.table), *lifecycle.table.values()))
    yield "stateDiagram-v2"
    for state in states:
        if state != _name(state):
            yield f'    state "{state}" as {_name(state)}'
    yield f"    [*] --> {_name(lifecycle.initial)}"
    for (state, event), new in lifecycle.table.items():
        yield f"    {_name(state)} --> {_name(new)}: {event}"
    for state in states:
        if state in lifecycle.final:
            yield f"    {_name(state)} --> [*]"


def _name(state: str) -> str:
    """Mermaid reads a hyphen as the beginning of an arrow."""
    return re.sub(r"\W", "_", state)
