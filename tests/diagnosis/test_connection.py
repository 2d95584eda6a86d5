"""Causes in offer and answer, on the way to an open channel, and of a connection that goes away."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import pytest

from harness.diagnosis import CAUSES
from tests.diagnosis.cases import (
    STATES,
    Cases,
    Recorded,
    error_body,
    failed,
    http,
    missed,
    names,
    never_opened,
    refused,
    session,
)
from tests.limits import Limit
from tests.traces import SET_UP, event, trace

AUDIO = "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 96\r\n"
DATA = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
CHECKING = (0.5, "connection.ice", {"state": "checking"})
ICE, DTLS, SECURED, STATE = STATES
OPEN = (0.6, "channel.dcep", {"direction": "sent", "message": "open", "ppid": 50, "stream": 1})

CASES: Cases = {
    "offer-not-raw-sdp": lambda: refused(
        "call", 400, error_body("invalid_offer"), headers={"content-type": "application/json"}, sent={"sdp": "v=0"}
    ),
    "channel-created-after-offer": lambda: failed(
        (0.0, "sdp.offer", {"sdp": AUDIO}), *http("call", 400, error_body("invalid_offer"), sent=AUDIO), step="answer"
    ),
    "offer-refused": lambda: failed(
        (0.0, "sdp.offer", {"sdp": AUDIO + DATA}),
        *http("call", 400, error_body("invalid_offer"), sent="v=0"),
        step="answer",
    ),
    "offer-not-usable": lambda: replace(never_opened(CHECKING), broken={"OFF-14": 1}),
    "video-offered": lambda: failed(
        (0.1, "sdp.offer", {"sdp": f"{AUDIO}m=video 9 UDP/TLS/RTP/SAVPF 97\r\n"}),
        *http("call", 201, AUDIO),
        (0.3, "sdp.rejected", {"sdp": AUDIO, "reason": "one section"}),
        step="answer",
    ),
    "created-not-accepted": lambda: failed(*http("call", 201, AUDIO), step="answer", broken={"HTTP-21": 1}),
    "answer-not-sdp": lambda: failed(
        *http("call", 201, "<html>"), (0.3, "sdp.rejected", {"sdp": "<html>", "reason": "no SDP"}), step="answer"
    ),
    "answer-refused": lambda: failed(
        *http("call", 201, AUDIO), (0.3, "sdp.rejected", {"sdp": AUDIO, "reason": "one section"}), step="answer"
    ),
    "audio-section-refused": lambda: failed(
        (0.1, "sdp.answer", {"sdp": f"{AUDIO}a=inactive\r\n"}),
        (0.3, "channel.open", {"label": "x", "id": 1}),
        missed("500 ms of speech in the received audio within 5 s", "no speech"),
    ),
    "no-candidates-in-answer": lambda: never_opened(CHECKING, answer=AUDIO + DATA),
    "candidate-rewritten": lambda: never_opened(
        CHECKING, answer=AUDIO + DATA + "a=candidate:1 1 udp 1 0.0.0.0 3478 typ host\r\n"
    ),
    "answer-not-bundled": lambda: replace(never_opened(CHECKING), broken={"ANS-05": 3}),
    "ice-never-connected": lambda: never_opened(CHECKING),
    "certificate-mismatch": lambda: never_opened(
        ICE, (0.5, "connection.secured", {"role": "server", "matches": False})
    ),
    "dtls-failed": lambda: never_opened(ICE, (0.5, "connection.dtls", {"state": "failed"})),
    "channel-not-acknowledged": lambda: never_opened(*STATES, OPEN),
    "loss-not-noticed": lambda: session((1.0, "connection.state", {"state": "disconnected"}), broken={"DC-14": 12}),
    "second-channel": lambda: session(
        *((1.0, "channel.created", {"label": label, "by": "client"}) for label in "ab"), broken={"DC-04": 13}
    ),
    "sent-before-open": lambda: session(broken={"DC-10": 5}),
    "message-too-large": lambda: session(broken={"DC-11": 5}),
    "channel-never-opened": lambda: never_opened(
        *STATES, OPEN, (0.7, "channel.dcep", {"direction": "received", "message": "ack", "ppid": 50, "stream": 1})
    ),
    "channel-closed-by-service": lambda: failed(
        *SET_UP, (2.0, "channel.closed", {"label": "realtime-channel"}), error="ConnectionLost", step="session"
    ),
    "connection-lost": lambda: failed(
        *SET_UP, (2.0, "connection.state", {"state": "failed"}), error="ConnectionLost", step="session"
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_cause_stands_first_with_its_evidence(name: str) -> None:
    found = CASES[name]().diagnose()
    assert [one.id for one in found][:1] == [name]
    assert found[0].evidence
    assert found[0].cause.startswith(CAUSES[name].cause)


@pytest.mark.parametrize(
    ("offer", "answer"),
    [("a=sendonly", "a=sendrecv"), ("a=sendrecv", "a=inactive"), ("a=sendrecv", "a=recvonly")],
)
def test_direction_that_leaves_no_way_for_the_audio(offer: str, answer: str) -> None:
    rows = (
        (0.1, "sdp.offer", {"sdp": f"{AUDIO}{offer}\r\n"}),
        (0.2, "sdp.answer", {"sdp": f"{AUDIO}{answer}\r\n"}),
        (0.3, "channel.open", {"label": "x", "id": 1}),
        missed("500 ms of speech in the received audio within 5 s", "no speech"),
    )
    assert [one.id for one in failed(*rows).diagnose()][:1] == ["audio-section-refused"]


def test_channel_that_the_service_acknowledged_elsewhere_is_not_acknowledged() -> None:
    elsewhere = (0.7, "channel.dcep", {"direction": "received", "message": "ack", "ppid": 50, "stream": 7})
    assert never_opened(*STATES, OPEN, elsewhere).diagnose()[0].id == "channel-not-acknowledged"


def test_expired_session_explains_a_lost_connection_even_where_its_error_was_awaited() -> None:
    error = event(1.0, "service", "error", error={"code": "session_expired", "message": "60 minutes"})
    met = (1.0, "step.met", {"step": 1, "expected": "error", "actual": "error", "entry": len(SET_UP)})
    closed = (2.0, "channel.closed", {"label": "x"})
    found = failed(*SET_UP, error, met, closed, error="ConnectionLost", step="session").diagnose()
    assert [one.id for one in found][:2] == ["session-expired", "channel-closed-by-service"]


def expired(dialect: str, seconds: float) -> bool:
    """A connection that goes away, without a word, so long behind session.created."""
    created = event(1.0, "service", "session.created", session={})
    gone = (1.0 + seconds, "harness.error", {"error": "ConnectionLost", "step": "session", "what": "x"})
    return names(Recorded(trace(*SET_UP, created, gone, dialect=dialect, end="failed")), "session-expired")


LIMITS = tuple(
    Limit(f"{dialect} at {seconds} s", partial(expired, dialect, seconds), expected)
    for dialect, minutes in (("azure-preview", 60), ("azure-ga", 60), ("openai-ga", 60), ("openai-beta", 30))
    for seconds, expected in ((minutes * 60 - 0.9, True), (minutes * 60 - 1.1, False))
)


def test_the_fix_names_the_addresses_of_the_answer() -> None:
    answer = "v=0\r\nm=audio 9 X 96\r\na=candidate:1 1 udp 1 192.0.2.1 50123 typ host\r\n"
    states = (0.5, "connection.ice", {"state": "checking"})
    (found, *_) = never_opened(states, answer=answer).diagnose()
    assert found.id == "ice-never-connected"
    assert "It names UDP 192.0.2.1 port 50123." in found.fix
    assert "3478" not in found.fix
