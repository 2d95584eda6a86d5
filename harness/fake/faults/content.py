"""Faults of what a response says: parts, deltas, final texts, indexes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.fake.faults.base import EVENTS, fault
from harness.fake.faults.edits import added, drop, held, twice, with_field
from harness.faults.registry import TURN

WRITTEN = "text/text-only-session-answers-in-writing.yaml"
PART_ADDED, PART_DONE = "response.content_part.added", "response.content_part.done"
TEXT, TEXT_DONE = "response.output_text.delta", "response.output_text.done"
SAID, SAID_DONE = "response.output_audio_transcript.delta", "response.output_audio_transcript.done"
AUDIO_DONE = "response.output_audio.done"


def content(name: str, title: str, make: Callable[..., Any], *caught_by: str, **more: Any) -> None:
    """Declare a fault of content events."""
    fault(name, title, plane=EVENTS, caught_by=caught_by, **{"scenario": TURN, **more})(make)


content("part-not-added", "content_part.added does not come", drop(PART_ADDED), "CNT-01", "PLAY-11")
content(
    "part-added-late",
    "content_part.added comes after the first delta",
    held(PART_ADDED, SAID),
    "CNT-01",
    "PLAY-11",
)
content("part-not-done", "content_part.done does not come", drop(PART_DONE), "CNT-06")
content(
    "part-done-early", "content_part.done comes before the transcript is done", held(SAID_DONE, PART_DONE), "CNT-01"
)
content(
    "content-unknown-item",
    "a delta names an item that was not announced",
    with_field(SAID, "item_id", "item_other", at=2),
    "CNT-02",
    also=("CNT-01", "CNT-04", "CNT-06"),
)
content(
    "content-other-index",
    "a delta has another output_index than its part",
    with_field(SAID, "output_index", 1, at=2),
    "CNT-02",
)
content("text-delta-lost", "a text delta is lost", drop(TEXT, at=2), "CNT-03", scenario=WRITTEN)
content(
    "text-changes",
    "the final text is another",
    with_field(TEXT_DONE, "text", "Something else."),
    "CNT-03",
    scenario=WRITTEN,
    also=("CNT-05",),
)
content("text-delta-twice", "a text delta comes twice", twice(TEXT), "CNT-03", scenario=WRITTEN)
content("text-deltas-swapped", "two text deltas change places", held(TEXT, TEXT, at=1), "CNT-03", scenario=WRITTEN)
content("transcript-delta-lost", "a transcript delta is lost", drop(SAID, at=2), "CNT-04")
content(
    "transcript-changes",
    "the final transcript is another",
    with_field(SAID_DONE, "transcript", "Something else."),
    "CNT-04",
    also=("CNT-05",),
)
content(
    "part-text-differs",
    "content_part.done has another transcript",
    with_field(PART_DONE, "part.transcript", "Something else."),
    "CNT-05",
)
content(
    "item-text-differs",
    "output_item.done has another transcript",
    with_field("response.output_item.done", "item.content.0.transcript", "Something else."),
    "CNT-05",
)
content("delta-after-done", "a delta comes after its done", held(SAID, SAID_DONE, at=2), "CNT-06", also=("CNT-04",))
content("transcript-done-twice", "the transcript is done twice", twice(SAID_DONE), "CNT-06")
content(
    "audio-on-the-channel",
    "audio comes as base64 on the data channel",
    added(
        SAID,
        lambda event: {**event, "type": "response.output_audio.delta", "event_id": "event_audio", "delta": "AAAA" * 8},
    ),
    "CNT-07",
    dialects=("azure-ga", "openai-ga"),
)
content(
    "text-with-audio-events",
    "a text-only session announces audio",
    added(
        TEXT_DONE,
        lambda event: {
            "type": "output_audio_buffer.started",
            "event_id": "event_sound",
            "response_id": event["response_id"],
        },
    ),
    "CNT-08",
    scenario=WRITTEN,
    diagnosis="rule-broken",
)
content(
    "interrupted-part-left-open",
    "an interrupted part is not done",
    drop(PART_DONE),
    "CNT-09",
    scenario="responses/client-cancels.yaml",
    also=("CNT-01",),
)
content(
    "interrupted-item-left-open",
    "an interrupted item is not done",
    drop("response.output_item.done"),
    "RSP-07",
    scenario="responses/client-cancels.yaml",
    also=("RSP-08",),
)
content("audio-done-missing", "output_audio.done does not come", drop(AUDIO_DONE), "CNT-10", diagnosis="rule-broken")
content(
    "transcript-done-missing",
    "output_audio_transcript.done does not come",
    drop(SAID_DONE),
    "CNT-10",
    also=("CNT-06",),
    diagnosis="rule-broken",
)
content(
    "text-in-audio-part",
    "transcript deltas in a text part",
    with_field(PART_ADDED, "part", {"type": "text", "text": ""}),
    "CNT-11",
)
