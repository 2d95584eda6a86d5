"""A correct offer, answer, token request and call request, short enough to read; the rules' examples are edits of these."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from harness.protocol.dialects import Dialect

EPOCH = 1_800_000_000
"""Epoch seconds at the start of every example."""
_KEY = "[redacted:11:64:text]"
_EPHEMERAL = "[redacted:12:35:text]"
_WORDS = {"resource": "contoso", "region": "eastus2", "model": "my-realtime", "call_id": "rtc_sample"}
_FINGERPRINT = "sha-256 FB:17:DE:8C:58:EB:D0:A6:C1:03:31:D9:22:A9:41:33:24:D5:1E:9E:48:38:9E:DF:0F:89:A6:38:BA:A3:02:C2"


def _sdp(*lines: str) -> str:
    return "".join(f"{line}\r\n" for line in lines)


OFFER = _sdp(
    "v=0",
    "o=- 4004218371 4004218371 IN IP4 0.0.0.0",
    "s=-",
    "t=0 0",
    "a=group:BUNDLE 0 1",
    "a=ice-options:trickle",
    "a=msid-semantic:WMS *",
    "m=audio 59751 UDP/TLS/RTP/SAVPF 96 0 8",
    "c=IN IP4 192.0.2.1",
    "a=sendrecv",
    "a=mid:0",
    "a=rtcp-mux",
    "a=ssrc:2749065626 cname:caller",
    "a=rtpmap:96 opus/48000/2",
    "a=fmtp:96 minptime=10;useinbandfec=1",
    "a=rtpmap:0 PCMU/8000",
    "a=rtpmap:8 PCMA/8000",
    "a=candidate:1 1 udp 2130706431 192.0.2.1 59751 typ host",
    "a=end-of-candidates",
    "a=ice-ufrag:SYCj",
    "a=ice-pwd:[redacted:1:22:ice]",
    f"a=fingerprint:{_FINGERPRINT}",
    "a=setup:actpass",
    "m=application 58541 UDP/DTLS/SCTP webrtc-datachannel",
    "c=IN IP4 192.0.2.1",
    "a=mid:1",
    "a=sctp-port:5000",
    "a=max-message-size:262144",
    "a=ice-ufrag:SYCj",
    "a=ice-pwd:[redacted:1:22:ice]",
    f"a=fingerprint:{_FINGERPRINT}",
    "a=setup:actpass",
)
ANSWER = _sdp(
    "v=0",
    "o=- 4004218372 4004218372 IN IP4 0.0.0.0",
    "s=-",
    "t=0 0",
    "a=group:BUNDLE 0 1",
    "a=msid-semantic:WMS *",
    "m=audio 9 UDP/TLS/RTP/SAVPF 96 0 8",
    "c=IN IP4 0.0.0.0",
    "a=sendrecv",
    "a=mid:0",
    "a=rtcp-mux",
    "a=ssrc:1135932845 cname:service",
    "a=rtpmap:96 opus/48000/2",
    "a=rtpmap:0 PCMU/8000",
    "a=rtpmap:8 PCMA/8000",
    "a=candidate:2 1 udp 2130706431 192.0.2.7 3478 typ host",
    "a=candidate:3 1 tcp 1671430143 192.0.2.7 443 typ host tcptype passive",
    "a=end-of-candidates",
    "a=ice-ufrag:tX9S",
    "a=ice-pwd:[redacted:2:22:ice]",
    f"a=fingerprint:{_FINGERPRINT}",
    "a=setup:active",
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
    "c=IN IP4 0.0.0.0",
    "a=mid:1",
    "a=sctp-port:5000",
    "a=max-message-size:262144",
    "a=ice-ufrag:tX9S",
    "a=ice-pwd:[redacted:2:22:ice]",
    f"a=fingerprint:{_FINGERPRINT}",
    "a=setup:active",
)


def request(dialect: Dialect, step: str) -> dict[str, Any]:
    """The data of a correct ``http.request`` of this step ("key", "call" or "hangup")."""
    values = {**_WORDS, "api_version": dialect.default_api_version}
    url = {"key": dialect.key_url, "call": dialect.call_url}.get(step, dialect.hangup_url or dialect.call_url)
    query = {"key": dialect.key_query, "call": dialect.call_query}.get(step, {})
    filled = {name: text.format(**values) for name, text in query.items()}
    headers = {"authorization": f"Bearer {_EPHEMERAL}"}
    body: Any = ""
    if step == "key":
        headers = {**dialect.auth[0].headers(_KEY), "content-type": "application/json"}
        flat = {"model": "my-realtime", "voice": "alloy"}
        nested = {"session": {"type": "realtime", "model": "my-realtime", "audio": {"output": {"voice": "alloy"}}}}
        body = flat if dialect.body == "flat" else nested
    elif step == "call":
        headers["content-type"] = "application/sdp"
        body = OFFER
    return {
        "step": step,
        "method": "POST",
        "url": "?".join(filter(None, (url.format(**values), urlencode(filled)))),
        "headers": headers,
        "body": body,
    }


def response(dialect: Dialect, step: str, status: int | None = None) -> dict[str, Any]:
    """The data of a correct ``http.response`` of this step; an error body of either vendor from status 400 on."""
    data: dict[str, Any] = {"step": step, "status": 200, "seconds": 0.05, "headers": {}, "body": ""}
    if status is not None and status >= 400:
        refusal = {"error": {"code": str(status), "message": "Access denied."}}
        return {**data, "status": status, "headers": {"content-type": "application/json"}, "body": refusal}
    if step == "key":
        secret = {"value": _EPHEMERAL, "expires_at": EPOCH + (dialect.key_seconds or 600)}
        session = {"id": "sess_sample", "object": "realtime.session", "type": "realtime"}
        flat: dict[str, Any] = {"id": "sess_sample", "client_secret": secret, "voice": "alloy"}
        nested: dict[str, Any] = {**secret, "session": session}
        body = flat if dialect.body == "flat" else nested
        data.update(headers={"content-type": "application/json"}, body=body)
    elif step == "call":
        location = {"location": "/v1/realtime/calls/rtc_sample"} if dialect.location else {}
        data.update(status=201, headers={"content-type": "application/sdp", **location}, body=ANSWER)
    return {**data, "status": data["status"] if status is None else status}


def merged(base: Any, edits: Any) -> Any:
    """``base`` with ``edits`` laid over it, objects key by key; the text "__absent__" takes a key away."""
    if not isinstance(base, Mapping) or not isinstance(edits, Mapping):
        return edits
    whole = {**base, **{key: merged(base.get(key), edit) for key, edit in edits.items()}}
    return {key: value for key, value in whole.items() if value != "__absent__"}
