"""Many runs: one after the other, in several processes, or, of a service in real time, side by side in this one."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import replace

from harness.judging.results import Result
from harness.running.jobs import Job
from harness.running.places import Places
from harness.running.runner import run_job
from harness.running.together import Attempted, Crowd
from harness.running.workers import spread
from harness.scenario.loader import LoadedScenario, load


def run_many(
    jobs: Sequence[tuple[Job, LoadedScenario]],
    *,
    workers: int = 1,
    places: Places | None = None,
    done: Callable[[Result], None] = lambda _: None,
    told: Callable[[str], None] = lambda _: None,
    enough: Callable[[Result], str] = lambda _: "",
) -> Attempted:
    """Run all jobs: with ``places`` side by side on one event loop, else in this process or in ``workers`` processes.

    ``done`` is called with each result as it is ready, ``told`` with a line where a service bears fewer calls than there were. After a
    result for which ``enough`` gives a reason, no further run begins.
    """
    if places is not None:
        return Crowd(jobs, places, done=done, told=told, enough=enough).make()
    made = Attempted()
    with closing(_apart(jobs, workers)) as results:
        for number, result in results:
            made.results[number] = result
            done(result)
            if reason := enough(result):
                made.reason = reason
                break
    return made


def _apart(jobs: Sequence[tuple[Job, LoadedScenario]], workers: int) -> Generator[tuple[int, Result]]:
    if workers <= 1 or len(jobs) <= 1:
        return ((number, run_job(job, loaded)) for number, (job, loaded) in enumerate(jobs))
    return spread(_run_apart, [job for job, _ in jobs], workers=workers)


def _run_apart(job: Job) -> Result:
    """In a worker: the file is read again and the recording stays in its file, so that little crosses the process boundary."""
    return replace(run_job(job, load(job.path)), recording=None)
