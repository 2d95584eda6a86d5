"""Ogg Opus files from packets that are already encoded (RFC 3533, RFC 7845): pages, checksums, gaps filled with silence. Pure."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Iterator

SECOND = 48000  # RFC 7845 section 4: granule positions count samples at 48 kHz, whatever is in the packets

# A CELT frame, full band, whose silence flag is set (RFC 6716 section 4.3): what libopus makes of digital silence.
_SILENCES = {samples: bytes([toc, 0xFF, 0xFE]) for samples, toc in ((960, 0xF8), (480, 0xF0), (240, 0xE8), (120, 0xE0))}

_PAGE = struct.Struct("<4sBBqIIIB")
_FIRST, _LAST = 0x02, 0x04
_SERIAL = 0x52544831
_MIRRORED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def fill_gaps(packets: Iterable[tuple[int, int, bytes]]) -> Iterator[tuple[int, bytes]]:
    """(samples, payload) of an unbroken stream, from (timestamp, samples, payload) in any order; timestamps count 48 kHz samples.

    Where a timestamp is ahead of the stream, packets of silence fill the gap, so that every player keeps the time (RFC 7845 section
    4.1 on repairing gaps), to the 2.5 ms that the shortest packet lasts. What is there already is left out.
    """
    position: int | None = None
    for timestamp, samples, payload in sorted(packets, key=lambda packet: packet[0]):
        if position is None:
            position = timestamp
        if timestamp + samples // 2 < position:
            continue
        for length, silence in _SILENCES.items():
            count = max(0, timestamp - position) // length
            for _ in range(count):
                yield length, silence
            position += count * length
        yield samples, payload
        position += samples


def file(packets: Iterable[tuple[int, bytes]], *, channels: int = 1, vendor: str = "") -> bytes:
    """The whole file of packets (samples at 48 kHz, payload), pages of about one second. No pre-skip: the stream starts as it is."""
    head = b"OpusHead" + struct.pack("<BBHIhB", 1, channels, 0, SECOND, 0, 0)
    name = vendor.encode()
    tags = b"OpusTags" + struct.pack("<I", len(name)) + name + struct.pack("<I", 0)
    pages = [_page([head], 0, 0, _FIRST), _page([tags], 0, 1, 0)]
    held: list[bytes] = []
    segments = granule = page_start = 0
    for samples, payload in packets:
        needed = len(payload) // 255 + 1
        if held and (segments + needed > 255 or granule - page_start >= SECOND):
            pages.append(_page(held, granule, len(pages), 0))
            held, segments, page_start = [], 0, granule
        held.append(payload)
        segments += needed
        granule += samples
    pages.append(_page(held, granule, len(pages), _LAST))
    return b"".join(pages)


def _page(packets: list[bytes], granule: int, number: int, flags: int) -> bytes:
    lacing = b"".join(b"\xff" * (len(packet) // 255) + bytes([len(packet) % 255]) for packet in packets)
    body = lacing + b"".join(packets)
    header = (b"OggS", 0, flags, granule, _SERIAL, number)
    checksum = _crc(_PAGE.pack(*header, 0, len(lacing)) + body)
    return _PAGE.pack(*header, checksum, len(lacing)) + body


def _crc(data: bytes) -> int:
    """CRC-32 of RFC 3533 section 6: polynomial 0x04c11db7, no reflection, register starting at 0, nothing inverted.

    zlib's is the same one mirrored and inverted, so that bits are mirrored on the way in and out.
    """
    mirrored = zlib.crc32(data.translate(_MIRRORED), 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{mirrored:032b}"[::-1], 2)
