"""Calls to a service in real time, side by side as tasks of one event loop: as many at once as the service bears.

Judging goes on in a thread beside the loop, so that no call waits for it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from harness.judging.results import Result
from harness.running import clock
from harness.running.jobs import Job
from harness.running.libraries import quiet_libraries
from harness.running.places import LONGEST_WAIT, PATIENCE, Places, Refusal, refusal
from harness.running.runner import Played, Ready, judged, make_call, prepared
from harness.scenario.loader import LoadedScenario


@dataclass
class Attempted:
    """What came of a number of jobs: results by the number of their job, and why the others were not tried."""

    results: dict[int, Result] = field(default_factory=dict)
    reason: str = ""

    @property
    def in_order(self) -> list[Result]:
        """The results, in the order of the jobs."""
        return [self.results[number] for number in sorted(self.results)]


class Crowd:
    """The calls of these jobs, in their order, never more at once than ``places`` allow. A call that finds no place is made again.

    ``done`` is called with each result as it is ready, ``told`` with a line where there will be fewer calls at once. After a result for
    which ``enough`` gives a reason, and where a service gives no place back, no further call begins. ``made`` grows as calls end.
    Raises UsageError for wrong settings before anything is sent.
    """

    def __init__(
        self,
        jobs: Sequence[tuple[Job, LoadedScenario]],
        places: Places,
        *,
        done: Callable[[Result], None] = lambda _: None,
        told: Callable[[str], None] = lambda _: None,
        enough: Callable[[Result], str] = lambda _: "",
    ) -> None:
        self.made = Attempted()
        self._jobs = [prepared(job, loaded) for job, loaded in jobs]
        self._places = places
        self._done = done
        self._told = told
        self._enough = enough
        self._waiting = deque(range(len(jobs)))
        self._calls: dict[asyncio.Task[None], int] = {}
        self._judge = ThreadPoolExecutor(1, "judge")
        self._ended = 0
        self._waiting_since: float | None = None
        self._main: asyncio.Task[None] | None = None

    def make(self) -> Attempted:
        """Make all calls, in this thread. Raises what a call raises, after the others have been ended."""
        with quiet_libraries(), clock.undisturbed():
            clock.run(self._run, time="real")
        return self.made

    def cancel(self) -> None:
        """End all calls, from another thread."""
        main = self._main
        if main is not None:
            with contextlib.suppress(RuntimeError):  # they have ended
                main.get_loop().call_soon_threadsafe(main.cancel)

    async def _run(self) -> None:
        self._main = asyncio.current_task()
        try:
            while self._waiting or self._calls:
                while self._waiting and len(self._calls) < self._places.limit and self._now >= self._places.not_before:
                    number = self._waiting.popleft()
                    self._calls[asyncio.ensure_future(self._one(number))] = number
                pause = max(0.0, self._places.not_before - self._now) or None
                if not self._calls:
                    await asyncio.sleep(pause or 0.0)
                    continue
                ended, _ = await asyncio.wait(self._calls, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
                for task in ended:
                    del self._calls[task]
                    task.result()
        finally:
            for task in self._calls:
                task.cancel()
            await asyncio.gather(*self._calls, return_exceptions=True)
            self._judge.shutdown()

    @property
    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    async def _one(self, number: int) -> None:
        ready, began = self._jobs[number], self._now
        last = self._last_attempt(began)
        made = await make_call(ready, notes=self._notes(began) if last else ())
        full = None if _asked_for(ready) else refusal(made.trace)
        if full is None:
            self._ended += 1
            self._waiting_since = None
            if self._places.made(made.trace, began=began, now=self._now):
                self._told(f"the service answers more slowly: {self._places.limit} calls at once from now on")
        elif not last and (full.wait or 0.0) <= LONGEST_WAIT:
            self._again(number, full)
            return
        else:
            self._stop(f"the service has no place for another call (status {full.status})")
        await self._finish(number, ready, made)

    async def _finish(self, number: int, ready: Ready, made: Played) -> None:
        result = await asyncio.get_running_loop().run_in_executor(self._judge, judged, ready, made)
        self.made.results[number] = result
        self._done(result)
        if reason := self._enough(result):
            self._stop(reason)

    def _again(self, number: int, full: Refusal) -> None:
        """The call is made again, first of all; how long its service has been without a place counts from when no call was left."""
        others, before = len(self._calls) - 1, self._places.limit
        self._waiting.appendleft(number)
        self._places.refused(full, others=others, now=self._now)
        if others:
            self._waiting_since = None
        elif self._waiting_since is None:
            self._waiting_since = self._now
        if self._places.limit < before:
            calls = "1 call" if self._places.limit == 1 else f"{self._places.limit} calls"
            self._told(f"the service answers {full.status}: {calls} at once from now on")

    def _last_attempt(self, now: float) -> bool:
        return self._waiting_since is not None and now - self._waiting_since >= PATIENCE

    def _notes(self, now: float) -> tuple[str, ...]:
        """What no entry of this call can say; the diagnosis goes by it."""
        if not self._ended:
            return ()
        calls = "1 call was" if self._ended == 1 else f"{self._ended} calls were"
        waited = now - (self._waiting_since or now)
        return (f"{calls} made before this one; all have ended, the last more than {waited:.0f} s ago",)

    def _stop(self, reason: str) -> None:
        self._waiting.clear()
        self.made.reason = self.made.reason or reason


def _asked_for(ready: Ready) -> bool:
    """The scenario is about such a refusal."""
    fails = ready.loaded.scenario.assert_.fails
    return fails is not None and fails.status in (429, 503)
