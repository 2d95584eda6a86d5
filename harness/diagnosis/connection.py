"""Causes between the answer and the open channel, and of a connection that goes away: network, ICE, DTLS, SCTP."""

from __future__ import annotations

import re

from harness.diagnosis.base import CONNECTED, Case, Evidence, cause
from harness.protocol.sdp import parse as parse_sdp
from harness.rules.support.fields import text
from harness.rules.support.sources import MS_WEBRTC, WEBRTC, issue, rfc
from harness.trace import Entry


@cause(
    "no-candidates-in-answer",
    "The answer has no address that the client could send to.",
    rank=600,
    fix="The service must put its candidates into the answer: they are not trickled.",
    source=f"{rfc(8839, '5.1')}; {MS_WEBRTC}",
)
def no_candidates_in_answer(case: Case) -> Evidence:
    """The channel never opened, and the answer has no a=candidate line."""
    answer = case.trace.first("sdp.answer")
    return [answer] if answer and case.never_opened() and "a=candidate:" not in text(answer.data, "sdp") else []


@cause(
    "candidate-rewritten",
    "A candidate was rewritten to an address that nobody can reach.",
    rank=605,
    fix="Leave the SDP as the stack and the service made it: no munging of candidates on the way.",
    source=issue("openai/openai-realtime-embedded#17"),
)
def candidate_rewritten(case: Case) -> Evidence:
    """The channel never opened, and a candidate of offer or answer names 0.0.0.0."""
    if not case.never_opened():
        return []
    return [
        one
        for one in case.trace.of("sdp.offer", "sdp.answer")
        if re.search(r"(?m)^a=candidate:\S+ \d+ \S+ \d+ (0\.0\.0\.0|::) ", text(one.data, "sdp"))
    ]


@cause(
    "answer-not-bundled",
    "The answer leaves a section out of the bundle that was offered, so that audio and data channel need two connections, and one of them never stood.",
    rank=610,
    fix="The service must answer a=group:BUNDLE with every section that it takes (a=group:BUNDLE 0 1): look at what a gateway does to the answer.",
    source=rfc(9143, "7.3"),
)
def answer_not_bundled(case: Case) -> Evidence:
    """The channel never opened, and the answer does not bundle what the offer did (ANS-05)."""
    return case.broken("ANS-05") if case.never_opened() else []


@cause(
    "ice-never-connected",
    "ICE found no way to the service: UDP is blocked, or the credentials of offer and answer do not fit.",
    rank=615,
    fix="Let the answer's candidates through the firewall, and set the answer exactly as it came; a key that had expired shows the same way in a browser.",
    source=f"{MS_WEBRTC}; {issue('openai/openai-realtime-embedded#17')}; {issue('espressif/esp-webrtc-solution#9')}",
    advise=lambda case: addresses(case),
)
def ice_never_connected(case: Case) -> Evidence:
    """The channel never opened, and the last ICE state is neither connected nor completed."""
    states = case.trace.of("connection.ice")
    reached = [one for one in states if one.data.get("state") in CONNECTED]
    return [states[-1]] if case.never_opened() and states and not reached else []


@cause(
    "certificate-mismatch",
    "The DTLS certificate is not the one whose fingerprint the SDP announces.",
    rank=620,
    fix="Terminate DTLS where the SDP was made; a gateway that answers with another's SDP, or an edited fingerprint, looks like this.",
    source=f"{rfc(8122, '6.2')}; {rfc(5763, '5')}",
)
def certificate_mismatch(case: Case) -> Evidence:
    """A finished DTLS handshake whose certificate does not match."""
    return [one for one in case.trace.of("connection.secured") if one.data.get("matches") is False]


@cause(
    "dtls-failed",
    "ICE connected, but the DTLS handshake did not finish.",
    rank=625,
    fix="Compare a=fingerprint and a=setup of the answer with the service's certificate and role; a middlebox that lets only small packets through also stops it.",
    source=f"{rfc(5763, '5')}; {issue('sipsorcery-org/sipsorcery#1286')}",
)
def dtls_failed(case: Case) -> Evidence:
    """The channel never opened, ICE connected, and DTLS failed or never got to connected."""
    ice = [one for one in case.trace.of("connection.ice") if one.data.get("state") in CONNECTED]
    dtls = case.trace.of("connection.dtls")
    done = case.trace.of("connection.secured") or [one for one in dtls if one.data.get("state") == "connected"]
    return [*ice[-1:], *dtls[-1:]] if case.never_opened() and ice and not done else []


