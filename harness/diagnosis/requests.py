"""Causes in the credentials of a refused request, in its body, in a response that is of no use, or in none at all."""

from __future__ import annotations

import re

from harness.diagnosis.base import Case, Evidence, body_of, cause, status_of
from harness.rules.support.fields import at, text
from harness.rules.support.sources import MS_ERRORS, MS_PREVIEW_WEBRTC, MS_WEBRTC, OWN, issue
from harness.trace import Entry

_TIMEOUTS = re.compile(r"Timeout|PoolTimeout", re.IGNORECASE)


@cause(
    "ephemeral-key-required",
    "A long-lived key was sent where an ephemeral key belongs.",
    rank=300,
    fix="Send the value of the token response (client_secret.value in beta, value in GA) as Bearer with the SDP offer.",
    source=issue("BerriAI/litellm#38645"),
)
def ephemeral_key_required(case: Case) -> Evidence:
    """401 that asks for ephemeral authentication, or a refused call request that carries the long-lived key (SEC-01)."""
    asked = {entry.seq for entry in case.broken("SEC-01")}
    refused = case.refused(401, 403, step="call")
    return case.refused(401, step="call", saying="requires ephemeral authentication") or [
        one for one in refused if (sent := case.request_of(one)) and sent.seq in asked
    ]


@cause(
    "ephemeral-key-expired",
    "The ephemeral key had expired when the offer was posted.",
    rank=305,
    fix="Mint the key right before the offer; in the preview it lives one minute. Read expires_at instead of assuming.",
    source=f"{MS_PREVIEW_WEBRTC}; {issue('Azure-Samples/aoai-realtime-audio-sdk#123')}",
)
def ephemeral_key_expired(case: Case) -> Evidence:
    """401 at the call request that speaks of expiry, or that came later than the key's expires_at (HTTP-12)."""
    late = {entry.seq for entry in case.broken("HTTP-12")}
    return case.refused(401, step="call", saying="expired") or [
        one for one in case.refused(401, step="call") if (sent := case.request_of(one)) and sent.seq in late
    ]


@cause(
    "key-already-used",
    "The ephemeral key has been used before, and it opens one call only.",
    rank=308,
    fix="Mint a key for each call, also for a second try, and cache none.",
    source=issue("kizuna-ai-lab/sokuji#377"),
)
def key_already_used(case: Case) -> Evidence:
    """401 or 403 at the call request that says the key has been used."""
    return case.refused(401, 403, step="call", saying=r"already[ _](been[ _])?used")


@cause(
    "not-the-minted-key",
    "The call request does not carry the key that the token response brought.",
    rank=310,
    fix="Read the key where this dialect puts it (client_secret.value in beta, value in GA), and keep a gateway from wrapping or replacing it.",
    source=f"{issue('Azure-Samples/aoai-realtime-audio-sdk#123')}; {MS_WEBRTC}",
)
def not_the_minted_key(case: Case) -> Evidence:
    """401 or 403 at the call request, whose Bearer value is missing or none that was minted (HTTP-11)."""
    other = {entry.seq for entry in case.broken("HTTP-11")}
    refused = case.refused(401, 403, step="call")
    return [one for one in refused if (sent := case.request_of(one)) and sent.seq in other]


@cause(
    "call-key-refused",
    "The service does not accept the key that the call request was given.",
    rank=315,
    fix="Check the key (harness check --key, or HARNESS_CALL_KEY): it is sent as Authorization: Bearer. Without it the key is asked for first.",
    source=OWN,
)
def call_key_refused(case: Case) -> Evidence:
    """401 at the call request of a client that asked for no ephemeral key."""
    return case.refused(401, step="call") if _came_with_a_key(case) else []


def _came_with_a_key(case: Case) -> bool:
    """The caller's own recording has no token request. What a service records does not tell where a key comes from."""
    asked = case.trace.of("http.request")
    return case.trace.header.observer == "client" and not any(one.data.get("step") == "key" for one in asked)


