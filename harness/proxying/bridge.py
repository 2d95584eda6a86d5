"""A relayed call: one connection towards the client, one towards the service; what comes in on one goes out on the other at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace

from aiortc import RTCDataChannel

from harness.errors import ConnectionLost
from harness.protocol import negotiation
from harness.proxying.delays import Delays
from harness.proxying.descriptions import Unmatched, handshake_left_to_us, own_answer, relayed_offer, with_message_size
from harness.proxying.leg import Leg
from harness.rules.errors import FATAL
from harness.trace import Entry, Recorder
from harness.webrtc.peer import RejectedDescription, RtpPacket

HOLD_SECONDS = 8.0
"""A channel is acknowledged when its other half is open, or after so long."""
CONNECT_SECONDS = 45.0
"""A call both of whose connections do not stand by then is ended."""


class Bridge:
    """A call in the making, then until its end: :meth:`offer`, :meth:`accept`, and it lives by itself.

    ``client`` and ``service`` record the two connections; each is on this machine alone where its ``loopback`` is true. ``on_end`` is
    called once, when everything is closed; the recorders are still open then.
    """

    def __init__(
        self,
        client: Recorder,
        service: Recorder,
        *,
        client_loopback: bool,
        service_loopback: bool,
        on_end: Callable[[Bridge], None],
    ) -> None:
        self.delays = Delays()
        self.hung_up = False
        """Whether the client has asked the service to end the call."""
        self.why = ""
        """Why it ended, for a person."""
        self._on_end = on_end
        self._ending = asyncio.Event()
        self._life: asyncio.Task[None] | None = None
        self._offer = self._own_offer = ""
        self._held: list[asyncio.TimerHandle] = []
        self.client = Leg(
            client,
            loopback=client_loopback,
            on_audio=lambda packet: self._relay(packet, self.client, self.service),
            on_channel=lambda channel: self._open(channel, self.client, self.service),
            overrun=lambda reason: self.end(f"the client: {reason}"),
            delays=self.delays,
        )
        self.service = Leg(
            service,
            loopback=service_loopback,
            on_audio=lambda packet: self._relay(packet, self.service, self.client),
            on_channel=lambda channel: self._open(channel, self.service, self.client),
            overrun=lambda reason: self.end(f"the service: {reason}"),
            delays=self.delays,
        )

    async def offer(self, offer: str) -> str:
        """The offer to the service in place of the client's ``offer``."""
        self._offer = offer
        self.client.opus = negotiation.opus_payload_types(offer)[0]
        self._own_offer = await self.service.peer.offer()
        relayed = relayed_offer(offer, self._own_offer)
        self.service.recorder.record("sdp.offer", sdp=relayed)
        return relayed

    async def accept(self, answer: str) -> str:
        """The answer to the client in place of the service's; from here on the call lives by itself. Raises RejectedDescription."""
        recorder = self.service.recorder
        try:
            own = own_answer(answer, self._offer, self._own_offer)
            await self.service.peer.accept_answer(own)
        except (RejectedDescription, Unmatched) as error:
            recorder.record("sdp.rejected", sdp=answer, reason=str(error))
            raise RejectedDescription(f"the service's SDP answer cannot be taken: {error}") from error
        recorder.record("sdp.answer", sdp=answer)
        self.service.opus = negotiation.opus_payload_types(own)[0]
        try:
            ours = await self.client.peer.answer(self._offer, passive=handshake_left_to_us(answer))
        except RejectedDescription as error:
            self.client.recorder.record("sdp.rejected", sdp=self._offer, reason=error.reason)
            raise RejectedDescription(f"the client's offer cannot be taken: {error.reason}") from error
        ours = with_message_size(ours, answer)
        self._life = asyncio.get_running_loop().create_task(self._live())
        return ours

    def end(self, why: str) -> None:
        """End the call soon, without waiting for it."""
        self.why = self.why or why
        self._ending.set()

    async def close(self, why: str = "") -> None:
        """End the call and wait until nothing of it is left; also one that never began to live."""
        self.end(why)
        if self._life is None:
            for leg in (self.client, self.service):
                leg.mute()
            await self._clean_up()
        else:
            await asyncio.wait([self._life])

    async def _live(self) -> None:
        loop = asyncio.get_running_loop()
        legs = (self.client, self.service)
        over = [loop.create_task(event.wait()) for event in (*(leg.peer.lost for leg in legs), self._ending)]
        connected = loop.create_task(self._connect())
        try:
            await asyncio.wait([connected, *over], return_when=asyncio.FIRST_COMPLETED)
            if connected.done() and connected.exception() is None:
                await asyncio.wait(over, return_when=asyncio.FIRST_COMPLETED)
            self._tell_why(connected)
        finally:
            for waiting in (connected, *over):
                waiting.cancel()
            await asyncio.gather(connected, *over, return_exceptions=True)
            await self._clean_up()
            self._on_end(self)

    async def _connect(self) -> None:
        async with asyncio.timeout(CONNECT_SECONDS):
            for leg in (self.service, self.client):
                await leg.peer.wait_connected(CONNECT_SECONDS)

    def _tell_why(self, connected: asyncio.Task[None]) -> None:
        lost = next((leg for leg in (self.client, self.service) if leg.peer.lost.is_set()), None)
        if lost is not None:
            self.why = self.why or f"the {lost.party}: {lost.peer.lost_because}"
        elif not self._ending.is_set() and connected.done():
            missing = [leg.party for leg in (self.client, self.service) if leg.peer.pc.connectionState != "connected"]
            self.why = f"no connection to the {' and the '.join(missing)} within {CONNECT_SECONDS:g} s"
        announced = any(_is_last_word(entry) for entry in self.service.recorder.entries)
        if lost is self.service and not self.hung_up and not announced and not self.client.peer.lost.is_set():
            self.service.recorder.record_error(
                ConnectionLost(
                    lost.peer.lost_because,
                    fix="look at the last events of the trace: an error event says why; else look at the service's log and the network",
                )
            )

    async def _clean_up(self) -> None:
        for timer in self._held:
            timer.cancel()
        await asyncio.gather(self.client.close(), self.service.close())
        for leg in (self.client, self.service):
            if self.why:
                leg.recorder.record("harness.note", text=f"the call ended: {self.why}", about="proxy")
            if figures := self.delays.to_json():
                leg.recorder.record("harness.relayed", **figures)

    def _relay(self, packet: RtpPacket, source: Leg, target: Leg) -> None:
        if packet.payload_type == source.opus != target.opus:
            packet = replace(packet, payload_type=target.opus)
        sent = target.audio.send(packet)
        if sent is None:
            self.delays.drop()
        else:
            self.delays.packet(sent - packet.t)

    def _open(self, channel: RTCDataChannel, source: Leg, target: Leg) -> None:
        here = source.came(channel)
        there = target.create(channel, source.party)
        here.other, there.other = there, here
        # Whoever opened the channel hears that it is open when it is open over there; who is kept waiting is not to blame.
        there.on_open = lambda: source.peer.acknowledge(channel)
        self._held.append(asyncio.get_running_loop().call_later(HOLD_SECONDS, source.peer.acknowledge, channel))


def _is_last_word(entry: Entry) -> bool:
    """Whether a service says with this event that it ends the session."""
    error = entry.event.get("error") if entry.type == "error" else None
    return isinstance(error, Mapping) and error.get("code") in FATAL
