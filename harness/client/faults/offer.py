"""Faults of the SDP offer, one for each thing that it must say: edited after the stack has made it, as applications do."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from harness.client.faults.base import ANSWER, OFFER, SERVICE_END, SETTINGS, client_fault
from harness.faults.registry import SETUP
from harness.faults.sdp import line, more, other_certificate, sections
from harness.scenario.model import Caller


def offer(name: str, title: str, rewrite: Callable[[str], str], *caught_by: str, **more: Any) -> None:
    """Declare a fault of the offer's text."""
    client_fault(name, title, plane=OFFER, caught_by=caught_by, scenario=SETUP, **more)(rewrite)


def _without(kind: str) -> Callable[[str], str]:
    def rewrite(sdp: str) -> str:
        kept = sections(lambda media: [one for one in media if not one.startswith(f"m={kind} ")])(sdp)
        mids = " ".join(re.findall(r"(?m)^a=mid:(\S+)\s*$", kept))
        return line(r"^a=group:BUNDLE .*", f"a=group:BUNDLE {mids}")(kept)

    return rewrite


def _with_second(kind: str, mid: str) -> Callable[[str], str]:
    def rewrite(sdp: str) -> str:
        (original,) = [one for one in re.split(r"(?m)^(?=m=)", sdp) if one.startswith(f"m={kind} ")]
        copy = re.sub(r"(?m)^a=mid:\S+", f"a=mid:{mid}", original)
        return line(r"^(a=group:BUNDLE .*)", rf"\1 {mid}")(sdp + copy)

    return rewrite


def _video(sdp: str) -> str:
    (audio,) = [one for one in re.split(r"(?m)^(?=m=)", sdp) if one.startswith("m=audio ")]
    video = re.sub(r"^m=audio (\d+) (\S+) .*", r"m=video \1 \2 120", audio.splitlines()[0])
    kept = [
        one for one in audio.splitlines()[1:] if not re.match(r"a=(rtpmap|fmtp|rtcp-fb|ssrc|mid|extmap|msid):?", one)
    ]
    whole = [video, *kept, "a=mid:9", "a=rtpmap:120 VP8/90000"]
    return line(r"^(a=group:BUNDLE .*)", r"\1 9")(sdp + "".join(f"{one}\r\n" for one in whole))


@client_fault(
    "channel-after-offer",
    "the data channel is created after the offer",
    plane=SETTINGS,
    caught_by=("OFF-20",),
    also=("OFF-03",),
    scenario=SETUP,
    diagnosis="channel-created-after-offer",
)
def _late(caller: Caller) -> Caller:
    return caller.model_copy(update={"channel": "after-offer"})


