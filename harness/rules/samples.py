"""A correct offer and a correct answer, short enough to read; the rules' examples are edits of these."""

from __future__ import annotations

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
