"""Two ends of a call in one process, for tests of what connects them: a track of ready packets, and the handshake in one step."""

from __future__ import annotations

import asyncio
import fractions
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import av
from aiortc import MediaStreamTrack, RTCDataChannel
from aiortc.mediastreams import MediaStreamError

from harness.netem.emulator import Emulator
from harness.protocol.rtp import RtpPacket
from harness.trace import Entry, Header, Recorder
from harness.webrtc.peer import Peer

TIME_BASE = fractions.Fraction(1, 48000)


class ReadyAudio(MediaStreamTrack):
    """Gives one 20 ms packet every 20 ms, numbered in its payload; ``pause`` seconds are left out before packet ``at``."""

    kind = "audio"

    def __init__(self, *, at: int = 0, pause: float = 0.0) -> None:
        super().__init__()
        self._at, self._pause = at, pause
        self._count = 0
        self._start: float | None = None

    async def recv(self) -> av.Packet:
        loop = asyncio.get_running_loop()
        if self._start is None:
            self._start = loop.time()
        due = self._count * 0.02 + (self._pause if self._at and self._count >= self._at else 0.0)
        if (delay := self._start + due - loop.time()) > 0:
            await asyncio.sleep(delay)
        if self.readyState != "live":
            raise MediaStreamError
        packet = av.Packet(b"\xf8" + self._count.to_bytes(4, "big"))
        packet.pts = round(due * 48000)
        packet.time_base = TIME_BASE
        self._count += 1
        return packet


class End:
    """A peer with its recorder, the packets it saw, the channels it was given and the messages that came."""

    def __init__(
        self, observer: str, track: MediaStreamTrack | None = None, *, network: Emulator | None = None
    ) -> None:
        self.recorder = Recorder(
            Header("client" if observer == "client" else "service", "azure-ga", time="virtual"),
            asyncio.get_running_loop().time,
        )
        self.packets: list[RtpPacket] = []
        self.channels: list[RTCDataChannel] = []
        self.messages: list[str | bytes] = []
        self.track = track or ReadyAudio()
        self.peer = Peer(self.recorder, loopback=True, track=self.track, on_packet=self.packets.append, network=network)
        self.peer.on_channel = self._on_channel

    def open_channel(self, label: str = "realtime-channel") -> asyncio.Event:
        """Create a channel and return what is set when it opens."""
        opened = asyncio.Event()
        channel = self.peer.create_channel(label)
        channel.on("open", opened.set)
        self._on_channel(channel)
        return opened

    def of(self, *kinds: str) -> tuple[Entry, ...]:
        return self.recorder.trace().of(*kinds)

    def states(self, kind: str) -> list[str]:
        """The states recorded under this kind, in order."""
        return [entry.data["state"] for entry in self.of(kind)]

    def seen(self, direction: str) -> list[RtpPacket]:
        return [packet for packet in self.packets if packet.direction == direction]

    def _on_channel(self, channel: RTCDataChannel) -> None:
        self.channels.append(channel)
        channel.on("message", self.messages.append)


@asynccontextmanager
async def connected(
    *,
    caller_track: MediaStreamTrack | None = None,
    network: Emulator | None = None,
    edit_offer: Callable[[str], str] = lambda sdp: sdp,
    edit_answer: Callable[[str], str] = lambda sdp: sdp,
) -> AsyncIterator[tuple[End, End]]:
    """A caller and a service with an open channel, both closed at the end; ``network`` lies between them."""
    caller, service = End("client", caller_track, network=network), End("service")
    try:
        opened = caller.open_channel()
        answer = await service.peer.answer(edit_offer(await caller.peer.offer()))
        await caller.peer.accept_answer(edit_answer(answer))
        patience = 10 if network is None else 60
        await caller.peer.wait_connected(patience)
        await service.peer.wait_connected(patience)
        await asyncio.wait_for(opened.wait(), patience)
        yield caller, service
    finally:
        await caller.peer.close()
        await service.peer.close()
