"""HTTP: the token request, which turns a long-lived key into an ephemeral one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from harness.protocol.dialects import BETA, GA, WAYS
from harness.protocol.hosts import is_loopback
from harness.rules.base import DOCUMENTED, MUST, Observation, View, bad, judged
from harness.rules.http import FAMILY
from harness.rules.support.fields import MISSING, at, mapping, shown, text
from harness.rules.support.http_view import (
    asked_lifetime,
    body_of,
    exchanges,
    header,
    media_type,
    query_of,
    url_of,
)
from harness.rules.support.sources import MS_MIGRATION, MS_PREVIEW_WEBRTC, MS_WEBRTC, OPENAPI, beta_sdk, issue, sdk

_KEY_API = "; ".join((MS_WEBRTC, MS_PREVIEW_WEBRTC, OPENAPI))
_SECRETS = sdk("client_secret_create_params.py", "client_secret_create_response.py")
_BETA_SECRETS = beta_sdk("session_create_params.py", "session_create_response.py")
_GA_ONLY = ("session", "type", "audio", "output_modalities", "max_output_tokens")
_SESSION_TYPES = ("realtime", "transcription")
_SHORTEST, _LONGEST = 10, 7200  # seconds that expires_after may ask for


@FAMILY.rule("01", MUST, DOCUMENTED, _KEY_API)
def token_request_address(view: View) -> Iterator[Observation]:
    """the token request is a POST over https to the dialect's path

    The ephemeral key is asked for with POST at one path, which differs from dialect to dialect, and only over https.

    Another path is answered with 404; plain http would show the long-lived key to the network. A gateway may put a prefix
    before the path, and a service on this machine (localhost, 127.0.0.0/8, ::1) may be asked over http.

    Okay:
        request key
    Okay:
        request key {"url": "http://127.0.0.1:8080/openai/v1/realtime/client_secrets"}
    Okay[openai-ga]:
        request key {"url": "https://gateway.example/tenant/v1/realtime/client_secrets"}
    Fail:
        request key {"method": "GET"}
    Fail:
        request key {"url": "https://contoso.openai.azure.com/openai/realtimeapi/sessions"}
    Fail:
        request key {"url": "http://contoso.openai.azure.com/openai/v1/realtime/client_secrets"}
    """
    paths = tuple(
        dict.fromkeys(urlsplit(url).path for url in (view.dialect.key_url, view.dialect.transcription_key_url))
    )
    for one in exchanges(view, "key"):
        method, url = text(one.request.data, "method").upper(), url_of(one.request)
        secure = url.scheme == "https" or is_loopback(url.hostname)
        yield judged(
            one.request,
            method == "POST" and secure and url.path.endswith(paths),
            [f"POST https://.../{path.lstrip('/')}" for path in paths],
            f"{method} {url.scheme}://{url.netloc}{url.path}",
        )


@FAMILY.rule("02", MUST, DOCUMENTED, MS_PREVIEW_WEBRTC, MS_MIGRATION, dialects=("azure-preview", "azure-ga"))
def api_version(view: View) -> Iterator[Observation]:
    """the preview's token URL has an api-version, and no GA URL has one

    The Azure preview is versioned by the query parameter api-version; the GA API has no such parameter any more.

    Microsoft's migration guide names an api-version left in a GA URL as a cause of status 401. Drop it when moving to GA.

    Okay[azure-preview]:
        request key
    Okay[azure-ga]:
        request key
        request call
    Fail[azure-preview]:
        request key {"query": ""}
    Fail[azure-ga]:
        request key {"query": "api-version=2025-04-01-preview"}
    Fail[azure-ga]:
        request call {"query": "api-version=2025-08-28"}
    """
    wanted = "api-version" in view.dialect.key_query
    for one in exchanges(view, "key") if wanted else exchanges(view):
        value = query_of(one.request).get("api-version")
        if wanted:
            yield judged(one.request, bool(value), "api-version=<date>-preview", value or "no api-version")
        else:
            yield judged(one.request, value is None, "no api-version", f"api-version={value}")


@FAMILY.rule("03", MUST, DOCUMENTED, _KEY_API)
def one_credential(view: View) -> Iterator[Observation]:
    """the token request carries exactly one credential of the right kind

    Azure takes either an api-key header or an Entra token as Authorization: Bearer, never both; OpenAI takes Bearer only.

    With two credentials it is undefined which one counts, and the wrong one gives a 401 that is hard to explain.

    Okay[azure-ga]:
        request key
    Okay[azure-preview]:
        request key {"headers": {"api-key": "__absent__", "authorization": "Bearer [redacted:11:1200:text]"}}
    Okay[openai-ga]:
        request key
    Fail[azure-ga]:
        request key {"headers": {"authorization": "Bearer [redacted:3:1200:text]"}}
    Fail[azure-ga]:
        request key {"headers": {"api-key": "__absent__"}}
    Fail[openai-ga]:
        request key {"headers": {"authorization": "__absent__", "api-key": "[redacted:11:64:text]"}}
    """
    for one in exchanges(view, "key"):
        seen = [way for way in WAYS if header(one.request, way.header)]
        right = [
            way
            for way in seen
            if way in view.dialect.auth and way.key_in({way.header: header(one.request, way.header)})
        ]
        yield judged(
            one.request,
            len(seen) == len(right) == 1,
            [way.example for way in view.dialect.auth],
            " and ".join(way.header for way in seen) or "no credential",
        )


@FAMILY.rule("04", MUST, DOCUMENTED, OPENAPI, issue("openai/openai-agents-js#549"))
def token_request_is_json(view: View) -> Iterator[Observation]:
    """the token request's body is JSON and says so

    The token request has Content-Type application/json and a body that is a JSON object.

    Without the header services ignore the body or refuse it with 415; an empty body is answered with errors about missing fields.

    Okay:
        request key
    Okay:
        request key {"headers": {"content-type": "application/json; charset=utf-8"}}
    Fail:
        request key {"headers": {"content-type": "text/plain"}}
    Fail:
        request key {"headers": {"content-type": "__absent__"}}
    Fail:
        request key {"body": "{\\"session\\": "}
    Fail:
        request key {"body": ""}
    """
    for one in exchanges(view, "key"):
        kind, body = media_type(one.request), body_of(one.request)
        sound = isinstance(body, Mapping)
        yield judged(
            one.request,
            kind == "application/json" and sound,
            "application/json with a JSON object",
            f"{kind or 'no content-type'} with {'a JSON object' if sound else shown(body)}",
        )


@FAMILY.rule("05", MUST, DOCUMENTED, _SECRETS, MS_WEBRTC, dialects=GA)
def nested_session(view: View) -> Iterator[Observation]:
    """a GA token request nests the session and names its type

    In GA the configuration stands under session, and session.type is "realtime" or "transcription".

    A flat body in the beta style is refused, and some versions of the service answer it with status 500. Put everything that
    is not expires_after under session.

    Okay:
        request key
    Okay:
        request key {"body": {"session": {"type": "transcription"}}}
    Fail:
        request key {"body": {"session": {"type": "__absent__"}}}
    Fail:
        request key {"body": {"session": {"type": "conversation"}}}
    Fail:
        request key {"body": {"session": "__absent__", "model": "my-realtime", "voice": "alloy"}}
    Unseen:
        request key {"body": {"session": "__absent__", "expires_after": {"anchor": "created_at", "seconds": 600}}}
    """
    for one in exchanges(view, "key"):
        body = mapping(body_of(one.request))
        flat = sorted(set(body) - {"session", "expires_after"})
        if flat:
            yield bad(one.request, "settings under session", f"at the top level: {', '.join(flat)}")
        elif "session" in body:
            kind = at(body, "session", "type")
            yield judged(
                one.request,
                kind in _SESSION_TYPES,
                [f'session.type "{name}"' for name in _SESSION_TYPES],
                f"session.type {shown(kind)}",
            )


@FAMILY.rule("06", MUST, DOCUMENTED, _BETA_SECRETS, issue("openai/openai-python#2638"), dialects=BETA)
def flat_session(view: View) -> Iterator[Observation]:
    """a beta token request is flat and has no GA field

    In the beta and in the Azure preview the body is the session itself, with the beta's names for its fields.

    GA fields (session, type, audio, output_modalities, max_output_tokens) are refused as unknown parameters. The limit of
    output tokens is called max_response_output_tokens here.

    Okay[azure-preview]:
        request key
    Okay[openai-beta]:
        request key {"body": {"max_response_output_tokens": 4096, "modalities": ["text", "audio"]}}
    Fail[azure-preview]:
        request key {"body": {"max_output_tokens": 4096}}
    Fail[azure-preview]:
        request key {"body": {"session": {"type": "realtime"}}}
    Fail[openai-beta]:
        request key {"body": {"output_modalities": ["audio"]}}
    """
    for one in exchanges(view, "key"):
        body = body_of(one.request)
        if isinstance(body, Mapping):
            wrong = [name for name in _GA_ONLY if name in body]
            yield judged(one.request, not wrong, "the beta's flat fields", f"GA only: {', '.join(wrong)}")


@FAMILY.rule("07", MUST, DOCUMENTED, _SECRETS, _BETA_SECRETS, dialects=("openai-ga", "openai-beta"))
def expires_after(view: View) -> Iterator[Observation]:
    """expires_after asks for 10 to 7200 seconds from created_at

    A client may ask for a key's lifetime: anchor "created_at", and seconds from 10 to 7200.

    Other values are refused with status 400. In the beta the field stands inside client_secret.

    Okay[openai-ga]:
        request key {"body": {"expires_after": {"anchor": "created_at", "seconds": 10}}}
    Okay[openai-beta]:
        request key {"body": {"client_secret": {"expires_after": {"anchor": "created_at", "seconds": 7200}}}}
    Fail[openai-ga]:
        request key {"body": {"expires_after": {"anchor": "created_at", "seconds": 9}}}
    Fail[openai-ga]:
        request key {"body": {"expires_after": {"anchor": "created_at", "seconds": 7201}}}
    Fail[openai-ga]:
        request key {"body": {"expires_after": {"anchor": "now", "seconds": 600}}}
    Fail[openai-beta]:
        request key {"body": {"client_secret": {"expires_after": {"anchor": "created_at", "seconds": "600"}}}}
    Unseen[openai-ga]:
        request key
    """
    for one in exchanges(view, "key"):
        asked = asked_lifetime(view, one.request)
        if asked is MISSING:
            continue
        anchor, seconds = at(asked, "anchor"), at(asked, "seconds")
        whole = isinstance(seconds, int) and not isinstance(seconds, bool) and _SHORTEST <= seconds <= _LONGEST
        yield judged(
            one.request,
            isinstance(asked, Mapping) and anchor in (MISSING, "created_at") and (whole or seconds is MISSING),
            '{"anchor": "created_at", "seconds": 10..7200}',
            shown(asked),
        )
