"""Faults of a response's life: its beginning, its end, its status, its output and its bill."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.fake.faults.base import CLIENT_EVENTS, EVENTS, fault
from harness.fake.faults.edits import added, deaf, drop, held, late, twice, with_field
from harness.faults.registry import TURN

TWO_TURNS = "turns/two-turns-in-one-call.yaml"
CANCEL = "responses/client-cancels.yaml"
TOOLS = "tools/function-call-is-answered.yaml"
METADATA = "responses/metadata-comes-back-unchanged.yaml"
APART = "responses/out-of-band-response-leaves-the-conversation-alone.yaml"
CREATED, DONE = "response.created", "response.done"
ITEM_ADDED, ITEM_DONE = "response.output_item.added", "response.output_item.done"


def response(name: str, title: str, make: Callable[..., Any], *caught_by: str, **more: Any) -> None:
    """Declare a fault of a response's life."""
    fault(name, title, plane=more.pop("plane", EVENTS), caught_by=caught_by, **{"scenario": TURN, **more})(make)


response("rsp-created-missing", "response.created does not come", drop(CREATED), "RSP-01")
response("rsp-created-second", "response.created comes after output_item.added", held(CREATED, ITEM_ADDED), "RSP-01")
response("rsp-created-late", "response.created comes two seconds late", late(CREATED, 2.0), "RSP-01", "ITM-24")
response("rsp-created-twice", "response.created comes twice", twice(CREATED), "RSP-17", "RSP-22")
response(
    "rsp-created-completed",
    "a new response is completed at once",
    with_field(CREATED, "response.status", "completed"),
    "RSP-02",
)
response(
    "rsp-created-with-output",
    "a new response has output",
    with_field(
        CREATED,
        "response.output",
        [
            {
                "id": "item_x",
                "type": "message",
                "object": "realtime.item",
                "status": "completed",
                "role": "assistant",
                "content": [],
            }
        ],
    ),
    "RSP-02",
)
response("rsp-done-missing", "response.done does not come", drop(DONE), "RSP-03", scenario=TWO_TURNS)
response("rsp-done-twice", "response.done comes twice", twice(DONE), "RSP-03")
response(
    "rsp-done-early",
    "response.done comes before the last output_item.done",
    held(ITEM_DONE, DONE),
    "RSP-04",
    also=("RSP-07", "RSP-08"),
)
response(
    "rsp-delta-after-done",
    "a transcript delta comes after response.done",
    held("response.output_audio_transcript.delta", DONE, at=3),
    "RSP-04",
    "CNT-12",
    also=(
        "CNT-01",
        "CNT-04",
        "CNT-06",
        "ITM-24",
    ),
)
response(
    "rsp-done-in-progress",
    "the final status is in_progress",
    with_field(DONE, "response.status", "in_progress"),
    "RSP-05",
)
response(
    "rsp-done-ended", "the final status is a word of its own", with_field(DONE, "response.status", "ended"), "RSP-05"
)
response(
    "rsp-details-differ",
    "status_details name another status",
    with_field(DONE, "response.status_details", {"type": "failed", "error": {"type": "server_error", "code": None}}),
    "RSP-06",
)
response(
    "rsp-cancel-wrong-reason",
    "a cancelled response names max_output_tokens",
    with_field(DONE, "response.status_details.reason", "max_output_tokens"),
    "RSP-06",
    also=("PLAY-06",),
    scenario=CANCEL,
)
response(
    "rsp-failed-without-error",
    "a failed response does not say why",
    with_field(DONE, "response", lambda old: {**old, "status": "failed", "status_details": {"type": "failed"}}),
    "RSP-06",
    "ERR-06",
    diagnosis="response-failed",
)
response("rsp-item-not-done", "the output item is never done", drop(ITEM_DONE), "RSP-07", also=("RSP-08",))
response("rsp-output-empty", "response.done lists no output", with_field(DONE, "response.output", []), "RSP-08")
response(
    "rsp-output-other-item",
    "response.done lists another item",
    with_field(DONE, "response.output.0.id", "item_other"),
    "RSP-08",
)
response(
    "rsp-two-at-once",
    "a second response begins in the default conversation while one runs",
    added(
        CREATED,
        lambda event: {**event, "event_id": "event_second", "response": {**event["response"], "id": "resp_second"}},
    ),
    "RSP-09",
    "RSP-22",
    also=("RSP-03",),
)
response("rsp-without-usage", "a completed response has no usage", with_field(DONE, "response.usage", None), "RSP-11")
response(
    "rsp-usage-wrong-sum",
    "total_tokens is not the sum",
    with_field(DONE, "response.usage.total_tokens", lambda old: old + 7),
    "RSP-11",
)
response(
    "rsp-usage-wrong-details",
    "the details of the output tokens do not add up",
    with_field(DONE, "response.usage.output_token_details.text_tokens", lambda old: (old or 0) + 7),
    "RSP-19",
)
response(
    "rsp-with-raw-audio",
    "response.done carries the audio",
    with_field(DONE, "response.output.0.content.0.audio", "AAAA" * 20),
    "RSP-12",
)
response(
    "rsp-item-born-completed",
    "an output item is completed when it is added",
    with_field(ITEM_ADDED, "item.status", "completed"),
    "RSP-13",
)
response(
    "rsp-item-never-finished",
    "an output item is in progress when it is done",
    with_field(ITEM_DONE, "item.status", "in_progress"),
    "RSP-13",
)
response(
    "rsp-metadata-lost",
    "metadata does not come back",
    with_field(CREATED, "response.metadata", None),
    "RSP-14",
    scenario=METADATA,
)
response(
    "rsp-metadata-changed",
    "metadata comes back changed",
    with_field(DONE, "response.metadata", {"topic": "other"}),
    "RSP-14",
    scenario=METADATA,
)
response(
    "rsp-out-of-band-in-conversation",
    "an out-of-band response names the conversation",
    with_field(CREATED, "response.conversation_id", "conv_x"),
    "RSP-16",
    also=("ITM-19",),
    scenario=APART,
)
response(
    "rsp-not-created",
    "response.create is not heard",
    deaf("response.create"),
    "RSP-18",
    plane=CLIENT_EVENTS,
    scenario=TOOLS,
    diagnosis="rule-broken",
)
response(
    "rsp-limits-malformed",
    "rate limits without names",
    added(
        CREATED,
        {
            "type": "rate_limits.updated",
            "event_id": "event_limits",
            "rate_limits": [{"name": "letters", "limit": -1, "remaining": 0, "reset_seconds": 0}],
        },
    ),
    "RSP-15",
)
response("rsp-item-done-twice", "an output item is done twice", twice(ITEM_DONE), "RSP-20", also=("RSP-08",))