@cause(
    "channel-not-acknowledged",
    "The connection is up, but the service did not accept the data channel.",
    rank=630,
    fix="The service must answer DATA_CHANNEL_OPEN with an ACK on the same stream: look at its log, and at a=sctp-port of the answer. A service that refuses the client's certificate is silent in the same way: leave the offer's fingerprint as it is.",
    source=f"{rfc(8832, '6')}; {rfc(8122, '6.2')}",
)
def channel_not_acknowledged(case: Case) -> Evidence:
    """The channel never opened, the DTLS handshake is finished, and no ACK came on the stream of the client's OPEN."""
    messages = case.trace.of("channel.dcep")
    opened = [one for one in messages if one.data.get("message") == "open" and case.trace.sender(one) == "client"]
    streams = [one.data.get("stream") for one in opened]
    acked = [one for one in messages if one.data.get("message") == "ack" and one.data.get("stream") in streams]
    return [*case.trace.of("connection.secured")[-1:], *opened] if case.never_opened() and not acked else []


@cause(
    "loss-not-noticed",
    "The connection went away and the client went on as if it stood.",
    rank=635,
    fix='Watch connectionState: "disconnected" may heal, so give it five seconds and then close; "failed" and a closed channel are the end.',
    source=issue("openai/openai-agents-js#684"),
)
def loss_not_noticed(case: Case) -> Evidence:
    """The connection or the channel was gone, and the client neither hung up nor stopped sending (DC-13, DC-14)."""
    gone = [*_gone(case), *case.trace.of("channel.closed")]
    return case.broken("DC-14") or (case.broken("DC-13") if gone and _gone(case) else [])


def _gone(case: Case) -> list[Entry]:
    return [
        one
        for one in case.trace.of("connection.state", "connection.ice")
        if one.data.get("state") in ("disconnected", "failed")
    ]


@cause(
    "second-channel",
    "There is a second data channel, and events may go to the one that nobody reads.",
    rank=640,
    fix="Create exactly one channel, before the offer, and take the one that the service opens only where it opens one.",
    source=f"{issue('cloudflare/realtime-examples#12')}; {MS_WEBRTC}",
)
def second_channel(case: Case) -> Evidence:
    """More than one channel was created by the client, or the service opened one itself (DC-04), as channels are opened (DC-06, DC-07)."""
    closed = case.trace.first("channel.closed")
    created = [one for one in case.trace.of("channel.created") if closed is None or one.seq < closed.seq]
    return created if len(created) > 1 and case.broken("DC-04") and not case.broken("DC-06", "DC-07") else []


@cause(
    "sent-before-open",
    "The client sent before its data channel was open.",
    rank=645,
    fix="Wait for the channel's open event, then better still for session.created; a browser throws InvalidStateError.",
    source=f"{issue('openai/openai-realtime-console#547')}; {WEBRTC}",
)
def sent_before_open(case: Case) -> Evidence:
    """An event of the client stands before channel.open (DC-10)."""
    return case.broken("DC-10")


@cause(
    "message-too-large",
    "A message was larger than the other side's a=max-message-size.",
    rank=650,
    fix="Shrink or recompress images, keep instructions and tool definitions small, split long items, or send them through a sideband connection of a server.",
    source=f"{rfc(8841, '6.1')}; {issue('livekit/rust-sdks#1137')}; {issue('aiortc/aiortc#1440')}",
)
def message_too_large(case: Case) -> Evidence:
    """A message over the limit that the peer's SDP names (DC-11)."""
    return case.broken("DC-11")


def state_of(case: Case) -> str:
    """The last ICE, DTLS and connection states in words; empty where the trace has none."""
    named = {"ice": "ICE", "dtls": "DTLS", "state": "connection"}
    return ", ".join(f"{name} {state}" for plane, name in named.items() if (state := case.last_state(plane)))


def closed_by_service(case: Case) -> list[Entry]:
    """The channel's close before the call was given up, where the connection itself still stood."""
    lost = case.lost()
    return [one for one in case.trace.of("channel.closed") if lost and one.seq < lost[0].seq and not _gone(case)]


def addresses(case: Case) -> str:
    """Where the service says that it can be reached, in its answer."""
    answer = case.trace.first("sdp.answer")
    found = (
        [one for section in parse_sdp(text(answer.data, "sdp")).media for one in section.candidates] if answer else []
    )
    named = dict.fromkeys(f"{one.transport.upper()} {one.address} port {one.port}" for one in found if not one.problem)
    return f"It names {', '.join(named)}." if named else ""
