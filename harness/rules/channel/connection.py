"""DC: signaling, ICE, DTLS, and how a call ends."""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.protocol.sdp import parse
from harness.protocol.states import SIGNALING, reach
from harness.rules.base import (
    CLIENT,
    DOCUMENTED,
    INFERRED,
    MUST,
    OBSERVED,
    SHOULD,
    Observation,
    View,
    bad,
    good,
    judged,
)
from harness.rules.channel import FAMILY
from harness.rules.support.disturbance import slack
from harness.rules.support.fields import text
from harness.rules.support.sources import issue
from harness.trace import Entry, Observer

ICE_SECONDS = 10.0  # own policy: a reachable host candidate connects in far less than a second
OPEN_SECONDS = 15.0  # own policy: ICE, DTLS, SCTP and DCEP together
# The profiles of RFC 5764, RFC 7714, RFC 8269 and RFC 8723 in IANA's DTLS-SRTP Protection Profiles registry; the two NULL profiles
# encrypt nothing and are left out (RFC 8827 section 6.5).
SRTP_PROFILES = frozenset(
    {
        "SRTP_AES128_CM_HMAC_SHA1_80",
        "SRTP_AES128_CM_SHA1_80",
        "SRTP_AES128_CM_HMAC_SHA1_32",
        "SRTP_AES128_CM_SHA1_32",
        "SRTP_AEAD_AES_128_GCM",
        "SRTP_AEAD_AES_256_GCM",
        *(f"SRTP_ARIA_{bits}_CTR_HMAC_SHA1_{tag}" for bits in (128, 256) for tag in (80, 32)),
        "SRTP_AEAD_ARIA_128_GCM",
        "SRTP_AEAD_ARIA_256_GCM",
        "DOUBLE_AEAD_AES_128_GCM_AEAD_AES_128_GCM",
        "DOUBLE_AEAD_AES_256_GCM_AEAD_AES_256_GCM",
    }
)
_VERSION = re.compile(r"1\.(\d)")
_OWN = "own policy, no vendor names a time"
_OTHER = {"client": "server", "server": "client"}
_DTLS_STRENGTH = "RFC 8827 section 6.5; RFC 5764 section 4.1.2, https://www.rfc-editor.org/rfc/rfc5764"
_CLOSES = "OpenAI Python SDK 3.57.0, resources/realtime/calls.py (hangup); W3C WebRTC, RTCPeerConnection.close()"


def dtls_role(view: View, party: Observer) -> str:
    """The DTLS role of ``party``, "client" or "server": from the handshake, else from the answer's a=setup; "" where unknown."""
    secured = view.trace.first("connection.secured")
    seen = text(secured.data, "role") if secured else ""
    if seen in _OTHER:
        return seen if party == view.trace.header.observer else _OTHER[seen]
    return _negotiated_role(view, party)


def _negotiated_role(view: View, party: Observer) -> str:
    """By RFC 8842 section 5.3 the side that answers active is the DTLS client."""
    answers = view.trace.of("sdp.answer")
    setup = parse(text(answers[-1].data, "sdp")).values("setup") if answers else ()
    service = {"active": "client", "passive": "server"}.get(setup[0] if setup else "", "")
    return service if party == "service" or not service else _OTHER[service]


def _lost(entry: Entry) -> bool:
    return entry.kind == "channel.closed" or (
        entry.kind in ("connection.ice", "connection.state", "connection.dtls") and entry.data.get("state") == "failed"
    )


@FAMILY.rule("01", SHOULD, INFERRED, _OWN)
def ice_connects(view: View) -> Iterator[Observation]:
    """ICE connects within 10 s

    ICE reaches connected or completed within ten seconds of its first check, and does not fail.

    A slow start is heard as a dead line. Look for UDP being blocked (3478) or for candidates that were edited.

    Okay:
        connection.ice {"state": "checking"}
        +9.9s
        connection.ice {"state": "completed"}
    Fail:
        connection.ice {"state": "checking"}
        +10.1s
        connection.ice {"state": "connected"}
    Fail:
        connection.ice {"state": "checking"}
        +10.1s
        connection.state {"state": "connecting"}
    Unseen:
        connection.ice {"state": "checking"}
        +9.9s
        connection.state {"state": "connecting"}
    Fail:
        connection.ice {"state": "checking"}
        +5s
        connection.ice {"state": "failed"}
    """
    entries = view.trace.of("connection.ice")
    start = next((entry for entry in entries if entry.data.get("state") == "checking"), None)
    if start is None:
        return
    limit = ICE_SECONDS + slack(view)
    wanted = f"connected or completed within {limit:g} s"
    for entry in entries:
        state = entry.data.get("state")
        if entry.seq > start.seq and state in ("connected", "completed", "failed"):
            took = entry.t - start.t
            yield judged(entry, state != "failed" and took <= limit, wanted, f"{state} after {took:.2f} s")
            return
    if view.trace.seconds - start.t > limit:
        yield bad(start, wanted, "still checking")


