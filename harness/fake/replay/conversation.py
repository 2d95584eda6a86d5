"""A replay in the place of the conversation engine, and the engine behind it for what the recording has no answer to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.fake.actions import Close, Engine
from harness.fake.replay.actions import HandOver, Missed
from harness.fake.replay.player import Replay
from harness.protocol.generations import UPDATES
from harness.protocol.messages import decode


class ReplayedConversation:
    """Plays ``replay``. A miss ends the call; with ``lenient`` the ``engine`` takes over there, with the session as it is by then.

    The engine knows nothing of what was said before: its conversation begins where the recording has no answer.
    """

    def __init__(self, replay: Replay, engine: Engine, *, lenient: bool) -> None:
        self._replay = replay
        self._engine = engine
        self._lenient = lenient
        self._updates: list[str | bytes] = []
        self._handed_over = False

    @property
    def unplayed(self) -> str:
        """What of the recording was not played, in words; empty where it was, and after a miss, which says it."""
        return "" if self._replay.missed else self._replay.unplayed

    def connect(self, now: float) -> Sequence[Any]:
        """The data channel is open."""
        return self._replay.connect(now)

    def receive(self, message: str | bytes, now: float) -> Sequence[Any]:
        """A message from the client's channel."""
        if self._handed_over:
            return self._engine.receive(message, now)
        actions = self._replay.receive(message, now)
        if actions is not None:
            event = decode(message)[0]
            if event is not None and event["type"] in UPDATES:
                self._updates.append(message)
            return actions
        missed = self._replay.missed
        assert missed is not None
        if not self._lenient:
            self._replay.closed = True
            return [missed, Close("the recording has no answer")]
        return [HandOver(_handed_over(missed)), *self._hand_over(message, now)]

    def hear(self, speech: bool, level: float, now: float) -> Sequence[Any]:
        """20 ms of the caller's audio."""
        return self._engine.hear(speech, level, now) if self._handed_over else self._replay.hear(speech, now)

    def played(self, response_id: str, item_id: str, ms: float, now: float) -> Sequence[Any]:
        """So much of a message's audio has left the track."""
        return self._engine.played(response_id, item_id, ms, now) if self._handed_over else ()

    def drained(self, response_id: str, item_id: str, now: float) -> Sequence[Any]:
        """Nothing of a message's audio is left in the track."""
        return self._engine.drained(response_id, item_id, now) if self._handed_over else ()

    def tick(self, now: float) -> Sequence[Any]:
        """Time has passed."""
        return self._engine.tick(now) if self._handed_over else self._replay.tick(now)

    @property
    def deadline(self) -> float | None:
        """When ``tick`` is wanted next."""
        return self._engine.deadline if self._handed_over else self._replay.deadline

    def _hand_over(self, message: str | bytes, now: float) -> Sequence[Any]:
        self._handed_over = True
        self._engine.connect(now)
        for update in self._updates:
            self._engine.receive(update, now)
        return self._engine.receive(message, now)


def _handed_over(missed: Missed) -> str:
    return f"{missed.what}; {missed.seen}: from here on the engine answers, not the recording"
