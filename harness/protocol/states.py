"""The lifecycles of the protocol as tables ``(state, event) -> state``: signaling, session, item, response, content part, playback."""

# Theory of operation
#
# 1. Everything that decides which event may follow which lives in this file, and nothing else does: no times, no ids, no
#    roles, no dialects. Events are canonical (GA) names; beta events are translated before they come here.
# 2. One table describes ONE thing: one call's signaling, one session, one item, one response, one content part, the playback
#    of one response. A call runs many of them side by side, and they do not know of each other. What is true between two
#    of them (an item is announced before its content) is the business of a rule.
# 3. An event that a table does not list in a state is illegal there: ``step`` says None. The checker does not stop at that:
#    it reports, stays in the state it had, and goes on. Events that are no business of a table are not put to it.
# 4. A pair of events whose order no vendor fixes is listed in both orders. The content part shows it: audio and transcript
#    end in either order, so there are two states in between.
# 5. Whatever an event carries that decides where it leads is part of its name here: ``response.done(cancelled)``.

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

Table = Mapping[tuple[str, str], str]


@dataclass(frozen=True)
class Lifecycle:
    """A machine: its name, what it stands for, where it starts, and its table."""

    name: str
    about: str
    initial: str
    table: Table

    @cached_property
    def states(self) -> frozenset[str]:
        """Every state the table mentions."""
        return frozenset({self.initial, *(state for state, _ in self.table), *self.table.values()})

    @cached_property
    def events(self) -> frozenset[str]:
        """Every event the table mentions."""
        return frozenset(event for _, event in self.table)

    @cached_property
    def final(self) -> frozenset[str]:
        """States that nothing leads out of, except back to themselves."""
        return frozenset(
            state for state in self.states if all(new == state for (old, _), new in self.table.items() if old == state)
        )


def step(lifecycle: Lifecycle, state: str, event: str) -> str | None:
    """The state that ``event`` leads to, or None where it is illegal in ``state`` (or unknown). Never raises."""
    return lifecycle.table.get((state, event))


def allowed(lifecycle: Lifecycle, state: str) -> frozenset[str]:
    """The events that are legal in ``state``."""
    return frozenset(event for old, event in lifecycle.table if old == state)


def reach(lifecycle: Lifecycle, state: str) -> frozenset[str]:
    """The states that one event leads to from ``state``."""
    return frozenset(new for (old, _), new in lifecycle.table.items() if old == state)


SIGNALING = Lifecycle(
    "signaling",
    "RFC 9429 section 3.2, with the W3C RTCSignalingState strings verbatim. The caller offers, the service answers, once; the rest of the table "
    "is there because a foreign stack may use it (rollback, provisional answers).",
    "stable",
    {
        # State: stable
        ("stable", "setLocal(offer)"): "have-local-offer",
        ("stable", "setRemote(offer)"): "have-remote-offer",
        # State: have-local-offer
        ("have-local-offer", "setLocal(offer)"): "have-local-offer",
        ("have-local-offer", "setRemote(answer)"): "stable",
        ("have-local-offer", "setRemote(pranswer)"): "have-remote-pranswer",
        ("have-local-offer", "setLocal(rollback)"): "stable",
        # State: have-remote-offer
        ("have-remote-offer", "setRemote(offer)"): "have-remote-offer",
        ("have-remote-offer", "setLocal(answer)"): "stable",
        ("have-remote-offer", "setLocal(pranswer)"): "have-local-pranswer",
        ("have-remote-offer", "setRemote(rollback)"): "stable",
        # State: have-local-pranswer
        ("have-local-pranswer", "setLocal(pranswer)"): "have-local-pranswer",
        ("have-local-pranswer", "setLocal(answer)"): "stable",
        # State: have-remote-pranswer
        ("have-remote-pranswer", "setRemote(pranswer)"): "have-remote-pranswer",
        ("have-remote-pranswer", "setRemote(answer)"): "stable",
        # close() is legal everywhere
        **{
            (state, "close"): "closed"
            for state in (
                "stable",
                "have-local-offer",
                "have-remote-offer",
                "have-local-pranswer",
                "have-remote-pranswer",
                "closed",
            )
        },
    },
)

