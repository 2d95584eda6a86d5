"""Faults of the SDP answer: each demand on an answer broken in turn, all others kept."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from harness.fake.faults.base import ANSWER, fault
from harness.faults.registry import SETUP, TURN
from harness.faults.sdp import line, more, sections


def answer(
    name: str, title: str, rewrite: Callable[[str], str], *caught_by: str, also: tuple[str, ...] = (), **more: Any
) -> None:
    """Declare a fault of the SDP answer, shown by setting up a call."""
    more.setdefault("scenario", SETUP)
    fault(name, title, plane=ANSWER, caught_by=caught_by, also=also, **more)(rewrite)


VIDEO = "m=video 0 UDP/TLS/RTP/SAVPF 97\r\nc=IN IP4 0.0.0.0\r\na=mid:2\r\na=inactive\r\na=rtpmap:97 VP8/90000\r\n"


def setup(value: str) -> Callable[[str], str]:
    """Another DTLS role."""
    return line(r"^a=setup:\w+", f"a=setup:{value}" if value else "")


answer(
    "answer-without-data",
    "the section of the data channel is left out",
    sections(lambda media: media[:1]),
    "ANS-01",
    also=("ANS-05",),
    ends="answer",
    diagnosis="answer-refused",
)
answer(
    "answer-swapped",
    "the sections change places",
    sections(lambda media: media[::-1]),
    "ANS-01",
    also=("ANS-02", "ANS-03", "ANS-10"),
    ends="answer",
    diagnosis="answer-refused",
)
answer(
    "answer-with-video",
    "a video section that nobody offered",
    sections(lambda media: [*media, VIDEO]),
    "ANS-01",
    also=("ANS-16",),
    ends="answer",
    diagnosis="answer-refused",
)
answer("answer-plain-rtp", "audio is answered as RTP/AVP", line(r"^(m=audio \d+) \S+", r"\1 RTP/AVP"), "ANS-02")
answer(
    "answer-other-mid",
    "another mid",
    line(r"^a=mid:(\S+)", r"a=mid:x\1", count=1),
    "ANS-03",
    also=("ANS-05",),
    ends="answer",
    diagnosis="answer-refused",
)
answer(
    "answer-without-mid",
    "no mid",
    line(r"^a=mid:", ""),
    "ANS-03",
    also=("ANS-05",),
    ends="answer",
    diagnosis="answer-refused",
)
answer("answer-new-payload-type", "a payload type that was not offered", line(r"^(m=audio .*)$", r"\1 122"), "ANS-04")
answer(
    "answer-without-opus",
    "audio is answered with PCMU alone",
    lambda sdp: line(r"^a=(rtpmap|fmtp|rtcp-fb):", "", section="audio")(line(r"^(m=audio \d+ \S+) .*", r"\1 0")(sdp)),
    "ANS-04",
    ends="answer",
    diagnosis="answer-refused",
)
answer(
    "answer-unbundled",
    "no BUNDLE group",
    line(r"^a=group:BUNDLE", ""),
    "ANS-05",
    also=("MED-05",),
    ends="channel-open",
    diagnosis="answer-not-bundled",
)
answer(
    "answer-half-bundled",
    "audio alone is bundled",
    line(r"^(a=group:BUNDLE \S+).*", r"\1"),
    "ANS-05",
    also=("MED-05",),
    ends="channel-open",
    diagnosis="answer-not-bundled",
)
answer(
    "answer-actpass",
    "a=setup:actpass: the role stays undecided",
    setup("actpass"),
    "ANS-06",
    ends="answer",
    diagnosis="answer-refused",
)
answer("answer-without-setup", "no a=setup", setup(""), "ANS-06", ends="answer", diagnosis="answer-refused")
answer("answer-holdconn", "a=setup:holdconn", setup("holdconn"), "ANS-06", ends="answer", diagnosis="answer-refused")
answer(
    "answer-without-fingerprint",
    "no fingerprint",
    line(r"^a=fingerprint:", ""),
    "ANS-08",
    ends="answer",
    diagnosis="answer-refused",
)
answer(
    "answer-short-ufrag",
    "an ice-ufrag of two characters",
    line(r"^a=ice-ufrag:.*", "a=ice-ufrag:ab"),
    "ANS-09",
    also=("DC-01",),
    ends="channel-open",
    diagnosis="ice-never-connected",
)
answer(
    "answer-short-pwd",
    "an ice-pwd of eight characters",
    line(r"^a=ice-pwd:.*", "a=ice-pwd:password"),
    "ANS-09",
    also=("DC-01",),
    ends="channel-open",
    diagnosis="ice-never-connected",
)
answer(
    "answer-without-ufrag",
    "no ICE credentials",
    line(r"^a=ice-(ufrag|pwd):", ""),
    "ANS-09",
    ends="answer",
    diagnosis="answer-refused",
)
answer(
    "answer-without-rtcp-mux",
    "no rtcp-mux",
    line(r"^a=rtcp-mux", ""),
    "ANS-10",
    ends="answer",
    diagnosis="answer-refused",
)
answer(
    "answer-receives-only",
    "audio is answered recvonly, and sent all the same",
    line(r"^a=sendrecv", "a=recvonly"),
    "MED-22",
    scenario=TURN,
    diagnosis="audio-section-refused",
)
answer("answer-two-directions", "two directions in one section", more("a=inactive"), "ANS-11")
answer(
    "answer-without-sctp-port",
    "no sctp-port",
    line(r"^a=sctp-port:", ""),
    "ANS-12",
    ends="answer",
    diagnosis="answer-refused",
)
answer(
    "answer-data-rejected",
    "the data channel is rejected with port 0",
    line(r"^m=application \d+", "m=application 0"),
    "ANS-12",
)
answer(
    "answer-other-data-format",
    "another format than webrtc-datachannel",
    line(r"^(m=application .*)webrtc-datachannel", r"\1 5000"),
    "ANS-12",
)
answer(
    "answer-two-passwords",
    "the bundled sections repeat different ICE passwords",
    line(r"^a=ice-pwd:.*", "a=ice-pwd:" + "w" * 24, section="application"),
    "ANS-13",
)
answer("answer-without-candidates", "no candidate", line(r"^a=candidate:", ""), "ANS-14")
answer(
    "answer-broken-candidate",
    "a candidate without port and type",
    line(r"^(a=candidate:\S+ 1 udp \d+ \S+) .*", r"\1"),
    "ANS-14",
    ends="answer",
    diagnosis="answer-refused",
)
answer(
    "answer-with-vp8",
    "VP8 among the audio formats",
    lambda sdp: more("a=rtpmap:122 VP8/90000")(line(r"^(m=audio .*)$", r"\1 122")(sdp)),
    "ANS-16",
    also=("ANS-04",),
)
answer(
    "answer-with-extension",
    "a header extension that was not offered",
    more("a=extmap:9 urn:example:never-offered"),
    "ANS-16",
)
answer("answer-line-feeds", "lines end in LF alone", lambda sdp: sdp.replace("\r\n", "\n"), "ANS-17")
answer(
    "answer-without-version",
    "v=0 is missing",
    lambda sdp: sdp.removeprefix("v=0\r\n"),
    "ANS-17",
    ends="answer",
    diagnosis="answer-not-sdp",
)
answer(
    "answer-with-prose",
    "an explanation before the answer",
    lambda sdp: "Here is your answer:\r\n" + sdp,
    "ANS-17",
    ends="answer",
    diagnosis="answer-not-sdp",
)
answer(
    "answer-cut-short",
    "the answer stops in the middle of a line",
    lambda sdp: sdp[:-3],
    "ANS-17",
    also=("ANS-06", "ANS-13"),
    ends="answer",
    diagnosis="answer-refused",
)
answer("answer-without-origin", "no o= line", lambda sdp: re.sub(r"o=.*\r\n", "", sdp), "ANS-17")
