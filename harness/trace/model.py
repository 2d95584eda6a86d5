"""The trace: what one observer saw of one run, in order. The one data structure; everything downstream is a function of it.

A trace is a header, entries, and a footer; on disk NDJSON, one JSON object a line:

    {"trace": 1, "observer": "client", "dialect": "azure-ga", "target": "fake", "scenario": "turns/greeting.yaml", "time": "virtual", ...}
    {"seq": 0, "t": 0.0, "kind": "harness.config", "data": {...}}
    ...
    {"end": "completed", "entries": 412}

Laws
1. ``seq`` counts from 0 without gaps; ``t`` is seconds since the start of the run on the event loop's clock and never falls.
2. Order means something only within a plane: a data channel and RTP are different paths, so a rule that compares planes
   takes a tolerance.
3. One trace, one observer ("client": our caller; "service": our fake, watching a client). Directions are the observer's.
4. One writer, the :class:`Recorder`, which redacts before it stores. Unknown fields of events are kept verbatim: they are evidence.
5. A version this program does not know is refused; a missing footer is named (``end`` is "truncated").

Kinds (``plane.what``) and their data. Optional fields are marked ``?``; times are seconds, sizes bytes, levels dBFS.

harness     .config      {dialect, resource?, deployment?, api_version?, region?, key_url?, call_url?, ice_servers?, ...}
            .note        {text, about?}                    translations, fields left out, seeds versus reality
            .error       {error, step, what, seen, fix, status?}   the CallError that ended the call
            .log         {logger, level, text}             warnings of the libraries underneath
            .relayed     {events?, packets?, held_events?, dropped_packets?}   what a proxy added to this call: each of the first three
                         {count, median_ms, p99_ms, longest_ms} of the delay from arrival to handing on; held_events: those that
                         waited for the other side's channel
http        .request     {id, step, method, url, headers, body}    step: key | call | hangup; headers lower-case; body: JSON or text
            .response    {id, step, status, headers, body, seconds}
            .preflight   {step, url, origin, method, headers, refused, status, allowed_origin?}   a browser asks leave for a page; headers:
                         the names it asked for, refused: those that are not allowed; allowed_origin: as answered (client only)
            .failed      {id, step, error, message}        no response at all (refused, timeout, TLS, redirect loop)
sdp         .offer       {sdp}                             the client's, as set locally (client) or received (service)
            .answer      {sdp}                             the service's, as accepted by setRemoteDescription (client) or sent (service)
            .rejected    {sdp, reason}                     an answer (or offer) the stack refused
connection  .signaling | .gathering | .ice | .dtls | .state    {state}   W3C strings verbatim ("have-local-offer", "checking", ...)
            .secured     {role, version, srtp_profile, peer_fingerprint, matches}   the finished DTLS handshake; role is the observer's
            .disturbed   {text, conditions?, blackout?, sent?, received?}      network trouble made on purpose by the harness:
                         its settings, at the beginning and where they change; blackout: began | ended | cut-off; until now, for each direction,
                         {datagrams, lost, duplicated, reordered}
channel     .created     {label, ordered, protocol, id?, max_retransmits?, max_packet_life_time?, by, relayed?}   by: client | service; relayed: a proxy
                         created it, in that one's name, when the other one had been opened
            .open        {label, id}
            .dcep        {direction, message, ppid, stream, type?}     direction: sent | received; message: open | ack
            .closed      {label, id?}
event       .sent | .received      {event, size}           one JSON object on the channel; event kept verbatim
            .undecodable {direction, reason, text, size, binary}       not JSON, not an object, no type, binary, not UTF-8
rtp         .packets     {direction, ssrc, payload_type, first, packets: [[dt_ms, sequence, timestamp, size, marker, toc], ...]}
                         at most about one second of one stream; ``first`` is the arrival (or sending) time of the first packet in
                         seconds of the trace, dt_ms counts from it; toc is the Opus TOC byte (first payload byte) or -1
            .rtcp        {direction, types, ssrc?, reports?}   a (compound) RTCP packet, types e.g. ["SR", "SDES"]; of each stream
                         that its sender receives, reports has {ssrc, lost, lost_percent, jitter_ms}
            .stats       {direction, ssrc?, packets?, lost?, jitter_ms?, level?}   counters of one stream so far as a browser's statistics show
                         them, with the level of that moment; in records that have no packets
audio       .levels      {direction, start, step, levels, speech, clipped?, flatness?, breaks?}     ``levels``: dBFS of consecutive windows
                         of ``step`` seconds from ``start`` (trace time); ``speech``: 0/1 for each window; ``flatness``: spectral
                         flatness 0 to 1 of the first audible 20 ms, 0 where there are none, left out where there are none at all;
                         ``clipped``: samples at full scale, ``breaks``: how often the sound broke off, left out where all are 0
            .speech      {direction, state, at}            state: started | stopped, at: trace time of the change in the audio itself
            .undecodable {direction, sequence, size}       an Opus payload that does not decode
            .file        {direction, path, seconds}        the Ogg Opus file beside the trace; path counts from the trace's folder
step        .started     {step, word, text}                step counts from 1 in file order; text is what a person reads
            .met | .missed  {step, expected, actual, entry?}
            .said        {step, file, seconds}             the recording has been handed over completely
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from harness import __version__

VERSION = 1

Observer = Literal["client", "service"]
Data = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a trace: ``seq`` (position), ``t`` (seconds since the start), ``kind`` ("plane.what"), ``data`` (JSON)."""

    seq: int
    t: float
    kind: str
    data: Data

    @property
    def plane(self) -> str:
        """The part of ``kind`` before the dot; order is meaningful only within one plane."""
        return self.kind.partition(".")[0]

    @property
    def event(self) -> Data:
        """The Realtime event of an ``event.sent`` or ``event.received`` entry, else an empty mapping."""
        event = self.data.get("event")
        return event if isinstance(event, Mapping) else {}

    @property
    def type(self) -> str:
        """The wire ``type`` of the event, or an empty string."""
        kind = self.event.get("type")
        return kind if isinstance(kind, str) else ""

    def to_json(self) -> dict[str, Any]:
        """The entry as it stands in a trace file."""
        return {"seq": self.seq, "t": self.t, "kind": self.kind, "data": self.data}


