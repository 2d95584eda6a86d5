"""How far a call came, read from its trace."""

from __future__ import annotations

from harness.rules.support.milestones import milestones
from tests.traces import SET_UP, event, trace


def test_milestones_are_read_from_the_trace() -> None:
    seen = trace(*SET_UP, (4.2, "audio.speech", {"direction": "received", "state": "started", "at": 4.1}))
    assert milestones(seen) == {
        "key": 0.0,
        "offer": 0.01,
        "answer": 0.02,
        "channel-open": 0.03,
        "session.update": 0.03,
        "first-audio": 4.1,
    }


def test_milestones_that_were_not_reached_are_none() -> None:
    refused = (0.0, "http.response", {"id": 1, "step": "key", "status": 401})
    own_speech = (1.0, "audio.speech", {"direction": "sent", "state": "started", "at": 1.0})
    assert set(milestones(trace(refused, own_speech)).values()) == {None}


def test_first_session_update_counts() -> None:
    twice = trace(*SET_UP, event(1.0, "client", "session.update", session={}))
    assert milestones(twice)["session.update"] == 0.03
