"""Spellings of a secret in other people's text."""

from __future__ import annotations

import base64
import json
import string
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.trace.redact import Redactor
from harness.trace.secret_encodings import base64_cores, parts_of_basic, spellings, unescaped

secrets = st.text(string.ascii_letters + string.digits + "+/_-=.&<'\"\\é", min_size=12, max_size=50).map(
    lambda text: f"K9{text}z"
)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("\\u0041\\x42%43&#68;&#x45;&amp;", "ABCDE&"),
        ("a%2Fb%2520c", "a/b c"),
        ("\\\\u0041\\/", "A/"),
        ("%C3%A9 %FF", "é \ufffd"),
        ("100% of &nonsense; \\q", "100% of &nonsense; \\q"),
        ("", ""),
    ],
)
def test_escapes_give_way_to_what_they_stand_for(text: str, plain: str) -> None:
    assert unescaped(text) == plain


@given(st.text(max_size=40))
def test_text_comes_back_out_of_a_url_and_out_of_json(text: str) -> None:
    once = unescaped(text)
    if once == text:  # else it held escapes of its own
        assert unescaped(quote(text, safe="")) == text


@given(st.binary(max_size=20), secrets, st.binary(max_size=20))
def test_base64_of_a_text_with_the_secret_holds_one_of_its_cores(before: bytes, secret: str, after: bytes) -> None:
    whole = before + secret.encode() + after
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        assert any(core in encode(whole).decode() for core in base64_cores(secret))


def test_credentials_of_basic_authentication_come_apart() -> None:
    assert list(parts_of_basic(base64.b64encode(b"user:pass:word").decode())) == ["pass:word", "user"]
    assert list(parts_of_basic("no base64!")) == []
    assert list(parts_of_basic(base64.b64encode(b"nocolon").decode())) == []


# Without a backslash of its own: before an escape it would make another one.
@given(secrets.filter(lambda secret: "\\" not in secret), st.lists(st.integers(0, 3), min_size=60, max_size=60))
def test_a_known_secret_is_found_behind_any_mixture_of_escapes(secret: str, choices: list[int]) -> None:
    ways = (str, lambda one: f"\\u{ord(one):04x}", lambda one: quote(one, safe=""), lambda one: f"&#{ord(one)};")
    mixed = "".join(ways[way](letter) for letter, way in zip(secret, choices, strict=False))
    clean = Redactor([secret]).text(f"key {mixed} refused")
    assert secret not in unescaped(clean)
    assert mixed not in clean


@given(secrets)
def test_a_secret_is_found_in_every_spelling(secret: str) -> None:
    redactor = Redactor([secret])
    for spelled in spellings(secret):
        assert spelled not in redactor.text(f"<{spelled}>")


def test_password_in_a_url_is_known_from_then_on() -> None:
    redactor = Redactor()
    assert redactor.text("https://user:p%40ssw0rd1@host/path") == "https://[redacted:2:16:text]@host/path"
    assert redactor.text("wrong password p@ssw0rd1") == "wrong password [redacted:1:9:text]"


def test_basic_credential_gives_its_password_away() -> None:
    redactor = Redactor()
    redactor.headers({"Authorization": "Basic " + base64.b64encode(b"user:open-sesame").decode()})
    assert "open-sesame" not in redactor.text("user's password open-sesame is wrong")


def test_what_the_end_gives_away_is_removed_from_the_beginning() -> None:
    body = {"echo": "opaque-key-1", "client_secret": {"value": "opaque-key-1", "expires_at": 1}}
    assert "opaque-key-1" not in json.dumps(Redactor().value(body))
    assert "opaque-key-1" not in Redactor().text('opaque-key-1 {"client_secret": "opaque-key-1"}')


def test_a_lone_surrogate_in_a_secret_is_no_obstacle() -> None:
    assert "abcdefgh" not in json.dumps(Redactor().value({"password": "abcdefgh\ud800", "echo": "abcdefgh\ud800"}))
