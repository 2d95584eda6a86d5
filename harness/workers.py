"""Work spread over processes: results as they come, Ctrl-C left to the process that was started, a lost process told in words."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import TypeVar

from harness.errors import HarnessError

T = TypeVar("T")
R = TypeVar("R")


class WorkerLost(HarnessError):
    """A process that made calls is gone (exit code 3)."""

    exit_code = 3


def spread(work: Callable[[T], R], tasks: Sequence[T], *, workers: int) -> Iterator[tuple[int, R]]:
    """(number of a task, what ``work`` made of it), as they come, from this process or from ``workers`` others.

    ``work`` has to be a function of a module. After an error, Ctrl-C, or where the caller looks no further, no task begins any more.
    Raises what ``work`` raises, and WorkerLost.
    """
    if workers <= 1 or len(tasks) <= 1:
        yield from ((number, work(task)) for number, task in enumerate(tasks))
        return
    pool = ProcessPoolExecutor(min(workers, len(tasks)), mp_context=get_context("spawn"), initializer=ignore_interrupts)
    try:
        futures = {pool.submit(work, task): number for number, task in enumerate(tasks)}
        for future in as_completed(futures):
            yield futures[future], future.result()
    except BrokenProcessPool as error:
        raise WorkerLost(
            "a process that made calls ended abruptly",
            where=f"-n {workers}",
            fix="it was killed, perhaps for lack of memory: run fewer side by side",
        ) from error
    finally:
        pool.shutdown(cancel_futures=True)


def ignore_interrupts() -> None:
    """Ctrl-C reaches every process of a terminal; a worker that has nothing to end leaves it to the process that started it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
