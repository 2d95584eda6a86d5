"""A stand-in for the service under the caller's tests: an httpx transport whose call request is answered by a real peer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from aiortc import RTCDataChannel

from harness.media.track import OutgoingAudio
from harness.trace import Header, Recorder
from harness.webrtc.peer import Peer

KEY = "long-lived-key-0123456789"
EPHEMERAL = "ephemeral-key-abcdefghij"
GA_TOKEN = {"value": EPHEMERAL, "expires_at": 1_900_000_000, "session": {"type": "realtime"}}
BETA_TOKEN = {"id": "sess_1", "client_secret": {"value": EPHEMERAL, "expires_at": 1_900_000_000}}


@dataclass
class Service:
    """Answers requests; ``requests`` keeps what came, ``received`` the messages on the channel."""

    clock: Callable[[], float]
    token: Mapping[str, Any] = field(default_factory=lambda: GA_TOKEN)
    call_headers: Mapping[str, str] = field(
        default_factory=lambda: {"content-type": "application/sdp", "location": "/v1/realtime/calls/rtc_42"}
    )
    on_message: Callable[[RTCDataChannel, str], None] = lambda channel, message: None
    requests: list[httpx.Request] = field(default_factory=list)
    received: list[Any] = field(default_factory=list)
    peer: Peer | None = None
    channel: RTCDataChannel | None = None
    edit_answer: Callable[[str], str] = lambda sdp: sdp

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        path = request.url.path
        if path.endswith("/hangup"):
            return httpx.Response(200)
        if path.endswith(("/calls", "/realtimertc")):
            self.peer = Peer(Recorder(Header("service", "azure-ga"), self.clock), loopback=True, track=OutgoingAudio())
            self.peer.on_channel = self._on_channel
            answer = await self.peer.answer(request.content.decode())
            return httpx.Response(201, headers=self.call_headers, text=self.edit_answer(answer))
        return httpx.Response(200, json=self.token)

    @property
    def bodies(self) -> list[Any]:
        """The JSON bodies that came."""
        return [json.loads(one.content) for one in self.requests if one.headers["content-type"] == "application/json"]

    async def close(self) -> None:
        """End the peer."""
        if self.peer is not None:
            await self.peer.close()

    def _on_channel(self, channel: RTCDataChannel) -> None:
        self.channel = channel

        def on_message(message: str) -> None:
            self.received.append(message)
            self.on_message(channel, message)

        channel.on("message", on_message)
