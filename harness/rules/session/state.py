"""SES: what the service says about the session: created once and first, updated when asked, never changed behind one's back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isclose
from typing import Any

from harness.protocol.generations import UPDATED, UPDATES
from harness.protocol.sessions import SESSION_FIELDS
from harness.protocol.states import SESSION
from harness.protocol.states import step as leads_to
from harness.rules.base import DOCUMENTED, MUST, OBSERVED, SHOULD, Observation, View, bad, good, judged
from harness.rules.session import FAMILY
from harness.rules.support.fields import MISSING, at, leaves, mapping, shown, text
from harness.rules.support.history import EXPIRED, History, Step, history, overdue, overtaken
from harness.rules.support.sources import beta_sdk, sdk

# Echoed in another form by design: a model name is resolved, "auto" is spelled out, a secret is not repeated.
RESOLVED = frozenset({"model", "tracing", "prompt", "client_secret"})
PRECISION = (
    0.001  # share of a number: a single-precision float is exact to a ten-millionth, text with three digits to this
)
_UPDATE_ECHOED = "Microsoft, Realtime API via WebRTC (preview), event log; " + sdk("session_update_event.py")


@dataclass(frozen=True)
class AnsweredUpdate:
    """One session.update and what answered it: session.updated, an error, or nothing. ``certain``: no other was under way."""

    update: Step
    answer: Step | None
    certain: bool = True

    @property
    def accepted(self) -> bool:
        """Whether the service took it."""
        return self.answer is not None and self.answer.kind in UPDATED


def exchanges(course: History) -> tuple[list[AnsweredUpdate], list[Step]]:
    """Every update with its answer, in order, and the session.updated events that nobody asked for.

    The service answers in order, one answer each; an error belongs to the update whose event_id it names, or, where it
    names none, to the oldest one still waiting.
    """
    waiting: list[Step] = []
    found: dict[int, AnsweredUpdate] = {}
    unasked: list[Step] = []
    for step in course.steps:
        if step.by == "client" and step.kind in UPDATES:
            waiting.append(step)
            found[step.entry.seq] = AnsweredUpdate(step, None)
        elif step.by == "service" and step.kind in UPDATED:
            if not waiting:
                unasked.append(step)
                continue
            update = waiting.pop(0)
            found[update.entry.seq] = AnsweredUpdate(update, step, certain=not waiting)
        elif step.by == "service" and step.kind == "error" and waiting:
            named = text(step.event, "error", "event_id")
            blamed = next((one for one in waiting if named and text(one.event, "event_id") == named), None)
            if not named and text(step.event, "error", "param").startswith("session"):
                blamed = waiting[0]
            if blamed is not None:
                waiting.remove(blamed)
                found[blamed.entry.seq] = AnsweredUpdate(blamed, step)
    nameless = [
        step
        for step in course.server("error")
        if not text(step.event, "error", "event_id")
        and not text(step.event, "error", "param").startswith("session")
        and text(step.event, "error", "code") != EXPIRED
    ]
    for update in waiting:
        late = next((step for step in nameless if step.entry.seq > update.entry.seq), None)
        if late is not None:
            nameless.remove(late)
            found[update.entry.seq] = AnsweredUpdate(update, late, certain=False)
    return list(found.values()), unasked


def states(course: History) -> Iterator[tuple[Step, str, str | None]]:
    """The service's events about the session, each with the state before it and the one it leads to; None where it is illegal there.

    What is illegal leaves the state as it was; but a session that expires is over, however it began.
    """
    state = SESSION.initial
    for one in course.server("session.created", *UPDATED, "error"):
        event = "session.updated" if one.kind in UPDATED else one.kind
        if event == "error" and text(one.event, "error", "code") == EXPIRED:
            event = "error(session_expired)"
        new = leads_to(SESSION, state, event)
        yield one, state, new
        state = new or ("expired" if event == "error(session_expired)" else state)


@FAMILY.rule("01", MUST, DOCUMENTED, sdk("session_created_event.py"))
def created_first(view: View) -> Iterator[Observation]:
    """the first event from the service is session.created

    Vendor text: emitted "when a new connection is established as the first server event".

    Clients wait for it before they configure anything. Send it as soon as the channel is open.

    Okay:
        < session.created {"session": {"type": "realtime"}}
        < session.updated {"session": {"type": "realtime"}}
    Fail:
        < conversation.created {"conversation": {"id": "conv_1", "object": "realtime.conversation"}}
        < session.created {"session": {"type": "realtime"}}
    Unseen:
        > session.update {"session": {"type": "realtime"}}
    """
    first = next(iter(view.server()), None)
    if first is not None:
        yield judged(first, first.type == "session.created", "session.created", first.type)


@FAMILY.rule("02", MUST, DOCUMENTED, sdk("session_created_event.py"))
def created_once(view: View) -> Iterator[Observation]:
    """session.created comes once

    One connection is one session: a second session.created would mean that the first one is lost.

    Report changes with session.updated.

    Okay:
        < session.created {"session": {"type": "realtime"}}
    Fail:
        < session.created {"session": {"type": "realtime"}}
        < session.created {"session": {"type": "realtime"}}
    """
    for one, state, new in states(history(view)):
        if one.kind == "session.created":
            wanted = "one session.created on a connection"
            yield judged(one.entry, new is not None, wanted, f"again, of a session that is {state}")


_GA_ONLY = ("audio", "output_modalities")
_BETA_ONLY = tuple(
    field.beta[0]
    for field in SESSION_FIELDS
    if field.beta is not None and field.ga is not None and field.beta != field.ga
)


@FAMILY.rule("03", MUST, DOCUMENTED, sdk("session_created_event.py"), beta_sdk("session.py"))
def created_shape(view: View) -> Iterator[Observation]:
    """session.created shows the session in the dialect's shape

    GA names the session's type and nests audio settings below ``audio``; beta is flat. A mixture fits no client.

    Answer with the shape of the endpoint that was called.

    Okay:
        < session.created {"session": {"type": "realtime", "audio": {"output": {"voice": "alloy"}}}}
    Fail:
        < session.created {"session": {"audio": {"output": {"voice": "alloy"}}}}
    Fail:
        < session.created {"session": {"type": "realtime", "voice": "alloy", "modalities": ["text", "audio"]}}
    Okay[azure-preview]:
        < session.created {"session": {"voice": "alloy", "modalities": ["text", "audio"]}}
    Fail[azure-preview]:
        < session.created {"session": {"type": "realtime", "audio": {"output": {"voice": "alloy"}}}}
    """
    own = view.dialect.generation
    for entry in view.server("session.created"):
        session = at(entry.event, "session")
        if not isinstance(session, Mapping):
            yield bad(entry, "a session object", shown(session))
            continue
        foreign = [name for name in (_BETA_ONLY if own.typed else _GA_ONLY) if name in session]
        if foreign:
            other = "beta" if own.typed else "GA"
            yield bad(entry, f"the {own.name} shape", f"{other} fields: {', '.join(foreign)}")
        elif own.typed and session.get("type") not in ("realtime", "transcription"):
            yield bad(entry, ("type realtime", "type transcription"), f"type {shown(at(session, 'type'))}")
        elif own.typed and not isinstance(session.get("audio", {}), Mapping):
            yield bad(entry, "audio is an object", f"audio {shown(session['audio'])}")
        else:
            yield good(entry)


@FAMILY.rule("04", MUST, DOCUMENTED, sdk("session_update_event.py", "session_updated_event.py"))
def update_answered(view: View) -> Iterator[Observation]:
    """every session.update is answered by session.updated or error

    Vendor text: "it will respond with a session.updated event showing the full, effective configuration", else an error.

    Without the answer a client cannot know which settings hold. Answer each update once, in order.

    Okay:
        > session.update {"session": {"type": "realtime"}}
        < session.updated {"session": {"type": "realtime"}}
    Okay:
        > session.update {"session": {}, "event_id": "mine"}
        < error {"error": {"type": "invalid_request_error", "message": "Missing session.type", "event_id": "mine"}}
    Fail:
        > session.update {"session": {"type": "realtime"}}
        < response.created {"response": {"id": "resp_1"}}
        < response.done {"response": {"id": "resp_1", "status": "completed"}}
    Open:
        > session.update {"session": {"type": "realtime"}}
        +11s
        < rate_limits.updated {"rate_limits": []}
    Okay[azure-preview]:
        > transcription_session.update {"session": {}}
        < transcription_session.updated {"session": {}}
    """
    course = history(view)
    for exchange in exchanges(course)[0]:
        entry = exchange.update.entry
        if exchange.answer is not None:
            yield good(entry, exchange.answer.kind)
        elif evidence := overtaken(course, entry):
            yield bad(entry, (*UPDATED, "error"), f"no answer by {evidence.kind} (entry {evidence.entry.seq})")
        else:
            yield from overdue(view, entry, "session.updated or error")


@FAMILY.rule("05", SHOULD, OBSERVED, _UPDATE_ECHOED)
def update_echoed(view: View) -> Iterator[Observation]:
    """session.updated shows the values that were sent

    The effective configuration holds each sent value; model names may be resolved, numbers rounded, lists reordered.

    A value that is dropped in silence is found only by its effect, if ever. Refuse it with an error, or apply it.

    Okay:
        > session.update {"session": {"type": "realtime", "audio": {"output": {"voice": "alloy", "speed": 1.1}}}}
        < session.updated {"session": {"type": "realtime", "audio": {"output": {"voice": "alloy", "speed": 1.101}}}}
    Okay:
        > session.update {"session": {"type": "realtime", "instructions": ""}}
        < session.updated {"session": {"type": "realtime", "instructions": null}}
    Fail:
        > session.update {"session": {"type": "realtime", "audio": {"output": {"voice": "verse"}}}}
        < session.updated {"session": {"type": "realtime", "audio": {"output": {"voice": "alloy"}}}}
    Fail:
        > session.update {"session": {"type": "realtime", "audio": {"output": {"speed": 1.1}}}}
        < session.updated {"session": {"type": "realtime", "audio": {"output": {"speed": 1.1012}}}}
    Okay[azure-preview]:
        > session.update {"session": {"temperature": 0.8, "modalities": ["audio", "text"]}}
        < session.updated {"session": {"temperature": 0.8, "modalities": ["text", "audio"]}}
    Fail[azure-preview]:
        > session.update {"session": {"temperature": 0.8}}
        < session.updated {"session": {"temperature": 1.0}}
    """
    for exchange in exchanges(history(view))[0]:
        if not exchange.accepted or not exchange.certain or exchange.answer is None:
            continue
        wrong = [
            f"{'.'.join(path)} {shown(at(exchange.answer.event, 'session', *path), 60)}, sent {shown(sent, 60)}"
            for path, sent in leaves(mapping(exchange.update.event, "session"))
            if path
            and not RESOLVED & set(path)
            and not same(path[-1], sent, at(exchange.answer.event, "session", *path))
        ]
        yield judged(exchange.answer.entry, not wrong, "each value as it was sent", "; ".join(wrong))


def same(name: str, sent: Any, seen: Any) -> bool:
    """Equal up to what a service may normalise: float precision, order of lists, spelling of tools, null for absent."""
    if sent is None or sent == {} or sent == "":
        return seen is MISSING or seen is None or seen in ({}, "")
    if isinstance(sent, float) or isinstance(seen, float):
        both = isinstance(sent, (int, float)) and isinstance(seen, (int, float))
        return both and isclose(sent, seen, rel_tol=PRECISION)
    if isinstance(sent, str) and isinstance(seen, str):
        return sent.strip() == seen.strip()
    if isinstance(sent, (list, tuple)):
        seen_list = seen if isinstance(seen, (list, tuple)) else ()
        if name == "tools":
            return _names(sent) == _names(seen_list)
        return len(sent) == len(seen_list) and all(one in seen_list for one in sent)
    return bool(sent == seen)


def _names(tools: Any) -> set[str]:
    return {text(tool, "name") or text(tool, "server_label") for tool in tools}
