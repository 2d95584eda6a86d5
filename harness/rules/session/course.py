"""SES: how the session goes on: expiry, its id, what stays as it is, and changes that nobody asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from harness.protocol.generations import UPDATES
from harness.protocol.sessions import SESSION_FIELDS
from harness.rules.base import (
    BOTH,
    CLIENT,
    DOCUMENTED,
    INFERRED,
    INFO,
    MUST,
    OBSERVED,
    SHOULD,
    Observation,
    View,
    bad,
    good,
    judged,
)
from harness.rules.session import FAMILY
from harness.rules.session.requests import requested, word
from harness.rules.session.state import RESOLVED, exchanges, same, states
from harness.rules.support.fields import MISSING, at, mapping, number, shown, text
from harness.rules.support.history import EXPIRED, RACE, History, history
from harness.rules.support.http_view import epoch_of, query_of
from harness.rules.support.http_view import exchanges as http_exchanges
from harness.rules.support.sources import LOG, issue, sdk

_DATE = re.compile(r"-\d{4}-\d{2}-\d{2}$")
EXPIRY_SECONDS = 60.0  # the Date header has whole seconds and the clocks of a gateway and its backend may differ
_UPDATED_UNASKED = (
    sdk("session_updated_event.py") + '; "Returned when a session is updated with a session.update event"'
)
_PARTIAL_UPDATE = (
    sdk("session_update_event.py") + '; "Only the fields that are present in the session.update are updated"'
)

_SPOKEN = ("output_audio_buffer.started", "response.output_audio.delta", "response.output_audio_transcript.delta")


@FAMILY.rule("13", SHOULD, OBSERVED, issue("pollen-robotics/reachy_mini_conversation_app#134"))
def expiry(view: View) -> Iterator[Observation]:
    """an expired session says so and ends

    At session.expires_at the service sends error session_expired or closes; it starts nothing more after that.

    The time of day is the one noted with the HTTP exchange, else the Date header of the service's own responses.

    Okay:
        < session.created {"session": {"type": "realtime"}}
        < error {"error": {"type": "invalid_request_error", "code": "session_expired", "message": "60 minutes"}}
    Fail:
        < error {"error": {"type": "invalid_request_error", "code": "session_expired", "message": "60 minutes"}}
        < response.created {"response": {"id": "resp_1"}}
    Fail:
        < error {"error": {"type": "invalid_request_error", "code": "session_expired", "message": "60 minutes"}}
        < error {"error": {"type": "invalid_request_error", "code": "session_expired", "message": "60 minutes"}}
    Fail[azure-preview]:
        < session.created {"session": {}}
        < error {"error": {"type": "invalid_request_error", "code": "session_expired", "message": "60 minutes"}}
        < session.updated {"session": {}}
    Okay:
        < session.created {"session": {"type": "realtime"}}
        < error {"error": {"type": "invalid_request_error", "code": "session_expired", "message": "60 minutes"}}
        < error {"error": {"type": "invalid_request_error", "code": null, "message": "too late"}}
    Fail:
        http.response {"step": "key", "status": 200, "headers": {"date": "Sat, 21 Nov 2026 03:00:00 GMT"}, "body": {}}
        < session.created {"session": {"type": "realtime", "expires_at": 1795230100}}
        +161s
        < response.created {"response": {"id": "resp_1"}}
    Unseen:
        http.response {"step": "key", "status": 200, "headers": {"date": "Sat, 21 Nov 2026 03:00:00 GMT"}, "body": {}}
        < session.created {"session": {"type": "realtime", "expires_at": 1795230100}}
        +159s
        < response.created {"response": {"id": "resp_1"}}
    Okay:
        http.response {"step": "key", "status": 200, "headers": {"date": "Sat, 21 Nov 2026 03:00:00 GMT"}, "body": {}}
        < session.created {"session": {"type": "realtime", "expires_at": 1795230100}}
        +200s
        channel.closed {"label": "realtime-channel"}
    Unseen:
        http.response {"step": "key", "status": 200, "headers": {"date": "Sat, 21 Nov 2026 03:00:00 GMT"}, "body": {}}
        < session.created {"session": {"type": "realtime", "expires_at": 1795233600}}
        < response.created {"response": {"id": "resp_1"}}
    """
    course = history(view)
    for one, state, new in states(course):
        if state == "expired":
            if new is None:
                yield bad(one.entry, "nothing new after session_expired", one.kind)
        elif text(one.event, "error", "code") == EXPIRED:
            late = next(course.after(one.entry, "response.created"), None)
            yield judged((late or one).entry, late is None, "nothing new after session_expired", "response.created")
    epoch, created = start_of(view), next(iter(course.server("session.created")), None)
    expires = number(created.event, "session", "expires_at") if created else None
    if epoch is None or created is None or expires is None or expires <= epoch + created.entry.t:
        return
    end = expires - epoch + EXPIRY_SECONDS
    used = next((step for step in course.server("response.created") if step.entry.t > end), None)
    if used is None and view.trace.seconds > end:
        yield good(created.entry)
    elif used is not None:
        yield bad(
            used.entry,
            f"the session ends at {expires - epoch:.0f} s of this trace",
            f"{used.kind} at {used.entry.t:.0f} s",
        )


def start_of(view: View) -> float | None:
    """Unix time at the start of the trace, from the first HTTP entry that tells the time of day; None where none does."""
    known = ((entry, epoch_of(entry)) for entry in view.trace.of("http"))
    return next((epoch - entry.t for entry, epoch in known if epoch is not None), None)


FAMILY.unobservable(
    "14",
    "no rule on the default of silence_duration_ms",
    INFO,
    "the vendors' pages say 200 ms and 500 ms in different places, so there is no value to hold a service to",
)


@FAMILY.rule("16", SHOULD, INFERRED, _UPDATED_UNASKED)
def updated_unasked(view: View) -> Iterator[Observation]:
    """session.updated comes only as an answer

    One answer for each update: an extra one makes a client believe that its next update has been applied.

    A second controller on the side-band socket is the one legitimate cause.

    Okay:
        > session.update {"session": {"type": "realtime"}}
        < session.updated {"session": {"type": "realtime"}}
    Fail:
        > session.update {"session": {"type": "realtime"}}
        < session.updated {"session": {"type": "realtime"}}
        < session.updated {"session": {"type": "realtime"}}
    """
    answered, unasked = exchanges(history(view))
    for exchange in answered:
        if exchange.accepted and exchange.answer is not None:
            yield good(exchange.answer.entry)
    for step in unasked:
        yield bad(step.entry, "one session.updated for each session.update", "no update is waiting for this answer")


@FAMILY.rule("17", SHOULD, INFERRED, LOG, who=BOTH)
def same_id(view: View) -> Iterator[Observation]:
    """the session keeps its id

    session.created and every session.updated speak of one session; a new id means the state after it was lost.

    Okay:
        < session.created {"session": {"type": "realtime", "id": "sess_1"}}
        < session.updated {"session": {"type": "realtime", "id": "sess_1"}}
    Fail:
        < session.created {"session": {"type": "realtime", "id": "sess_1"}}
        < session.updated {"session": {"type": "realtime", "id": "sess_2"}}
    """
    named = [(one.step.entry, text(one.session, "id")) for one in history(view).settings.shown]
    named = [(entry, session) for entry, session in named if session]
    for entry, session in named[1:]:
        yield judged(entry, session == named[0][1], repr(named[0][1]), repr(session))


@FAMILY.rule("18", SHOULD, DOCUMENTED, _PARTIAL_UPDATE)
def partial_update(view: View) -> Iterator[Observation]:
    """an update changes nothing that it does not name

    Updates are partial: a setting that was not named stays as it was.

    A service that resets the rest to its defaults silently undoes the instructions. Merge, do not replace.

    Okay:
        < session.created {"session": {"type": "realtime", "instructions": "Be kind.",
            "audio": {"output": {"voice": "ash"}}}}
        > session.update {"session": {"type": "realtime", "audio": {"output": {"voice": "alloy"}}}}
        < session.updated {"session": {"type": "realtime", "instructions": "Be kind.",
            "audio": {"output": {"voice": "alloy"}}}}
    Fail:
        < session.created {"session": {"type": "realtime", "instructions": "Be kind.",
            "audio": {"output": {"voice": "ash"}}}}
        > session.update {"session": {"type": "realtime", "audio": {"output": {"voice": "alloy"}}}}
        < session.updated {"session": {"type": "realtime", "instructions": "", "audio": {"output": {"voice": "alloy"}}}}
    """
    course = history(view)
    all_exchanges, _ = exchanges(course)
    answers = {one.answer.entry.seq: one for one in all_exchanges if one.answer is not None and one.accepted}
    before: Mapping[str, Any] | None = None
    for effective in course.settings.shown:
        seq = effective.step.entry.seq
        exchange = answers.get(seq)
        if before is not None and exchange is not None and exchange.certain:
            sent = mapping(exchange.update.event, "session")
            changed = []
            for field in SESSION_FIELDS:
                path = view.dialect.session_path(field.word)
                if path is None or field.word in RESOLVED or at(sent, *path) is not MISSING:
                    continue
                old, new = at(before, *path), at(effective.session, *path)
                if old is not MISSING and new is not MISSING and not same(field.word, old, new):
                    changed.append(f"{'.'.join(path)}: {shown(old, 40)} became {shown(new, 40)}")
            yield judged(effective.step.entry, not changed, "only what the update names changes", "; ".join(changed))
        before = effective.session


@FAMILY.rule("09", MUST, DOCUMENTED, sdk("session_update_event.py"), who=CLIENT, hidden_by_filter=False)
def voice_and_model_stay(view: View) -> Iterator[Observation]:
    """the voice stays after the first audio, the model always

    Vendor text: "update any field except for voice and model. voice can be updated only if there have been no other audio outputs yet".

    Later changes are refused with cannot_update_voice. Choose the voice in the key request or the first update.

    Okay:
        < session.created {"session": {"type": "realtime", "model": "gpt-realtime",
            "audio": {"output": {"voice": "alloy"}}}}
        > session.update {"session": {"type": "realtime", "audio": {"output": {"voice": "verse"}}}}
    Fail:
        < session.created {"session": {"type": "realtime", "audio": {"output": {"voice": "alloy"}}}}
        < output_audio_buffer.started {"response_id": "resp_1"}
        > session.update {"session": {"type": "realtime", "audio": {"output": {"voice": "verse"}}}}
    Fail[azure-preview]:
        request key
        < session.created {"session": {"model": "gpt-4o-realtime-preview"}}
        > session.update {"session": {"model": "gpt-4o-mini-realtime-preview"}}
    Okay[azure-preview]:
        < session.created {"session": {"voice": "alloy"}}
        < response.audio_transcript.delta @r/i/0/0 {"delta": "Hi"}
        > session.update {"session": {"voice": "alloy"}}
    Okay[azure-ga service]:
        < session.created {"session": {"type": "realtime", "audio": {"output": {"voice": "alloy"}}}}
        < output_audio_buffer.started {"response_id": "resp_1"}
        +490ms
        > session.update {"session": {"type": "realtime", "audio": {"output": {"voice": "verse"}}}}
    Fail[azure-ga service]:
        < session.created {"session": {"type": "realtime", "audio": {"output": {"voice": "alloy"}}}}
        < output_audio_buffer.started {"response_id": "resp_1"}
        +510ms
        > session.update {"session": {"type": "realtime", "audio": {"output": {"voice": "verse"}}}}
    Okay[azure-ga]:
        < session.created {"session": {"type": "realtime", "model": "gpt-realtime-2025-08-28"}}
        > session.update {"session": {"type": "realtime", "model": "my-deployment"}}
    Okay[openai-ga]:
        < session.created {"session": {"type": "realtime", "model": "gpt-realtime-2025-08-28"}}
        > session.update {"session": {"type": "realtime", "model": "gpt-realtime"}}
    Fail[openai-ga]:
        < session.created {"session": {"type": "realtime", "model": "gpt-realtime-2025-08-28"}}
        > session.update {"session": {"type": "realtime", "model": "gpt-realtime-mini"}}
    """
    course = history(view)
    models = _models(view, course)
    # What the service has begun to send, the client may not have heard yet.
    blind = RACE if view.trace.header.observer == "service" else 0.0
    for step in course.client(*UPDATES):
        session = mapping(step.event, "session")
        voice, model = word(view, session, "voice"), word(view, session, "model")
        current = course.settings.value("voice", step.entry.seq)
        spoken = [one for one in course.before(step.entry, *_SPOKEN) if step.entry.t - one.entry.t >= blind]
        if isinstance(model, str) and models and not any(_same_model(model, one) for one in models):
            yield bad(step.entry, f"the model stays {' or '.join(sorted(models))}", f"model {model}")
        elif voice not in (MISSING, None) and current not in (MISSING, None) and spoken and voice != current:
            since = f"{spoken[0].kind} (entry {spoken[0].entry.seq})"
            yield bad(step.entry, f"the voice stays {shown(current, 40)}", f"voice {shown(voice, 40)} after {since}")
        elif voice is not MISSING or model is not MISSING:
            yield good(step.entry)


@FAMILY.rule("21", INFO, OBSERVED, sdk("session_update_event.py"), who=CLIENT, hidden_by_filter=False)
def voice_is_not_named_again(view: View) -> Iterator[Observation]:
    """an update after the first audio leaves the voice out

    "voice can be updated only if there have been no other audio outputs yet": some services refuse the same voice, too, and with it the
    whole update.

    Leave the voice out of later updates: what is not named stays as it is.

    Okay:
        < session.created {"session": {"type": "realtime", "audio": {"output": {"voice": "alloy"}}}}
        < output_audio_buffer.started {"response_id": "resp_1"}
        > session.update {"session": {"type": "realtime", "instructions": "Be brief."}}
    Fail:
        < session.created {"session": {"type": "realtime", "audio": {"output": {"voice": "alloy"}}}}
        < output_audio_buffer.started {"response_id": "resp_1"}
        > session.update {"session": {"type": "realtime", "audio": {"output": {"voice": "alloy"}}}}
    Unseen:
        > session.update {"session": {"type": "realtime", "audio": {"output": {"voice": "alloy"}}}}
    """
    course = history(view)
    for step in course.client(*UPDATES):
        voice = word(view, mapping(step.event, "session"), "voice")
        if voice not in (MISSING, None) and voice != course.settings.value("voice", step.entry.seq):
            continue  # another voice is SES-09's
        if any(course.before(step.entry, *_SPOKEN)):
            named = voice not in (MISSING, None)
            yield judged(step.entry, not named, "no voice in this update", f"the same voice, {shown(voice, 40)}")


def _models(view: View, course: History) -> set[str]:
    """Every name the model of this call goes by: as asked for, as configured, as the service resolved it.

    Empty where the service shows a name on Azure and nothing tells the deployment's own: which names are the same cannot be told then.
    """
    asked = {text(session, "model") for entry, session in requested(view) if entry.kind == "http.request"}
    asked |= {query_of(one.request).get("model", "") for one in http_exchanges(view, "call")}
    asked |= {text(entry.data, "deployment") for entry in view.trace.of("harness.config")}
    names = {text(one.session, "model") for one in course.settings.shown} | asked
    return set() if view.dialect.deployments and not asked - {""} else names - {""}


def _same_model(one: str, other: str) -> bool:
    """Equal, or one is the other with the date of its version: gpt-realtime and gpt-realtime-2025-08-28."""
    return _DATE.sub("", one) == _DATE.sub("", other)
