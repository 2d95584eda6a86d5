"""Requests to the fake service as its clients make them, for every dialect."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode, urlsplit

from harness.fake.admission import Ask
from harness.fake.settings import FakeSettings
from harness.protocol.dialects import DIALECTS, Dialect
from harness.protocol.session_body import session_body

API_KEY = "offline-key-0123456789"
SETTINGS = FakeSettings(api_keys=(API_KEY,))
ALL = tuple(DIALECTS.values())
CLOSED = replace(SETTINGS, deployments=tuple(row.default_model for row in ALL))
"""A service that has these deployments and no others."""
PREVIEW, AZURE, OPENAI, BETA = (DIALECTS[name] for name in ("azure-preview", "azure-ga", "openai-ga", "openai-beta"))

OFFER = "\r\n".join(
    (
        "v=0",
        "o=- 1 2 IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        "a=group:BUNDLE 0 1",
        "m=audio 9 UDP/TLS/RTP/SAVPF 111 0",
        "c=IN IP4 0.0.0.0",
        "a=mid:0",
        "a=ice-ufrag:abcd",
        "a=ice-pwd:0123456789abcdefghijkl",
        "a=fingerprint:sha-256 " + ":".join(["AB"] * 32),
        "a=setup:actpass",
        "a=rtpmap:111 opus/48000/2",
        "a=rtcp-mux",
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
        "c=IN IP4 0.0.0.0",
        "a=mid:1",
        "a=sctp-port:5000",
        "",
    )
)


def token_body(dialect: Dialect, **session: Any) -> dict[str, Any]:
    """The body of a token request with canonical session words; None leaves one out."""
    words = {"model": dialect.default_model, **session}
    flat, _ = session_body(dialect, {word: value for word, value in words.items() if value is not None})
    return {"session": flat} if dialect.body == "nested" else flat


def credentials(dialect: Dialect, key: str = API_KEY) -> dict[str, str]:
    return dialect.auth[0].headers(key)


def query(template: Mapping[str, str], dialect: Dialect) -> dict[str, str]:
    values = {"model": dialect.default_model, "api_version": dialect.default_api_version}
    return {name: value.format(**values) for name, value in template.items()}


def key_path(dialect: Dialect) -> str:
    return _with_query(urlsplit(dialect.key_url).path, query(dialect.key_query, dialect))


def call_path(dialect: Dialect) -> str:
    return _with_query(urlsplit(dialect.call_url).path, query(dialect.call_query, dialect))


def _with_query(path: str, asked: Mapping[str, str]) -> str:
    return f"{path}?{urlencode(asked)}" if asked else path


def token_ask(dialect: Dialect, body: object = None, **headers: str) -> Ask:
    """A good token request; ``body`` replaces its body (text as it stands), ``headers`` (with _ for -) its headers."""
    text = body if isinstance(body, str) else json.dumps(token_body(dialect) if body is None else body)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    base = {"content-type": "application/json", **credentials(dialect)}
    return Ask(query(dialect.key_query, dialect), {**base, **named}, text)


def call_ask(dialect: Dialect, key: str, offer: str = OFFER, **headers: str) -> Ask:
    """A good call request with this ephemeral key."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    base = {"content-type": "application/sdp", "authorization": f"Bearer {key}"}
    return Ask(query(dialect.call_query, dialect), {**base, **named}, offer)
