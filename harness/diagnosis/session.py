"""Causes in the session: its end, its vocabulary, its configuration."""

from __future__ import annotations

import re

from harness.diagnosis.base import Case, Evidence, cause
from harness.diagnosis.refusals import names_known_field
from harness.protocol.dialects import DIALECTS, FICTIONAL_EVENTS, WEBRTC_FILTER
from harness.protocol.generations import UPDATED, UPDATES
from harness.rules.support.fields import listing, mapping, text
from harness.rules.support.sources import MS_MIGRATION, MS_PREVIEW_WEBRTC, MS_WEBRTC, SERVER_EVENTS, issue, sdk
from harness.trace import Entry

_EXPIRED = r"maximum duration|session.{0,20}expired"
# Seconds. A session begins a little before its first event arrives, and its end is seen within a second.
_MINUTE, _EARLY = 60.0, 1.0
_FIELD = r"unknown_parameter|unsupported_parameter|invalid_parameter"


def text_only(session_event: Entry, path: tuple[str, ...]) -> bool:
    """Whether this session (in session.created or session.updated) answers in text alone."""
    return list(listing(session_event.event, "session", *path)) == ["text"]


def effective(case: Case) -> Entry | None:
    """The last session that the service showed."""
    shown = case.server("session.created", *UPDATED)
    return shown[-1] if shown else None


@cause(
    "session-expired",
    "The session has reached its longest duration, and the service ended it.",
    rank=700,
    fix="Reconnect before that (60 minutes; earlier services 30 or 15) and replay the conversation with conversation.item.create; session.expires_at says when.",
    source=f"{issue('openai/openai-agents-js#1278')}; {issue('livekit/agents#2341')}; {issue('twilio-samples/speech-assistant-openai-realtime-api-python#10')}",
)
def session_expired(case: Case) -> Evidence:
    """An error session_expired (Azure: once a server_error without code that speaks of the maximum duration), or the connection went away when the dialect's longest session was over."""
    told = case.errors("session_expired", _EXPIRED, provoked=bool(case.lost()))
    return told or _closed_at_the_end(case)


def _closed_at_the_end(case: Case) -> list[Entry]:
    sessions = case.server("session.created", "session.updated")
    longest = case.view.dialect.session_minutes * _MINUTE - _EARLY
    return [one for one in case.lost() if sessions and one.t - sessions[0].t >= longest]


@cause(
    "voice-locked",
    "The voice was changed after the assistant had spoken, and is locked by then.",
    rank=705,
    fix="Set the voice in the token request or in the first session.update, before any audio.",
    source=issue("openai/openai-agents-python#1661"),
)
def voice_locked(case: Case) -> Evidence:
    """An error cannot_update_voice, or SES-09 broken by a voice."""
    return case.errors("cannot_update_voice", r"cannot update.{0,30}voice")


@cause(
    "update-rewritten",
    "The error names a field that is in no session.update that was sent: something in between rewrites it.",
    rank=708,
    fix="Look at the gateway or proxy in between: it adds or renames fields. The session.update itself is right.",
    source=issue("BerriAI/litellm#27054"),
)
def update_rewritten(case: Case) -> Evidence:
    """An error about a session.update whose param names a setting that none of the updates has."""
    updates = case.client(*UPDATES)
    sent = {str(name) for one in updates for name in mapping(one.event, "session")}
    told = [one for one in case.errors() if sent and _about_session(one, updates)]
    return [one for one in told if (setting := _setting_of(one)) and setting not in sent]


def _setting_of(error: Entry) -> str:
    """The setting that an error about the session names; empty where it names none, or says that one is missing altogether."""
    param = text(error.event, "error", "param")
    named = re.search(r"session\.([\w.]+)", param or text(error.event, "error", "message"))
    parts = named[1].split(".") if named else []
    missing = "missing" in text(error.event, "error", "code")
    return parts[0] if len(parts) > (1 if missing else 0) else ""


@cause(
    "other-generations-fields",
    "session.update carries fields of the other generation, and the service refuses the whole update.",
    rank=710,
    fix="GA nests voice, transcription and turn detection below audio.input and audio.output, and has no temperature; the preview takes flat fields and knows no type and no output_modalities. See `harness dialects`.",
    source=f"{issue('openai/openai-python#2638')}; {issue('microsoft/agent-framework#924')}; {issue('pipecat-ai/pipecat#4106')}",
)
def other_generations_fields(case: Case) -> Evidence:
    """An unknown_parameter error for a field that the other generation's session has."""
    return [one for one in _field_errors(case) if names_known_field(text(one.event, "error", "message"))]


