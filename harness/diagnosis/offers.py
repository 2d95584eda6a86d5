"""Causes in offer and answer: how the offer was made and sent, and what came back as an answer."""

from __future__ import annotations

import re

from harness.diagnosis.base import Case, Evidence, body_of, cause, status_of
from harness.rules.base import INFO
from harness.rules.support.fields import mapping, text
from harness.rules.support.sources import MS_WEBRTC, OPENAPI, WEBRTCHACKS, issue, rfc
from harness.trace import Entry

_REFUSED = (400, 413, 415, 422)


def _offer(case: Case) -> str:
    offer = case.trace.first("sdp.offer")
    return text(offer.data, "sdp") if offer else ""


@cause(
    "offer-not-raw-sdp",
    "The offer was not sent as it is: it is wrapped in JSON, or labelled as something else than SDP.",
    rank=400,
    fix="Post the SDP text itself with content-type application/sdp; in GA a multipart form with the fields sdp and session does as well.",
    source=f"{issue('m1guelpf/swift-realtime-openai#54')}; {issue('espressif/esp-webrtc-solution#17')}",
)
def offer_not_raw_sdp(case: Case) -> Evidence:
    """A refused call request whose body does not begin with v=0, or whose content-type is neither SDP nor a form."""
    return [one for one in case.refused(*_REFUSED, step="call") if (sent := case.request_of(one)) and _wrapped(sent)]


def _wrapped(request: Entry) -> bool:
    kind = str(mapping(request.data, "headers").get("content-type", "")).lower()
    body = request.data.get("body")
    form = "multipart/form-data" in kind
    labelled = not kind or "application/sdp" in kind or form
    return not labelled or not (form or not isinstance(body, str) or not body or body.startswith("v=")) or body == {}


@cause(
    "channel-created-after-offer",
    "The data channel was created after the offer, which therefore has no section for it.",
    rank=405,
    fix="Call createDataChannel before createOffer: there is no second offer.",
    source=f"{MS_WEBRTC}; {rfc(9429, '5.2.1')}; {issue('espressif/esp-webrtc-solution#9')}",
)
def channel_created_after_offer(case: Case) -> Evidence:
    """An offer without m=application, that was refused or led to no open channel; or a channel created after it (OFF-20)."""
    offer = case.trace.first("sdp.offer")
    late = case.broken("OFF-20")
    if offer is None:
        return late
    without = bool(_offer(case)) and not re.search(r"(?m)^m=application ", _offer(case)) and "m=" in _offer(case)
    failed = case.refused(*_REFUSED, step="call") or case.never_opened()
    return [offer, *late] if late or (without and failed) else []


@cause(
    "form-wanted",
    "This service takes the offer only in a multipart form, in the field sdp.",
    rank=402,
    fix="Send multipart/form-data with the fields sdp and session, as the GA calls endpoint takes it too (harness check --form).",
    source=f"{OPENAPI}; FastAPI, Handling Errors, https://fastapi.tiangolo.com/tutorial/handling-errors",
)
def form_wanted(case: Case) -> Evidence:
    """422 or 400 at the call request whose body says that the field sdp is required."""
    return case.refused(400, 422, step="call", saying=r"(sdp(?s:.){0,80}(field required|missing|required))")


@cause(
    "session-refused-at-call",
    "The service refuses the session of the call request, not the offer.",
    rank=404,
    fix="Correct the field that the message names in the session of the key, or in the session part of the form.",
    source=issue("openai/codex#40140"),
)
def session_refused_at_call(case: Case) -> Evidence:
    """400 or 422 at the call request whose body names a field of the session."""
    return case.refused(400, 422, step="call", saying=r"\bsession\.[a-z_]+")


@cause(
    "offer-refused",
    "The service refuses the SDP offer.",
    rank=410,
    fix="Offer one audio section with Opus and one data channel, with ICE, DTLS and CRLF line ends.",
    source=issue("espressif/esp-webrtc-solution#17"),
    advise=lambda case: _explaining(case),
)
def offer_refused(case: Case) -> Evidence:
    """A refused call request whose body speaks of the offer, and what the offer lacks (OFF)."""
    lacking = case.broken(*_findings(case))
    refused = case.refused(*_REFUSED, step="call")
    if not lacking:
        refused = [one for one in refused if re.search(_OFFER_WORDS, body_of(one), re.IGNORECASE)]
    return [*refused, *lacking] if refused else []


@cause(
    "offer-not-usable",
    "The SDP offer is invalid, and no connection was established.",
    rank=413,
    fix="Send the offer exactly as the WebRTC stack creates it.",
    source=f"{rfc(9429, '5.2.1')}; {MS_WEBRTC}",
    advise=lambda case: _explaining(case),
)
def offer_not_usable(case: Case) -> Evidence:
    """An offer that breaks a rule (OFF) and was answered all the same; the client's stack refused the answer, or the channel never opened."""
    return case.broken(*_findings(case)) if _came_to_nothing(case) else []


