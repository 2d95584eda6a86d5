"""The offer in a call request's body: found where it stands, and everything around it kept octet by octet."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.client.bodies import call_form
from harness.protocol.dialects import DIALECTS
from harness.proxying.bodies import offer_in

OFFER = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\n"


def test_a_plain_body_is_the_offer() -> None:
    found = offer_in("application/sdp", OFFER.encode())
    assert found is not None
    assert found.offer == OFFER
    assert found.around("v=0\r\nours") == b"v=0\r\nours"


def test_a_form_keeps_its_session() -> None:
    content, media_type = call_form(DIALECTS["openai-ga"], "gpt-realtime", {"instructions": "Be brief."}, OFFER)
    found = offer_in(media_type, content.encode())
    assert found is not None
    assert found.offer == OFFER
    assert found.around(OFFER) == content.encode()
    assert found.around("v=0\r\nours").decode() == content.replace(OFFER, "v=0\r\nours")


def test_a_form_as_browsers_write_it() -> None:
    body = (
        b'------WebKitFormBoundaryX\r\nContent-Disposition: form-data; name="session"\r\n\r\n{"type":"realtime","sdp":1}\r\n'
        b'------WebKitFormBoundaryX\r\nContent-Disposition: form-data; name="sdp"\r\n\r\nv=0\r\nx\r\n\r\n'
        b"------WebKitFormBoundaryX--\r\n"
    )
    found = offer_in('multipart/form-data; boundary="----WebKitFormBoundaryX"', body)
    assert found is not None
    assert found.offer == "v=0\r\nx\r\n"
    assert found.around(found.offer) == body


def test_what_holds_no_offer() -> None:
    for kind, body in (
        ("application/sdp", b""),
        ("application/sdp", b"v=0\xff"),
        ("application/json", b'{"sdp": "v=0"}'),
        ("multipart/form-data", b"--x"),
        ("multipart/form-data; boundary=x", b"--x\r\n\r\nv=0"),
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="other"\r\n\r\nv=0\r\n--x--'),
    ):
        assert offer_in(kind, body) is None


@given(st.sampled_from(["application/sdp", "multipart/form-data; boundary=b"]), st.binary(max_size=200))
def test_whatever_comes_the_body_around_its_own_offer_is_the_body(kind: str, content: bytes) -> None:
    for body in (content, b'--b\r\nContent-Disposition: form-data; name="sdp"\r\n\r\nv=0' + content + b"\r\n--b--\r\n"):
        found = offer_in(kind, body)
        assert found is None or found.around(found.offer) == body
