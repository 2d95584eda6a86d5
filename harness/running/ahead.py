"""Calls that are made side by side before somebody asks for them one by one, as pytest does."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from threading import Thread

from harness.judging.results import Result
from harness.running.jobs import Job
from harness.running.places import Places
from harness.running.together import Crowd
from harness.scenario.loader import LoadedScenario


class Ahead:
    """The calls of these jobs, in a thread of their own, begun at once.

    Raises UsageError for wrong settings before anything is sent.
    """

    def __init__(self, jobs: Sequence[tuple[Job, LoadedScenario]], calls: int) -> None:
        self._results: dict[tuple[str, int], Future[Result | str]] = {
            (job.id, job.repetition): Future() for job, _ in jobs
        }
        self._crowd = Crowd(jobs, Places(calls), done=self._done)
        self._thread = Thread(target=self._make, name="calls", daemon=True)
        self._thread.start()

    def result(self, job: Job) -> Result | str:
        """The result of this job, waited for; a reason where the call was not tried. Raises what ended the calls."""
        return self._results[job.id, job.repetition].result()

    def close(self) -> None:
        """End what is still under way."""
        self._crowd.cancel()
        self._thread.join()

    def _done(self, result: Result) -> None:
        self._results[result.id, result.repetition].set_result(result)

    def _make(self) -> None:
        try:
            self._crowd.make()
        except BaseException as error:
            for one in self._open():
                one.set_exception(error)
        for one in self._open():
            one.set_result(f"not tried: {self._crowd.made.reason}")

    def _open(self) -> list[Future[Result | str]]:
        return [one for one in self._results.values() if not one.done()]
