"""Real time and virtual time: the event loop that a run lives on.

In virtual time the loop's clock stands still while there is work, and jumps to the next timer when there is none: a call of
twenty seconds takes a fraction of one, and a scripted delay of 320 ms measures as 0.320 s every time. It holds as long as

1. both ends run on this loop and speak over loopback sockets, where what was sent can be read at once, so that "nothing is
   ready" means "nothing is in flight";
2. every wait is a timer of the loop or an executor job (those are waited for in real time); threads of any other kind run
   outside of its time;
3. all code asks ``loop.time()``, never ``time.time()``.

What the libraries underneath draw from :mod:`random` (RTCP and ICE intervals) is seeded; what they draw from the operating system
(keys, SSRCs, transaction ids) has no influence on time.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import importlib.util
import random
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Literal, TypeVar

T = TypeVar("T")

Time = Literal["virtual", "real"]

TURN = 0.0005
"""Seconds after which a thread that computes (a judge) lets the event loop go on. Each of the loop's system calls waits that long for its
turn, and a few dozen of them make up one round of packets; CPython's 5 ms would add up to more than a jitter buffer holds."""
SELDOM = 1000
"""Collections of the middle generation for one of the oldest, where CPython has 10."""
NOOP_CYCLES = 1
"""Polls of the sockets that find nothing, beyond the two that looptime always makes, before the clock jumps.

Loopback delivers before ``send`` returns, so that none is needed in theory. One more costs about a microsecond a jump and covers
a task that only gets to its timer in the pass after the one that found nothing ready.
"""


def run(main: Callable[[], Awaitable[T]], *, time: Time = "real", seed: int = 0) -> T:
    """Run ``await main()`` on a new event loop and return its result, as :func:`asyncio.run` does.

    ``time`` chooses the clock: "real", or "virtual", which starts at 0.0 s. In virtual time :mod:`random` is seeded with ``seed``
    and given back its state afterwards. Exceptions of ``main`` propagate. Ctrl-C cancels ``main``, lets it clean up, and ends in
    KeyboardInterrupt; so does a call from a thread other than the main one, without the Ctrl-C. Raises RuntimeError where a loop
    is already running in this thread.
    """

    async def entry() -> T:
        return await main()

    if _running():
        raise RuntimeError("an event loop is already running in this thread")
    if time == "real":
        return _run(entry, None)
    state = random.getstate()
    random.seed(seed)
    try:
        return _run(entry, _new_virtual_loop)
    finally:
        random.setstate(state)


def _run(entry: Callable[[], Coroutine[Any, Any, T]], factory: Callable[[], asyncio.AbstractEventLoop] | None) -> T:
    with asyncio.Runner(loop_factory=factory) as runner:
        with interrupts_held():
            runner.get_loop()  # half a loop could not even be thrown away in silence
        return runner.run(entry())


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Ctrl-C waits until the end of this; processes started inside begin with it blocked."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def undisturbed() -> Iterator[None]:
    """The event loop is not held up by what goes on beside it: threads take turns of ``TURN``, and the garbage collector leaves alone
    what is there by now (a look through all that the libraries have loaded takes 90 ms, four packets of audio) and goes through the
    rest less often."""
    turns, thresholds = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(TURN)
    gc.collect()
    gc.freeze()
    gc.set_threshold(*thresholds[:2], SELDOM)
    try:
        yield
    finally:
        gc.set_threshold(*thresholds)
        gc.unfreeze()
        sys.setswitchinterval(turns)


def _running() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _new_virtual_loop() -> asyncio.AbstractEventLoop:
    loop: asyncio.AbstractEventLoop = _virtual_loop_class()(start=0, noop_cycles=NOOP_CYCLES)
    return loop


@cache
def _virtual_loop_class() -> Any:
    mixin: Any = _looptime().LoopTimeEventLoop

    class VirtualTimeEventLoop(mixin, asyncio.SelectorEventLoop):  # type: ignore[misc]
        """The selector event loop, with the clock of looptime."""

        def setup_looptime(self, **options: Any) -> None:
            """Keep the executor's unfinished jobs in a plain set: looptime's weak one is walked at every poll, a tenth of a call's CPU."""
            super().setup_looptime(**options)
            self._LoopTimeEventLoop__sync_futures: set[asyncio.Future[Any]] = set()

        def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:  # type: ignore[override]
            """As ever; a job that is done is waited for no longer."""
            future = super().run_in_executor(executor, func, *args)
            future.add_done_callback(self._LoopTimeEventLoop__sync_futures.discard)
            return future

        async def shutdown_default_executor(self, timeout: float | None = None) -> None:
            """Wait for the executor's threads without a limit: they end in real time, and virtual time would pass it at once."""
            await super().shutdown_default_executor()

    return VirtualTimeEventLoop


def _looptime() -> Any:
    """The module of looptime that holds the loop.

    The package imports pytest wherever that is installed, 70 ms of a command that has no use for it; the one module that is needed
    stands alone and loads in 4 ms. Where it has moved, the package is imported after all.
    """
    if "looptime" not in sys.modules and (package := importlib.util.find_spec("looptime")) is not None:
        for folder in package.submodule_search_locations or ():
            path = Path(folder) / "_internal" / "loops.py"
            if path.is_file():
                spec = importlib.util.spec_from_file_location("harness._looptime", path)
                assert spec is not None
                assert spec.loader is not None
                module = importlib.util.module_from_spec(spec)
                spec.loader.exec_module(module)
                return module
    return importlib.import_module("looptime")
