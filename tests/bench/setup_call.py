"""One call that stops as soon as its session is confirmed, measured step by step; and what comes before and behind."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from itertools import pairwise

import httpx
from aiortc.rtcdtlstransport import RTCCertificate

from harness.client.call import Call
from harness.fake.server import FakeService
from harness.fake.settings import FakeSettings
from harness.media.track import OutgoingAudio
from harness.protocol.dialects import DIALECTS
from harness.scenario.model import Caller
from harness.scenario.script import FakeScript
from harness.targets.endpoints import fake_endpoints
from harness.trace import Entry, Header, Recorder

KEY = "bench-key-0123456789"

# What a step begins and ends with: the entries of the caller's trace. Both ends run in this process, so each holds the work of both.
STEPS: Mapping[str, tuple[str, str]] = {
    "token request -> session.updated": ("http.request key", "session.updated"),
    "  token request": ("http.request key", "http.response key"),
    "  offer made and gathered": ("http.response key", "sdp.offer"),
    "  call request, answer made": ("http.request call", "http.response call"),
    "  answer set, ICE": ("http.response call", "connection.dtls connecting"),
    "  DTLS handshake, both ends": ("connection.dtls connecting", "connection.dtls connected"),
    "  SCTP, channel open": ("connection.dtls connected", "channel.open"),
    "  session.update -> session.updated": ("channel.open", "session.updated"),
}
BESIDE = (
    "certificate, each end",
    "the fake's HTTP server, start",
    "HTTP client",
    "hang-up",
    "the fake's HTTP server, stop",
)


def _name(entry: Entry) -> str:
    detail = {"http": "step", "connection": "state"}.get(entry.plane)
    return entry.type or (f"{entry.kind} {entry.data.get(detail)}" if detail else entry.kind)


async def seconds(clock: Callable[[], float]) -> dict[str, float]:
    """Seconds of each of :data:`STEPS` and :data:`BESIDE`, for one call; ``clock`` counts wall or CPU seconds."""
    loop = asyncio.get_running_loop()
    service = FakeService(
        dialects=(DIALECTS["azure-ga"],),
        script=FakeScript(),
        audio=lambda _: (),
        settings=FakeSettings(api_keys=(KEY,)),
        loopback=True,
    )
    marks = [clock()]
    RTCCertificate.generateCertificate()
    marks.append(clock())
    url = await service.start()
    marks.append(clock())
    recorder = Recorder(Header("client", "azure-ga", "fake"), loop.time)
    updated = asyncio.Event()
    times: dict[str, float] = {}

    def watch(entry: Entry) -> None:
        times.setdefault(_name(entry), clock())
        if entry.type == "session.updated":
            updated.set()

    recorder.watch(watch)
    async with httpx.AsyncClient(verify=False, trust_env=False) as http:
        marks.append(clock())
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
        hung_up = clock()
        await call.close()
        done = clock()
    await service.stop()
    beside = [*(end - begin for begin, end in pairwise(marks)), done - hung_up, clock() - done]
    return {
        **{step: times[end] - times[begin] for step, (begin, end) in STEPS.items()},
        **dict(zip(BESIDE, beside, strict=True)),
    }
