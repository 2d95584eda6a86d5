"""Whole descriptions as real stacks write them (addresses, names and passwords exchanged), and edits of them."""

from __future__ import annotations

import re

_SHA256 = "30:E2:46:20:D8:20:64:CF:A5:AD:93:29:1A:77:11:16:94:67:35:68:1C:6B:7F:89:7F:1A:E6:26:7C:AF:A3:57"
_SHA384 = ":".join(f"{octet:02X}" for octet in range(48))
_SHA512 = ":".join(f"{octet:02X}" for octet in range(64))


def sdp(text: str) -> str:
    """The lines of ``text`` with CRLF line ends."""
    return "".join(f"{line.strip()}\r\n" for line in text.strip().splitlines())


def edited(text: str, pattern: str, replacement: str = "", count: int = 0) -> str:
    """``text`` with every match of ``pattern`` replaced; it is a mistake if there is none."""
    changed = re.sub(pattern, replacement, text, count=count, flags=re.MULTILINE)
    assert changed != text, pattern
    return changed


# Chromium 138, one audio track and one data channel.
CHROMIUM = sdp(f"""
    v=0
    o=- 5901177923523444693 2 IN IP4 127.0.0.1
    s=-
    t=0 0
    a=group:BUNDLE 0 1
    a=extmap-allow-mixed
    a=msid-semantic: WMS d25335a3-b05c-4819-a1af-a2265606a8d8
    m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126
    c=IN IP4 0.0.0.0
    a=rtcp:9 IN IP4 0.0.0.0
    a=ice-ufrag:sfsi
    a=ice-pwd:notasecretnotasecret1234
    a=ice-options:trickle
    a=fingerprint:sha-256 {_SHA256}
    a=setup:actpass
    a=mid:0
    a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
    a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time
    a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01
    a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
    a=sendrecv
    a=msid:d25335a3-b05c-4819-a1af-a2265606a8d8 45b49990-3738-4949-a03c-345f1bcd772e
    a=rtcp-mux
    a=rtcp-rsize
    a=rtcp-xr:rcvr-rtt=all
    a=rtpmap:111 opus/48000/2
    a=rtcp-fb:111 transport-cc
    a=fmtp:111 minptime=10;useinbandfec=1
    a=rtpmap:63 red/48000/2
    a=fmtp:63 111/111
    a=rtpmap:9 G722/8000
    a=rtpmap:0 PCMU/8000
    a=rtpmap:8 PCMA/8000
    a=rtpmap:13 CN/8000
    a=rtpmap:110 telephone-event/48000
    a=rtpmap:126 telephone-event/8000
    a=ssrc:100462584 cname:ds9nvkNtzygFmtyw
    a=ssrc:100462584 msid:d25335a3-b05c-4819-a1af-a2265606a8d8 45b49990-3738-4949-a03c-345f1bcd772e
    m=application 9 UDP/DTLS/SCTP webrtc-datachannel
    c=IN IP4 0.0.0.0
    a=ice-ufrag:sfsi
    a=ice-pwd:notasecretnotasecret1234
    a=ice-options:trickle
    a=fingerprint:sha-256 {_SHA256}
    a=setup:actpass
    a=mid:1
    a=sctp-port:5000
    a=max-message-size:262144
""")

# The same after gathering: a candidate behind a multicast DNS name, and an active TCP one.
CHROMIUM_GATHERED = edited(
    CHROMIUM,
    r"^a=ice-ufrag:sfsi\r\n",
    "a=candidate:3114155513 1 udp 2113937151 6cdbb5f4-0000-4000-8000-4a1fca1c6a1e.local 53210 typ host generation 0"
    " network-cost 999\r\n"
    "a=candidate:2157334355 1 tcp 1518280447 192.0.2.33 9 typ host tcptype active generation 0\r\na=ice-ufrag:sfsi\r\n",
    count=1,
)

# Data channel first, audio bundled onto it with port 0 (bundlePolicy "max-bundle").
CHROMIUM_MAX_BUNDLE = sdp(f"""
    v=0
    o=- 84151 2 IN IP4 127.0.0.1
    s=-
    t=0 0
    a=group:BUNDLE 0 1
    a=extmap-allow-mixed
    a=msid-semantic: WMS
    m=application 9 UDP/DTLS/SCTP webrtc-datachannel
    c=IN IP4 0.0.0.0
    a=ice-ufrag:sfsi
    a=ice-pwd:notasecretnotasecret1234
    a=ice-options:trickle
    a=fingerprint:sha-256 {_SHA256}
    a=setup:actpass
    a=mid:0
    a=sctp-port:5000
    a=max-message-size:262144
    m=audio 0 UDP/TLS/RTP/SAVPF 111 0 8
    c=IN IP4 0.0.0.0
    a=bundle-only
    a=mid:1
    a=recvonly
    a=rtcp-mux
    a=rtpmap:111 opus/48000/2
    a=fmtp:111 minptime=10;useinbandfec=1
""")

