"""Files of rtcstats (https://github.com/rtcstats): lines of ``[method, connection, value..., milliseconds]``.

Since its third format the first line is its name and the second metadata, methods, kinds of statistics and their fields may be written
as numbers, and the time of a line counts from the one before it; older lines have epoch times. A description repeats no section that
was the same before ("m="), and statistics hold what changed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from harness.errors import NotARecord
from harness.formats.base import Record, counted
from harness.formats.peer_connection import PeerConnection, Sample, Update
from harness.formats.webrtc_internals import records
from harness.protocol.messages import parse

FORM = "rtcstats"
MAGIC = "RTCStatsDump"
_OLDER = re.compile(
    r'(?:\s*\{[^\n]*\n)?\s*\["(?:create|getUserMedia|navigator\.mediaDevices\.\w+|constraints|publicIP)",'
)
_EPOCH = 1e11  # milliseconds; no time since the line before is as long
_METHODS: Mapping[Any, str] = {
    1: "getStats", "g": "getStats", 3: "createOfferOnSuccess", 6: "setLocalDescription", 8: "setRemoteDescription",
    9: "setRemoteDescriptionOnSuccess", 15: "setRemoteDescriptionOnFailure", 23: "onsignalingstatechange",
    24: "oniceconnectionstatechange", 25: "onconnectionstatechange", 26: "onicegatheringstatechange", 28: "ondatachannel",
    35: "createDataChannel", 36: "close", 39: "create",
}  # fmt: skip
_KINDS: Mapping[Any, str] = {
    1: "inbound-rtp", 2: "outbound-rtp", 3: "remote-inbound-rtp", 5: "transport", 9: "data-channel", 12: "media-source",
}  # fmt: skip
_FIELDS: Mapping[str, str] = {
    "10": "ssrc", "11": "kind", "14": "packetsReceived", "15": "packetsLost", "16": "jitter", "57": "audioLevel", "79": "packetsSent",
    "115": "label", "117": "dataChannelIdentifier", "118": "state", "123": "dtlsState",
}  # fmt: skip


def recognise(text: str) -> bool:
    """Whether this is such a file."""
    return text.startswith(MAGIC) or _OLDER.match(text) is not None


def read(text: str, where: str) -> tuple[Record, ...]:
    """The calls of a file, one a connection. Raises NotARecord where none of the connections is a call."""
    connections: dict[str, PeerConnection] = {}
    before: dict[str, dict[str, dict[str, Any]]] = {}
    described: dict[tuple[str, str], str] = {}
    now = 0.0
    unread = 0
    for line in text.splitlines():
        if not line.startswith("["):
            continue
        try:
            row = parse(line)
        except ValueError:
            unread += 1
            continue
        if len(row) < 3 or not isinstance(row[-1], (int, float)) or isinstance(row[-1], bool):
            unread += 1
            continue
        now = row[-1] if row[-1] > _EPOCH and now else now + row[-1]
        name, method = str(row[1]), row[0]
        what = _METHODS.get(method, str(method)) if isinstance(method, (int, str)) else ""
        if row[1] is None:
            continue
        one = connections.setdefault(name, PeerConnection())
        values = row[2:-1] if what.lower() == "getstats" else [_listed(one) for one in row[2:-1]]
        value = values[0] if values else None
        if what.lower() == "getstats" and isinstance(value, Mapping):
            one.samples += _samples(value, before.setdefault(name, {}), now / 1000)
        elif what in ("createDataChannel", "ondatachannel"):
            one.updates.append(Update(now / 1000, what, value if len(values) == 1 else values))
        else:
            one.updates.append(Update(now / 1000, what, _whole(value, name, described)))
    if not connections:
        raise NotARecord(
            "an rtcstats file without a connection", where=where, fix="record it from before the call begins"
        )
    notes = [f"{counted(unread, 'line')} that cannot be read"] if unread else []
    return records(list(connections.values()), FORM, where, notes)


def _listed(value: Any) -> Any:
    """The arguments of a method as a list: JSON makes an object with numbers of them."""
    if isinstance(value, Mapping) and value and all(name.isdigit() for name in value):
        return list(value.values())
    return value


def _whole(value: Any, connection: str, described: dict[tuple[str, str], str]) -> Any:
    """A description with the sections that it does not repeat."""
    if not isinstance(value, Mapping) or not isinstance(value.get("sdp"), str):
        return value
    key = (connection, str(value.get("type")))
    old, new = _sections(described.get(key, "")), _sections(value["sdp"])
    filled = [old[at] if one in ("v=", "m=") and at < len(old) else one for at, one in enumerate(new)]
    described[key] = "".join(f"{one}\r\n" for one in filled)
    return {**value, "sdp": value["sdp"] if filled == new else described[key]}


def _sections(text: str) -> list[str]:
    return (
        [part.strip() if not at else f"m={part}".strip() for at, part in enumerate(text.split("\nm="))] if text else []
    )


def _samples(delta: Mapping[str, Any], before: dict[str, dict[str, Any]], now: float) -> list[Sample]:
    """What the statistics were at this time: the ones before with what changed."""
    for id, report in delta.items():
        if report is None:
            before.pop(id, None)
        elif isinstance(report, Mapping):
            named = {_FIELDS.get(name, name): value for name, value in report.items()}
            if "type" in named and isinstance(named["type"], (int, str)):
                named["type"] = _KINDS.get(named["type"], named["type"])
            before.setdefault(id, {}).update(named)
    return [Sample(now, str(values.get("type", "")), dict(values)) for values in before.values()]
