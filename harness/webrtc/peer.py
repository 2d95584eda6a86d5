"""One end of a call: a WebRTC peer connection that records what it does and hands every RTP packet on, still encoded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from aiortc import (
    MediaStreamTrack,
    RTCConfiguration,
    RTCDataChannel,
    RTCIceServer,
    RTCPeerConnection,
    RTCSessionDescription,
)
from aiortc.sdp import SessionDescription

from harness.netem.emulator import Conditions, Emulator
from harness.netem.link import Wire
from harness.protocol import negotiation, rtp
from harness.protocol.rtp import Direction, RtpPacket
from harness.trace import Recorder
from harness.webrtc.association import acknowledge, as_it_came, send_at_once
from harness.webrtc.guard import Limits
from harness.webrtc.hooks import Callbacks, Handshake, Hooks, InvalidText, Misbehavior
from harness.webrtc.relay import RelayedAudio

__all__ = [
    "InvalidText",
    "Limits",
    "Misbehavior",
    "Peer",
    "RejectedDescription",
    "RelayedAudio",
    "RtpPacket",
    "acceptable",
    "as_it_came",
    "send_at_once",
]

_DCEP_MESSAGES = {0x03: "open", 0x02: "ack"}  # RFC 8832 section 8.2.1
_DIGESTS = ("sha-256", "sha-384", "sha-512")
_PATIENCE = 5.0


class RejectedDescription(ValueError):
    """The stack cannot take this offer or answer; ``reason`` says why, in one line."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Peer:
    """One end of a call: audio both ways on one media section, data channels on another, bundled.

    Args:
        recorder: gets ``connection.*``, ``channel.dcep`` and ``rtp.rtcp`` entries; other planes are the caller's.
        loopback: gather 127.0.0.1 and nothing else, and contact no server: for two ends in one process or on one machine.
        ice_servers: mappings of the W3C's RTCIceServer, ``{"urls": ..., "username": ..., "credential": ...}``; none means none,
            also not aiortc's default STUN server. aiortc uses the first STUN and the first TURN server.
        track: gives ready Opus packets (:class:`av.Packet`) on its own clock; it is stopped with the peer.
        on_packet: gets every RTP packet, sent and received, in order, on the event loop; it must not raise.
        misbehavior: what this end does wrongly, on purpose.
        limits: what is taken from the other end before the call is lost.
        channels: there will be data channels, though none may exist yet as the offer is made; their section then stands first in it.
        holds_ack: the DCEP ACK of a channel that the other end opens is not sent before :meth:`acknowledge`.
        network: what the datagrams of this end meet on their way, in both directions; recorded as ``connection.disturbed``.

    No audio is decoded here and no thread is started.

    How soon :attr:`lost` is set after the other end has gone:

    - it closed its connection: at once (DTLS close_notify, SCTP abort), one network delay;
    - it was killed, or the network is gone: when consent to send expires (:rfc:`7675` section 5.1: 30 s). aioice asks every 4 to
      6 s, waits 0.5 s for each answer, and gives up at the sixth silence in a row: 27 to 39 s (a process killed with SIGKILL on the same machine: 32 s).

    Raises ValueError where an ICE server's URL is malformed.
    """

    def __init__(
        self,
        recorder: Recorder,
        *,
        loopback: bool,
        ice_servers: Sequence[Mapping[str, Any]] = (),
        track: MediaStreamTrack,
        on_packet: Callable[[RtpPacket], None] | None = None,
        misbehavior: Misbehavior | None = None,
        network: Emulator | None = None,
        limits: Limits | None = None,
        channels: bool = False,
        holds_ack: bool = False,
    ) -> None:
        self.recorder = recorder
        self.lost = asyncio.Event()
        self.lost_because = ""
        self.on_channel: Callable[[RTCDataChannel], None] | None = None
        self.on_early: Callable[[str], None] | None = None
        servers = [] if loopback else [RTCIceServer(**server) for server in ice_servers]
        self.pc = RTCPeerConnection(RTCConfiguration(iceServers=servers, alwaysNegotiateDataChannels=channels))
        self._track = track
        self._connected = asyncio.Event()
        self._closing: asyncio.Task[None] | None = None
        self._closed_here: set[RTCDataChannel] = set()
        self._states: dict[str, str] = {}
        self._ignored: set[str] = set()
        callbacks = Callbacks(
            on_packet,
            self._on_rtcp,
            self._on_dcep,
            self._on_early,
            self._on_dtls_state,
            self._on_secured,
            self._on_ignored,
            self._on_overrun,
        )
        self._released: set[int] | None = set() if holds_ack else None
        self._wire = None if network is None else Wire(network, partial(recorder.record, "connection.disturbed"))
        self._hooks = Hooks(
            self.pc,
            callbacks,
            loopback=loopback,
            misbehavior=misbehavior,
            wire=self._wire,
            limits=limits,
            released=self._released,
        )
        self.pc.on("signalingstatechange", lambda: self._changed("signaling", self.pc.signalingState))
        self.pc.on("icegatheringstatechange", lambda: self._changed("gathering", self.pc.iceGatheringState))
        self.pc.on("iceconnectionstatechange", lambda: self._changed("ice", self.pc.iceConnectionState))
        self.pc.on("connectionstatechange", lambda: self._changed("state", self.pc.connectionState))
        self.pc.on("datachannel", self._on_datachannel)
        self.pc.addTrack(track)

    def create_channel(self, label: str, **options: Any) -> RTCDataChannel:
        """Create a data channel, ordered and reliable unless told; do it before :meth:`offer`, there is no second one.

        ``options`` are those of :meth:`aiortc.RTCPeerConnection.createDataChannel`.
        """
        channel = self.pc.createDataChannel(label, **options)
        self._watch(channel)
        return channel

    def acknowledge(self, channel: RTCDataChannel) -> None:
        """Send the DCEP ACK of a channel that the other end has opened, once; nothing where none is held back."""
        if self._released is not None and channel.id is not None and channel.id not in self._released:
            self._released.add(channel.id)
            acknowledge(channel)

    async def offer(self) -> str:
        """The SDP to send: all candidates gathered, written as browsers write it."""
        description = await self.pc.createOffer()
        self._hooks.attach()
        await self.pc.setLocalDescription(description)
        return negotiation.as_browser(self.pc.localDescription.sdp)

    async def accept_answer(self, sdp: str) -> None:
        """Set the answer; the connection then proceeds by itself. Raises RejectedDescription."""
        await self._set_remote(sdp, "answer")

    async def answer(self, offer_sdp: str, *, passive: bool = False) -> str:
        """The complete answer to an offer: Opus alone, under the number it was offered with, all candidates gathered.

        Other audio codecs are not answered, since nothing here could play them; other kinds of media are answered as inactive.
        Candidates under ``.local`` names are passed over. ``passive``: leave the DTLS handshake to the other end, where it offers
        to begin it (:rfc:`8842` section 5.3). Raises RejectedDescription.
        """
        await self._set_remote(offer_sdp, "offer")
        if passive:
            self._hooks.await_handshake()
        audio, *others = self.pc.getTransceivers()
        for transceiver in others:
            transceiver.direction = "inactive"
        self._hooks.answer_opus(audio, negotiation.opus_payload_types(offer_sdp)[0])
        self._hooks.attach()
        with _rejecting():
            await self.pc.setLocalDescription(await self.pc.createAnswer())
        return negotiation.matching(self.pc.localDescription.sdp, offer_sdp)

    async def wait_connected(self, timeout: float) -> None:
        """Wait until ICE and DTLS are done. Raises TimeoutError after ``timeout`` seconds, ConnectionError where they failed."""
        async with asyncio.timeout(timeout):
            await self._connected.wait()
        if self.pc.connectionState != "connected":
            raise ConnectionError(", ".join(f"{name} {state}" for name, state in self._states.items()))

    async def close(self) -> None:
        """Tell the other end (SCTP abort, DTLS close_notify), close every socket, end every task. May be called again."""
        if self._closing is None:
            self._closing = asyncio.ensure_future(self._close())
        await asyncio.shield(self._closing)

    @property
    def unacknowledged(self) -> bool:
        """Whether messages on the channels are still to be sent, or acknowledged by the other end."""
        return self._hooks.unacknowledged

    @property
    def arrived(self) -> float:
        """Loop time at which the last datagram of DTLS, and thus of a data channel, came in."""
        return self._hooks.arrived

    def disturb(self, conditions: Conditions, *, seed: int | None = None) -> None:
        """Change the network of this end from now on. Raises RuntimeError where it was made without one."""
        if self._wire is None:
            raise RuntimeError("this end was made without an emulated network")
        self._wire.change(conditions, seed=seed)

    async def abandon(self) -> None:
        """Vanish without a word: no SCTP abort, no DTLS close_notify. What is left is taken down by :meth:`close`."""
        self._track.stop()
        await self._hooks.abandon()

    async def _close(self) -> None:
        try:
            # A stack that hangs must not hang the run.
            await asyncio.wait_for(self.pc.close(), _PATIENCE)
        except (Exception, asyncio.CancelledError) as error:
            self.recorder.record(
                "harness.log", logger=__name__, level="warning", text=f"closing the connection: {error!r}"
            )
        self._track.stop()
        await self._hooks.abandon()
        self._connected.set()

    async def _set_remote(self, sdp: str, kind: str) -> None:
        text = acceptable(sdp)
        with _rejecting():
            await self.pc.setRemoteDescription(RTCSessionDescription(sdp=text, type=kind))

    # What the connection tells

    def _changed(self, what: str, state: str) -> None:
        if self._states.get(what) == state:
            return
        self._states[what] = state
        self.recorder.record(f"connection.{what}", state=state)
        if what == "state" and state in ("connected", "failed", "closed"):
            self._connected.set()
        if what == "state" and state in ("failed", "closed"):
            self._lose(f"the connection is {state}: ICE {self._states.get('ice')}, DTLS {self._states.get('dtls')}")

    def _on_dtls_state(self, state: str) -> None:
        if state == "closed" and self._hooks.consent_expired:
            # W3C WebRTC, RTCIceTransportState: with consent gone ICE has failed, and the connection with it; aiortc closes both at once.
            self._lose("the other end has stopped answering: consent to send has expired")
            self._changed("ice", "failed")
            self._changed("state", "failed")
        self._changed("dtls", state)
        if state == "closed":
            self._lose("the other end closed the connection")
        elif state == "failed":
            self._lose("the DTLS handshake failed")

    def _on_secured(self, handshake: Handshake) -> None:
        self.recorder.record(
            "connection.secured",
            role=handshake.role,
            version=handshake.version,
            srtp_profile=handshake.srtp_profile,
            peer_fingerprint=handshake.fingerprint,
            matches=handshake.matches,
        )

    def _on_ignored(self, text: str) -> None:
        if text not in self._ignored:  # once: it may come a thousand times
            self._ignored.add(text)
            self.recorder.record("harness.note", text=text, about="limits")

    def _on_overrun(self, text: str) -> None:
        self._on_ignored(text)
        self._lose(text)

    def _on_rtcp(self, direction: Direction, data: bytes) -> None:
        types, ssrc = rtp.rtcp_types(data)
        reports = rtp.reception_reports(data)
        self.recorder.record("rtp.rtcp", direction=direction, types=types, ssrc=ssrc, reports=reports)

    def _on_dcep(self, direction: Direction, stream: int, data: bytes) -> None:
        message = _DCEP_MESSAGES.get(data[0], str(data[0])) if data else ""
        opening = {"type": data[1]} if message == "open" and len(data) > 1 else {}
        self.recorder.record("channel.dcep", direction=direction, message=message, ppid=50, stream=stream, **opening)

    def _on_early(self, text: str) -> None:
        if self.on_early is not None:
            self.on_early(text)

    def _on_datachannel(self, channel: RTCDataChannel) -> None:
        self._watch(channel)
        if self.on_channel is not None:
            self.on_channel(channel)

    def _watch(self, channel: RTCDataChannel) -> None:
        close = channel.close

        def close_here() -> None:
            self._closed_here.add(channel)
            close()

        def on_close() -> None:
            if channel not in self._closed_here:
                self._lose(f"the data channel {channel.label!r} was closed by the other end")

        channel.close = close_here  # type: ignore[method-assign]
        channel.on("close", on_close)

    def _lose(self, reason: str) -> None:
        if self._closing is None and not self.lost.is_set():
            self.lost_because = reason
            self.lost.set()


