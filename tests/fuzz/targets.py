"""Targets for a coverage-guided fuzzer: what reads other people's octets, and what it may do about them."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path

from harness.errors import HarnessError, TraceError
from harness.fake.admission import offer_problem
from harness.fake.checks import Refusal
from harness.fake.client_events import check_event
from harness.fake.client_events import decode as decode_client_event
from harness.formats.reading import records_in, trace_of
from harness.judging.recording import result_of
from harness.media.opus import Decoder
from harness.protocol import messages, negotiation, opus, rtp, sdp
from harness.protocol.dialects import DIALECTS
from harness.protocol.events import problems
from harness.proxying.bodies import offer_in
from harness.proxying.descriptions import own_answer, relayed_offer
from harness.scenario import source
from harness.scenario.loader import loads
from harness.trace import dump, read_trace
from harness.trace.redact import Redactor
from harness.trace.secret_encodings import unescaped
from harness.webrtc.peer import RejectedDescription, acceptable


def text_of(octets: bytes) -> str:
    return octets.decode("utf-8", "replace")


def descriptions(octets: bytes) -> None:
    """SDP, by our own parser and by the stack's."""
    text = text_of(octets)
    sdp.parse(text)
    offer_problem(text)
    negotiation.as_browser(text)
    with contextlib.suppress(RejectedDescription):
        acceptable(text)
        relayed = relayed_offer(text, OFFER)
        own_answer(relayed, text, OFFER)


def call_requests(octets: bytes) -> None:
    """The body of a call request that goes through the proxy."""
    for kind in ("application/sdp", "multipart/form-data; boundary=b", text_of(octets[:60])):
        found = offer_in(kind, octets)
        assert found is None or found.around(found.offer) == octets


def event_messages(octets: bytes) -> None:
    """A message of the data channel, as the caller and as the fake read it."""
    for message in (octets, text_of(octets)):
        event, reason = messages.decode(message)
        assert (event is None) == bool(reason)
        dump(Redactor(["known-secret"]).value(event))
        with contextlib.suppress(Refusal):
            check_event(DIALECTS["azure-ga"], decode_client_event(message))
    if event is not None:
        problems(DIALECTS["azure-ga"], "service", event)


def traces(octets: bytes) -> None:
    """A trace file, read and judged."""
    lines = [line + "\n" for line in text_of(octets).split("\n")]
    with contextlib.suppress(TraceError):
        result = result_of(read_trace(lines), name="fuzzed")
        assert not result.bug, result.error


def records(octets: bytes) -> None:
    """A record of a call in any form, read and judged."""
    with contextlib.suppress(TraceError):
        for record in records_in(text_of(octets), "fuzzed"):
            made = trace_of("fuzzed", record, "azure-ga").trace
            assert [entry.seq for entry in made.entries] == list(range(len(made.entries)))
            result = result_of(made, name="fuzzed")
            assert not result.bug, result.error


def scenarios(octets: bytes) -> None:
    """A scenario file."""
    with contextlib.suppress(HarnessError):
        loads(source.decode(octets, "fuzzed.yaml"), Path("fuzzed.yaml"))


def opus_packets(octets: bytes) -> None:
    """An Opus packet: its table of contents, and its sound."""
    assert 0 <= opus.packet_samples(octets) <= opus.LONGEST
    opus.toc_samples(octets[0] if octets else -1)
    with contextlib.suppress(ValueError):
        Decoder().decode(octets)


def rtp_packets(octets: bytes) -> None:
    """An RTP or RTCP packet."""
    packet = rtp.unpack(octets, 0.0)
    assert packet is None or len(packet.payload) <= len(octets) - 12
    rtp.rtcp_types(octets)


def secrets(octets: bytes) -> None:
    """Free text with a secret in it."""
    secret = "s3cret-Key/0123456789"
    clean = Redactor([secret]).text(f"{text_of(octets)}{secret}{text_of(octets)}")
    assert secret not in clean
    assert secret not in unescaped(clean)


