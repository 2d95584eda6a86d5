from __future__ import annotations

import pytest

from harness.protocol.generations import CLIENT_EVENTS, SERVER_EVENTS
from harness.protocol.states import (
    CONTENT_PART,
    ITEM,
    LIFECYCLES,
    PLAYBACK,
    RESPONSE,
    SESSION,
    SIGNALING,
    Lifecycle,
    allowed,
    reach,
    step,
)

ids = [lifecycle.name for lifecycle in LIFECYCLES]
STATES = sorted(set().union(*(lifecycle.states for lifecycle in LIFECYCLES)))
EVENTS = sorted(set().union(SERVER_EVENTS, CLIENT_EVENTS, *(lifecycle.events for lifecycle in LIFECYCLES)))


@pytest.mark.parametrize("lifecycle", LIFECYCLES, ids=ids)
def test_every_pair_gives_a_legal_state_or_none(lifecycle: Lifecycle) -> None:
    pairs = [(state, event) for state in (*STATES, "nowhere") for event in (*EVENTS, "nothing")]
    found = {pair: new for pair in pairs if (new := step(lifecycle, *pair)) is not None}
    assert found == lifecycle.table
    assert set(found.values()) <= lifecycle.states
    for state in (*STATES, "nowhere"):
        legal = {event: new for (old, event), new in found.items() if old == state}
        assert allowed(lifecycle, state) == set(legal)
        assert reach(lifecycle, state) == set(legal.values())


@pytest.mark.parametrize("lifecycle", LIFECYCLES, ids=ids)
def test_every_state_can_be_reached(lifecycle: Lifecycle) -> None:
    reached = {lifecycle.initial}
    while new := set().union(*(reach(lifecycle, state) for state in reached)) - reached:
        reached |= new
    assert reached == lifecycle.states


@pytest.mark.parametrize(
    ("lifecycle", "final"),
    [
        (SIGNALING, {"closed"}),
        (SESSION, {"closed"}),
        (ITEM, {"deleted"}),
        (RESPONSE, {"completed", "cancelled", "incomplete", "failed"}),
        (CONTENT_PART, {"done"}),
        (PLAYBACK, {"stopped", "cleared"}),
    ],
    ids=ids,
)
def test_where_it_ends(lifecycle: Lifecycle, final: set[str]) -> None:
    assert lifecycle.final == final


def walk(lifecycle: Lifecycle, *events: str) -> str | None:
    state: str | None = lifecycle.initial
    for event in events:
        state = step(lifecycle, state, event) if state else None
    return state


@pytest.mark.parametrize(
    ("lifecycle", "events", "end"),
    [
        (SIGNALING, ("setLocal(offer)", "setRemote(answer)", "close"), "closed"),
        (SIGNALING, ("setRemote(answer)",), None),
        (SIGNALING, ("setLocal(offer)", "setRemote(offer)"), None),
        (SESSION, ("session.created", "session.updated", "error", "error(session_expired)", "closed"), "closed"),
        (SESSION, ("session.created", "error(session_expired)", "error", "closed"), "closed"),
        (SESSION, ("session.created", "error(session_expired)", "session.updated"), None),
        (SESSION, ("session.updated",), None),
        (SESSION, ("session.created", "session.created"), None),
        (ITEM, ("input_audio_buffer.committed", "conversation.item.added", "conversation.item.done"), "finished"),
        (ITEM, ("conversation.item.done",), None),
        (ITEM, ("conversation.item.added", "conversation.item.added"), None),
        (RESPONSE, ("response.created", "response.*", "response.done(cancelled)"), "cancelled"),
        (RESPONSE, ("response.created", "response.done(completed)", "response.*"), None),
        (RESPONSE, ("response.*",), None),
        (PLAYBACK, ("output_audio_buffer.started", "output_audio_buffer.stopped"), "stopped"),
        (PLAYBACK, ("output_audio_buffer.stopped",), None),
        (PLAYBACK, ("output_audio_buffer.started", "output_audio_buffer.cleared", "output_audio_buffer.stopped"), None),
    ],
    ids=lambda value: "->".join(value) if isinstance(value, tuple) else getattr(value, "name", str(value)),
)
def test_what_follows_what(lifecycle: Lifecycle, events: tuple[str, ...], end: str | None) -> None:
    assert walk(lifecycle, *events) == end


@pytest.mark.parametrize("first", ["response.output_audio.done", "response.output_audio_transcript.done"])
def test_audio_and_transcript_end_in_either_order(first: str) -> None:
    second = {
        "response.output_audio.done": "response.output_audio_transcript.done",
        "response.output_audio_transcript.done": "response.output_audio.done",
    }[first]
    delta = "response.output_audio_transcript.delta"
    events = ("response.content_part.added", delta, first, second, "response.content_part.done")
    assert walk(CONTENT_PART, *events) == "done"
    assert walk(CONTENT_PART, *events, delta) is None


def test_events_are_canonical_names() -> None:
    """What is no wire name carries its decisive field in brackets, or is a step of the W3C API."""
    for lifecycle in (SESSION, ITEM, RESPONSE, CONTENT_PART, PLAYBACK):
        plain = {event.partition("(")[0] for event in lifecycle.events}
        assert plain - {"response.*", "closed"} <= SERVER_EVENTS
