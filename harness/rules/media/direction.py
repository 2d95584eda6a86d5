"""MED: direction: audio flows only the ways that offer and answer leave open."""

from __future__ import annotations

from collections.abc import Iterator

from harness.protocol.sdp import DIRECTIONS, Sdp
from harness.rules.base import CLIENT, DOCUMENTED, MUST, Observation, View, judged
from harness.rules.media import FAMILY
from harness.rules.support.packets import sent_by
from harness.rules.support.sdp_view import answers
from harness.rules.support.sources import rfc
from harness.trace import Observer

_SOURCE = rfc(3264, "6.1")


@FAMILY.rule("22", MUST, DOCUMENTED, _SOURCE)
def service_sends_where_it_may(view: View) -> Iterator[Observation]:
    """the service sends audio only where offer and answer leave it to

    A section that is answered recvonly or inactive carries no audio from the service, nor one that was offered sendonly or inactive.

    Clients do not set up a receiver for it: the audio is paid for and never heard. Answer sendrecv, or do not send.

    Okay:
        offer
        answer
        packets received 1 0:1:0
    Okay:
        offer s|^a=sendrecv|a=recvonly|
        answer s|^a=sendrecv|a=sendonly|
        packets received 1 0:1:0
    Fail:
        offer
        answer s|^a=sendrecv|a=recvonly|
        packets received 1 0:1:0
    Fail:
        offer
        answer s|^a=sendrecv|a=inactive|
        packets received 1 0:1:0
    Fail[azure-ga service]:
        offer s|^a=sendrecv|a=sendonly|
        answer
        packets sent 1 0:1:0
    Unseen:
        offer
        answer s|^a=sendrecv|a=recvonly|
        packets sent 1 0:1:0
    """
    yield from _sent_where_allowed(view, "service")


@FAMILY.rule("23", MUST, DOCUMENTED, _SOURCE, who=CLIENT)
def client_sends_where_it_may(view: View) -> Iterator[Observation]:
    """the client sends audio only where offer and answer leave it to

    A section that is offered recvonly or inactive carries no audio from the client, nor one that was answered sendonly or inactive.

    The service takes none from there. Offer sendrecv, with the microphone's track, and look what was answered.

    Okay:
        offer
        answer s|^a=sendrecv|a=recvonly|
        packets sent 1 0:1:0
    Fail:
        offer
        answer s|^a=sendrecv|a=sendonly|
        packets sent 1 0:1:0
    Fail[azure-ga service]:
        offer s|^a=sendrecv|a=recvonly|
        answer s|^a=sendrecv|a=sendonly|
        packets received 1 0:1:0
    """
    yield from _sent_where_allowed(view, "client")


def _sent_where_allowed(view: View, party: Observer) -> Iterator[Observation]:
    answered = answers(view)[-1:]
    if not answered:
        return
    said = {"service": _direction(answered[0].sdp), "client": _direction(answered[0].offer)}
    other: Observer = "client" if party == "service" else "service"
    closed = [f"{said[party]} for the {party}"] if said[party] in ("recvonly", "inactive") else []
    closed += [f"{said[other]} for the {other}"] if said[other] in ("sendonly", "inactive") else []
    said_so = f", and the audio section is {' and '.join(closed)}" if closed else ""
    for stream in sent_by(view, party):
        entry = stream[0][0]
        if count := sum(len(packets) for _, packets in stream):
            expected = f"no RTP from the {party}" if closed else f"RTP from the {party}"
            yield judged(entry, not closed, expected, f"{count} packets{said_so}")


def _direction(sdp: Sdp | None) -> str:
    """The direction of the first audio section; empty where there is none, or more than one is named (ANS-11, OFF-08)."""
    audio = next((media for media in sdp.media if media.kind == "audio"), None) if sdp is not None else None
    named = [word for word in DIRECTIONS if audio is not None and audio.has(word)]
    return named[0] if len(named) == 1 else ""
