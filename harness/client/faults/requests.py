"""Faults of the token and the call request: where they go, what they carry, what is done with their responses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import urlsplit

from harness.client.faults.base import (
    ALL,
    BETA,
    CLIENT_END,
    CONDUCT,
    GA,
    REQUESTS,
    RETRIES,
    SERVICE_END,
    SETTINGS,
    SETUP,
    Conduct,
    RequestRewrite,
    client_fault,
)
from harness.client.faults.edits import at_step, body, chain, headers, path, put, query
from harness.protocol.dialects import DIALECTS, Dialect
from harness.scenario.model import Caller

PREVIEW = ("azure-preview",)
AZURE_GA = ("azure-ga",)
OPENAI = tuple(name for name, row in DIALECTS.items() if row.vendor == "openai")
OPENAI_GA = ("openai-ga",)
WRONG_KEY = "errors/invalid-api-key-is-refused.yaml"
BROWSER = {"origin": "https://app.example", "sec-fetch-mode": "cors"}


def request(
    name: str,
    title: str,
    rewrite: RequestRewrite,
    *caught_by: str,
    dialects: tuple[str, ...] = ALL,
    scenario: str = SETUP,
    **more: tuple[str, ...],
) -> None:
    """Declare a fault of an HTTP request."""
    client_fault(name, title, plane=REQUESTS, caught_by=caught_by, dialects=dialects, scenario=scenario, **more)(
        rewrite
    )


def path_of(dialect: Dialect, step: str) -> str:
    """The path of another dialect's endpoint."""
    return urlsplit(dialect.key_url if step == "key" else dialect.call_url).path


_PREVIEW, _AZURE_GA, _BETA = DIALECTS[PREVIEW[0]], DIALECTS[AZURE_GA[0]], DIALECTS["openai-beta"]

# The token request

request(
    "token-request-by-get",
    "the key is asked for with GET",
    at_step("key", lambda draft, _: replace(draft, method="GET")),
    "HTTP-01",
)
request(
    "token-at-the-previews-path",
    "a GA client asks for the key at the preview's path",
    path("key", f"{path_of(_PREVIEW, 'key')}?api-version=2025-04-01-preview"),
    "HTTP-01",
    "HTTP-02",
    dialects=AZURE_GA,
)
request(
    "token-at-the-ga-path",
    "a preview client asks for the key at the GA path",
    path("key", path_of(_AZURE_GA, "key")),
    "HTTP-01",
    "HTTP-02",
    dialects=PREVIEW,
)
request(
    "token-at-the-single-endpoint",
    "the old single endpoint, which was the WebSocket's, is used for the key",
    path("key", "/openai/realtime?deployment=gpt-realtime"),
    "HTTP-01",
)
request(
    "api-version-left-in-the-token-url",
    "api-version is left in the GA token URL",
    query("key", **{"api-version": "2025-04-01-preview"}),
    "HTTP-02",
    dialects=AZURE_GA,
)
request(
    "api-version-left-in-the-call-url",
    "api-version is left in the GA call URL",
    query("call", **{"api-version": "2025-08-28"}),
    "HTTP-02",
    dialects=AZURE_GA,
)
request(
    "api-version-missing",
    "the preview's token URL has no api-version",
    query("key", **{"api-version": None}),
    "HTTP-02",
    dialects=PREVIEW,
)
request(
    "two-credentials",
    "the token request carries an api-key and a Bearer token",
    headers("key", lambda at: {"authorization": f"Bearer {at.api_key}"}),
    "HTTP-03",
    dialects=AZURE_GA,
)
request(
    "no-credential",
    "the token request carries no credential",
    headers("key", lambda at: {"api-key": None, "authorization": None}),
    "HTTP-03",
)
request(
    "api-key-header-at-openai",
    "the key goes in an api-key header, as at Azure",
    headers("key", lambda at: {"authorization": None, "api-key": at.api_key}),
    "HTTP-03",
    dialects=OPENAI,
)
request(
    "token-body-as-text",
    "the token request says text/plain",
    headers("key", lambda at: {"content-type": "text/plain"}),
    "HTTP-04",
)
request(
    "token-body-cut-off",
    "the token request's body is no JSON",
    at_step("key", lambda draft, _: replace(draft, content=draft.content[:-2])),
    "HTTP-04",
)
request(
    "token-body-missing",
    "the token request has no body",
    at_step("key", lambda draft, _: replace(draft, content="")),
    "HTTP-04",
)


