"""Faults of the transcription of what the caller said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.fake.faults.base import EVENTS, TURN, fault
from harness.fake.faults.edits import added, drop, twice, with_field, without

HEARD = "transcription/what-the-caller-said-is-transcribed.yaml"
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
transcription("transcription-missing", "a configured transcription does not come", drop(COMPLETED), "TRN-02")
transcription("transcription-twice", "the transcription is completed twice", twice(COMPLETED), "TRN-02")
transcription("transcription-delta-lost", "a delta of the transcription is lost", drop(DELTA, at=1), "TRN-03")
transcription("transcription-changes", "the transcript is another than its deltas", with_field(COMPLETED, "transcript", "He was an ill disposed old man."), "TRN-03")
transcription("transcription-without-usage", "the transcription has no usage", without(COMPLETED, "usage"), "TRN-06")
transcription("transcription-usage-unknown", "the usage is of an unknown type", with_field(COMPLETED, "usage", {"type": "letters", "letters": 9}), "TRN-06")
