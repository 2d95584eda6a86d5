"""Faults of error events."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from harness.fake.faults.base import EVENTS, fault
from harness.fake.faults.edits import drop, twice, with_field, without
from harness.faults.registry import Event, EventRewrite, Outgoing
from harness.protocol.dialects import Dialect

UNKNOWN = "errors/unknown-event-gets-an-error.yaml"


def _mute_behind_error(dialect: Dialect) -> EventRewrite:
    erred: list[Event] = []

    def rewrite(event: Event) -> Iterable[Outgoing]:
        if erred:
            return
        if event.get("type") == "error":
            erred.append(event)
        yield 0.0, event

    return rewrite


def error(name: str, title: str, make: Callable[..., Any], *caught_by: str, **more: Any) -> None:
    """Declare a fault of error events."""
    fault(name, title, plane=more.pop("plane", EVENTS), caught_by=caught_by, **{"scenario": UNKNOWN, **more})(make)


error("error-without-message", "an error has no message", without("error", "error.message"), "ERR-01")
error("error-without-type", "an error has no type", without("error", "error.type"), "ERR-01")
error(
    "error-unknown-event-id",
    "an error names an event that was never sent",
    with_field("error", "error.event_id", "event_never_sent"),
    "ERR-02",
)
error(
    "error-missing",
    "a bad event is answered by nothing",
    drop("error"),
    "ERR-05",
    scenario="text/requests-sent-together-are-answered-in-order.yaml",
    diagnosis="rule-broken",
)
error(
    "error-is-the-last-word",
    "after an error the service sends nothing more",
    _mute_behind_error,
    "ERR-03",
    also=("RSP-18", "MED-12"),
    scenario="errors/question-is-answered-after-an-error.yaml",
    diagnosis="rule-broken",
)
error("error-twice", "an event gets two errors", twice("error"), "ERR-07", diagnosis="unexpected-error")