def _flat(whole: dict[str, object]) -> None:
    settings = whole.pop("session")
    if isinstance(settings, Mapping):
        whole.update(settings)


request("flat-session-in-ga", "a GA token request is flat, as in the beta", body("key", _flat), "HTTP-05", dialects=GA)
request(
    "unknown-session-type",
    "session.type is conversation",
    body("key", lambda whole: put(whole, "session.type", "conversation")),
    "HTTP-05",
    dialects=GA,
)
request(
    "nested-session-in-beta",
    "a beta token request is nested, as in GA",
    body("key", lambda whole: put(whole, "session", {"type": "realtime"})),
    "HTTP-06",
    dialects=BETA,
)
request(
    "max-output-tokens-in-beta",
    "a beta token request limits the output with GA's max_output_tokens",
    body("key", lambda whole: put(whole, "max_output_tokens", 4096)),
    "HTTP-06",
    dialects=BETA,
)
request(
    "key-for-a-day",
    "a key is asked for that lives a day",
    body("key", lambda whole: put(whole, "expires_after", {"anchor": "created_at", "seconds": 86400})),
    "HTTP-07",
    dialects=OPENAI_GA,
)
request(
    "key-for-a-moment",
    "a key is asked for that lives five seconds",
    body("key", lambda whole: put(whole, "client_secret", {"expires_after": {"anchor": "created_at", "seconds": 5}})),
    "HTTP-07",
    dialects=("openai-beta",),
)
request(
    "api-key-in-the-url",
    "the API key stands in the token URL",
    at_step("key", lambda draft, at: query("key", **{"api-key": at.api_key})(draft, at)),
    "SEC-01",
)

# The call request

request(
    "api-key-at-the-call-endpoint",
    "the call request carries the long-lived key",
    headers("call", lambda at: {"authorization": f"Bearer {at.api_key}"}),
    "HTTP-11",
    "SEC-01",
)
request(
    "api-key-header-at-the-call-endpoint",
    "the call request carries the long-lived key in an api-key header",
    headers("call", lambda at: {"authorization": None, "api-key": at.api_key}),
    "HTTP-11",
    "SEC-01",
    dialects=AZURE_GA,
)
request(
    "key-read-from-the-wrong-place",
    "the call request carries Bearer undefined",
    headers("call", lambda at: {"authorization": "Bearer undefined"}),
    "HTTP-11",
    seen_by=CLIENT_END,
)
request(
    "json-wrapped-offer",
    "the offer is wrapped in JSON",
    at_step(
        "call",
        lambda draft, _: replace(
            draft,
            content=json.dumps({"type": "offer", "sdp": draft.content}),
            headers={**draft.headers, "content-type": "application/json"},
        ),
    ),
    "HTTP-13",
)
request(
    "offer-as-text",
    "the offer is sent as text/plain",
    headers("call", lambda at: {"content-type": "text/plain"}),
    "HTTP-13",
)
request(
    "model-in-the-ga-call-url",
    "the GA call URL names the model",
    query("call", model="gpt-realtime"),
    "HTTP-14",
    dialects=GA,
)
request(
    "model-missing-in-the-call-url",
    "the preview's call URL names no model",
    query("call", model=None),
    "HTTP-14",
    dialects=BETA,
)
request(
    "region-without-webrtc",
    "the preview is called in eastus, which has no WebRTC",
    headers("call", lambda at: {"host": "eastus.realtimeapi-preview.ai.azure.com"}),
    "HTTP-15",
    dialects=PREVIEW,
    seen_by=SERVICE_END,
)
request(
    "regional-host-in-ga",
    "a GA client calls the preview's regional host",
    headers("call", lambda at: {"host": "eastus2.realtimeapi-preview.ai.azure.com"}),
    "HTTP-16",
    dialects=AZURE_GA,
    seen_by=SERVICE_END,
)
request(
    "call-at-the-single-endpoint",
    "the offer goes to the old single endpoint, which was the WebSocket's",
    path("call", "/openai/realtime?api-version=2025-04-01-preview&deployment=gpt-realtime"),
    "HTTP-28",
    also=("HTTP-02",),
    dialects=AZURE_GA,
)
request(
    "call-at-the-previews-path",
    "a GA client sends the offer to the preview's path",
    path("call", path_of(_PREVIEW, "call")),
    "HTTP-28",
    dialects=AZURE_GA,
)
request(
    "call-by-put",
    "the offer is sent with PUT",
    at_step("call", lambda draft, _: replace(draft, method="PUT")),
    "HTTP-28",
)
request(
    "beta-header-in-ga",
    "OpenAI-Beta: realtime=v1 is left in a GA request",
    headers("key", lambda at: {"openai-beta": "realtime=v1"}),
    "HTTP-25",
    dialects=OPENAI_GA,
)
request(
    "beta-urls-in-ga",
    "a client written for OpenAI's beta calls a service that has removed it",
    chain(path("key", path_of(_BETA, "key")), body("key", _flat), body("key", lambda whole: whole.pop("type", None))),
    "HTTP-27",
    also=("HTTP-01", "HTTP-05", "HTTP-25"),
    dialects=OPENAI_GA,
    seen_by=SERVICE_END,
)
request(
    "beta-call-url-in-ga",
    "a GA client sends the offer to the beta's path",
    path("call", path_of(_BETA, "call")),
    "HTTP-28",
    also=("HTTP-25", "HTTP-27"),
    dialects=OPENAI_GA,
    seen_by=CLIENT_END,
)
request(
    "header-of-the-pages-own",
    "a page adds a header of its own to the call request",
    headers("call", lambda at: {**BROWSER, "originator": "my-app"}),
    "HTTP-26",
)
request(
    "page-sets-the-instructions",
    "a page sets the instructions that its user must not change",
    headers("call", lambda at: BROWSER),
    "SEC-03",
    scenario="turns/caller-speaks-assistant-answers.yaml",
    dialects=GA,
)
request(
    "filter-misspelled",
    "the filter is spelled webrtcFilter=true",
    query("call", webrtcFilter="true"),
    "FLT-03",
    dialects=AZURE_GA,
)

