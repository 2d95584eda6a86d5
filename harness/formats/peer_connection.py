"""What the two dumps of WebRTC have in common: the calls and events of one RTCPeerConnection, and its statistics, as moments of a call.

Statistics are samples, about one a second: a state that they show began somewhere before, so its time is not known.
https://www.w3.org/TR/webrtc/, https://www.w3.org/TR/webrtc-stats/
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.formats.base import Moment, Record
from harness.protocol import sdp
from harness.trace import UNSEEN

_STATES = {
    "signalingstatechange": "signaling",
    "icegatheringstatechange": "gathering",
    "iceconnectionstatechange": "ice",
    "connectionstatechange": "state",
}
_SHOWN = ("sdp", *(f"connection.{plane}" for plane in _STATES.values()), "channel.created")
QUIETEST = -100.0
"""dBFS of a level that is zero."""


@dataclass(frozen=True, slots=True)
class Update:
    """One call of a method, or one event: ``t`` epoch seconds, ``what`` its name, ``value`` its argument or result."""

    t: float
    what: str
    value: Any


@dataclass(frozen=True, slots=True)
class Sample:
    """The statistics of one object at one time: ``t`` epoch seconds, its ``type`` and ``values`` by their names."""

    t: float
    type: str
    values: Mapping[str, Any]


@dataclass
class PeerConnection:
    """One connection of a dump, with where the page stood."""

    updates: list[Update] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    url: str = ""

    def offers(self) -> Iterator[str]:
        """The descriptions that the page offered or was offered."""
        for update in self.updates:
            kind, text = _description(update.value)
            if kind == "offer":
                yield text

    @property
    def is_call(self) -> bool:
        """Whether this may be a call of a realtime API: it offers audio, and a data channel or nothing beside it."""
        for text in self.offers():
            described = sdp.parse(text)
            if described.of("audio") and (described.of("application") or not described.of("video")):
                return True
        return False


def record_of(connection: PeerConnection, form: str, notes: Sequence[str] = ()) -> Record:
    """The call that a connection made."""
    sampled = list(_sampled(connection.samples))
    kinds = {moment.kind for moment in sampled}
    moments = sorted([*_updated(connection.updates), *sampled], key=lambda moment: moment.t or 0.0)
    shows = (*_SHOWN, *(kind for kind in ("connection.dtls", "channel.open", "rtp.stats") if kind in kinds))
    hints = tuple(str(one.data.get("label")) for one in moments if one.kind == "channel.created")
    return Record(form, "epoch", shows, tuple(moments), tuple(notes), hints=hints)


def _updated(updates: Iterable[Update]) -> Iterator[Moment]:
    made = remote = ""
    for update in updates:
        what = update.what.lower().removeprefix("on")
        kind, text = _description(update.value)
        if what in _STATES:
            state = _state(update.value)
            if state:
                yield Moment(update.t, f"connection.{_STATES[what]}", {"state": state})
        elif what == "createofferonsuccess":
            made = text
        elif what == "setlocaldescription" and kind in ("offer", ""):
            if text or made:
                yield Moment(update.t, "sdp.offer", {"sdp": text or made})
        elif what == "setremotedescription" and kind == "answer":
            remote = text
        elif what == "setremotedescriptiononsuccess" and remote:
            yield Moment(update.t, "sdp.answer", {"sdp": remote})
            remote = ""
        elif what == "setremotedescriptiononfailure" and remote:
            yield Moment(update.t, "sdp.rejected", {"sdp": remote, "reason": _words(update.value)})
            remote = ""
        elif what in ("createdatachannel", "datachannel"):
            yield Moment(
                update.t,
                "channel.created",
                _channel(update.value, "client" if what.startswith("create") else "service"),
            )
        elif what == "close":
            yield Moment(update.t, "connection.state", {"state": "closed"})


def _description(value: Any) -> tuple[str, str]:
    """The type and the text of a session description; older dumps write "type: offer, sdp: v=0..."."""
    if isinstance(value, Mapping) and isinstance(value.get("sdp"), str):
        return str(value.get("type", "")), value["sdp"]
    if isinstance(value, str) and value.startswith("type: ") and ", sdp: " in value:
        head, _, text = value.partition(", sdp: ")
        return head.removeprefix("type: ").strip(), text
    return "", ""


def _state(value: Any) -> str:
    """A state, which older dumps write as a number's name ("ICEConnectionStateChecking")."""
    return value.strip('"').strip() if isinstance(value, str) else ""


