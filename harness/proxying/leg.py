"""One of the two connections of a relayed call, recorded as that end would record it: towards the client, or towards the service."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from aiortc import RTCDataChannel

from harness.fake.traces import Unrecorded
from harness.files import writing
from harness.media.capture import Capture
from harness.protocol.messages import entry_of
from harness.proxying.channels import ChannelEnd
from harness.proxying.delays import Delays
from harness.trace import Observer, Recorder
from harness.webrtc.peer import Limits, Peer, RelayedAudio, RtpPacket

DRAIN_SECONDS = 5.0
"""What one side sent last is waited for so long, until the other side has acknowledged it."""
CLOSE_SECONDS = 1.0
"""A channel's close is waited for so long."""
_TICK = 0.02
LIMITS = Limits(channels=16)


class Leg:
    """A connection whose audio and messages go on in another one. ``party`` is who is at its other end.

    ``on_audio`` gets each RTP packet as it comes in, ``on_channel`` each data channel that the other end opens; ``overrun`` is told
    why the call has to end. Towards the client we stand where the service does ("service" observes), and the other way round.
    """

    def __init__(
        self,
        recorder: Recorder,
        *,
        loopback: bool,
        on_audio: Callable[[RtpPacket], None],
        on_channel: Callable[[RTCDataChannel], None],
        overrun: Callable[[str], None],
        delays: Delays,
    ) -> None:
        self.recorder = recorder
        self.party: Observer = "client" if recorder.header.observer == "service" else "service"
        self.audio = RelayedAudio()
        self.opus = 0
        """The payload type of Opus on this connection."""
        self._on_audio = on_audio
        self._overrun = overrun
        self._delays = delays
        self._ends: list[ChannelEnd] = []
        serving = self.party == "client"
        self._received = Capture(recorder, "received", conceal=serving, quality=not serving)
        self._sent = Capture(recorder, "sent", decode=not serving)
        self.peer = Peer(
            recorder,
            loopback=loopback,
            track=self.audio,
            on_packet=self._on_packet,
            limits=LIMITS,
            channels=not serving,
            holds_ack=True,
        )
        self.peer.on_channel = on_channel
        self.peer.on_early = self._on_early

    def came(self, channel: RTCDataChannel) -> ChannelEnd:
        """A channel that the other end has opened."""
        return self._end(channel, by=self.party, relayed=False)

    def create(self, like: RTCDataChannel, by: Observer) -> ChannelEnd:
        """A channel like one that ``by`` has opened on the other connection: label, protocol, order, reliability and number."""
        options = {
            "ordered": like.ordered,
            "protocol": like.protocol,
            "maxRetransmits": like.maxRetransmits,
            "maxPacketLifeTime": like.maxPacketLifeTime,
        }
        try:
            channel = self.peer.create_channel(like.label, id=like.id, **options)
        except ValueError:  # the number is taken here
            channel = self.peer.create_channel(like.label, **options)
        return self._end(channel, by=by, relayed=True)

    def mute(self) -> None:
        """There will be no call: the end of this connection is none, and the next one may follow in the same trace."""
        self.peer.recorder = Unrecorded(self.recorder.header, asyncio.get_running_loop().time)

    async def close(self) -> None:
        """Hang up, once what was sent last has been acknowledged; channels first, so that the other end learns of it. Never raises."""
        if not self.peer.lost.is_set():
            await self._until(lambda: not self.peer.unacknowledged, DRAIN_SECONDS)
            for end in self._ends:
                end.close()
            await self._until(lambda: all(end.closed for end in self._ends), CLOSE_SECONDS)
        await self.peer.close()
        self._received.flush()
        self._sent.flush()

    def write_audio(self, out: Path, name: str) -> dict[str, str]:
        """Write both directions as Ogg Opus files below ``out``; returns their paths from there. Raises UsageError."""
        written: dict[str, str] = {}
        for direction, capture in (("sent", self._sent), ("received", self._received)):
            path = out / "audio" / f"{name}.{direction}.ogg"
            with writing(path):
                if capture.write_ogg(path):
                    written[direction] = path.relative_to(out).as_posix()
        return written

    async def _until(self, true: Callable[[], bool], seconds: float) -> None:
        clock = asyncio.get_running_loop().time
        until = clock() + seconds
        while not true() and clock() < until and not self.peer.lost.is_set():
            await asyncio.sleep(_TICK)

    def _end(self, channel: RTCDataChannel, *, by: Observer, relayed: bool) -> ChannelEnd:
        end = ChannelEnd(
            channel,
            self.recorder,
            by=by,
            relayed=relayed,
            arrived=lambda: self.peer.arrived,
            delays=self._delays,
            overrun=self._overrun,
        )
        self._ends.append(end)
        return end

    def _on_packet(self, packet: RtpPacket) -> None:
        if packet.direction == "received":
            self._on_audio(packet)  # first of all: recording it can wait
            self._received.packet(packet)
        else:
            self._sent.packet(packet)

    def _on_early(self, text: str) -> None:
        """A message ahead of its channel: the stack that it is meant for would drop it."""
        kind, data = entry_of(text, "received")
        self.recorder.record(kind, **data)