@cause(
    "ephemeral-key-refused",
    "The service refuses a fresh ephemeral key.",
    rank=320,
    fix="Use the key with the endpoint of the resource and dialect that minted it, and look whether a gateway changes the Authorization header.",
    source=issue("Azure-Samples/aoai-realtime-audio-sdk#123"),
)
def ephemeral_key_refused(case: Case) -> Evidence:
    """401 at the call request without a better reason."""
    return [] if _came_with_a_key(case) else case.refused(401, step="call")


@cause(
    "credential-misplaced",
    "The token request carries no credential that this service reads.",
    rank=325,
    fix="Send one: Azure takes api-key or Authorization: Bearer with an Entra token, OpenAI only Authorization: Bearer with the API key.",
    source=f"{MS_WEBRTC}; OpenAI API reference, Authentication",
)
def credential_misplaced(case: Case) -> Evidence:
    """401 at a token request whose headers, as recorded, lack the one credential of the right kind (HTTP-03)."""
    wrong = {entry.seq for entry in case.broken("HTTP-03")}
    refused = case.refused(401, step="key")
    return [one for one in refused if (sent := case.request_of(one)) and sent.seq in wrong and sent.data.get("headers")]


@cause(
    "api-key-invalid",
    "The service does not accept the API key.",
    rank=330,
    fix="Check AZURE_OPENAI_REALTIME_KEY (OPENAI_API_KEY): Key 1 or Key 2 of this very resource, from 'Keys and Endpoint'; regenerate it if in doubt.",
    source=f"{issue('SciSharp/BotSharp#386')}; {MS_WEBRTC}",
)
def api_key_invalid(case: Case) -> Evidence:
    """401 at the token request."""
    return case.refused(401, step="key")


@cause(
    "access-forbidden",
    "The service knows the caller but does not let it in.",
    rank=335,
    fix="Check the resource's network rules (private endpoint, firewall), the role of the identity (Cognitive Services OpenAI User), and that the resource is not suspended.",
    source=f"{MS_ERRORS}; {MS_WEBRTC}",
)
def access_forbidden(case: Case) -> Evidence:
    """403 without a better reason."""
    return case.refused(403)


@cause(
    "token-request-empty",
    "The token request has no body, or one that is no JSON object.",
    rank=340,
    fix='Send a JSON object with content-type application/json; the least is {"session": {"type": "realtime", "model": ...}} in GA and {"model": ...} in beta.',
    source=issue("openai/openai-agents-js#549"),
)
def token_request_empty(case: Case) -> Evidence:
    """A refused token request whose body is empty, no JSON, or not labelled as JSON (HTTP-04)."""
    wrong = {entry.seq for entry in case.broken("HTTP-04")}
    return [
        one
        for one in case.refused(400, 411, 415, 422, step="key")
        if (sent := case.request_of(one)) and (sent.seq in wrong or body_of(sent) in ("", "{}", "null"))
    ]


@cause(
    "token-request-refused",
    "The service refuses what the token request asks for.",
    rank=345,
    fix="The response's message and param name the setting.",
    source=MS_ERRORS,
    advise=lambda case: case.finding("HTTP-07", "HTTP-05", "HTTP-06", "SES-08", "SES-10"),
)
def token_request_refused(case: Case) -> Evidence:
    """A status from 400 to 422 at the token request without a better reason."""
    return case.refused(*(set(range(400, 423)) - {401, 403, 404}), step="key")


@cause(
    "redirected",
    "Something in front of the service answers with a redirect: a login page, a proxy, or http where https belongs.",
    rank=350,
    fix="Use the service's own https address; API requests are not redirected, and following one would carry the key to another host.",
    source=OWN,
    tell=lambda case: _target(case),
)
def redirected(case: Case) -> Evidence:
    """A 3xx status as the last word of a request."""
    return [one for one in case.refused() if 300 <= status_of(one) < 400]


