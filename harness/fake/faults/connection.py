"""Faults of ICE, DTLS and SCTP: what the answer promises does not connect, or does not stay."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from harness.fake.faults.base import ANSWER, CONDUCT, ServiceConduct, fault
from harness.faults.registry import SETUP, TURN
from harness.faults.sdp import line, other_certificate


def unreachable(name: str, title: str, rewrite: Callable[[str], str], *caught_by: str, **more: Any) -> None:
    """Declare an answer whose promise cannot be kept: the channel never opens."""
    more = {"ends": "channel-open", "diagnosis": "channel-never-opened", "scenario": SETUP, **more}
    fault(name, title, plane=ANSWER, caught_by=caught_by, **more)(rewrite)


def conduct(
    name: str, title: str, rewrite: Callable[[ServiceConduct], ServiceConduct], *caught_by: str, **more: Any
) -> None:
    """Declare a fault of how the connection behaves."""
    fault(name, title, plane=CONDUCT, caught_by=caught_by, **{"scenario": SETUP, **more})(rewrite)


unreachable(
    "ice-wrong-password",
    "the answer's ice-pwd is not the service's",
    line(r"^a=ice-pwd:.*", "a=ice-pwd:" + "w" * 24),
    "DC-01",
    diagnosis="ice-never-connected",
)
unreachable(
    "ice-wrong-ufrag",
    "the answer's ice-ufrag is not the service's",
    line(r"^a=ice-ufrag:.*", "a=ice-ufrag:nobody"),
    "DC-01",
    diagnosis="ice-never-connected",
)
unreachable(
    "dtls-other-certificate",
    "the certificate is not the one of the fingerprint",
    other_certificate,
    "DC-02",
    diagnosis="certificate-mismatch",
)
conduct(
    "ice-silent",
    "nobody answers at the candidates",
    lambda right: replace(right, deserts=True),
    "DC-01",
    ends="channel-open",
    diagnosis="ice-never-connected",
)
conduct(
    "dcep-not-acknowledged",
    "DATA_CHANNEL_OPEN is not answered: the channel never opens",
    lambda right: replace(right, acknowledges=False),
    "DC-06",
    ends="channel-open",
    diagnosis="channel-not-acknowledged",
)
conduct(
    "dcep-acknowledged-elsewhere",
    "DATA_CHANNEL_OPEN is answered on another stream",
    lambda right: replace(right, ack_stream=7),
    "DC-06",
    ends="channel-open",
    diagnosis="channel-not-acknowledged",
)
conduct(
    "dcep-wrong-parity",
    "the service opens a channel itself, on a stream of the client's parity",
    lambda right: replace(right, own_stream=41),
    "DC-07",
    also=("DC-04",),
)
conduct(
    "event-too-large",
    "an event is larger than the max-message-size of the offer",
    lambda right: replace(right, oversize=300_000),
    "DC-11",
    diagnosis="message-too-large",
)
conduct(
    "channel-closed-early",
    "the service closes the channel in the middle of the session",
    lambda right: replace(right, closes_channel_after=2.0),
    scenario=TURN,
    ends="session",
    diagnosis="channel-closed-by-service",
)
conduct(
    "call-dropped",
    "the service hangs up in the middle of the session",
    lambda right: replace(right, hangs_up_after=2.0),
    scenario=TURN,
    ends="session",
    diagnosis="channel-closed-by-service",
)
conduct(
    "rtcp-missing",
    "the service sends no RTCP",
    lambda right: replace(right, reports=False),
    "MED-05",
    scenario="transcription/each-turn-is-transcribed.yaml",
)
