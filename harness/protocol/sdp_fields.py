"""The fields of SDP attributes that have a grammar of their own: codecs, certificate fingerprints, ICE candidates.

Each reader returns a value whatever text it gets; what is malformed stands in its ``problem``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

_NUMBER = re.compile(r"[0-9]{1,20}\Z")
_FOUNDATION = re.compile(r"(?:[A-Za-z0-9+/]{1,32}|\[redacted:\d+:\d+:ice\])\Z")
_HEX_OCTETS = re.compile(r"[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2})*\Z")
_CANDIDATE_TYPES = ("host", "srflx", "prflx", "relay")
_TCP_TYPES = ("active", "passive", "so")
_DIGEST_OCTETS: Mapping[str, int] = MappingProxyType(
    {"sha-1": 20, "sha-224": 28, "sha-256": 32, "sha-384": 48, "sha-512": 64, "md5": 16, "md2": 16}
)
# RFC 3551 table 4: audio payload types that need no rtpmap.
STATIC_AUDIO: Mapping[int, str] = MappingProxyType(
    {
        0: "PCMU/8000", 3: "GSM/8000", 4: "G723/8000", 5: "DVI4/8000", 6: "DVI4/16000", 7: "LPC/8000", 8: "PCMA/8000",
        9: "G722/8000", 10: "L16/44100/2", 11: "L16/44100", 12: "QCELP/8000", 13: "CN/8000", 14: "MPA/90000",
        15: "G728/8000", 16: "DVI4/11025", 17: "DVI4/22050", 18: "G729/8000",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Codec:
    """What a payload type stands for. ``name`` is lower-case, ``clock`` in Hz."""

    name: str
    clock: int
    channels: int = 1

    def __str__(self) -> str:
        return f"{self.name}/{self.clock}" + (f"/{self.channels}" if self.channels != 1 else "")


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A certificate fingerprint: lower-case hash name, upper-case hex octets; ``problem`` says what is malformed, else empty."""

    hash: str
    value: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """An ICE candidate as far as it could be read; ``problem`` names the first malformed field, else empty."""

    text: str
    transport: str = ""
    address: str = ""
    port: int = -1
    type: str = ""
    tcptype: str = ""
    problem: str = ""


def integer(text: str) -> int | None:
    """A non-negative decimal number of at most 20 ASCII digits, else None."""
    return int(text) if _NUMBER.match(text) else None


def read_codec(text: str) -> Codec | None:
    """The codec of ``name/clock[/channels]``, or None where the text is not of that form."""
    parts = text.split("/")
    if len(parts) not in (2, 3) or not parts[0]:
        return None
    clock, channels = integer(parts[1]), integer(parts[2]) if len(parts) == 3 else 1
    return None if clock is None or channels is None else Codec(parts[0].lower(), clock, channels)


def read_fingerprint(value: str) -> Fingerprint:
    """The value of ``a=fingerprint`` (RFC 8122 section 5). Lower-case hex digits are read as upper-case ones."""
    name, _, octets = value.strip().partition(" ")
    name, octets = name.lower(), octets.strip().upper()
    if not _HEX_OCTETS.match(octets):
        return Fingerprint(name, octets, "not pairs of hex digits joined by colons")
    count, wanted = octets.count(":") + 1, _DIGEST_OCTETS.get(name)
    if wanted is not None and count != wanted:
        return Fingerprint(name, octets, f"{count} octets where {name} has {wanted}")
    return Fingerprint(name, octets)


def read_candidate(value: str) -> Candidate:
    """The value of ``a=candidate`` (RFC 8839 section 5.1; TCP: RFC 6544 section 4.5)."""
    words = value.split()
    if len(words) < 8:
        return Candidate(value, problem="fewer than eight fields")
    foundation, component, transport, priority, address, port, typ, type = words[:8]
    extensions = dict(zip(words[8::2], words[9::2], strict=False))
    tcptype = extensions.get("tcptype", "")
    number = integer(port)
    checks = (
        (_FOUNDATION.match(foundation) is not None, f"foundation {short(foundation)!r}"),
        (0 < (integer(component) or 0) <= 256, f"component {short(component)!r} is not 1..256"),
        (0 < (integer(priority) or 0) < 2**31, f"priority {short(priority)!r} is not 1..2^31-1"),
        (number is not None and number <= 65535, f"port {short(port)!r} is not 0..65535"),
        (typ == "typ", f"{short(typ)!r} where 'typ' belongs"),
        (type in _CANDIDATE_TYPES, f"type {short(type)!r} is none of {', '.join(_CANDIDATE_TYPES)}"),
        (len(words) % 2 == 0, "an extension without a value"),
        (transport.lower() != "tcp" or tcptype in _TCP_TYPES, "a TCP candidate without tcptype (RFC 6544 section 4.5)"),
    )
    problem = next((text for sound, text in checks if not sound), "")
    return Candidate(value, transport.lower(), address, -1 if number is None else number, type, tcptype, problem)


def short(text: str) -> str:
    """``text`` cut to 60 characters, for messages."""
    return text if len(text) <= 60 else text[:57] + "..."
