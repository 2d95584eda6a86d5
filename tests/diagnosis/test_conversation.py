"""Causes in the session, its turns and responses, and in what is heard."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from harness.diagnosis import CAUSES
from tests.diagnosis.cases import (
    START,
    Cases,
    Recorded,
    Row,
    error_event,
    failed,
    http,
    levels,
    missed,
    names,
    packets,
    session,
)
from tests.limits import Limit
from tests.traces import SET_UP, event, trace

HEARD = "500 ms of speech in the received audio within 5 s"
SPEECH: Row = (1.0, "audio.speech", {"direction": "sent", "state": "started", "at": 1.0})
STARTED = event(1.0, "service", "input_audio_buffer.speech_started", item_id="item_1", audio_start_ms=0)
COMMITTED = event(2.0, "service", "input_audio_buffer.committed", item_id="item_1")
TRANSCRIBED = "conversation.item.input_audio_transcription.completed within 5 s"
PLAYING = event(3.0, "service", "output_audio_buffer.started", response_id="resp_1")
CALL = event(2.0, "service", "response.output_item.done", item={"type": "function_call", "call_id": "call_1"})
VAD = {"audio": {"input": {"turn_detection": {"type": "server_vad", "create_response": True}}}}


def done(status: str, details: Any = None) -> Row:
    return event(2.0, "service", "response.done", response={"status": status, "status_details": details})


def item(**fields: Any) -> Row:
    return event(3.0, "client", "conversation.item.create", item=fields)


def update(**fields: Any) -> Row:
    return event(0.5, "client", "session.update", session=fields, event_id="event_1")


def page(*rows: Row, headers: dict[str, str]) -> Recorded:
    """What a service records of a page that mints a key and is not heard of again."""
    return Recorded(trace(*http("key", 200, {}, headers=headers), *rows, observer="service", end="failed"))


PREFLIGHT: Row = (
    0.3,
    "http.preflight",
    {
        "step": "call",
        "url": "http://x/call",
        "origin": "http://localhost:5173",
        "method": "POST",
        "headers": ["authorization", "originator"],
        "refused": ["originator"],
        "status": 400,
    },
)


CASES: Cases = {
    "replay-miss": lambda: session(
        (1.0, "harness.error", {"error": "ReplayMiss", "step": "session", "what": "expected a", "seen": "b came", "fix": ""})
    ),
    "session-expired": lambda: session(error_event(None, "Your session hit the maximum duration of 60 minutes."), missed("x")),
    "voice-locked": lambda: session(error_event("cannot_update_voice"), missed("session.updated within 5 s")),
    "other-generations-fields": lambda: session(
        update(voice="alloy"), error_event("unknown_parameter", "Unknown parameter: 'session.voice'."), missed("x")
    ),
    "unknown-update-field": lambda: session(
        update(colour=1), error_event("unknown_parameter", "Unknown parameter: 'session.colour'."), missed("x")
    ),
    "sample-code-events": lambda: session(event(1.0, "service", "session.end"), missed("x")),
    "wrong-dialect-events": lambda: session(
        event(1.0, "service", "response.audio_transcript.done"), missed("response.output_audio_transcript.done within 5 s")
    ),
    "message-no-event": lambda: session(event(1.0, "client", ""), broken={"EVT-01": START}),
    "unknown-client-event": lambda: session(
        event(1.0, "client", "conversation.item.shout"), broken={"EVT-02": START}
    ),
    "session-settings-out-of-range": lambda: session(update(speed=9), error_event("invalid_value"), broken={"SES-08": START}),
    "session-update-refused": lambda: session(
        update(tools=1), error_event("invalid_type", "Invalid type.", event_id="event_1"), missed("x")
    ),
    "filter-hides-events": lambda: session(missed("session.updated within 5 s"), query="?webrtcfilter=on"),
    "session-update-not-sent": lambda: session(update=False, missing=("session.update",)),
    "sent-before-session-created": lambda: session(
        update(type="realtime"), event(1.0, "service", "session.updated", session={}), broken={"SES-04": START - 2}
    ),
    "session-update-not-confirmed": lambda: session(missed("session.updated within 5 s")),
    "update-not-applied": lambda: session(event(1.0, "service", "session.updated", session={}), broken={"SES-05": START}),
    "speech-before-update": lambda: session(SPEECH, broken={"SES-11": START}),
    "response-already-active": lambda: session(error_event("conversation_already_has_active_response"), missed("x")),
    "response-failed-by-quota": lambda: session(
        done("failed", {"type": "failed", "error": {"code": "insufficient_quota"}}), missed(HEARD)
    ),
    "response-withheld": lambda: session(done("incomplete", {"reason": "content_filter"}), missed(HEARD)),
    "response-too-long": lambda: session(done("incomplete", {"reason": "max_output_tokens"}), missed(HEARD)),
    "response-failed": lambda: session(done("failed", {"error": {"code": "server_error"}}), missed(HEARD)),
    "function-call-not-answered": lambda: session(CALL, broken={"ITM-08": START}),
    "no-response-after-tool-result": lambda: session(
        CALL, item(type="function_call_output", call_id="call_1"), missed("response.done within 5 s")
    ),
    "wrong-call-id": lambda: session(
        CALL,
        item(type="function_call_output", call_id="call_2"),
        event(3.0, "client", "response.create"),
        missed("response.done within 5 s"),
    ),
    "item-without-response": lambda: session(item(type="message", role="user"), missed("response.done within 5 s")),
    "rate-limits-incomplete": lambda: session(
        event(1.0, "service", "rate_limits.updated", rate_limits=[{"name": "tokens"}]),
        missed('rate_limits.updated within 5 s where rate_limits contains {"name": "requests"}'),
    ),
    "truncated-too-far": lambda: session(
        error_event("invalid_value", "Audio content of 800ms is already shorter than 2000ms"), missed("x")
    ),
    "unknown-item": lambda: session(
        event(1.0, "client", "conversation.item.delete", item_id="item_9"), error_event("item_delete_invalid_item_id"), broken={"ITM-16": START}
    ),
    "malformed-event": lambda: session(
        item(type="message", role="user"), error_event("missing_required_parameter"), broken={"EVT-06": START}
    ),
    "commit-of-empty-buffer": lambda: session(error_event("input_audio_buffer_commit_empty"), missed("x")),
    "no-rtp-in-silence": lambda: session(STARTED, packets("sent", 0.1, 1.5), broken={"TURN-12": START + 1}),
    "no-rtp-sent": lambda: session(packets("received", 0.1, 4.0), missed("input_audio_buffer.speech_started within 5 s")),
    "silent-input": lambda: session(
        packets("sent", 0.1, 4.0), levels("sent", -100.0, -100.0), missed("input_audio_buffer.speech_started within 5 s")
    ),
    "turn-detection-off": lambda: session(
        SPEECH, missed("response.created within 5 s"), shown={"audio": {"input": {"turn_detection": None}}}
    ),
    "create-response-off": lambda: session(
        COMMITTED,
        missed("response.created within 5 s"),
        shown={"audio": {"input": {"turn_detection": {"type": "server_vad", "create_response": False}}}},
    ),
    "speech-never-ends": lambda: session(SPEECH, STARTED, missed("input_audio_buffer.speech_stopped within 5 s")),
    "speech-not-detected": lambda: session(
        SPEECH, levels("sent", -20.0), packets("sent", 0.1), missed("input_audio_buffer.speech_started within 5 s"), shown=VAD
    ),
    "text-only-session": lambda: session(missed(HEARD), shown={"output_modalities": ["text"]}),
    "interruption-ignored": lambda: session(PLAYING, broken={"PLAY-14": START}),
    "noise-for-speech": lambda: session(PLAYING, broken={"MED-14": START}),
    "audio-clipped": lambda: session(PLAYING, broken={"MED-15": START}),
    "audio-not-paced": lambda: session(PLAYING, broken={"MED-17": START}),
    "audio-at-other-rate": lambda: session(PLAYING, broken={"MED-21": START}),
    "audio-source-dry": lambda: session(PLAYING, broken={"MED-19": START}),
    "silent-output": lambda: session(PLAYING, packets("received", 3.0), broken={"MED-07": START}),
    "cleared-without-cancel": lambda: session(event(1.0, "client", "output_audio_buffer.clear"), broken={"PLAY-05": START}),
    "cancelled-while-playing": lambda: session(
        PLAYING, event(4.0, "service", "response.done", response={"id": "resp_1", "status": "completed"}),
        event(5.0, "client", "response.cancel"), error_event("response_cancel_not_active", "Cancellation failed"),
    ),
    "audio-not-decodable": lambda: session(packets("received", 3.0), broken={"MED-06": START}),
    "stopped-at-response-done": lambda: session(
        PLAYING, packets("received", 3.0), done("completed"), (4.0, "channel.closed", {"label": "x"}), missed("output_audio_buffer.stopped within 5 s")
    ),
    "transcription-not-configured": lambda: session(COMMITTED, missed(TRANSCRIBED), shown=VAD),
    "transcription-model-no-deployment": lambda: session(COMMITTED, broken={"SES-15": START}),
    "transcription-failed": lambda: session(
        COMMITTED, event(2.0, "service", "conversation.item.input_audio_transcription.failed", error={"code": "audio_unintelligible"}), missed("x")
    ),
    "transcription-missing": lambda: session(
        COMMITTED, missed(TRANSCRIBED), shown={"audio": {"input": {"transcription": {"model": "whisper-1"}}}}
    ),
    "page-never-called": lambda: page(headers={"origin": "http://localhost:5173"}),
    "preflight-refused": lambda: page(PREFLIGHT, headers={"origin": "http://localhost:5173"}),
    "header-fails-preflight": lambda: session(missed("x"), broken={"HTTP-26": 0}),
    "function-never-called": lambda: replace(
        session((1.0, "step.started", {"step": 1, "word": "tool", "text": "x"}), missed("a call of get_slots")), lenient=(1,)
    ),
    "not-the-service-alone": lambda: replace(session(missed("response.done within 5 s")), lenient=(1,)),
    "assistant-audio-replayed": lambda: session(
        item(type="message", role="assistant", content=[{"type": "output_audio", "transcript": "Hi"}]),
        error_event("missing_required_parameter"),
        broken={"ITM-12": START},
    ),
    "response-field-refused": lambda: session(
        event(1.0, "client", "response.create", response={"output_modalities": ["text"]}),
        error_event("unknown_parameter", "Unknown parameter: 'response.output_modalities'."),
    ),
    "update-rewritten": lambda: session(
        event(1.0, "client", "session.update", session={"type": "realtime", "voice": "sage"}),
        error_event("missing_required_parameter", "Missing required parameter: 'session.turn_detection.type'."),
    ),
    "other-api": lambda: session(
        error_event("invalid_value", "Supported values are: 'session.start', 'session.input_audio.append'."),
    ),
    "rule-broken": lambda: session(missed("response.done within 5 s"), broken={"RSP-03": START}),
    "unexpected-error": lambda: session(error_event("server_error"), missed("response.done within 5 s")),
    "not-recognised": lambda: session(missed("response.done within 5 s")),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_cause_stands_first_with_its_evidence(name: str) -> None:
    found = CASES[name]().diagnose()
    assert [one.id for one in found][:1] == [name]
    assert found[0].evidence
    assert found[0].cause.startswith(CAUSES[name].cause)


def test_a_connection_that_goes_away_leaves_nobody_the_time_to_speak() -> None:
    waiting = (levels("sent", -100.0, -100.0), missed("response.done within 60 s"))
    rows = (*SET_UP, *waiting, (9.0, "channel.closed", {"label": "x"}))
    found = failed(*rows, error="ConnectionLost", step="session").diagnose()
    assert [one.id for one in found] == ["channel-closed-by-service", "connection-lost"]


def test_error_that_a_step_waited_for_is_no_trouble() -> None:
    expected = (1.0, "step.met", {"step": 1, "expected": "error", "actual": "error", "entry": START})
    provoked = session(error_event("conversation_already_has_active_response"), expected, missed("x"))
    assert provoked.trace.entries[START].type == "error"
    assert [one.id for one in provoked.diagnose()] == ["not-recognised"]


def test_client_that_waited_did_not_stop_at_response_done() -> None:
    late = (60.0, "channel.closed", {"label": "x"})
    waited = session(PLAYING, done("completed"), late, missed("output_audio_buffer.stopped within 60 s"))
    assert "stopped-at-response-done" not in [one.id for one in waited.diagnose()]


@pytest.mark.parametrize(("waited", "off"), [(TRANSCRIBED, False), ("response.created within 5 s", True)])
def test_turn_that_the_client_committed_lacks_only_its_answer(waited: str, off: bool) -> None:
    commit = event(1.5, "client", "input_audio_buffer.commit")
    manual = {"audio": {"input": {"turn_detection": None, "transcription": {"model": "whisper-1"}}}}
    found = session(SPEECH, commit, COMMITTED, missed(waited), shown=manual).diagnose()
    assert ("turn-detection-off" in [one.id for one in found]) == off


def test_answer_that_the_client_asked_for_is_not_for_want_of_a_turn() -> None:
    asked = event(1.5, "client", "response.create")
    manual = {"audio": {"input": {"turn_detection": None}}}
    found = session(asked, missed("response.created within 5 s"), shown=manual).diagnose()
    assert "turn-detection-off" not in [one.id for one in found]


def test_page_that_calls_is_no_trouble() -> None:
    asked = http("key", 200, {}, headers={"origin": "http://localhost:5173"})
    called = http("call", 201, "v=0", number=3)
    assert Recorded(trace(*asked, *called, observer="service")).diagnose() == ()


def test_client_that_is_no_page_is_not_taken_for_one() -> None:
    assert [one.id for one in page(headers={"user-agent": "curl"}).diagnose()] == ["not-recognised"]


def test_what_no_row_explains_says_how_far_the_call_came() -> None:
    found = session(levels("sent", -20.0), packets("sent", 0.1, 4.0), missed("response.done within 5 s")).diagnose()
    (one,) = found
    assert one.cause.startswith("No known cause fits: expected response.done within 5 s; seen ")
    assert one.fix.endswith(
        "Established: reached last: session.update; not reached: first-audio; ICE completed, "
        "DTLS connected, connection connected; no error event; the caller's audio without speech, the service's audio never "
        "came; last event of the service: session.created at 0.040 s."
    )


def test_who_waited_for_the_end_of_playback_did_not_stop_at_response_done() -> None:
    rows = (PLAYING, packets("received", 3.0), done("completed"), missed("output_audio_buffer.stopped within 5 s"))
    found = session(*rows, (9.5, "channel.closed", {"label": "x"}), broken={"PLAY-03": START}).diagnose()
    assert [one.id for one in found] == ["rule-broken"]


@pytest.mark.parametrize(("modalities", "named"), [((["text"], None), False), ((None, ["text"]), True)])
def test_the_last_response_that_was_asked_for_is_the_one_that_was_to_be_heard(
    modalities: tuple[Any, Any], named: bool
) -> None:
    asked = [
        event(1.0 + n, "client", "response.create", response={"output_modalities": one} if one else {})
        for n, one in enumerate(modalities)
    ]
    found = session(*asked, packets("received", 0.1, 4.0), missed(HEARD)).diagnose()
    assert ("text-only-session" in [one.id for one in found]) == named


def unsent(t: float) -> bool:
    return names(session(missed("input_audio_buffer.speech_started within 5 s", t=t)), "no-rtp-sent")


def quiet(level: float) -> bool:
    awaited = missed("input_audio_buffer.speech_started within 5 s")
    return names(session(packets("sent", 0.1, 4.0), levels("sent", -100.0, level), awaited), "silent-input")


def hung_up(t: float) -> bool:
    rows = (PLAYING, packets("received", 3.0), done("completed"), (t, "channel.closed", {"label": "x"}))
    return names(session(*rows, missed("output_audio_buffer.stopped within 5 s")), "stopped-at-response-done")


LIMITS = (
    Limit("two seconds without a packet", partial(unsent, 2.1), True),
    Limit("less than two seconds", partial(unsent, 1.9), False),
    Limit("a microphone that hums", partial(quiet, -51.0), True),
    Limit("a faint voice", partial(quiet, -49.0), False),
    Limit("five seconds behind the end of the response", partial(hung_up, 6.9), True),
    Limit("later than that", partial(hung_up, 7.1), False),
)


@pytest.mark.parametrize(("asked", "race"), [((0.6,), True), ((0.9,), False), ((0.5, 0.6), False)])
def test_a_request_that_crosses_a_response_of_the_services_own_is_a_race(asked: tuple[float, ...], race: bool) -> None:
    """A response begins at 0.7 s. What the client asks for later is a fault; of two requests before it, one may have begun it."""
    began = event(0.7, "service", "response.created", response={"id": "resp_1", "conversation_id": "conv_1"})
    rows = sorted((began, *(event(t, "client", "response.create") for t in asked)), key=lambda row: row[0])
    refused = error_event("conversation_already_has_active_response")
    case = session(*rows, refused, broken={"RSP-10": START} if asked[0] > 0.7 else {})
    (first, *_) = case.diagnose()
    assert first.id == "response-already-active"
    assert ("This is a race, not a client error" in first.cause) is race
