"""SES: what the client asks of the session: in session.update and in the body of the key request."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from harness.protocol.dialects import DIALECTS, GA
from harness.protocol.generations import UPDATED, UPDATES
from harness.protocol.sessions import SESSION_FIELDS
from harness.rules.base import BOTH, CLIENT, DOCUMENTED, MUST, OBSERVED, SHOULD, Observation, View, bad, good, judged
from harness.rules.session import FAMILY
from harness.rules.session.state import exchanges
from harness.rules.support.fields import MISSING, at, mapping, number, shown, text
from harness.rules.support.history import history
from harness.rules.support.http_view import body_of
from harness.rules.support.sources import MS_REFERENCE, TURN_DETECTION, beta_sdk, issue, sdk
from harness.trace import Entry

DEPLOYMENTS = tuple(name for name in GA if DIALECTS[name].deployments)
EARLY_SECONDS = 0.2  # session.updated and the audio travel on different paths
EAGERNESS = ("low", "medium", "high", "auto")
TURN_TYPES = ("server_vad", "semantic_vad")
# Canonical words whose place in beta is another than in GA: sent to a GA session they make the whole update fail.
_BETA_WORDS = frozenset(field.beta[0] for field in SESSION_FIELDS if field.beta is not None and field.beta != field.ga)
_GA_PATHS = frozenset(field.ga for field in SESSION_FIELDS if field.ga is not None)
_RANGES: tuple[tuple[str, tuple[str, ...], float, float], ...] = (
    ("turn_detection", ("threshold",), 0.0, 1.0),
    ("turn_detection", ("idle_timeout_ms",), 5000, 30000),
    ("temperature", (), 0.6, 1.2),
    ("speed", (), 0.25, 1.5),
)
MOST_TOKENS = 4096
_UPDATE_HAS_TYPE = (issue("TanStack/ai#586"), sdk("session_update_event.py"))
_UPDATE_FIELDS_KNOWN = issue("microsoft/agent-framework#924")
_VALUE_RANGES = (TURN_DETECTION, sdk("realtime_session_create_request.py"), beta_sdk("session.py"))


def requested(view: View) -> Iterator[tuple[Entry, Mapping[str, Any]]]:
    """Every session the client asked for: in the body of the key request and in its updates."""
    for entry in view.trace.of("http.request"):
        if entry.data.get("step") == "key":
            yield entry, mapping(body_of(entry)) if view.dialect.body == "flat" else mapping(body_of(entry), "session")
    for step in history(view).client(*UPDATES):
        yield step.entry, mapping(step.event, "session")


def word(view: View, session: Mapping[str, Any], name: str) -> Any:
    """The setting called ``name`` in this dialect's wire session, or MISSING."""
    path = view.dialect.session_path(name)
    return MISSING if path is None else at(session, *path)


@FAMILY.rule("06", MUST, OBSERVED, *_UPDATE_HAS_TYPE, who=CLIENT, dialects=GA, hidden_by_filter=False)
def update_has_type(view: View) -> Iterator[Observation]:
    """session.update names the session's type

    Without session.type a GA service refuses the whole update with missing_required_parameter.

    Add "type": "realtime" (or "transcription") to every update.

    Okay:
        > session.update {"session": {"type": "realtime", "instructions": "Be kind."}}
    Fail:
        > session.update {"session": {"instructions": "Be kind."}}
    """
    for entry in view.client("session.update"):
        kind = at(entry.event, "session", "type")
        ok = kind in ("realtime", "transcription")
        yield judged(entry, ok, ('"type": "realtime"', '"type": "transcription"'), f"type {shown(kind)}")


@FAMILY.rule("07", MUST, OBSERVED, _UPDATE_FIELDS_KNOWN, who=CLIENT, dialects=GA, hidden_by_filter=False)
def update_fields_known(view: View) -> Iterator[Observation]:
    """session.update has no field that GA does not know

    One unknown or beta field makes a GA service refuse the whole update, not only the field.

    Nest audio settings below audio.input and audio.output; drop temperature. A field newer than this list that the
    service accepts is no fault.

    Okay:
        > session.update {"session": {"type": "realtime", "audio": {"output": {"voice": "alloy"}}}}
    Fail:
        > session.update {"session": {"type": "realtime", "voice": "alloy"}}
    Fail:
        > session.update {"session": {"type": "realtime", "temperature": 0.8}}
    Fail:
        > session.update {"session": {"type": "realtime", "audio": {"output": {"speach": 1}}}}
        < error {"error": {"type": "invalid_request_error", "code": "unknown_parameter", "message": "no"}}
    Okay:
        > session.update {"session": {"type": "realtime", "brand_new": true}}
        < session.updated {"session": {"type": "realtime", "brand_new": true}}
    """
    accepted = {one.update.entry.seq for one in exchanges(history(view))[0] if one.accepted}
    for entry in view.client("session.update"):
        fields = _paths(mapping(entry.event, "session"))
        beta = [name for (name, *rest) in fields if name in _BETA_WORDS and not rest]
        unknown = [".".join(path) for path in fields if path not in _GA_PATHS and not (beta and path[0] in beta)]
        if beta:
            yield bad(entry, "GA fields only", f"beta fields: {', '.join(beta)}")
        elif unknown and entry.seq not in accepted:
            yield bad(entry, "known fields only", f"unknown: {', '.join(unknown)}")
        else:
            yield good(entry)


