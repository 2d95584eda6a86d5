"""Faults of the call request: where it goes, what it carries, what is done with the response."""

from __future__ import annotations

import json
from dataclasses import replace

from harness.client.faults.base import CLIENT_END, CONDUCT, SERVICE_END, SETTINGS, CallerConduct, client_fault
from harness.client.faults.edits import at_step, body, chain, headers, path, query
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
from harness.faults.registry import BETA, GA, SETUP, TURN
from harness.scenario.model import Caller

BROWSER = {"origin": "https://app.example", "sec-fetch-mode": "cors"}

request(
    "api-key-at-the-call-endpoint",
    "the call request carries the long-lived key",
    headers("call", lambda at: {"authorization": f"Bearer {at.api_key}"}),
    "HTTP-11",
    "SEC-01",
    diagnosis="ephemeral-key-required",
)
request(
    "api-key-header-at-the-call-endpoint",
    "the call request carries the long-lived key in an api-key header",
    headers("call", lambda at: {"authorization": None, "api-key": at.api_key}),
    "HTTP-11",
    "SEC-01",
    dialects=AZURE_GA,
    diagnosis="ephemeral-key-required",
)
request(
    "key-read-from-the-wrong-place",
    "the call request carries Bearer undefined",
    headers("call", lambda at: {"authorization": "Bearer undefined"}),
    "HTTP-11",
    seen_by=CLIENT_END,
    diagnosis="not-the-minted-key",
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
    diagnosis="offer-not-raw-sdp",
)
request(
    "offer-as-text",
    "the offer is sent as text/plain",
    headers("call", lambda at: {"content-type": "text/plain"}),
    "HTTP-13",
    diagnosis="offer-not-raw-sdp",
)
request(
    "model-in-the-ga-call-url",
    "the GA call URL names the model",
    query("call", model="gpt-realtime"),
    "HTTP-14",
    dialects=GA,
    diagnosis="model-in-ga-call-url",
)
request(
    "model-missing-in-the-call-url",
    "the preview's call URL names no model",
    query("call", model=None),
    "HTTP-14",
    dialects=BETA,
    diagnosis="model-missing-in-call-url",
)
request(
    "region-without-webrtc",
    "the preview is called in eastus, which has no WebRTC",
    headers("call", lambda at: {"host": "eastus.realtimeapi-preview.ai.azure.com"}),
    "HTTP-15",
    dialects=PREVIEW,
    seen_by=SERVICE_END,
    diagnosis="region-mismatch",
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
    path("call", f"{SINGLE_ENDPOINT}?api-version=2025-04-01-preview&deployment=gpt-realtime"),
    "HTTP-28",
    also=("HTTP-02",),
    dialects=AZURE_GA,
    diagnosis="websocket-path",
)
request(
    "call-at-the-previews-path",
    "a GA client sends the offer to the preview's path",
    path("call", path_of(PREVIEW, "call")),
    "HTTP-28",
    dialects=AZURE_GA,
    diagnosis="other-dialects-path",
)
request(
    "call-by-put",
    "the offer is sent with PUT",
    at_step("call", lambda draft, _: replace(draft, method="PUT")),
    "HTTP-28",
    diagnosis="wrong-method",
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
    chain(
        path("key", path_of(OPENAI_BETA, "key")), body("key", flat), body("key", lambda whole: whole.pop("type", None))
    ),
    "HTTP-27",
    also=("HTTP-01", "HTTP-05", "HTTP-25"),
    dialects=OPENAI_GA,
    seen_by=SERVICE_END,
    diagnosis="beta-api-removed",
)
request(
    "beta-call-url-in-ga",
    "a GA client sends the offer to the beta's path",
    path("call", path_of(OPENAI_BETA, "call")),
    "HTTP-28",
    also=("HTTP-25", "HTTP-27"),
    dialects=OPENAI_GA,
    seen_by=CLIENT_END,
    diagnosis="beta-api-removed",
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
    scenario=TURN,
    dialects=GA,
)
request(
    "filter-misspelled",
    "the filter is spelled webrtcFilter=true",
    query("call", webrtcFilter="true"),
    "FLT-03",
    dialects=AZURE_GA,
)

# What is done with the response


@client_fault(
    "key-used-after-its-end",
    "the key is used again after it has expired",
    plane=SETTINGS,
    caught_by=("HTTP-12",),
    scenario=SETUP,
    dialects=(*PREVIEW, *OPENAI_BETA),
    diagnosis="ephemeral-key-expired",
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
    diagnosis="error-taken-for-answer",
)
def _believes_all(right: CallerConduct) -> CallerConduct:
    return replace(right, believes=lambda status: True)


@client_fault(
    "only-status-200-accepted",
    "a 201 is not taken for success",
    plane=CONDUCT,
    caught_by=("HTTP-21",),
    scenario=SETUP,
    dialects=GA,
    seen_by=CLIENT_END,
    diagnosis="created-not-accepted",
)
def _believes_200(right: CallerConduct) -> CallerConduct:
    return replace(right, believes=lambda status: status == 200)