SESSION = Lifecycle(
    "session",
    'It opens with session.created, "the first server event"; session.updated and recoverable errors leave it open; error session_expired '
    "ends it, and the channel closes after that; what was still under way may be refused in between.",
    "waiting",
    {
        ("waiting", "session.created"): "open",
        ("waiting", "closed"): "closed",
        ("open", "session.updated"): "open",
        ("open", "error"): "open",
        ("open", "error(session_expired)"): "expired",
        ("open", "closed"): "closed",
        ("expired", "error"): "expired",
        ("expired", "closed"): "closed",
    },
)

ITEM = Lifecycle(
    "item",
    "An item of the default conversation. A committed input buffer promises it (its id is known, it is not there yet), item.added brings it, "
    "item.done makes it final (GA only; beta has one event, conversation.item.created, which is item.added here). Deleted is final.",
    "absent",
    {
        ("absent", "input_audio_buffer.committed"): "promised",
        ("absent", "conversation.item.added"): "present",
        ("promised", "conversation.item.added"): "present",
        ("present", "conversation.item.done"): "finished",
        ("present", "conversation.item.retrieved"): "present",
        ("present", "conversation.item.truncated"): "present",
        ("present", "conversation.item.deleted"): "deleted",
        ("finished", "conversation.item.retrieved"): "finished",
        ("finished", "conversation.item.truncated"): "finished",
        ("finished", "conversation.item.deleted"): "deleted",
    },
)

FINAL_STATUSES = ("completed", "cancelled", "incomplete", "failed")

RESPONSE = Lifecycle(
    "response",
    "response.created, any other response.* event, response.done with the final status. Final states are final: only the playback goes on, "
    "and that is another table.",
    "absent",
    {
        ("absent", "response.created"): "in_progress",
        ("in_progress", "response.*"): "in_progress",
        **{("in_progress", f"response.done({status})"): status for status in FINAL_STATUSES},
    },
)

CONTENT_PART = Lifecycle(
    "content part",
    "A part of an assistant message while it streams: content_part.added, deltas, the .done of its text or of its audio and transcript, "
    'content_part.done. "Also emitted when a Response is interrupted, incomplete, or cancelled" stands in the SDK at each .done event: no '
    "short cut to the end.",
    "absent",
    {
        ("absent", "response.content_part.added"): "open",
        # State: open
        ("open", "response.output_text.delta"): "open",
        ("open", "response.output_text.done"): "final",
        ("open", "response.output_audio_transcript.delta"): "open",
        ("open", "response.output_audio_transcript.done"): "transcript-final",
        ("open", "response.output_audio.delta"): "open",
        ("open", "response.output_audio.done"): "audio-final",
        # State: transcript-final
        ("transcript-final", "response.output_audio.delta"): "transcript-final",
        ("transcript-final", "response.output_audio.done"): "final",
        ("transcript-final", "response.content_part.done"): "done",
        # State: audio-final
        ("audio-final", "response.output_audio_transcript.delta"): "audio-final",
        ("audio-final", "response.output_audio_transcript.done"): "final",
        ("audio-final", "response.content_part.done"): "done",
        # State: final
        ("final", "response.content_part.done"): "done",
    },
)

PLAYBACK = Lifecycle(
    "output audio buffer",
    "What leaves the service's output audio buffer for one response (WebRTC and SIP): started once, then drained (stopped) or cut (cleared).",
    "silent",
    {
        ("silent", "output_audio_buffer.started"): "playing",
        ("playing", "output_audio_buffer.stopped"): "stopped",
        ("playing", "output_audio_buffer.cleared"): "cleared",
    },
)

LIFECYCLES: tuple[Lifecycle, ...] = (SIGNALING, SESSION, ITEM, RESPONSE, CONTENT_PART, PLAYBACK)
