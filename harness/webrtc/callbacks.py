"""What the hooks of a connection tell, and to whom."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from harness.protocol.rtp import Direction, RtpPacket
from harness.webrtc.handshake import Handshake


@dataclass(frozen=True)
class Callbacks:
    """Who is told what. Each is called on the event loop, synchronously, and must not raise."""

    packet: Callable[[RtpPacket], None] | None
    rtcp: Callable[[Direction, bytes], None]
    dcep: Callable[[Direction, int, bytes], None]
    early: Callable[[str], None]
    dtls_state: Callable[[str], None]
    secured: Callable[[Handshake], None]
    ignored: Callable[[str], None]
    overrun: Callable[[str], None]
