"""Faults of the data channel, of what is underneath it, and of how a call ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from harness.client.faults.base import (
    ANSWER,
    CLIENT_END,
    CONDUCT,
    SERVICE_END,
    SETTINGS,
    SETUP,
    TURN,
    Conduct,
    client_fault,
)
from harness.client.faults.edits import line
from harness.scenario.model import Caller

EARLY = json.dumps({"type": "input_audio_buffer.clear"})


def conduct(name: str, title: str, *caught_by: str, how: Callable[[Conduct], Conduct], **more: Any) -> None:
    """Declare a fault of how the caller behaves underneath its events."""
    client_fault(name, title, plane=CONDUCT, caught_by=caught_by, **{"scenario": SETUP, **more})(how)


conduct(
    "second-channel",
    "a second data channel takes over",
    "DC-04",
    also=("DC-05",),
    how=lambda right: replace(right, second="second"),
)
conduct(
    "other-label",
    "the channel has a label of the client's own",
    "DC-05",
    how=lambda right: replace(right, label="chat"),
)
conduct(
    "unordered-channel",
    "the channel is unordered",
    "DC-08",
    how=lambda right: replace(right, options={"ordered": False}),
)
conduct(
    "unreliable-channel",
    "the channel gives up after no retransmission",
    "DC-08",
    how=lambda right: replace(right, options={"maxRetransmits": 0}),
)
conduct(
    "short-lived-messages",
    "the channel gives a message up after 100 ms",
    "DC-08",
    how=lambda right: replace(right, options={"maxPacketLifeTime": 100}),
)
conduct(
    "stream-of-the-other-side",
    "the client, being the DTLS server, opens an even stream",
    "DC-07",
    how=lambda right: replace(right, options={"id": 40}),
)
conduct(
    "event-before-open",
    "an event is sent before the channel is open",
    "DC-10",
    how=lambda right: replace(right, early=EARLY),
)
conduct(
    "channel-of-the-service-not-acknowledged",
    "a channel that the service opens is not acknowledged",
    "DC-06",
    also=("DC-04", "DC-07"),
    how=lambda right: replace(right, acknowledges=False),
    against=("dcep-wrong-parity",),
    scenario=TURN,
)
conduct(
    "no-rtcp",
    "the client sends no RTCP",
    "MED-05",
    how=lambda right: replace(right, reports=False),
    scenario="turns/two-turns-in-one-call.yaml",
)
conduct(
    "never-hangs-up",
    "the call is left alone and not closed",
    "DC-13",
    how=lambda right: replace(right, hangs_up=False),
    seen_by=SERVICE_END,
)
conduct(
    "hangs-on-to-a-closed-channel",
    "the client opens its closed channel again and goes on",
    "DC-14",
    also=("DC-04",),
    how=lambda right: replace(right, clings=True),
    against=("channel-closed-early",),
    scenario=TURN,
)


@client_fault(
    "no-session-update",
    "session.update is never sent",
    plane=SETTINGS,
    misses="session.update",
    scenario=SETUP,
)
def _never_updates(caller: Caller) -> Caller:
    return caller.model_copy(update={"update_on_open": False})


@client_fault(
    "waits-for-what-the-filter-hides",
    "with webrtcfilter=on the client waits for session.created before its first word",
    plane=SETTINGS,
    caught_by=("FLT-02",),
    scenario=SETUP,
    dialects=("azure-ga",),
)
def _waits(caller: Caller) -> Caller:
    return caller.model_copy(update={"update_on_open": False, "webrtcfilter": True})


client_fault(
    "channel-late",
    "the client waits with ICE until nobody waits any more",
    plane=ANSWER,
    caught_by=("DC-12",),
    also=("DC-01",),
    scenario=SETUP,
)(line(r"^(a=candidate:\S+ 1 udp \d+ \S+) \d+ ", r"\1 9 "))
client_fault(
    "role-against-the-answer",
    "the client takes the DTLS role that the answer gives to the service",
    plane=ANSWER,
    caught_by=("DC-02",),
    also=("DC-07",),
    scenario=SETUP,
    seen_by=CLIENT_END,
)(line(r"^a=setup:active", "a=setup:passive"))
