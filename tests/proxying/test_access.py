"""Who may spend the proxy's key: this machine and named pages; other sites, rebound names and other machines may not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.proxying.access import Access, access, named_origin

HERE = Access("127.0.0.1", ("https://app.example", "http://localhost:5173"))


@pytest.mark.parametrize(
    ("host", "origin", "peer"),
    [
        ("127.0.0.1:8080", None, "127.0.0.1"),
        ("localhost:8080", None, "127.0.0.1"),
        ("[::1]:8080", None, "::1"),
        ("eastus2.localhost:8080", None, "127.0.0.1"),
        ("127.0.0.1:8080", "https://app.example", "127.0.0.1"),
        ("127.0.0.1:8080", "https://app.example:443", "127.0.0.1"),
        ("localhost:8080", "http://localhost:5173", "127.0.0.1"),
        ("192.0.2.7:8080", "https://app.example", "192.0.2.9"),
    ],
)
def test_this_machine_and_named_pages_are_let_in(host: str, origin: str | None, peer: str) -> None:
    assert HERE.refusal({"host": host, **({} if origin is None else {"origin": origin})}, peer) == ""


@pytest.mark.parametrize(
    ("headers", "peer", "said"),
    [
        ({"host": "rebound.example:8080"}, "127.0.0.1", "Host"),
        ({"host": "127.0.0.1.rebound.example"}, "127.0.0.1", "Host"),
        ({"host": "localhost.rebound.example"}, "127.0.0.1", "Host"),
        ({"host": "[::1"}, "127.0.0.1", "Host"),
        ({}, "127.0.0.1", "Host"),
        ({"host": "rebound.example", "origin": "https://app.example"}, "127.0.0.1", "Host"),
        (
            {"host": "127.0.0.1:8080", "origin": "https://evil.example"},
            "127.0.0.1",
            "--allow-origin https://evil.example",
        ),
        ({"host": "127.0.0.1:8080", "origin": "http://app.example"}, "127.0.0.1", "--allow-origin"),
        ({"host": "127.0.0.1:8080", "origin": "https://app.example.evil.example"}, "127.0.0.1", "--allow-origin"),
        ({"host": "127.0.0.1:8080", "origin": "http://localhost:5174"}, "127.0.0.1", "--allow-origin"),
        ({"host": "127.0.0.1:8080", "origin": "null"}, "127.0.0.1", "--allow-origin"),
        ({"host": "127.0.0.1:8080", "origin": ""}, "127.0.0.1", "--allow-origin"),
        ({"host": "192.0.2.7:8080"}, "192.0.2.9", "192.0.2.9 is not this machine"),
    ],
)
def test_others_are_refused_and_told_why(headers: dict[str, str], peer: str, said: str) -> None:
    assert said in HERE.refusal(headers, peer)


def test_a_name_that_was_given_to_host_is_known() -> None:
    named = Access("studio.lan", ("https://app.example",))
    assert named.refusal({"host": "Studio.lan:8080", "origin": "https://app.example"}, "192.0.2.9") == ""
    assert "Host" in named.refusal({"host": "other.lan:8080", "origin": "https://app.example"}, "192.0.2.9")


@given(st.text(max_size=40), st.one_of(st.none(), st.text(max_size=40)), st.text(max_size=20))
def test_nothing_that_a_client_sends_is_an_error(host: str, origin: str | None, peer: str) -> None:
    headers = {"host": host, **({} if origin is None else {"origin": origin})}
    if not HERE.refusal(headers, peer):
        assert origin is None or named_origin(origin) in HERE.origins


def test_an_address_that_others_reach_needs_an_origin() -> None:
    with pytest.raises(UsageError, match="anybody could spend the key"):
        access("0.0.0.0", [])
    assert access("0.0.0.0", ["https://app.example/"]).origins == ("https://app.example",)
    assert access("127.0.0.1", []).origins == ()


@pytest.mark.parametrize(
    "text", ["app.example", "*", "https://app.example/page", "null", "file:///x", "https://u@app.example"]
)
def test_what_is_no_origin_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not an origin"):
        named_origin(text)
