"""What the conversation asks its surroundings to do, and the outbox in which it collects these actions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from harness.protocol.dialects import Dialect


@dataclass(frozen=True, slots=True)
class Send:
    """Put this event on the data channel as one JSON text message."""

    event: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Play:
    """Queue audio on the outgoing track, after what is queued already.

    ``audio`` names a recording; None: synthesise ``seconds`` of audio for ``text``. Report what leaves with
    ``Conversation.played`` (at the first packet at the latest) and ``Conversation.drained`` (nothing is left).
    """

    response_id: str
    item_id: str
    audio: str | None
    text: str
    seconds: float


@dataclass(frozen=True, slots=True)
class StopAudio:
    """Drop whatever is queued or playing for this response, now."""

    response_id: str


@dataclass(frozen=True, slots=True)
class Close:
    """Deliver what was sent so far, then close the data channel and the peer connection."""

    reason: str


Action = Send | Play | StopAudio | Close


class Engine(Protocol):
    """What a call lives by: see :class:`harness.fake.conversation.Conversation`. A replay has further actions of its own."""

    def connect(self, now: float) -> Sequence[Any]:
        """The data channel is open."""
        ...

    def receive(self, message: str | bytes, now: float) -> Sequence[Any]:
        """A message from the client's channel."""
        ...

    def hear(self, speech: bool, level: float, now: float) -> Sequence[Any]:
        """20 ms of the caller's audio."""
        ...

    def played(self, response_id: str, item_id: str, ms: float, now: float) -> Sequence[Any]:
        """So much of a message's audio has left the track."""
        ...

    def drained(self, response_id: str, item_id: str, now: float) -> Sequence[Any]:
        """Nothing of a message's audio is left in the track."""
        ...

    def tick(self, now: float) -> Sequence[Any]:
        """Time has passed."""
        ...

    @property
    def deadline(self) -> float | None:
        """When ``tick`` is wanted next."""
        ...


class Outbox:
    """Collects actions; gives server events their wire name and their event_id.

    ``ids`` makes an id from a bare prefix: ``ids("event") -> "event_..."``.
    """

    def __init__(self, dialect: Dialect, ids: Callable[[str], str]) -> None:
        self.dialect = dialect
        self.ids = ids
        self._actions: list[Action] = []

    def emit(self, canonical: str, **fields: Any) -> None:
        """Send a server event, unless this dialect has no such event."""
        wire = self.dialect.wire(canonical)
        if wire is not None:
            self._actions.append(Send({"type": wire, "event_id": self.ids("event"), **fields}))

    def act(self, action: Action) -> None:
        """Ask for something that is no event."""
        self._actions.append(action)

    def take(self) -> list[Action]:
        """What was collected since the last call, in order."""
        actions, self._actions = self._actions, []
        return actions
