"""Faults of the token endpoint: every status and body shape that the vendors and their gateways are known to answer with, and worse."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from harness.fake.faults.base import TOKEN, Reply, fault
from harness.fake.faults.edits import lookup, put
from harness.faults.registry import BETA, GA, SETUP

JSON = {"content-type": "application/json"}
HTML = "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Sign in to continue</body></html>"
# A retried request is answered alike, so that the retry does not hide the fault.
Rewrite = Callable[[Reply], Reply]


def status(number: int, body: Mapping[str, Any] | str, headers: Mapping[str, str] = JSON) -> Rewrite:
    """Another status with this body."""
    text = body if isinstance(body, str) else json.dumps(body)
    return lambda reply: replace(reply, status=number, body=text, headers=dict(headers))


def gateway(number: int, code: str, message: str, **headers: str) -> Rewrite:
    """An error as Azure's gateway writes it."""
    return status(number, {"error": {"code": code, "message": message}}, {**JSON, **headers})


def model(number: int, code: str | None, message: str, kind: str = "invalid_request_error", **headers: str) -> Rewrite:
    """An error as the model side and OpenAI write it."""
    error = {"message": message, "type": kind, "param": None, "code": code}
    return status(number, {"error": error}, {**JSON, **headers})


def body(change: Callable[[dict[str, Any], Reply], object]) -> Rewrite:
    """The right response with a changed JSON body; where another fault has left none of that, nothing is changed."""

    def rewrite(reply: Reply) -> Reply:
        try:
            edited = json.loads(reply.body)
        except ValueError:
            return reply
        if reply.status >= 300 or not isinstance(edited, dict):
            return reply
        change(edited, reply)
        return replace(reply, body=json.dumps(edited))

    return rewrite


def put_expiry(value: Callable[[int], Any]) -> Rewrite:
    """Another value of expires_at, where there is one."""

    def change(edited: dict[str, Any], reply: Reply) -> None:
        path = ".".join(reply.dialect.expires_path)
        if isinstance(lookup(edited, path), int):
            put(edited, path, value)

    return body(change)


def once(rewrite: Rewrite) -> Rewrite:
    """Only the first request; the retry is answered rightly."""
    return lambda reply: rewrite(reply) if reply.nth == 1 else reply


def token(name: str, title: str, rewrite: Rewrite, *caught_by: str, also: tuple[str, ...] = (), **more: Any) -> None:
    """Declare a fault of the token endpoint; unless told otherwise the call ends there."""
    more.setdefault("ends", "key")
    more.setdefault("scenario", SETUP)
    fault(name, title, plane=TOKEN, caught_by=caught_by, also=also, **more)(rewrite)


DENIED = "Access denied due to invalid subscription key or wrong API endpoint."
NO_DEPLOYMENT = "The API deployment for this resource does not exist."

