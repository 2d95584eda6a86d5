"""ANS: the transport that an answer sets up: bundling, DTLS role, fingerprints, ICE, SCTP."""

from __future__ import annotations

from collections.abc import Iterator

from harness.protocol.sdp import Sdp
from harness.protocol.sdp_fields import integer
from harness.rules.answer import FAMILY
from harness.rules.base import DOCUMENTED, INFO, MUST, OBSERVED, SHOULD, Observation, View, judged
from harness.rules.offer.transport import ice_credential_problems
from harness.rules.support.sdp_view import LARGEST_PORT, answers, pairs
from harness.rules.support.sources import OPENAPI, issue, rfc

_JSEP = rfc(9429, "5.3.1")


@FAMILY.rule("05", MUST, DOCUMENTED, rfc(9143, "7.3"), OPENAPI)
def bundle(view: View) -> Iterator[Observation]:
    """the answer bundles audio and data channel as offered

    a=group:BUNDLE in the answer names only mids of the offered group, and both sections are in it.

    The services have one transport for a call. Where the offer had no group, the answer has none.

    Okay:
        offer
        answer
    Fail:
        offer
        answer s|^a=group:BUNDLE 0 1\\r\\n||
    Fail:
        offer
        answer s|BUNDLE 0 1|BUNDLE 0|
    Fail:
        offer
        answer s|BUNDLE 0 1|BUNDLE 0 1 2|
    Fail:
        offer s|^a=group:BUNDLE 0 1\\r\\n||
        answer
    """
    for one in answers(view):
        if one.offer is None or not one.sdp.media:
            continue
        offered = set(one.offer.bundle.mids) if one.offer.bundle else set()
        answered = set(one.sdp.bundle.mids) if one.sdp.bundle else set()
        needed = {media.mid for media, reply in pairs(one) if media.mid in offered and reply.used}
        strange, missing = answered - offered, {mid for mid in needed - answered if mid is not None}
        empty = answered - {media.mid for media in one.sdp.media}
        seen = "; ".join(
            f"{what} {', '.join(sorted(mids))}"
            for what, mids in (("not offered:", strange), ("without", missing), ("no section has mid", empty))
            if mids
        )
        wanted = f"a=group:BUNDLE {' '.join(sorted(offered))}" if offered else "no BUNDLE group"
        if offered or answered:
            yield judged(one.entry, not seen, wanted, seen)


@FAMILY.rule("06", MUST, DOCUMENTED, rfc(5763, "5"), rfc(8842, "5.3"))
def setup(view: View) -> Iterator[Observation]:
    """the answer decides the DTLS role

    a=setup is active or passive, at the session level or in a section; actpass is an offer, not an answer.

    Without a decision both ends wait for the other's ClientHello.

    Okay:
        offer
        answer
    Okay:
        offer
        answer s|^a=setup:active\\r\\n|| s|^t=0 0|t=0 0\\r\\na=setup:passive|
    Fail:
        offer
        answer s|^a=setup:active|a=setup:actpass|
    Fail:
        offer
        answer s|^a=setup:active\\r\\n||
    """
    for one in answers(view):
        if one.sdp.media:
            found = one.sdp.values("setup")
            sound = bool(found) and set(found) <= {"active", "passive"}
            yield judged(one.entry, sound, ("active", "passive"), ", ".join(dict.fromkeys(found)) or "no a=setup")


@FAMILY.rule("07", INFO, OBSERVED, f"the example answer in {OPENAPI}")
def active(view: View) -> Iterator[Observation]:
    """the service takes the active DTLS part

    OpenAI's example answer says setup:active: the service is the DTLS client.

    It decides who opens odd and who even data channel streams. Passive works as well.

    Okay:
        offer
        answer
    Fail:
        offer
        answer s|^a=setup:active|a=setup:passive|
    """
    for one in answers(view):
        found = one.sdp.values("setup")
        if found:
            yield judged(one.entry, set(found) == {"active"}, "setup:active", ", ".join(dict.fromkeys(found)))


@FAMILY.rule("08", MUST, DOCUMENTED, rfc(8122, "5"), OPENAPI)
def fingerprint(view: View) -> Iterator[Observation]:
    """the answer has a fingerprint

    At least one well-formed a=fingerprint stands at the session level or in a section.

    Without it the client cannot know whom the encrypted connection ends at, and must refuse.

    Okay:
        offer
        answer
    Okay:
        offer
        answer s|^a=fingerprint.*\\n|| s|^t=0 0|t=0 0\\r\\na=fingerprint:sha-256
            00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F|
    Fail:
        offer
        answer s|^a=fingerprint.*\\n||
    Fail:
        offer
        answer s|sha-256 FB:|sha-256 ZZ:|
    """
    for one in answers(view):
        if one.sdp.media:
            found = [*one.sdp.fingerprints, *(seen for media in one.sdp.media for seen in media.fingerprints)]
            broken = ", ".join(f"{seen.hash}: {seen.problem}" for seen in found)
            sound = any(not seen.problem for seen in found)
            yield judged(one.entry, sound, "a=fingerprint", broken or "no a=fingerprint")


