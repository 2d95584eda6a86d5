"""Faults of the conversation: turns, responses, interruptions, function calls."""

from __future__ import annotations

from typing import Any

from harness.client.faults.base import EVENTS, REACTIONS, client_fault
from harness.client.faults.edits import MakeReaction, put, send_at
from harness.faults.events import Make, changed
from harness.faults.registry import TURN, Event, EventRewrite, Outgoing

TOOL = "tools/function-call-is-answered.yaml"
STARTED = "output_audio_buffer.started"
ITEM = "response.output_item.added"


def extra(name: str, title: str, make: MakeReaction, *caught_by: str, **more: Any) -> None:
    """Declare an event that is sent besides, within a spoken turn."""
    client_fault(name, title, plane=REACTIONS, caught_by=caught_by, **{"scenario": TURN, **more})(make)


def events(name: str, title: str, make: Make, *caught_by: str, diagnosis: str) -> None:
    """Declare a rewrite of client events around a function call."""
    client_fault(name, title, plane=EVENTS, caught_by=caught_by, diagnosis=diagnosis, scenario=TOOL)(make)


def _is_output(event: Event) -> bool:
    return bool(event["item"]["type"] == "function_call_output")


extra(
    "commit-in-vad-mode",
    "the client commits a turn that the service has taken already",
    send_at("input_audio_buffer.committed", {"type": "input_audio_buffer.commit"}),
    "TURN-09",
    diagnosis="commit-of-empty-buffer",
)
extra(
    "response-asked-for-twice",
    "response.create is sent while the service answers by itself",
    send_at("response.created", {"type": "response.create"}, after=0.8),
    "RSP-10",
    diagnosis="response-already-active",
)
extra(
    "cleared-without-cancel",
    "output_audio_buffer.clear is sent without response.cancel",
    send_at("response.created", {"type": "output_audio_buffer.clear"}, after=0.6),
    "PLAY-05",
    diagnosis="cleared-without-cancel",
)
extra(
    "truncated-beyond-what-was-heard",
    "the answer is truncated at a time that has not been heard",
    send_at(
        ITEM,
        lambda event: {
            "type": "conversation.item.truncate",
            "item_id": event["item"]["id"],
            "content_index": 0,
            "audio_end_ms": 60000,
        },
        after=1.0,
    ),
    "PLAY-09",
    diagnosis="truncated-too-far",
)

# Function calls

events(
    "call-not-answered",
    "a function call gets no output and no response.create",
    lambda dialect: _silent_behind_calls(),
    "ITM-08",
    diagnosis="function-call-not-answered",
)
events(
    "output-without-response",
    "the function's output is not followed by response.create",
    lambda dialect: _silent_behind_calls(says=True),
    "ITM-08",
    diagnosis="no-response-after-tool-result",
)
events(
    "output-of-another-call",
    "the function's output names another call",
    changed(
        "conversation.item.create",
        lambda event: put(event, "item.call_id", "call_of_another") if _is_output(event) else None,
    ),
    "ITM-08",
    diagnosis="wrong-call-id",
)


def _silent_behind_calls(*, says: bool = False) -> EventRewrite:
    """Nothing leaves any more from the output of a call on; with ``says`` the output still does."""
    answered = False

    def rewrite(event: Event) -> list[Outgoing]:
        nonlocal answered
        output = event.get("type") == "conversation.item.create" and _is_output(event)
        answered = answered or output
        return [(0.0, event)] if not answered or (output and says) else []

    return rewrite
