"""A hostile service: it answers with what it was sent, spelled as one likes, wherever a response has room for it, and on the channel."""

from __future__ import annotations

import asyncio
import base64
import html
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from aiortc import RTCDataChannel
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from harness.fake.listener import Listener
from harness.media.track import OutgoingAudio
from harness.running import clock
from harness.trace import Header, Recorder
from harness.webrtc.peer import Peer, RejectedDescription

SPELLINGS: Mapping[str, Callable[[str], str]] = {
    "plain": str,
    "json": lambda text: json.dumps(text)[1:-1],
    "unicode": lambda text: "".join(f"\\u{ord(letter):04x}" for letter in text),
    "percent": lambda text: "".join(f"%{octet:02X}" for octet in text.encode()),
    "quoted": lambda text: quote(text, safe=""),
    "twice": lambda text: quote(quote(text, safe=""), safe=""),
    "html": lambda text: "".join(f"&#x{ord(letter):x};" for letter in text),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "url64": lambda text: base64.urlsafe_b64encode(b"x" + text.encode()).decode(),
}


@dataclass
class Manner:
    """How the service behaves: what it answers to each step, how it spells its echo, where it puts it."""

    key: str = "grant"  # grant | refuse
    call: str = "answer"  # answer | refuse
    status: int = 401
    place: str = "json"  # json | html | text | sdp | field
    spelling: str = "plain"
    shape: str = "ga"  # ga | beta
    minted: str = "ek_0123456789"
    cookie: str = "session-0123456789"


@dataclass
class Echo:
    """The service while it runs: ``url``, its ``manner``, and the ``secrets`` that came up in its connections."""

    url: str = ""
    manner: Manner = field(default_factory=Manner)
    secrets: set[str] = field(default_factory=set)
    peers: list[Peer] = field(default_factory=list)

    async def answer(self, request: Request) -> Response:
        body = (await request.body()).decode("utf-8", "replace")
        got = "\n".join(
            [f"{request.method} {request.url}", *(f"{name}: {value}" for name, value in request.headers.items()), body]
        )
        if body.startswith("v=0"):
            self.secrets |= set(passwords_in(body))
            return await self._call(body, got)
        if self.manner.key == "grant":
            return self._respond(200, json.dumps(self._token(got)), "application/json", got)
        return self._refuse(got)

    def _token(self, got: str) -> dict[str, Any]:
        minted = {"value": self.manner.minted, "expires_at": 1_900_000_000}
        said = {"echo": self._spelled(got), "early": f"your key {self._spelled(self.manner.minted)}"}
        return said | ({**minted, "session": said} if self.manner.shape == "ga" else {"client_secret": minted})

    async def _call(self, offer: str, got: str) -> Response:
        if self.manner.call == "refuse":
            return self._refuse(got)
        while self.peers:
            await self.peers.pop().close()
        peer = Peer(
            Recorder(Header("service", "azure-ga"), asyncio.get_running_loop().time),
            loopback=True,
            track=OutgoingAudio(),
        )
        self.peers.append(peer)
        peer.on_channel = lambda channel: self._talk(channel, got)
        try:
            answer = await peer.answer(offer)
        except RejectedDescription as error:
            return self._refuse(got + error.reason)
        self.secrets |= set(passwords_in(answer))
        own = "\n".join([got, answer])
        line = self._spelled(" ".join(own.split()))
        return self._respond(201, answer.replace("\r\ns=-\r\n", f"\r\ns={line}\r\n", 1), "application/sdp", own)

    def _talk(self, channel: RTCDataChannel, got: str) -> None:
        said = self._spelled(got)
        channel.send(f"no event: {said}")
        channel.send(said.encode())
        channel.send(
            json.dumps({"type": "session.created", "event_id": "e1", "session": {"instructions": said, "api_key": got}})
        )
        channel.send(
            json.dumps({"type": "error", "event_id": "e2", "error": {"type": said, "code": said, "message": said}})
        )

    def _refuse(self, got: str) -> Response:
        said, status = self._spelled(got), self.manner.status
        bodies: Mapping[str, tuple[str, str]] = {
            "json": (
                json.dumps({"error": {"code": "401", "message": f"Wrong key: {said}"}, "detail": said}),
                "application/json",
            ),
            "html": (f"<!doctype html><title>{html.escape(said)}</title><pre>{said}</pre>", "text/html"),
            "text": (said, "text/plain"),
            "sdp": (
                f"v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns={said}\r\nm=audio 9 x {said}\r\na=x:{said}\r\n",
                "application/sdp",
            ),
            "field": (
                json.dumps({said: [said, {"headers": {"authorization": got}}]}),
                f"application/json; x={said[:50]}",
            ),
        }
        body, kind = bodies[self.manner.place]
        return self._respond(status, body, kind, got)

    def _respond(self, status: int, body: str, kind: str, got: str) -> Response:
        said = quote(self._spelled(got), safe="%+/=")[:8000]
        headers = {
            "content-type": kind.splitlines()[0],
            "set-cookie": f"sid={self.manner.cookie}; Path=/",
            "x-echo": said,
            "www-authenticate": f'Bearer error="{said}"',
            "location": f"/v1/realtime/calls/rtc_1?echo={said}",
        }
        return Response(
            body, status, headers={name: value.encode().decode("latin-1") for name, value in headers.items()}
        )

    def _spelled(self, text: str) -> str:
        return SPELLINGS[self.manner.spelling](text)


def passwords_in(sdp: str) -> Iterator[str]:
    """The ICE passwords of a description."""
    return (line.partition(":")[2] for line in sdp.splitlines() if line.startswith("a=ice-pwd:"))


@contextmanager
def echoing() -> Iterator[Echo]:
    """The service, running in a thread with an event loop of its own."""
    echo = Echo()
    ready = threading.Event()
    ending: list[Callable[[], None]] = []

    async def main() -> None:
        app = Starlette(routes=[Route("/{path:path}", echo.answer, methods=["POST"])])
        listener = Listener(app)
        echo.url = await listener.start("127.0.0.1", 0)
        end = asyncio.Event()
        loop = asyncio.get_running_loop()
        ending.append(lambda: loop.call_soon_threadsafe(end.set))
        ready.set()
        await end.wait()
        for peer in echo.peers:
            await peer.close()
        await listener.stop()

    thread = threading.Thread(target=lambda: clock.run(main), daemon=True)
    thread.start()
    assert ready.wait(20)
    try:
        yield echo
    finally:
        ending[0]()
        thread.join(20)
