"""Faults of the transcription of what the caller said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.fake.faults.base import EVENTS, fault
from harness.fake.faults.edits import added, drop, held, twice, with_field, without
from harness.faults.registry import GA, TURN

HEARD = "transcription/what-the-caller-said-is-transcribed.yaml"
STREAMED = "transcription/transcript-streams-in.yaml"
DELTA = "conversation.item.input_audio_transcription.delta"
COMPLETED = "conversation.item.input_audio_transcription.completed"


def transcription(name: str, title: str, make: Callable[..., Any], *caught_by: str, **more: Any) -> None:
    """Declare a fault of transcription."""
    fault(name, title, plane=EVENTS, caught_by=caught_by, **{"scenario": HEARD, **more})(make)


transcription(
    "transcription-unasked",
    "a transcription that nobody asked for",
    added(
        "conversation.item.added",
        lambda event: {
            "type": COMPLETED,
            "event_id": "event_unasked",
            "item_id": event["item"]["id"],
            "content_index": 0,
            "transcript": "hello",
            "usage": {"type": "duration", "seconds": 2},
        },
    ),
    "TRN-01",
    scenario=TURN,
)
transcription(
    "transcription-missing",
    "a configured transcription does not come",
    drop(COMPLETED, at=1),
    "TRN-02",
    scenario="transcription/each-turn-is-transcribed.yaml",
    diagnosis="transcription-missing",
)
transcription("transcription-twice", "the transcription is completed twice", twice(COMPLETED), "TRN-02")
transcription(
    "transcription-delta-lost", "a delta of the transcription is lost", drop(DELTA, at=1), "TRN-03", scenario=STREAMED
)
transcription(
    "transcription-changes",
    "the transcript is another than its deltas",
    with_field(COMPLETED, "transcript", "He was an ill disposed old man."),
    "TRN-03",
)
transcription("transcription-without-usage", "the transcription has no usage", without(COMPLETED, "usage"), "TRN-06")
transcription(
    "transcription-usage-unknown",
    "the usage is of an unknown type",
    with_field(COMPLETED, "usage", {"type": "letters", "letters": 9}),
    "TRN-06",
)
transcription(
    "transcription-goes-on",
    "a delta comes after the end of the transcription",
    held(DELTA, COMPLETED, at=1),
    "TRN-07",
    also=("TRN-03",),
    scenario=STREAMED,
)
transcription(
    "transcription-of-unknown-item",
    "a transcription of an item that nobody knows",
    with_field(DELTA, "item_id", "item_other", at=1),
    "ITM-14",
    also=("TRN-03",),
    scenario=STREAMED,
)
transcription(
    "transcription-session-answers",
    "a transcription session makes a response",
    added(
        "input_audio_buffer.committed",
        {
            "type": "response.created",
            "event_id": "event_answer",
            "response": {
                "id": "resp_x",
                "object": "realtime.response",
                "status": "in_progress",
                "output": [],
                "conversation_id": "conv_x",
            },
        },
    ),
    "TRN-05",
    "TURN-18",
    also=("PLAY-08",),
    scenario="transcription/ga-transcription-session-only-listens.yaml",
    dialects=GA,
)
transcription(
    "transcription-before-its-item",
    "a transcription is complete before its item is announced",
    held("conversation.item.added", COMPLETED, at=1),
    "TRN-08",
    also=("TURN-18", "ITM-02"),
    diagnosis="rule-broken",
)
