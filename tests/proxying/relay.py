"""A proxy between our own caller and the fake, all on one loop, for tests of whole calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import httpx

from harness.fake.server import FakeService
from harness.fake.settings import FakeSettings
from harness.judging.results import Result
from harness.media import opus, wav
from harness.protocol.dialects import DIALECTS
from harness.proxying.access import Access
from harness.proxying.proxy import Proxy
from harness.proxying.proxying import Relayed
from harness.proxying.upstream import TIMEOUT, Upstream
from harness.scenario.script import FakeScript
from harness.serving.served import Served
from harness.targets.service import relayed_endpoints
from harness.trace import Trace, read_trace

KEY = "relayed-key-0123456789abc"
AUDIO = Path(__file__).parents[2] / "fixtures" / "audio"


@dataclass
class Relay:
    """What stands between: the ``url`` for clients, the real ``service``, and what became of the calls after :meth:`results`."""

    url: str
    service: FakeService
    proxy: Proxy
    out: Path
    served: Served
    said: list[str] = field(default_factory=list)

    def traces(self) -> dict[str, Trace]:
        """By the names of their files: ``call-0001.client``, ``call-0001.service``."""
        return {
            path.name.split(".azure")[0].split(".openai")[0]: read_trace(path)
            for path in sorted((self.out / "traces").iterdir())
        }

    @property
    def results(self) -> list[Result]:
        return sorted(self.served.results, key=lambda one: one.scenario)


async def unread(
    answer: Callable[[httpx.Request], Awaitable[httpx.Response]], request: httpx.Request
) -> httpx.Response:
    """The answer as one that comes over a network: its body has not been read yet."""
    made = await answer(request)
    content = httpx.ByteStream(made.content) if made.is_stream_consumed else made.stream
    return httpx.Response(made.status_code, headers=made.headers.raw, stream=content)


@asynccontextmanager
async def relaying(
    out: Path,
    *,
    dialect: str = "azure-ga",
    script: FakeScript | None = None,
    faults: Sequence[str] = (),
    access: Access | None = None,
    settings: FakeSettings | None = None,
    audio: Callable[[str], Sequence[bytes]] = lambda name: opus.encode(wav.load(AUDIO / name)),
    to: str = "",
    key: str = KEY,
    stand_in: Callable[[httpx.Request], Awaitable[httpx.Response]] | None = None,
) -> AsyncIterator[Relay]:
    """A fake with a proxy in front of it; both are stopped at the end, and everything is judged. ``to``: another place than the fake; ``stand_in``
    answers instead of it."""
    said: list[str] = []
    served = Served(out, said.append, secrets=(key,))
    told = script or FakeScript()
    service = FakeService(
        dialects=(DIALECTS[dialect],),
        script=told.model_copy(update={"faults": [*told.faults, *faults]}),
        audio=audio,
        settings=settings or FakeSettings(api_keys=(key,)),
    )
    environment = {
        **dict.fromkeys(("AZURE_OPENAI_REALTIME_KEY", "OPENAI_API_KEY"), key),
        "AZURE_OPENAI_RESOURCE_NAME": "fake",
    }
    transport = None if stand_in is None else httpx.MockTransport(partial(unread, stand_in))
    async with service, httpx.AsyncClient(trust_env=False, timeout=TIMEOUT, transport=transport) as http:
        endpoints = relayed_endpoints(dialect, to or service.url, environment, own_key=access is not None)
        relayed = Relayed(served, dialect, to or service.url, out, own_key=access is not None)
        proxy = Proxy(
            Upstream(endpoints, http), pair_for=relayed.pair, on_end=relayed.ended, access=access, note=said.append
        )
        url = await proxy.start()
        try:
            yield Relay(url, service, proxy, out, served, said)
        finally:
            await proxy.stop()
            await asyncio.to_thread(served.finish)