@FAMILY.rule("09", MUST, DOCUMENTED, rfc(8839, "5.4"))
def ice_credentials(view: View) -> Iterator[Observation]:
    """ICE credentials are legal

    ice-ufrag has 4 to 256 and ice-pwd 22 to 256 ICE characters, at least in the section that carries the bundle.

    The client's first check is signed with them. Other sections of the bundle may repeat or omit them.

    Okay:
        offer
        answer
    Okay:
        offer
        answer s|webrtc-datachannel\\r\\n(?:.*\\n)*|webrtc-datachannel\\r\\na=mid:1\\r\\na=sctp-port:5000\\r\\n|
    Fail:
        offer
        answer s|^a=ice-ufrag:tX9S|a=ice-ufrag:tX|
    Fail:
        offer
        answer s|:22:ice|:16:ice|
    Fail:
        offer
        answer s|^a=ice-ufrag.*\\n||
    """
    for one in answers(view):
        if one.sdp.media:
            problems = ice_credential_problems(one.sdp)
            expected = ["ice-ufrag of 4..256", "ice-pwd of 22..256 ICE characters"]
            yield judged(one.entry, not problems, expected, "; ".join(problems))


@FAMILY.rule("10", MUST, DOCUMENTED, rfc(5761, "5.1.1"))
def rtcp_mux(view: View) -> Iterator[Observation]:
    """RTP and RTCP share a port

    The audio section of the answer has a=rtcp-mux where the offer had it.

    Browsers require it by default (rtcpMuxPolicy "require") and refuse an answer without.

    Okay:
        offer
        answer
    Fail:
        offer
        answer s|^a=rtcp-mux\\r\\n||
    """
    for one in answers(view):
        for offered, answered in pairs(one):
            if offered.kind == "audio" and offered.has("rtcp-mux") and answered.used:
                yield judged(one.entry, answered.has("rtcp-mux"), "a=rtcp-mux", "no a=rtcp-mux")


@FAMILY.rule("12", MUST, DOCUMENTED, rfc(8841, "4"), rfc(8841, "5"))
def data_channel(view: View) -> Iterator[Observation]:
    """the data channel is accepted

    m=application has the format webrtc-datachannel, a port other than 0, and a=sctp-port.

    A section with port 0 is refused: audio flows, but no event ever arrives.

    Okay:
        offer
        answer s|sctp-port:5000|sctp-port:65535|
    Fail:
        offer
        answer s|sctp-port:5000|sctp-port:65536|
    Fail:
        offer
        answer s|^m=application 9|m=application 0|
    Fail:
        offer
        answer s|^a=sctp-port.*\\n||
    Fail:
        offer
        answer s|webrtc-datachannel|5000|
    """
    for one in answers(view):
        for media in one.sdp.of("application"):
            port = media.get("sctp-port")
            wrong = [
                text
                for text, sound in (
                    ("port 0", media.used),
                    (f"format {' '.join(media.formats)}", media.formats == ("webrtc-datachannel",)),
                    (f"sctp-port {port or 'missing'}", 0 < (integer((port or "").strip()) or 0) <= LARGEST_PORT),
                )
                if not sound
            ]
            # A refused section says nothing else.
            seen = wrong[0] if wrong and not media.used else ", ".join(wrong)
            yield judged(one.entry, not wrong, "webrtc-datachannel, a port, a=sctp-port", seen)


@FAMILY.rule("13", SHOULD, DOCUMENTED, rfc(9143, "7.1.3"), _JSEP, issue("espressif/esp-webrtc-solution#9"))
def repeated_values(view: View) -> Iterator[Observation]:
    """what bundled sections repeat is equal

    Bundled sections may repeat the ICE and DTLS attributes of the first or leave them out; repeated values are the same.

    They describe one transport. Two different passwords for it make it a matter of luck which one a client takes.

    Okay:
        offer
        answer
    Fail:
        offer
        answer s|^a=ice-ufrag:tX9S(?=[^m]*m=application)|a=ice-ufrag:other|
    Fail:
        offer
        answer s|active(?=\\r\\nm=application)|passive|
    Unseen:
        offer
        answer s|webrtc-datachannel\\r\\n(?:.*\\n)*|webrtc-datachannel\\r\\na=mid:1\\r\\na=sctp-port:5000\\r\\n|
    """
    for one in answers(view):
        different, repeated = _repeated(one.sdp)
        if repeated:
            yield judged(one.entry, not different, "the same values", f"different: {', '.join(different)}")


def _repeated(sdp: Sdp) -> tuple[list[str], bool]:
    """Attributes whose values differ between bundled sections, and whether anything is repeated at all."""
    mids = set(sdp.bundle.mids) if sdp.bundle else set()
    bundled = [media for media in sdp.media if media.mid in mids]
    different, repeated = [], False
    for name in ("ice-ufrag", "ice-pwd", "setup", "fingerprint"):
        values = [frozenset(media.all(name)) for media in bundled if media.has(name)]
        repeated = repeated or len(values) > 1
        if len(set(values)) > 1:
            different.append(name)
    return different, repeated
