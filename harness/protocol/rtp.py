"""RTP and RTCP as octets: packet headers written and read, reception counted. Pure; no clock, no sockets, no keys."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Final, Literal

Direction = Literal["sent", "received"]

OPUS_RATE: Final = 48000
"""The RTP clock of Opus in Hz, whatever it was coded at (:rfc:`7587` section 4.1)."""

LONGEST_OPUS_PACKET: Final = 5760
"""120 ms at 48 kHz, the longest packet of :rfc:`7587` section 4.2; a larger step of the timestamp is a pause."""

MID_EXTENSION: Final = "urn:ietf:params:rtp-hdrext:sdes:mid"

_HEADER = struct.Struct("!BBHII")
_MARKER = 0x80
_VERSION_2 = 0x80
_PADDING = 0x20
_EXTENSION = 0x10
_ONE_BYTE_PROFILE = 0xBEDE


@dataclass(frozen=True, slots=True)
class RtpPacket:
    """One RTP packet (:rfc:`3550` section 5.1) in the clear, still encoded, as it was sent or after SRTP let it pass.

    ``timestamp`` is the 32-bit RTP timestamp (48 kHz for Opus), ``payload`` the codec's octets without header extensions and
    padding, ``t`` seconds of the event loop's clock when it was sent or received.
    """

    direction: Direction
    ssrc: int
    payload_type: int
    sequence: int
    timestamp: int
    marker: bool
    payload: bytes
    t: float


def mid_extension(id: int | None, mid: str) -> bytes:
    """The header extension block that names the media section (:rfc:`9143` section 15.1), or nothing where it was not negotiated.

    One-byte form (:rfc:`8285` section 4.2); a ``mid`` or an ``id`` that does not fit it is left out: the SSRC tells as much.
    """
    octets = mid.encode()
    if id is None or not 1 <= id <= 14 or not 1 <= len(octets) <= 16:
        return b""
    body = bytes([id << 4 | len(octets) - 1]) + octets
    body += bytes(-len(body) % 4)
    return struct.pack("!HH", _ONE_BYTE_PROFILE, len(body) // 4) + body


def pack(
    payload_type: int, marker: bool, sequence: int, timestamp: int, ssrc: int, extension: bytes, payload: bytes
) -> bytes:
    """An RTP packet: version 2, no padding, no CSRC; ``extension`` is a whole header extension block or empty."""
    first = _VERSION_2 | _EXTENSION if extension else _VERSION_2
    second = payload_type | _MARKER if marker else payload_type
    return _HEADER.pack(first, second, sequence, timestamp, ssrc) + extension + payload


def unpack(data: bytes, t: float) -> RtpPacket | None:
    """The received packet in ``data``, or None where its lengths contradict each other or it is not RTP version 2."""
    size = len(data)
    if size < 12:
        return None
    first, second, sequence, timestamp, ssrc = _HEADER.unpack_from(data)
    start, end = 12, size
    if first != _VERSION_2:
        if first & 0xC0 != _VERSION_2:
            return None
        start += (first & 0x0F) * 4
        if first & _EXTENSION:
            if start + 4 > size:
                return None
            start += 4 + int.from_bytes(data[start + 2 : start + 4], "big") * 4
        if first & _PADDING:
            # The last octet counts the padding, itself included (RFC 3550 section 5.1).
            end -= data[-1] or size
        if start > end:
            return None
    return RtpPacket("received", ssrc, second & 0x7F, sequence, timestamp, second >= _MARKER, data[start:end], t)


_RTCP_TYPES: Final = {200: "SR", 201: "RR", 202: "SDES", 203: "BYE", 204: "APP", 205: "RTPFB", 206: "PSFB", 207: "XR"}


def rtcp_types(data: bytes) -> tuple[list[str], int | None]:
    """What a compound RTCP packet holds, in order (:rfc:`3550` section 6.1), and the SSRC its first part speaks for.

    A part of an unknown type is given by its number. Octets that are no RTCP end the list.
    """
    types: list[str] = []
    start = 0
    while start + 4 <= len(data) and data[start] & 0xC0 == _VERSION_2:
        types.append(_RTCP_TYPES.get(data[start + 1], str(data[start + 1])))
        start += 4 + int.from_bytes(data[start + 2 : start + 4], "big") * 4
    return types, int.from_bytes(data[4:8], "big") if types and len(data) >= 8 else None


def reception_reports(data: bytes) -> list[dict[str, int | float]]:
    """What the sender of a compound RTCP packet says of the streams it receives (report blocks, :rfc:`3550` section 6.4).

    For each: ``ssrc``; ``lost``, packets so far; ``lost_percent``, of those since its last report; ``jitter_ms``, at Opus's clock rate.
    """
    found: list[dict[str, int | float]] = []
    start = 0
    while start + 4 <= len(data) and data[start] & 0xC0 == _VERSION_2:
        end = start + 4 + int.from_bytes(data[start + 2 : start + 4], "big") * 4
        first = {200: start + 28, 201: start + 8}.get(data[start + 1])
        for number in range(data[start] & 0x1F if first else 0):
            block = data[(at := (first or 0) + 24 * number) : at + 24]
            if len(block) == 24 and at + 24 <= end:
                found.append(
                    {
                        "ssrc": int.from_bytes(block[:4], "big"),
                        "lost": int.from_bytes(block[5:8], "big", signed=True),
                        "lost_percent": round(block[4] / 2.56, 1),
                        "jitter_ms": round(int.from_bytes(block[12:16], "big") / OPUS_RATE * 1000, 1),
                    }
                )
        start = end
    return found


class Reception:
    """What a receiver report says of one incoming stream (:rfc:`3550` sections 6.4.1 and A.3, A.8).

    ``max_seq``, ``packets_lost``, ``fraction_lost`` and ``jitter`` are the fields of the report; asking for ``fraction_lost``
    begins its next interval.
    """

    __slots__ = (
        "_cycles", "_expected_before", "_first", "_highest", "_jitter_q4", "_rate", "_received_before", "_transit",
        "packets_received",
    )  # fmt: skip

    def __init__(self, clock_rate: int, first: int) -> None:
        self.packets_received = 0
        self._rate = clock_rate
        self._first = first
        self._highest = (first - 1) & 0xFFFF
        self._cycles = 0 if first else -0x10000
        self._jitter_q4 = 0
        self._transit: int | None = None
        self._expected_before = 0
        self._received_before = 0

    def add(self, sequence: int, timestamp: int, t: float) -> None:
        """Count one packet that arrived at ``t`` seconds."""
        self.packets_received += 1
        ahead = (sequence - self._highest) & 0xFFFF
        if not 0 < ahead < 0x8000:
            return  # late or repeated
        if sequence < self._highest:
            self._cycles += 0x10000
        self._highest = sequence
        transit = int(t * self._rate) - timestamp
        if self._transit is not None:
            # The difference is taken modulo 2^32, as the timestamp is.
            difference = (transit - self._transit + 0x80000000 & 0xFFFFFFFF) - 0x80000000
            self._jitter_q4 += abs(difference) - (self._jitter_q4 + 8 >> 4)
        self._transit = transit

    @property
    def max_seq(self) -> int:
        """The extended highest sequence number: that of the packet, and the number of its wraps in the upper 16 bits."""
        return self._cycles + self._highest

    @property
    def jitter(self) -> int:
        """Interarrival jitter in units of the clock rate."""
        return self._jitter_q4 >> 4

    @property
    def packets_expected(self) -> int:
        """Packets between the first and the highest sequence number."""
        return self.max_seq - self._first + 1

    @property
    def packets_lost(self) -> int:
        """Packets expected less received, clamped to the 24 signed bits of the report."""
        return max(-0x800000, min(self.packets_expected - self.packets_received, 0x7FFFFF))

    @property
    def fraction_lost(self) -> int:
        """Share of the packets of this interval that was lost, in 256ths; begins the next interval."""
        expected = self.packets_expected - self._expected_before
        lost = expected - (self.packets_received - self._received_before)
        self._expected_before, self._received_before = self.packets_expected, self.packets_received
        return min(255, (lost << 8) // expected) if expected > 0 and lost > 0 else 0
