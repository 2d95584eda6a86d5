"""ANS: the candidates of an answer."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from harness.protocol.hosts import is_loopback
from harness.protocol.sdp import Sdp
from harness.protocol.sdp_fields import Candidate
from harness.rules.answer import FAMILY
from harness.rules.base import DOCUMENTED, INFO, MUST, OBSERVED, Observation, View, bad, judged
from harness.rules.support.sdp_view import answers
from harness.rules.support.sources import OPENAPI, WEBRTCHACKS, rfc

_CANDIDATE_PLACES = (f"the example answer in {OPENAPI}", WEBRTCHACKS)


@FAMILY.rule("14", MUST, DOCUMENTED, rfc(8839, "5.1"), rfc(6544, "4.5"))
def candidates(view: View) -> Iterator[Observation]:
    """the answer has candidates, and they are well-formed

    There is at least one a=candidate, and foundation, component, transport, priority, address, port and type are legal in each.

    There is no way to send candidates later: an answer without any leaves the client nowhere to connect to.

    Okay:
        offer
        answer
    Fail:
        offer
        answer s|^a=candidate.*\\n||
    Fail:
        offer
        answer s|3478 typ host|99999 typ host|
    Fail:
        offer
        answer s| tcptype passive||
    Fail:
        offer
        answer s|typ host\\r|host\\r|
    """
    for one in answers(view):
        if not one.sdp.media:
            continue
        found = _candidates(one.sdp)
        if not found:
            yield bad(one.entry, "at least one a=candidate", "none")
        for candidate in found:
            yield judged(one.entry, not candidate.problem, "a well-formed candidate", candidate.problem)


def _candidates(sdp: Sdp) -> list[Candidate]:
    return [candidate for media in sdp.media for candidate in media.candidates]


@FAMILY.rule("15", INFO, OBSERVED, *_CANDIDATE_PLACES, dialects=("openai-ga", "openai-beta"))
def candidate_places(view: View) -> Iterator[Observation]:
    """candidates are host candidates at UDP 3478 and TCP 443

    OpenAI lists host candidates only: UDP port 3478 and, for networks that block UDP, TCP port 443 passive.

    It is what a firewall has to let out. A service on this machine or in a private network is not measured by it.

    Okay:
        offer
        answer
    Fail:
        offer
        answer s|typ host(?= tcptype)|typ relay|
    Fail:
        offer
        answer s|192.0.2.7 3478|192.0.2.7 50000|
    Unseen:
        offer
        answer s|192.0.2.7|127.0.0.1|
    """
    for one in answers(view):
        for candidate in _candidates(one.sdp):
            if candidate.problem or _is_local(candidate.address):
                continue
            place = (candidate.transport, candidate.port, candidate.tcptype)
            sound = candidate.type == "host" and place in _PLACES
            seen = f"{candidate.transport} {candidate.port} {candidate.type} {candidate.tcptype}".rstrip()
            yield judged(one.entry, sound, ("udp 3478 host", "tcp 443 host passive"), seen)


_PLACES = (("udp", 3478, ""), ("tcp", 443, "passive"))
# RFC 1918, 3927, 4193 and 4291: networks that no public service is reached in.
_PRIVATE = ("10.", "192.168.", "169.254.", *(f"172.{second}." for second in range(16, 32)), "fc", "fd", "fe80:")


def _is_local(address: str) -> bool:
    try:
        ip_address(address)
    except ValueError:
        return True  # a name: mDNS or a host of one's own
    return is_loopback(address) or address.lower().startswith(_PRIVATE)
