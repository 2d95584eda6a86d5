"""OFF: the codecs of an offer: Opus and its parameters, payload types."""

from __future__ import annotations

from collections.abc import Iterator

from harness.protocol.sdp import Media
from harness.protocol.sdp_fields import STATIC_AUDIO, integer
from harness.rules.base import DOCUMENTED, MUST, SHOULD, Observation, View, judged
from harness.rules.offer import FAMILY
from harness.rules.support.sdp_view import name_of, offers
from harness.rules.support.sources import rfc

_LARGEST_TYPE = 127
_RTCP_CLASH = range(64, 96)
_DYNAMIC_VIDEO = 35  # RFC 3551 section 6: the first payload type of video without a fixed meaning


@FAMILY.rule("05", MUST, DOCUMENTED, rfc(7587, "7"), rfc(7874, "3"))
def opus_offered(view: View) -> Iterator[Observation]:
    """Opus is offered

    One of the offered formats is Opus, written opus/48000/2 whatever the real rate and channels are.

    Opus is what the service speaks; every WebRTC endpoint must have it. A rate of 24000 belongs to the WebSocket transport.

    Okay:
        offer
    Fail:
        offer s|opus/48000/2|opus/24000|
    Fail:
        offer s|^a=rtpmap:96.*\\n||
    """
    for entry, sdp in offers(view):
        for media in sdp.of("audio"):
            if media.used:
                codecs = [str(codec) for codec in media.codecs.values() if codec is not None]
                yield judged(entry, "opus/48000/2" in codecs, "opus/48000/2", ", ".join(codecs) or "no known codec")


@FAMILY.rule("06", MUST, DOCUMENTED, rfc(8866, "6.6"), rfc(5761, "4"))
def payload_types(view: View) -> Iterator[Observation]:
    """payload types are legal and explained

    Payload types are numbers from 0 to 127 outside 64 to 95, and each that has no fixed meaning has an a=rtpmap.

    With RTP and RTCP on one port, 64 to 95 cannot be told from RTCP packets; a number without rtpmap means nothing.

    Okay:
        offer s|SAVPF 96 0 8|SAVPF 96 0 8 63| s|^a=rtpmap:0|a=rtpmap:63 opus/48000/2\\r\\na=rtpmap:0|
    Okay:
        offer s|^m=application|m=video 9 UDP/TLS/RTP/SAVPF 34\\r\\na=mid:2\\r\\nm=application|
    Fail:
        offer s|^m=application|m=video 9 UDP/TLS/RTP/SAVPF 35\\r\\na=mid:2\\r\\nm=application|
    Fail:
        offer s|^a=rtpmap:96.*\\n||
    Fail:
        offer s|SAVPF 96 0 8|SAVPF 96 0 8 64| s|^a=rtpmap:0|a=rtpmap:64 opus/48000/2\\r\\na=rtpmap:0|
    Fail:
        offer s|SAVPF 96 0 8|SAVPF 96 0 8 128| s|^a=rtpmap:0|a=rtpmap:128 opus/48000/2\\r\\na=rtpmap:0|
    """
    for entry, sdp in offers(view):
        for media in sdp.media:
            if media.rtp and media.formats:
                wrong = [text for text in media.formats if _payload_type_problem(media, text)]
                seen = ", ".join(_payload_type_problem(media, text) for text in wrong)
                yield judged(entry, not wrong, "0..63 or 96..127, with a=rtpmap", f"{name_of(media)}: {seen}")


def _payload_type_problem(media: Media, text: str) -> str:
    number = integer(text)
    if number is None or number > _LARGEST_TYPE:
        return f"{text} is no payload type"
    if number in _RTCP_CLASH:
        return f"{text} clashes with RTCP"
    known = number in media.rtpmaps or (number in STATIC_AUDIO if media.kind == "audio" else number < _DYNAMIC_VIDEO)
    return "" if known else f"{text} has no rtpmap"


# RFC 7587 section 6.1: name -> smallest and largest value, and what is 0 or 1.
_OPUS_RANGES = {
    "minptime": (3, 120),
    "ptime": (3, 120),
    "maxptime": (3, 120),
    "maxplaybackrate": (8000, 48000),
    "sprop-maxcapturerate": (8000, 48000),
    "maxaveragebitrate": (6000, 510000),
}
_OPUS_SWITCHES = ("stereo", "sprop-stereo", "cbr", "useinbandfec", "usedtx")


@FAMILY.rule("07", SHOULD, DOCUMENTED, rfc(7587, "6.1"), rfc(7587, "7"))
def opus_parameters(view: View) -> Iterator[Observation]:
    """Opus parameters have legal values

    Where Opus has an a=fmtp line, its values are in range: minptime 3 to 120, maxaveragebitrate 6000 to 510000, switches 0 or 1.

    A value out of range is ignored or refused, and the audio is not what was asked for. Unknown parameters are allowed.

    Okay:
        offer
    Fail:
        offer s|minptime=10|minptime=0|
    Fail:
        offer s|useinbandfec=1|useinbandfec=yes|
    Fail:
        offer s|minptime=10|maxaveragebitrate=1000000|
    Unseen:
        offer s|^a=fmtp:96.*\\n||
    """
    for entry, sdp in offers(view):
        for media in sdp.of("audio"):
            for number, parameters in media.parameters.items():
                codec = media.rtpmaps.get(number)
                if codec is None or codec.name != "opus":
                    continue
                limits = {name: allowed for name in parameters if (allowed := _allowed(name)) is not None}
                wrong = [
                    f"{name}={parameters[name]}"
                    for name, (low, high) in limits.items()
                    if (value := integer(parameters[name])) is None or not low <= value <= high
                ]
                wanted = [f"{name} {low}..{high}" for name, (low, high) in limits.items()]
                yield judged(entry, not wrong, wanted or ["any"], ", ".join(wrong))


def _allowed(name: str) -> tuple[int, int] | None:
    return (0, 1) if name in _OPUS_SWITCHES else _OPUS_RANGES.get(name)
