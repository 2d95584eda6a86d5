"""OFF: how an offer wants to be transported: bundling, ICE, DTLS, SCTP."""

from __future__ import annotations

from collections.abc import Iterator

from harness.protocol.sdp import Media, Sdp
from harness.protocol.sdp_fields import integer
from harness.rules.base import DOCUMENTED, MUST, SHOULD, Observation, View, bad, good, judged
from harness.rules.offer import FAMILY
from harness.rules.support.sdp_view import LARGEST_PORT, PASSWORD, UFRAG, ice_problem, name_of, offers
from harness.rules.support.sources import rfc

_JSEP = rfc(9429, "5.2.1")


@FAMILY.rule("09", MUST, DOCUMENTED, _JSEP)
def mids(view: View) -> Iterator[Observation]:
    """every section has a mid of its own

    Each section has an a=mid, and no two have the same.

    The mid is what BUNDLE and the answer name a section by.

    Okay:
        offer
    Fail:
        offer s|^a=mid:1|a=mid:0|
    Fail:
        offer s|^a=mid:1\\r\\n||
    """
    for entry, sdp in offers(view):
        found = [media.mid for media in sdp.media]
        if found:
            named = [mid for mid in found if mid]
            sound = len(named) == len(found) == len(set(named))
            yield judged(entry, sound, "a different mid in each section", ", ".join(mid or "none" for mid in found))


@FAMILY.rule("10", MUST, DOCUMENTED, rfc(9143, "7.2"), _JSEP)
def bundle(view: View) -> Iterator[Observation]:
    """all sections are bundled

    A session-level a=group:BUNDLE lists the mids of all sections.

    The services answer with one transport for audio and events; without the group there is nothing to put them on.

    Okay:
        offer
    Fail:
        offer s|^a=group:BUNDLE 0 1\\r\\n||
    Fail:
        offer s|BUNDLE 0 1|BUNDLE 0|
    """
    for entry, sdp in offers(view):
        wanted = {media.mid for media in sdp.media if media.used and media.mid}
        if not wanted:
            continue
        listed = {mid for group in sdp.groups if group.semantics == "BUNDLE" for mid in group.mids}
        missing = sorted(wanted - listed)
        yield judged(
            entry,
            not missing,
            f"a=group:BUNDLE {' '.join(media.mid for media in sdp.media if media.mid in wanted and media.mid)}",
            f"without {', '.join(missing)}" if listed else "no BUNDLE group",
        )


@FAMILY.rule("11", MUST, DOCUMENTED, rfc(5761, "5.1.1"), _JSEP)
def rtcp_mux(view: View) -> Iterator[Observation]:
    """RTP and RTCP share a port

    The audio section has a=rtcp-mux.

    A bundled transport has one port only; without the attribute RTCP would need a second one.

    Okay:
        offer
    Fail:
        offer s|^a=rtcp-mux\\r\\n||
    """
    for entry, sdp in offers(view):
        for media in sdp.of("audio"):
            if media.used:
                yield judged(entry, media.has("rtcp-mux"), "a=rtcp-mux", "no a=rtcp-mux")


@FAMILY.rule("12", MUST, DOCUMENTED, rfc(8842, "5.2"), _JSEP)
def setup(view: View) -> Iterator[Observation]:
    """the offer leaves the DTLS role open

    a=setup is actpass, at the session level or in the sections; sections of a bundle may leave it to the first.

    The services take the active part; an offer that insists on it leaves both sides waiting or calling.

    Okay:
        offer
    Fail:
        offer s|^a=setup:actpass|a=setup:active|
    Fail:
        offer s|^a=setup:actpass\\r\\n||
    """
    for entry, sdp in offers(view):
        if sdp.media:
            found = sdp.values("setup")
            sound = bool(found) and set(found) == {"actpass"}
            yield judged(entry, sound, "a=setup:actpass", ", ".join(dict.fromkeys(found)) or "no a=setup")


