"""One call from the caller's side: token request, offer, call request, data channel, session.update; then events both ways; hang-up.

The order of the set-up is the vendors': key, track, peer connection, data channel before the offer, offer, answer, channel open,
session.update at once. Everything is recorded; whoever wants the events watches the recorder.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import httpx
from aiortc import RTCDataChannel

from harness.client.channel import EventChannel
from harness.client.connection import channel_fix, last_states
from harness.client.faults import ClientFaults
from harness.client.outbox import Outbox
from harness.client.signaling import Signaling
from harness.client.watch import first_of
from harness.errors import (
    CallError,
    CallRequestFailed,
    ChannelNeverOpened,
    ConnectionLost,
    OfferFailed,
    UsageError,
    shorten,
)
from harness.media.capture import Capture
from harness.media.track import OutgoingAudio
from harness.netem.emulator import Conditions
from harness.protocol.session_body import session_body
from harness.scenario.model import Caller
from harness.targets.endpoints import Endpoints
from harness.trace import Recorder
from harness.webrtc.peer import Peer, RejectedDescription, RtpPacket

CLOSE_SECONDS = 1.0


class Call:
    """A call to one service. ``open`` makes it, ``send`` talks, ``close`` hangs up; events are entries of ``recorder``.

    ``session`` is in canonical words and goes with the token request and with session.update. ``lost`` is set when the connection
    goes away without having been closed here; ``lost_because`` then says what was seen; ``ended`` is set then and after a hang-up. ``sent`` and ``received`` hold the audio.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        recorder: Recorder,
        *,
        session: Mapping[str, Any],
        caller: Caller,
        track: OutgoingAudio,
        http: httpx.AsyncClient,
        peer: Callable[..., Peer] = Peer,
    ) -> None:
        self._faults = ClientFaults(caller.faults)
        self._conduct = self._faults.conduct
        caller = self._faults.caller(caller)
        self.endpoints = endpoints.for_caller(caller)
        self.dialect = endpoints.dialect
        self.recorder = recorder
        self.track = track
        self.sent = Capture(recorder, "sent")
        self.received = Capture(recorder, "received", quality=True)
        self.lost = asyncio.Event()
        self.lost_because = ""
        self.ended = asyncio.Event()
        self._session = session
        self._caller = caller
        self._signaling = Signaling(
            self.endpoints,
            recorder,
            session=session,
            timeout=caller.timeout,
            http=http,
            faults=self._faults,
            origin=caller.origin,
        )
        self._outbox = Outbox(self._faults, self.dialect, recorder, self._transmit)
        self._make_peer = peer
        self._peer: Peer | None = None
        self._channel: EventChannel | None = None
        self._others: list[EventChannel] = []
        self._opened = asyncio.Event()
        self._channel_closed = asyncio.Event()
        self._update_failure: UsageError | None = None
        self._watching: asyncio.Task[None] | None = None
        self._closing: asyncio.Task[None] | None = None

    @property
    def closed(self) -> bool:
        """Hung up, or about to."""
        return self._closing is not None

    async def open(self) -> None:
        """Make the call up to the first session.update.

        Raises the CallError of the step that failed; what was set up until then is taken down by :meth:`close`.
        """
        self._begin()
        key = self.endpoints.api_key if self.endpoints.direct else await self._signaling.request_key()
        peer = self._connect()
        offer = await self._offer(peer)
        if self._caller.key_age:
            await asyncio.sleep(self._caller.key_age)
        answer = await self._signaling.request_call(key, offer)
        await self._accept(peer, answer)
        await self._wait_for_channel()

    def send(self, event: Mapping[str, Any]) -> None:
        """Send one client event as it is. Raises ConnectionLost, or UsageError where it is larger than the service takes."""
        self._outbox.send(event)

    def send_raw(self, text: str) -> None:
        """Send text as it is, event or not. Raises like :meth:`send`."""
        self._transmit(text)

    def update(self, session: Mapping[str, Any]) -> None:
        """Send session.update with canonical settings in this dialect's words; what was changed for that is a note."""
        self._note("session.update", session_body(self.dialect, session)[1])
        self._send_update(session)

    def disturb(self, conditions: Conditions, *, seed: int | None = None) -> None:
        """Change the emulated network from now on."""
        if self._peer is not None:
            self._peer.disturb(conditions, seed=seed)

    def _send_update(self, session: Mapping[str, Any]) -> None:
        body, _ = session_body(self.dialect, session)
        self.send({"type": "session.update", "session": body})

    async def close(self) -> None:
        """Hang up: the hang-up request where the dialect has one, then channel and peer connection. May be called again."""
        if self._closing is None:
            self._closing = asyncio.ensure_future(self._close())
        await asyncio.shield(self._closing)

    # The steps of the set-up

    def _begin(self) -> None:
        for secret in (self.endpoints.api_key, *(one.credential or "" for one in self._caller.ice_servers)):
            self.recorder.redactor.learn(secret)
        servers = [] if self.endpoints.loopback else [one.urls for one in self._caller.ice_servers]
        self.recorder.record("harness.config", **self.endpoints.config(), label=self.dialect.label, ice_servers=servers)
        self._note("target", self.endpoints.notes)

    def _connect(self) -> Peer:
        servers = [one.model_dump(exclude_none=True) for one in self._caller.ice_servers]
        try:
            peer = self._make_peer(
                self.recorder,
                loopback=self.endpoints.loopback,
                ice_servers=servers,
                track=self.track,
                on_packet=self._on_packet,
                misbehavior=self._faults.misbehavior(self.recorder),
            )
        except (ValueError, TypeError) as error:
            raise OfferFailed(
                f"the peer connection cannot be made: {shorten(self.recorder.redactor.text(str(error)))}",
                fix="check caller.ice_servers: stun:host:port or turn:host:port",
            ) from error
        self._peer = peer
        peer.on_channel = self._on_service_channel
        self._watching = asyncio.ensure_future(self._watch_connection(peer))
        if self._caller.channel == "before-offer":
            self._create_channel(peer)
        return peer

    def _create_channel(self, peer: Peer) -> None:
        label = self._conduct.label or self.dialect.label
        self._channel = EventChannel(
            peer.create_channel(label, **self._conduct.options),
            self.recorder,
            by="client",
            on_open=self._on_open,
            on_close=self._on_close,
        )
        if self._conduct.second is not None:
            self._others.append(EventChannel(peer.create_channel(self._conduct.second), self.recorder, by="client"))

    async def _offer(self, peer: Peer) -> str:
        try:
            async with asyncio.timeout(self._caller.timeout):
                offer = await peer.offer()
        except TimeoutError as error:
            raise OfferFailed(
                f"no offer within {self._caller.timeout:g} s: gathering candidates does not end",
                seen=last_states(self.recorder.entries),
                fix="an ICE server does not answer: check caller.ice_servers, or leave them out (the service needs none)",
            ) from error
        except Exception as error:  # whatever the stack raises ends this step and nothing else
            raise OfferFailed(
                f"the offer cannot be made: {type(error).__name__}: {shorten(self.recorder.redactor.text(str(error)))}",
                seen=last_states(self.recorder.entries),
                fix="check the network interfaces and caller.ice_servers",
            ) from error
        offer = self._faults.offer(offer)
        self.recorder.record("sdp.offer", sdp=offer)
        if self._caller.channel == "after-offer":
            self._create_channel(peer)
        return offer

    async def _accept(self, peer: Peer, answer: str) -> None:
        try:
            async with asyncio.timeout(self._caller.timeout):
                await peer.accept_answer(self._faults.answer(answer))
        except (RejectedDescription, TimeoutError) as error:
            reason = getattr(error, "reason", f"setting it took longer than {self._caller.timeout:g} s")
            self.recorder.record("sdp.rejected", sdp=answer, reason=reason)
            redact = self.recorder.redactor.text
            raise CallRequestFailed(
                f"the SDP answer is refused: {shorten(redact(reason))}",
                seen=shorten(redact(answer)),
                fix="the service must answer both offered sections with ICE, DTLS and Opus (RFC 9429 section 5.3.1)",
            ) from error
        self.recorder.record("sdp.answer", sdp=answer)

    async def _wait_for_channel(self) -> None:
        await first_of(self._opened, self.lost, seconds=self._caller.timeout)
        if self._update_failure is not None:
            raise self._update_failure
        if self._opened.is_set():
            return
        what = f"the data channel did not open within {self._caller.timeout:g} s"
        if self.lost.is_set():
            what = f"the data channel did not open: {self.lost_because}"
        states = last_states(self.recorder.entries)
        raise ChannelNeverOpened(what, seen=states, fix=channel_fix(states))

    # What the channel and the connection tell

    def _on_open(self) -> None:
        # An error must not end up in the stack's own task: opening the call, or the next step, meets it.
        if self._caller.update_on_open and not self.ended.is_set():
            try:
                self._send_update(self._session)
            except UsageError as error:
                self._update_failure = error
            except CallError as error:
                self._lose(error.what)
        self._opened.set()

    def _on_close(self) -> None:
        self._channel_closed.set()
        if self._conduct.clings and self._peer is not None and not self.closed:
            self._create_channel(self._peer)
        self._lose("the service closed the data channel")

    def _on_service_channel(self, channel: RTCDataChannel) -> None:
        self._others.append(EventChannel(channel, self.recorder, by="service"))

    def _on_packet(self, packet: RtpPacket) -> None:
        (self.sent if packet.direction == "sent" else self.received).packet(packet)

    async def _watch_connection(self, peer: Peer) -> None:
        await peer.lost.wait()
        self._lose(f"the connection was lost ({last_states(self.recorder.entries)})")

    def _lose(self, because: str) -> None:
        if not self.closed and not self.lost.is_set() and not self._conduct.clings:
            self.lost_because = because
            self.lost.set()
            self.ended.set()

    # The hang-up

    async def _close(self) -> None:
        try:
            if not self._conduct.hangs_up and self._peer is not None:
                await self._peer.abandon()
                await asyncio.sleep(self._conduct.abandoned_for)
                return
            if not self.lost.is_set():
                await self._signaling.hang_up()
            if self._channel is not None and self._channel.is_open:
                self._channel.close()
                await first_of(self._channel_closed, seconds=CLOSE_SECONDS)
        finally:
            self._outbox.close()
            if self._watching is not None:
                self._watching.cancel()
            if self._peer is not None:
                await self._peer.close()
            if self._channel is not None:
                self._channel.record_closed()
            self.sent.flush()
            self.received.flush()
            self.ended.set()

    # Small pieces

    def _transmit(self, text: str | bytes) -> None:
        if self._channel is None or self.closed or self.lost.is_set():
            raise self.gone()
        if not self._channel.send(text):
            raise self.gone()

    def gone(self) -> ConnectionLost:
        """The error that says why nothing can be sent or awaited any more."""
        if self.closed and not self.lost.is_set():
            return ConnectionLost("the call has been hung up", fix="move this step before hang_up")
        return ConnectionLost(
            self.lost_because or "the data channel is not open",
            seen=last_states(self.recorder.entries),
            fix="look at the last events of the trace: an error event says why; else look at the service's log and the network",
        )

    def _note(self, about: str, texts: list[str] | tuple[str, ...]) -> None:
        for text in texts:
            self.recorder.record("harness.note", text=text, about=about)
