"""Causes that the service names itself, in the body of an HTTP response."""

from __future__ import annotations

import re

from harness.diagnosis.base import Case, Evidence, body_of, cause, status_of
from harness.protocol.sessions import SESSION_FIELDS
from harness.rules.support.fields import text
from harness.rules.support.http_view import QUOTA, asked_pause, media_type
from harness.rules.support.sources import MS_ERRORS, MS_PREVIEW_WEBRTC, MS_WEBRTC, OWN, issue, rfc
from harness.trace import Entry

_UNKNOWN_FIELD = r"unknown_parameter|unknown parameter|unsupported_parameter"
_SPELLINGS = frozenset(
    part for row in SESSION_FIELDS for path in (row.beta, row.ga) if path for part in path if part != "audio"
) | {"session", "audio"}


def names_known_field(error: str) -> bool:
    """Whether the field that an error names is one that some generation has: then it is the other generation's."""
    named = re.findall(r"'([\w.\[\]]+)'|\"param\": \"([\w.\[\]]+)\"", error)
    parts = {part for pair in named for name in pair for part in name.split(".")[-1:] if part}
    return not parts or bool(parts & _SPELLINGS)


@cause(
    "error-taken-for-answer",
    "The body of an error was put into setRemoteDescription as if it were an answer.",
    rank=100,
    fix='Check the status first: only a 2xx body is SDP. The browser\'s message for this is "Expect line: v=".',
    source=f"{issue('openai/openai-agents-js#1460')}; {issue('openai/openai-agents-js#1461')}",
)
def error_taken_for_answer(case: Case) -> Evidence:
    """The client went on with a call response that was no success (HTTP-20). Why it was refused stands after this."""
    return case.broken("HTTP-20")


@cause(
    "web-page-answers",
    "A web page came instead of an answer of the API.",
    rank=102,
    fix="Check host and URL: a proxy, a login page, a gateway or another site answers there.",
    source=OWN,
)
def web_page_answers(case: Case) -> Evidence:
    """A request that is refused with HTML. 501 is a server that knows no POST, which wrong-path is about."""
    return [one for one in case.refused() if status_of(one) >= 400 and status_of(one) != 501 and _is_page(one)]


@cause(
    "deployment-not-found",
    "The resource has no deployment of this name.",
    rank=105,
    fix="Put the deployment's name (not the model's; upper and lower case count) into AZURE_OPENAI_REALTIME_DEPLOYMENT; a new deployment needs up to five minutes.",
    source=f"{MS_ERRORS}; {MS_WEBRTC}",
    tell=lambda case: _named(case, "deployment"),
)
def deployment_not_found(case: Case) -> Evidence:
    """The token or call request is refused with DeploymentNotFound, or with words to that effect."""
    return case.refused(saying=r"DeploymentNotFound|deployment.{0,60}(not (been )?found|does not exist)")


@cause(
    "model-not-found",
    "The service has no model of this name, or none that this key may use.",
    rank=107,
    fix="Set OPENAI_REALTIME_MODEL to a realtime model that the account has access to.",
    source="OpenAI API reference, Error codes",
    tell=lambda case: _named(case, "model"),
)
def model_not_found(case: Case) -> Evidence:
    """The token or call request is refused with model_not_found, or with words to that effect."""
    return case.refused(saying=r"model_not_found|model.{0,60}(not found|does not exist)")


@cause(
    "beta-api-removed",
    "The service no longer speaks the beta protocol.",
    rank=110,
    fix="Use the GA dialect (openai-ga or azure-ga): /realtime/client_secrets and /realtime/calls, nested session fields.",
    source=issue("TanStack/ai#586"),
)
def beta_api_removed(case: Case) -> Evidence:
    """A request is refused with code beta_api_shape_disabled."""
    return case.refused(saying=r"beta_api_shape_disabled")


