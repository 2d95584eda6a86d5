"""What the steps of a scenario act on: an open call, an outgoing track, a source of recordings, and what has happened so far."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from harness.errors import CallError
from harness.netem.emulator import Conditions
from harness.protocol.dialects import Dialect
from harness.trace import Entry

T = TypeVar("T")


class Audio(Protocol):
    """A source of recordings."""

    def __call__(self, name: str, /, *, gain: float = 0.0) -> Sequence[bytes]:
        """The Opus packets (20 ms each) of a recording, by the name a scenario uses, ``gain`` decibels louder."""
        ...


class Track(Protocol):
    """The outgoing audio."""

    def say(self, packets: Sequence[bytes], *, loop: bool, overlap: bool, on_done: Callable[[], None]) -> object:
        """Queue packets, or mix them over what is being said; ``on_done`` is called when the last one is out."""
        ...

    def hush(self) -> None:
        """Drop what is queued and fall silent."""
        ...


class OpenCall(Protocol):
    """A call whose channel is open; :class:`harness.client.call.Call` is one."""

    dialect: Dialect
    lost: asyncio.Event
    ended: asyncio.Event
    lost_because: str

    @property
    def track(self) -> Track:
        """What the caller says goes here."""
        ...

    def send(self, event: Mapping[str, Any]) -> None:
        """Send one client event. Raises CallError where the connection is gone, UsageError where the event cannot be sent."""
        ...

    def send_raw(self, text: str) -> None:
        """Send any text. Raises like :meth:`send`."""
        ...

    def update(self, session: Mapping[str, Any]) -> None:
        """Send session.update with canonical settings. Raises like :meth:`send`."""
        ...

    def disturb(self, conditions: Conditions, *, seed: int | None = None) -> None:
        """Change the emulated network from now on."""
        ...

    def gone(self) -> CallError:
        """Why nothing can be sent any more."""
        ...

    async def close(self) -> None:
        """Hang up."""
        ...


@dataclass(frozen=True)
class Seen:
    """What a step that asks for something has seen: whether it was met, in words, the entry that shows it, and all where it was several."""

    met: bool
    actual: str
    entry: Entry | None = None
    entries: tuple[Entry, ...] = ()


class Stage(Protocol):
    """What one step sees and does; :class:`harness.client.player.Player` is one.

    ``number`` is the step's place in the file, from 1, ``cursor`` is the entry after which the next expectation looks, ``variables`` what has been saved so far, ``answered`` the
    ``call_id`` of each function call that has its output.
    """

    call: OpenCall
    audio: Audio
    number: int
    cursor: int
    variables: dict[str, Any]
    answered: set[str]

    @property
    def entries(self) -> Sequence[Entry]:
        """The trace so far."""
        ...

    @property
    def received(self) -> Sequence[Entry]:
        """The entries that tell about received audio: looking through the whole trace at every packet would take too long."""
        ...

    @property
    def now(self) -> float:
        """Seconds since the trace began."""
        ...

    def filled(self, value: Any) -> Any:
        """A value with its variables filled in. Raises ScenarioError for one that has not been saved."""
        ...

    def record(self, kind: str, **data: Any) -> None:
        """Write an entry into the trace."""
        ...

    def create_item(self, item: Mapping[str, Any], *, respond: bool) -> None:
        """Send conversation.item.create, then response.create where it is asked for."""
        ...

    def in_short(self, actual: str) -> str:
        """What came instead, and that nothing more could come, where that is so."""
        ...

    async def configured(self) -> None:
        """Before the first word is spoken: wait until session.update is answered, for a while."""
        ...

    async def until(
        self, look: Callable[[], T | None], seconds: float, *, again: Callable[[], float | None] = lambda: None
    ) -> T | None:
        """The first result of ``look`` that is not None, asked after each entry and at the time of ``again``; None after ``seconds``."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Let time pass. Raises CallError where the connection is lost meanwhile."""
        ...