def _words(value: Any) -> str:
    return value if isinstance(value, str) else str(value.get("message", "")) if isinstance(value, Mapping) else ""


def _channel(value: Any, by: str) -> dict[str, Any]:
    """Label and options of a data channel; an option that is not listed has its default (W3C, RTCDataChannelInit)."""
    options: Mapping[str, Any] = {}
    label = value if isinstance(value, str) else ""
    if isinstance(value, Mapping):
        options, label = value, str(value.get("label", ""))
    elif isinstance(value, list):  # the arguments: a label and its options
        label = next((one for one in value if isinstance(one, str)), "")
        options = next((one for one in value if isinstance(one, Mapping)), {})
    elif label.startswith("label: "):
        parts = dict(part.partition(": ")[::2] for part in label.split(", "))
        label, options = parts.get("label", ""), {"ordered": parts.get("ordered") != "false"}
    named = {"max_retransmits": options.get("maxRetransmits"), "max_packet_life_time": options.get("maxPacketLifeTime")}
    return {
        "label": label,
        "ordered": options.get("ordered") is not False,
        "protocol": str(options.get("protocol") or ""),
        "by": by,
        **{name: found for name, found in named.items() if isinstance(found, int)},
    }


def _sampled(samples: Iterable[Sample]) -> Iterator[Moment]:
    """States as they changed from sample to sample, and the counters of each direction with its level."""
    last: dict[str, str] = {}
    level: dict[str, float] = {}
    for sample in sorted(samples, key=lambda one: one.t):
        values = sample.values
        if (
            sample.type == "transport"
            and isinstance(state := values.get("dtlsState"), str)
            and last.get("dtls") != state
        ):
            last["dtls"] = state
            yield Moment(sample.t, "connection.dtls", {"state": state, UNSEEN: ["t"]})
        elif sample.type == "data-channel" and values.get("state") == "open":
            label = str(values.get("label", ""))
            if last.get(f"channel {label}") != "open":
                last[f"channel {label}"] = "open"
                yield Moment(
                    sample.t, "channel.open", {"label": label, "id": values.get("dataChannelIdentifier"), UNSEEN: ["t"]}
                )
        elif sample.type == "media-source":
            level["sent"] = _number(values.get("audioLevel"))
        elif sample.type in ("inbound-rtp", "outbound-rtp") and values.get("kind", "audio") == "audio":
            direction = "received" if sample.type == "inbound-rtp" else "sent"
            packets = values.get("packetsReceived" if direction == "received" else "packetsSent")
            heard = _number(values.get("audioLevel")) if direction == "received" else level.get("sent", math.nan)
            yield Moment(sample.t, "rtp.stats", _counters(direction, packets, values, heard))
        elif sample.type == "remote-inbound-rtp" and values.get("kind", "audio") == "audio":
            lost = {
                "ssrc": values.get("ssrc"),
                "lost": values.get("packetsLost"),
                "jitter_ms": _milliseconds(values.get("jitter")),
            }
            yield Moment(sample.t, "rtp.stats", {"direction": "sent", **_known(lost)})


def _counters(direction: str, packets: Any, values: Mapping[str, Any], level: float) -> dict[str, Any]:
    told = {
        "ssrc": values.get("ssrc"),
        "packets": packets,
        "lost": values.get("packetsLost") if direction == "received" else None,
        "jitter_ms": _milliseconds(values.get("jitter")),
        "level": None if math.isnan(level) else round(20 * math.log10(level), 1) if level > 0 else QUIETEST,
    }
    return {"direction": direction, **_known(told)}


def _known(values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value for name, value in values.items() if isinstance(value, (int, float)) and not isinstance(value, bool)
    }


def _milliseconds(value: Any) -> float | None:
    seconds = _number(value)
    return None if math.isnan(seconds) else round(1000 * seconds, 3)


def _number(value: Any) -> float:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else math.nan
