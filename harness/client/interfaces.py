"""What the player needs of its surroundings: an open call, an outgoing track, a source of recordings."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from harness.errors import CallError
from harness.netem.emulator import Conditions
from harness.protocol.dialects import Dialect


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