def fingerprint_sets(sdp: Sdp) -> dict[str, frozenset[tuple[str, str]]]:
    """The fingerprints that hold for each section, its own or the session's, by the section's name; without those that have none."""
    places = [(name_of(media), sdp.fingerprints_of(media)) for media in sdp.media if media.used]
    return {place: frozenset((one.hash, one.value) for one in found) for place, found in places if found}


@FAMILY.rule("13", MUST, DOCUMENTED, rfc(8122, "5"), _JSEP)
def fingerprint(view: View) -> Iterator[Observation]:
    """the certificate is announced with sha-256

    There is an a=fingerprint with sha-256 and its 32 octets, and the same ones hold for every section that has any.

    The DTLS certificate is checked against it; a mistake here is a connection that dies right after ICE. What a section says goes
    before what stands at the session level.

    Okay:
        offer
    Okay:
        offer s|^a=fingerprint.*\\n|| s|^t=0 0|t=0 0\\r\\na=fingerprint:sha-256
            00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F|
    Fail:
        offer s|^a=fingerprint.*\\n||
    Fail:
        offer s|^a=fingerprint:sha-256|a=fingerprint:sha-1|
    Fail:
        offer s|sha-256 FB:|sha-256 |
    Okay:
        offer s|^t=0 0|t=0 0\\r\\na=fingerprint:sha-1 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13|
    Fail:
        offer s|FB:(?=[^m]*m=application)|00:|
    """
    for entry, sdp in offers(view):
        if not sdp.media:
            continue
        found = [*sdp.fingerprints, *(one for media in sdp.media for one in media.fingerprints)]
        sound = [one for one in found if one.hash == "sha-256" and not one.problem]
        if not sound:
            seen = ", ".join(f"{one.hash}: {one.problem}" if one.problem else one.hash for one in found)
            yield bad(entry, "a=fingerprint:sha-256 with 32 octets", seen or "no a=fingerprint")
            continue
        sets = fingerprint_sets(sdp)
        yield judged(
            entry, len(set(sets.values())) == 1, "the same fingerprints everywhere", f"they differ: {', '.join(sets)}"
        )


def transports(sdp: Sdp) -> Iterator[Media]:
    """Sections that need ICE credentials of their own: those that are not bundled onto another."""
    bundled = set(sdp.bundle.mids) if sdp.bundle else set()
    for media in sdp.media:
        if media.used and (media is sdp.tagged or media.mid not in bundled):
            yield media


@FAMILY.rule("14", MUST, DOCUMENTED, rfc(8839, "5.4"))
def ice_credentials(view: View) -> Iterator[Observation]:
    """ICE credentials are legal

    ice-ufrag has 4 to 256 and ice-pwd 22 to 256 characters, all of them letters, digits, + or /.

    Shorter ones are refused by ICE stacks, because they could be guessed. Judged wherever they stand; a section that is bundled
    onto another may leave them out. The recording keeps only length and kind of the password.

    Okay:
        offer
    Okay:
        offer s|^a=ice-ufrag:SYCj|a=ice-ufrag:[redacted:1:256:ice]| s|:22:ice|:256:ice|
    Fail:
        offer s|^a=ice-ufrag:SYCj|a=ice-ufrag:[redacted:1:257:ice]|
    Fail:
        offer s|:22:ice|:257:ice|
    Fail:
        offer s|^a=ice-ufrag:SYCj|a=ice-ufrag:SYC|
    Fail:
        offer s|^a=ice-ufrag:SYCj|a=ice-ufrag:SY-j|
    Fail:
        offer s|:22:ice|:21:ice|
    Fail:
        offer s|:22:ice|:22:text|
    Fail:
        offer s|^a=ice-pwd.*\\n||
    """
    for entry, sdp in offers(view):
        if sdp.media:
            problems = ice_credential_problems(sdp)
            yield judged(
                entry, not problems, ["ice-ufrag of 4..256", "ice-pwd of 22..256 ICE characters"], "; ".join(problems)
            )