@cause(
    "realtime-not-supported",
    "The deployed model has no Realtime API, or the request does not say which deployment it means.",
    rank=115,
    fix="Deploy a realtime model (gpt-realtime, gpt-realtime-mini) and name that deployment; a chat or audio model does not do.",
    source="Microsoft Q&A 12820829; " + issue("maximhq/bifrost#3760"),
)
def realtime_not_supported(case: Case) -> Evidence:
    """400 with OperationNotSupported, which the service also spells OpperationNotSupported."""
    return case.refused(
        saying=r"Opp?erationNotSupported|does not (support|work with) (the )?realtime|not supported in realtime"
    )


@cause(
    "flat-transcription-in-ga",
    "A GA token request carries the beta's flat input_audio_transcription, and the service fails on it with 500.",
    rank=120,
    fix="Put it where GA has it: session.audio.input.transcription.",
    source="Microsoft Q&A 5908916",
)
def flat_transcription_in_ga(case: Case) -> Evidence:
    """A 5xx at the token request, whose body has input_audio_transcription in a GA dialect."""
    if not case.view.dialect.generation.typed:
        return []
    failed = case.refused(500, 502, 503, step="key")
    return [one for one in failed if (sent := case.request_of(one)) and "input_audio_transcription" in body_of(sent)]


@cause(
    "request-content-filtered",
    "The content filter refuses the text of the request.",
    rank=125,
    fix="Look at innererror for the category; change the instructions, or the filter of the deployment.",
    source=MS_ERRORS,
)
def request_content_filtered(case: Case) -> Evidence:
    """400 with code content_filter at the token or call request."""
    return case.refused(400, saying=r"content_filter|ResponsibleAIPolicyViolation")


@cause(
    "session-type-missing",
    "The session does not say its type, and GA then refuses all of it.",
    rank=130,
    fix='Put "type": "realtime" (or "transcription") into the session of the token request and of every session.update.',
    source=f"{issue('TanStack/ai#586')}; {issue('openai/openai-agents-js#466')}",
)
def session_type_missing(case: Case) -> Evidence:
    """missing_required_parameter for session.type from the token request, or a session.update without a type (SES-06)."""
    if not case.view.dialect.generation.typed:
        return []
    named = r"missing_required_parameter(?s:.*)session\.type|session\.type(?s:.*)missing_required_parameter"
    updates = case.broken("SES-06")
    return [
        *case.refused(400, step="key", saying=named),
        *updates,
        *(case.errors(saying=r"session") if updates else []),
    ]


@cause(
    "wrong-session-fields",
    "The request carries session fields of the other generation.",
    rank=135,
    fix="GA nests them below session with session.type and audio.input, audio.output; the preview takes flat fields (voice, modalities, max_response_output_tokens). See `harness dialects`.",
    source=f"{issue('openai/openai-python#2638')}; {issue('livekit/agents#3489')}",
)
def wrong_session_fields(case: Case) -> Evidence:
    """The token request is refused for a field that is missing, or that only the other generation has."""
    missing = case.refused(400, step="key", saying=r"missing_required_parameter")
    unknown = [one for one in case.refused(400, step="key", saying=_UNKNOWN_FIELD) if names_known_field(body_of(one))]
    return [one for one in [*missing, *unknown] if not _empty(case, one)]


@cause(
    "unknown-session-field",
    "The request carries a session field that no generation knows.",
    rank=140,
    fix="Correct its spelling, or leave it out; the error's param names its place.",
    source=issue("openai/openai-python#2638"),
)
def unknown_session_field(case: Case) -> Evidence:
    """The token request is refused for an unknown field that is in neither generation's session."""
    return [one for one in case.refused(400, step="key", saying=_UNKNOWN_FIELD) if not names_known_field(body_of(one))]


@cause(
    "quota-exhausted",
    "The account's or the deployment's quota is used up; waiting does not help.",
    rank=145,
    fix="Check billing and limits of the account (insufficient_quota), or give the deployment more quota.",
    source=f"{issue('openai/openai-agents-js#1460')}; {MS_ERRORS}",
)
def quota_exhausted(case: Case) -> Evidence:
    """429 or 403 with insufficient_quota, or with words about the quota."""
    return case.refused(429, 403, saying=QUOTA)


