"""HTTP: what a client does with a response, errors and retries above all, and how a service says no."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from harness.rules.base import (
    BOTH,
    DOCUMENTED,
    INFERRED,
    INFO,
    MUST,
    OBSERVED,
    SERVICE,
    SHOULD,
    Observation,
    View,
    bad,
    good,
    judged,
    open_at_end,
)
from harness.rules.http import FAMILY
from harness.rules.support.fields import MISSING, at, shown, text
from harness.rules.support.http_view import (
    Exchange,
    asked_pause,
    body_of,
    credential,
    exchanges,
    following,
    header,
    is_sdp,
    url_of,
)
from harness.rules.support.sources import MS_ERRORS, MS_WEBRTC, OPENAPI, OWN, issue
from harness.trace import Entry

# Below this a second try is no back-off but a loop.
_BACK_OFF = 0.1
# Clocks and rounding between the response's arrival and the next request.
_TOLERANCE = 0.01
_QUOTA = r"insufficient_quota"
_CONNECTED = ("connection.secured", "channel.open", "channel.created")
_WAIT_AS_TOLD = (MS_ERRORS, "RFC 9110 section 10.2.3, https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3")


def _uses(view: View, one: Exchange) -> Entry | None:
    """The first sign after a call response that the client took its body for an answer, before it tried again.

    The client's own recording shows the answer being set; from the service's side only a connection shows it.
    """
    if one.response is None:
        return None
    own = view.trace.header.observer == "client"
    later = following(view, one)
    kinds = ("sdp.answer", "sdp.rejected") if own else _CONNECTED
    return next(
        (
            entry
            for entry in view.trace.of(*kinds)
            if entry.seq > one.response.seq and (later is None or entry.seq < later.request.seq)
        ),
        None,
    )


@FAMILY.rule("20", MUST, OBSERVED, "own policy", issue("openai/openai-agents-js#1460"))
def status_before_answer(view: View) -> Iterator[Observation]:
    """the status is checked before the body is taken for an answer

    A call response that is no success carries an error, and nothing of it goes into setRemoteDescription.

    Who skips the check tells the user "Expect line: v=" instead of "the key has expired".

    Okay:
        request call
        response call {"status": 401}
    Okay:
        request call
        response call {"status": 503}
        request call
        response call
        answer
    Fail:
        request call
        response call {"status": 401}
        answer
    Fail:
        request call
        response call {"status": 429}
        sdp.rejected {"sdp": "{}", "reason": "Expect line: v="}
    Fail[azure-ga service]:
        request call
        response call {"status": 500}
        channel.open {"label": "realtime-channel", "id": 1}
    Unseen:
        request call
        response call
        answer
    """
    for one in exchanges(view, "call"):
        if one.response is None or one.ok:
            continue
        used = _uses(view, one)
        if used is None:
            yield good(one.response, str(one.status))
        else:
            yield bad(used, "no answer after an error status", f"the body of a {one.status} was used as the answer")


def _is_answer(body: object) -> bool:
    return isinstance(body, str) and is_sdp(body) and "\nm=audio " in body


@FAMILY.rule("21", SHOULD, INFERRED, "own policy", OPENAPI, MS_WEBRTC)
def any_success(view: View) -> Iterator[Observation]:
    """any 2xx with an answer is accepted

    A client goes on with any 2xx that carries an SDP answer: services use 200 and 201, and gateways rewrite one into the other.

    Test the range (response.ok in a browser), not one number.

    Okay:
        request call
        response call {"status": 200}
        answer
    Okay[azure-ga service]:
        request call
        response call
        channel.open {"label": "realtime-channel", "id": 1}
    Fail:
        request call
        response call {"status": 200}
        harness.error {"error": "CallRequestFailed", "step": "answer", "what": "status 200, expected 201"}
    Unseen:
        request call
        response call {"status": 201, "body": ""}
    """
    for one in exchanges(view, "call"):
        if one.response is None or not one.ok or not _is_answer(body_of(one.response)):
            continue
        used = _uses(view, one)
        if used is not None:
            yield good(used, f"the answer that came with {one.status}")
        elif view.trace.header.observer == "client":
            # The service cannot tell a client that gave up from a network that lets nothing through.
            gave_up = next((entry for entry in view.trace.of("harness.error") if entry.seq > one.response.seq), None)
            if gave_up is not None:
                yield bad(gave_up, "the answer is used", f"given up after {one.status}: {text(gave_up.data, 'what')}")
            else:
                yield open_at_end(one.response, "the answer is used")


@FAMILY.rule("22", SHOULD, DOCUMENTED, MS_ERRORS, OPENAPI, who=SERVICE)
def error_body(view: View) -> Iterator[Observation]:
    """errors are JSON with a message and a code

    A refused request is answered with {"error": {"message": ..., "code": ...}}; the code may be null.

    Clients show the message and act on the code. A web page or an empty body, often a gateway's, tells them nothing.

    Okay:
        request key
        response key {"status": 401}
    Okay[openai-ga]:
        request call
        response call {"status": 400, "body": {"error": {"type": "invalid_request_error", "code": null,
            "param": "sdp"}}}
    Fail:
        request key
        response key {"status": 502, "body": "<html>Bad Gateway</html>"}
    Fail:
        request key
        response key {"status": 401, "body": {"error": {"code": "__absent__"}}}
    Fail:
        request key
        response key {"status": 401, "body": {"error": "__absent__", "message": "no"}}
    Unseen:
        request key
        response key
    """
    for one in exchanges(view):
        if one.status < 400 or one.response is None:
            continue
        body = body_of(one.response)
        error = at(body, "error")
        sound = bool(text(error, "message")) and at(error, "code") is not MISSING
        seen = f"error with {', '.join(error)}" if isinstance(error, Mapping) else shown(body, 80)
        yield judged(one.response, sound, "JSON with error.message and error.code", seen)


@FAMILY.rule("23", SHOULD, DOCUMENTED, *_WAIT_AS_TOLD, who=BOTH, by_sender=True)
def wait_as_told(view: View) -> Iterator[Observation]:
    """429 says how long to wait, and the client waits

    A 429 carries Retry-After (seconds or a date) or Azure's retry-after-ms, and the next try comes no earlier.

    Trying again at once only prolongs the limit.

    Okay:
        request key
        response key {"status": 429, "headers": {"retry-after": "2"}}
        +1.991s
        request key
    Okay:
        request key
        response key {"status": 429, "headers": {"retry-after-ms": "300", "retry-after": "1"}}
        +300ms
        request key
    Fail:
        request key
        response key {"status": 429}
    Fail:
        request key
        response key {"status": 429, "headers": {"retry-after": "soon"}}
    Fail:
        request key
        response key {"status": 429, "headers": {"retry-after": "2"}}
        +1.989s
        request key
    Unseen:
        request key
        response key {"status": 503}
    Unseen:
        request key
        response key {"status": 429, "body": {"error": {"code": "insufficient_quota"}}}
    """
    for one in exchanges(view):
        if one.status != 429 or one.response is None:
            continue
        if re.search(_QUOTA, str(one.response.data.get("body"))):
            continue  # no waiting helps against a quota that is used up
        pause = asked_pause(one.response)
        said = header(one.response, "retry-after-ms") or header(one.response, "retry-after")
        yield judged(
            one.response, pause is not None, ["Retry-After", "retry-after-ms"], f"{said!r}" if said else "neither"
        )
        later = following(view, one)
        if later is not None and pause is not None:
            waited = later.request.t - one.response.t
            yield judged(later.request, waited >= pause - _TOLERANCE, f"{pause:g} s later", f"{waited:.3f} s later")


@FAMILY.rule("24", SHOULD, INFERRED, OWN, MS_ERRORS)
def retries(view: View) -> Iterator[Observation]:
    """refusals are not repeated unchanged, and overload only with a pause

    After 401, 403 or 404 the same request brings the same answer; after 429 or 5xx a second try is right, but not at once.

    A client that repeats a refused key may get the key blocked. Change what was wrong, or show the message to a person.

    Okay:
        request key
        response key {"status": 401}
    Okay:
        request call
        response call {"status": 401}
        request call {"headers": {"authorization": "Bearer [redacted:14:35:text]"}}
    Okay:
        request key
        response key {"status": 503}
        +110ms
        request key
    Fail:
        request key
        response key {"status": 401}
        +5s
        request key
    Fail:
        request key
        response key {"status": 500}
        +90ms
        request key
    Unseen:
        request key
        response key {"status": 500}
    """
    for one in exchanges(view):
        later = following(view, one)
        if one.response is None:
            continue
        if one.status in (401, 403, 404):
            if later is None:
                yield good(one.response, f"{one.status}, not repeated")
            else:
                unchanged = _same(one.request, later.request)
                yield judged(
                    later.request, not unchanged, "a changed request, or none", f"the same request after {one.status}"
                )
        elif later is not None and (one.status == 429 or one.status >= 500):
            pause = later.request.t - one.response.t
            yield judged(later.request, pause >= _BACK_OFF, f"at least {_BACK_OFF:g} s later", f"{pause:.3f} s later")


def _same(one: Entry, other: Entry) -> bool:
    return (
        url_of(one) == url_of(other)
        and credential(one) == credential(other)
        and header(one, "content-type") == header(other, "content-type")
        and body_of(one) == body_of(other)
    )


@FAMILY.rule("27", INFO, OBSERVED, issue("TanStack/ai#586"), issue("langwatch/scenario#604"), dialects=("openai-beta",))
def beta_is_gone(view: View) -> Iterator[Observation]:
    """the beta is not asked of a service that has switched it off

    An error with the code beta_api_shape_disabled means the wrong dialect: a beta URL on a service that speaks GA only.

    OpenAI removed the beta on 2026-05-12. Use /v1/realtime/client_secrets and /v1/realtime/calls with GA's field names.

    Okay:
        request key
        response key
    Fail:
        request key
        response key {"status": 400, "body": {"error": {"code": "beta_api_shape_disabled"}}}
    """
    for one in exchanges(view, "key", "call"):
        if one.response is not None:
            code = text(body_of(one.response), "error", "code")
            gone = code == "beta_api_shape_disabled"
            yield judged(one.response, not gone, "GA URLs and fields", f"wrong dialect: {code}")
