"""Faults of the session: its first words, its confirmation of updates, its end, and the filter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from harness.fake.faults.base import CLIENT_EVENTS, CONDUCT, EVENTS, fault
from harness.fake.faults.edits import added, deaf, drop, everywhere, held, late, put, twice, with_field, without
from harness.faults.registry import BETA, GA, SETUP, TURN, EventRewrite
from harness.protocol.dialects import Dialect

TOGETHER = "text/requests-sent-together-are-answered-in-order.yaml"
UPDATES = "session/update-is-confirmed-with-the-effective-configuration.yaml"
EXPIRED = {
    "type": "invalid_request_error",
    "code": "session_expired",
    "message": "Your session hit the maximum duration of 60 minutes.",
    "param": None,
    "event_id": None,
}
FILTERED = "filter/only-the-listed-events-arrive.yaml"


def _voice_reset(dialect: Dialect) -> EventRewrite:
    path = ".".join(("session", *(dialect.session_path("voice") or ())))
    return with_field("session.updated", path, "alloy", at=2)(dialect)


def session(name: str, title: str, make: Callable[..., Any], *caught_by: str, **more: Any) -> None:
    """Declare a fault of the session's events."""
    fault(name, title, plane=more.pop("plane", EVENTS), caught_by=caught_by, **{"scenario": SETUP, **more})(make)


session("session-created-missing", "session.created does not come", drop("session.created"), "SES-01")
session(
    "session-created-second",
    "session.created is not the first event",
    held("session.created", "conversation.created"),
    "SES-01",
)
session(
    "session-created-late",
    "session.created comes a second late, after session.updated",
    late("session.created", 1.0),
    "SES-01",
    scenario=UPDATES,
)
session(
    "session-over-already",
    "session.expires_at lies ten years back",
    with_field("session.created", "session.expires_at", 1_480_000_000),
    "SES-20",
)
session("session-created-twice", "session.created comes twice", twice("session.created"), "SES-02")
session(
    "session-without-type",
    "the GA session does not say its type",
    without("session.created", "session.type"),
    "SES-03",
    dialects=GA,
)
session(
    "session-flat",
    "the GA session is flat, as in the beta",
    with_field("session.created", "session.audio", None),
    "SES-03",
    dialects=GA,
)
session(
    "session-nested",
    "the beta session is nested, as in GA",
    with_field("session.created", "session.audio", {"input": {}, "output": {}}),
    "SES-03",
    dialects=BETA,
)
session(
    "update-ignored",
    "session.update is not heard",
    deaf("session.update"),
    "SES-04",
    plane=CLIENT_EVENTS,
    scenario=TOGETHER,
)
session(
    "update-unconfirmed",
    "session.updated does not come",
    drop("session.updated"),
    "SES-04",
    scenario=TURN,
    diagnosis="session-update-not-confirmed",
)
session(
    "update-confirmed-once",
    "the second update is not confirmed",
    drop("session.updated", at=2),
    "SES-04",
    scenario=TOGETHER,
)
session(
    "update-confirmed-twice",
    "each update is confirmed twice",
    twice("session.updated", at=None),
    "SES-16",
    scenario=UPDATES,
)
session(
    "update-confirmed-unasked",
    "session.updated comes again without an update",
    twice("session.updated", after=5.0),
    "SES-16",
    scenario=TURN,
)
session(
    "update-half-applied",
    "the instructions are not taken over",
    with_field("session.updated", "session.instructions", "Be kind."),
    "SES-05",
    scenario=UPDATES,
    diagnosis="update-not-applied",
)
session(
    "update-loses-settings",
    "the second update resets the voice",
    _voice_reset,
    "SES-18",
    scenario=UPDATES,
    diagnosis="update-not-applied",
)
session(
    "update-changes-id",
    "the session has another id after the update",
    with_field("session.updated", "session.id", "sess_other"),
    "SES-17",
    scenario=UPDATES,
)
session(
    "session-two-modalities",
    "GA says both audio and text",
    everywhere(lambda event: "session" in event and put(event, "session.output_modalities", ["audio", "text"])),
    "SES-10",
    dialects=GA,
)
session(
    "session-without-text",
    "the beta says audio alone",
    everywhere(lambda event: "session" in event and put(event, "session.modalities", ["audio"])),
    "SES-10",
    dialects=BETA,
)
session(
    "session-outlives-itself",
    "the session goes on after its end",
    added("session.updated", {"type": "error", "event_id": "event_expired", "error": EXPIRED}),
    "SES-13",
    scenario=TURN,
    diagnosis="session-expired",
)
session(
    "session-expires-early",
    "the session expires after two seconds, and says so",
    lambda right: replace(right, session_seconds=2.0),
    plane=CONDUCT,
    scenario=TURN,
    ends="session",
    diagnosis="session-expired",
)
session(
    "filter-ignored",
    "webrtcfilter=on is ignored",
    lambda right: replace(right, filters=False),
    "FLT-01",
    plane=CONDUCT,
    scenario=FILTERED,
    dialects=("azure-ga",),
)
