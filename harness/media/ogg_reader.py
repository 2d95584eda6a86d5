"""Ogg Opus files back to their packets (RFC 3533, RFC 7845). Pure; damaged and hostile files end the list or are refused."""

from __future__ import annotations

import struct
from collections.abc import Iterator

_PAGE = struct.Struct("<4sBBqIIIB")
_CONTINUED = 0x01


def packets(data: bytes) -> Iterator[bytes]:
    """The audio packets of the first stream in the file, in order, without the two headers.

    A packet that the file breaks off in is left out. Raises ValueError where it is no Ogg Opus file.
    """
    found = _packets(data)
    if not next(found, b"").startswith(b"OpusHead"):
        raise ValueError("not an Ogg Opus file")
    if not next(found, b"").startswith(b"OpusTags"):
        raise ValueError("an Ogg Opus file without its second header")
    return found


def _packets(data: bytes) -> Iterator[bytes]:
    at, held, serial = 0, b"", None
    while at + _PAGE.size <= len(data):
        mark, _, flags, _, stream, _, _, segments = _PAGE.unpack_from(data, at)
        lacing = data[at + _PAGE.size : at + _PAGE.size + segments]
        if mark != b"OggS" or len(lacing) < segments:
            return
        at += _PAGE.size + segments
        end = at + sum(lacing)
        serial = stream if serial is None else serial
        if stream != serial:
            at = end
            continue
        if not flags & _CONTINUED:
            held = b""
        for length in lacing:
            held += data[at : at + length]
            at += length
            if at > len(data):
                return
            if length < 255:
                yield held
                held = b""
