"""What is to happen later: timers on a clock that only moves when it is told to."""

from __future__ import annotations

import heapq
from collections.abc import Callable


class Timer:
    """Work to be done at ``time`` (seconds on the caller's clock), unless it is cancelled before."""

    __slots__ = ("_order", "cancelled", "time", "work")

    def __init__(self, time: float, order: int, work: Callable[[], None]) -> None:
        self.time = time
        self.work = work
        self.cancelled = False
        self._order = order

    def __lt__(self, other: Timer) -> bool:
        return (self.time, self._order) < (other.time, other._order)

    def cancel(self) -> None:
        """Forget it; harmless when it is over."""
        self.cancelled = True


class Timers:
    """Timers in order of time, then of arrival. ``now`` never goes back."""

    def __init__(self) -> None:
        self.now = float("-inf")
        self._heap: list[Timer] = []
        self._count = 0

    def at(self, time: float, work: Callable[[], None]) -> Timer:
        """Do ``work`` at ``time``; a time that is over means at the next ``run``."""
        self._count += 1
        timer = Timer(max(time, self.now), self._count, work)
        heapq.heappush(self._heap, timer)
        return timer

    def after(self, delay: float, work: Callable[[], None]) -> Timer:
        """Do ``work`` in ``delay`` seconds."""
        return self.at(self.now + delay, work)

    def run(self, now: float) -> None:
        """Do everything that is due at ``now``.

        While a timer runs, ``self.now`` is its own time, however late the caller was: delays do not add up.
        """
        while (due := self.next) is not None and due <= now:
            timer = heapq.heappop(self._heap)
            self.now = max(self.now, timer.time)
            timer.work()
        self.now = max(self.now, now)

    def clear(self) -> None:
        """Cancel everything."""
        self._heap.clear()

    @property
    def next(self) -> float | None:
        """The time of the next timer, or None."""
        while self._heap and self._heap[0].cancelled:
            heapq.heappop(self._heap)
        return self._heap[0].time if self._heap else None
