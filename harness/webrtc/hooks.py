"""The one place that reaches into aiortc and aioice: lean media paths in and out, and callbacks where the stack has none.

aiortc as published decodes every received packet on a thread, builds objects and coroutines for each packet in both directions, gathers
no loopback address, and tells nobody about its DTLS handshake, the DCEP messages and RTCP. :class:`Hooks` changes that for one
RTCPeerConnection by giving its parts other methods (on the objects, never on the classes, so that other users of aiortc in the
process are left alone). What is sent on the wire stays what aiortc would send, except that

- the marker bit is set only after a pause. :rfc:`3551` section 4.1: "applications without silence suppression must set the
  marker bit to zero"; aiortc sets it on every packet;
- the NTP time of sender reports runs on the event loop's clock, so that in virtual time it agrees with the RTP timestamps.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from aiortc import RTCPeerConnection, RTCRtpTransceiver
from aiortc.mediastreams import MediaStreamError
from aiortc.rtcdtlstransport import State

from harness.netem.link import Wire
from harness.protocol import rtp
from harness.protocol.rtp import Reception, RtpPacket
from harness.webrtc import private_parts as private_parts  # checks first that everything can be hooked
from harness.webrtc.association import InvalidText as InvalidText
from harness.webrtc.association import tap_association
from harness.webrtc.callbacks import Callbacks as Callbacks
from harness.webrtc.datagrams import emulated, guarded, install, media_first
from harness.webrtc.guard import Limits, PacketGuard
from harness.webrtc.handshake import Handshake as Handshake
from harness.webrtc.handshake import handshake_of
from harness.webrtc.misbehavior import Misbehavior as Misbehavior
from harness.webrtc.patience import be_patient
from harness.webrtc.relay import NTP_EPOCH, PacketSender, RelayedAudio

logger = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
_LARGEST_DATAGRAM = 65536


class Hooks:
    """The taps of one peer connection. ``attach`` after every step that may have created transports; what is tapped stays so."""

    def __init__(
        self,
        pc: RTCPeerConnection,
        callbacks: Callbacks,
        *,
        loopback: bool,
        misbehavior: Misbehavior | None = None,
        wire: Wire | None = None,
        limits: Limits | None = None,
        released: set[int] | None = None,
    ) -> None:
        self._pc = pc
        self._released = released
        self._callbacks = callbacks
        self._misbehavior = misbehavior or Misbehavior()
        self._wire = wire
        self._limits = limits or Limits()
        self._guard = PacketGuard(self._limits, callbacks.ignored)
        self._loopback = loopback
        self._tapped: set[Any] = set()
        self._dtls: list[Any] = []
        self._loop = asyncio.get_running_loop()
        self._receptions: dict[int, Reception] = {}
        self.arrived = self._loop.time()

    def attach(self) -> None:
        """Tap every transceiver, transport and SCTP association that exists by now. Do it before ICE starts."""
        for transceiver in self._pc.getTransceivers():
            self._once(transceiver.sender, self._tap_sender)
            self._once(transceiver.receiver, self._tap_receiver)
            self._once(transceiver.receiver.transport, self._tap_dtls)
        if self._pc.sctp is not None:
            self._once(self._pc.sctp, self._tap_sctp)
            self._once(self._pc.sctp.transport, self._tap_dtls)

    @property
    def consent_expired(self) -> bool:
        """Whether a connection was given up because the other end no longer answers (:rfc:`7675` section 5.1)."""
        return any(dtls.transport._connection._closing for dtls in self._dtls if dtls.transport.state == "completed")

    @property
    def unacknowledged(self) -> bool:
        """Whether the SCTP association still holds data: not sent yet, or not acknowledged."""
        sctp: Any = self._pc.sctp
        return sctp is not None and bool(sctp._sent_queue or sctp._outbound_queue or sctp._data_channel_queue)

    def answer_opus(self, transceiver: RTCRtpTransceiver, payload_type: int) -> None:
        """Answer this transceiver's section with Opus alone, under the number it was offered with.

        aiortc keeps the numbers 96 to 127 only, and answers 96 for Opus under any other; 35 to 63 are as dynamic (:rfc:`5761` section 4).
        """
        part: Any = transceiver
        part._codecs = [codec for codec in part._codecs if _is_opus(codec)][:1]
        for codec in part._codecs:
            codec.payloadType = payload_type

    def await_handshake(self) -> None:
        """Answer ``a=setup:passive``: the other end begins the DTLS handshake, where its offer left that open."""
        parts = [one.receiver.transport for one in self._pc.getTransceivers()]
        for dtls in [*parts, *([self._pc.sctp.transport] if self._pc.sctp is not None else [])]:
            if dtls._role == "auto":
                dtls._set_role("server")

    async def abandon(self) -> None:
        """Close what a close of the connection left behind: sockets, and tasks that wait on them. Never raises, never waits long."""
        if self._wire is not None:
            self._wire.close()
        tasks = [task for task in asyncio.all_tasks() if self._owns(task)]
        for task in tasks:
            task.cancel()
        for dtls in self._dtls:
            for protocol in dtls.transport._connection._protocols:
                getattr(protocol.transport, "abort", protocol.transport.close)()
        if tasks:
            await asyncio.wait(tasks, timeout=1)
        self._tapped.clear()

    def _owns(self, task: asyncio.Task[Any]) -> bool:
        """Whether the task runs a method of this connection or its parts: aiortc names none, and starts some while it is being closed."""
        frame = getattr(task.get_coro(), "cr_frame", None)
        owner = frame.f_locals.get("self") if frame is not None else None
        parts = [self, self._pc, self._pc.sctp, *self._pc.getSenders(), *self._pc.getReceivers(), *self._dtls]
        for dtls in self._dtls:
            parts += [dtls.transport, dtls.transport._connection]
        return owner is not None and any(owner is part for part in parts)

    def _once(self, part: Any, tap: Callable[[Any], None]) -> None:
        if part not in self._tapped:
            self._tapped.add(part)
            tap(part)

    # DTLS, SRTP, ICE

    def _tap_dtls(self, dtls: Any) -> None:
        self._dtls.append(dtls)
        callbacks = self._callbacks
        connection = dtls.transport._connection
        validate, change = dtls._validate_peer_identity, dtls._set_state
        send, handle_rtcp = dtls._send_rtp, dtls._handle_rtcp_data
        gather = connection.get_component_candidates

        def validate_and_tell(remote: Any) -> None:
            callbacks.secured(handshake_of(dtls, remote))
            validate(remote)

        def set_state(state: State) -> None:
            # Told before the stack draws its conclusions, so that a cause is recorded before its effect.
            if state is not dtls._state:
                callbacks.dtls_state(state.name.lower())
            change(state)

        async def send_rtcp(data: bytes) -> None:
            if not self._misbehavior.rtcp:
                return
            await send(data)
            callbacks.rtcp("sent", data)

        async def handle_rtcp_and_tell(data: bytes) -> None:
            if self._guard.takes_report(self._loop.time()):
                callbacks.rtcp("received", data)
                await self._guard.survive(handle_rtcp(data))

        async def handle_rtp(data: bytes, arrival_time_ms: int) -> None:
            self._received(dtls, data)

        async def gather_and_tap(component: int, addresses: list[str], timeout: int = 5) -> Any:
            where = [LOOPBACK] if self._loopback else addresses
            candidates = await gather(component=component, addresses=where, timeout=timeout)
            for protocol in connection._protocols:
                self._once(protocol, lambda tapped: self._tap_socket(tapped, connection, dtls))
            return candidates

        dtls._validate_peer_identity = validate_and_tell
        dtls._send_rtp = send_rtcp
        dtls._handle_rtcp_data = handle_rtcp_and_tell
        dtls._handle_rtp_data = handle_rtp
        connection.get_component_candidates = gather_and_tap
        be_patient(connection)
        dtls._set_state = set_state

    def _tap_socket(self, protocol: Any, connection: Any, dtls: Any) -> None:
        """Set up the way of a received datagram: through these, first to last, then to aioice, which takes STUN and the rest."""
        install(
            protocol,
            emulated(self._wire, protocol),
            guarded(connection),
            media_first(connection, dtls, partial(self._received, dtls), self._note_arrival),
        )
        # asyncio reads into 256 KiB, for which the allocator goes to the kernel every time: 13 of 17 us of a datagram's way.
        if hasattr(protocol.transport, "max_size"):
            protocol.transport.max_size = _LARGEST_DATAGRAM

    def _note_arrival(self) -> None:
        self.arrived = self._loop.time()

    def _tap_sctp(self, sctp: Any) -> None:
        tap_association(sctp, self._callbacks, self._misbehavior, self._limits, self._released)

    # RTP

    def _received(self, dtls: Any, data: bytes) -> None:
        now = self._loop.time()
        packet = rtp.unpack(data, now)
        if packet is None or not self._guard.takes(packet.ssrc, now):
            return
        reception = self._receptions.get(packet.ssrc) or self._new_stream(dtls, packet)
        if reception is not None:
            reception.add(packet.sequence, packet.timestamp, now)
        if self._callbacks.packet is not None:
            self._callbacks.packet(packet)

    def _new_stream(self, dtls: Any, packet: RtpPacket) -> Reception | None:
        """Let aiortc's router and receiver reports know of a new SSRC, once somebody receives its payload type."""
        receiver = dtls._rtp_router.route_rtp(packet)
        if receiver is None:
            return None
        reception = self._receptions[packet.ssrc] = Reception(rtp.OPUS_RATE, packet.sequence)
        receiver._RTCRtpReceiver__remote_streams[packet.ssrc] = reception
        return reception

    def _tap_receiver(self, receiver: Any) -> None:
        """Receive without a decoder: no thread, no jitter buffer; receiver reports as ever."""

        async def receive(parameters: Any) -> None:
            if not receiver._RTCRtpReceiver__started:
                receiver.transport._register_rtp_receiver(receiver, parameters)
                receiver._RTCRtpReceiver__rtcp_task = asyncio.ensure_future(receiver._run_rtcp())
                receiver._RTCRtpReceiver__started = True

        receiver.receive = receive

    def _tap_sender(self, sender: Any) -> None:
        """Send ready Opus packets: a header, SRTP, the socket; sender reports as ever."""
        send = sender.send
        extension = b""

        async def send_opus(parameters: Any) -> None:
            nonlocal extension
            ids = (found.id for found in parameters.headerExtensions if found.uri == rtp.MID_EXTENSION)
            extension = rtp.mid_extension(next(ids, None), parameters.muxId)
            # The track gives Opus, so Opus is what is sent, wherever the other end put it in its list.
            parameters.codecs = sorted(parameters.codecs, key=lambda codec: not _is_opus(codec))
            await send(parameters)

        async def run_rtp(codec: Any) -> None:
            sender._RTCRtpSender__rtp_started.set()
            try:
                await self._send(sender, codec.payloadType, extension)
            except (asyncio.CancelledError, ConnectionError, MediaStreamError):
                pass
            except Exception:
                logger.exception("the outgoing audio stopped")
            finally:
                sender.track.stop()
                # Without this event the sender's stop() would wait for ever.
                sender._RTCRtpSender__rtp_exited.set()

        sender.send = send_opus
        sender._run_rtp = run_rtp

    async def _send(self, sender: Any, payload_type: int, extension: bytes) -> None:
        if isinstance(sender.track, RelayedAudio):
            sender.track.attach(PacketSender(sender, extension, self._callbacks.packet).send)
            await asyncio.Event().wait()  # until this is cancelled: whoever receives a packet sends it
        dtls = sender.transport
        nominated = dtls.transport._connection._nominated
        protect = dtls._tx_srtp.protect
        recv, clock, tell, ssrc = sender.track.recv, self._loop.time, self._callbacks.packet, sender._ssrc
        rewrite = self._misbehavior.packets
        # The lower half, so that a loss at the start cannot be taken for a wrap (RFC 3711 section 3.3.1).
        sequence = random.getrandbits(15)
        origin = random.getrandbits(32)
        wall = time.time() - clock() + NTP_EPOCH
        octets = count = previous = 0
        base: Any = None
        while True:
            media = await recv()
            if not sender._enabled:
                continue
            if base is None:
                base = media.time_base
                multiplier, divisor = rtp.OPUS_RATE * base.numerator, base.denominator
            payload = bytes(media)
            elapsed = media.pts * multiplier // divisor
            timestamp = origin + elapsed & 0xFFFFFFFF
            marker = count > 0 and elapsed - previous > rtp.LONGEST_OPUS_PACKET
            pair = nominated.get(1)
            if pair is None or dtls._state is not State.CONNECTED:
                raise ConnectionError("the transport is closed")
            now = clock()
            packet = RtpPacket("sent", ssrc, payload_type, sequence, timestamp, marker, payload, now)
            for one in (packet,) if rewrite is None else rewrite(packet):
                clear = rtp.pack(
                    one.payload_type, one.marker, one.sequence, one.timestamp, one.ssrc, extension, one.payload
                )
                pair.protocol.transport.sendto(protect(clear), pair.remote_addr)
                if tell is not None:
                    tell(one)
            sequence = sequence + 1 & 0xFFFF
            previous = elapsed
            octets += len(payload)
            count += 1
            sender._RTCRtpSender__ntp_timestamp = int((wall + now) * 4294967296)
            sender._RTCRtpSender__rtp_timestamp = timestamp
            sender._RTCRtpSender__octet_count = octets
            sender._RTCRtpSender__packet_count = count


def _is_opus(codec: Any) -> bool:
    return bool(codec.mimeType.lower() == "audio/opus")
