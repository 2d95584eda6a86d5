"""A caller for tests of the fake: a real peer connection that keeps what it gets."""

from __future__ import annotations

import asyncio
import json
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from harness.media.capture import Capture
from harness.media.levels import Frame
from harness.media.track import OutgoingAudio
from harness.protocol.dialects import Dialect
from harness.protocol.events import problems
from harness.trace import Header, Recorder
from harness.webrtc.peer import Peer
from tests.fake.requests import call_path, credentials, key_path, token_body


class Caller:
    """One call to the service at ``http``; ``events`` are the service's, in order of arrival."""

    def __init__(self, http: httpx.AsyncClient, dialect: Dialect) -> None:
        self.http = http
        self.dialect = dialect
        self.loop = asyncio.get_running_loop()
        self.recorder = Recorder(Header("client", dialect.name, time="virtual"), self.loop.time)
        self.track = OutgoingAudio()
        self.heard: list[Frame] = []
        self.capture = Capture(self.recorder, "received", on_frame=self.heard.append)
        self.peer = Peer(self.recorder, loopback=True, track=self.track, on_packet=self.capture.packet)
        self.events: list[dict[str, Any]] = []
        self.invalid: list[str] = []
        self.times: list[float] = []
        self._news = asyncio.Event()
        self.channel = self.open_channel(dialect.label)
        self.response: httpx.Response | None = None

    def open_channel(self, label: str) -> Any:
        channel = self.peer.create_channel(label)
        channel.on("message", self._on_message)
        return channel

    def _on_message(self, message: str) -> None:
        assert isinstance(message, str)
        event = json.loads(message)
        # An assertion in here would be lost in the peer connection: it is made in ``expect`` and ``close``.
        self.invalid += problems(self.dialect, "service", event)
        self.events.append(event)
        self.times.append(self.loop.time())
        self._news.set()

    async def key(self, **session: Any) -> str:
        body = token_body(self.dialect, **session)
        response = await self.http.post(key_path(self.dialect), json=body, headers=credentials(self.dialect))
        found: Any = response.json()
        for name in self.dialect.key_path:
            found = found[name]
        return str(found)

    async def call(self, *, edit: Any = lambda sdp: sdp, query: str = "", **session: Any) -> Self:
        """Mint, offer, post, set the answer, wait until the channel is open. ``edit`` changes the offer on its way."""
        key = await self.key(**session)
        headers = {"content-type": "application/sdp", "authorization": f"Bearer {key}"}
        offer = edit(await self.peer.offer())
        self.response = await self.http.post(call_path(self.dialect) + query, content=offer, headers=headers)
        assert self.response.status_code in self.dialect.call_statuses, self.response.text
        await self.peer.accept_answer(self.response.text)
        await self.peer.wait_connected(10)
        while self.channel.readyState != "open":
            await asyncio.sleep(0.001)
        return self

    def send(self, kind: str, **fields: Any) -> None:
        self.channel.send(json.dumps({"type": kind, **fields}))

    async def expect(self, kind: str, *, within: float = 20.0, count: int = 1) -> dict[str, Any]:
        """The ``count``-th event of this canonical type."""
        wire = self.dialect.wire(kind)
        async with asyncio.timeout(within):
            while len(found := [event for event in self.events if event["type"] == wire]) < count:
                self._news.clear()
                await self._news.wait()
        assert self.invalid == []
        return found[count - 1]

    @property
    def types(self) -> list[str]:
        return [self.dialect.canonical(event["type"]) for event in self.events]

    @property
    def call_id(self) -> str:
        assert self.response is not None
        return self.response.headers["location"].rpartition("/")[2]

    async def hang_up_request(self, key: str) -> httpx.Response:
        assert self.dialect.hangup_url is not None
        path = urlsplit(self.dialect.hangup_url).path.format(call_id=self.call_id)
        return await self.http.post(path, headers={"authorization": f"Bearer {key}"})

    async def close(self) -> None:
        await self.peer.close()
        self.capture.flush()
        assert self.invalid == []
