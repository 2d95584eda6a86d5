"""The client's offer in our name, and the service's answer to it as our own connection takes it."""

from __future__ import annotations

import pytest
from aiortc.sdp import SessionDescription
from hypothesis import given
from hypothesis import strategies as st

from harness.protocol.sdp import parse
from harness.proxying.descriptions import Unmatched, handshake_left_to_us, own_answer, relayed_offer, with_message_size
from harness.webrtc.peer import RejectedDescription, acceptable
from tests import descriptions
from tests.descriptions import sdp

OWN = sdp("""
    v=0
    o=- 1 1 IN IP4 0.0.0.0
    s=-
    t=0 0
    a=group:BUNDLE 0 1
    a=msid-semantic:WMS *
    a=ice-options:trickle
    m=application 35610 UDP/DTLS/SCTP webrtc-datachannel
    c=IN IP4 192.0.2.7
    a=mid:0
    a=sctp-port:5000
    a=max-message-size:262144
    a=candidate:1 1 udp 2130706431 192.0.2.7 35610 typ host
    a=end-of-candidates
    a=ice-ufrag:ours
    a=ice-pwd:oursoursoursoursoursours
    a=fingerprint:sha-256 AA:AA
    a=setup:actpass
    m=audio 43382 UDP/TLS/RTP/SAVPF 96
    c=IN IP4 192.0.2.7
    a=sendrecv
    a=mid:1
    a=rtcp:9 IN IP4 0.0.0.0
    a=rtcp-mux
    a=ssrc:230940855 cname:our-name
    a=rtpmap:96 opus/48000/2
    a=candidate:1 1 udp 2130706431 192.0.2.7 43382 typ host
    a=end-of-candidates
    a=ice-ufrag:ours
    a=ice-pwd:oursoursoursoursoursours
    a=fingerprint:sha-256 AA:AA
    a=setup:actpass
""")
STACKS = {
    name: text
    for name, text in vars(descriptions).items()
    if name.isupper()
    and isinstance(text, str)
    and text.startswith("v=0")
    and "m=application" in text
    and "a=setup:actpass" in text
}
THEIRS = ("a=candidate", "a=ice-ufrag", "a=ice-pwd", "a=fingerprint", "a=ssrc", "a=rtcp:", "a=end-of", "a=ice-lite")


def kept(text: str) -> list[str]:
    """What leads to no connection: every line that a service may look at, in order; of m-lines all but the port."""
    lines = [line for line in text.splitlines() if not line.startswith((*THEIRS, "c="))]
    return [
        " ".join([word for at, word in enumerate(line.split(" ")) if at != 1 or not line.startswith("m=")])
        for line in lines
    ]


@pytest.mark.parametrize("name", sorted(STACKS))
def test_the_offer_is_the_clients_but_for_what_leads_to_a_connection(name: str) -> None:
    client = STACKS[name]
    relayed = relayed_offer(client, OWN)
    assert kept(relayed) == kept(client)
    own = {line for line in OWN.splitlines() if line.startswith(("a=ice-ufrag", "a=ice-pwd", "a=fingerprint", "c="))}
    assert {
        line for line in relayed.splitlines() if line.startswith(("a=ice-ufrag", "a=ice-pwd", "a=fingerprint", "c="))
    } <= own
    candidates = [line for line in relayed.splitlines() if line.startswith("a=candidate")]
    assert sorted(candidates) == sorted(line for line in OWN.splitlines() if line.startswith("a=candidate"))
    assert parse(relayed).looks_like_sdp
    SessionDescription.parse(relayed)


def test_an_ssrc_and_its_name_are_ours() -> None:
    relayed = relayed_offer(descriptions.CHROMIUM, OWN)
    assert "a=ssrc:230940855 cname:our-name\r\n" in relayed
    assert "a=ssrc:230940855 msid:d25335a3" in relayed
    assert "100462584" not in relayed


def test_line_ends_stay() -> None:
    relayed = relayed_offer(descriptions.CHROMIUM.replace("\r\n", "\n"), OWN)
    assert "\r" not in relayed


def test_the_answer_is_put_in_our_order_under_our_names() -> None:
    answer = sdp("""
        v=0
        a=group:BUNDLE 0 1
        m=audio 9 UDP/TLS/RTP/SAVPF 111
        a=mid:0
        a=setup:active
        m=application 9 UDP/DTLS/SCTP webrtc-datachannel
        a=mid:1
        a=setup:active
    """)
    assert own_answer(answer, descriptions.CHROMIUM, OWN) == sdp("""
        v=0
        a=group:BUNDLE 1 0
        m=application 9 UDP/DTLS/SCTP webrtc-datachannel
        a=mid:0
        a=setup:active
        m=audio 9 UDP/TLS/RTP/SAVPF 111
        a=mid:1
        a=setup:active
    """)
    assert not handshake_left_to_us(answer)
    assert handshake_left_to_us(answer.replace("active", "passive"))


def test_an_answer_that_leaves_a_section_out() -> None:
    answer = sdp("v=0\nm=audio 9 UDP/TLS/RTP/SAVPF 111\na=mid:0")
    with pytest.raises(Unmatched, match="m=application"):
        own_answer(answer, descriptions.CHROMIUM, OWN)


@pytest.mark.parametrize("size", ["a=max-message-size:1000", "a=max-message-size:0", ""])
def test_a_message_may_be_as_long_as_the_service_takes_it(size: str) -> None:
    ours = with_message_size(OWN, sdp(f"v=0\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\n{size}"))
    assert [line for line in ours.splitlines() if "max-message" in line] == ([size] if size else [])


@given(st.data())
def test_whatever_is_an_offer_can_be_relayed(data: st.DataObject) -> None:
    lines = data.draw(st.sampled_from(sorted(STACKS.values()))).splitlines()
    for _ in range(data.draw(st.integers(0, 5))):
        place = data.draw(st.integers(0, len(lines) - 1))
        act = data.draw(st.sampled_from(["drop", "twice", "cut", "words"]))
        if act == "drop" and len(lines) > 1:
            del lines[place]
        elif act == "twice":
            lines.insert(place, lines[data.draw(st.integers(0, len(lines) - 1))])
        elif act == "cut":
            lines[place] = lines[place][: data.draw(st.integers(0, 12))]
        else:
            lines[place] += data.draw(st.sampled_from([" 0", ":", " IN IP4", "=", "\x00"]))
    offer = "".join(f"{line}\r\n" for line in lines)
    try:
        acceptable(offer)
    except RejectedDescription:
        return
    relayed = relayed_offer(offer, OWN)
    assert kept(relayed) == kept(offer)
    own_answer(relayed, offer, OWN)
