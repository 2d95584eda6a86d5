"""Faults of the call endpoint: statuses, bodies that are no answer, and headers that mislead."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from harness.fake.faults.base import CALL, Reply, fault
from harness.fake.faults.token import DENIED, HTML, JSON, NO_DEPLOYMENT, gateway, model, status
from harness.faults.registry import GA, SETUP

Rewrite = Callable[[Reply], Reply]


def call(name: str, title: str, rewrite: Rewrite, *caught_by: str, also: tuple[str, ...] = (), **more: Any) -> None:
    """Declare a fault of the call endpoint; unless told otherwise the call ends there."""
    more.setdefault("ends", "answer")
    more.setdefault("scenario", SETUP)
    fault(name, title, plane=CALL, caught_by=caught_by, also=also, **more)(rewrite)


def header(name: str, value: str | None) -> Rewrite:
    """Another value of a response header; None: without it."""
    return lambda reply: replace(
        reply,
        headers={
            **{key: old for key, old in reply.headers.items() if key != name},
            **({name: value} if value is not None else {}),
        },
    )


call(
    "call-invalid-offer",
    "400 invalid_offer",
    model(400, "invalid_offer", "Invalid SDP offer. Please try again with a WHIP-compliant offer."),
    diagnosis="offer-refused",
)
call(
    "call-too-large",
    "413: resource exceeds maximum size",
    gateway(413, "413", "resource exceeds maximum size"),
    diagnosis="offer-refused",
)
call(
    "call-wrong-type",
    "415: only form data",
    gateway(415, "415", "Unsupported media type."),
    diagnosis="call-request-refused",
)
call(
    "call-form-wanted",
    "422: the field sdp of a form is missing",
    status(422, {"detail": [{"type": "missing", "loc": ["body", "sdp"], "msg": "Field required"}]}, JSON),
    "HTTP-22",
    diagnosis="form-wanted",
)
call(
    "call-session-refused",
    "400: a field of the session is not allowed",
    status(400, {"detail": "Field `session.model` is not allowed for this connection"}, JSON),
    "HTTP-22",
    diagnosis="session-refused-at-call",
)
call(
    "call-model-not-realtime",
    "400: the model has no realtime mode",
    model(400, "invalid_model", "Model gpt-4o is not supported in realtime mode."),
    diagnosis="realtime-not-supported",
)
call(
    "call-refused-without-reason",
    "400 with an error whose fields are empty",
    model(400, "", "", ""),
    "HTTP-22",
    diagnosis="call-request-refused",
)
call(
    "call-key-already-used",
    "401: the ephemeral key has been used before",
    model(401, "ephemeral_token_already_used", "This ephemeral token has already been used."),
    diagnosis="key-already-used",
)
call("call-denied", "401: the key is refused", gateway(401, "401", DENIED), diagnosis="ephemeral-key-refused")
call(
    "call-key-expired",
    "401: the ephemeral key has expired",
    gateway(401, "Unauthorized", "The ephemeral key has expired."),
    diagnosis="ephemeral-key-expired",
)
call(
    "call-needs-ephemeral",
    "401: This operation requires ephemeral authentication",
    gateway(401, "Unauthorized", "This operation requires ephemeral authentication."),
    diagnosis="ephemeral-key-required",
)
call(
    "call-wrong-region",
    "403: another region",
    gateway(403, "403", "The resource is not available in this region."),
    dialects=("azure-preview",),
    diagnosis="region-mismatch",
)
call("call-not-found", "404 Resource not found", gateway(404, "404", "Resource not found"), diagnosis="wrong-path")
call(
    "call-no-deployment",
    "404 DeploymentNotFound",
    gateway(404, "DeploymentNotFound", NO_DEPLOYMENT),
    diagnosis="deployment-not-found",
)
call(
    "call-rate-limited",
    "429 on every try, with Retry-After",
    model(429, "rate_limit_exceeded", "Too many calls.", "requests", **{"retry-after": "1"}),
    diagnosis="rate-limited",
)
call(
    "call-rate-limited-silently",
    "429 without a word on how long to wait",
    gateway(429, "429", "Too many requests."),
    "HTTP-23",
    diagnosis="rate-limited",
)
call(
    "call-server-error",
    "500 on every try",
    model(500, "server_error", "The server had an error.", "server_error"),
    diagnosis="service-error",
)
call(
    "call-error-page",
    "503 with a web page",
    status(503, HTML, {"content-type": "text/html"}),
    "HTTP-22",
    diagnosis="web-page-answers",
)
call(
    "call-slow",
    "the answer takes longer than a caller waits",
    lambda reply: replace(reply, delay=60.0),
    diagnosis="service-too-slow",
)
call(
    "call-cut-off",
    "the connection closes in the middle of the answer",
    lambda reply: replace(reply, cut=100),
    diagnosis="response-cut-off",
)
call(
    "call-status-200",
    "200 where GA documents 201",
    lambda reply: replace(reply, status=200),
    "HTTP-17",
    dialects=GA,
    ends=None,
)
call("call-status-202", "202 Accepted", lambda reply: replace(reply, status=202), "HTTP-17", dialects=GA, ends=None)
call("call-without-location", "no Location", header("location", None), "HTTP-18", dialects=GA, ends=None)
call(
    "call-location-without-id",
    "Location ends in a slash and no id",
    header("location", "/v1/realtime/calls/"),
    "HTTP-18",
    dialects=GA,
    ends=None,
    diagnosis="call-id-not-found",
)
call(
    "call-answer-as-text",
    "the answer comes as text/plain",
    header("content-type", "text/plain; charset=utf-8"),
    "HTTP-19",
    ends=None,
)
call(
    "call-answer-as-json-type",
    "the answer comes as application/json",
    header("content-type", "application/json"),
    "HTTP-19",
    ends=None,
)
call(
    "call-answer-in-json",
    "the answer is wrapped in JSON",
    lambda reply: replace(reply, body=json.dumps({"type": "answer", "sdp": reply.body})),
    "ANS-17",
    diagnosis="answer-not-sdp",
)
call(
    "call-answer-empty",
    "the answer is empty",
    lambda reply: replace(reply, body=""),
    "ANS-17",
    diagnosis="answer-not-sdp",
)
call(
    "call-answer-page",
    "a web page as answer",
    lambda reply: replace(reply, body=HTML),
    "ANS-17",
    diagnosis="answer-not-sdp",
)
call(
    "call-error-as-answer",
    "an error object with status 201",
    lambda reply: replace(reply, body=json.dumps({"error": {"code": "500", "message": "x"}})),
    "ANS-17",
    diagnosis="answer-not-sdp",
)
