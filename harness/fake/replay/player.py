"""Plays a recorded service: client messages, the caller's speech and time in; the recorded acts out. No I/O and no clock.

Theory of operation. The acts of the recorded service stand in one queue, in their order. The first act of the queue leaves

- when all asks that it waited for have come, as long after the last of them as in the recording;
- where it waited for the caller to speak, or to be silent: as long after the change in the caller's own audio;
- where nothing newer caused it: as long after the act before it.

A cause that is noticed late (the end of speech takes 0.2 s to be certain) does not shift what follows: an act belongs to its ``due``.
A pause that the recorded service did not take for the end of a turn is not taken for it here either: the caller has paused as often as
in the recording, or longer than in any pause that was passed over.

Messages have to be the recorded ones, in their order; those that the client sent without waiting for anything in between may change
places. Anything else is a miss: :class:`Missed` says what was expected next and what came, and the call ends; or, where the replay is
lenient, an engine goes on (:class:`harness.fake.replay.conversation.ReplayedConversation`).
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Mapping
from typing import Any

from harness.errors import shorten
from harness.fake.replay.actions import CloseChannel, Emit, HangUp, Missed, ReplayAction
from harness.fake.replay.acts import APPEND, ERROR, Act, Ask, Script, SpeechCause
from harness.fake.replay.match import Ids, difference
from harness.fake.replay.speech import Speech
from harness.protocol.messages import as_text, decode

FIX = "record the call again with this client, or go on with the engine's own answers: --lenient, or recording: {lenient: true}"


JITTER_MS = 60
"""Milliseconds by which speech may begin or end elsewhere in the audio and the recorded positions still stand: three packets."""
TICK = 1e-6
"""Seconds that are no time: what is due within them is due."""


class Replay:
    """One replay of a :class:`Script`. Inputs as of :class:`harness.fake.conversation.Conversation`, in seconds of any one clock."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self._ids = Ids(script.server_ids)
        self._speech = Speech()
        self._opened: float | None = None
        self._next = 0
        self._before = (script.opened, 0.0)  # recorded and due time of the act before, or of the opening
        self._came: dict[int, float] = {}
        self._left = [number for number, ask in enumerate(script.asks) if ask.type != APPEND]
        self._appends = len(self._left) < len(script.asks)
        self._places = [act.seq for act in script.acts]
        self._event_ids: dict[int, Any] = {}
        self.missed: Missed | None = None
        self.closed = False

    def connect(self, now: float) -> list[ReplayAction]:
        """The channel is open. Further calls do nothing."""
        if self._opened is not None:
            return []
        self._opened = now
        self._before = (self._script.opened, now)
        return self._play(now)

    def receive(self, message: str | bytes, now: float) -> list[ReplayAction] | None:
        """A message of the client. None: the recording has no answer to it (:attr:`missed` says what was expected), and nothing is done."""
        if self.closed or self._opened is None:
            return []
        event = decode(message)[0]
        text = "" if event is not None else as_text(message)
        if event is not None and event.get("type") == APPEND and self._appends:
            return self._play(now)  # audio in pieces: as many as the client likes
        number = self._find(event, text)
        if number is None:
            self.missed = self._miss(event, text)
            return None
        self._came[number] = now
        self._left.remove(number)
        if event is not None:
            self._event_ids[number] = event.get("event_id")
        return self._play(now)

    def hear(self, speech: bool, now: float) -> list[ReplayAction]:
        """20 ms of the caller's audio that began at ``now``: is it speech."""
        if self.closed:
            return []
        self._speech.hear(speech, now)
        return self._play(now)

    def tick(self, now: float) -> list[ReplayAction]:
        """Time has passed."""
        return self._play(now)

    @property
    def deadline(self) -> float | None:
        """When ``tick`` is wanted next, or None."""
        return None if self.closed or self._opened is None else self._due()

    @property
    def unplayed(self) -> str:
        """What of the recording was not played, in words; empty where it was played to its end."""
        rest = self._script.acts[self._next :]
        if not rest:
            return ""
        first = rest[0].type or ("the end of the channel" if rest[0].message is None else "a message that is no event")
        waits = [self._script.asks[number] for number in self._left]
        text = f"{len(rest)} of {len(self._script.acts)} messages of the recorded service were not played; the next is {first}"
        return text + (f", which waits for {_named(waits[0])} of the client" if waits else "")

    # Asks

    def _open_asks(self) -> list[int]:
        """The recorded message that is expected next, and those that the client sent after it without waiting for an act."""
        if not self._left:
            return []
        following = bisect(self._places, self._script.asks[self._left[0]].seq)
        until = self._places[following] if following < len(self._places) else None
        return [number for number in self._left if until is None or self._script.asks[number].seq < until]

    def _find(self, event: Mapping[str, Any] | None, text: str) -> int | None:
        return next(
            (one for one in self._open_asks() if difference(self._script.asks[one], event, text, self._ids) is None),
            None,
        )

    def _miss(self, event: Mapping[str, Any] | None, text: str) -> Missed:
        came = f"{event.get('type')} came" if event is not None else f"a message that is no event came: {shorten(text)}"
        expected = self._open_asks()
        if not expected:
            return Missed("the recording expects no further message of the client", came, FIX)
        same = [one for one in expected if event is not None and self._script.asks[one].type == event.get("type")]
        where = difference(self._script.asks[same[0]], event, text, self._ids) if same else None
        what = f"the recording expects {_named(self._script.asks[(same or expected)[0]])} next"
        return Missed(what, f"{came}{f' with a difference at {where}' if where else ''}", FIX)

    # Acts

    def _play(self, now: float) -> list[ReplayAction]:
        out: list[ReplayAction] = []
        while not self.closed and self._opened is not None:
            due = self._due()
            if due is None or due > now + TICK:
                break
            act = self._script.acts[self._next]
            moved = self._moved(act.speech) if act.speech is not None else 0
            self._before = (act.t, due)
            number, self._next = self._next, self._next + 1
            if act.message is None:
                out.append(CloseChannel(number, due))
                if self._script.ends:
                    out.append(HangUp())
                    self.closed = True
            else:
                out.append(Emit(self._live(act, moved), act.size, number, due))
        return out

    def _due(self) -> float | None:
        """When the next act leaves; None where it waits for the client, or where there is none."""
        if self._next >= len(self._script.acts):
            return None
        act = self._script.acts[self._next]
        if any(number not in self._came for number in act.asks):
            return None
        causes = [self._came[number] + (act.t - self._script.asks[number].t) for number in act.asks]
        if act.speech is not None:
            due = self._speech.due(act.speech, act.t)
            if due is None:
                return None
            causes.append(due)
        recorded, played = self._before
        # A cause from before the act before it says less than that act does.
        newer = [number for number in act.asks if self._script.asks[number].t >= recorded]
        if not causes or (not newer and act.speech is None):
            causes.append(played + (act.t - recorded))
        return max(max(causes), played)

    def _moved(self, cause: SpeechCause) -> int:
        """Milliseconds by which the caller spoke later in its audio than the recorded one; 0 where the difference is jitter."""
        came = self._speech.told(cause)
        if came is None:
            return 0
        moved = round((came - (cause.at - self._script.heard_from)) * 1000)
        return moved if abs(moved) > JITTER_MS else 0

    def _live(self, act: Act, moved: int) -> Mapping[str, Any] | str | bytes:
        if not isinstance(act.message, Mapping):
            return act.message or ""
        event: dict[str, Any] = self._ids.live(act.message)
        for place in ("audio_start_ms", "audio_end_ms") if moved else ():
            if isinstance(event.get(place), int):
                event = {**event, place: max(0, event[place] + moved)}
        if act.type == ERROR and isinstance(event.get("error"), Mapping):
            self._name_event(act, event)
        return event

    def _name_event(self, act: Act, event: dict[str, Any]) -> None:
        """The error names the event that it is about by the id that this client gave it."""
        recorded = event["error"].get("event_id")
        for number in act.asks:
            ask, own = self._script.asks[number], self._event_ids.get(number)
            named = ask.event.get("event_id") if ask.event is not None else None
            if (named is None) != (own is None) and (recorded is None or recorded == named):
                event["error"] = {**event["error"], "event_id": own}


def _named(ask: Ask) -> str:
    return ask.type or f"a message that is no event ({shorten(ask.text)[:40]!r})"
