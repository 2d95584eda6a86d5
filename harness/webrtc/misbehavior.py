"""What one end of a call does otherwise than its WebRTC stack would: misconduct on purpose, as a row of values."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from harness.protocol.rtp import RtpPacket


@dataclass(frozen=True)
class Misbehavior:
    """What this end does otherwise than the stack would, on purpose. Nothing, unless told.

    ``packets``: what leaves instead of an RTP packet; ``rtcp``: whether RTCP is sent; ``acknowledges``: whether DCEP OPEN is
    answered by ACK; ``ack_stream``: the stream it goes to, where not the one that was opened; ``early``: gives a text that is sent
    on a channel's stream just before DCEP OPEN; ``heeds_message_size``: whether the other end's max-message-size is kept to.
    """

    packets: Callable[[RtpPacket], Iterable[RtpPacket]] | None = None
    rtcp: bool = True
    acknowledges: bool = True
    ack_stream: int | None = None
    early: Callable[[], str] | None = None
    heeds_message_size: bool = True
