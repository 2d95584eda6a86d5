"""Faults of turn detection: speech announced wrongly, turns committed wrongly, answers missing or unasked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.fake.faults.base import CLIENT_EVENTS, EVENTS, TURN, fault
from harness.fake.faults.edits import deaf, drop, held, late, misheard, put, twice, with_field

MANUAL = "turns/manual-turn-is-committed-by-the-client.yaml"
TWO_TURNS = "turns/two-turns-in-one-call.yaml"
STARTED = "input_audio_buffer.speech_started"
STOPPED = "input_audio_buffer.speech_stopped"
COMMITTED = "input_audio_buffer.committed"


def turn(name: str, title: str, make: Callable[..., Any], *caught_by: str, **more: Any) -> None:
    """Declare a fault of the turn events."""
    fault(name, title, plane=more.pop("plane", EVENTS), caught_by=caught_by, **{"scenario": TURN, **more})(make)


turn("speech-start-missing", "speech_started does not come", drop(STARTED), "TURN-01")
turn("speech-start-late", "speech_started comes behind speech_stopped", held(STARTED, STOPPED), "TURN-01")
turn("speech-start-twice", "speech_started comes twice", twice(STARTED), "TURN-13")
turn("speech-stop-missing", "speech_stopped does not come", drop(STOPPED), "TURN-04")
turn("speech-stop-late", "speech_stopped comes behind committed", held(STOPPED, COMMITTED), "TURN-04")
turn("turn-other-item", "committed names another item than the speech", with_field(COMMITTED, "item_id", "item_other"), "TURN-02")
turn("speech-stop-other-item", "speech_stopped names another item than speech_started", with_field(STOPPED, "item_id", "item_other"), "TURN-02")
turn("speech-ends-before-it-begins", "audio_end_ms lies before audio_start_ms", with_field(STOPPED, "audio_end_ms", 0), "TURN-03")
turn("speech-negative", "audio_start_ms is negative", with_field(STARTED, "audio_start_ms", -300), "TURN-03")
turn("speech-time-runs-back", "the second turn begins before the first", with_field(STARTED, "audio_start_ms", 0, at=2), "TURN-03", scenario=TWO_TURNS)
turn("turn-not-committed", "the turn is never committed", drop(COMMITTED), "TURN-04")
turn("turn-without-item", "the committed turn does not become an item", drop("conversation.item.added", at=1), "TURN-05")
turn("turn-item-late", "the item of the turn comes ten seconds late", late("conversation.item.added", 10.0, at=1), "TURN-05")
turn(
    "turn-unanswered",
    "create_response is on, but nobody answers",
    lambda dialect: (lambda event, now: () if str(event.get("type")).startswith(("response.", "output_audio")) else [(0.0, event)]),
    "TURN-06",
    scenario=TWO_TURNS,
)
