"""ANS: whether an answer answers its offer: form, sections, codecs, directions."""

from __future__ import annotations

from collections.abc import Iterator

from harness.protocol.sdp import Media
from harness.protocol.sdp_fields import Codec
from harness.rules.answer import FAMILY
from harness.rules.base import DOCUMENTED, MUST, Observation, View, bad, judged
from harness.rules.offer.sections import form_problems
from harness.rules.support.sdp_view import answers, name_of, pairs
from harness.rules.support.sources import rfc

JSEP_ANSWER = rfc(9429, "5.3.1")
# RFC 3264 section 6.1: offered direction -> what may be answered.
_ANSWERS = {
    "sendrecv": ("sendrecv", "sendonly", "recvonly", "inactive"),
    "sendonly": ("recvonly", "inactive"),
    "recvonly": ("sendonly", "inactive"),
    "inactive": ("inactive",),
}


@FAMILY.rule("01", MUST, DOCUMENTED, rfc(3264, "6"), JSEP_ANSWER)
def same_sections(view: View) -> Iterator[Observation]:
    """the answer has the offer's sections in the offer's order

    For each m-line of the offer there is exactly one in the answer, in the same order; what is not wanted is answered with port 0.

    A description with fewer, more or reordered sections is refused by every browser.

    Okay:
        offer
        answer
    Fail:
        offer
        answer s|^m=application.*\\n(?:.*\\n)*||
    Fail:
        offer
        answer s|^m=audio|m=swap| s|^m=application|m=audio| s|^m=swap|m=application|
    Unseen:
        answer
    """
    for one in answers(view):
        if one.offer is not None and one.offer.media and one.sdp.looks_like_sdp:
            offered = [media.kind for media in one.offer.media]
            answered = [media.kind for media in one.sdp.media]
            # A section of another kind in the right number of sections is ANS-02's matter.
            sound = len(offered) == len(answered) and (offered == answered or sorted(offered) != sorted(answered))
            yield judged(one.entry, sound, ", ".join(offered), ", ".join(answered) or "no section")


@FAMILY.rule("02", MUST, DOCUMENTED, JSEP_ANSWER)
def same_kind(view: View) -> Iterator[Observation]:
    """each section keeps its media type and protocol

    The media type and the transport protocol of each m-line are those of the offer.

    An answer cannot turn audio into something else or fall back to unencrypted RTP.

    Okay:
        offer
        answer
    Fail:
        offer
        answer s|UDP/TLS/RTP/SAVPF|RTP/SAVPF|
    Fail:
        offer
        answer s|^m=application 9 UDP/DTLS/SCTP|m=application 9 DTLS/SCTP|
    """
    for one in answers(view):
        for offered, answered in pairs(one):
            here, there = f"{answered.kind} {answered.proto}", f"{offered.kind} {offered.proto}"
            yield judged(one.entry, here == there, there, here)


@FAMILY.rule("03", MUST, DOCUMENTED, JSEP_ANSWER)
def same_mids(view: View) -> Iterator[Observation]:
    """each section keeps its mid

    Each section of the answer has the a=mid of the section it answers.

    Bundled media are told apart by it; a wrong one makes setRemoteDescription fail.

    Okay:
        offer
        answer
    Fail:
        offer
        answer s|^a=mid:0|a=mid:audio|
    Fail:
        offer
        answer s|^a=mid:1\\r\\n||
    Okay:
        offer
        answer s|^m=application 9|m=application 0| s|^a=mid:1\\r\\n||
    """
    for one in answers(view):
        for offered, answered in pairs(one):
            # Of a section that is refused JSEP wants nothing more: "further processing for this m= section can be skipped".
            if offered.mid is not None and (answered.used or answered.mid is not None):
                seen = f"mid {answered.mid}" if answered.mid is not None else "no mid"
                yield judged(one.entry, answered.mid == offered.mid, f"mid {offered.mid}", seen)


def _same_codec(one: Codec, other: Codec) -> bool:
    return (one.name, one.clock, one.channels) == (other.name, other.clock, other.channels)


def _was_offered(answered: Media, text: str, offered: Media) -> bool:
    """Whether a format of the answer is one of the offer's: by its codec, else (no rtpmap repeated) by its number."""
    codec = answered.codecs.get(text)
    if codec is None:
        return text in offered.formats
    return any(other is not None and _same_codec(codec, other) for other in offered.codecs.values())


@FAMILY.rule("04", MUST, DOCUMENTED, rfc(3264, "6.1"), JSEP_ANSWER)
def formats(view: View) -> Iterator[Observation]:
    """the answer chooses among the offered formats, Opus among them

    Every answered audio format was offered, and Opus is accepted where it was offered.

    Formats are compared by codec: the same number as in the offer is preferred, another one is legal. The client cannot decode what
    it did not offer, and the service speaks Opus.

    Okay:
        offer
        answer
    Okay:
        offer
        answer s|SAVPF 96 0 8|SAVPF 111| s|^a=rtpmap:96|a=rtpmap:111|
    Fail:
        offer
        answer s|SAVPF 96 0 8|SAVPF 0 8|
    Fail:
        offer
        answer s|SAVPF 96 0 8|SAVPF 96 9|
    Fail:
        offer
        answer s|^m=audio 9|m=audio 0|
    """
    for one in answers(view):
        for offered, answered in pairs(one):
            if offered.kind != "audio" or answered.kind != "audio":
                continue
            if not answered.used and offered.used:
                yield bad(one.entry, "Opus", "the audio section is refused (port 0)")
                continue
            strange = [text for text in answered.formats if not _was_offered(answered, text, offered)]
            opus = [_opus(media) for media in (offered, answered)]
            if strange:
                named = ", ".join(str(answered.codecs[text] or text) for text in strange)
                yield bad(one.entry, "formats of the offer", f"not offered: {named}")
            elif opus[0]:
                yield judged(one.entry, bool(opus[1]), "Opus", f"only {' '.join(answered.formats)}")


