"""Faults of playback and interruption."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from harness.fake.faults.base import CLIENT_EVENTS, CONDUCT, EVENTS, TURN, fault
from harness.fake.faults.edits import deaf, drop, held, twice, with_field

CANCEL = "responses/client-cancels.yaml"
BARGE_IN = "interruption/caller-speaks-over-a-long-answer.yaml"
STARTED, STOPPED, CLEARED = "output_audio_buffer.started", "output_audio_buffer.stopped", "output_audio_buffer.cleared"


def playback(name: str, title: str, make: Callable[..., Any], *caught_by: str, **more: Any) -> None:
    """Declare a fault of playback."""
    fault(name, title, plane=more.pop("plane", EVENTS), caught_by=caught_by, **{"scenario": TURN, **more})(make)


playback("playback-start-missing", "output_audio_buffer.started does not come", drop(STARTED), "PLAY-01")
playback("playback-starts-twice", "output_audio_buffer.started comes twice", twice(STARTED), "PLAY-01")
playback("playback-stops-first", "stopped comes before started", held(STARTED, STOPPED), "PLAY-01")
playback("playback-stops-early", "stopped comes before response.done", held("response.done", STOPPED), "PLAY-02")
playback("playback-stop-missing", "stopped does not come", drop(STOPPED), "PLAY-03", scenario="turns/two-turns-in-one-call.yaml")
playback("playback-stops-twice", "stopped comes twice", twice(STOPPED), "PLAY-03")
playback("playback-other-response", "stopped names another response", with_field(STOPPED, "response_id", "resp_other"), "PLAY-01")
playback("clear-ignored", "output_audio_buffer.clear is not heard", deaf("output_audio_buffer.clear"), "PLAY-04", plane=CLIENT_EVENTS, scenario=CANCEL)
playback("clear-unconfirmed", "cleared does not come", drop(CLEARED), "PLAY-04", scenario=CANCEL)
playback("cancel-ignored", "response.cancel is not heard", deaf("response.cancel"), "PLAY-06", plane=CLIENT_EVENTS, scenario=CANCEL)
playback("cancel-as-turn-detected", "a cancel of the client ends as turn_detected", with_field("response.done", "response.status_details.reason", "turn_detected"), "PLAY-06", scenario=CANCEL)
playback("audio-after-clear", "the audio goes on behind cleared", lambda right: replace(right, stops_audio=False), "PLAY-10", plane=CONDUCT, scenario=CANCEL)
