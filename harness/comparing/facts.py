"""What a comparison needs of one run, small enough to keep thousands: outcomes, causes, steps, the order of events, latencies. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.judging.results import NOT_REACHED, Result, Verdict
from harness.protocol.dialects import DIALECTS
from harness.rules.base import Outcome, Severity
from harness.rules.latency import latencies
from harness.rules.support.fields import number, text
from harness.trace import Trace

_MILESTONES = (
    ("key", "offer", "key to offer"),
    ("offer", "answer", "offer to answer"),
    ("answer", "channel-open", "answer to channel open"),
    ("channel-open", "session.update", "channel open to session.update"),
    ("channel-open", "first-audio", "channel open to first audio"),
)


@dataclass(frozen=True, slots=True)
class Step:
    """What a step asked for and what came. ``number`` is its place in the file, 0 for what is asserted of the whole run.

    ``demanded``: a miss is the service's fault. ``reached``: no step before it was missed.
    """

    number: int
    expected: str
    actual: str
    met: bool
    reached: bool
    demanded: bool


@dataclass(frozen=True, slots=True)
class Event:
    """One event in the order of a call: who sent it, its canonical type, its entry in the trace."""

    by: str
    type: str
    entry: int

    @property
    def name(self) -> str:
        """``> session.update`` for the client's, ``< session.updated`` for the service's."""
        return f"{'>' if self.by == 'client' else '<'} {self.type}"


@dataclass(frozen=True)
class Run:
    """One run. ``order`` is None where no trace says it; ``trace`` is the file, where there is one.

    ``rules``: outcome and severity by id; ``shown``: what the first failure of each was; ``words``: each cause in words.
    """

    scenario: str
    dialect: str
    observer: str
    title: str
    target: str
    time: str
    verdict: Verdict
    error: str
    rules: Mapping[str, tuple[Outcome, Severity]]
    causes: tuple[str, ...]
    words: Mapping[str, str]
    steps: tuple[Step, ...]
    milestones: Mapping[str, float | None]
    latencies: Mapping[str, Sequence[float]]
    order: tuple[Event, ...] | None = None
    trace: Path | None = None
    harness: str = ""
    repetition: int = 0
    shown: Mapping[str, str] = field(default_factory=dict)


def facts(
    result: Result, trace: Trace | None, *, scenario: str | None = None, path: Path | None = None, harness: str = ""
) -> Run:
    """The facts of a result, and of its trace where that is there.

    ``scenario`` is the name to pair it by, by default the result's. What results of an earlier release lack is taken from the trace,
    else from the milestones.
    """
    steps = tuple(
        Step(one.step, one.expected, one.actual, one.met, one.reached, one.demanded) for one in result.expectations
    )
    if not any(one.number for one in steps) and trace is not None:
        steps += _steps_in(trace)
    return Run(
        scenario=scenario or result.scenario,
        dialect=result.dialect,
        observer=result.observer,
        title=result.title,
        target=result.target,
        time=result.time,
        verdict=result.verdict,
        error=(result.error or "").partition("\n")[0],
        rules={one.id: (one.outcome, one.severity) for one in result.rules},
        causes=tuple(one.id for one in result.diagnosis),
        words={one.id: one.cause for one in result.diagnosis},
        steps=steps,
        milestones=result.milestones,
        latencies=result.latencies or (latencies(trace) if trace is not None else _between(result.milestones)),
        order=None if trace is None else order_of(trace),
        trace=path,
        harness=harness,
        repetition=result.repetition,
        shown={one.id: one.failures[0].actual for one in result.rules if one.failures},
    )


def order_of(trace: Trace) -> tuple[Event, ...]:
    """The types of all events of both ends in their order, by their canonical names; of the deltas of one thing only the first.

    Two streams of deltas run beside each other as they like, so that only their beginnings have an order.
    """
    dialect = DIALECTS.get(trace.header.dialect)
    streams: set[tuple[str, ...]] = set()
    found: list[Event] = []
    for entry in trace.of("event.sent", "event.received"):
        kind = entry.type
        if kind.endswith(".delta") or kind == "input_audio_buffer.append":
            stream = (kind, *(text(entry.event, name) for name in ("response_id", "item_id", "call_id")))
            if stream in streams:
                continue
            streams.add(stream)
        found.append(Event(trace.sender(entry), dialect.canonical(kind) if dialect else kind, entry.seq))
    return tuple(found)


def _steps_in(trace: Trace) -> tuple[Step, ...]:
    """The steps as the trace tells them: whether the service is to blame for a miss it does not say, so that it is."""
    return tuple(
        Step(
            int(number(entry.data, "step") or 0),
            text(entry.data, "expected"),
            actual := text(entry.data, "actual"),
            entry.kind == "step.met",
            not actual.startswith(NOT_REACHED),
            True,
        )
        for entry in trace.of("step.met", "step.missed")
    )


def _between(reached: Mapping[str, float | None]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for before, after, name in _MILESTONES:
        first, then = reached.get(before), reached.get(after)
        if first is not None and then is not None and then >= first:
            found[name] = [round(then - first, 3)]
    return found
