"""Faults of the data channel, of what is underneath it, and of how a call ends."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from harness.client.faults.base import ANSWER, CONDUCT, EVENTS, SERVICE_END, SETTINGS, CallerConduct, client_fault
from harness.faults.registry import SETUP, TURN
from harness.faults.sdp import line
from harness.scenario.model import Caller

LONG = "audio/half-minute-answer-is-heard-in-full.yaml"
EARLY = json.dumps({"type": "input_audio_buffer.clear"})


def conduct(name: str, title: str, *caught_by: str, how: Callable[[CallerConduct], CallerConduct], **more: Any) -> None:
    """Declare a fault of how the caller behaves underneath its events."""
    client_fault(name, title, plane=CONDUCT, caught_by=caught_by, **{"scenario": SETUP, **more})(how)


conduct(
    "second-channel",
    "a second data channel takes over",
    "DC-04",
    also=("DC-05",),
    how=lambda right: replace(right, second="second"),
    diagnosis="second-channel",
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
    diagnosis="sent-before-open",
)
conduct(
    "channel-of-the-service-not-acknowledged",
    "a channel that the service opens is not acknowledged",
    "DC-06",
    also=("DC-04", "DC-07"),
    how=lambda right: replace(right, acknowledges=False),
    against=("dcep-wrong-parity",),
    scenario=LONG,
)
conduct(
    "no-rtcp",
    "the client sends no RTCP",
    "MED-05",
    how=lambda right: replace(right, reports=False),
    scenario=LONG,
)
conduct(
    "never-hangs-up",
    "the call is left alone and not closed",
    "DC-13",
    also=("MED-05",),
    how=lambda right: replace(right, hangs_up=False),
    seen_by=SERVICE_END,
    diagnosis="loss-not-noticed",
)
conduct(
    "hangs-on-to-a-closed-channel",
    "the client opens its closed channel again and goes on",
    "DC-14",
    also=("DC-04",),
    how=lambda right: replace(right, clings=True),
    against=("channel-closed-early",),
    scenario=TURN,
    diagnosis="loss-not-noticed",
)


@client_fault(
    "no-session-update",
    "session.update is never sent",
    plane=SETTINGS,
    misses="session.update",
    scenario=SETUP,
    diagnosis="session-update-not-sent",
)
def _never_updates(caller: Caller) -> Caller:
    return caller.model_copy(update={"update_on_open": False})


client_fault(
    "waits-for-what-the-filter-hides",
    "with webrtcfilter=on the client waits for session.created before its first event",
    plane=EVENTS,
    caught_by=("FLT-02",),
    scenario="filter/interruption-is-heard-behind-the-filter.yaml",
    dialects=("azure-ga",),
    diagnosis="filter-hides-events",
)(lambda dialect: lambda event: ())


def _patient(caller: Caller) -> Caller:
    """Waits longer than a channel may take to open."""
    return caller.model_copy(update={"timeout": 20.0})


client_fault(
    "answer-credentials-misread",
    "the client takes another ICE password for the service's: nothing ever connects",
    plane=ANSWER,
    caught_by=("DC-01", "DC-12"),
    scenario=SETUP,
    beside={SETTINGS: _patient},
    diagnosis="ice-never-connected",
)(line(r"^a=ice-pwd:.*", "a=ice-pwd:" + "w" * 24))
client_fault(
    "role-against-the-answer",
    "the client takes the DTLS role that the answer gives to the service: both call, and nobody listens",
    plane=ANSWER,
    misses="channel-open",
    scenario=SETUP,
    diagnosis="dtls-failed",
)(line(r"^a=setup:active", "a=setup:passive"))
