from __future__ import annotations

import asyncio
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from harness.running import clock


async def nothing() -> None:
    return None


def test_virtual_time_starts_at_zero_and_jumps_over_idle_hours() -> None:
    async def main() -> tuple[float, float]:
        loop = asyncio.get_running_loop()
        start = loop.time()
        await asyncio.sleep(3600)
        return start, loop.time()

    assert clock.run(main, time="virtual") == (0.0, 3600.0)


def test_timers_are_exact_to_the_microsecond_and_do_not_drift() -> None:
    async def main() -> float:
        loop = asyncio.get_running_loop()
        for count in range(1, 5001):
            await asyncio.sleep(count * 0.02 - loop.time())
        return loop.time()

    assert clock.run(main, time="virtual") == 100.0


def test_time_stands_still_while_datagrams_are_in_flight() -> None:
    """Each datagram is answered before the next timer fires, however near that timer is."""

    async def main() -> list[float]:
        loop = asyncio.get_running_loop()
        times: list[float] = []

        class Echo(asyncio.DatagramProtocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                self.transport = transport

            def datagram_received(self, data: bytes, addr: object) -> None:
                times.append(loop.time())
                if data[0] < 200:
                    self.transport.sendto(bytes([data[0] + 1]), addr)  # type: ignore[attr-defined]

        one, _ = await loop.create_datagram_endpoint(Echo, local_addr=("127.0.0.1", 0), family=socket.AF_INET)
        two, _ = await loop.create_datagram_endpoint(Echo, local_addr=("127.0.0.1", 0), family=socket.AF_INET)
        one.sendto(b"\0", two.get_extra_info("sockname"))
        await asyncio.sleep(0.000001)
        one.close()
        two.close()
        return times

    assert clock.run(main, time="virtual") == [0.0] * 201


def test_executor_jobs_are_waited_for() -> None:
    async def main() -> tuple[int, bool]:
        loop = asyncio.get_running_loop()
        job = loop.run_in_executor(None, lambda: 7)
        return await asyncio.wait_for(job, 60), loop.time() < 60

    assert clock.run(main, time="virtual") == (7, True)


def test_seeded_random_repeats_and_the_callers_random_goes_on() -> None:
    async def draw() -> float:
        return random.random()

    random.seed("the caller's")
    expected = random.random()
    random.seed("the caller's")
    drawn = [clock.run(draw, time="virtual", seed=seed) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert random.random() == expected


def test_real_time_is_real_and_leaves_random_alone() -> None:
    async def main() -> tuple[float, float]:
        before = asyncio.get_running_loop().time(), time.monotonic()
        return before[0] - before[1], random.random()

    random.seed(5)
    expected = random.random()
    random.seed(5)
    difference, drawn = clock.run(main)
    assert abs(difference) < 1
    assert drawn == expected


@pytest.mark.parametrize("how", ["virtual", "real"])
def test_exceptions_come_through_and_tasks_left_over_are_cancelled(how: clock.Time) -> None:
    ended: list[str] = []

    async def stay() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    async def main() -> None:
        task = asyncio.create_task(stay())
        await asyncio.sleep(0)
        assert not task.done()
        raise KeyError("missing")

    with pytest.raises(KeyError, match="missing"):
        clock.run(main, time=how)
    assert ended == ["cancelled"]


@pytest.fixture
def ctrl_c_works() -> Iterator[None]:
    """A process started in the background of a shell inherits an ignored SIGINT; here it must raise KeyboardInterrupt."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("ctrl_c_works")
@pytest.mark.parametrize("how", ["virtual", "real"])
def test_ctrl_c_cancels_and_lets_clean_up(how: clock.Time) -> None:
    ended: list[str] = []

    async def main() -> None:
        try:
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            ended.append("cleaned up")
            raise

    with pytest.raises(KeyboardInterrupt):
        clock.run(main, time=how)
    assert ended == ["cleaned up"]


@pytest.mark.parametrize("how", ["virtual", "real"])
def test_a_running_loop_is_refused(how: clock.Time) -> None:
    async def main() -> None:
        with pytest.raises(RuntimeError):
            clock.run(nothing, time=how)

    clock.run(main)


def test_virtual_time_does_not_import_pytest() -> None:
    """The package looptime does wherever pytest is installed; a command that runs scenarios has no use for it."""
    script = (
        "import sys; from harness.running import clock\n"
        "async def main(): return None\n"
        "clock.run(main, time='virtual'); print('pytest' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "False"
