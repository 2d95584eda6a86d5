"""From a trace to what the recorded service did and what each act waited for. Pure.

An *ask* is what the client did: it opened the channel, sent a message, began or ended to speak. An *act* is what the service did: a
message on the channel, or the end of it. An act waits for the asks that caused it, and where nothing newer caused it, it follows the act
before it; both with the recorded gap. The order of acts is the recorded one.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from harness.errors import UnknownDialect
from harness.fake.replay.audio import first_packet
from harness.protocol.dialects import DIALECTS, Dialect
from harness.trace import Entry, Trace

ERROR = "error"
# What answers a client event, by canonical type; each may also be answered by an error.
_ANSWERS: Mapping[str, tuple[str, ...]] = {
    "session.update": ("session.updated",),
    "transcription_session.update": ("transcription_session.updated",),
    "input_audio_buffer.commit": ("input_audio_buffer.committed",),
    "input_audio_buffer.clear": ("input_audio_buffer.cleared",),
    "output_audio_buffer.clear": ("output_audio_buffer.cleared",),
    "conversation.item.create": ("conversation.item.added", "conversation.item.created"),
    "conversation.item.retrieve": ("conversation.item.retrieved",),
    "conversation.item.delete": ("conversation.item.deleted",),
    "conversation.item.truncate": ("conversation.item.truncated",),
    "response.create": ("response.created",),
    "response.cancel": ("response.done",),
}
_SPEECH: Mapping[str, Literal["started", "stopped"]] = {
    "input_audio_buffer.speech_started": "started",
    "input_audio_buffer.speech_stopped": "stopped",
}
_TOGETHER = 0.5
"""Seconds within which a channel and its connection end together."""
_UNHEARD: Mapping[str, float] = {"started": 0.06, "stopped": 0.5}
"""Seconds by which a service tells of speech later than it was, for a recording that does not hold the caller's audio."""
APPEND = "input_audio_buffer.append"


@dataclass(frozen=True, slots=True)
class Ask:
    """A message of the recorded client: ``event`` is None where ``text`` was no event. ``t`` counts in seconds of the trace."""

    t: float
    seq: int
    event: Mapping[str, Any] | None
    text: str = ""
    size: int = 0

    @property
    def type(self) -> str:
        """The event's wire type; empty for a message that is no event."""
        return str(self.event.get("type", "")) if self.event is not None else ""


@dataclass(frozen=True, slots=True)
class SpeechCause:
    """The caller began or ended to speak at ``at``; ``count``: changes of this kind since the one that the service told of before.

    ``longest``: seconds of the longest pause (for "stopped") or sound (for "started") among those that the service did not take for it.
    """

    state: Literal["started", "stopped"]
    at: float
    count: int
    longest: float


@dataclass(frozen=True, slots=True)
class Act:
    """What the recorded service did at ``t``: a message, or None for closing the channel. ``asks``: numbers of the asks it waited for."""

    t: float
    seq: int
    message: Mapping[str, Any] | str | bytes | None
    size: int
    asks: tuple[int, ...] = ()
    speech: SpeechCause | None = None

    @property
    def type(self) -> str:
        """The event's wire type; empty for what is no event."""
        return str(self.message.get("type", "")) if isinstance(self.message, Mapping) else ""


@dataclass(frozen=True)
class Script:
    """What the service did, and after what. ``opened`` is when the channel opened, ``heard_from`` when the caller's audio began; ``ends``: the service
    ended the call, too. ``server_ids``: each id that the service told, with the place in the trace where it did first."""

    dialect: Dialect
    opened: float
    asks: tuple[Ask, ...]
    acts: tuple[Act, ...]
    ends: bool = False
    heard_from: float = 0.0
    server_ids: Mapping[str, int] = field(default_factory=dict)


