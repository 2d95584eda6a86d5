"""Packet captures of the decrypted RTP of a call, with its times, for tshark and Wireshark (written, not read).

The classic format (https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-05.html) with raw IPv4 packets. Addresses are from the block
for documentation (:rfc:`5737`): the client is 192.0.2.1, the service 192.0.2.2; both ports are 5004, which tshark takes for RTP.
A trace keeps the headers of packets and their sizes; the payloads are in the audio files beside it. Where such a file is not there, a
payload is its first byte, which tells the length of the packet, and zeros.
"""

from __future__ import annotations

import heapq
import struct
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from harness.formats.base import began
from harness.trace import Entry, Trace

_FILE = struct.Struct("<IHHiIII")
_RECORD = struct.Struct("<IIII")
_IP = struct.Struct("!BBHHHBBH4s4s")
_UDP = struct.Struct("!HHHH")
_RTP = struct.Struct("!BBHII")
_MAGIC, _RAW_IPV4 = 0xA1B2C3D4, 228
_PORT = 5004
_ADDRESS = {"client": bytes((192, 0, 2, 1)), "service": bytes((192, 0, 2, 2))}
_AHEAD = 1000  # packets of silence that may fill a gap of the file: 20 s


def write(trace: Trace, payloads: Mapping[str, Iterable[bytes]] | None = None) -> bytes:
    """The capture of a trace. ``payloads``: for each direction ("sent", "received") the packets of its audio file, in order."""
    start = max(began(trace), 0.0)
    streams = []
    for direction in ("sent", "received"):
        entries = [entry for entry in trace.of("rtp.packets") if entry.data.get("direction") == direction]
        stored = _Payloads((payloads or {}).get(direction, ()))
        sender = trace.sender(entries[0]) if entries else "client"
        streams.append(sorted(_frames(entries, stored, sender), key=lambda frame: frame[0]))
    out = [_FILE.pack(_MAGIC, 2, 4, 0, 0, 65535, _RAW_IPV4)]
    for t, frame in heapq.merge(*streams, key=lambda frame: frame[0]):
        micros = max(round((start + t) * 1_000_000), 0)
        out.append(_RECORD.pack(micros // 1_000_000 & 0xFFFFFFFF, micros % 1_000_000, len(frame), len(frame)) + frame)
    return b"".join(out)


def _frames(entries: Iterable[Entry], stored: _Payloads, sender: str) -> Iterator[tuple[float, bytes]]:
    for entry in entries:
        first, ssrc = _number(entry.data.get("first"), entry.t), int(_number(entry.data.get("ssrc"), 0)) & 0xFFFFFFFF
        kind = int(_number(entry.data.get("payload_type"), 0)) & 0x7F
        for dt_ms, sequence, timestamp, size, marker, toc in entry.data.get("packets", ()):
            payload = stored.next(int(size), int(toc))
            rtp = _RTP.pack(0x80, bool(marker) << 7 | kind, int(sequence) & 0xFFFF, int(timestamp) & 0xFFFFFFFF, ssrc)
            yield first + dt_ms / 1000, _datagram(rtp + payload, sender)


class _Payloads:
    """The packets of an audio file, found by length and first byte: the file has silence where packets were lost."""

    def __init__(self, packets: Iterable[bytes]) -> None:
        self._packets = list(packets)
        self._at = 0

    def next(self, size: int, toc: int) -> bytes:
        for at in range(self._at, min(self._at + _AHEAD, len(self._packets))):
            packet = self._packets[at]
            if len(packet) == size and (not packet or packet[0] == toc):
                self._at = at + 1
                return packet
        return (bytes((toc,)) + bytes(max(size - 1, 0))) if 0 <= toc < 256 and size > 0 else b""


def _datagram(payload: bytes, sender: str) -> bytes:
    source, target = (_ADDRESS[one] for one in (("client", "service") if sender == "client" else ("service", "client")))
    udp = _UDP.pack(_PORT, _PORT, _UDP.size + len(payload), 0) + payload  # no checksum: RFC 768 allows that over IPv4
    head = (0x45, 0, _IP.size + len(udp), 0, 0, 64, 17)
    return _IP.pack(*head, _checksum(_IP.pack(*head, 0, source, target)), source, target) + udp


def _checksum(header: bytes) -> int:
    """The checksum of an IPv4 header (:rfc:`1071`)."""
    total: int = sum(struct.unpack(f"!{len(header) // 2}H", header))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def _number(value: Any, otherwise: float) -> float:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else otherwise
