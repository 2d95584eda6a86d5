"""What a fault is: its declaration, the planes it can be on, and the registry of all faults of the service.

A fault is one declared rewrite of what the fake would do, on one plane. The fake behaves; a fault changes what leaves it (or what
reaches it), and knows nothing of how it came about:

    fault("rsp-done-missing", "a response never ends: response.done does not come", plane=EVENTS, caught_by=("RSP-03",))(
        drop("response.done")
    )

Rules are named by their ids alone: a fault does not know the judge. What a rewrite is, by plane:

token, call      ``(Reply) -> Reply``                  the HTTP response to the token or the call request
answer           ``(str) -> str``                      the SDP answer
conduct          ``(Conduct) -> Conduct``              connection and session: how a call behaves underneath its events
events           ``(Dialect) -> EventRewrite``         server events; made once for each call, so that it may keep a state
client-events    ``(Dialect) -> HeardRewrite``         client events, before the service hears them
sound            ``(packets) -> packets``              the Opus packets of one response
rtp              ``() -> PacketRewrite``               outgoing RTP packets; made once for each call
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, Literal, TypeVar

from harness.errors import UsageError
from harness.protocol.dialects import DIALECTS, Dialect
from harness.rtp import RtpPacket

R = TypeVar("R")

Plane = Literal["token", "call", "answer", "conduct", "events", "client-events", "sound", "rtp"]
TOKEN: Plane = "token"
CALL: Plane = "call"
ANSWER: Plane = "answer"
CONDUCT: Plane = "conduct"
EVENTS: Plane = "events"
CLIENT_EVENTS: Plane = "client-events"
SOUND: Plane = "sound"
RTP: Plane = "rtp"

ALL: tuple[str, ...] = tuple(DIALECTS)
BETA: tuple[str, ...] = tuple(name for name, row in DIALECTS.items() if row.generation == "beta")
GA: tuple[str, ...] = tuple(name for name, row in DIALECTS.items() if row.generation == "ga")

PREFERRED: tuple[str, ...] = ("azure-ga",)
"""The dialect in which a fault is shown that is possible in several."""

SETUP = "signaling/call-is-set-up-in-order.yaml"
TURN = "turns/caller-speaks-assistant-answers.yaml"


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP response about to leave. ``nth`` counts the requests of this step from 1.

    ``delay`` seconds pass before it; with ``cut``, only so many bytes of the body leave before the connection is closed.
    """

    dialect: Dialect
    nth: int
    status: int
    headers: Mapping[str, str]
    body: str
    delay: float = 0.0
    cut: int | None = None


@dataclass(frozen=True, slots=True)
class Conduct:
    """How a call behaves underneath its events. The defaults are right; times are seconds.

    ``deserts``: nobody is there once the answer is given. ``acknowledges``: DCEP OPEN is answered by ACK, on ``ack_stream`` where it
    is not the stream that was opened. ``own_stream``: the service opens a channel itself, on this SCTP stream.
    ``closes_channel_after`` and ``hangs_up_after``: counted from the open channel. ``stops_audio``: audio ends when a response is
    cancelled or cleared. ``reports``: RTCP is sent. ``filters``: ``webrtcfilter=on`` is honoured. ``session_seconds`` and
    ``key_seconds``: how long sessions and keys live, None for the dialect's own.
    """

    deserts: bool = False
    acknowledges: bool = True
    ack_stream: int | None = None
    own_stream: int | None = None
    closes_channel_after: float | None = None
    hangs_up_after: float | None = None
    stops_audio: bool = True
    reports: bool = True
    filters: bool = True
    session_seconds: float | None = None
    key_seconds: float | None = None


Event = Mapping[str, Any]
Message = Event | str | bytes
"""A server event, or what a faulty service sends instead: any text, or a binary message."""

Outgoing = tuple[float, Message]
"""Seconds from now, and what leaves then."""

EventRewrite = Callable[[Event, float], Iterable[Outgoing]]
HeardRewrite = Callable[[Event], Event | None]
PacketRewrite = Callable[[RtpPacket], Iterable[RtpPacket]]