def _paths(session: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """The settings named: top-level words, and below ``audio`` one level more on each side."""
    found: list[tuple[str, ...]] = []
    for name, value in session.items():
        if name == "audio" and isinstance(value, Mapping):
            for side, settings in value.items():
                inner = settings if isinstance(settings, Mapping) else {"": None}
                found += [tuple(part for part in ("audio", str(side), str(one)) if part) for one in inner]
        else:
            found.append((str(name),))
    return found


@FAMILY.rule("08", MUST, DOCUMENTED, *_VALUE_RANGES, who=CLIENT, hidden_by_filter=False)
def value_ranges(view: View) -> Iterator[Observation]:
    """session values are within their ranges

    threshold 0..1, temperature 0.6..1.2 (beta), speed 0.25..1.5, output tokens 1..4096 or "inf", idle timeout 5000..30000 ms.

    Eagerness is one of low, medium, high, auto. A value outside makes the service refuse the update.

    Okay:
        > session.update {"session": {"type": "realtime", "max_output_tokens": "inf",
            "audio": {"input": {"turn_detection": {"type": "server_vad", "threshold": 1}}, "output": {"speed": 1.5}}}}
    Fail:
        > session.update {"session": {"type": "realtime", "max_output_tokens": 4097}}
    Fail:
        > session.update {"session": {"type": "realtime", "audio": {"input": {"turn_detection": {"type": "semantic_vad",
            "eagerness": "hasty"}}}}}
    Okay[azure-preview]:
        > session.update {"session": {"temperature": 0.8, "max_response_output_tokens": 4096}}
    Fail[azure-preview]:
        http.request {"step": "key", "method": "POST", "url": "http://x", "headers": {}, "body": {"model": "m",
            "temperature": 2}}
    Fail[azure-preview]:
        http.request {"step": "key", "method": "POST", "url": "http://x", "headers": {},
            "body": "{\\"temperature\\": 2}"}
    Unseen:
        > session.update {"session": {"type": "realtime", "instructions": "Be kind."}}
    """
    for entry, session in requested(view):
        wrong, given = [], 0
        for name, inner, low, high in _RANGES:
            found = at(word(view, session, name), *inner)
            value = number({"value": found}, "value")
            given += found not in (MISSING, None)
            if found not in (MISSING, None) and (value is None or not low <= value <= high):
                wrong.append((f"{'.'.join((name, *inner))} {low:g}..{high:g}", shown(found, 40)))
        tokens = word(view, session, "max_output_tokens")
        count = number({"value": tokens}, "value")
        if tokens not in (MISSING, None, "inf") and (count is None or not 1 <= count <= MOST_TOKENS):
            wrong.append((f'output tokens 1..{MOST_TOKENS} or "inf"', shown(tokens, 40)))
        eagerness = at(word(view, session, "turn_detection"), "eagerness")
        if eagerness not in (MISSING, None, *EAGERNESS):
            wrong.append((f"eagerness {', '.join(EAGERNESS)}", shown(eagerness, 40)))
        given += sum(value not in (MISSING, None) for value in (tokens, eagerness))
        if given:
            yield judged(entry, not wrong, [expected for expected, _ in wrong], ", ".join(seen for _, seen in wrong))


@FAMILY.rule(
    "10", MUST, DOCUMENTED, sdk("realtime_session_create_request.py"), beta_sdk("session.py"), who=BOTH, by_sender=True
)
def modalities(view: View) -> Iterator[Observation]:
    """the output modalities are a legal choice

    GA: "It is not possible to request both text and audio at the same time". Beta: text, with or without audio.

    The wrong list makes the service refuse the update. In GA audio always comes with its transcript.

    Okay:
        > session.update {"session": {"type": "realtime", "output_modalities": ["audio"]}}
    Fail:
        > session.update {"session": {"type": "realtime", "output_modalities": ["audio", "text"]}}
    Okay[azure-preview]:
        < session.created {"session": {"modalities": ["audio", "text"]}}
    Fail[azure-preview]:
        > session.update {"session": {"modalities": ["audio"]}}
    """
    legal = ({"text"}, set(view.dialect.generation.spoken))
    wanted = ('["text"]', json.dumps(view.dialect.generation.spoken))
    sessions = list(requested(view))
    sessions += [(one.step.entry, one.session) for one in history(view).settings.shown]
    for entry, session in sessions:
        seen = word(view, session, "modalities")
        if seen is not MISSING and seen is not None:
            items = list(seen) if isinstance(seen, (list, tuple)) else []
            ok = len(set(map(str, items))) == len(items) and set(map(str, items)) in legal
            yield judged(entry, ok, wanted, shown(seen))


@FAMILY.rule("11", SHOULD, OBSERVED, issue("openai/openai-agents-js#949"), who=CLIENT, hidden_by_filter=False)
def configured_before_speech(view: View) -> Iterator[Observation]:
    """the client speaks only after session.updated

    Speech that arrives before the configuration is answered with the default voice, language and tools.

    Keep the microphone muted until session.updated has come.

    Okay:
        > session.update {"session": {"type": "realtime"}}
        +2s
        < session.updated {"session": {"type": "realtime"}}
        audio.speech {"direction": "sent", "state": "started", "at": 1.81}
    Fail:
        > session.update {"session": {"type": "realtime"}}
        +2s
        < session.updated {"session": {"type": "realtime"}}
        audio.speech {"direction": "sent", "state": "started", "at": 1.79}
    """
    course = history(view)
    updates, updated = course.client(*UPDATES), course.server(*UPDATED)
    if not updates or not updated:
        return
    first = next(
        (
            entry
            for entry in view.trace.of("audio.speech")
            if entry.data.get("state") == "started" and view.trace.sender(entry) == "client"
        ),
        None,
    )
    spoke = number(first.data, "at") if first else None
    if first is not None and spoke is not None:
        ready = updated[0].entry.t
        yield judged(
            first,
            spoke >= ready - EARLY_SECONDS,
            f"speech after {ready:.2f} s (session.updated)",
            f"speech at {spoke:.2f} s",
        )


@FAMILY.rule("12", MUST, DOCUMENTED, TURN_DETECTION, who=CLIENT, hidden_by_filter=False)
def turn_detection_type(view: View) -> Iterator[Observation]:
    """turn detection is server_vad, semantic_vad or null

    There is no type "none", whatever some pages say: turn detection is switched off with null.

    Okay:
        > session.update {"session": {"type": "realtime", "audio": {"input": {"turn_detection": null}}}}
    Fail:
        > session.update {"session": {"type": "realtime", "audio": {"input": {"turn_detection": {"type": "none"}}}}}
    Okay[azure-preview]:
        > session.update {"session": {"turn_detection": {"type": "semantic_vad", "eagerness": "auto"}}}
    Fail[azure-preview]:
        > session.update {"session": {"turn_detection": "none"}}
    """
    for entry, session in requested(view):
        seen = word(view, session, "turn_detection")
        if seen is MISSING:
            continue
        kind = at(seen, "type") if isinstance(seen, Mapping) else seen
        if kind is not MISSING:
            ok = kind is None if not isinstance(seen, Mapping) else kind in TURN_TYPES
            yield judged(entry, ok, (*TURN_TYPES, "null"), shown(kind))


@FAMILY.rule("15", SHOULD, DOCUMENTED, MS_REFERENCE, who=CLIENT, dialects=DEPLOYMENTS, hidden_by_filter=False)
def transcription_deployment(view: View) -> Iterator[Observation]:
    """the transcription model is a deployment name

    On Azure audio.input.transcription.model names a deployment of the resource, not a model.

    Which deployments exist cannot be seen; that the service refuses the name, or that every transcription fails, can.
    Deploy a transcription model and give its deployment name.

    Okay:
        > session.update {"session": {"type": "realtime",
            "audio": {"input": {"transcription": {"model": "my-whisper"}}}}}
        < session.updated {"session": {"type": "realtime"}}
    Fail:
        > session.update {"session": {"type": "realtime",
            "audio": {"input": {"transcription": {"model": "whisper-1"}}}}}
        < session.updated {"session": {"type": "realtime"}}
        < conversation.item.input_audio_transcription.failed @/i//0 {"error": {"code": "DeploymentNotFound",
            "message": "The API deployment for this resource does not exist."}}
    """
    course = history(view)
    for step in course.client("session.update"):
        model = at(word(view, mapping(step.event, "session"), "transcription"), "model")
        if model is MISSING:
            continue
        refused = [
            one
            for one in course.after(step.entry, "error", "conversation.item.input_audio_transcription.failed")
            if "deployment" in f"{text(one.event, 'error', 'code')} {text(one.event, 'error', 'message')}".lower()
        ]
        if refused:
            seen = f"{shown(model, 40)}, refused in entry {refused[0].entry.seq}"
            yield bad(step.entry, "the name of a deployment", seen)
        else:
            yield good(step.entry)