def script_of(trace: Trace) -> Script:
    """The script of a recorded call, from either end's trace. Raises UnknownDialect for a dialect that nobody can speak any more."""
    if trace.header.dialect not in DIALECTS:
        fix = f"dialects are: {', '.join(DIALECTS)}"
        raise UnknownDialect(f"unknown dialect {trace.header.dialect!r}", where="the recording", fix=fix)
    dialect = DIALECTS[trace.header.dialect]
    opening = trace.first("channel.open") or trace.first("event")
    opened = opening.t if opening is not None else 0.0
    asks = tuple(_asks(trace))
    acts = list(_acts(trace))
    gates = _gates(dialect, asks, acts)
    speech = _speech(trace, dialect, acts)
    acts = [
        Act(act.t, act.seq, act.message, act.size, tuple(gates.get(number, ())), speech.get(number))
        for number, act in enumerate(acts)
    ]
    closing = service_closes(trace)
    if closing is not None:
        acts.append(Act(closing.t, closing.seq, None, 0))
    return Script(
        dialect,
        opened,
        asks,
        tuple(acts),
        _ended(trace, closing),
        first_packet(trace, trace.direction("client")),
        _first_told(acts),
    )


def service_closes(trace: Trace) -> Entry | None:
    """The entry of the channel's end, where the service ended it; None where the client hung up, or nobody did.

    The end is the service's where the client had not hung up and still asked for something, or the call broke down by it.
    """
    closed = trace.first("channel.closed")
    if closed is None or any(one.seq < closed.seq for one in _hang_ups(trace)):
        return None
    lost = [one for one in trace.of("harness.error") if one.data.get("error") == "ConnectionLost"]
    noted = [
        one for one in trace.of("harness.note") if str(one.data.get("text", "")).startswith("the service ends the call")
    ]
    later = [one for one in trace.of("step.started", "event.sent") if one.seq > closed.seq]
    told = lost or noted or (trace.header.observer == "client" and later)
    return closed if told else None


def _hang_ups(trace: Trace) -> Iterator[Entry]:
    """What shows that the client ended the call."""
    yield from (one for one in trace.of("http.request") if one.data.get("step") == "hangup")
    yield from (one for one in trace.of("step.started") if one.data.get("word") == "hang_up")


def _ended(trace: Trace, closing: Entry | None) -> bool:
    """Whether the connection ended with the channel, by the service."""
    if closing is None:
        return False
    return any(
        one.data.get("state") == "closed" and abs(one.t - closing.t) < _TOGETHER for one in trace.of("connection.dtls")
    )


def _asks(trace: Trace) -> Iterator[Ask]:
    for entry in trace.of("event"):
        if trace.sender(entry) != "client":
            continue
        if entry.kind == "event.undecodable":
            yield Ask(entry.t, entry.seq, None, str(entry.data.get("text", "")), int(entry.data.get("size") or 0))
        else:
            yield Ask(entry.t, entry.seq, entry.event, "", int(entry.data.get("size") or 0))


def _acts(trace: Trace) -> Iterator[Act]:
    for entry in trace.of("event"):
        if trace.sender(entry) != "service":
            continue
        size = int(entry.data.get("size") or 0)
        message: Mapping[str, Any] | str | bytes = entry.event
        if entry.kind == "event.undecodable":
            message = str(entry.data.get("text", ""))
            if entry.data.get("binary"):
                message = message.encode("utf-8", errors="replace")
        yield Act(entry.t, entry.seq, message, size)


def _gates(dialect: Dialect, asks: tuple[Ask, ...], acts: list[Act]) -> dict[int, list[int]]:
    """For each act the asks that it waits for: each ask is waited for by its answer, else by the first act after it."""
    gates: dict[int, list[int]] = {}
    taken: set[int] = set()
    places = [act.seq for act in acts]
    named = (ask.event.get("event_id") for ask in asks if ask.event is not None)
    event_ids = {one for one in named if isinstance(one, str) and one}
    for number, ask in enumerate(asks):
        if ask.type == APPEND:
            continue
        first = bisect(places, ask.seq)
        later = (index for index in range(first, len(acts)) if index not in taken)
        answer = next((index for index in later if _answers(dialect, ask, acts[index], event_ids)), None)
        if answer is not None:
            taken.add(answer)
        if first < len(acts):
            gates.setdefault(first if answer is None else answer, []).append(number)
    return gates


