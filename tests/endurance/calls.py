"""Many calls in one process, some at a time, against one fake service; most go well, some are refused, dropped or left alone."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import httpx

from harness.client.call import Call
from harness.errors import TokenRequestFailed
from harness.fake.server import FakeService
from harness.fake.settings import FakeSettings
from harness.files import open_trace
from harness.media import opus, wav
from harness.media.track import OutgoingAudio
from harness.protocol.dialects import DIALECTS
from harness.running import clock
from harness.running.libraries import quiet_libraries
from harness.scenario.model import Caller
from harness.scenario.script import FakeScript
from harness.targets.endpoints import fake_endpoints
from harness.trace import Entry, Header, Recorder
from tests.endurance.held import Held

KEY = "endurance-key-0123456789"
AUDIO = Path(__file__).parents[2] / "fixtures" / "audio"
QUESTION = "caller-queen-of-clubs.wav"
SCRIPT = FakeScript.model_validate(
    {"replies": [{"says": "Hello, world.", "audio": "assistant-hello-world.wav"}, {"says": "Good-bye."}]}
)
# A caller that gave up in the middle of the set-up is waited for so long: 30 s of a service's patience would be 30 s of the run's.
SETTINGS = FakeSettings(api_keys=(KEY,), connect_seconds=2.0)
# How each call of a row of ten goes. A caller that vanished is noticed after 30 s, when its consent expires: in virtual time only.
WAYS: Sequence[str] = ("text", "spoken", "text", "broken", "refused", "text", "spoken", "vanished", "broken", "text")
# Where the broken ones end: the moment this is recorded, once the key is there.
BREAKS = ("http.response", "sdp.answer", "connection.ice", "connection.secured", "channel.open", "event.received")
LAP = 30
"""After so many calls every way has been gone in every dialect, and every break has been made; then it begins anew."""


class Calls:
    """Makes one call after the other against the service at ``url``, each with its own number, recorded in ``folder``."""

    def __init__(self, url: str, folder: Path, *, vanishing: bool) -> None:
        self._url = url
        self._folder = folder
        self._vanishing = vanishing
        self._dialects = [row.name for row in DIALECTS.values() if not row.state.startswith("removed")]

    async def __call__(self, number: int, http: httpx.AsyncClient) -> None:
        """Make call ``number``; raises what went wrong, where nothing should."""
        way = WAYS[number % len(WAYS)]
        if way == "vanished" and not self._vanishing:
            way = "text"
        dialect = self._dialects[number % len(self._dialects)]
        loop = asyncio.get_running_loop()
        with ExitStack() as stack:
            sink = stack.enter_context(open_trace(self._folder / f"{number % 10}.ndjson"))
            recorder = Recorder(Header("client", dialect, "fake"), loop.time, sink=sink)
            call = Call(
                fake_endpoints(dialect, self._url, api_key="wrong" if way == "refused" else KEY),
                recorder,
                session={},
                caller=Caller(faults=["never-hangs-up"] if way == "vanished" else []),
                track=OutgoingAudio(),
                http=http,
            )
            if way == "broken":
                await self._break_off(call, BREAKS[number // 5 % len(BREAKS)])
            elif way == "refused":
                await self._be_refused(call)
            else:
                await self._talk(call, spoken=way == "spoken")
            recorder.close()

    async def _talk(self, call: Call, *, spoken: bool) -> None:
        answered = asyncio.Event()

        def watch(entry: Entry) -> None:
            if entry.type == "response.done":
                answered.set()

        call.recorder.watch(watch)
        try:
            await call.open()
            if spoken:
                call.track.say(recording(QUESTION))
            else:
                content = [{"type": "input_text", "text": "Hello?"}]
                item = {"type": "message", "role": "user", "content": content}
                call.send({"type": "conversation.item.create", "item": item})
                call.send({"type": "response.create"})
            await asyncio.wait_for(answered.wait(), 60)
        finally:
            await call.close()

    async def _be_refused(self, call: Call) -> None:
        try:
            await call.open()
        except TokenRequestFailed:
            return
        finally:
            await call.close()
        raise AssertionError("a wrong key was taken")

    async def _break_off(self, call: Call, where: str) -> None:
        opening = asyncio.ensure_future(call.open())

        def watch(entry: Entry) -> None:
            if entry.kind == where and entry.data.get("step") != "key":
                opening.cancel()

        call.recorder.watch(watch)
        try:
            await asyncio.wait([opening])
        finally:
            await call.close()


def recording(name: str) -> Sequence[bytes]:
    """The packets of a recording."""
    return opus.encode(wav.load(AUDIO / name))


def many_calls(
    count: int,
    *,
    at_once: int,
    time: clock.Time,
    at: Sequence[int],
) -> list[Held]:
    """Make ``count`` calls, and count what is held when so many calls as in ``at`` (multiples of ``at_once``) are over."""

    async def main(folder: Path) -> list[Held]:
        loop = asyncio.get_running_loop()
        service = FakeService(
            dialects=list(DIALECTS.values()),
            script=SCRIPT,
            audio=recording,
            settings=SETTINGS,
            recorder_for=lambda dialect: Recorder(Header("service", dialect), loop.time),
        )
        held: list[Held] = []
        async with service:
            make = Calls(service.url, folder, vanishing=time == "virtual")
            for start in range(0, count, at_once):
                async with httpx.AsyncClient(trust_env=False) as http:
                    await asyncio.gather(*(make(number, http) for number in range(start, start + at_once)))
                while service.calls or service.connections:
                    await asyncio.sleep(0.01)
                if start + at_once in at:
                    held.append(Held.now())
        return held

    with quiet_libraries(), tempfile.TemporaryDirectory() as name:
        return clock.run(partial(main, Path(name)), time=time)