@FAMILY.rule("02", MUST, DOCUMENTED, "RFC 8842 section 5; RFC 5763 section 5, https://www.rfc-editor.org/rfc/rfc5763")
def dtls_identity(view: View) -> Iterator[Observation]:
    """the DTLS role follows a=setup and the certificate matches a fingerprint of the SDP

    The side that answered setup:active is the DTLS client; the certificate in the handshake hashes to a fingerprint of the SDP.

    Without the match anybody on the path could answer the call. Send the SDP exactly as the stack produced it.

    Okay:
        answer
        connection.secured {"role": "server", "version": "DTLSv1.2", "srtp_profile": "SRTP_AEAD_AES_128_GCM",
            "matches": true}
    Fail:
        answer
        connection.secured {"role": "server", "version": "DTLSv1.2", "srtp_profile": "SRTP_AEAD_AES_128_GCM",
            "matches": false}
    Fail:
        answer
        connection.secured {"role": "client", "version": "DTLSv1.2", "srtp_profile": "SRTP_AEAD_AES_128_GCM",
            "matches": true}
    Okay[azure-ga service]:
        answer
        connection.secured {"role": "client", "version": "DTLSv1.2", "srtp_profile": "SRTP_AEAD_AES_128_GCM",
            "matches": true}
    """
    for entry in view.trace.of("connection.secured"):
        if entry.data.get("matches") is False:
            yield bad(
                entry,
                "the hash of the peer's certificate is among the fingerprints of its SDP",
                "no fingerprint matches",
            )
            continue
        expected, actual = _negotiated_role(view, view.trace.header.observer), text(entry.data, "role")
        if expected and actual:
            yield judged(entry, actual == expected, f"role {expected}, as the answer's a=setup says", f"role {actual}")
        elif entry.data.get("matches") is True:
            yield good(entry)


@FAMILY.rule("03", MUST, DOCUMENTED, _DTLS_STRENGTH)
def dtls_strength(view: View) -> Iterator[Observation]:
    """DTLS 1.2 or newer, and an SRTP profile that protects

    Implementations must support DTLS 1.2 and must not negotiate older; media keys come from a use_srtp profile.

    What both offered cannot be seen here, only what was agreed: the name must be one of the registered, encrypting profiles.

    Okay:
        connection.secured {"role": "server", "version": "DTLSv1.2", "srtp_profile": "SRTP_AEAD_AES_128_GCM",
            "matches": true}
    Okay:
        connection.secured {"role": "server", "version": "DTLSv1.3", "srtp_profile": "SRTP_AES128_CM_SHA1_80",
            "matches": true}
    Fail:
        connection.secured {"role": "server", "version": "DTLSv1", "srtp_profile": "SRTP_AES128_CM_SHA1_80",
            "matches": true}
    Fail:
        connection.secured {"role": "server", "version": "DTLSv1.2", "srtp_profile": "SRTP_NULL_SHA1_80",
            "matches": true}
    """
    for entry in view.trace.of("connection.secured"):
        version, profile = text(entry.data, "version"), text(entry.data, "srtp_profile")
        if version:
            found = _VERSION.search(version)
            yield judged(entry, bool(found and int(found[1]) >= 2), ("DTLSv1.2", "DTLSv1.3"), version)
        if profile:
            yield judged(entry, profile in SRTP_PROFILES, sorted(SRTP_PROFILES), profile)