@cause(
    "unknown-update-field",
    "session.update carries a field that the service does not know, and the service refuses the whole update.",
    rank=715,
    fix="Correct its spelling, or leave it out; error.param names its place.",
    source=issue("microsoft/agent-framework#924"),
)
def unknown_update_field(case: Case) -> Evidence:
    """An unknown_parameter error after a session.update."""
    return _field_errors(case)


def _field_errors(case: Case) -> list[Entry]:
    updates = case.client(*UPDATES)
    return [one for one in case.errors(_FIELD, r"unknown parameter") if updates and _about_session(one, updates)]


def _about_session(error: Entry, updates: list[Entry]) -> bool:
    """The error names the update by its event_id, or names none and speaks of the session."""
    named = text(error.event, "error", "event_id")
    if named:
        return any(text(one.event, "event_id") == named for one in updates)
    param = text(error.event, "error", "param")
    return param.startswith("session") or (not param and "arameter: 'session." in text(error.event, "error", "message"))


@cause(
    "sample-code-events",
    "Events are used that exist only in sample code.",
    rank=720,
    fix="From the service come session.created, session.updated and error; there is no session.update, session.error or session.end from it. Typed input is conversation.item.create, a cancelled response ends with response.done.",
    source=f"{MS_PREVIEW_WEBRTC}: the sample against the log on the same page; {SERVER_EVENTS}",
)
def sample_code_events(case: Case) -> Evidence:
    """One side sent an event that no dialect knows and that samples have: session.error, session.end, message, response.cancelled.

    The updates that such an event was to confirm belong to it.
    """
    from_service = [one for one in case.server() if one.type in FICTIONAL_EVENTS]
    return [*from_service, *case.broken("EVT-09"), *(_unanswered_updates(case) if from_service else [])]


@cause(
    "other-api",
    "The session belongs to another API (GPT-Live), which does not know Realtime's client events.",
    rank=722,
    fix="Use the events of the API that was called (session.start, session.input_audio.append, response.item.create), or call a Realtime model's endpoint.",
    source="OpenAI, GPT-Live guide",
)
def other_api(case: Case) -> Evidence:
    """An error whose list of supported events is Live's."""
    return case.errors(saying=r"session\.input_audio\.append|session\.instructions\.append")


@cause(
    "wrong-dialect-events",
    "One side uses the event names of the other API generation (beta or GA).",
    rank=725,
    fix="Use one dialect on both sides: response.audio_transcript.* is beta, response.output_audio_transcript.* is GA; `harness dialects` lists the names.",
    source=MS_MIGRATION,
)
def wrong_dialect_events(case: Case) -> Evidence:
    """Events of the service that only the other generation has (EVT-03), or a client event that only it has."""
    own = case.view.dialect
    others = [row for row in DIALECTS.values() if row.generation != own.generation]
    foreign = [
        one
        for one in case.server()
        if one.type not in own.server_events and any(one.type in row.server_events for row in others)
    ]
    sent = [
        one
        for one in case.client()
        if one.type not in own.client_events and any(one.type in row.client_events for row in others)
    ]
    return [*foreign[:5], *sent[:5]] if case.broken("EVT-03", "EVT-02", "EVT-12") or case.missed else []


@cause(
    "message-no-event",
    "The client sends a message that is not an event: not JSON, not an object, or without a type.",
    rank=728,
    fix="Send each event as one text message that holds one JSON object with a type: channel.send(JSON.stringify(event)), once.",
    source=sdk("realtime_client_event.py"),
)
def message_no_event(case: Case) -> Evidence:
    """A message from the client that is binary or no JSON (DC-09), or no object with a type (EVT-01), with its error."""
    sent = case.broken("EVT-01", "DC-09", by="client")
    return [*sent, *case.errors("invalid_event_type|invalid_json")] if sent else []


@cause(
    "unknown-client-event",
    "The client sends an event that this service does not know.",
    rank=730,
    fix="The error's message names it; `harness explain EVT-02` lists the client events.",
    source=sdk("realtime_client_event.py"),
)
def unknown_client_event(case: Case) -> Evidence:
    """A client event of an unknown type (EVT-02), with its error."""
    sent = case.broken("EVT-02", by="client")
    return [*sent, *case.errors("invalid_event_type|unknown_event")] if sent else []


@cause(
    "session-settings-out-of-range",
    "A session setting is out of its range, or no legal choice.",
    rank=735,
    fix="The findings SES-08, SES-10 and SES-12 name the setting and what is allowed.",
    source=sdk("realtime_session_create_request.py"),
)
def session_settings_out_of_range(case: Case) -> Evidence:
    """What the client asked for breaks SES-08, SES-10 or SES-12."""
    rules = ("SES-08", "SES-10", "SES-12")
    requests = [one for one in case.broken(*rules) if one.kind == "http.request"]
    return [*requests, *case.broken(*rules, by="client")]