offer(
    "offer-with-bare-line-feeds",
    "the offer's lines end in LF",
    lambda sdp: sdp.replace("\r\n", "\n"),
    "OFF-01",
    diagnosis="offer-refused",
)
offer("offer-without-a-session-name", "the offer has no s= line", line(r"^s=.*", ""), "OFF-01")
offer(
    "no-audio-section",
    "the offer has no audio section",
    _without("audio"),
    "OFF-02",
    also=("OFF-05",),
    diagnosis="offer-refused",
)
offer(
    "two-audio-sections",
    "two microphones are offered",
    _with_second("audio", "7"),
    "OFF-02",
    diagnosis="offer-not-usable",
)
offer(
    "audio-section-refused",
    "the audio section is offered with port 0",
    line(r"^m=audio \d+", "m=audio 0"),
    "OFF-02",
    diagnosis="audio-section-refused",
)
offer(
    "two-application-sections",
    "two data channel sections are offered",
    _with_second("application", "8"),
    "OFF-03",
    diagnosis="offer-refused",
)
offer(
    "data-over-plain-sctp",
    "the data channel section names the protocol of an old draft",
    line(r"^(m=application \d+) UDP/DTLS/SCTP", r"\1 UDP/SCTP"),
    "OFF-03",
)
offer(
    "audio-without-encryption",
    "audio is offered as RTP/AVP",
    line(r"^(m=audio \d+) UDP/TLS/RTP/SAVPF", r"\1 RTP/AVP"),
    "OFF-04",
)
offer(
    "no-opus",
    "Opus is not offered",
    line(r"^a=rtpmap:\d+ opus|^a=fmtp:.*useinbandfec", "", section="audio"),
    "OFF-05",
    also=("OFF-06",),
    diagnosis="offer-refused",
)
offer(
    "payload-type-unexplained",
    "a dynamic payload type is listed that no rtpmap explains",
    line(r"^(m=audio .*)", r"\1 119"),
    "OFF-06",
)
offer(
    "opus-bitrate-of-a-million",
    "Opus is offered with maxaveragebitrate=1000000",
    line(r"^(a=fmtp:.*useinbandfec.*)", r"\1;maxaveragebitrate=1000000", section="audio"),
    "OFF-07",
)
offer(
    "audio-sent-only",
    "audio is offered sendonly: the answer could not be heard",
    line(r"^a=sendrecv", "a=sendonly", section="audio"),
    "OFF-08",
    diagnosis="audio-section-refused",
)
offer(
    "listener-that-speaks",
    "audio is offered recvonly, and sent all the same",
    line(r"^a=sendrecv", "a=recvonly", section="audio"),
    "MED-23",
    beside={ANSWER: line(r"^a=sendonly", "a=sendrecv")},
    seen_by=SERVICE_END,
)
offer(
    "two-sections-of-one-mid",
    "both sections have the same mid",
    line(r"^a=mid:\S+", "a=mid:0"),
    "OFF-09",
    also=("OFF-10",),
    diagnosis="offer-not-usable",
)
offer("sections-not-bundled", "the offer has no BUNDLE group", line(r"^a=group:BUNDLE.*", ""), "OFF-10")
offer(
    "no-rtcp-mux",
    "RTP and RTCP are offered on two ports",
    line(r"^a=rtcp-mux.*", ""),
    "OFF-11",
    diagnosis="offer-refused",
)
offer(
    "setup-active",
    "the offer claims the DTLS client's part",
    line(r"^a=setup:\S+", "a=setup:active"),
    "OFF-12",
    also=("DC-02", "DC-07"),
)
offer(
    "fingerprint-sha-1",
    "the certificate is announced with sha-1",
    line(r"^a=fingerprint:\S+ .*", "a=fingerprint:sha-1 " + ":".join(["AB"] * 20)),
    "OFF-13",
    diagnosis="offer-refused",
)
offer(
    "ice-password-too-short",
    "the ICE password has eight characters",
    line(r"^a=ice-pwd:.*", "a=ice-pwd:12345678"),
    "OFF-14",
    also=("DC-01",),
    diagnosis="offer-not-usable",
)
offer("no-trickle-option", "trickle ICE is not announced", line(r"^a=ice-options:.*", ""), "OFF-15")
offer(
    "no-sctp-port", "the SCTP port is not announced", line(r"^a=sctp-port:.*", ""), "OFF-16", diagnosis="offer-refused"
)
offer(
    "message-size-unlimited-in-words",
    "max-message-size is a word",
    line(r"^a=max-message-size:.*", "a=max-message-size:unlimited"),
    "OFF-17",
    diagnosis="offer-refused",
)
offer("video-offered", "a camera is offered as well", _video, "OFF-18", diagnosis="video-offered")
offer(
    "sdes-key-in-the-offer",
    "the offer carries an SDES key",
    more("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"),
    "OFF-19",
)
offer(
    "candidate-of-all-zeros",
    "a candidate names 0.0.0.0 and a port",
    more("a=candidate:9 1 udp 2130706431 0.0.0.0 50000 typ host"),
    "OFF-21",
)
offer(
    "fingerprint-of-another-certificate",
    "the fingerprint is not that of the caller's certificate",
    other_certificate,
    "DC-02",
    also=("MED-05",),
    seen_by=SERVICE_END,
    diagnosis="certificate-mismatch",
)
offer(
    "ice-password-of-another-call",
    "the offer's ICE password is not the caller's",
    line(r"^a=ice-pwd:.*", "a=ice-pwd:" + "w" * 24),
    "DC-01",
    seen_by=SERVICE_END,
    diagnosis="ice-never-connected",
)
