from __future__ import annotations

import re

import pytest

from harness.protocol.states import CONTENT_PART, LIFECYCLES, SIGNALING, Lifecycle
from harness.report.lifecycles import diagram, lifecycles_markdown


@pytest.mark.parametrize("lifecycle", LIFECYCLES, ids=lambda one: one.name)
def test_every_line_of_the_table_is_an_arrow_and_nothing_else_is(lifecycle: Lifecycle) -> None:
    lines = list(diagram(lifecycle))
    aliases = {found[2]: found[1] for line in lines if (found := re.fullmatch(r' +state "([^"]+)" as (\w+)', line))}
    arrows = [found.groups() for line in lines if (found := re.fullmatch(r" +(\w+) --> (\w+): (.+)", line))]
    drawn = {(aliases.get(old, old), event): aliases.get(new, new) for old, new, event in arrows}
    assert drawn == dict(lifecycle.table)
    assert len(arrows) == len(lifecycle.table)


def test_it_says_where_a_machine_begins_and_ends() -> None:
    lines = list(diagram(CONTENT_PART))
    assert lines[0] == "stateDiagram-v2"
    assert "    [*] --> absent" in lines
    assert [line for line in lines if line.endswith("[*]")] == ["    done --> [*]"]
    assert '    state "have-local-offer" as have_local_offer' in list(diagram(SIGNALING))


def test_every_machine_has_its_chapter() -> None:
    lines = list(lifecycles_markdown())
    assert [line for line in lines if line.startswith("### ")] == [
        "### Signaling", "### Session", "### Item", "### Response", "### Content part", "### Output audio buffer",
    ]  # fmt: skip
    assert lines.count("```mermaid") == lines.count("```") == len(LIFECYCLES)
    assert all(lifecycle.about in lines for lifecycle in LIFECYCLES)
