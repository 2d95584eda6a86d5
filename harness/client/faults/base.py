"""What a fault of a client is: its declaration, the planes it can be on, and the registry of all faults of the caller.

A fault is one declared rewrite of what our caller would do, on one plane. The caller behaves; a fault changes what leaves it, and
knows nothing of how it came about:

    client_fault("model-in-the-ga-call-url", "...", plane=REQUESTS, caught_by=("HTTP-14",), dialects=GA)(query("call", model="gpt-realtime"))

Rules are named by their ids alone: a fault does not know the judge. What a rewrite is, by plane:

requests     ``(Draft, Endpoints) -> Draft``            an HTTP request before it is recorded and sent
retries      ``(status, pause) -> pause``               seconds until a request is sent again, None for not at all
settings     ``(Caller) -> Caller``                     what a scenario may set under ``caller:``
conduct      ``(Conduct) -> Conduct``                   the data channel, which responses are believed, how the call ends
offer        ``(str) -> str``                           the SDP offer as it is sent
answer       ``(str) -> str``                           the SDP answer as the caller understands it
events       ``(Dialect) -> EventRewrite``              client events; made once for each call, so that it may keep a state
reactions    ``(Dialect) -> Reaction``                  what else the caller sends when a server event comes
rtp          ``() -> PacketRewrite``                    outgoing RTP packets; made once for each call
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, Literal, TypeVar

from harness.client.http import Draft
from harness.errors import UsageError
from harness.protocol.dialects import DIALECTS, Dialect
from harness.scenario.model import Caller
from harness.targets import Endpoints
from harness.trace import Recorder
from harness.transport import Hands, RtpPacket

R = TypeVar("R")

Plane = Literal["requests", "retries", "settings", "conduct", "offer", "answer", "events", "reactions", "rtp"]
REQUESTS: Plane = "requests"
RETRIES: Plane = "retries"
SETTINGS: Plane = "settings"
CONDUCT: Plane = "conduct"
OFFER: Plane = "offer"
ANSWER: Plane = "answer"
EVENTS: Plane = "events"
REACTIONS: Plane = "reactions"
RTP: Plane = "rtp"

ALL: tuple[str, ...] = tuple(DIALECTS)
BETA: tuple[str, ...] = tuple(name for name, row in DIALECTS.items() if row.generation == "beta")
GA: tuple[str, ...] = tuple(name for name, row in DIALECTS.items() if row.generation == "ga")

PREFERRED: tuple[str, ...] = ("azure-ga",)
"""Where faults are shown that several dialects could show."""

Observer = Literal["client", "service"]
BOTH_ENDS: tuple[Observer, ...] = ("service", "client")
SERVICE_END: tuple[Observer, ...] = ("service",)
CLIENT_END: tuple[Observer, ...] = ("client",)

SETUP = "signaling/call-is-set-up-in-order.yaml"
TURN = "turns/caller-speaks-assistant-answers.yaml"


@dataclass(frozen=True, slots=True)
class Conduct:
    """How the caller behaves underneath its events. The defaults are right; times are seconds.

    ``label``: the channel's, None for the dialect's own. ``options``: of :meth:`harness.transport.Peer.create_channel`. ``second``:
    the label of one more channel. ``early``: the text of a message that is sent on the channel's stream before the channel is
    opened. ``believes``: whether a call response of this status is taken for an answer. ``clings``: a channel that the service
    has closed is opened again. ``hangs_up``: the call is ended, and not just left alone; then ``abandoned_for`` so long.
    ``reports``: RTCP is sent. ``acknowledges``: DCEP OPEN is answered by ACK.
    """

    label: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    second: str | None = None
    early: str | None = None
    believes: Callable[[int], bool] = lambda status: 200 <= status < 300
    clings: bool = False
    hangs_up: bool = True
    abandoned_for: float = 45.0
    reports: bool = True
    acknowledges: bool = True


Event = Mapping[str, Any]
Message = Event | str | bytes
"""A client event, or what a faulty client sends instead: any text, or a binary message."""

Outgoing = tuple[float, Message]
"""Seconds from now, and what leaves then."""

RequestRewrite = Callable[[Draft, Endpoints], Draft]
Pause = Callable[[int, float | None], float | None]
EventRewrite = Callable[[Event], Iterable[Outgoing]]
Reaction = Callable[[Event], Iterable[Outgoing]]
PacketRewrite = Callable[[RtpPacket], Iterable[RtpPacket]]


@dataclass(frozen=True)
class ClientFault:
    """A declared misbehaviour of the caller.

    ``caught_by``: the rules that must fail, in the recording of every observer of ``seen_by``; ``also``: rules that may fall with
    it, in any recording. ``misses``: the milestone that is never reached, for what no rule forbids. ``scenario`` (below the
    suite's folder) shows it, in the first of ``dialects`` (Azure GA where it may), against a service with the faults ``against``.
    ``beside`` holds rewrites on other planes, without which it would not show.
    """

    name: str
    title: str
    plane: Plane
    rewrite: Any
    caught_by: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    misses: str | None = None
    seen_by: tuple[Observer, ...] = BOTH_ENDS
    scenario: str = TURN
    dialects: tuple[str, ...] = ALL
    against: tuple[str, ...] = ()
    beside: Mapping[Plane, Any] = field(default_factory=dict)

    @property
    def dialect(self) -> str:
        """The dialect it is shown in."""
        return next((name for name in PREFERRED if name in self.dialects), self.dialects[0])

    def to_json(self) -> dict[str, Any]:
        """An element of ``harness faults --json``."""
        return {
            "fault": self.name,
            "title": self.title,
            "of": "client",
            "plane": self.plane,
            "caught_by": list(self.caught_by),
            "also": list(self.also),
            "misses": self.misses,
            "seen_by": list(self.seen_by),
            "scenario": self.scenario,
            "dialects": list(self.dialects),
            "against": list(self.against),
        }


_FAULTS: dict[str, ClientFault] = {}
CLIENT_FAULTS: Mapping[str, ClientFault] = MappingProxyType(_FAULTS)


def client_fault(
    name: str,
    title: str,
    *,
    plane: Plane,
    caught_by: Iterable[str] = (),
    also: Iterable[str] = (),
    misses: str | None = None,
    seen_by: Iterable[Observer] = BOTH_ENDS,
    scenario: str = TURN,
    dialects: Iterable[str] = ALL,
    against: Iterable[str] = (),
    beside: Mapping[Plane, Any] = MappingProxyType({}),
) -> Callable[[R], R]:
    """Register a rewrite under a stable name.

    Raises ValueError at import for a name used twice, and for a fault that names nothing by which it is caught.
    """

    def register(rewrite: R) -> R:
        if name in _FAULTS:
            raise ValueError(f"client fault {name} is declared twice")
        if not (tuple(caught_by) or misses):
            raise ValueError(f"client fault {name} names no rule and no milestone")
        _FAULTS[name] = ClientFault(
            name,
            title,
            plane,
            rewrite,
            tuple(caught_by),
            tuple(also),
            misses,
            tuple(seen_by),
            scenario,
            tuple(dialects),
            tuple(against),
            beside,
        )
        return rewrite

    return register


def nearest(name: str) -> str:
    """What to write instead of an unknown name, for a message."""
    near = get_close_matches(name, CLIENT_FAULTS, 1, 0.4)
    return f"did you mean {near[0]}? harness faults lists them all" if near else "harness faults lists them all"


def client_fault_named(name: str, *, where: str = "caller.faults") -> ClientFault:
    """The fault of this name. Raises UsageError with the nearest name."""
    found = CLIENT_FAULTS.get(name)
    if found is None:
        raise UsageError(f"no fault of the caller is called {name!r}", where=where, fix=nearest(name))
    return found


@dataclass(frozen=True)
class ClientFaults:
    """The faults of one caller, applied in the order they were named. Raises UsageError for an unknown name."""

    names: Sequence[str] = ()
    where: str = "caller.faults"
    _by_plane: dict[Plane, list[Any]] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        for name in self.names:
            found = client_fault_named(name, where=self.where)
            for plane, rewrite in {found.plane: found.rewrite, **found.beside}.items():
                self._by_plane.setdefault(plane, []).append(rewrite)

    def _rewritten(self, plane: Plane, value: R, *more: Any) -> R:
        for rewrite in self._by_plane.get(plane, ()):
            value = rewrite(value, *more)
        return value

    def caller(self, caller: Caller) -> Caller:
        """The scenario's settings of the caller."""
        return self._rewritten(SETTINGS, caller)

    @property
    def conduct(self) -> Conduct:
        """How the call behaves."""
        return self._rewritten(CONDUCT, Conduct())

    def requests(self, endpoints: Endpoints) -> Callable[[Draft], Draft]:
        """What becomes of the HTTP requests to these endpoints."""
        return lambda draft: self._rewritten(REQUESTS, draft, endpoints)

    def pause(self, status: int, pause: float | None) -> float | None:
        """Seconds until a request that got this status is sent again."""
        for rewrite in self._by_plane.get(RETRIES, ()):
            pause = rewrite(status, pause)
        return pause

    def offer(self, sdp: str) -> str:
        """The SDP offer as it is sent."""
        return self._rewritten(OFFER, sdp)

    def answer(self, sdp: str) -> str:
        """The SDP answer as the caller understands it."""
        return self._rewritten(ANSWER, sdp)

    def events(self, dialect: Dialect) -> Sequence[EventRewrite]:
        """Rewrites of a new call's client events."""
        return [make(dialect) for make in self._by_plane.get(EVENTS, ())]

    def reactions(self, dialect: Dialect) -> Sequence[Reaction]:
        """What a new call does at server events besides what its scenario says."""
        return [make(dialect) for make in self._by_plane.get(REACTIONS, ())]

    def hands(self, recorder: Recorder) -> Hands:
        """What the caller's end of the connection does wrongly."""
        conduct = self.conduct

        def early() -> str:
            text = conduct.early or ""
            recorder.record("event.sent", event=json.loads(text), size=len(text.encode()))
            return text

        return Hands(
            self._packets(),
            rtcp=conduct.reports,
            acknowledges=conduct.acknowledges,
            early=early if conduct.early is not None else None,
        )

    def _packets(self) -> PacketRewrite | None:
        # Where no fault is about RTP, there is nothing to call for each packet.
        makes = self._by_plane.get(RTP, ())
        if not makes:
            return None
        rewrites: list[PacketRewrite] = [make() for make in makes]

        def chain(packet: RtpPacket) -> Iterable[RtpPacket]:
            packets = [packet]
            for rewrite in rewrites:
                packets = [out for one in packets for out in rewrite(one)]
            return packets

        return chain
