"""From a response that is no success to what it means and what to do: one row per documented refusal, the most specific first."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from harness.client.http import LONGEST_WAIT, Response, retry_after
from harness.errors import shorten
from harness.targets.endpoints import VARIABLES, Endpoints

BOTH = ("key", "call")


@dataclass(frozen=True)
class Refusal:
    """A row: at which requests (``key``, ``call``) and statuses it applies, what the body says, what it means, what to do.

    ``what`` and ``fix`` are templates over :func:`_words`. ``regional`` rows apply only where the dialect's call host is per region,
    ``direct`` rows only where a key was given for the call request itself.
    """

    steps: tuple[str, ...]
    statuses: range
    says: str
    what: str
    fix: str
    regional: bool = False
    direct: bool = False


def _only(status: int) -> range:
    return range(status, status + 1)


# Microsoft: realtime-audio-webrtc (troubleshooting), realtime-audio-webrtc-legacy, preview-to-GA migration guide,
# troubleshoot-errors. OpenAI: realtime reference; the threads named in the rows.
REFUSALS: tuple[Refusal, ...] = (
    Refusal(
        BOTH,
        range(300, 400),
        "",
        "the service redirects to {location}; redirects are not followed, they would carry the key to another host",
        "point {host} at the final address",
    ),
    # TanStack/ai#586
    Refusal(
        BOTH,
        range(400, 500),
        r"beta_api_shape_disabled",
        "the service no longer speaks the beta protocol",
        "use the GA dialect: openai-ga or azure-ga",
    ),
    Refusal(
        BOTH,
        _only(404),
        r"DeploymentNotFound|deployment.{0,60}(?:not (?:been )?found|does not exist)",
        "there is no deployment called {model!r}",
        "set {model_variable} to the deployment's name: it is case sensitive and not the model's name; a new deployment needs up to 5 minutes",
    ),
    Refusal(
        BOTH,
        range(400, 500),
        r"model_not_found|model.{0,60}(?:not found|does not exist)",
        "there is no model called {model!r}",
        "set {model_variable} to a realtime model that this key may use",
    ),
    Refusal(
        ("key",),
        _only(401),
        "",
        "the service does not accept the API key",
        "check {key_variable}: it must be a valid key of {origin}; check {host} too, a key of another resource or account gives the same answer",
    ),
    # BerriAI/litellm PR#38645
    Refusal(
        ("call",),
        _only(401),
        r"requires ephemeral authentication",
        "the service wants the ephemeral key, and was sent another one",
        "send the key out of the token response as Bearer; a gateway in between may have replaced it",
    ),
    Refusal(
        ("call",),
        _only(401),
        r"expired",
        "the ephemeral key had expired when the offer was posted",
        "post the offer right after the token request: this key lives for {key_seconds}",
    ),
    Refusal(
        ("call",),
        _only(401),
        "",
        "the service does not accept the key that was given for the call request",
        "check --key (or HARNESS_CALL_KEY)",
        direct=True,
    ),
    Refusal(
        ("call",),
        _only(401),
        "",
        "the service does not accept the ephemeral key",
        "use the key before it expires (it lives for {key_seconds}), at the same resource that minted it{region_hint}",
    ),
    Refusal(
        ("call",),
        range(403, 405),
        r"\A(?!.*Resource not found)",
        "the WebRTC service in region {region!r} does not know this call",
        "set {region_variable} to the region of the resource itself{region_hint}",
        regional=True,
    ),
    Refusal(
        BOTH,
        _only(403),
        "",
        "the service forbids this request",
        "check the resource's network rules, the role of the identity (Entra), and that {model!r} is available in the resource's region",
    ),
    Refusal(
        BOTH,
        _only(404),
        "",
        "the service has nothing at this address",
        "check {host} and the dialect: {url} is the documented path of {dialect}{region_hint}",
    ),
    Refusal(
        BOTH,
        _only(400),
        r"Opp?erationNotSupported",
        "the deployment {model!r} does not do realtime audio",
        "deploy a realtime model and set {model_variable} to that deployment",
    ),
    # openai/openai-python#2638
    Refusal(
        ("key",),
        range(400, 423),
        r"unknown_parameter|missing_required_parameter|[Uu]nknown parameter",
        "the service does not know a session field of the token request",
        "the session's fields may belong to the other generation: `harness dialects` shows those of {dialect}",
    ),
    Refusal(
        ("key",),
        range(400, 423),
        "",
        "the service refuses the token request",
        "compare the session in the scenario with the documented fields of {dialect} (`harness dialects`)",
    ),
    # espressif/esp-webrtc-solution#17; swift-realtime-openai#54
    Refusal(
        ("call",),
        range(400, 423),
        "",
        "the service refuses the offer",
        "the offer is posted raw as application/sdp with an audio and a data channel section; check that {url} is a WebRTC endpoint of {dialect}",
    ),
    Refusal(
        BOTH,
        _only(429),
        r"insufficient_quota",
        "the quota of this key is used up",
        "check plan and billing: waiting does not help",
    ),
    Refusal(
        BOTH,
        _only(429),
        "",
        "the service's rate limit is reached",
        "{wait}; make fewer calls at a time, or raise the quota of {model!r}",
    ),
    Refusal(
        BOTH,
        range(500, 600),
        "",
        "the service failed ({status}), also when asked again",
        "try again later; look at the vendor's status page, or at the log of your gateway",
    ),
    Refusal(
        BOTH,
        range(100, 1000),
        "",
        "the service answered with status {status}",
        "check {host}: is this the Realtime API?",
    ),
)


Redact = Callable[[str], str]


def explain(endpoints: Endpoints, step: str, url: str, response: Response, redact: Redact) -> tuple[str, str]:
    """What a response without success means, and what to do about it; what is quoted of the response is redacted first."""
    words = _words(endpoints, step, url, response, redact)
    if response.looks_like_html and response.status >= 400:
        return (
            f"a web page came instead of an answer of the API (status {response.status})",
            f"check {words['host']}: a proxy, a gateway or another site answers at {url}",
        )
    for row in REFUSALS:
        if step not in row.steps or response.status not in row.statuses:
            continue
        if (row.regional and "{region}" not in endpoints.dialect.call_url) or (row.direct and not endpoints.direct):
            continue
        if not row.says or re.search(row.says, response.text, re.IGNORECASE | re.DOTALL):
            return row.what.format(**words), row.fix.format(**words)
    raise AssertionError("the last row takes every status")


def seen(response: Response, redact: Redact) -> str:
    """A response on one line: status, media type, and the error it names or its beginning.

    Redacted before it is shortened: half a key would not be recognised.
    """
    kind = shorten(redact(response.content_type)) or "no content-type"
    return f"HTTP {response.status}, {kind}: {shorten(redact(_message(response))) or 'empty body'}"


def _message(response: Response) -> str:
    """The ``error`` of a JSON body in either vendor's shape, else the body's text."""
    body: Any = response.body
    error = body.get("error", body) if response.json and isinstance(body, Mapping) else None
    if isinstance(error, Mapping) and isinstance(error.get("message"), str):
        code = error.get("code") or error.get("type")
        return f"{code}: {error['message']}" if code else error["message"]
    return response.text


def _words(endpoints: Endpoints, step: str, url: str, response: Response, redact: Redact) -> dict[str, Any]:
    dialect = endpoints.dialect
    names = VARIABLES[dialect.vendor]
    asked = retry_after(response.headers)
    wait = "the service does not say how long to wait"
    if asked is not None:
        waited = " (it was waited for once)" if asked <= LONGEST_WAIT else ""
        wait = f"wait {asked:g} s, as the service asks{waited}"
    region_hint = ""
    if step == "call" and dialect.regions:
        known = f"the WebRTC service exists in {' and '.join(dialect.regions)} only"
        wrong = f"{endpoints.region} is not a WebRTC region, " if endpoints.region not in dialect.regions else ""
        region_hint = f" ({wrong}{known})"
    seconds = f"{dialect.key_seconds} s" if dialect.key_seconds else "as long as its expires_at says"
    return {
        "dialect": dialect.name,
        "host": names["host"],
        "key_variable": names["key"],
        "model_variable": names["model"],
        "region_variable": names["region"],
        "model": endpoints.model,
        "region": endpoints.region,
        "region_hint": region_hint,
        "key_seconds": seconds,
        "location": shorten(redact(response.headers.get("location", ""))) or "nowhere (no Location)",
        "status": response.status,
        "url": url.partition("?")[0],
        "origin": urlsplit(url).netloc,
        "wait": wait,
    }
