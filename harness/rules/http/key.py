"""HTTP: the ephemeral key: how it comes, how long it lives, what it is used for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harness.rules.base import DOCUMENTED, MUST, SERVICE, SHOULD, Observation, View, bad, good, judged
from harness.rules.http import FAMILY
from harness.rules.support.fields import MISSING, at, number, shown, text
from harness.rules.support.http_view import (
    asked_lifetime,
    body_of,
    credential,
    epoch_of,
    exchanges,
    expiry,
    header,
    is_bearer,
    long_lived,
    media_type,
    minted,
)
from harness.rules.support.sources import MS_PREVIEW_WEBRTC, MS_WEBRTC, beta_sdk, issue, sdk

_SECRETS = sdk("client_secret_create_params.py", "client_secret_create_response.py")
_BETA_SECRETS = beta_sdk("session_create_params.py", "session_create_response.py")
WITHIN_SECONDS, WITHIN_SHARE = 10.0, 0.1  # own policy: the larger of both, either way
_KEY_LIFETIME = (MS_PREVIEW_WEBRTC, _SECRETS, _BETA_SECRETS)


@FAMILY.rule("08", MUST, DOCUMENTED, _SECRETS, _BETA_SECRETS, who=SERVICE)
def token_response_shape(view: View) -> Iterator[Observation]:
    """a token response is 200 with the key where the dialect puts it

    Success is status 200 with JSON: client_secret.value and client_secret.expires_at in beta, value, expires_at and session in GA.

    Clients read the key by this path; one that finds nothing there sends "Bearer undefined" to the call endpoint.

    Okay[azure-ga]:
        request key
        response key
    Okay[azure-preview]:
        request key
        response key
    Fail[azure-ga]:
        request key
        response key {"status": 201}
    Fail[azure-ga]:
        request key
        response key {"body": {"session": "__absent__"}}
    Fail[openai-ga]:
        request key
        response key {"body": {"value": ""}}
    Fail[azure-preview]:
        request key
        response key {"body": {"client_secret": {"expires_at": "__absent__"}}}
    Fail[azure-preview]:
        request key
        response key {"body": "<html></html>"}
    Unseen:
        request key
        response key {"status": 401}
    """
    key, expires = ".".join(view.dialect.key_path), ".".join(view.dialect.expires_path)
    fields = [key, expires] + (["session"] if view.dialect.body == "nested" else [])
    for one in exchanges(view, "key"):
        if not one.ok or one.response is None:
            continue
        body = body_of(one.response)
        missing = [
            name
            for name, found in (
                (key, bool(text(body, *view.dialect.key_path))),
                (expires, at(body, *view.dialect.expires_path) is not MISSING),
                ("session", isinstance(at(body, "session"), Mapping)),
            )
            if name in fields and not found
        ]
        what = f"without {', '.join(missing)}" if isinstance(body, Mapping) else "that is not JSON"
        yield judged(
            one.response,
            one.status == 200 and not missing,
            f"200 with {', '.join(fields)}",
            f"{one.status}" + (f" with a body {what}" if missing else ""),
        )


@FAMILY.rule("09", MUST, DOCUMENTED, _SECRETS, _BETA_SECRETS, who=SERVICE)
def expires_at(view: View) -> Iterator[Observation]:
    """expires_at is whole epoch seconds in the future

    expires_at says in whole seconds since 1970 until when the key may open a session; when it arrives that is still to come.

    A text or milliseconds make clients think that a key is dead or immortal. The future is judged by the response's Date header (or
    the clock of the observer), where the recording has one.

    Okay:
        request key
        response key
    Okay:
        request key
        response key {"epoch": 1800000900, "headers": {"date": "Fri, 15 Jan 2027 08:00:00 GMT"}}
    Fail:
        request key
        response key {"body": {"expires_at": "2027-01-15T08:00:00Z"}}
    Fail:
        request key
        response key {"body": {"expires_at": 1800000600.5}}
    Fail:
        request key
        response key {"body": {"expires_at": 1799999999}}
    Fail[azure-preview]:
        request key
        response key {"body": {"client_secret": {"expires_at": null}}}
    """
    for one in exchanges(view, "key"):
        if not one.ok or one.response is None:
            continue
        raw = at(body_of(one.response), *view.dialect.expires_path)
        if raw is MISSING:
            continue
        when, now = expiry(view, one), epoch_of(one.response)
        if when is None:
            yield bad(one.response, "an integer, epoch seconds", shown(raw))
        elif now is None:
            yield good(one.response, f"{when}")
        else:
            yield judged(one.response, when > now, f"later than {now:.0f}", f"{when}, {now - when:.0f} s ago")


@FAMILY.rule(
    "10", SHOULD, DOCUMENTED, *_KEY_LIFETIME, who=SERVICE, dialects=("azure-preview", "openai-beta", "openai-ga")
)
def key_lifetime(view: View) -> Iterator[Observation]:
    """a key lives as long as documented

    Keys live one minute in the Azure preview and in the OpenAI beta, and ten minutes in OpenAI GA unless expires_after asks for less or more.

    A client that counts on the documented time fails at the call request when a key dies sooner. Ten seconds or a tenth of the time
    are allowed either way. Azure GA documents no lifetime: nothing is judged there.

    Okay[azure-preview]:
        request key
        response key {"body": {"client_secret": {"expires_at": 1800000051}}}
    Okay[openai-ga]:
        request key
        response key {"body": {"expires_at": 1800000655}}
    Okay[openai-ga]:
        request key {"body": {"expires_after": {"anchor": "created_at", "seconds": 60}}}
        response key {"body": {"expires_at": 1800000060}}
    Fail[azure-preview]:
        request key
        response key {"body": {"client_secret": {"expires_at": 1800000049}}}
    Fail[openai-ga]:
        request key
        response key {"body": {"expires_at": 1800000665}}
    Unseen[openai-ga]:
        request key
        response key {"epoch": "__absent__"}
    """
    for one in exchanges(view, "key"):
        when, now = expiry(view, one), epoch_of(one.response) if one.response is not None else None
        if not one.ok or one.response is None or when is None or now is None or view.dialect.key_seconds is None:
            continue
        asked = number(asked_lifetime(view, one.request), "seconds")
        # The beta's documentation gives every key one minute, although the request has the field: either is right there.
        wanted = {float(view.dialect.key_seconds)} if asked is None else {asked}
        if asked is not None and view.dialect.body == "flat":
            wanted.add(float(view.dialect.key_seconds))
        lives = when - now
        yield judged(
            one.response,
            any(abs(lives - seconds) <= max(WITHIN_SECONDS, seconds * WITHIN_SHARE) for seconds in wanted),
            [f"about {seconds:.0f} s" for seconds in sorted(wanted)],
            f"{lives:.0f} s",
        )


@FAMILY.rule("11", MUST, DOCUMENTED, MS_WEBRTC, issue("BerriAI/litellm#38645"))
def ephemeral_key_is_used(view: View) -> Iterator[Observation]:
    """the call request carries the ephemeral key, not the long-lived one

    A call request with a raw offer is authorised by Authorization: Bearer and the key that the token response brought.

    The long-lived key is refused there ("This operation requires ephemeral authentication."). Keys are compared by the numbers
    that redaction gives them. A multipart call request may use the standard key (OpenAI's unified interface) and is not judged
    here; nor is a key that was minted out of sight of the recording.

    Okay:
        request key
        response key
        request call
    Fail:
        request key
        response key
        request call {"headers": {"authorization": "Bearer [redacted:11:64:text]"}}
    Fail:
        request key
        response key
        request call {"headers": {"authorization": "Bearer [redacted:13:35:text]"}}
    Fail:
        request key
        response key
        request call {"headers": {"authorization": "__absent__", "api-key": "[redacted:12:35:text]"}}
    Unseen[azure-ga service]:
        request call
    """
    lasting = long_lived(view)
    for one in exchanges(view, "call"):
        if media_type(one.request).startswith("multipart/"):
            continue
        own = view.trace.header.observer == "client"
        fresh = {mark.number for earlier, mark in minted(view) if earlier.request.seq < one.request.seq}
        mark = credential(one.request)
        expected = "Authorization: Bearer <the ephemeral key>"
        if mark is None or not is_bearer(one.request):
            yield bad(one.request, expected, "an api-key header" if header(one.request, "api-key") else "no Bearer key")
        elif mark.number in fresh:
            yield good(one.request, "the ephemeral key")
        elif mark.number in lasting:
            yield bad(one.request, expected, "the long-lived key")
        elif fresh and own:
            yield bad(one.request, expected, "a key that no token response brought")


@FAMILY.rule("12", MUST, DOCUMENTED, MS_PREVIEW_WEBRTC, _SECRETS)
def key_is_fresh(view: View) -> Iterator[Observation]:
    """the call request is sent before the key expires

    The key must still be alive when the offer is posted: one minute in the preview, expires_at everywhere.

    Minting the key when the page loads and calling when a person presses a button is how it goes wrong: mint right before the
    offer.

    Okay:
        request key
        response key
        +2s
        request call
    Okay:
        request key
        response key {"headers": {"date": "Fri, 15 Jan 2027 08:00:00 GMT"}}
        request call {"epoch": 1800000900}
    Fail[azure-preview]:
        request key
        response key
        +61s
        request call
    Unseen:
        request call
    """
    keys = [(earlier, mark.number) for earlier, mark in minted(view)]
    for one in exchanges(view, "call"):
        mark = credential(one.request)
        source = next((earlier for earlier, number in reversed(keys) if mark and number == mark.number), None)
        if source is None or source.response is None:
            continue
        # By the clock of the token response and the time since, whatever the observer's own clock says.
        when, then = expiry(view, source), epoch_of(source.response)
        now = epoch_of(one.request) if then is None else then + one.request.t - source.response.t
        if when is not None and now is not None:
            yield judged(one.request, now < when, f"before {when}", f"{now - when:.1f} s after the key expired")