@cause(
    "session-update-refused",
    "The service refused a session.update, and nothing of it is in force.",
    rank=740,
    fix="Read the error's message and param; one wrong value makes the whole update fail. Handle error events: the update gives no other sign.",
    source=f"{issue('microsoft/agent-framework#924')}; {sdk('session_update_event.py')}",
    advise=lambda case: _without_detection(case),
)
def session_update_refused(case: Case) -> Evidence:
    """An error that nobody expected, about a session.update: by its event_id, or by its param."""
    updates = case.client(*UPDATES)
    return [one for one in case.errors() if updates and _about_session(one, updates)]


@cause(
    "filter-hides-events",
    "webrtcfilter=on keeps the awaited event from the client.",
    rank=745,
    fix="Go on at channel open, wait only for what the filter lets through (speech and playback marks, transcripts, items), or leave the filter out.",
    source=MS_WEBRTC,
)
def filter_hides_events(case: Case) -> Evidence:
    """The call was made with webrtcfilter=on, and a step or the client (FLT-02) waited for an event that it hides."""
    if not case.view.filtered:
        return []
    waited = [
        one
        for one in case.missed
        if (kind := text(one.data, "expected").partition(" ")[0]) in case.view.dialect.server_events
        and kind not in WEBRTC_FILTER
    ]
    return [*waited, *case.broken("FLT-02")]


@cause(
    "session-update-not-sent",
    "session.update was never sent: the settings of the key are in force.",
    rank=750,
    fix="Send it when the data channel opens (readyState open); check that the handler is attached before the channel can open.",
    source=f"{MS_PREVIEW_WEBRTC}; {MS_WEBRTC}",
)
def session_update_not_sent(case: Case) -> Evidence:
    """The channel opened, no session.update left, and it or its confirmation was asked for."""
    opened = case.trace.first("channel.open")
    if opened is None or case.client(*UPDATES):
        return []
    return [opened] if "session.update" in case.missing or case.waited_for(r"session\.updated") else []


@cause(
    "sent-before-session-created",
    "session.update was sent before session.created and was lost.",
    rank=755,
    fix="Wait for session.created, send the update then, and go on at session.updated.",
    source=f"{issue('openclaw/openclaw#5499')}; {issue('openai/openai-agents-js#466')}",
)
def sent_before_session_created(case: Case) -> Evidence:
    """Updates before session.created are neither confirmed nor refused, and those after it are."""
    created, confirmed, sent = case.server("session.created"), case.server(*UPDATED), case.client(*UPDATES)
    early = [one for one in sent if created and one.seq < created[0].seq]
    return early if confirmed and len(confirmed) == len(sent) - len(early) and _unanswered_updates(case) else []


@cause(
    "session-update-not-confirmed",
    "session.update was sent, and the service neither confirmed nor refused it.",
    rank=760,
    fix="Send it after session.created, and rely on it only after session.updated; where that never comes, look at the service: it must answer every update.",
    source=SERVER_EVENTS,
)
def session_update_not_confirmed(case: Case) -> Evidence:
    """An update without session.updated and without an error (SES-04), where the filter hides neither."""
    return _unanswered_updates(case)


def _unanswered_updates(case: Case) -> list[Entry]:
    if case.view.filtered or not (case.broken("SES-04") or case.waited_for(r"session\.updated")):
        return []
    confirmed, refused = case.server(*UPDATED), case.trace.events("service", "error")
    sent = case.client(*UPDATES)
    return sent[len(confirmed) :] if not refused else []


@cause(
    "update-not-applied",
    "The service confirmed session.update, but not with the values that were sent.",
    rank=765,
    fix="Compare session.updated with what was sent: a gateway that drops or renames fields looks like this.",
    source=sdk("session_updated_event.py"),
)
def update_not_applied(case: Case) -> Evidence:
    """session.updated shows other values than the update asked for, or lost others (SES-05, SES-18)."""
    return case.broken("SES-05", "SES-18")


@cause(
    "speech-before-update",
    "The caller's audio arrives before session.updated: the first turn is taken with other settings.",
    rank=770,
    fix="Mute the track (track.enabled = false) until session.updated has come.",
    source=f"{issue('openai/openai-agents-js#949')}; {issue('ag2ai/ag2#509')}",
)
def speech_before_update(case: Case) -> Evidence:
    """Speech of the caller began before session.updated (SES-11)."""
    return case.broken("SES-11")


def _without_detection(case: Case) -> str:
    """What to do about a transcription model that takes no turn detection."""
    if not case.errors(saying=r"turn detection is not supported"):
        return ""
    return "Set turn_detection to null for this model, and commit each turn by hand (input_audio_buffer.commit)."
