"""Faults of the envelope: messages that are no events, ids, types and fields, whatever the event is about."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from harness.fake.faults.base import EVENTS, fault
from harness.fake.faults.edits import added, everywhere, put, with_field, without
from harness.faults.registry import BETA, GA, TURN


def envelope(name: str, title: str, make: Callable[..., Any], *caught_by: str, **more: Any) -> None:
    """Declare a fault of the envelope."""
    fault(name, title, plane=EVENTS, caught_by=caught_by, **{"scenario": TURN, **more})(make)


AUDIO_DONE = "response.output_audio.done"

envelope(
    "event-broken-json",
    "a message whose JSON breaks off",
    added(AUDIO_DONE, '{"type": "rate_limits.updated", "event_id"'),
    "DC-09",
    also=("EVT-01",),
)
envelope(
    "event-two-in-one",
    "two events in one message",
    added(AUDIO_DONE, '{"type":"error"}\n{"type":"error"}'),
    "DC-09",
    also=("EVT-01",),
)
envelope(
    "event-not-an-object",
    "a JSON list instead of an event",
    added(AUDIO_DONE, '["session.updated"]'),
    "EVT-01",
    also=("DC-09",),
)
envelope(
    "event-binary",
    "an event in a binary message",
    added(AUDIO_DONE, lambda event: json.dumps(event).encode()),
    "DC-09",
    also=("EVT-01",),
)
envelope(
    "event-without-type",
    "an event without type",
    added(AUDIO_DONE, {"event_id": "event_x", "response_id": "resp_x"}),
    "EVT-01",
    also=("DC-09",),
)
envelope(
    "event-type-number",
    "an event whose type is a number",
    added(AUDIO_DONE, {"event_id": "event_x", "type": 7}),
    "EVT-01",
    also=("DC-09",),
)
envelope(
    "event-unknown",
    "an event that no dialect has",
    added(AUDIO_DONE, {"type": "response.cancelled", "event_id": "event_x"}),
    "EVT-12",
    diagnosis="sample-code-events",
)
envelope(
    "event-from-the-sample",
    "session.end, which only sample code knows",
    added(AUDIO_DONE, {"type": "session.end", "event_id": "event_x"}),
    "EVT-12",
    diagnosis="sample-code-events",
)
envelope(
    "response-id-empty",
    "deltas of the transcript have an empty response_id",
    with_field("response.output_audio_transcript.delta", "response_id", ""),
    "EVT-15",
)
envelope("event-without-id", "no event_id", without("response.created", "event_id"), "EVT-04")
envelope("event-empty-id", "an empty event_id", with_field("response.created", "event_id", ""), "EVT-04")
envelope(
    "event-repeated-id",
    "every event has the same event_id",
    with_field("response.output_audio_transcript.delta", "event_id", "event_same"),
    "EVT-05",
)
envelope(
    "event-beta-name",
    "a beta event name in GA",
    with_field(AUDIO_DONE, "type", "response.audio.done"),
    "EVT-03",
    dialects=GA,
    diagnosis="wrong-dialect-events",
)
envelope(
    "event-ga-name",
    "a GA event name in the beta",
    with_field(AUDIO_DONE, "type", "response.output_audio.done"),
    "EVT-03",
    dialects=BETA,
    diagnosis="wrong-dialect-events",
)
envelope(
    "event-missing-field",
    "a required field is missing",
    without("input_audio_buffer.speech_stopped", "audio_end_ms"),
    "EVT-06",
)
envelope(
    "event-wrong-type",
    "a number comes as text",
    with_field("input_audio_buffer.speech_started", "audio_start_ms", lambda old: str(old)),
    "EVT-06",
)
envelope(
    "event-null-field",
    "a required field is null",
    added(AUDIO_DONE, {"type": "rate_limits.updated", "event_id": "event_x", "rate_limits": None}),
    "EVT-06",
)
envelope(
    "event-index-from-one",
    "output_index counts from 1",
    everywhere(lambda event: "output_index" in event and put(event, "output_index", lambda old: old + 1)),
    "EVT-08",
)
envelope(
    "item-object-missing-kind",
    "an item calls itself realtime.message",
    with_field("response.output_item.added", "item.object", "realtime.message"),
    "EVT-11",
)
envelope(
    "response-object-wrong-kind",
    "a response calls itself response",
    with_field("response.created", "response.object", "response"),
    "EVT-11",
)
envelope(
    "event-value-unlisted",
    "an item has a role that no list has",
    with_field("response.output_item.done", "item.role", "bot"),
    "EVT-14",
)