TARGETS: Mapping[str, Callable[[bytes], None]] = {
    one.__name__: one
    for one in (
        *(descriptions, call_requests, event_messages, traces, records, scenarios),
        *(opus_packets, rtp_packets, secrets),
    )
}

OFFER = (
    "v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\na=msid-semantic:WMS *\r\n"
    "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 0.0.0.0\r\na=sendrecv\r\na=mid:0\r\na=rtcp-mux\r\na=rtpmap:111 opus/48000/2\r\n"
    "a=fmtp:111 minptime=10;useinbandfec=1\r\na=ssrc:1 cname:x\r\na=candidate:1 1 udp 2130706431 127.0.0.1 40000 typ host\r\n"
    "a=end-of-candidates\r\na=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\na=fingerprint:sha-256 AB:CD\r\na=setup:actpass\r\n"
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\na=sctp-port:5000\r\na=max-message-size:65536\r\n"
)
SEEDS: Mapping[str, tuple[bytes, ...]] = {
    "descriptions": (OFFER.encode(), b"v=0\r\n", b'{"sdp": "v=0"}'),
    "call_requests": (
        OFFER.encode(),
        b'--b\r\nContent-Disposition: form-data; name="sdp"\r\n\r\nv=0\r\n\r\n--b--\r\n',
    ),
    "event_messages": tuple(
        json.dumps(event).encode()
        for event in (
            {
                "type": "session.update",
                "event_id": "e",
                "session": {"type": "realtime", "audio": {"input": {"turn_detection": None}}},
            },
            {"type": "response.done", "event_id": "e", "response": {"id": "r", "status": "completed", "output": []}},
            {"type": "conversation.item.create", "item": {"type": "message", "role": "user", "content": []}},
        )
    ),
    "traces": (
        b'{"trace":1,"observer":"client","dialect":"azure-ga"}\n{"seq":0,"t":0.0,"kind":"http.response","data":{"step":"key","status":200}}\n'
        b'{"seq":1,"t":0.1,"kind":"event.received","data":{"event":{"type":"session.created"},"size":1}}\n{"end":"completed","entries":2}\n',
    ),
    "records": (
        b'[12:03:11.201] <- {"type":"session.created","event_id":"e","session":{"id":"s"}}\n[12:03:11.301] -> {"type":"session.update","session":{}}\n',
        b'[{"time":1795851096527,"event":{"type":"response.created","response":{"id":"r"}}}]',
        b'{"log":{"entries":[{"startedDateTime":"2026-11-28T07:31:35Z","time":1,"request":{"method":"POST","url":"https://x/v1/realtime/calls",'
        b'"headers":[],"postData":{"mimeType":"application/sdp","text":"v=0"}},"response":{"status":201,"content":{"text":"v=0"}}}]}}',
        b'{"PeerConnections":{"1":{"updateLog":[{"timestamp":1,"type":"setLocalDescription","value":"{\\"type\\":\\"offer\\",'
        b'\\"sdp\\":\\"v=0\\r\\nm=audio 9 X 0\\r\\n\\"}"}],"stats":{"T-timestamp":{"statsType":"transport","values":"[1]"}}}}}',
        b'RTCStatsDump\n{}\n["setLocalDescription","P",{"type":"offer","sdp":"v=0\\r\\nm=audio 9 X 0\\r\\n"},1]\n["g","P",{"0":{"type":1,"14":1}},1]\n',
    ),
    "scenarios": (
        b"title: x\ntags: [a]\nsession: {voice: alloy}\nsteps:\n  - say: a.wav\n  - expect: response.done\n    within: 1s\n"
        b"    where: {response.status: completed}\n  - never: error\n",
    ),
    "opus_packets": (b"\xf8\xff\xfe", b"\x03\x02" + bytes(20), b""),
    "rtp_packets": (bytes([0x80, 111, 0, 1]) + bytes(20), bytes([0x81, 200, 0, 6]) + bytes(24)),
    "secrets": (b"Bearer ", b"a=ice-pwd:", b'{"api_key": "', b"https://user:", b"%73\\u0033&#x63;"),
}