def acceptable(description: str) -> str:
    """An offer or answer as the stack takes it. Raises RejectedDescription for what it would stumble over, on a task where nobody hears it."""
    sdp = negotiation.unbundled(negotiation.resolvable(description))
    try:
        parsed = SessionDescription.parse(sdp)
    except StopIteration:
        raise RejectedDescription("an a=fmtp names a payload type that no a=rtpmap describes") from None
    except Exception as error:
        raise RejectedDescription(f"it cannot be parsed as SDP: {_reason(error)}") from error
    if not parsed.media:
        raise RejectedDescription("it has no media sections: it is not SDP, or was cut off")
    for name in ("audio", "application"):
        if not any(media.kind == name for media in parsed.media):
            raise RejectedDescription(f"it has no m={name} section")
    if not negotiation.opus_payload_types(sdp):
        raise RejectedDescription("its m=audio section has no Opus (opus/48000/2)")
    for media in parsed.media:
        where = f"m={media.kind} section"
        if media.dtls is None:
            raise RejectedDescription(f"its {where} has no a=setup")
        if not any(one.algorithm.lower() in _DIGESTS for one in media.dtls.fingerprints):
            raise RejectedDescription(f"its {where} has no a=fingerprint of a known hash function")
        if media.kind == "application" and media.profile != "DTLS/SCTP" and media.sctp_port is None:
            raise RejectedDescription(f"its {where} has no a=sctp-port")
    return sdp


@contextmanager
def _rejecting() -> Iterator[None]:
    """Whatever the stack trips over in a description is that description's fault; what the system refuses it (OSError) is not."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        raise RejectedDescription(_reason(error)) from error


def _reason(error: Exception) -> str:
    """One line for a person: the stack raises KeyError, AssertionError and others, many without a word."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
