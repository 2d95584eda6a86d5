"""Faults of playback and interruption."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from harness.fake.faults.base import CLIENT_EVENTS, CONDUCT, EVENTS, fault
from harness.fake.faults.edits import deaf, drop, held, instead, lookup, twice, with_field
from harness.faults.registry import TURN, Event, EventRewrite, Outgoing
from harness.protocol.dialects import Dialect

GOES_ON = "responses/the-call-goes-on-after-a-cancelled-answer.yaml"
CANCEL = "responses/client-cancels.yaml"
BARGE_IN = "interruption/caller-speaks-over-a-long-answer.yaml"
STARTED, STOPPED, CLEARED = "output_audio_buffer.started", "output_audio_buffer.stopped", "output_audio_buffer.cleared"


def _interruption_ignored(dialect: Dialect) -> EventRewrite:
    def rewrite(event: Event) -> Iterable[Outgoing]:
        if event.get("type") in (CLEARED, "conversation.item.truncated"):
            return
        if lookup(event, "response.status") != "cancelled":
            yield 0.0, event
            return
        yield 4.0, _completed(event)

    return rewrite


def _completed(event: Event) -> dict[str, Any]:
    return {**event, "response": {**event["response"], "status": "completed", "status_details": None}}


def playback(name: str, title: str, make: Callable[..., Any], *caught_by: str, **more: Any) -> None:
    """Declare a fault of playback."""
    fault(name, title, plane=more.pop("plane", EVENTS), caught_by=caught_by, **{"scenario": TURN, **more})(make)


playback(
    "playback-start-missing",
    "output_audio_buffer.started does not come",
    drop(STARTED),
    "PLAY-01",
    "MED-12",
)
playback("playback-starts-twice", "output_audio_buffer.started comes twice", twice(STARTED), "PLAY-01")
playback("playback-stops-first", "stopped comes before started", held(STARTED, STOPPED), "PLAY-01", "MED-12")
playback(
    "playback-stops-early",
    "stopped comes before response.done",
    held("response.done", STOPPED),
    "PLAY-02",
    diagnosis="rule-broken",
)
playback(
    "playback-stop-missing",
    "stopped does not come",
    drop(STOPPED),
    "PLAY-03",
    scenario="tools/speech-and-a-call-in-one-response.yaml",
)
playback("playback-stops-twice", "stopped comes twice", twice(STOPPED), "PLAY-03")
playback(
    "playback-other-response",
    "stopped names another response",
    with_field(STOPPED, "response_id", "resp_other"),
    "PLAY-01",
    also=("RSP-01",),
)
playback(
    "clear-ignored",
    "output_audio_buffer.clear is not heard",
    deaf("output_audio_buffer.clear"),
    "PLAY-04",
    plane=CLIENT_EVENTS,
    scenario=GOES_ON,
)
playback("clear-unconfirmed", "cleared does not come", drop(CLEARED), "PLAY-04", also=("PLAY-03",), scenario=GOES_ON)
playback(
    "cancel-ignored",
    "response.cancel is not heard",
    deaf("response.cancel"),
    "PLAY-06",
    plane=CLIENT_EVENTS,
    scenario=GOES_ON,
)
playback(
    "cancel-as-turn-detected",
    "a cancel of the client ends as turn_detected",
    with_field("response.done", "response.status_details.reason", "turn_detected"),
    "PLAY-06",
    "RSP-21",
    scenario=CANCEL,
)
playback(
    "audio-after-clear",
    "the audio goes on after cleared",
    lambda right: replace(right, stops_audio=False),
    "PLAY-10",
    plane=CONDUCT,
    scenario=CANCEL,
    diagnosis="rule-broken",
)
playback(
    "interruption-ignored",
    "the answer goes on while the caller speaks",
    _interruption_ignored,
    "PLAY-08",
    scenario="interruption/silence-follows-a-barge-in.yaml",
    diagnosis="interruption-ignored",
)
playback(
    "interruption-passed-over",
    "the caller speaks over the answer, is heard, and the answer is played to its end",
    _interruption_ignored,
    "PLAY-08",
    "PLAY-14",
    beside={CONDUCT: lambda right: replace(right, stops_audio=False)},
    scenario="interruption/silence-follows-a-barge-in.yaml",
    diagnosis="interruption-ignored",
)
playback(
    "interrupted-says-completed",
    "the caller interrupts, the audio is cut, and the response says completed",
    instead(
        "response.done",
        _completed,
        where=lambda event: lookup(event, "response.status") == "cancelled",
    ),
    "PLAY-15",
    scenario="interruption/silence-follows-a-barge-in.yaml",
)
playback(
    "interrupted-but-heard-on",
    "the caller interrupts, all events say so, and the audio goes on",
    lambda right: replace(right, stops_audio=False),
    "PLAY-10",
    "PLAY-14",
    plane=CONDUCT,
    scenario="interruption/silence-follows-a-barge-in.yaml",
    diagnosis="interruption-ignored",
)
playback(
    "deaf-while-speaking",
    "the service hears nothing of the caller while it speaks",
    lambda right: replace(right, listens_while_speaking=False),
    "TURN-19",
    plane=CONDUCT,
    scenario="interruption/silence-follows-a-barge-in.yaml",
    diagnosis="interruption-ignored",
)
playback(
    "audio-too-fast",
    "audio is sent at twice the speed it plays at",
    lambda right: replace(right, pace=2.0),
    "MED-17",
    also=("MED-21",),
    plane=CONDUCT,
    diagnosis="audio-not-paced",
)
playback(
    "audio-too-slow",
    "audio is sent at half the speed it plays at: a packet of 20 ms every 40 ms",
    lambda right: replace(right, pace=0.5),
    "MED-25",
    plane=CONDUCT,
    diagnosis="audio-not-paced",
)
playback(
    "playback-cleared-unasked",
    "cleared comes without a cause",
    instead(STOPPED, lambda event: {**event, "type": CLEARED}),
    "PLAY-13",
    diagnosis="rule-broken",
)
playback(
    "playback-truncated-too-far",
    "the service truncates after what it has sent",
    with_field("conversation.item.truncated", "audio_end_ms", 99999),
    "PLAY-12",
    "MED-08",
    scenario=BARGE_IN,
)
