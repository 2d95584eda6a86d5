"""From a trace and the findings to a known cause and its fix: declared rows, each a predicate over the trace that returns evidence.

Rows stand in order from the most specific to the most general; the first that fits is shown first. Sources are the vendors'
troubleshooting pages and the threads in which users found the cause.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from harness.protocol.dialects import DIALECTS
from harness.rules.base import RuleResult
from harness.trace import Entry, Trace

Evidence = Iterable[Entry]


@dataclass(frozen=True)
class Diagnosis:
    """A known cause for what was seen, with the fix and the ``seq`` of the entries that show it."""

    id: str
    cause: str
    fix: str
    evidence: tuple[int, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The ``diagnosis`` element of results.json."""
        return {"id": self.id, "cause": self.cause, "fix": self.fix, "evidence": list(self.evidence)}


@dataclass(frozen=True)
class Cause:
    """A known cause: when it fits (``found`` returns the entries that show it), what it is, what to do, where it is documented."""

    id: str
    cause: str
    fix: str
    source: str
    found: Callable[[Trace], Evidence]


_CAUSES: dict[str, Cause] = {}
CAUSES: Mapping[str, Cause] = MappingProxyType(_CAUSES)


def cause(
    id: str, cause: str, *, fix: str, source: str
) -> Callable[[Callable[[Trace], Evidence]], Callable[[Trace], Evidence]]:
    """Register a row under a stable id, in order of declaration."""

    def register(found: Callable[[Trace], Evidence]) -> Callable[[Trace], Evidence]:
        if id in _CAUSES:
            raise ValueError(f"diagnosis {id} is declared twice")
        _CAUSES[id] = Cause(id, cause, fix, source, found)
        return found

    return register


def diagnose(trace: Trace, rules: Sequence[RuleResult] = ()) -> tuple[Diagnosis, ...]:
    """All rows that fit this trace, most specific first; empty where nothing is wrong or nothing known fits."""
    found: list[Diagnosis] = []
    for row in _CAUSES.values():
        evidence = tuple(row.found(trace))
        if evidence:
            found.append(Diagnosis(row.id, row.cause, row.fix, tuple(entry.seq for entry in evidence)))
    return tuple(found)


def _responses(trace: Trace, step: str, *statuses: int) -> list[Entry]:
    return [
        entry
        for entry in trace.of("http.response")
        if entry.data.get("step") == step and (not statuses or entry.data.get("status") in statuses)
    ]


def _body(entry: Entry) -> str:
    body = entry.data.get("body")
    return body if isinstance(body, str) else json.dumps(body)


def _saying(entries: Iterable[Entry], pattern: str) -> list[Entry]:
    return [entry for entry in entries if re.search(pattern, _body(entry), re.IGNORECASE)]


def _final(trace: Trace, step: str) -> list[Entry]:
    """The last response of a step if it was no success: a retry that worked leaves nothing to explain."""
    last = _responses(trace, step)[-1:]
    return [entry for entry in last if not 200 <= int(entry.data.get("status", 0)) < 300]


def _region(trace: Trace) -> str:
    config = trace.first("harness.config")
    return str(config.data.get("region") or "") if config else ""


_TROUBLE = "Microsoft, realtime-audio-webrtc, troubleshooting"


@cause(
    "deployment-not-found",
    "The resource has no deployment of this name.",
    fix="Put the deployment's name (not the model's; upper and lower case count) into AZURE_OPENAI_REALTIME_DEPLOYMENT; a new deployment needs up to five minutes.",
    source=_TROUBLE,
)
def deployment_not_found(trace: Trace) -> Evidence:
    """404 with DeploymentNotFound, on either request."""
    return _saying(
        _final(trace, "key") + _final(trace, "call"),
        r"DeploymentNotFound|deployment.{0,60}(not (been )?found|does not exist)",
    )


@cause(
    "beta-api-removed",
    "The service no longer speaks the beta protocol.",
    fix="Use the GA dialect (openai-ga or azure-ga): /realtime/client_secrets and /realtime/calls, nested session fields.",
    source="OpenAI, beta API removal of 2026-05-12 (TanStack/ai#586)",
)
def beta_api_removed(trace: Trace) -> Evidence:
    """Code beta_api_shape_disabled."""
    return _saying(_final(trace, "key") + _final(trace, "call"), r"beta_api_shape_disabled")


@cause(
    "ephemeral-key-required",
    "A long-lived key was sent where an ephemeral key belongs.",
    fix="Send the value of the token response (client_secret.value in beta, value in GA) as Bearer with the SDP offer.",
    source="BerriAI/litellm PR#38645",
)
def ephemeral_key_required(trace: Trace) -> Evidence:
    """401 that asks for ephemeral authentication."""
    return _saying(_final(trace, "call"), r"requires ephemeral authentication")


@cause(
    "ephemeral-key-expired",
    "The ephemeral key had expired when the offer was posted.",
    fix="Mint the key right before the offer; in the preview it lives one minute. Read expires_at instead of assuming.",
    source=_TROUBLE,
)
def ephemeral_key_expired(trace: Trace) -> Evidence:
    """401 at the call request that speaks of expiry, or that came later than expires_at."""
    refused = _final(trace, "call")
    return _saying([entry for entry in refused if entry.data.get("status") == 401], r"expired")


@cause(
    "api-version-in-ga-url",
    "api-version was left in a GA URL.",
    fix="Drop the api-version query: the GA endpoints take none.",
    source="Microsoft, preview-to-GA migration guide",
)
def api_version_in_ga_url(trace: Trace) -> Evidence:
    """A refused GA request whose URL carries api-version."""
    dialect = DIALECTS[trace.header.dialect]
    if dialect.generation != "ga":
        return []
    urls = {entry.data.get("id"): str(entry.data.get("url")) for entry in trace.of("http.request")}
    refused = _final(trace, "key") + _final(trace, "call")
    return [entry for entry in refused if "api-version=" in urls.get(entry.data.get("id"), "")]


