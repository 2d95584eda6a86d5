"""Audio that came in on another connection, sent on packet by packet as it comes: nothing is decoded, nothing waits."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from typing import Any

import pylibsrtp
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack
from aiortc.rtcdtlstransport import State

from harness.protocol import rtp
from harness.protocol.rtp import RtpPacket

NTP_EPOCH = 2208988800  # seconds from 1900 to 1970, RFC 5905 section 6


class RelayedAudio(MediaStreamTrack):
    """The track of a connection that hands on what another one receives: whoever receives a packet calls :meth:`send`."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._send: Callable[[RtpPacket], float | None] | None = None

    async def recv(self) -> Any:
        """Nothing is ever fetched from this track."""
        raise MediaStreamError

    def send(self, packet: RtpPacket) -> float | None:
        """Send a packet's payload, marker, payload type, sequence number and timestamp as they are, at once; returns when, on the loop's clock.

        None where nothing can be sent: the connection is not there yet, or no longer, or its other end takes no audio.
        """
        return self._send(packet) if self._send is not None and self.readyState == "live" else None

    def attach(self, send: Callable[[RtpPacket], float | None]) -> None:
        """The connection stands: ``send`` sends a packet over it."""
        self._send = send


class PacketSender:
    """Sends packets in the name of an ``RTCRtpSender``: the first stream under its SSRC, each further one under a new one.

    ``extension`` is the header extension block of every packet, ``tell`` is told what has left.
    """

    def __init__(self, sender: Any, extension: bytes, tell: Callable[[RtpPacket], None] | None) -> None:
        self._sender = sender
        self._extension = extension
        self._tell = tell
        self._clock = asyncio.get_running_loop().time
        self._wall = time.time() - self._clock() + NTP_EPOCH
        self._ssrcs: dict[int, int] = {}
        self._octets = self._count = 0

    def send(self, packet: RtpPacket) -> float | None:
        """Send a packet that was received elsewhere; returns when, or None where the transport is closed, or does not take it."""
        sender, dtls = self._sender, self._sender.transport
        pair = dtls.transport._connection._nominated.get(1)
        if pair is None or dtls._state is not State.CONNECTED or not sender._enabled:
            return None
        ssrc = self._ssrcs.get(packet.ssrc)
        if ssrc is None:
            ssrc = self._ssrcs[packet.ssrc] = random.getrandbits(32) if self._ssrcs else sender._ssrc
        clear = rtp.pack(
            packet.payload_type, packet.marker, packet.sequence, packet.timestamp, ssrc, self._extension, packet.payload
        )
        try:
            data = dtls._tx_srtp.protect(clear)
        except pylibsrtp.Error:
            return None  # farther back than SRTP's replay window (RFC 3711 section 3.3.2)
        pair.protocol.transport.sendto(data, pair.remote_addr)
        now = self._clock()
        if ssrc == sender._ssrc:
            self._report(packet, now)
        if self._tell is not None:
            self._tell(
                RtpPacket(
                    "sent",
                    ssrc,
                    packet.payload_type,
                    packet.sequence,
                    packet.timestamp,
                    packet.marker,
                    packet.payload,
                    now,
                )
            )
        return now

    def _report(self, packet: RtpPacket, now: float) -> None:
        """What the next sender report says (:rfc:`3550` section 6.4.1)."""
        sender = self._sender
        self._octets += len(packet.payload)
        self._count += 1
        sender._RTCRtpSender__ntp_timestamp = int((self._wall + now) * 4294967296)
        sender._RTCRtpSender__rtp_timestamp = packet.timestamp
        sender._RTCRtpSender__octet_count = self._octets
        sender._RTCRtpSender__packet_count = self._count
