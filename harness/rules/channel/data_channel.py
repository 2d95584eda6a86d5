"""DC: the data channel and its messages."""

from __future__ import annotations

from collections.abc import Iterator

from harness.protocol.sdp import parse
from harness.rules.base import (
    CLIENT,
    DOCUMENTED,
    INFERRED,
    INFO,
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
from harness.rules.channel.connection import dtls_role
from harness.rules.support.disturbance import slack
from harness.rules.support.fields import index, number, shown, text
from harness.rules.support.history import PATIENCE, overdue
from harness.rules.support.sources import MS_WEBRTC, WEBRTC, issue
from harness.trace import Entry

DEFAULT_MAX_MESSAGE = 65536  # RFC 8841 section 6.1: the value where the attribute is absent
DCEP_PPID = 50  # RFC 8832 section 8.1
DCEP_CHANNEL_TYPES = frozenset({0x01, 0x02, 0x80, 0x81, 0x82})  # RFC 8832 section 5.1, all but reliable ordered (0x00)
_RFC8832 = "RFC 8832 section {}, https://www.rfc-editor.org/rfc/rfc8832"
_STRINGS = "RFC 8831 section 6.6, https://www.rfc-editor.org/rfc/rfc8831; one object a message: vendor samples"


@FAMILY.rule("04", SHOULD, OBSERVED, issue("cloudflare/realtime-examples#12"), MS_WEBRTC, WEBRTC, who=CLIENT)
def one_channel(view: View) -> Iterator[Observation]:
    """exactly one data channel, opened by the client

    With two channels only the newest gets events, so a second one silences the first.

    Create one channel before the offer and keep it.

    Okay:
        channel.created {"label": "realtime-channel", "ordered": true, "by": "client"}
    Fail:
        channel.created {"label": "realtime-channel", "ordered": true, "by": "client"}
        channel.created {"label": "second", "ordered": true, "by": "client"}
    Fail:
        channel.created {"label": "realtime-channel", "ordered": true, "by": "service"}
    """
    for position, entry in enumerate(view.trace.of("channel.created")):
        by = entry.data.get("by", "client")
        ok = position == 0 and by == "client"
        yield judged(entry, ok, "one channel, created by the client", f"channel {position + 1}, created by the {by}")


@FAMILY.rule("05", INFO, OBSERVED, f"{MS_WEBRTC} (realtime-channel)", f"{WEBRTC} (oai-events)", who=CLIENT)
def channel_label(view: View) -> Iterator[Observation]:
    """the channel is labelled as in the vendor's sample

    Microsoft's sample says "realtime-channel", OpenAI's says "oai-events". No service is known to insist.

    Okay[azure-ga]:
        channel.created {"label": "realtime-channel", "ordered": true, "by": "client"}
    Okay[openai-ga]:
        channel.created {"label": "oai-events", "ordered": true, "by": "client"}
    Fail[azure-preview]:
        channel.created {"label": "chat", "ordered": true, "by": "client"}
    """
    for entry in view.trace.of("channel.created"):
        seen = text(entry.data, "label")
        yield judged(entry, seen == view.dialect.label, repr(view.dialect.label), repr(seen))


@FAMILY.rule("06", MUST, DOCUMENTED, _RFC8832.format("5.1 and 5.2"))
def dcep(view: View) -> Iterator[Observation]:
    """the channel is opened by DCEP: OPEN with PPID 50, answered by ACK

    DATA_CHANNEL_OPEN and DATA_CHANNEL_ACK travel with payload protocol identifier 50, the ACK on the stream of the OPEN.

    An OPEN under another PPID is taken for user data and the channel never opens. Leave this to the WebRTC stack.

    Okay:
        channel.dcep {"direction": "sent", "message": "open", "ppid": 50, "stream": 1}
        channel.dcep {"direction": "received", "message": "ack", "ppid": 50, "stream": 1}
    Fail:
        channel.dcep {"direction": "sent", "message": "open", "ppid": 51, "stream": 1}
        channel.dcep {"direction": "received", "message": "ack", "ppid": 50, "stream": 1}
    Fail:
        channel.dcep {"direction": "received", "message": "ack", "ppid": 50, "stream": 7}
    Fail:
        channel.dcep {"direction": "sent", "message": "open", "ppid": 50, "stream": 1}
        +10.1s
        rtp.rtcp {"direction": "received", "types": ["SR", "SDES"]}
    Unseen:
        channel.dcep {"direction": "sent", "message": "open", "ppid": 50, "stream": 1}
        +9.9s
        rtp.rtcp {"direction": "received", "types": ["SR", "SDES"]}
    Open:
        channel.dcep {"direction": "sent", "message": "open", "ppid": 50, "stream": 1}
        +12s
        connection.state {"state": "connected"}
    """
    entries = view.trace.of("channel.dcep")
    for entry in entries:
        message, stream = entry.data.get("message"), entry.data.get("stream")
        if entry.data.get("ppid") != DCEP_PPID:
            yield bad(entry, f"PPID {DCEP_PPID}", f"PPID {entry.data.get('ppid')}")
            continue
        others = [
            other
            for other in entries
            if other.data.get("direction") != entry.data.get("direction")
            and other.data.get("stream") == stream
            and other.data.get("message") != message
        ]
        if message == "open":
            if any(other.seq > entry.seq for other in others):
                yield good(entry)
            elif (lives := _lives_on(view, entry)) >= PATIENCE + slack(view):
                yield bad(entry, f"an ACK on stream {stream}", f"none in {lives:.0f} s")
            else:
                yield from overdue(view, entry, f"an ACK on stream {stream}")
        elif message == "ack":
            opened = any(other.seq < entry.seq for other in others)
            yield judged(
                entry, opened, "an ACK for a stream that was opened", f"ACK on stream {stream}, which nobody opened"
            )


def _lives_on(view: View, since: Entry) -> float:
    """Seconds for which the other side of ``since`` was still heard of: its events, its RTCP."""
    opener = view.trace.sender(since)
    heard = view.trace.of("rtp.rtcp", "event.sent", "event.received")
    return max((entry.t - since.t for entry in heard if view.trace.sender(entry) != opener), default=0.0)


@FAMILY.rule("07", MUST, DOCUMENTED, _RFC8832.format("6"), by_sender=True)
def parity(view: View) -> Iterator[Observation]:
    """the DTLS client opens even streams, the DTLS server odd ones

    If the side opening the channel acts as the DTLS client it must choose an even stream identifier, as the server an odd one.

    Otherwise both sides may open the same stream at once. Let the stack choose the id; do not negotiate it by hand.

    Okay:
        answer
        channel.dcep {"direction": "sent", "message": "open", "ppid": 50, "stream": 1}
    Fail:
        answer
        channel.dcep {"direction": "sent", "message": "open", "ppid": 50, "stream": 0}
    Okay:
        connection.secured {"role": "client"}
        channel.dcep {"direction": "sent", "message": "open", "ppid": 50, "stream": 0}
    """
    for entry in view.trace.of("channel.dcep"):
        opener, stream = view.trace.sender(entry), number(entry.data, "stream")
        if entry.data.get("message") != "open" or stream is None:
            continue
        role = dtls_role(view, opener)
        if role:
            even = "even" if role == "client" else "odd"
            ok = (stream % 2 == 0) == (role == "client")
            yield judged(entry, ok, f"an {even} stream, the {opener} being the DTLS {role}", f"stream {stream:g}")


@FAMILY.rule("08", SHOULD, OBSERVED, _RFC8832.format("5.1") + "; vendor samples use the defaults", who=CLIENT)
def reliable(view: View) -> Iterator[Observation]:
    """the channel is reliable and ordered

    Events have meaning only in order and complete; the default channel (type 0x00) gives both.

    Create the channel without ordered, maxRetransmits and maxPacketLifeTime.

    Okay:
        channel.created {"label": "realtime-channel", "ordered": true, "by": "client"}
        channel.dcep {"direction": "sent", "message": "open", "ppid": 50, "stream": 1, "type": 0}
    Fail:
        channel.created {"label": "realtime-channel", "ordered": false, "by": "client"}
    Fail:
        channel.created {"label": "realtime-channel", "ordered": true, "max_retransmits": 0, "by": "client"}
    Fail:
        channel.dcep {"direction": "sent", "message": "open", "ppid": 50, "stream": 1, "type": 129}
    """
    for entry in view.trace.of("channel.created"):
        limits = [name for name in ("max_retransmits", "max_packet_life_time") if entry.data.get(name) is not None]
        ok = entry.data.get("ordered", True) is True and not limits
        seen = "unordered" if entry.data.get("ordered", True) is not True else f"limited by {', '.join(limits)}"
        yield judged(entry, ok, "ordered, without limits", "ordered and reliable" if ok else seen)
    for entry in view.trace.of("channel.dcep"):
        if index(entry.data, "type") in DCEP_CHANNEL_TYPES:
            yield bad(entry, "channel type 0x00 (reliable, ordered)", f"channel type {index(entry.data, 'type'):#04x}")


@FAMILY.rule("09", MUST, OBSERVED, _STRINGS, by_sender=True)
def strings(view: View) -> Iterator[Observation]:
    """messages are UTF-8 strings with one JSON object each

    Text goes as string messages (PPID 51); every sample sends and parses one JSON object per message.

    Send text with send(string), never an ArrayBuffer, and do not batch events.

    Okay:
        < session.created {"session": {}}
        > session.update {"session": {"type": "realtime"}}
    Fail:
        event.undecodable {"direction": "received", "reason": "binary", "text": "", "size": 12, "binary": true}
    Fail:
        event.undecodable {"direction": "sent", "reason": "not JSON", "text": "{", "size": 1, "binary": false}
    """
    for entry in view.trace.of("event"):
        if entry.kind == "event.undecodable":
            reason = text(entry.data, "reason") or "undecodable"
            yield bad(entry, "a string holding one JSON object", f"{reason}: {shown(text(entry.data, 'text'), 60)}")
        else:
            yield good(entry)


@FAMILY.rule("10", MUST, OBSERVED, issue("openai/openai-realtime-console#547"), who=CLIENT)
def open_first(view: View) -> Iterator[Observation]:
    """no client message before the channel is open

    Sending on a channel that is not open throws (InvalidStateError) and the message is lost.

    Send the first event from the channel's open handler.

    Okay:
        channel.open {"label": "realtime-channel", "id": 1}
        > session.update {"session": {"type": "realtime"}}
    Fail:
        > session.update {"session": {"type": "realtime"}}
        channel.open {"label": "realtime-channel", "id": 1}
    """
    opened = view.trace.first("channel.open")
    if opened is None:
        return
    for entry in view.client():
        yield judged(
            entry, entry.seq > opened.seq, "after the channel opened", f"{entry.type} before the channel opened"
        )


@FAMILY.rule("11", MUST, DOCUMENTED, "RFC 8841 section 6, https://www.rfc-editor.org/rfc/rfc8841", by_sender=True)
def message_size(view: View) -> Iterator[Observation]:
    """no message is larger than the peer's max-message-size

    A sender must not exceed the size its peer announced in a=max-message-size: 65536 where it is absent, no limit for 0.

    A larger message may close the channel. Keep tool definitions small, or configure them with the key request.

    Okay:
        answer
        > session.update {"session": {"type": "realtime"}}
    Okay:
        offer s|a=max-message-size:262144\\r\\n||
        event.received {"event": {"type": "session.created", "event_id": "e1"}, "size": 65536}
    Fail:
        answer s|max-message-size:262144|max-message-size:20|
        > session.update {"session": {"type": "realtime"}}
    Fail:
        offer s|a=max-message-size:262144\\r\\n||
        event.received {"event": {"type": "session.created", "event_id": "e1"}, "size": 65537}
    Okay:
        offer s|max-message-size:262144|max-message-size:0|
        event.received {"event": {"type": "session.created", "event_id": "e1"}, "size": 999999}
    """
    for by, described in (("client", "sdp.answer"), ("service", "sdp.offer")):
        descriptions = view.trace.of(described)
        if not descriptions:
            continue
        announced = parse(text(descriptions[-1].data, "sdp")).values("max-message-size")
        limit = int(announced[0]) if announced and announced[0].isdigit() else DEFAULT_MAX_MESSAGE
        for entry in view.client() if by == "client" else view.server():
            size = number(entry.data, "size")
            if size is not None:
                yield judged(entry, limit == 0 or size <= limit, f"at most {limit} bytes", f"{size:g} bytes")


@FAMILY.rule(
    "16",
    SHOULD,
    INFERRED,
    "W3C WebRTC, RTCDataChannel: no message is delivered once readyState is closed",
    by_sender=True,
)
def silence_after_close(view: View) -> Iterator[Observation]:
    """no event after the channel has closed

    Whatever is received after the close belongs to another channel or was delivered too late to count.

    Okay:
        channel.open {"label": "realtime-channel", "id": 1}
        < session.created {"session": {}}
        channel.closed {"label": "realtime-channel"}
    Fail:
        channel.open {"label": "realtime-channel", "id": 1}
        channel.closed {"label": "realtime-channel"}
        < session.created {"session": {}}
    """
    closed = view.trace.of("channel.closed")
    opened = view.trace.of("channel.open")
    if not closed or (opened and opened[-1].seq > closed[-1].seq):
        return
    late = [entry for entry in view.server() if entry.seq > closed[-1].seq]
    if not late:
        yield good(closed[-1])
    for entry in late:
        yield bad(entry, "nothing after the channel closed", f"{entry.type} {entry.t - closed[-1].t:.2f} s later")
