"""Faults of the token request: where it goes, what it carries, how it is repeated."""

from __future__ import annotations

from dataclasses import replace

from harness.client.faults.base import RETRIES, client_fault
from harness.client.faults.edits import at_step, body, headers, path, put, query
from harness.client.faults.requests import (
    AZURE_GA,
    OPENAI_BETA,
    OPENAI_GA,
    PREVIEW,
    SINGLE_ENDPOINT,
    flat,
    path_of,
    request,
)
from harness.faults.registry import BETA, GA, SETUP
from harness.protocol.dialects import OPENAI

WRONG_KEY = "errors/invalid-api-key-is-refused.yaml"

request(
    "token-request-by-get",
    "the key is asked for with GET",
    at_step("key", lambda draft, _: replace(draft, method="GET")),
    "HTTP-01",
    diagnosis="wrong-method",
)
request(
    "token-at-the-previews-path",
    "a GA client asks for the key at the preview's path",
    path("key", f"{path_of(PREVIEW, 'key')}?api-version=2025-04-01-preview"),
    "HTTP-01",
    "HTTP-02",
    dialects=AZURE_GA,
    diagnosis="other-dialects-path",
)
request(
    "token-at-the-ga-path",
    "a preview client asks for the key at the GA path",
    path("key", path_of(AZURE_GA, "key")),
    "HTTP-01",
    "HTTP-02",
    dialects=PREVIEW,
    diagnosis="other-dialects-path",
)
request(
    "token-at-the-single-endpoint",
    "the old single endpoint, which was the WebSocket's, is used for the key",
    path("key", f"{SINGLE_ENDPOINT}?deployment=gpt-realtime"),
    "HTTP-01",
    diagnosis="websocket-path",
)
request(
    "api-version-left-in-the-token-url",
    "api-version is left in the GA token URL",
    query("key", **{"api-version": "2025-04-01-preview"}),
    "HTTP-02",
    dialects=AZURE_GA,
    diagnosis="api-version-in-ga-url",
)
request(
    "api-version-left-in-the-call-url",
    "api-version is left in the GA call URL",
    query("call", **{"api-version": "2025-08-28"}),
    "HTTP-02",
    dialects=AZURE_GA,
    diagnosis="api-version-in-ga-url",
)
request(
    "api-version-missing",
    "the preview's token URL has no api-version",
    query("key", **{"api-version": None}),
    "HTTP-02",
    dialects=PREVIEW,
    diagnosis="api-version-missing",
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
    diagnosis="credential-misplaced",
)
request(
    "api-key-header-at-openai",
    "the key goes in an api-key header, as at Azure",
    headers("key", lambda at: {"authorization": None, "api-key": at.api_key}),
    "HTTP-03",
    dialects=OPENAI,
    diagnosis="credential-misplaced",
)
request(
    "token-body-as-text",
    "the token request says text/plain",
    headers("key", lambda at: {"content-type": "text/plain"}),
    "HTTP-04",
    diagnosis="token-request-empty",
)
request(
    "token-body-cut-off",
    "the token request's body is no JSON",
    at_step("key", lambda draft, _: replace(draft, content=draft.content[:-2])),
    "HTTP-04",
    diagnosis="token-request-empty",
)
request(
    "token-body-missing",
    "the token request has no body",
    at_step("key", lambda draft, _: replace(draft, content="")),
    "HTTP-04",
    diagnosis="token-request-empty",
)


request(
    "flat-session-in-ga",
    "a GA token request is flat, as in the beta",
    body("key", flat),
    "HTTP-05",
    dialects=GA,
    diagnosis="wrong-session-fields",
)
request(
    "unknown-session-type",
    "session.type is conversation",
    body("key", lambda whole: put(whole, "session.type", "conversation")),
    "HTTP-05",
    dialects=GA,
    diagnosis="token-request-refused",
)
request(
    "nested-session-in-beta",
    "a beta token request is nested, as in GA",
    body("key", lambda whole: put(whole, "session", {"type": "realtime"})),
    "HTTP-06",
    dialects=BETA,
    diagnosis="wrong-session-fields",
)
request(
    "max-output-tokens-in-beta",
    "a beta token request limits the output with GA's max_output_tokens",
    body("key", lambda whole: put(whole, "max_output_tokens", 4096)),
    "HTTP-06",
    dialects=BETA,
    diagnosis="wrong-session-fields",
)
request(
    "key-for-a-day",
    "a key is asked for that lives a day",
    body("key", lambda whole: put(whole, "expires_after", {"anchor": "created_at", "seconds": 86400})),
    "HTTP-07",
    dialects=OPENAI_GA,
    diagnosis="token-request-refused",
)
request(
    "key-for-a-moment",
    "a key is asked for that lives five seconds",
    body("key", lambda whole: put(whole, "client_secret", {"expires_after": {"anchor": "created_at", "seconds": 5}})),
    "HTTP-07",
    dialects=OPENAI_BETA,
    diagnosis="token-request-refused",
)
request(
    "api-key-in-the-url",
    "the API key stands in the token URL",
    at_step("key", lambda draft, at: query("key", **{"api-key": at.api_key})(draft, at)),
    "SEC-01",
)

# How it is repeated

client_fault(
    "refused-key-tried-again",
    "a token request that got a 401 is repeated unchanged",
    plane=RETRIES,
    caught_by=("HTTP-24",),
    scenario=WRONG_KEY,
    diagnosis="api-key-invalid",
)(lambda pause, status: 1.0 if status == 401 else pause)
client_fault(
    "retry-after-ignored",
    "a 429 is answered with the same request at once",
    plane=RETRIES,
    caught_by=("HTTP-23", "HTTP-24"),
    scenario=SETUP,
    against=("key-rate-limited",),
    diagnosis="rate-limited",
)(lambda pause, status: 0.02 if status == 429 else pause)
client_fault(
    "retry-without-back-off",
    "a 500 is answered with the same request at once",
    plane=RETRIES,
    caught_by=("HTTP-24",),
    scenario=SETUP,
    against=("key-server-error",),
    diagnosis="service-error",
)(lambda pause, status: 0.0 if status >= 500 else pause)