def ice_credential_problems(sdp: Sdp) -> list[str]:
    """What is wrong with the ICE credentials of a description, each once."""
    owners = list(transports(sdp))
    found: list[str] = []
    for name, bounds in (("ice-ufrag", UFRAG), ("ice-pwd", PASSWORD)):
        found += [ice_problem(sdp.attribute(media, name), bounds, name) for media in owners]
        found += [ice_problem(value, bounds, name) for value in sdp.values(name)]
    return list(dict.fromkeys(problem for problem in found if problem))


@FAMILY.rule("15", SHOULD, DOCUMENTED, _JSEP)
def ice_options(view: View) -> Iterator[Observation]:
    """trickle ICE is announced

    a=ice-options names trickle; JSEP wants ice2 beside it, which Chromium leaves out, so that its absence is not held against anyone.

    The offer is sent before all candidates are known, and the option says so. aiortc's own offers lack it.

    Okay:
        offer
    Okay:
        offer s|ice-options:trickle|ice-options:ice2 trickle|
    Fail:
        offer s|^a=ice-options.*\\n||
    """
    for entry, sdp in offers(view):
        if sdp.media:
            options = {word for value in sdp.values("ice-options") for word in value.replace(",", " ").split()}
            seen = " ".join(sorted(options)) or "no a=ice-options"
            yield judged(entry, "trickle" in options, ["trickle", "ice2 trickle"], seen)


@FAMILY.rule("16", MUST, DOCUMENTED, rfc(8841, "5"))
def sctp_port(view: View) -> Iterator[Observation]:
    """the SCTP port is announced

    m=application has a=sctp-port with a number from 1 to 65535; everybody uses 5000.

    Without it the association cannot be set up. The older a=sctpmap does not stand for it.

    Okay:
        offer s|sctp-port:5000|sctp-port:65535|
    Fail:
        offer s|sctp-port:5000|sctp-port:65536|
    Fail:
        offer s|^a=sctp-port.*\\n||
    Fail:
        offer s|sctp-port:5000|sctp-port:0|
    Fail:
        offer s|sctp-port:5000|sctp-port:many|
    """
    for entry, sdp in offers(view):
        for media in sdp.of("application"):
            if media.used:
                port = media.get("sctp-port")
                sound = 0 < (integer((port or "").strip()) or 0) <= LARGEST_PORT
                yield judged(
                    entry, sound, "a=sctp-port:1..65535", f"a=sctp-port:{port}" if port is not None else "none"
                )


@FAMILY.rule("17", SHOULD, DOCUMENTED, rfc(8841, "6"))
def max_message_size(view: View) -> Iterator[Observation]:
    """max-message-size is a number

    a=max-message-size is a whole number of bytes, 0 for no limit; where it is absent 65536 bytes are meant.

    It bounds what the service may send in one event.

    Okay:
        offer
    Okay:
        offer s|size:262144|size:0|
    Fail:
        offer s|size:262144|size:-1|
    Fail:
        offer s|size:262144|size:256k|
    """
    for entry, sdp in offers(view):
        for media in sdp.of("application"):
            size = media.get("max-message-size")
            if size is None:
                yield good(entry, "absent: 65536")
            else:
                yield judged(
                    entry, integer(size.strip()) is not None, "a number of bytes, or nothing", size or "nothing"
                )


@FAMILY.rule("19", MUST, DOCUMENTED, rfc(8827, "6.5"), _JSEP)
def no_sdes(view: View) -> Iterator[Observation]:
    """the offer holds no SRTP keys

    There is neither a=crypto (SDES) nor k=: media keys come from DTLS alone.

    A key in the text is readable by everybody who passes it on.

    Okay:
        offer
    Fail:
        offer s|^a=rtcp-mux|a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:redacted\\r\\na=rtcp-mux|
    Fail:
        offer s|^a=sendrecv|k=clear:redacted\\r\\na=sendrecv|
    """
    for entry, sdp in offers(view):
        if sdp.media:
            lines = ["a=crypto"] * bool(sdp.values("crypto"))
            lines += ["k="] * (sdp.encryption or any(media.encryption for media in sdp.media))
            yield judged(entry, not lines, "neither a=crypto nor k=", " and ".join(lines))