@cause(
    "rate-limited",
    "The service's rate limit is reached.",
    rank=150,
    fix="Wait as long as Retry-After (retry-after-ms) says, lower the number of parallel calls, or raise the deployment's limit.",
    source=MS_ERRORS,
    tell=lambda case: _pause(case),
)
def rate_limited(case: Case) -> Evidence:
    """429 as the last word of a request."""
    return case.refused(429)


@cause(
    "places-not-given-back",
    "The service refuses another call at its session limit, although all earlier calls have ended.",
    rank=148,
    fix="Release the session when a call ends: at POST .../hangup, at DELETE on Location, and at the latest when the peer connection closes "
    "or its consent expires (30 s, RFC 7675).",
    source=f"{rfc(7675, '5.1')}; {rfc(9725, '4.2')}",
    tell=lambda case: f"{text(_places(case)[0].data, 'text')}." if _places(case) else "",
)
def places_not_given_back(case: Case) -> Evidence:
    """429 or 503 at the end of a set-up that waited until all other calls of this run had ended; a note of the recording says so."""
    return [*case.refused(429, 503), *_places(case)] if _places(case) else []


@cause(
    "call-id-not-found",
    "The service does not know the call that a later request names.",
    rank=155,
    fix="Take the id from the last segment of Location, use it while the call is up, and send the standard key, not the ephemeral one.",
    source=f"{issue('openai/openai-realtime-console#562')}; OpenAI developer community 1396002",
)
def call_id_not_found(case: Case) -> Evidence:
    """404 with code call_id_not_found, on the hang-up of a call that stood."""
    return [] if case.failed_call else case.refused(404, step="hangup", saying="call_id_not_found")


@cause(
    "region-mismatch",
    "The WebRTC host's region is not the resource's region, or has no Realtime service.",
    rank=160,
    fix="Set AZURE_OPENAI_WEBRTC_REGION to the region of the resource; the preview runs in eastus2 and swedencentral only.",
    source=f"{MS_PREVIEW_WEBRTC}; {issue('Azure-Samples/realtime-call-center-accelerator#5')}",
    tell=lambda case: f"The region is {case.configured('region')}." if case.configured("region") else "",
)
def region_mismatch(case: Case) -> Evidence:
    """In the preview the key was minted but the regional host refuses, or its name does not resolve.

    A 403 is enough; a 401 or 404 must speak of a region, or the region that was set must be one without the service.
    """
    dialect = case.view.dialect
    if not dialect.regions:
        return []
    region = case.configured("region")
    elsewhere = bool(region) and region not in dialect.regions
    said = case.refused(401, 403, 404, step="call", saying=r"\bregion")
    set_wrong = case.refused(401, 403, 404, step="call") if elsewhere else []
    unknown = [one for one in case.unanswered() if one.data.get("step") == "call" and elsewhere]
    plain = [one for one in case.refused(403, step="call") if status_of(one)]
    return said or set_wrong or unknown or plain


def _empty(case: Case, response: Entry) -> bool:
    asked = case.request_of(response)
    return asked is not None and body_of(asked) in ("", "{}", "null", '""')


def _named(case: Case, kind: str) -> str:
    name = case.configured("deployment")
    return f"The {kind} was called {name!r}." if name else ""


def _places(case: Case) -> list[Entry]:
    """The note of a call that was made again until no other was left."""
    return [one for one in case.trace.of("harness.note") if one.data.get("about") == "places"]


def _pause(case: Case) -> str:
    """How long the service asks to wait."""
    asked = [asked_pause(one) for one in case.refused(429)]
    return f"It asks to wait for {asked[0]:g} s." if asked and asked[0] is not None else ""


def _is_page(response: Entry) -> bool:
    return "html" in media_type(response) or bool(re.match(r"\s*<(!doctype\s+)?html", body_of(response), re.IGNORECASE))