@cause(
    "video-offered",
    "The offer contains a video section, which a voice service does not answer, and no connection was established.",
    rank=414,
    fix="Offer one audio section and one data channel, without a video track or transceiver.",
    source=WEBRTCHACKS,
)
def video_offered(case: Case) -> Evidence:
    """m=video in the offer, and an answer that the client's stack refused or that led to no open channel."""
    offer = case.trace.first("sdp.offer")
    return [offer] if offer and re.search(r"(?m)^m=video ", _offer(case)) and _came_to_nothing(case) else []


def _came_to_nothing(case: Case) -> bool:
    # A service answers such an offer as well as it can: the client's own stack refuses the answer, or ICE or DTLS come to nothing.
    return case.never_opened() or bool(case.trace.of("sdp.rejected"))


@cause(
    "call-request-refused",
    "The service refuses the call request, and does not say that the offer is the reason.",
    rank=412,
    fix="Look at the status and the words of the response; where it says nothing, the session, the model and the form of the body "
    "are worth a look (some services take the offer in a form alone: harness check --form).",
    source=issue("openai/openai-agents-js#438"),
)
def call_request_refused(case: Case) -> Evidence:
    """400, 413, 415 or 422 at the call request, with a body that does not speak of the offer, and an offer that breaks no rule."""
    return [] if offer_refused(case) else case.refused(*_REFUSED, step="call")


# What explains a refused offer best comes first: an offer that is no SDP, no codec to agree on, a section that is missing.
_FIRST = ("OFF-01", "OFF-05", "OFF-02", "OFF-03", "OFF-20", "OFF-13", "OFF-10", "OFF-11", "OFF-04", "OFF-12")
_OFFER_WORDS = r"offer|sdp|ice[-_ ]|dtls|m=audio|m=application|codec|opus|maximum size"


def _findings(case: Case) -> list[str]:
    failed = [one.id for one in case.rules if one.id.startswith("OFF-") and one.severity != INFO]
    return sorted(failed, key=lambda id: _FIRST.index(id) if id in _FIRST else len(_FIRST))


def _explaining(case: Case) -> str:
    told = case.finding(*_findings(case))
    trimmed = " Do not trim the offer: its last line ends in CRLF, too." if "last line does not end" in told else ""
    return f"{told}{trimmed}"


@cause(
    "created-not-accepted",
    "The client takes only status 200 for success, and GA answers with 201.",
    rank=415,
    fix="Accept every 2xx (response.ok), and read the call's id from Location.",
    source=MS_WEBRTC,
)
def created_not_accepted(case: Case) -> Evidence:
    """A successful call response with an answer, after which the client gave up (HTTP-21)."""
    return case.broken("HTTP-21")


@cause(
    "answer-not-sdp",
    "The call request succeeded, but its body is no SDP answer.",
    rank=420,
    fix="Look at the body in the trace: JSON around the answer comes from a gateway, a web page from a login or proxy; check the call URL.",
    source=f"{MS_WEBRTC}; {rfc(8866, '5')}",
)
def answer_not_sdp(case: Case) -> Evidence:
    """The client rejected a 2xx body that does not begin with v=0."""
    return [one for one in case.trace.of("sdp.rejected") if not text(one.data, "sdp").lstrip().startswith("v=0")]


@cause(
    "answer-refused",
    "The client's WebRTC stack refuses the answer.",
    rank=425,
    fix="The findings ANS-01 to ANS-17 name what is wrong with it; the entry gives the stack's own words.",
    source=rfc(9429, "5.3.1"),
)
def answer_refused(case: Case) -> Evidence:
    """setRemoteDescription failed on something that looks like SDP."""
    rejected = case.trace.of("sdp.rejected")
    accepted = [
        one for one in case.trace.of("http.response") if one.data.get("step") == "call" and status_of(one) < 300
    ]
    return [one for one in rejected if accepted and text(one.data, "sdp") == body_of(accepted[-1])] or [
        one for one in rejected if accepted and text(one.data, "sdp").startswith("v=")
    ]


@cause(
    "audio-section-refused",
    "Offer and answer agree on no audio from the service: the direction leaves no way for it.",
    rank=430,
    fix="Offer audio sendrecv (addTrack with the microphone, or a transceiver), and let the answer keep it.",
    source=rfc(9429, "5.3.1"),
)
def audio_section_refused(case: Case) -> Evidence:
    """The offer's audio is sendonly or inactive, or the answer's recvonly, inactive or on port 0, and no audio was heard."""
    offer, answer = case.trace.first("sdp.offer"), case.trace.first("sdp.answer")
    found = []
    if offer and _audio_direction(text(offer.data, "sdp")) in ("sendonly", "inactive", "rejected"):
        found.append(offer)
    if answer and _audio_direction(text(answer.data, "sdp")) in ("recvonly", "inactive", "rejected"):
        found.append(answer)
    return found


def _audio_direction(sdp: str) -> str:
    section = re.search(r"(?ms)^m=audio (\d+)(.*?)(?=^m=|\Z)", sdp)
    if section is None:
        return ""
    if section[1] == "0":
        return "rejected"
    direction = re.search(r"(?m)^a=(sendrecv|sendonly|recvonly|inactive)\s*$", section[2])
    return direction[1] if direction else "sendrecv"
