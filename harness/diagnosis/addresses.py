"""Causes that stand in the address of a refused request: host, path and query."""

from __future__ import annotations

import re
from urllib.parse import parse_qs, urlsplit

from harness.diagnosis.base import Case, Evidence, cause
from harness.protocol.dialects import DIALECTS, Dialect
from harness.rules.support.fields import text
from harness.rules.support.sources import MS_MIGRATION, MS_PREVIEW_WEBRTC, MS_WEBRTC, issue
from harness.trace import Entry

_OTHER_AZURE_HOSTS = re.compile(r"\.cognitiveservices\.azure\.com$|\.api\.cognitive\.microsoft\.com$")
_WEBSOCKET_PATH = re.compile(r"/(openai/(v1/)?|v1/)realtime/?$")


def _path(url: str) -> str:
    return urlsplit(url).path.rstrip("/")


def _own_paths(dialect: Dialect) -> set[str]:
    return {_path(url) for url in (dialect.key_url, dialect.transcription_key_url, dialect.call_url)}


def _turned_down(case: Case) -> list[Entry]:
    """Refusals that an address may be the reason of, and requests without a response."""
    return [*case.refused(400, 401, 403, 404, 405), *case.unanswered()]


@cause(
    "wrong-domain",
    "The request goes to the resource's general host, which has no Realtime endpoints of this kind.",
    rank=200,
    fix="Use https://{resource}.openai.azure.com for the key (and, in GA, for the call); the preview's call goes to https://{region}.realtimeapi-preview.ai.azure.com.",
    source=f"{MS_PREVIEW_WEBRTC}; {MS_WEBRTC}",
)
def wrong_domain(case: Case) -> Evidence:
    """A refused or unanswered request to *.cognitiveservices.azure.com or another host of Azure AI."""
    return [one for one in _turned_down(case) if _OTHER_AZURE_HOSTS.search(_host(case, one))]


def _host(case: Case, response: Entry) -> str:
    asked = case.request_of(response)
    sent = text(asked.data, "headers", "host") if asked else ""
    return (urlsplit(case.url_of(response)).hostname or "") if not sent else sent.partition(":")[0]


@cause(
    "websocket-path",
    "The URL is the WebSocket's: /openai/realtime with api-version and deployment, the old single endpoint.",
    rank=205,
    fix="WebRTC takes two requests: first the key (/openai/realtimeapi/sessions in the preview, /openai/v1/realtime/client_secrets in GA), then the offer. See `harness dialects`.",
    source="Microsoft, How to use the Realtime API via WebSockets; " + MS_PREVIEW_WEBRTC,
)
def websocket_path(case: Case) -> Evidence:
    """A refused request to /openai/realtime, /openai/v1/realtime or /v1/realtime, where the dialect has no such path."""
    own = _own_paths(case.view.dialect)
    found = []
    for one in _turned_down(case):
        path = _path(case.url_of(one))
        if _WEBSOCKET_PATH.search(path) and path not in own:
            found.append(one)
    return found


@cause(
    "other-dialects-path",
    "The URL's path belongs to another dialect: preview and GA have different endpoints.",
    rank=210,
    fix="Choose one dialect for both requests; `harness dialects` shows the paths of each.",
    source=MS_MIGRATION,
)
def other_dialects_path(case: Case) -> Evidence:
    """A refused request whose path is that of another dialect's token or call endpoint."""
    others = {path for row in DIALECTS.values() for path in _own_paths(row)} - _own_paths(case.view.dialect)
    return [one for one in _turned_down(case) if _path(case.url_of(one)) in others]


@cause(
    "api-version-in-ga-url",
    "api-version was left in a GA URL.",
    rank=215,
    fix="Drop the api-version query: the GA endpoints take none.",
    source=MS_MIGRATION,
)
def api_version_in_ga_url(case: Case) -> Evidence:
    """A refused GA request whose URL carries api-version."""
    wanted = "api-version" in case.view.dialect.key_query
    return [one for one in _turned_down(case) if not wanted and "api-version" in _query(case, one)]


@cause(
    "api-version-missing",
    "The preview's token URL lacks its api-version, or has none of the form that is known.",
    rank=220,
    fix="Append ?api-version=2025-04-01-preview (AZURE_OPENAI_REALTIME_API_VERSION).",
    source=MS_PREVIEW_WEBRTC,
)
def api_version_missing(case: Case) -> Evidence:
    """A refused token request without a well-formed api-version, where the dialect asks for one."""
    if "api-version" not in case.view.dialect.key_query:
        return []
    return [
        one
        for one in case.refused(400, 401, 404, step="key")
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}(-preview)?", _query(case, one).get("api-version", ""))
    ]


@cause(
    "model-missing-in-call-url",
    "The call URL does not name the model.",
    rank=225,
    fix="Append ?model= with the deployment (preview) or the model (OpenAI beta) to the call URL.",
    source=issue("m1guelpf/swift-realtime-openai#54"),
)
def model_missing_in_call_url(case: Case) -> Evidence:
    """A refused call request without ?model=, in a dialect that asks for it."""
    refused = case.refused(400, 404, 413, step="call")
    return [one for one in refused if "model" in case.view.dialect.call_query and "model" not in _query(case, one)]


@cause(
    "model-in-ga-call-url",
    "The GA call URL names the model, and GA refuses that.",
    rank=230,
    fix="Drop ?model=: in GA the model belongs into the session of the token request.",
    source=issue("TanStack/ai#699"),
)
def model_in_ga_call_url(case: Case) -> Evidence:
    """A refused call request with ?model=, in a dialect that takes none."""
    refused = case.refused(400, 404, step="call")
    return [one for one in refused if "model" not in case.view.dialect.call_query and "model" in _query(case, one)]


@cause(
    "wrong-method",
    "The request is no POST.",
    rank=235,
    fix="Use POST for the token request and for the offer; mind that a redirect from http to https turns a POST into a GET.",
    source=MS_WEBRTC,
)
def wrong_method(case: Case) -> Evidence:
    """405, or a refused request with another method than POST."""
    refused = case.refused()
    return case.refused(405) or [
        one for one in refused if (asked := case.request_of(one)) and text(asked.data, "method") not in ("POST", "")
    ]


@cause(
    "wrong-path",
    "The URL's path is none of this service.",
    rank=240,
    fix="Compare the URL with `harness dialects`, and check the resource's host name and what a gateway in between makes of the path. "
    "A service without a token endpoint is checked with harness check --key.",
    source=f"{MS_WEBRTC}; {MS_MIGRATION}",
)
def wrong_path(case: Case) -> Evidence:
    """404 without a better reason, or 501: something that knows no POST."""
    return case.refused(404, 501)


def _query(case: Case, response: Entry) -> dict[str, str]:
    return {name: values[-1] for name, values in parse_qs(urlsplit(case.url_of(response)).query).items()}