@dataclass(frozen=True)
class Fault:
    """A declared misbehaviour of the service.

    ``caught_by``: the rules that must fail; ``also``: rules that fall with it. Where the call ends before rules can tell,
    ``diagnosis`` is the one that must be named first, and ``ends`` the step the call must fail at ("key", "answer",
    "channel-open", "session"). ``scenario`` (below the suite's folder) shows it, in the first of ``dialects``.
    """

    name: str
    title: str
    plane: Plane
    rewrite: Any
    caught_by: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    diagnosis: str | None = None
    ends: str | None = None
    scenario: str = TURN
    dialects: tuple[str, ...] = ALL

    @property
    def dialect(self) -> str:
        """The dialect it is shown in."""
        return next((name for name in PREFERRED if name in self.dialects), self.dialects[0])

    def to_json(self) -> dict[str, Any]:
        """An element of ``harness faults --json``."""
        return {
            "fault": self.name,
            "title": self.title,
            "plane": self.plane,
            "caught_by": list(self.caught_by),
            "also": list(self.also),
            "diagnosis": self.diagnosis,
            "ends": self.ends,
            "scenario": self.scenario,
            "dialects": list(self.dialects),
        }


_FAULTS: dict[str, Fault] = {}
FAULTS: Mapping[str, Fault] = MappingProxyType(_FAULTS)


def fault(
    name: str,
    title: str,
    *,
    plane: Plane,
    caught_by: Iterable[str] = (),
    also: Iterable[str] = (),
    diagnosis: str | None = None,
    ends: str | None = None,
    scenario: str = TURN,
    dialects: Iterable[str] = ALL,
) -> Callable[[R], R]:
    """Register a rewrite under a stable name.

    Raises ValueError at import for a name used twice, and for a fault that names nothing by which it is caught.
    """

    def register(rewrite: R) -> R:
        if name in _FAULTS:
            raise ValueError(f"fault {name} is declared twice")
        if not (tuple(caught_by) or diagnosis or ends):
            raise ValueError(f"fault {name} names no rule, no diagnosis and no step")
        _FAULTS[name] = Fault(
            name, title, plane, rewrite, tuple(caught_by), tuple(also), diagnosis, ends, scenario, tuple(dialects)
        )
        return rewrite

    return register


def named(name: str, *, where: str = "fault") -> Fault:
    """The fault of this name. Raises UsageError with the nearest name."""
    found = FAULTS.get(name)
    if found is not None:
        return found
    near = get_close_matches(name, FAULTS, 1, 0.4)
    fix = f"did you mean {near[0]}? harness faults lists them all" if near else "harness faults lists them all"
    raise UsageError(f"no fault is called {name!r}", where=where, fix=fix)


@dataclass(frozen=True)
class Faults:
    """The faults of one service, applied in the order they were named. Raises UsageError for an unknown name."""

    names: Sequence[str] = ()
    where: str = "fault"
    _by_plane: dict[Plane, list[Any]] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        for name in self.names:
            found = named(name, where=self.where)
            self._by_plane.setdefault(found.plane, []).append(found.rewrite)

    def reply(self, step: str, reply: Reply) -> Reply:
        """The response of a step ("key", "call") as it leaves."""
        for rewrite in self._by_plane.get(TOKEN if step == "key" else CALL, ()) if step in ("key", "call") else ():
            reply = rewrite(reply)
        return reply

    def answer(self, sdp: str) -> str:
        """The SDP answer as it leaves."""
        for rewrite in self._by_plane.get(ANSWER, ()):
            sdp = rewrite(sdp)
        return sdp

    @property
    def conduct(self) -> Conduct:
        """How calls behave."""
        conduct = Conduct()
        for rewrite in self._by_plane.get(CONDUCT, ()):
            conduct = rewrite(conduct)
        return conduct

    def events(self, dialect: Dialect) -> Sequence[EventRewrite]:
        """Rewrites of a new call's server events."""
        return [make(dialect) for make in self._by_plane.get(EVENTS, ())]

    def heard(self, dialect: Dialect) -> Sequence[HeardRewrite]:
        """Rewrites of a new call's client events."""
        return [make(dialect) for make in self._by_plane.get(CLIENT_EVENTS, ())]

    def sound(self, packets: Sequence[bytes]) -> Sequence[bytes]:
        """The audio of a response as it is played."""
        for rewrite in self._by_plane.get(SOUND, ()):
            packets = rewrite(packets)
        return packets

    def packets(self) -> PacketRewrite | None:
        """The rewrite of a new call's outgoing RTP, or None where it leaves as it is."""
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
