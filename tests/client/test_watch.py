import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from harness.client.watch import Watch, first_of
from harness.running import clock
from harness.trace import Header, Recorder

T = TypeVar("T")


def watching(main: Callable[[Watch, Recorder, asyncio.Event], Awaitable[T]]) -> T:
    async def run() -> T:
        recorder = Recorder(Header("client", "azure-ga"), asyncio.get_running_loop().time)
        ended = asyncio.Event()
        watch = Watch(recorder, ended)
        try:
            return await main(watch, recorder, ended)
        finally:
            watch.close()

    return clock.run(run, time="virtual")


def test_it_returns_as_soon_as_the_trace_shows_it() -> None:
    async def main(watch: Watch, recorder: Recorder, ended: asyncio.Event) -> tuple[str | None, float]:
        loop = asyncio.get_running_loop()
        for seconds, kind in ((1.0, "event.sent"), (2.0, "audio.speech"), (3.0, "event.received")):
            loop.call_at(seconds, recorder.record, kind)
        found = await watch.until(lambda: "found" if len(recorder.entries) == 2 else None, 10.0)
        return found, recorder.now

    assert watching(main) == ("found", 2.0)


def test_it_gives_up_at_the_end_of_the_time() -> None:
    async def main(watch: Watch, recorder: Recorder, ended: asyncio.Event) -> tuple[None, float]:
        return await watch.until(lambda: None, 2.5), recorder.now

    assert watching(main) == (None, 2.5)


def test_it_gives_up_when_the_call_ends_but_not_before_a_last_look() -> None:
    async def main(watch: Watch, recorder: Recorder, ended: asyncio.Event) -> tuple[str | None, float]:
        def end() -> None:
            recorder.record("event.received")
            ended.set()

        asyncio.get_running_loop().call_at(1.0, end)
        found = await watch.until(lambda: "found" if recorder.entries else None, 10.0)
        assert await watch.until(lambda: None, 10.0) is None
        await watch.sleep(10.0)
        return found, recorder.now

    assert watching(main) == ("found", 1.0)


def test_packets_do_not_wake_it() -> None:
    async def main(watch: Watch, recorder: Recorder, ended: asyncio.Event) -> int:
        looks = 0

        def look() -> None:
            nonlocal looks
            looks += 1

        for number in range(50):
            asyncio.get_running_loop().call_at(number * 0.02, recorder.record, "rtp.rtcp")
        await watch.until(look, 2.0)
        return looks

    assert watching(main) == 2


def test_it_looks_again_when_asked_to() -> None:
    async def main(watch: Watch, recorder: Recorder, ended: asyncio.Event) -> tuple[bool | None, float]:
        found = await watch.until(lambda: True if recorder.now >= 0.7 else None, 2.0, again=lambda: 0.7)
        return found, recorder.now

    assert watching(main) == (True, 0.7)


def test_first_of_leaves_no_task_behind() -> None:
    async def main(watch: Watch, recorder: Recorder, ended: asyncio.Event) -> int:
        await first_of(asyncio.Event(), asyncio.Event(), seconds=1.0)
        await asyncio.sleep(0)
        return len(asyncio.all_tasks())

    assert watching(main) == 1


def test_a_deadline_less_than_a_microsecond_away_is_over() -> None:
    """The trace's clock is rounded: what is left of a wait may be too little for it to move."""

    async def main() -> bool:
        recorder = Recorder(Header("client", "azure-ga"), lambda: 34.040001, sink=None)
        watch = Watch(recorder, asyncio.Event())
        found = await asyncio.wait_for(watch.until(lambda: None, 3.5e-15), 1.0)
        return found is None

    assert clock.run(main, time="virtual")
