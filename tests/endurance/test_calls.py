"""Sixty calls in virtual time, ten at once: the second thirty leave nothing behind. And a leak would be seen."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Callable
from functools import partial

import pytest

from harness.running import clock
from harness.trace import Entry
from tests.endurance.calls import LAP, WAYS, many_calls
from tests.endurance.held import MOST, Held, leaks

# A tenth of what one connection holds: the caches of a process in which other tests have run grow by some hundred blocks at any time.
ROUGH = {name: 10 * bound for name, bound in MOST.items()}
OURS = ("harness.", "aiortc.", "aioice.")


def test_nothing_is_left_of_a_call() -> None:
    first, warm, last = many_calls(2 * LAP, at_once=len(WAYS), time="virtual", at=(len(WAYS), LAP, 2 * LAP))
    assert len({(one.tasks, one.threads, one.sockets, one.files) for one in (first, warm, last)}) == 1
    assert leaks(first, warm, last, calls=LAP, most=ROUGH) == {}
    ours = [{kind: n for kind, n in one.objects.items() if kind.startswith(OURS)} for one in (warm, last)]
    assert ours[0] == ours[1]


def thread() -> Callable[[], None]:
    end = threading.Event()
    threading.Thread(target=end.wait).start()
    return end.set


@pytest.mark.parametrize(
    ("leak", "name"),
    [
        (thread, "threads"),
        (lambda: socket.socket().close, "sockets"),
        (lambda: partial(os.close, os.open(os.devnull, os.O_RDONLY)), "files"),
        (lambda: asyncio.ensure_future(asyncio.sleep(1)).cancel, "tasks"),
        (lambda: [Entry(0, 0.0, "a.b", {}) for _ in range(3)].clear, "harness.trace.model.Entry"),
        (lambda: [f"{number} left" for number in range(3000)].clear, "blocks"),
        (lambda: [bytearray(10_000_000)].clear, "heap"),
    ],
)
def test_a_leak_is_named(leak: Callable[[], Callable[[], None]], name: str) -> None:
    async def main() -> None:
        before = Held.now()
        end = leak()
        after = Held.now()
        end()
        assert name in leaks(before, before, after, calls=LAP)
        assert leaks(before, before, before, calls=LAP) == {}

    clock.run(main)
