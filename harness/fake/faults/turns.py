"""Faults of turn detection: speech announced wrongly, turns committed wrongly, answers missing or unasked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.fake.faults.base import EVENTS, fault
from harness.fake.faults.edits import added, drop, held, late, twice, with_field
from harness.faults.registry import GA, TURN

HEARD = "transcription/what-the-caller-said-is-transcribed.yaml"
MANUAL = "turns/manual-turn-is-committed-by-the-client.yaml"
TWO_TURNS = "turns/two-turns-in-one-call.yaml"
STARTED = "input_audio_buffer.speech_started"
STOPPED = "input_audio_buffer.speech_stopped"
COMMITTED = "input_audio_buffer.committed"


def turn(name: str, title: str, make: Callable[..., Any], *caught_by: str, **more: Any) -> None:
    """Declare a fault of the turn events."""
    fault(name, title, plane=more.pop("plane", EVENTS), caught_by=caught_by, **{"scenario": TURN, **more})(make)


turn(
    "speech-start-missing", "speech_started does not come", drop(STARTED), "TURN-01", also=("TURN-19",), scenario=HEARD
)
turn(
    "speech-start-late",
    "speech_started comes after speech_stopped",
    held(STARTED, STOPPED),
    "TURN-01",
    also=("TURN-04",),
    scenario=HEARD,
)
turn("speech-start-twice", "speech_started comes twice", twice(STARTED), "TURN-13")
turn("speech-stop-missing", "speech_stopped does not come", drop(STOPPED), "TURN-04", "TURN-17")
turn(
    "speech-stop-late",
    "speech_stopped comes after committed",
    held(STOPPED, COMMITTED),
    "TURN-04",
    "TURN-17",
)
turn(
    "turn-other-item",
    "committed names another item than the speech",
    with_field(COMMITTED, "item_id", "item_other"),
    "TURN-02",
    also=("TURN-05",),
)
turn(
    "speech-stop-other-item",
    "speech_stopped names another item than speech_started",
    with_field(STOPPED, "item_id", "item_other"),
    "TURN-02",
    also=("TURN-01",),
)
turn(
    "speech-ends-before-it-begins",
    "audio_end_ms lies before audio_start_ms",
    with_field(STOPPED, "audio_end_ms", 0, at=2),
    "TURN-03",
    scenario=TWO_TURNS,
)
turn("speech-negative", "audio_start_ms is negative", with_field(STARTED, "audio_start_ms", -300), "TURN-03")
turn(
    "speech-time-runs-back",
    "the second turn begins before the first",
    with_field(STARTED, "audio_start_ms", lambda old: 20000 - old),
    "TURN-03",
    scenario=TWO_TURNS,
)
turn("turn-not-committed", "the turn is never committed", drop(COMMITTED), "TURN-04", also=("RSP-22",))
turn(
    "turn-without-item",
    "the committed turn does not become an item",
    drop("conversation.item.added", at=1),
    "TURN-05",
    also=("ITM-02",),
)
turn(
    "turn-item-late",
    "the item of the turn comes ten seconds late",
    late("conversation.item.added", 10.0, at=1),
    "TURN-05",
    also=("ITM-02",),
)
turn(
    "turn-unanswered",
    "create_response is on, but nobody answers",
    lambda dialect: (
        lambda event: () if str(event.get("type")).startswith(("response.", "output_audio")) else [(0.0, event)]
    ),
    "TURN-06",
    also=("MED-12",),
    scenario=TWO_TURNS,
    diagnosis="rule-broken",
)
turn(
    "manual-speech-announced",
    "speech is announced although turn detection is off",
    added(
        COMMITTED,
        lambda event: {"type": STARTED, "event_id": "event_vad", "item_id": event["item_id"], "audio_start_ms": 0},
        first=True,
    ),
    "TURN-07",
    also=("TURN-04",),
    scenario=MANUAL,
)
turn(
    "manual-turn-committed-unasked",
    "the service commits although turn detection is off",
    added(
        "session.updated",
        {"type": COMMITTED, "event_id": "event_unasked", "item_id": "item_unasked", "previous_item_id": None},
    ),
    "TURN-08",
    also=("TURN-05", "TURN-17"),
    scenario=MANUAL,
)
turn(
    "idle-timeout-too-early",
    "the idle timeout fires sooner than the session says",
    with_field("session.updated", "session.audio.input.turn_detection.idle_timeout_ms", 9000),
    "TURN-11",
    also=("SES-04", "SES-05", "SES-18"),
    scenario="turns/a-silent-caller-is-prompted.yaml",
    dialects=GA,
)
turn(
    "timeout-without-being-asked",
    "an idle timeout that nobody configured",
    added(
        "output_audio_buffer.stopped",
        {
            "type": "input_audio_buffer.timeout_triggered",
            "event_id": "event_idle",
            "item_id": "item_idle",
            "audio_start_ms": 9000,
            "audio_end_ms": 9900,
        },
    ),
    "TURN-11",
    dialects=GA,
)
turn(
    "speech-that-was-none",
    "speech is announced while the caller is silent",
    added(
        "session.updated", {"type": STARTED, "event_id": "event_ghost", "item_id": "item_ghost", "audio_start_ms": 0}
    ),
    "TURN-14",
    scenario="turns/silence-is-no-turn.yaml",
    diagnosis="rule-broken",
)
turn(
    "caller-audio-cleared-unasked",
    "the caller's audio is cleared without being asked",
    added("session.updated", {"type": "input_audio_buffer.cleared", "event_id": "event_cleared"}),
    "TURN-15",
)