FIREFOX = sdp(f"""
    v=0
    o=mozilla...THIS_IS_SDPARTA-99.0 5921176213523444693 0 IN IP4 0.0.0.0
    s=-
    t=0 0
    a=sendrecv
    a=fingerprint:sha-256 {_SHA256}
    a=group:BUNDLE 0 1
    a=ice-options:trickle
    a=msid-semantic:WMS *
    m=audio 9 UDP/TLS/RTP/SAVPF 109 9 0 8 101
    c=IN IP4 0.0.0.0
    a=sendrecv
    a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
    a=extmap:2/recvonly urn:ietf:params:rtp-hdrext:csrc-audio-level
    a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid
    a=fmtp:109 maxplaybackrate=48000;stereo=1;useinbandfec=1
    a=fmtp:101 0-15
    a=ice-pwd:0123456789notasecret0123456789ab
    a=ice-ufrag:7a1d21fc
    a=mid:0
    a=msid:{{9b4c1a2e-aaaa-4bbb-8ccc-ffb7e8d9f001}} {{2b4c1a2e-aaaa-4bbb-8ccc-ffb7e8d9f002}}
    a=rtcp-mux
    a=rtcp-rsize
    a=rtpmap:109 opus/48000/2
    a=rtpmap:9 G722/8000/1
    a=rtpmap:0 PCMU/8000
    a=rtpmap:8 PCMA/8000
    a=rtpmap:101 telephone-event/8000
    a=setup:actpass
    a=ssrc:2749065626 cname:{{1b4c1a2e-aaaa-4bbb-8ccc-ffb7e8d9f003}}
    m=application 9 UDP/DTLS/SCTP webrtc-datachannel
    c=IN IP4 0.0.0.0
    a=sendrecv
    a=ice-pwd:0123456789notasecret0123456789ab
    a=ice-ufrag:7a1d21fc
    a=mid:1
    a=setup:actpass
    a=sctp-port:5000
    a=max-message-size:1073741823
""")

# aiortc 1.16 as it comes: three fingerprints, all candidates, no ice-options, no parameters for Opus.
AIORTC_STOCK = sdp(f"""
    v=0
    o=- 4004218877 4004218877 IN IP4 0.0.0.0
    s=-
    t=0 0
    a=group:BUNDLE 0 1
    a=msid-semantic:WMS *
    m=audio 57504 UDP/TLS/RTP/SAVPF 96 9 0 8
    c=IN IP4 192.0.2.2
    a=sendrecv
    a=extmap:1 urn:ietf:params:rtp-hdrext:sdes:mid
    a=extmap:2 urn:ietf:params:rtp-hdrext:ssrc-audio-level
    a=mid:0
    a=msid:a2bacefe-84bb-44b5-9ea1-4cfe9b790cdc d8cfd489-85a1-4d66-8df1-ccc812bff3d5
    a=rtcp:9 IN IP4 0.0.0.0
    a=rtcp-mux
    a=ssrc:2390790601 cname:8c9c58a8-7c47-40cb-8b7b-ac760652c34e
    a=rtpmap:96 opus/48000/2
    a=rtpmap:9 G722/8000
    a=rtpmap:0 PCMU/8000
    a=rtpmap:8 PCMA/8000
    a=candidate:f957a2332b1715da3b0ef8ba684454eb 1 udp 2130706431 192.0.2.2 57504 typ host
    a=candidate:d0bcf3d9c29a2bc887618212a1623bfa 1 udp 2130706431 2001:db8::2 57706 typ host
    a=end-of-candidates
    a=ice-ufrag:8zoD
    a=ice-pwd:notasecretnotasecret12
    a=fingerprint:sha-256 {_SHA256}
    a=fingerprint:sha-384 {_SHA384}
    a=fingerprint:sha-512 {_SHA512}
    a=setup:actpass
    m=application 33271 UDP/DTLS/SCTP webrtc-datachannel
    c=IN IP4 192.0.2.2
    a=mid:1
    a=sctp-port:5000
    a=max-message-size:262144
    a=candidate:f957a2332b1715da3b0ef8ba684454eb 1 udp 2130706431 192.0.2.2 33271 typ host
    a=candidate:d0bcf3d9c29a2bc887618212a1623bfa 1 udp 2130706431 2001:db8::2 42755 typ host
    a=end-of-candidates
    a=ice-ufrag:8zoD
    a=ice-pwd:notasecretnotasecret12
    a=fingerprint:sha-256 {_SHA256}
    a=fingerprint:sha-384 {_SHA384}
    a=fingerprint:sha-512 {_SHA512}
    a=setup:actpass
""")
AIORTC = edited(AIORTC_STOCK, r"^a=msid-semantic", "a=ice-options:trickle\r\na=msid-semantic")

