"""Pairing requests with responses, and reading what anybody may have put into them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.protocol.dialects import DIALECTS
from harness.rules.base import View
from harness.rules.support.http_view import (
    asked_pause,
    body_of,
    credential,
    epoch_of,
    exchanges,
    expiry,
    following,
    from_browser,
    header,
    is_bearer,
    long_lived,
    media_type,
    minted,
    query_of,
    secrets_in_url,
    url_of,
)
from harness.trace import Entry, Header, Trace
from harness.trace.redact import Mark


def view(*rows: tuple[str, dict[str, Any]], dialect: str = "azure-ga") -> View:
    entries = tuple(Entry(seq, float(seq), f"http.{kind}", data) for seq, (kind, data) in enumerate(rows))
    return View(Trace(Header("client", dialect), entries, "completed"), DIALECTS[dialect])


def entry(**data: Any) -> Entry:
    return Entry(0, 0.0, "http.request", data)


class TestPairing:
    def test_by_id_and_step(self) -> None:
        seen = exchanges(
            view(
                ("request", {"id": 1, "step": "key"}),
                ("request", {"id": 2, "step": "key"}),
                ("response", {"id": 2, "step": "key", "status": 200}),
                ("response", {"id": 1, "step": "key", "status": 429}),
                ("request", {"id": 1, "step": "call"}),
                ("failed", {"id": 1, "step": "call", "error": "ConnectError"}),
                ("request", {"id": 3, "step": "hangup"}),
            )
        )
        assert [(one.step, one.status, one.ok, one.failed is not None) for one in seen] == [
            ("key", 429, False, False),
            ("key", 200, True, False),
            ("call", 0, False, True),
            ("hangup", 0, False, False),
        ]

    def test_an_id_used_again_takes_the_next_response(self) -> None:
        seen = exchanges(
            view(
                ("request", {"id": 1, "step": "key"}),
                ("response", {"id": 1, "step": "key", "status": 500}),
                ("request", {"id": 1, "step": "key"}),
                ("response", {"id": 1, "step": "key", "status": 200}),
            )
        )
        assert [one.status for one in seen] == [500, 200]

    def test_a_response_before_its_request_is_not_its_response(self) -> None:
        assert (
            exchanges(
                view(("response", {"id": 1, "step": "key", "status": 200}), ("request", {"id": 1, "step": "key"}))
            )[0].status
            == 0
        )

    def test_by_step_and_the_next_of_it(self) -> None:
        seen = view(
            ("request", {"id": 1, "step": "key"}),
            ("request", {"id": 2, "step": "call"}),
            ("request", {"id": 3, "step": "key"}),
        )
        assert [one.request.seq for one in exchanges(seen, "key")] == [0, 2]
        assert following(seen, exchanges(seen, "key")[0]) == exchanges(seen, "key")[1]
        assert following(seen, exchanges(seen, "call")[0]) is None


class TestReading:
    def test_headers_whatever_their_case(self) -> None:
        one = entry(headers={"Content-Type": "Application/SDP; charset=utf-8", "x": 3})
        assert header(one, "content-type") == "Application/SDP; charset=utf-8"
        assert media_type(one) == "application/sdp"
        assert (header(one, "x"), header(one, "y"), header(entry(), "x"), header(entry(headers=[1]), "x")) == (
            "",
            "",
            "",
            "",
        )

    @pytest.mark.parametrize(
        ("url", "host", "query"),
        [
            ("https://h.example:8443/p?a=1&b=&a=2", "h.example", {"a": "2", "b": ""}),
            ("http://[::1]:80/p", "::1", {}),
            ("http://[::1/p", None, {}),
            ("http://h:port/", None, {}),
            ("", None, {}),
        ],
    )
    def test_urls(self, url: str, host: str | None, query: dict[str, str]) -> None:
        assert url_of(entry(url=url)).hostname == host
        assert query_of(entry(url=url)) == query

    @pytest.mark.parametrize(
        ("body", "read"),
        [
            ({"a": 1}, {"a": 1}),
            ('{"a": 1}', {"a": 1}),
            ("v=0\r\n", "v=0\r\n"),
            ("", ""),
            ("[" * 100_000, "[" * 100_000),
            (None, None),
        ],
    )
    def test_bodies(self, body: Any, read: Any) -> None:
        assert body_of(entry(body=body)) == read

    @pytest.mark.parametrize(
        ("headers", "mark", "bearer"),
        [
            ({"authorization": "Bearer [redacted:2:35:text]"}, Mark(2, 35, False), True),
            ({"authorization": "bearer [redacted:2:35:ice]"}, Mark(2, 35, True), True),
            ({"authorization": "Basic [redacted:2:35:text]"}, Mark(2, 35, False), False),
            ({"api-key": "[redacted:1:32:ice]"}, Mark(1, 32, True), False),
            ({"authorization": "Bearer "}, None, False),
            ({}, None, False),
        ],
    )
    def test_credentials(self, headers: dict[str, str], mark: Mark | None, bearer: bool) -> None:
        assert credential(entry(headers=headers)) == mark
        assert is_bearer(entry(headers=headers)) is bearer

    @pytest.mark.parametrize(
        ("data", "epoch"),
        [
            ({"epoch": 1.5, "headers": {"date": "Thu, 01 Jan 1970 00:01:00 GMT"}}, 60.0),
            ({"epoch": 1.5, "headers": {"date": "yesterday"}}, 1.5),
            ({"headers": {"date": "Thu, 01 Jan 1970 00:01:00 GMT"}}, 60.0),
            ({"headers": {"date": "yesterday"}}, None),
            ({"epoch": True}, None),
            ({}, None),
        ],
    )
    def test_clocks(self, data: dict[str, Any], epoch: float | None) -> None:
        assert epoch_of(entry(**data)) == epoch

    @pytest.mark.parametrize(
        ("headers", "seconds"),
        [
            ({"retry-after": "2"}, 2.0),
            ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
            ({"retry-after-ms": "soon", "retry-after": "1"}, 1.0),
            ({"retry-after": "Thu, 01 Jan 1970 00:01:10 GMT", "date": "Thu, 01 Jan 1970 00:01:00 GMT"}, 10.0),
            ({"retry-after": "Thu, 01 Jan 1970 00:00:10 GMT", "date": "Thu, 01 Jan 1970 00:01:00 GMT"}, 0.0),
            ({"retry-after": "Thu, 01 Jan 1970 00:01:10 GMT"}, 0.0),
            ({"retry-after": "-1"}, None),
            ({"retry-after": "nan"}, None),
            ({"retry-after": "inf"}, None),
            ({}, None),
        ],
    )
    def test_pauses(self, headers: dict[str, str], seconds: float | None) -> None:
        assert asked_pause(entry(headers=headers)) == seconds

    @pytest.mark.parametrize(
        ("url", "leaks"),
        [
            ("https://h/p?api-key=[redacted:1:32:ice]", True),
            ("https://h/p?api-key=%5Bredacted:1:32:ice%5D", True),
            ("https://user:[redacted:1:32:ice]@h/p", True),
            ("https://h/p?model=x", False),
            ("https://h/calls/[redacted:1:32:ice]", False),
        ],
    )
    def test_secrets_in_urls(self, url: str, leaks: bool) -> None:
        assert secrets_in_url(entry(url=url)) is leaks

    def test_browsers(self) -> None:
        assert from_browser(entry(headers={"origin": "https://app.example"}))
        assert from_browser(entry(headers={"sec-fetch-mode": "cors"}))
        assert not from_browser(entry(headers={"user-agent": "Mozilla/5.0"}))


class TestKeys:
    @pytest.mark.parametrize(
        ("dialect", "body"),
        [
            ("azure-ga", {"value": "[redacted:2:35:text]", "expires_at": 60, "session": {}}),
            ("azure-preview", {"client_secret": {"value": "[redacted:2:35:text]", "expires_at": 60}}),
        ],
    )
    def test_are_found_where_the_dialect_puts_them(self, dialect: str, body: dict[str, Any]) -> None:
        seen = view(
            ("request", {"id": 1, "step": "key", "headers": {"api-key": "[redacted:1:32:ice]"}}),
            ("response", {"id": 1, "step": "key", "status": 200, "body": body}),
            ("request", {"id": 2, "step": "key", "headers": {}}),
            ("response", {"id": 2, "step": "key", "status": 401, "body": body}),
            dialect=dialect,
        )
        assert [(mark.number, expiry(seen, one)) for one, mark in minted(seen)] == [(2, 60)]
        assert long_lived(seen) == {1}

    @pytest.mark.parametrize("raw", [None, "60", 60.5, True, {}])
    def test_an_expiry_is_a_whole_number(self, raw: Any) -> None:
        seen = view(
            ("request", {"id": 1, "step": "key"}),
            ("response", {"id": 1, "step": "key", "status": 200, "body": {"value": "x", "expires_at": raw}}),
        )
        assert expiry(seen, exchanges(seen)[0]) is None


@given(
    st.dictionaries(
        st.sampled_from(["url", "headers", "body", "epoch", "status", "id", "step"]),
        st.none() | st.integers() | st.text() | st.lists(st.text()),
    )
)
def test_nothing_that_was_recorded_makes_a_reader_raise(data: dict[str, Any]) -> None:
    one = entry(**data)
    _ = (
        header(one, "x"),
        media_type(one),
        url_of(one),
        query_of(one),
        body_of(one),
        credential(one),
        is_bearer(one),
        epoch_of(one),
    )
    _ = secrets_in_url(one), from_browser(one), asked_pause(one)
