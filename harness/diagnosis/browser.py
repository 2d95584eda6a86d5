"""Causes inside a page: most leave no trace on the wire. They are explained, with what can be looked at instead, and never claimed."""

from __future__ import annotations

from harness.diagnosis.base import Case, Evidence, cause, not_observable, status_of
from harness.rules.support.fields import listing, text
from harness.rules.support.http_view import from_browser
from harness.rules.support.sources import MS_WEBRTC, issue
from harness.trace import Entry


@cause(
    "preflight-refused",
    "The browser asked leave for a request of the page (CORS preflight) and was refused, so that it never sent the request:",
    rank=1200,
    fix="Send Authorization and Content-Type: application/sdp and no header of the page's own. The browser's console names Access-Control-Allow-Headers or Access-Control-Allow-Origin.",
    source=f"{issue('openclaw/openclaw#76435')}; {issue('openai/openai-agents-js#483')}; WHATWG Fetch, CORS protocol",
    tell=lambda case: "; ".join(_preflight(one) for one in _refused(case)) + ".",
)
def preflight_refused(case: Case) -> Evidence:
    """A preflight was answered with an error, and no such request followed."""
    return _refused(case)


def _refused(case: Case) -> list[Entry]:
    asked = case.trace.of("http.request")
    return [
        one
        for one in case.trace.of("http.preflight")
        if not 200 <= status_of(one) < 300
        and not any(later.seq > one.seq and later.data.get("step") == one.data.get("step") for later in asked)
    ]


def _preflight(entry: Entry) -> str:
    names = [name for name in listing(entry.data, "refused") if isinstance(name, str)]
    why = f"the header {' and '.join(names)} is not allowed" if names else f"HTTP {status_of(entry)}"
    data = entry.data
    return f"{text(data, 'method')} {text(data, 'url')} for a page of {text(data, 'origin')}: {why}"


@cause(
    "page-never-called",
    "A page got its key and then never sent an offer: the microphone was denied, the browser refused the request (CORS), or an error stopped the page.",
    rank=1205,
    fix="Look at the browser's console. DOMException: Permission denied: allow the microphone (lock icon in the address bar, https or localhost) and reload. Access-Control-Allow-Origin: send Authorization and Content-Type and no header of your own.",
    source=f"{MS_WEBRTC}; W3C Media Capture and Streams, getUserMedia; {issue('openclaw/openclaw#76435')}",
    tell=lambda case: _leave_asked(case),
)
def page_never_called(case: Case) -> Evidence:
    """The service minted a key for a browser (its request has Origin or Sec-Fetch-Mode), and no call request came after it, nor was one refused in advance."""
    if case.trace.header.observer != "service" or _refused(case):
        return []
    asked = case.trace.of("http.request")
    if any(one.data.get("step") == "call" for one in asked):
        return []
    minted = [one for one in case.trace.of("http.response") if 200 <= status_of(one) < 300]
    return [one for one in minted if (sent := case.request_of(one)) and from_browser(sent)][-1:]


def _leave_asked(case: Case) -> str:
    """What the preflight of the call tells: a browser sends one before every call request of a page of another origin."""
    if any(one.data.get("step") == "call" for one in case.trace.of("http.preflight")):
        return "The browser asked leave for the call (CORS preflight) and got it: something else stopped the page then."
    return "The browser did not even ask leave for the call (no CORS preflight came): the page stopped before, as it does at the microphone."


@cause(
    "header-fails-preflight",
    "A page adds a header of its own to the call request; a service that does not list it makes the browser refuse the request.",
    rank=1210,
    fix="Send Authorization and Content-Type: application/sdp, and nothing else.",
    source=f"{issue('openclaw/openclaw#76435')}; {issue('openai/openai-agents-js#483')}; WHATWG Fetch, CORS protocol",
)
def header_fails_preflight(case: Case) -> Evidence:
    """A browser's call request with a header that is neither the browser's nor one of the two (HTTP-26), in a call that failed."""
    return case.broken("HTTP-26") if case.failed_call or case.missed or case.missing else []


not_observable(
    "cors",
    "The browser refuses the request before it is sent, because the service's CORS headers do not allow it.",
    fix="The service sets its CORS headers itself; Microsoft documents no setting for them. Send Authorization and Content-Type: application/sdp and no header of your own, and mint the key on a server, with the long-lived key: the token endpoint is not for pages.",
    source=f"{issue('openai/openai-agents-js#483')}; {issue('openclaw/openclaw#76435')}; WHATWG Fetch, CORS protocol",
    instead="""
    Only the browser sees all of it (Access-Control-Allow-Origin in its console). What a service sees: a preflight that it refused
    itself (preflight-refused), a key that is minted and never used (page-never-called), or a header of the page's own
    (header-fails-preflight, HTTP-26). Whether a service answers a
    preflight at all can be tried with curl -X OPTIONS and the headers Origin, Access-Control-Request-Method and
    Access-Control-Request-Headers.
    """,
)
not_observable(
    "microphone-denied",
    "The browser or its user denied the microphone.",
    fix="Click the lock icon in the address bar, allow the microphone, reload; getUserMedia works on https and localhost only.",
    source="W3C Media Capture and Streams, getUserMedia (NotAllowedError)",
    instead="""
    Only the page sees it (DOMException: Permission denied). What a service sees: a key that is minted and never used
    (page-never-called), where the microphone is asked for before the offer; silence on the track (silent-input), or no audio
    packet at all (no-rtp-sent), where the page goes on without it.
    """,
)
not_observable(
    "autoplay-blocked",
    "The browser does not play the audio, because the page's user has not touched it yet.",
    fix="Start the call from a click, set autoplay on the audio element, or call play() in the handler of a user gesture and handle its rejection.",
    source=f"{MS_WEBRTC}; WHATWG HTML, media elements, autoplay",
    instead="""
    Sound that arrives and is not played looks like any other call. Where the milestone first-audio was reached and
    output_audio_buffer.started and stopped came, the service has done its part, and the page is what to look at.
    """,
)
not_observable(
    "nobody-reads-the-track",
    "The audio arrives, and nothing in the page is connected to the track.",
    fix="Handle ontrack before the offer, and give its stream to an audio element (srcObject) or an audio graph.",
    source=f"{MS_WEBRTC}; {issue('openai/openai-agents-js#214')}",
    instead="""
    A browser's receiver reports come whether or not anybody listens. Where they come (MED-05) and first-audio was reached, the
    audio got as far as the browser.
    """,
)
not_observable(
    "websocket-idle",
    "Azure closes an idle WebSocket after about twenty seconds.",
    fix="Keep sending audio; over WebRTC the track does that by itself.",
    source=issue("Azure-Samples/aoai-realtime-audio-sdk#96"),
    instead="""
    It belongs to the WebSocket transport, which is not used here. Over WebRTC a silent caller keeps the session alive
    (no-rtp-in-silence says where not).
    """,
)
not_observable(
    "sideband-not-found",
    "A server's sideband connection to the call is answered with 404.",
    fix="Connect with the standard key, not the ephemeral one, and with the call id from the last segment of Location, while the call is up.",
    source=issue("openai/openai-realtime-console#562"),
    instead="""
    The sideband is another connection, of another program. Whether Location carried an id is judged (HTTP-18); a hang-up
    request that is answered so is shown as call-id-not-found.
    """,
)