@dataclass(frozen=True, slots=True)
class Header:
    """What a trace says of itself. ``extra`` keeps fields of later minor revisions.

    ``shows``: the kinds (or planes) of entries that the record it was made from can show; None where it can show all. What a
    single entry lacks stands in its ``unseen`` (see :mod:`harness.trace.partial`). ``excerpt``: the record begins in mid-call, so that
    what seems to come out of nothing may have its reason before.
    """

    observer: Observer
    dialect: str
    target: str = ""
    scenario: str = ""
    time: Literal["virtual", "real"] = "real"
    harness: str = __version__
    shows: tuple[str, ...] | None = None
    excerpt: bool = False
    extra: Data = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The header as the first line of a trace file."""
        return {
            "trace": VERSION,
            "observer": self.observer,
            "dialect": self.dialect,
            "target": self.target,
            "scenario": self.scenario,
            "time": self.time,
            "harness": self.harness,
            **({} if self.shows is None else {"shows": list(self.shows)}),
            **({"excerpt": True} if self.excerpt else {}),
            **self.extra,
        }


@dataclass(frozen=True)
class Trace:
    """A finished (or interrupted) recording: ``header``, ``entries`` in order of ``seq``, ``end``.

    ``end`` is "completed", "failed", "interrupted", or "truncated" where the footer is missing; "unknown" where a record without
    times does not say how long it went on after its last entry.
    """

    header: Header
    entries: tuple[Entry, ...]
    end: str = "truncated"

    def of(self, *kinds: str) -> tuple[Entry, ...]:
        """Entries of these kinds, in order. A kind without a dot means its whole plane."""
        if len(kinds) == 1 and "." in kinds[0]:
            return self._by_kind.get(kinds[0], ())
        wanted = set(kinds)
        return tuple(entry for entry in self.entries if entry.kind in wanted or entry.plane in wanted)

    def first(self, *kinds: str) -> Entry | None:
        """The first entry of these kinds, or None."""
        return next(iter(self.of(*kinds)), None)

    def events(self, by: Observer, *types: str) -> tuple[Entry, ...]:
        """Events sent by the client or by the service, whoever observed them; only these wire types where any are named."""
        kind = f"event.{self.direction(by)}"
        if not types:
            return self.of(kind)
        found = [self._by_type.get((kind, wire), ()) for wire in dict.fromkeys(types)]
        if len(found) == 1:
            return found[0]
        return tuple(sorted((entry for entries in found for entry in entries), key=lambda entry: entry.seq))

    def direction(self, by: Observer) -> Literal["sent", "received"]:
        """How the observer saw what the client or the service sent: "sent" is what went out from its own end."""
        return "sent" if by == self.header.observer else "received"

    def sender(self, entry: Entry) -> Observer:
        """Who sent what this event, rtp, audio, undecodable or dcep entry records."""
        sent = entry.kind == "event.sent" or entry.data.get("direction") == "sent"
        if sent:
            return self.header.observer
        return "service" if self.header.observer == "client" else "client"

    @property
    def seconds(self) -> float:
        """Length of the recording in seconds of its own clock."""
        return self.entries[-1].t if self.entries else 0.0

    @cached_property
    def _by_kind(self) -> dict[str, tuple[Entry, ...]]:
        kinds: dict[str, list[Entry]] = {}
        for entry in self.entries:
            kinds.setdefault(entry.kind, []).append(entry)
        return {kind: tuple(entries) for kind, entries in kinds.items()}

    @cached_property
    def _by_type(self) -> dict[tuple[str, str], tuple[Entry, ...]]:
        found: dict[tuple[str, str], list[Entry]] = {}
        for kind in ("event.sent", "event.received"):
            for entry in self._by_kind.get(kind, ()):
                found.setdefault((kind, entry.type), []).append(entry)
        return {key: tuple(entries) for key, entries in found.items()}

    @cached_property
    def derived(self) -> dict[str, Any]:
        """Room for what many readers compute from the trace and need only once, by name. No part of the trace itself."""
        return {}

    def lines(self) -> Iterator[str]:
        """The trace as NDJSON lines, without line ends."""
        yield dump(self.header.to_json())
        for entry in self.entries:
            yield dump(entry.to_json())
        if self.end != "truncated":
            yield dump({"end": self.end, "entries": len(self.entries)})


def dump(value: Any) -> str:
    """Compact JSON on one line, UTF-8 text, NaN and infinities as null (they are not JSON), lone surrogates escaped."""
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        if not text.isascii():
            text.encode()
        return text
    except UnicodeEncodeError:  # "\ud800" is legal JSON, but no character that a file could hold
        return json.dumps(value, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    except ValueError:
        return json.dumps(_finite(value), ensure_ascii=True, separators=(",", ":"), allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else None
    if isinstance(value, Mapping):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(inner) for inner in value]
    return value