token(
    "key-realtime-not-supported",
    "400 OpperationNotSupported: the deployed model has no realtime (spelled as the service spells it)",
    gateway(400, "OpperationNotSupported", "The requested operation is unsupported."),
    diagnosis="realtime-not-supported",
)
token(
    "key-unknown-parameter",
    "400 unknown_parameter: a field of the other generation",
    model(400, "unknown_parameter", "Unknown parameter: 'session.modalities'."),
    diagnosis="wrong-session-fields",
)
token(
    "key-missing-parameter",
    "400 missing_required_parameter: session.type",
    model(400, "missing_required_parameter", "Missing required parameter: 'session.type'."),
    diagnosis="session-type-missing",
)
token(
    "key-content-filter",
    "400 content_filter with an innererror",
    status(400, {"error": {"code": "content_filter", "message": "filtered", "innererror": {"code": "Filtered"}}}),
    diagnosis="request-content-filtered",
)
token(
    "key-beta-removed",
    "400 beta_api_shape_disabled: the beta has been switched off",
    model(400, "beta_api_shape_disabled", "The Realtime beta API is no longer available."),
    dialects=("openai-beta",),
    diagnosis="beta-api-removed",
)
token("key-denied", "401 from the gateway: wrong key", gateway(401, "401", DENIED), diagnosis="api-key-invalid")
token(
    "key-incorrect",
    "401 as OpenAI writes it: Incorrect API key provided",
    model(401, "invalid_api_key", "Incorrect API key provided."),
    diagnosis="api-key-invalid",
    dialects=("openai-ga", "openai-beta"),
)
token(
    "key-forbidden",
    "403: the network rules of the resource forbid it",
    gateway(403, "403", "Public access is disabled."),
    diagnosis="access-forbidden",
)
token(
    "key-not-found",
    "404 Resource not found: wrong path",
    gateway(404, "404", "Resource not found"),
    diagnosis="wrong-path",
)
token(
    "key-no-deployment",
    "404 DeploymentNotFound",
    gateway(404, "DeploymentNotFound", NO_DEPLOYMENT),
    diagnosis="deployment-not-found",
)
token(
    "key-rate-limited",
    "429 on every try, with Retry-After",
    model(
        429, "rate_limit_exceeded", "Rate limit reached.", "requests", **{"retry-after": "2", "retry-after-ms": "2000"}
    ),
    diagnosis="rate-limited",
)
token(
    "key-rate-limited-silently",
    "429 without a word on how long to wait",
    model(429, "rate_limit_exceeded", "Too many requests.", "requests"),
    "HTTP-23",
    diagnosis="rate-limited",
)
token(
    "key-quota-exhausted",
    "429 insufficient_quota: no waiting helps",
    model(429, "insufficient_quota", "You exceeded your current quota.", "insufficient_quota"),
    diagnosis="quota-exhausted",
)
token(
    "key-server-error",
    "500 on every try",
    model(500, "server_error", "The server had an error.", "server_error"),
    diagnosis="service-error",
)
token("key-unavailable", "503 on every try", gateway(503, "503", "Service unavailable."), diagnosis="service-error")
token(
    "key-gateway-page",
    "502 with a web page, as a proxy answers",
    status(502, "<html><body>Bad Gateway</body></html>", {"content-type": "text/html"}),
    "HTTP-22",
    diagnosis="web-page-answers",
)
token(
    "key-error-without-message",
    "an error whose body has no message",
    status(400, {"error": {"code": "400"}}),
    "HTTP-22",
    diagnosis="token-request-refused",
)
token(
    "key-error-in-text",
    "an error in plain text",
    status(403, "Forbidden", {"content-type": "text/plain"}),
    "HTTP-22",
    diagnosis="access-forbidden",
)
token("key-error-empty", "an error with an empty body", status(401, "", {}), "HTTP-22", diagnosis="api-key-invalid")
token(
    "key-redirected",
    "302 to a login page",
    status(302, "", {"location": "https://login.example/"}),
    diagnosis="redirected",
)
token("key-created", "201 instead of 200", lambda reply: replace(reply, status=201), "HTTP-08", ends=None)
token(
    "key-slow",
    "the response takes longer than a caller waits",
    lambda reply: replace(reply, delay=60.0),
    diagnosis="service-too-slow",
)
token(
    "key-cut-off",
    "the connection closes in the middle of the response",
    lambda reply: replace(reply, cut=20),
    diagnosis="response-cut-off",
)
token(
    "key-not-json",
    "the response is cut short but looks complete",
    lambda reply: replace(reply, body=reply.body[:-9]),
    "HTTP-08",
    diagnosis="no-key-in-response",
)
token(
    "key-empty",
    "the response is empty",
    lambda reply: replace(reply, body=""),
    "HTTP-08",
    diagnosis="no-key-in-response",
)
token(
    "key-page",
    "a login page with status 200",
    status(200, HTML, {"content-type": "text/html"}),
    "HTTP-08",
    diagnosis="no-key-in-response",
)
token("key-list", "a JSON list", status(200, "[]"), "HTTP-08", diagnosis="no-key-in-response")
token(
    "key-missing",
    "the response has no key",
    body(lambda edited, reply: put(edited, ".".join(reply.dialect.key_path))),
    "HTTP-08",
    diagnosis="no-key-in-response",
)
token(
    "key-null",
    "the key is null",
    body(lambda edited, reply: put(edited, ".".join(reply.dialect.key_path), None)),
    "HTTP-08",
    diagnosis="no-key-in-response",
)
token(
    "key-number",
    "the key is a number",
    body(lambda edited, reply: put(edited, ".".join(reply.dialect.key_path), 7)),
    "HTTP-08",
    diagnosis="no-key-in-response",
)
token(
    "key-in-beta-place",
    "a GA service puts the key where the beta had it",
    body(
        lambda edited, reply: edited.update(
            client_secret={"value": edited.pop("value", None), "expires_at": edited.pop("expires_at", None)}
        )
    ),
    "HTTP-08",
    dialects=GA,
    diagnosis="key-in-other-place",
)
token(
    "key-in-ga-place",
    "a beta service puts the key where GA has it",
    body(lambda edited, reply: edited.update(edited.pop("client_secret", {}))),
    "HTTP-08",
    dialects=BETA,
    diagnosis="key-in-other-place",
)
token(
    "key-without-session",
    "the GA response has no session",
    body(lambda edited, reply: edited.pop("session", None)),
    "HTTP-08",
    dialects=GA,
    ends=None,
)
token(
    "key-without-expiry",
    "the response has no expires_at",
    body(lambda edited, reply: put(edited, ".".join(reply.dialect.expires_path))),
    "HTTP-08",
    ends=None,
)
token(
    "key-expiry-text", "expires_at is an ISO date", put_expiry(lambda _: "2026-11-21T12:00:00Z"), "HTTP-09", ends=None
)
token(
    "key-expiry-milliseconds",
    "expires_at counts milliseconds",
    put_expiry(lambda old: old * 1000),
    "HTTP-10",
    ends=None,
    dialects=("openai-ga", "azure-preview", "openai-beta"),
)
token(
    "key-session-over",
    "session.expires_at lies ten years back",
    body(lambda edited, reply: put(edited, "session.expires_at", 1_480_000_000)),
    "SES-20",
    dialects=GA,
    ends=None,
)
token(
    "key-expired",
    "the key has expired when it comes",
    put_expiry(lambda old: old - 7200),
    "HTTP-09",
    also=("HTTP-12",),
    ends=None,
)
token(
    "key-lives-an-hour",
    "the key says it lives an hour where one minute is documented",
    put_expiry(lambda old: old + 3540),
    "HTTP-10",
    dialects=BETA,
    ends=None,
)
token(
    "key-lives-a-minute",
    "the key says it lives a minute less than the documented ten, without being asked",
    put_expiry(lambda old: old - 540),
    "HTTP-10",
    dialects=("openai-ga",),
    ends=None,
)