@cause(
    "key-in-other-place",
    "The token response has its key where the other generation puts it.",
    rank=355,
    fix="Read client_secret.value in beta and the top-level value in GA; a gateway that translates must move it.",
    source=f"{MS_PREVIEW_WEBRTC}; {MS_WEBRTC}",
)
def key_in_other_place(case: Case) -> Evidence:
    """A successful token response without a key at this dialect's place, but with one at the other's."""
    own = case.view.dialect.key_path
    other = ("value",) if len(own) > 1 else ("client_secret", "value")
    return [
        one
        for one in _useless_key(case)
        if isinstance(at(one.data, "body", *other), str) and not isinstance(at(one.data, "body", *own), str)
    ]


@cause(
    "no-key-in-response",
    "The token response is a success and has no key in it.",
    rank=360,
    fix="Look at the body in the trace: a web page comes from a login or a proxy, other JSON from another endpoint; check the URL.",
    source=MS_WEBRTC,
)
def no_key_in_response(case: Case) -> Evidence:
    """The call failed at the key, on a 2xx response."""
    return _useless_key(case)


def _useless_key(case: Case) -> list[Entry]:
    error = case.trace.first("harness.error")
    last = [one for one in case.trace.of("http.response") if one.data.get("step") == "key"][-1:]
    return [one for one in last if error and error.data.get("step") == "key" and 200 <= status_of(one) < 300]


@cause(
    "host-unknown",
    "The host name of the URL does not exist.",
    rank=365,
    fix="AZURE_OPENAI_RESOURCE_NAME takes the resource's name alone, not its URL; check the region, the endpoint variables and DNS.",
    source=MS_WEBRTC,
)
def host_unknown(case: Case) -> Evidence:
    """The request failed because its host name cannot be resolved."""
    return [one for one in case.unanswered() if _failure(one, r"gaierror|resolve|getaddrinfo|Name or service")]


@cause(
    "tls-failed",
    "No TLS connection to the service.",
    rank=370,
    fix="Check https against http, the clock, and the certificate of a proxy in between (SSL_CERT_FILE names its CA). "
    "harness check takes a certificate of your own by --cafile, and any by --insecure.",
    source=OWN,
)
def tls_failed(case: Case) -> Evidence:
    """The request failed in the TLS handshake."""
    return [one for one in case.unanswered() if _failure(one, r"SSL|certificate|TLS")]


@cause(
    "service-too-slow",
    "The service did not answer in time.",
    rank=375,
    fix="Try again; check proxy and firewall (a dropped packet looks the same); caller.timeout in the scenario allows more time.",
    source=MS_ERRORS,
)
def service_too_slow(case: Case) -> Evidence:
    """The last try of a request ran into the time limit."""
    return [one for one in case.unanswered() if _TIMEOUTS.search(text(one.data, "error"))]


@cause(
    "response-cut-off",
    "The connection was closed before the whole response had come.",
    rank=380,
    fix="Check that it is an HTTP service and still running, and that no proxy in between limits size or time.",
    source=OWN,
)
def response_cut_off(case: Case) -> Evidence:
    """The last try of a request ended in the middle of its response."""
    return [one for one in case.unanswered() if _failure(one, r"RemoteProtocol|ReadError|ConnectionReset|BrokenPipe")]


@cause(
    "service-unreachable",
    "The service could not be reached at all.",
    rank=385,
    fix="Check host and port, proxy and firewall, and that the service runs.",
    source=MS_WEBRTC,
)
def service_unreachable(case: Case) -> Evidence:
    """The last try of a request got no response."""
    return case.unanswered()


@cause(
    "service-error",
    "The service itself failed.",
    rank=390,
    fix="Try again with a back-off; if it stays, look at the vendor's status page.",
    source=MS_ERRORS,
)
def service_error(case: Case) -> Evidence:
    """5xx as the last word of a request, apart from 501: there the method is unknown."""
    return [one for one in case.refused() if status_of(one) >= 500 and status_of(one) != 501]


def _target(case: Case) -> str:
    """Where a redirect leads."""
    named = [where for one in redirected(case) if (where := text(one.data, "headers", "location"))]
    return f"It leads to {named[0]}." if named else ""


def _failure(entry: Entry, pattern: str) -> bool:
    return bool(re.search(pattern, f"{text(entry.data, 'error')} {text(entry.data, 'message')}", re.IGNORECASE))
