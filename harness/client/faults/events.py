"""Faults of client events as messages: their form, their names, their fields."""

from __future__ import annotations

import json
from typing import Any

from harness.client.faults.base import EVENTS, REACTIONS, client_fault
from harness.client.faults.edits import MakeReaction, put, send_at
from harness.faults.events import Make, changed, each
from harness.faults.registry import GA, SETUP
from harness.trace import dump

CREATED = "session.created"


def events(name: str, title: str, make: Make, *caught_by: str, **more: Any) -> None:
    """Declare a rewrite of client events."""
    client_fault(name, title, plane=EVENTS, caught_by=caught_by, **{"scenario": SETUP, **more})(make)


def extra(name: str, title: str, make: MakeReaction, *caught_by: str, **more: Any) -> None:
    """Declare an event that is sent besides."""
    client_fault(name, title, plane=REACTIONS, caught_by=caught_by, **{"scenario": SETUP, **more})(make)


def message(content: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """conversation.item.create with a user message of one part."""
    item = {"type": "message", "role": "user", "content": [content], **fields.pop("item", {})}
    return {"type": "conversation.item.create", "item": item, **fields}


TEXT = {"type": "input_text", "text": "Good morning."}

# The message as such

events(
    "event-as-binary",
    "session.update goes as a binary message",
    each("session.update", lambda event: [(0.0, dump(event).encode())]),
    "DC-09",
    also=("EVT-01",),
    diagnosis="message-no-event",
)
events(
    "event-cut-off",
    "session.update is no JSON",
    each("session.update", lambda event: [(0.0, dump(event)[:-2])]),
    "DC-09",
    also=("EVT-01",),
    diagnosis="message-no-event",
)
events(
    "events-in-a-list",
    "events are batched in a JSON list",
    each("session.update", lambda event: [(0.0, json.dumps([event]))]),
    "EVT-01",
    also=("DC-09",),
    diagnosis="message-no-event",
)
events(
    "event-encoded-twice",
    "an event is a JSON string that holds JSON",
    each("session.update", lambda event: [(0.0, json.dumps(dump(event)))]),
    "EVT-01",
    also=("DC-09",),
    diagnosis="message-no-event",
)
events(
    "event-without-a-type",
    "session.update has no type",
    changed("session.update", lambda event: event.pop("type")),
    "EVT-01",
    also=("DC-09",),
    diagnosis="message-no-event",
)

# Names and fields

extra(
    "unknown-event",
    "an event is sent that no dialect has",
    send_at(CREATED, {"type": "session.ping"}),
    "EVT-02",
    diagnosis="unknown-client-event",
)
extra(
    "fictional-message",
    "the event message is sent, which exists in sample code alone",
    send_at(CREATED, {"type": "message", "text": "Hello"}),
    "EVT-09",
    also=("EVT-02",),
    diagnosis="sample-code-events",
)
extra(
    "fictional-session-end",
    "session.end is sent to end the session",
    send_at(CREATED, {"type": "session.end"}),
    "EVT-09",
    also=("EVT-02",),
    diagnosis="sample-code-events",
)
extra(
    "service-event-from-the-client",
    "the client sends response.done",
    send_at(CREATED, {"type": "response.done"}),
    "EVT-02",
    diagnosis="unknown-client-event",
)
extra(
    "commit-of-a-transcription-session",
    "the beta's transcription_session.update is sent in GA",
    send_at(CREATED, {"type": "transcription_session.update", "session": {}}),
    "EVT-02",
    dialects=GA,
    diagnosis="wrong-dialect-events",
)
events(
    "update-without-a-session",
    "session.update has no session",
    changed("session.update", lambda event: event.pop("session")),
    "EVT-06",
    also=("SES-06",),
    diagnosis="session-type-missing",
)
extra(
    "item-without-content",
    "a message item has no content",
    send_at(CREATED, {"type": "conversation.item.create", "item": {"type": "message", "role": "user"}}),
    "EVT-06",
    diagnosis="malformed-event",
)
extra(
    "truncate-in-words",
    "audio_end_ms is a text",
    send_at(
        CREATED, {"type": "conversation.item.truncate", "item_id": "item_1", "content_index": 0, "audio_end_ms": "1500"}
    ),
    "EVT-06",
    also=("ITM-16",),
    diagnosis="malformed-event",
)
extra("event-id-used-twice", "two events have the same event_id", lambda dialect: _twice, "EVT-13")
extra(
    "audio-as-events",
    "audio is appended on the data channel",
    send_at(CREATED, {"type": "input_audio_buffer.append", "audio": "AAAA" * 200}),
    "TURN-10",
)

# Items

extra(
    "output-text-by-the-user",
    "a user message holds output_text",
    send_at(CREATED, message({"type": "output_text", "text": "Good morning."})),
    "ITM-12",
    diagnosis="malformed-event",
)
extra(
    "assistant-audio-replayed",
    "an assistant's audio is put into the conversation again",
    send_at(
        CREATED,
        message({"type": "output_audio", "transcript": "Good morning."}, item={"role": "assistant"}),
    ),
    "ITM-12",
    dialects=GA,
    diagnosis="assistant-audio-replayed",
)
extra(
    "text-by-the-user",
    "a user message holds text instead of input_text",
    send_at(CREATED, message({"type": "text", "text": "Good morning."})),
    "ITM-12",
    diagnosis="malformed-event",
)
extra(
    "item-behind-an-unknown-one",
    "previous_item_id names an item that does not exist",
    send_at(CREATED, message(TEXT, previous_item_id="item_of_another_call")),
    "ITM-01",
    diagnosis="unknown-item",
)
extra(
    "unknown-item-deleted",
    "an item is deleted that does not exist",
    send_at(CREATED, {"type": "conversation.item.delete", "item_id": "item_of_another_call"}),
    "ITM-16",
    diagnosis="unknown-item",
)
extra(
    "unknown-item-retrieved",
    "an item is retrieved that does not exist",
    send_at(CREATED, {"type": "conversation.item.retrieve", "item_id": "item_of_another_call"}),
    "ITM-16",
    diagnosis="unknown-item",
)
extra(
    "approval-nobody-asked-for",
    "an MCP approval answers no request",
    send_at(
        CREATED,
        {
            "type": "conversation.item.create",
            "item": {"type": "mcp_approval_response", "approval_request_id": "mcpr_1", "approve": True},
        },
    ),
    "ITM-10",
    dialects=GA,
)
events(
    "item-id-used-twice",
    "two items are created with the same id",
    lambda dialect: _same_item,
    "ITM-01",
    scenario="text/history-is-replayed-in-ga.yaml",
    dialects=GA,
    diagnosis="unknown-item",
)


def _twice(event: Any) -> list[tuple[float, Any]]:
    if event.get("type") != CREATED:
        return []
    return [(delay, {"type": "input_audio_buffer.clear", "event_id": "event_1"}) for delay in (0.0, 0.0)]


def _same_item(event: Any) -> list[tuple[float, Any]]:
    if event.get("type") != "conversation.item.create":
        return [(0.0, event)]
    edited = json.loads(dump(event))
    put(edited, "item.id", "msg_1")
    return [(0.0, edited)]
