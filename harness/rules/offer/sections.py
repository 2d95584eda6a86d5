"""OFF: the form of an offer, its sections and directions."""

from __future__ import annotations

import re
from collections.abc import Iterator

from harness.protocol.sdp import Sdp
from harness.rules.base import DOCUMENTED, INFO, MUST, OBSERVED, SHOULD, Observation, View, bad, good, judged
from harness.rules.offer import FAMILY
from harness.rules.support.sdp_view import name_of, offers
from harness.rules.support.sources import MS_WEBRTC, WEBRTCHACKS, issue, rfc

JSEP_OFFER = rfc(9429, "5.2.1")
_CRLF = "lines that end in CRLF"
_LARGEST = 64 * 1024  # bytes


def form_problems(sdp: Sdp) -> list[str]:
    """What keeps a description from being well-formed, in the order of its lines; empty where nothing does."""
    found = [str(problem) for problem in sdp.problems]
    if sdp.line("v") not in (None, "0"):
        found.append(f"v={sdp.line('v')}")
    found += [f"no {letter}= line" for letter in "vost" if sdp.line(letter) is None]
    return found


@FAMILY.rule("01", MUST, DOCUMENTED, rfc(8866, "5"), JSEP_OFFER)
def well_formed(view: View) -> Iterator[Observation]:
    r"""the offer is well-formed SDP

    The text begins with v=0, every line is x=value and ends in CRLF, and there are o=, s= and t=0 0.

    Bare line feeds, a lost last line end or JSON around it are what "Invalid SDP offer" (400) usually means. Send the text of the
    local description as it is.

    Okay:
        offer
    Fail:
        offer s|\r\n|\n|
    Fail:
        offer s|^v=0\r\n||
    Fail:
        offer s|^t=0 0|t=1 2|
    Fail:
        offer s|^s=-\r\n||
    Fail:
        offer s|^a=sendrecv\r|sendrecv\r|
    Fail:
        sdp.offer {"sdp": "{\"type\": \"offer\"}"}
    """
    for entry, sdp in offers(view):
        problems = form_problems(sdp)
        if sdp.line("t") not in (None, "0 0"):
            problems.append(f"t={sdp.line('t')}")
        yield judged(entry, not problems, ["v=0, o=, s=, t=0 0", _CRLF], "; ".join(problems[:3]))


@FAMILY.rule("02", MUST, OBSERVED, MS_WEBRTC, WEBRTCHACKS)
def one_audio(view: View) -> Iterator[Observation]:
    """exactly one audio section is offered

    There is one m=audio line with a port other than 0 (or with a=bundle-only, which writes port 0).

    The service hears and speaks on that one section. Add one track, or one transceiver, before createOffer.

    Okay:
        offer
    Fail:
        offer s|^m=audio 59751|m=audio 0|
    Fail:
        offer s|^m=application.*\\n(?:.*\\n)*|m=audio 9 UDP/TLS/RTP/SAVPF 0\\r\\nm=audio 9 UDP/TLS/RTP/SAVPF 0\\r\\n|
    """
    for entry, sdp in offers(view):
        if sdp.looks_like_sdp:
            used = [media for media in sdp.of("audio") if media.used]
            yield judged(entry, len(used) == 1, "one m=audio", f"{len(used)} used, {len(sdp.of('audio'))} in all")


@FAMILY.rule("03", MUST, DOCUMENTED, rfc(8841, "4"), MS_WEBRTC)
def one_application(view: View) -> Iterator[Observation]:
    """exactly one data channel section is offered

    There is one m=application line with protocol UDP/DTLS/SCTP (or TCP/DTLS/SCTP) and format webrtc-datachannel.

    Every event of the session travels there. The old form "DTLS/SCTP 5000" of early browsers is no longer understood.

    Okay:
        offer
    Fail:
        offer s|UDP/DTLS/SCTP webrtc-datachannel|DTLS/SCTP 5000|
    Fail:
        offer s|^m=application.*\\n(?:.*\\n)*||
    """
    for entry, sdp in offers(view):
        if not sdp.looks_like_sdp:
            continue
        found = [media for media in sdp.of("application") if media.used]
        sound = len(found) == 1 and found[0].proto in ("UDP/DTLS/SCTP", "TCP/DTLS/SCTP")
        sound = sound and found[0].formats == ("webrtc-datachannel",)
        seen = "; ".join(f"{media.proto} {' '.join(media.formats)}" for media in found) or "no m=application"
        yield judged(entry, sound, "one m=application, UDP/DTLS/SCTP webrtc-datachannel", seen)


@FAMILY.rule("04", MUST, DOCUMENTED, rfc(9429, "5.1.2"))
def audio_protocol(view: View) -> Iterator[Observation]:
    """audio is offered over DTLS-SRTP

    The protocol of m=audio is UDP/TLS/RTP/SAVPF (TCP/DTLS/RTP/SAVPF where the default candidate is TCP).

    Anything else is unencrypted, keyed in the open, or without feedback.

    Okay:
        offer
    Fail:
        offer s|UDP/TLS/RTP/SAVPF|RTP/AVP|
    """
    accepted = ("UDP/TLS/RTP/SAVPF", "TCP/DTLS/RTP/SAVPF")
    for entry, sdp in offers(view):
        for media in sdp.of("audio"):
            yield judged(entry, media.proto in accepted, accepted, media.proto or "nothing")


