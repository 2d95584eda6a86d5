"""Work spread over processes: results as they come; an error, Ctrl-C or a lost process ends it, and what is finished still comes."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from multiprocessing.synchronize import Event
from typing import TypeVar

from harness.errors import HarnessError
from harness.running.clock import interrupts_held

T = TypeVar("T")
R = TypeVar("R")

# In a worker: set when no further task is to begin.
_stopping: Event | None = None


class WorkerLost(HarnessError):
    """A process that made calls is gone (exit code 3)."""

    exit_code = 3


def spread(work: Callable[[T], R], tasks: Sequence[T], *, workers: int) -> Generator[tuple[int, R]]:
    """(number of a task, what ``work`` made of it), as they come, from this process or from ``workers`` others.

    ``work`` has to be a function of a module. After an error, Ctrl-C, or where the caller looks no further, no task begins any more;
    those that have begun are waited for (Ctrl-C at a terminal interrupts them too), and what came of them is given before the error
    is raised. Raises what ``work`` raises, and WorkerLost.
    """
    if workers <= 1 or len(tasks) <= 1:
        yield from ((number, work(task)) for number, task in enumerate(tasks))
        return
    context = get_context("spawn")
    stopping = context.Event()
    pool = ProcessPoolExecutor(min(workers, len(tasks)), mp_context=context, initializer=_ready, initargs=(stopping,))
    futures: dict[Future[R], int] = {}
    try:
        with interrupts_held():  # the processes begin with it blocked: no Ctrl-C is a traceback of one that still loads
            for number, task in enumerate(tasks):
                futures[pool.submit(_one, work, task)] = number
        for future in as_completed(tuple(futures)):
            result = future.result()
            yield futures.pop(future), result
    except GeneratorExit:
        raise
    except BaseException as error:
        _stop(pool, stopping)
        for future, number in futures.items():
            if not future.cancelled() and future.exception() is None:
                yield number, future.result()
        if isinstance(error, BrokenProcessPool):
            raise WorkerLost(
                "a process that made calls ended abruptly",
                where=f"-n {workers}",
                fix="it was killed, perhaps for lack of memory: run fewer side by side",
            ) from error
        raise
    finally:
        _stop(pool, stopping)


def _stop(pool: ProcessPoolExecutor, stopping: Event) -> None:
    stopping.set()
    pool.shutdown(cancel_futures=True)


def _ready(stopping: Event) -> None:
    """In a worker, once it has loaded. Ctrl-C reaches every process of a terminal; one that has nothing to end leaves it to the first."""
    global _stopping
    _stopping = stopping
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _one(work: Callable[[T], R], task: T) -> R:
    """In a worker: one task, which Ctrl-C interrupts. A few tasks are handed out ahead, and must not begin after it."""
    assert _stopping is not None
    if _stopping.is_set():
        raise KeyboardInterrupt
    try:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        return work(task)
    except KeyboardInterrupt:
        _stopping.set()
        raise
    finally:
        with contextlib.suppress(KeyboardInterrupt):
            signal.signal(signal.SIGINT, signal.SIG_IGN)
