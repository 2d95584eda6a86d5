"""Faults of conversation items: announced twice or not at all, out of order, with other ids."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.fake.faults.base import CLIENT_EVENTS, EVENTS, fault
from harness.fake.faults.edits import added, deaf, drop, held, twice, with_field
from harness.faults.registry import BETA, GA, TURN

TOGETHER = "text/requests-sent-together-are-answered-in-order.yaml"
GOES_ON = "responses/the-call-goes-on-after-a-cancelled-answer.yaml"
ADDED, FINISHED = "conversation.item.added", "conversation.item.done"


def item(name: str, title: str, make: Callable[..., Any], *caught_by: str, **more: Any) -> None:
    """Declare a fault of item events."""
    fault(name, title, plane=more.pop("plane", EVENTS), caught_by=caught_by, **{"scenario": TURN, **more})(make)


item(
    "item-unknown-predecessor",
    "previous_item_id names an item that does not exist",
    with_field(ADDED, "previous_item_id", "item_nowhere", at=2),
    "ITM-01",
)
item("item-done-twice", "conversation.item.done comes twice", twice(FINISHED), "ITM-02", dialects=GA)
item("item-done-first", "conversation.item.done comes before added", held(ADDED, FINISHED, at=1), "ITM-02", dialects=GA)
item("item-announced-twice", "an item is announced twice", twice(ADDED), "ITM-03")
item("item-created-twice", "conversation.item.created comes twice", twice(ADDED), "ITM-03", dialects=BETA)
item(
    "item-create-ignored",
    "conversation.item.create is not heard",
    deaf("conversation.item.create"),
    "ITM-04",
    plane=CLIENT_EVENTS,
    scenario="text/text-question-gets-a-spoken-answer.yaml",
)
item(
    "item-other-role",
    "the caller's words are announced as the assistant's",
    with_field(ADDED, "item.role", "assistant", at=1),
    "ITM-13",
)
item(
    "item-never-announced",
    "the assistant's item is never announced",
    drop(ADDED, at=2),
    "ITM-19",
    also=("ITM-02",),
    diagnosis="rule-broken",
)
item(
    "item-delete-ignored",
    "conversation.item.delete is not heard",
    deaf("conversation.item.delete"),
    "ITM-11",
    plane=CLIENT_EVENTS,
    scenario=TOGETHER,
)
item(
    "item-retrieve-ignored",
    "conversation.item.retrieve is not heard",
    deaf("conversation.item.retrieve"),
    "ITM-11",
    plane=CLIENT_EVENTS,
    scenario=TOGETHER,
)
item(
    "item-truncate-ignored",
    "conversation.item.truncate is not heard",
    deaf("conversation.item.truncate"),
    "ITM-11",
    plane=CLIENT_EVENTS,
    scenario=GOES_ON,
)
item(
    "item-other-deleted",
    "another item is deleted",
    with_field("conversation.item.deleted", "item_id", "item_other"),
    "ITM-11",
    "ITM-23",
    also=("ITM-14",),
    scenario=TOGETHER,
)
item(
    "item-other-truncated",
    "another item is truncated",
    with_field("conversation.item.truncated", "item_id", "item_other"),
    "ITM-11",
    also=("ITM-14", "ITM-23"),
    scenario=GOES_ON,
)
item(
    "item-truncated-elsewhere",
    "the answer is truncated at another place than the client named",
    with_field("conversation.item.truncated", "audio_end_ms", 1),
    "ITM-25",
    scenario=GOES_ON,
)
item(
    "item-other-retrieved",
    "another item is retrieved",
    with_field("conversation.item.retrieved", "item.id", "item_other"),
    "ITM-11",
    "ITM-23",
    scenario=TOGETHER,
)
item(
    "item-comes-back",
    "a deleted item is finalized",
    added(
        "conversation.item.deleted",
        lambda event: {
            "type": FINISHED,
            "event_id": "event_back",
            "previous_item_id": None,
            "item": {
                "id": event["item_id"],
                "type": "message",
                "object": "realtime.item",
                "status": "completed",
                "role": "user",
                "content": [{"type": "input_text", "text": "Good morning."}],
            },
        },
    ),
    "ITM-17",
    also=("ITM-02",),
    scenario=TOGETHER,
    dialects=GA,
    diagnosis="rule-broken",
)
item(
    "item-not-finalized",
    "the assistant's message is not finalized",
    drop(FINISHED, where=lambda event: event["item"].get("role") == "assistant"),
    "ITM-20",
    dialects=GA,
)