@cause(
    "api-key-invalid",
    "The service does not accept the API key.",
    fix="Check AZURE_OPENAI_REALTIME_KEY (OPENAI_API_KEY): Key 1 or Key 2 of this very resource, from 'Keys and Endpoint'; regenerate it if in doubt.",
    source=_TROUBLE,
)
def api_key_invalid(trace: Trace) -> Evidence:
    """401 at the token request."""
    return [entry for entry in _final(trace, "key") if entry.data.get("status") == 401]


@cause(
    "region-mismatch",
    "The WebRTC host's region is not the resource's region, or has no Realtime service.",
    fix="Set AZURE_OPENAI_WEBRTC_REGION to the region of the resource; the preview runs in eastus2 and swedencentral only.",
    source="Microsoft, realtime-audio-webrtc-legacy",
)
def region_mismatch(trace: Trace) -> Evidence:
    """The key was minted but the regional host refuses with 401, 403 or 404, or its name does not resolve."""
    dialect = DIALECTS[trace.header.dialect]
    if not dialect.regions:
        return []
    refused = [entry for entry in _final(trace, "call") if entry.data.get("status") in (403, 404)]
    unknown_host = [entry for entry in trace.of("http.failed") if entry.data.get("step") == "call"]
    if _saying(refused, r"region") or (_region(trace) and _region(trace) not in dialect.regions):
        return refused + unknown_host
    return [] if _saying(refused, r"Resource not found") else refused


@cause(
    "wrong-path",
    "The URL's path is none of this dialect's.",
    fix="Compare the URL with `harness dialects`: /openai/realtime is the preview WebSocket, not WebRTC; and check the resource's host name.",
    source="Microsoft, realtime-audio-webrtc; migration guide",
)
def wrong_path(trace: Trace) -> Evidence:
    """404 without a better reason."""
    refused = [entry for entry in _final(trace, "key") + _final(trace, "call") if entry.data.get("status") == 404]
    return _saying(refused, r"resource not found|not found|^\"?\"?$")


@cause(
    "wrong-session-fields",
    "The request carries session fields of the other generation.",
    fix="GA nests them below session with session.type; the preview takes flat fields (max_response_output_tokens, modalities). See `harness dialects`.",
    source="openai/openai-python#2638; TanStack/ai#586",
)
def wrong_session_fields(trace: Trace) -> Evidence:
    """unknown_parameter or missing_required_parameter at the token request."""
    return _saying(_final(trace, "key"), r"unknown_parameter|missing_required_parameter")


@cause(
    "rate-limited",
    "The service's rate limit or quota is used up.",
    fix="Wait as long as Retry-After says, lower the number of parallel calls, or raise the deployment's quota.",
    source="Microsoft, troubleshoot-errors",
)
def rate_limited(trace: Trace) -> Evidence:
    """429 as the last word of a request."""
    return [entry for entry in _final(trace, "key") + _final(trace, "call") if entry.data.get("status") == 429]


@cause(
    "offer-refused",
    "The service refuses the SDP offer.",
    fix="Post the raw offer as application/sdp (no JSON around it), with an audio section, Opus, and the data channel created before the offer.",
    source="espressif/esp-webrtc-solution#17",
)
def offer_refused(trace: Trace) -> Evidence:
    """400 or 415 at the call request."""
    return [entry for entry in _final(trace, "call") if entry.data.get("status") in (400, 415)]


@cause(
    "service-unreachable",
    "The service could not be reached at all.",
    fix="Check the host name (the resource's name, not its URL), DNS, proxy and firewall.",
    source="Microsoft, realtime-audio-webrtc, troubleshooting (endpoint and network)",
)
def service_unreachable(trace: Trace) -> Evidence:
    """The last try of a request got no response."""
    failed = {entry.data.get("id") for entry in trace.of("http.failed")}
    last = [entry for entry in trace.of("http.request") if entry.data.get("step") in ("key", "call")][-1:]
    return [
        entry for entry in trace.of("http.failed") if last and entry.data.get("id") == last[0].data.get("id") and failed
    ]


@cause(
    "service-error",
    "The service itself failed.",
    fix="Try again with a back-off; if it stays, look at the vendor's status page.",
    source="Microsoft, troubleshoot-errors",
)
def service_error(trace: Trace) -> Evidence:
    """5xx as the last word of a request."""
    return [entry for entry in _final(trace, "key") + _final(trace, "call") if int(entry.data.get("status", 0)) >= 500]


@cause(
    "channel-never-opened",
    "The answer was accepted but the data channel never opened.",
    fix="Create the channel before the offer, mint the key right before it, and let UDP 3478 (or TCP 443) through the firewall.",
    source=_TROUBLE,
)
def channel_never_opened(trace: Trace) -> Evidence:
    """An answer, no open channel, and the call gave up."""
    answer = trace.first("sdp.answer")
    return [answer] if answer and trace.first("harness.error") and not trace.of("channel.open") else []


@cause(
    "connection-lost",
    "The connection went away during the session.",
    fix="See the last connection states in the trace; a service that restarts or a network that changes ends the call.",
    source="W3C WebRTC, RTCPeerConnectionState",
)
def connection_lost(trace: Trace) -> Evidence:
    """ConnectionLost after an open channel."""
    return [entry for entry in trace.of("harness.error") if entry.data.get("error") == "ConnectionLost"]
