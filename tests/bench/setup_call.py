"""One call that stops as soon as its session is confirmed, measured in wall time."""

from __future__ import annotations

import asyncio
import time

import httpx
from harness.client.call import Call
from harness.media.track import OutgoingAudio

from harness.fake.server import FakeService
from harness.fake.settings import FakeSettings
from harness.protocol.dialects import DIALECTS
from harness.scenario.model import Caller, FakeScript
from harness.targets import fake_endpoints
from harness.trace import Entry, Header, Recorder

KEY = "bench-key-0123456789"


async def seconds_to_updated() -> float:
    """Wall seconds from the token request to session.updated."""
    loop = asyncio.get_running_loop()
    service = FakeService(
        dialects=(DIALECTS["azure-ga"],),
        script=FakeScript(),
        audio=lambda _: (),
        settings=FakeSettings(api_keys=(KEY,)),
        loopback=True,
    )
    url = await service.start()
    recorder = Recorder(Header("client", "azure-ga", "fake"), loop.time)
    updated = asyncio.Event()
    times: dict[str, float] = {}

    def watch(entry: Entry) -> None:
        if entry.kind == "http.request" and entry.data.get("step") == "key":
            times["began"] = time.perf_counter()
        if entry.type == "session.updated":
            times["updated"] = time.perf_counter()
            updated.set()

    recorder.watch(watch)
    async with httpx.AsyncClient(trust_env=False) as http:
        call = Call(
            fake_endpoints("azure-ga", url, api_key=KEY),
            recorder,
            session={"voice": "alloy"},
            caller=Caller(),
            track=OutgoingAudio(),
            http=http,
        )
        await call.open()
        await updated.wait()
        await call.close()
    await service.stop()
    return times["updated"] - times["began"]
