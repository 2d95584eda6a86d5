"""No rule lies about a record that shows a part of the call: what it says of the part it also says of the whole, or it says nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from harness.rules.base import Outcome, judge_rule
from harness.rules.catalogue import all_rules
from harness.rules.support.examples import Example, examples_of
from harness.trace import Entry, Trace

SHOWN: Mapping[str, tuple[str, ...]] = {
    "events": ("event.sent", "event.received"),
    "events of the service": ("event.received",),
    "events of the client": ("event.sent",),
    "http": ("http", "sdp"),
    "a connection": (
        "sdp", "connection.signaling", "connection.gathering", "connection.ice", "connection.state", "channel.created",
    ),
    "http and events": ("http", "sdp", "event.sent", "event.received"),
}  # fmt: skip
EXAMPLES = [(rule, example) for rule in all_rules() for example in examples_of(rule)]


def part_of(trace: Trace, shown: tuple[str, ...], *, timed: bool = True) -> Trace:
    """What a record of these kinds has of a call; without times too."""
    kept = [entry for entry in trace.entries if entry.kind in shown or entry.plane in shown or entry.plane == "harness"]
    entries = tuple(
        Entry(seq, entry.t if timed else 0.0, entry.kind, entry.data if timed else {**entry.data, "unseen": ["t"]})
        for seq, entry in enumerate(kept)
    )
    return Trace(replace(trace.header, shows=shown), entries, trace.end if timed else "unknown")


@pytest.mark.parametrize("name", SHOWN)
@pytest.mark.parametrize("timed", [True, False], ids=["timed", "untimed"])
def test_what_a_rule_says_of_a_part_holds_of_the_whole(name: str, timed: bool) -> None:
    wrong: list[str] = []
    said = 0
    for rule, example in EXAMPLES:
        whole = judge_rule(rule, example.trace)
        part = judge_rule(rule, part_of(example.trace, SHOWN[name], timed=timed))
        if part.outcome in (Outcome.PASS, Outcome.FAIL):
            said += 1
            if part.outcome is not whole.outcome:
                wrong.append(f"{rule.id} {label(example)}: {part.outcome} of the part, {whole.outcome} of the whole")
    assert said
    assert not wrong, "\n".join(wrong)


def label(example: Example) -> str:
    return f"{example.label} {example.number}"
