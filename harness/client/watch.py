"""Waiting on the loop's clock: for one of several events, and for what the trace holds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TypeVar

from harness.trace import Entry, Recorder

T = TypeVar("T")

# Only these planes can end a wait; RTP would wake it fifty times a second.
_PLANES = frozenset({"event", "audio", "channel", "connection"})
# The trace's clock counts microseconds; a wait for less would find it where it was, and wait again for ever.
_TICK = 1e-6


async def first_of(*events: asyncio.Event, seconds: float | None = None) -> None:
    """Return when any of these is set, or after so many seconds."""
    tasks = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(tasks, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


class Watch:
    """Waits until the trace shows something, or until the time is over, or until ``ended`` is set.

    What is waited for is always looked up in the trace, so that nothing is acted on that the trace does not hold.
    """

    def __init__(self, recorder: Recorder, ended: asyncio.Event) -> None:
        self._recorder = recorder
        self._ended = ended
        self._changed = asyncio.Event()
        self._stop = recorder.watch(self._wake)

    def close(self) -> None:
        """Stop listening to the recorder."""
        self._stop()

    async def until(
        self, look: Callable[[], T | None], seconds: float, *, again: Callable[[], float | None] = lambda: None
    ) -> T | None:
        """The first result of ``look`` that is not None; None when the time is over or ``ended`` was set before.

        ``look`` is called at once, after each new entry, and at the end of the time. ``again`` names the time of the trace at which
        to look again although nothing new may have come by then.
        """
        deadline = self._recorder.now + seconds
        while True:
            self._changed.clear()
            found = look()
            left = deadline - self._recorder.now
            if found is not None or left < _TICK or self._ended.is_set():
                return found
            next_look = again()
            pause = left if next_look is None else max(_TICK, min(left, next_look - self._recorder.now))
            await first_of(self._changed, self._ended, seconds=pause)

    async def sleep(self, seconds: float) -> None:
        """Let time pass; less when ``ended`` is set."""
        await first_of(self._ended, seconds=seconds)

    def _wake(self, entry: Entry) -> None:
        if entry.plane in _PLANES:
            self._changed.set()
