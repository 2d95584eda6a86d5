"""How far a call came: the milestones of its trace."""

from __future__ import annotations

from harness.protocol.generations import UPDATES
from harness.rules.support.fields import number
from harness.trace import Entry, Trace, timed


def milestone_entries(trace: Trace) -> dict[str, Entry | None]:
    """The entry at which each milestone was reached, in their usual order; None where it never was.

    key: the token response with a 2xx status. offer: the client's offer. answer: the answer as accepted. channel-open: the
    client's channel open. session.update: the first one sent. first-audio: the first speech in the service's audio.
    """
    speech = (
        entry
        for entry in trace.of("audio.speech")
        if entry.data.get("state") == "started" and trace.sender(entry) == "service"
    )
    keys = (
        entry
        for entry in trace.of("http.response")
        if entry.data.get("step") == "key" and 200 <= (number(entry.data, "status") or 0) < 300
    )
    return {
        "key": next(keys, None),
        "offer": trace.first("sdp.offer"),
        "answer": trace.first("sdp.answer"),
        "channel-open": trace.first("channel.open"),
        "session.update": next(iter(trace.events("client", *UPDATES)), None),
        "first-audio": next(speech, None),
    }


def milestones(trace: Trace) -> dict[str, float | None]:
    """When each milestone was reached, in seconds of the trace, to the millisecond; None where it never was, or its time is not known.

    first-audio is the time of the speech itself (its ``at``), not of the entry that reports it.
    """
    return {
        name: None
        if entry is None or not timed(entry)
        else round(float(entry.data.get("at", entry.t)) if name == "first-audio" else entry.t, 3)
        for name, entry in milestone_entries(trace).items()
    }
