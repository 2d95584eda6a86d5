from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.protocol import negotiation, sdp

TRANSPORT = (
    "a=ice-ufrag:abcd",
    "a=ice-pwd:abcdefghijklmnopqrstuv",
    "a=fingerprint:sha-256 AA:BB",
    "a=setup:actpass",
)


def text(*lines: str) -> str:
    return "".join(f"{line}\r\n" for line in lines)


AUDIO = ("m=audio 9 UDP/TLS/RTP/SAVPF 111 63 0", "a=mid:0", "a=rtpmap:111 opus/48000/2", "a=rtpmap:63 red/48000/2")
CHANNEL = ("m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "a=mid:1", "a=sctp-port:5000")
SESSION = ("v=0", "o=- 1 1 IN IP4 0.0.0.0", "s=-", "t=0 0", "a=group:BUNDLE 0 1")
OFFER = text(*SESSION, *AUDIO, *TRANSPORT, *CHANNEL, *TRANSPORT)


def test_as_browser_adds_what_browsers_say_and_nothing_else() -> None:
    offer = negotiation.as_browser(OFFER)
    assert offer == OFFER.replace("a=group:BUNDLE 0 1\r\n", "a=group:BUNDLE 0 1\r\na=ice-options:trickle\r\n").replace(
        "a=rtpmap:111 opus/48000/2\r\n",
        "a=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n",
    )
    assert negotiation.as_browser(offer) == offer


def test_as_browser_keeps_parameters_that_are_there() -> None:
    offer = OFFER.replace("a=rtpmap:63", "a=fmtp:111 stereo=1\r\na=rtpmap:63")
    assert negotiation.as_browser(offer).count("a=fmtp:") == 1


HOST = "a=candidate:1 1 udp 2130706431 192.0.2.1 50000 typ host"
HIDDEN = "a=candidate:1 1 udp 2113937151 0d5f21ab-7c4e-4d0f-9a6e-5a2f0f7f2a11.local 50000 typ host generation 0"
END = "a=end-of-candidates"


@pytest.mark.parametrize(
    ("lines", "kept"),
    [
        ((HOST, END), (HOST, END)),
        ((HIDDEN, HOST, END), (HOST, END)),
        ((HIDDEN, END), ()),
        ((HIDDEN,), ()),
        ((END,), ()),
        ((), ()),
    ],
)
def test_resolvable_drops_hidden_names_and_an_end_without_candidates(
    lines: tuple[str, ...], kept: tuple[str, ...]
) -> None:
    given_, expected = text(*SESSION, *AUDIO, *lines, *CHANNEL, HOST), text(*SESSION, *AUDIO, *kept, *CHANNEL, HOST)
    assert negotiation.resolvable(given_) == expected


def test_unbundled_repeats_the_transport_of_the_tagged_section() -> None:
    short = text(*SESSION, *AUDIO, *TRANSPORT, *CHANNEL)
    assert negotiation.unbundled(short) == OFFER
    assert negotiation.unbundled(OFFER) == OFFER


@pytest.mark.parametrize(
    "description",
    [
        pytest.param(text(*SESSION[:4], *AUDIO, *TRANSPORT, *CHANNEL), id="not bundled"),
        pytest.param(text(*SESSION[:4], *TRANSPORT, "a=group:BUNDLE 0 1", *AUDIO, *CHANNEL), id="on the session level"),
        pytest.param(text(*SESSION[:4], "a=group:BUNDLE", *AUDIO, *TRANSPORT, *CHANNEL), id="an empty group"),
        pytest.param(text(*SESSION[:4], "a=group:BUNDLE 7 8", *AUDIO, *TRANSPORT, *CHANNEL), id="unknown sections"),
        pytest.param("", id="nothing"),
    ],
)
def test_unbundled_leaves_alone_what_is_not_bundled(description: str) -> None:
    assert negotiation.unbundled(description) == description


def test_an_answer_bundles_only_what_was_offered_as_a_bundle() -> None:
    answer = OFFER.replace("actpass", "active")
    assert negotiation.matching(answer, OFFER) == answer
    unbundled_offer = OFFER.replace("a=group:BUNDLE 0 1\r\n", "")
    assert negotiation.matching(answer, unbundled_offer) == answer.replace("a=group:BUNDLE 0 1\r\n", "")


def test_each_section_is_answered_under_the_protocol_it_was_offered_with() -> None:
    offer = OFFER.replace("m=audio 9 UDP/TLS/RTP/SAVPF", "m=audio 9 RTP/AVP").replace("UDP/DTLS/SCTP", "DTLS/SCTP")
    assert negotiation.matching(OFFER, offer) == offer
    assert negotiation.matching(OFFER, OFFER.replace("UDP/TLS/RTP/SAVPF 111 63 0", "")) == OFFER


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (AUDIO, [111]),
        (("m=audio 9 UDP/TLS/RTP/SAVPF 0 63 111", "a=rtpmap:111 OPUS/48000/2", "a=rtpmap:63 opus/48000/2"), [63, 111]),
        (("m=audio 9 UDP/TLS/RTP/SAVPF 0", "a=rtpmap:111 opus/48000/2"), []),
        (("m=audio 9 UDP/TLS/RTP/SAVPF 111", "a=rtpmap:111 opus/48000"), []),
        (CHANNEL, []),
        ((), []),
    ],
)
def test_opus_payload_types(lines: tuple[str, ...], expected: list[int]) -> None:
    assert negotiation.opus_payload_types(text(*SESSION, *lines)) == expected


LINES = (
    *SESSION,
    *AUDIO,
    *TRANSPORT,
    *CHANNEL,
    HOST,
    HIDDEN,
    END,
    "a=group:BUNDLE 1 1",
    "m=audio",
    "a=mid:",
    "a=candidate:",
)


@given(st.text() | st.lists(st.sampled_from(LINES)).map(lambda lines: text(*lines)))
def test_no_text_is_too_odd(description: str) -> None:
    for edit in (negotiation.as_browser, negotiation.resolvable, negotiation.unbundled):
        edited = edit(description)
        assert edit(edited) == edited
    assert negotiation.opus_payload_types(text(*AUDIO, *CHANNEL) + description) == [111]


def test_edits_leave_sdp_that_parses_without_problems() -> None:
    parsed = sdp.parse(negotiation.as_browser(OFFER))
    assert [media.kind for media in parsed.media] == ["audio", "application"]


def test_both_ends_describe_their_certificate_by_one_digest() -> None:
    lines = [
        "v=0",
        "m=audio 9 X 96",
        "a=fingerprint:sha-256 AA",
        "a=fingerprint:sha-512 BB",
        "a=fingerprint:sha-384 CC",
    ]
    text = "".join(f"{line}\r\n" for line in lines)
    for edited in (negotiation.as_browser(text), negotiation.matching(text, text)):
        assert [line for line in edited.splitlines() if "fingerprint" in line] == ["a=fingerprint:sha-256 AA"]