@FAMILY.rule("12", SHOULD, INFERRED, _OWN)
def opens_in_time(view: View) -> Iterator[Observation]:
    """the channel opens within 15 s of the answer

    From the answer to an open channel takes milliseconds; fifteen seconds without means it will not come.

    Usual causes: an expired key, blocked UDP, a channel created after the offer.

    Okay:
        answer
        +14.9s
        channel.open {"label": "realtime-channel", "id": 1}
    Fail:
        answer
        +15.1s
        channel.open {"label": "realtime-channel", "id": 1}
    Fail:
        answer
        +15.1s
        connection.state {"state": "failed"}
    Unseen:
        answer
        +14.9s
        connection.state {"state": "failed"}
    """
    answer, opened = view.trace.first("sdp.answer"), view.trace.first("channel.open")
    if answer is None:
        return
    limit = OPEN_SECONDS + slack(view)
    wanted = f"open within {limit:g} s of the answer"
    if opened is not None:
        took = opened.t - answer.t
        yield judged(opened, took <= limit, wanted, f"open after {took:.2f} s")
    elif view.trace.seconds - answer.t > limit:
        yield bad(answer, wanted, "not open when the trace ended")


@FAMILY.rule("13", SHOULD, DOCUMENTED, _CLOSES, who=CLIENT)
def closes(view: View) -> Iterator[Observation]:
    """the client closes the data channel and the peer connection at the end

    A call that is only abandoned stays open on the service until it times out, and is billed that long.

    Call close() on the channel and the connection; in GA also POST .../hangup where no connection is left.

    Okay:
        channel.open {"label": "realtime-channel", "id": 1}
        channel.closed {"label": "realtime-channel"}
    Okay:
        channel.open {"label": "realtime-channel", "id": 1}
        connection.state {"state": "closed"}
    Fail[azure-ga service]:
        channel.open {"label": "realtime-channel", "id": 1}
        connection.ice {"state": "failed"}
        connection.state {"state": "failed"}
    """
    opened = view.trace.first("channel.open")
    if opened is None or view.trace.end != "completed":
        return
    for entry in view.trace.entries[opened.seq + 1 :]:
        hung_up = entry.kind == "http.request" and entry.data.get("step") == "hangup"
        closed = entry.plane == "connection" and entry.data.get("state") == "closed"
        if entry.kind == "channel.closed" or closed or hung_up:
            yield good(entry)
            return
        if entry.kind == "connection.state" and entry.data.get("state") == "failed":
            yield bad(entry, "the channel or the connection is closed", "the connection was left to fail")
            return


@FAMILY.rule("14", SHOULD, OBSERVED, issue("openai/openai-agents-js#684"), who=CLIENT)
def notices_loss(view: View) -> Iterator[Observation]:
    """the client notices that the connection or the channel is gone

    A client that goes on sending into a closed channel shows its user a call that no longer exists.

    Watch connectionstatechange and the channel's close event, and end the call there.

    Okay:
        channel.open {"label": "realtime-channel", "id": 1}
        channel.closed {"label": "realtime-channel"}
    Fail:
        channel.open {"label": "realtime-channel", "id": 1}
        connection.state {"state": "failed"}
        > response.create {}
    """
    lost = next((entry for entry in view.trace.entries if _lost(entry)), None)
    if lost is None:
        return
    late = next((entry for entry in view.client() if entry.seq > lost.seq), None)
    if late is None:
        yield good(lost)
    else:
        yield bad(
            late, "no event after the connection was lost", f"{late.type} {late.t - lost.t:.2f} s after {lost.kind}"
        )


@FAMILY.rule("15", SHOULD, DOCUMENTED, "RFC 9429 section 3.2, figure 2, https://www.rfc-editor.org/rfc/rfc9429")
def signaling(view: View) -> Iterator[Observation]:
    """signaling states follow each other as JSEP allows

    From stable an offer leads to have-local-offer or have-remote-offer, an answer leads back; closed is final.

    A jump means that a description was set twice or out of turn.

    Okay:
        connection.signaling {"state": "have-local-offer"}
        connection.signaling {"state": "stable"}
        connection.signaling {"state": "closed"}
    Fail:
        connection.signaling {"state": "have-local-offer"}
        connection.signaling {"state": "have-remote-offer"}
    """
    state = SIGNALING.initial
    for entry in view.trace.of("connection.signaling"):
        new = text(entry.data, "state")
        allowed = reach(SIGNALING, state) | {state}
        yield judged(entry, new in allowed, sorted(allowed), f"{state} -> {new}")
        state = new if new in SIGNALING.states else state