# What is done with the responses

client_fault(
    "refused-key-tried-again",
    "a token request that got a 401 is repeated unchanged",
    plane=RETRIES,
    caught_by=("HTTP-24",),
    scenario=WRONG_KEY,
)(lambda status, pause: 1.0 if status == 401 else pause)
client_fault(
    "retry-after-ignored",
    "a 429 is answered with the same request at once",
    plane=RETRIES,
    caught_by=("HTTP-23", "HTTP-24"),
    scenario=SETUP,
    against=("key-rate-limited",),
)(lambda status, pause: 0.02 if status == 429 else pause)
client_fault(
    "retry-without-back-off",
    "a 500 is answered with the same request at once",
    plane=RETRIES,
    caught_by=("HTTP-24",),
    scenario=SETUP,
    against=("key-server-error",),
)(lambda status, pause: 0.0 if status >= 500 else pause)


@client_fault(
    "key-used-after-its-end",
    "the key is used again after it has expired",
    plane=SETTINGS,
    caught_by=("HTTP-12",),
    scenario=SETUP,
    dialects=(*PREVIEW, "openai-beta"),
)
def _stale(caller: Caller) -> Caller:
    return caller.model_copy(update={"key_age": 75.0})


@client_fault(
    "error-taken-for-an-answer",
    "the body of a 401 goes into setRemoteDescription",
    plane=CONDUCT,
    caught_by=("HTTP-20",),
    scenario=SETUP,
    against=("call-key-expired",),
    seen_by=CLIENT_END,
)
def _believes_all(right: Conduct) -> Conduct:
    return replace(right, believes=lambda status: True)


@client_fault(
    "only-status-200-accepted",
    "a 201 is not taken for success",
    plane=CONDUCT,
    caught_by=("HTTP-21",),
    scenario=SETUP,
    dialects=GA,
    seen_by=CLIENT_END,
)
def _believes_200(right: Conduct) -> Conduct:
    return replace(right, believes=lambda status: status == 200)
