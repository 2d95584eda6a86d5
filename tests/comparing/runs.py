"""Runs made by hand, for comparisons."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from harness.comparing.comparison import Comparison, Pair, Sample, compare
from harness.comparing.facts import Event, Run, Step
from harness.rules.base import MUST, Outcome

GOOD = Run(
    scenario="scenarios/turns/a.yaml",
    dialect="azure-ga",
    observer="client",
    title="A",
    target="fake",
    time="virtual",
    verdict="conformant",
    error="",
    rules={"RSP-03": (Outcome.PASS, MUST), "SES-01": (Outcome.PASS, MUST), "LAT-01": (Outcome.PASS, "info")},
    causes=(),
    words={},
    steps=(Step(1, "response.done within 5 s", "came", True, True, True),),
    milestones={"key": 0.1, "first-audio": 1.0},
    latencies={"call request": [0.1]},
    order=(Event("client", "session.update", 1), Event("service", "session.updated", 2)),
    harness="0.1.0",
)


def run(**changed: Any) -> Run:
    return replace(GOOD, **changed)


def rules(**outcomes: Outcome) -> dict[str, tuple[Outcome, Any]]:
    return {**GOOD.rules, **{name.replace("_", "-"): (one, MUST) for name, one in outcomes.items()}}


def events(*names: str) -> tuple[Event, ...]:
    return tuple(
        Event("client" if name[0] == ">" else "service", name[2:], number) for number, name in enumerate(names)
    )


def compared(before: list[Run], after: list[Run], **options: Any) -> Comparison:
    return compare(Sample("old", tuple(before)), Sample("new", tuple(after)), **options)


def pair(before: list[Run], after: list[Run], **options: Any) -> Pair:
    (found,) = compared(before, after, **options).pairs
    return found