def _answers(dialect: Dialect, ask: Ask, act: Act, event_ids: set[str]) -> bool:
    """Whether this act is the answer to this ask."""
    if not isinstance(act.message, Mapping):
        return False
    if act.type == ERROR:
        error = act.message.get("error")
        about = error.get("event_id") if isinstance(error, Mapping) else None
        own = ask.event.get("event_id") if ask.event is not None else None
        return about == own if isinstance(about, str) and about in event_ids else True
    kind = dialect.canonical(act.type)
    if kind not in _ANSWERS.get(dialect.canonical(ask.type), ()):
        return False
    assert ask.event is not None
    if kind == "response.done":
        response = act.message.get("response")
        return isinstance(response, Mapping) and response.get("status") == "cancelled"
    item, made = ask.event.get("item"), act.message.get("item")
    if isinstance(item, Mapping) and isinstance(made, Mapping):
        asked = item.get("id")
        return (
            asked == made.get("id")
            if asked
            else item.get("type") == made.get("type") and item.get("role") == made.get("role")
        )
    wanted = ask.event.get("item_id")
    told = act.message.get("item_id") or (made.get("id") if isinstance(made, Mapping) else None)
    return wanted is None or told is None or wanted == told


def _speech(trace: Trace, dialect: Dialect, acts: list[Act]) -> dict[int, SpeechCause]:
    """For each act that tells of the caller's speech, the change in the caller's own audio that caused it."""
    direction = trace.direction("client")
    heard = [entry.data for entry in trace.of("audio.speech") if entry.data.get("direction") == direction]
    unheard = not heard and not any(one.data.get("direction") == direction for one in trace.of("rtp.packets"))
    changes = [(str(one.get("state")), float(one.get("at") or 0.0)) for one in heard]
    causes: dict[int, SpeechCause] = {}
    since = float("-inf")
    for number, act in enumerate(acts):
        state = _SPEECH.get(dialect.canonical(act.type))
        if state is None:
            continue
        if unheard:
            causes[number] = SpeechCause(state, act.t - _UNHEARD[state], 1, 0.0)
            continue
        fresh = [(kind, at) for kind, at in changes if since < at <= act.t]
        own = [at for kind, at in fresh if kind == state]
        if not own:
            continue
        since = own[-1]
        causes[number] = SpeechCause(state, own[-1], len(own), _longest_of_others(fresh, own[-1], state))
    return causes


def _longest_of_others(changes: list[tuple[str, float]], until: float, state: str) -> float:
    """The longest stretch that began with a change to ``state`` and ended before the one that counted."""
    longest, began = 0.0, None
    for kind, at in changes:
        if at >= until:
            break
        if kind == state:
            began = at
        elif began is not None:
            longest, began = max(longest, at - began), None
    return longest if began is None else max(longest, until - began)


ID_KEYS = frozenset({"id", "event_id", "item_id", "previous_item_id", "call_id", "response_id", "approval_request_id"})


def _first_told(acts: list[Act]) -> dict[str, int]:
    """Each id that the service told, with the position in the trace at which it did first."""
    told: dict[str, int] = {}

    def walk(value: Any, seq: int) -> None:
        if isinstance(value, Mapping):
            for key, inner in value.items():
                if key in ID_KEYS and isinstance(inner, str):
                    told.setdefault(inner, seq)
                else:
                    walk(inner, seq)
        elif isinstance(value, (list, tuple)):
            for inner in value:
                walk(inner, seq)

    for act in acts:
        walk(act.message, act.seq)
    return told
