"""A recorded answer with the addresses, credentials and fingerprints of another call; all else in it stays, right or wrong."""

from __future__ import annotations

from harness.fake.replay.sdp import transplanted
from harness.trace import Trace
from tests.traces import trace

OFFER = (
    "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=rtpmap:111 opus/48000/2\r\n"
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:1\r\n"
)


def answer(number: str, *more: str, pwd: str = "p" * 22, ufrag: str = "") -> str:
    lines = [
        "v=0", f"o=- {number} 1 IN IP4 0.0.0.0", "s=-", "t=0 0", f"m=audio {number} UDP/TLS/RTP/SAVPF 111", f"c=IN IP4 127.0.0.{number[0]}",
        "a=mid:0", f"a=ice-ufrag:{ufrag or number * 2}", f"a=ice-pwd:{pwd}", f"a=fingerprint:sha-256 {number}", f"a=candidate:1 1 udp 1 127.0.0.1 {number} typ host",
        f"a=ssrc:{number} cname:x", *more, f"m=application {number} UDP/DTLS/SCTP webrtc-datachannel", "a=mid:1",
    ]  # fmt: skip
    return "".join(f"{line}\r\n" for line in lines)


def recording(offer: str = OFFER, *, matches: bool = True, connected: bool = True) -> Trace:
    secured = [(0.1, "connection.secured", {"matches": matches})] if connected else []
    return trace((0.0, "sdp.offer", {"sdp": offer}), *secured)


def test_the_values_of_this_call_stand_in_the_recorded_text() -> None:
    old = answer("1111", "a=setup:actpass", "a=odd", pwd="[redacted:3:22:ice]")
    assert transplanted(recording(), old, offer=OFFER, answer=answer("2222")) == answer(
        "2222", "a=setup:actpass", "a=odd"
    )


def test_line_ends_and_a_text_that_breaks_off_stay() -> None:
    old = answer("1111").replace("\r\n", "\n")[:-3]
    made = transplanted(recording(), old, offer=OFFER, answer=answer("2222"))
    assert made == answer("2222").replace("\r\n", "\n")[:-3]


def test_wrong_credentials_stay_wrong() -> None:
    old = answer("1111", pwd="[redacted:3:8:ice]", ufrag="abc")
    made = transplanted(recording(matches=False), old, offer=OFFER, answer=answer("2222"))
    assert made is not None
    assert f"a=ice-pwd:{'p' * 8}\r\n" in made
    assert "a=ice-ufrag:abc\r\n" in made
    assert "a=fingerprint:sha-256 1111\r\n" in made


def test_two_passwords_stay_two() -> None:
    old = answer("1111", "a=ice-pwd:[redacted:4:22:ice]", pwd="[redacted:3:22:ice]")
    made = transplanted(recording(), old, offer=OFFER, answer=answer("2222", pwd="abcdefghijklmnopqrstuv"))
    assert made is not None
    passwords = [line for line in made.splitlines() if line.startswith("a=ice-pwd:")]
    assert passwords == ["a=ice-pwd:abcdefghijklmnopqrstuv", "a=ice-pwd:vutsrqponmlkjihgfedcba"]


def test_candidates_that_never_connected_stay() -> None:
    made = transplanted(recording(connected=False), answer("1111"), offer=OFFER, answer=answer("2222"))
    assert made is not None
    assert "127.0.0.1 1111 typ host" in made


def test_another_offer_gets_an_answer_of_its_own() -> None:
    other = OFFER.replace("a=mid:1", "a=mid:data")
    assert transplanted(recording(), answer("1111"), offer=other, answer=answer("2222")) is None
    assert transplanted(recording(), answer("1111"), offer=OFFER.replace("111", "96"), answer=answer("2222")) is None
    assert transplanted(trace(), answer("1111"), offer=OFFER, answer=answer("2222")) is None