def _opus(media: Media) -> list[str]:
    return [text for text, codec in media.codecs.items() if codec is not None and codec.name == "opus"]


@FAMILY.rule("11", MUST, DOCUMENTED, rfc(3264, "6.1"))
def direction(view: View) -> Iterator[Observation]:
    """the answered direction fits the offered one

    To sendrecv any direction may be answered; to recvonly only sendonly or inactive; to sendonly only recvonly or inactive.

    Otherwise one side sends where nobody listens.

    Okay:
        offer
        answer
    Okay:
        offer s|^a=sendrecv|a=recvonly|
        answer s|^a=sendrecv|a=sendonly|
    Fail:
        offer s|^a=sendrecv|a=recvonly|
        answer
    Fail:
        offer
        answer s|^a=sendrecv|a=sendrecv\\r\\na=sendonly|
    """
    for one in answers(view):
        for offered, answered in pairs(one):
            if one.offer is None or offered.kind != "audio" or not answered.used:
                continue
            accepted = _ANSWERS[one.offer.direction(offered)]
            if len(answered.directions) > 1:
                yield bad(one.entry, accepted, f"{' and '.join(answered.directions)} at once")
            else:
                named = one.sdp.direction(answered)
                yield judged(one.entry, named in accepted, accepted, named)


@FAMILY.rule("16", MUST, DOCUMENTED, rfc(3264, "6.1"), rfc(8285, "7"), rfc(5761, "5.1.1"))
def nothing_new(view: View) -> Iterator[Observation]:
    """nothing is answered that was not offered

    The answer brings no codec, no header extension, no media and no rtcp-mux that the offer did not have.

    An offer is a question; an answer that says more is refused or, worse, half understood.

    Okay:
        offer
        answer
    Fail:
        offer
        answer s|SAVPF 96 0 8|SAVPF 96 0 8 100| s|^a=rtpmap:0|a=rtpmap:100 telephone-event/48000\\r\\na=rtpmap:0|
    Fail:
        offer
        answer s|^a=rtcp-mux|a=extmap:3 urn:ietf:params:rtp-hdrext:ssrc-audio-level\\r\\na=rtcp-mux|
    Fail:
        offer
        answer s|^m=application|m=video 9 UDP/TLS/RTP/SAVPF 97\\r\\na=mid:2\\r\\na=rtpmap:97
            VP8/90000\\r\\nm=application|
    Fail:
        offer s|^a=rtcp-mux\\r\\n||
        answer
    """
    for one in answers(view):
        if one.offer is None or not one.sdp.media:
            continue
        kinds = {media.kind for media in one.offer.media}
        new = [f"m={media.kind}" for media in one.sdp.media if media.kind not in kinds]
        for offered, answered in pairs(one):
            if offered.kind == answered.kind and offered.rtp and answered.used:
                new += _additions(offered, answered)
        yield judged(one.entry, not new, "what was offered, or less", ", ".join(new))


def _additions(offered: Media, answered: Media) -> Iterator[str]:
    for text, codec in answered.codecs.items():
        if codec is not None and not _was_offered(answered, text, offered):
            yield f"{codec} in {name_of(answered)}"
    known = {_extension(value) for value in offered.all("extmap")}
    yield from (f"extmap {uri}" for value in answered.all("extmap") if (uri := _extension(value)) not in known)
    for flag in ("rtcp-mux", "rtcp-rsize"):
        if answered.has(flag) and not offered.has(flag):
            yield f"a={flag}"


def _extension(value: str) -> str:
    """The URI of an a=extmap value: ``<id>[/<direction>] <uri> [<attributes>]``."""
    words = value.split()
    return words[1] if len(words) > 1 else value


@FAMILY.rule("17", MUST, DOCUMENTED, rfc(8866, "5"))
def well_formed(view: View) -> Iterator[Observation]:
    r"""the answer is well-formed SDP

    The answer begins with v=0, every line is x=value and ends in CRLF, and there are o=, s= and t=.

    A JSON wrapper, a web page or bare line feeds end in "Expect line: v=" on the client's side. Also judged where the client could
    not use it: then on the body of the successful call response.

    Okay:
        offer
        answer
    Fail:
        offer
        answer s|\r\n|\n|
    Fail:
        offer
        answer s|^v=0\r\n||
    Fail:
        offer
        answer s|^o=.*\n||
    Fail:
        request call
        response call {"body": {"sdp": "v=0"}}
    """
    for one in answers(view):
        problems = form_problems(one.sdp)
        yield judged(one.entry, not problems, ["v=0, o=, s=, t=", "lines that end in CRLF"], "; ".join(problems[:3]))
