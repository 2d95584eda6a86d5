"""Rewrites of single RTP packets, by their number in the call, from which the faults of both ends are put together.

Sequence numbers and timestamps begin anywhere and wrap (RFC 3550 section 5.1): what is done to them is added to them, modulo their
size, so that a fault looks alike in every call.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

from harness.faults.registry import PacketRewrite
from harness.protocol.rtp import RtpPacket

Packets = tuple[RtpPacket, ...]


def each(change: Callable[[RtpPacket, int], Iterable[RtpPacket]]) -> Callable[[], PacketRewrite]:
    """What ``change`` makes of each packet and its number, counted from 1 in each call."""

    def make() -> PacketRewrite:
        count = 0

        def rewrite(packet: RtpPacket) -> Iterable[RtpPacket]:
            nonlocal count
            count += 1
            return change(packet, count)

        return rewrite

    return make


def one(packet: RtpPacket, **fields: int | bytes) -> Packets:
    """The packet with other fields."""
    return (replace(packet, **fields),)  # type: ignore[arg-type]


def moved(packet: RtpPacket, numbers: int) -> Packets:
    """The packet with so many sequence numbers more, or less."""
    return one(packet, sequence=packet.sequence + numbers & 0xFFFF)


def shifted(packet: RtpPacket, samples: int) -> Packets:
    """The packet with so many samples more on its timestamp, or less."""
    return one(packet, timestamp=packet.timestamp + samples & 0xFFFFFFFF)