# libdatachannel: transport once, at the session level; named mids.
LIBDATACHANNEL = sdp(f"""
    v=0
    o=rtc 3767197920 0 IN IP4 127.0.0.1
    s=-
    t=0 0
    a=group:BUNDLE audio data
    a=group:LS audio
    a=msid-semantic:WMS *
    a=ice-options:ice2,trickle
    a=setup:actpass
    a=ice-ufrag:bWZi
    a=ice-pwd:notasecretnotasecret12
    a=fingerprint:sha-256 {_SHA256}
    m=audio 9 UDP/TLS/RTP/SAVPF 111
    c=IN IP4 0.0.0.0
    a=mid:audio
    a=sendrecv
    a=ssrc:42 cname:audio
    a=rtcp-mux
    a=rtpmap:111 OPUS/48000/2
    a=fmtp:111 minptime=10;maxaveragebitrate=96000;stereo=1;sprop-stereo=1;useinbandfec=1
    m=application 9 UDP/DTLS/SCTP webrtc-datachannel
    c=IN IP4 0.0.0.0
    a=mid:data
    a=sendrecv
    a=sctp-port:5000
    a=max-message-size:262144
""")

OFFERS = {
    "chromium": CHROMIUM,
    "chromium-gathered": CHROMIUM_GATHERED,
    "chromium-max-bundle": CHROMIUM_MAX_BUNDLE,
    "firefox": FIREFOX,
    "aiortc": AIORTC,
    "libdatachannel": LIBDATACHANNEL,
}

# In the shape of OpenAI's published example: fingerprint at the session level, ICE and DTLS role in the first section only.
OPENAI_ANSWER = sdp(f"""
    v=0
    o=- 4227147428 1719357865 IN IP4 127.0.0.1
    s=-
    c=IN IP4 0.0.0.0
    t=0 0
    a=group:BUNDLE 0 1
    a=msid-semantic:WMS *
    a=fingerprint:sha-256 {_SHA256}
    m=audio 9 UDP/TLS/RTP/SAVPF 111 0 8
    a=mid:0
    a=ice-ufrag:1SlHFrIpqhNSrZ0J
    a=ice-pwd:notasecretnotasecretnotasecret12
    a=setup:active
    a=rtcp-mux
    a=sendrecv
    a=rtpmap:111 opus/48000/2
    a=fmtp:111 minptime=10;useinbandfec=1
    a=rtpmap:0 PCMU/8000
    a=rtpmap:8 PCMA/8000
    a=candidate:1 1 udp 2130706431 203.0.113.7 3478 typ host
    a=candidate:2 1 tcp 1671430143 203.0.113.7 443 typ host tcptype passive
    a=end-of-candidates
    m=application 9 UDP/DTLS/SCTP webrtc-datachannel
    a=mid:1
    a=sctp-port:5000
    a=max-message-size:1073741823
""")

# As seen in the wild: the transport repeated in the data channel's section.
OPENAI_ANSWER_REPEATED = edited(
    OPENAI_ANSWER,
    r"^a=mid:1\r\n",
    "a=mid:1\r\na=setup:active\r\na=sendrecv\r\na=ice-ufrag:1SlHFrIpqhNSrZ0J\r\na=ice-pwd:notasecretnotasecretnotasecret12\r\n",
)

AIORTC_ANSWER = edited(edited(AIORTC_STOCK, "actpass", "active"), "8zoD", "DPtO")

ANSWERS = {
    "openai-to-chromium": (CHROMIUM, OPENAI_ANSWER),
    "openai-repeated-to-chromium": (CHROMIUM_GATHERED, OPENAI_ANSWER_REPEATED),
    "aiortc-to-aiortc": (AIORTC, AIORTC_ANSWER),
    "openai-to-firefox-with-its-numbers": (FIREFOX, edited(OPENAI_ANSWER, r"\b111\b", "109")),
    "openai-to-firefox-with-its-own-numbers": (FIREFOX, OPENAI_ANSWER),
    "openai-to-a-listener": (edited(CHROMIUM, "^a=sendrecv", "a=recvonly"), edited(OPENAI_ANSWER, "^a=sendrecv", "a=sendonly")),
    "bundled-onto-the-data-channel": (
        CHROMIUM_MAX_BUNDLE,
        sdp(f"""
            v=0
            o=- 1 1 IN IP4 0.0.0.0
            s=-
            t=0 0
            a=group:BUNDLE 0 1
            m=application 9 UDP/DTLS/SCTP webrtc-datachannel
            c=IN IP4 0.0.0.0
            a=mid:0
            a=ice-ufrag:1SlHFrIpqhNSrZ0J
            a=ice-pwd:notasecretnotasecretnotasecret12
            a=fingerprint:sha-256 {_SHA256.lower()}
            a=setup:passive
            a=sctp-port:5000
            a=candidate:1 1 udp 2130706431 203.0.113.7 3478 typ host
            m=audio 9 UDP/TLS/RTP/SAVPF 111
            c=IN IP4 0.0.0.0
            a=mid:1
            a=sendonly
            a=rtcp-mux
            a=rtpmap:111 opus/48000/2
        """),
    ),
    "libdatachannel": (LIBDATACHANNEL, edited(LIBDATACHANNEL, "actpass", "active").replace(
        "a=mid:audio\r\n", "a=mid:audio\r\na=candidate:1 1 UDP 2122317823 203.0.113.7 3478 typ host\r\n"
    )),
}  # fmt: skip