@FAMILY.rule("08", MUST, DOCUMENTED, rfc(8866, "6.7"), rfc(3264, "5.1"))
def direction(view: View) -> Iterator[Observation]:
    """audio is offered sendrecv or recvonly

    The audio section is sendrecv (the default), or recvonly for a listener; no section says two directions.

    With sendonly or inactive the service has nowhere to send its voice.

    Okay:
        offer
    Okay:
        offer s|^a=sendrecv|a=recvonly|
    Okay:
        offer s|^a=sendrecv\\r\\n||
    Fail:
        offer s|^a=sendrecv|a=inactive|
    Fail:
        offer s|^a=sendrecv|a=sendrecv\\r\\na=recvonly|
    """
    for entry, sdp in offers(view):
        for media in sdp.media:
            if len(media.directions) > 1:
                yield bad(entry, "one direction", f"{name_of(media)}: {', '.join(media.directions)}")
            elif media.kind == "audio" and media.used:
                named = sdp.direction(media)
                yield judged(entry, named in ("sendrecv", "recvonly"), ("sendrecv", "recvonly"), named)


@FAMILY.rule("18", INFO, OBSERVED, WEBRTCHACKS)
def no_video(view: View) -> Iterator[Observation]:
    """no video is offered

    The offer has no m=video. The GA services tolerate one; nobody has reported what the beta does with it.

    Leave the camera out where it is not meant.

    Okay:
        offer
    Fail:
        offer s|^m=application|m=video 9 UDP/TLS/RTP/SAVPF 97\\r\\na=mid:2\\r\\na=rtpmap:97
            VP8/90000\\r\\nm=application|
    """
    for entry, sdp in offers(view):
        if sdp.looks_like_sdp:
            yield judged(entry, not sdp.of("video"), "no m=video", f"{len(sdp.of('video'))} m=video")


@FAMILY.rule("20", MUST, DOCUMENTED, MS_WEBRTC)
def channel_before_offer(view: View) -> Iterator[Observation]:
    """the data channel is created before the offer

    createDataChannel comes before createOffer, so that the first offer has m=application.

    There is no way to negotiate again: a channel that is created later never opens.

    Okay:
        channel.created {"label": "realtime-channel", "ordered": true, "protocol": "", "by": "client"}
        offer
    Okay:
        offer
    Okay:
        offer
        channel.created {"label": "realtime-channel", "ordered": true, "protocol": "", "by": "client", "relayed": true}
    Fail:
        offer
        channel.created {"label": "realtime-channel", "ordered": true, "protocol": "", "by": "client"}
    Fail:
        offer s|^m=application.*\\n(?:.*\\n)*||
    """
    found = [(entry, sdp) for entry, sdp in offers(view) if sdp.looks_like_sdp]
    for entry, sdp in found[:1]:
        own = view.trace.header.observer == "client"
        late = next(
            (
                created
                for created in view.trace.of("channel.created")
                if own
                and created.data.get("by") == "client"
                and created.seq > entry.seq
                and not created.data.get("relayed")  # the client's own was there before, which its offer shows
            ),
            None,
        )
        earlier = any(created.seq < entry.seq for created in view.trace.of("channel.created"))
        if not sdp.of("application"):
            yield bad(entry, "m=application in the first offer", "none")
        elif late is not None and not earlier:
            yield bad(late, "the channel before the offer", "the channel after the offer")
        else:
            yield good(entry)


@FAMILY.rule("21", SHOULD, OBSERVED, issue("openai/openai-realtime-embedded#17"))
def size_and_candidates(view: View) -> Iterator[Observation]:
    """the offer is small and its candidates are real

    The offer is smaller than 64 kB, and no candidate combines the address 0.0.0.0 with a real port, or a real address with port 0.

    Rewritten candidates of that kind made real calls fail. Candidates can be left out altogether: the client checks first.

    Okay:
        offer
    Okay:
        offer s|^a=candidate.*\\n||
    Fail:
        offer s|192.0.2.1 59751 typ|0.0.0.0 59751 typ|
    Fail:
        offer s|192.0.2.1 59751 typ|192.0.2.1 0 typ|
    """
    for entry, sdp in offers(view):
        if not sdp.looks_like_sdp:
            continue
        size = len(sdp.text.encode(errors="replace"))
        void = [
            f"{candidate.address} port {candidate.port}"
            for media in sdp.media
            for candidate in media.candidates
            if (candidate.port not in (0, 9, -1)) == bool(re.fullmatch(r"0\.0\.0\.0|::", candidate.address))
            and candidate.port not in (9, -1)
        ]
        seen = ", ".join(void) or f"{size} bytes"
        yield judged(
            entry, size < _LARGEST and not void, ["fewer than 65536 bytes", "reachable candidates or none"], seen
        )
