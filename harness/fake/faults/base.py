"""What a fault is: its declaration, the planes it can be on, and the registry of all faults of the service.

A fault is one declared rewrite of what the fake would do, on one plane. The fake behaves; a fault changes what leaves it (or what
reaches it), and knows nothing of how it came about:

    fault("rsp-done-missing", "a response never ends: response.done does not come", plane=EVENTS, caught_by=("RSP-03",))(
        drop("response.done")
    )

Rules are named by their ids alone: a fault does not know the judge. What a rewrite is, by plane:

token, call      ``(Reply) -> Reply``                  the HTTP response to the token or the call request
answer           ``(str) -> str``                      the SDP answer
conduct          ``(ServiceConduct) -> ServiceConduct``              connection and session: how a call behaves underneath its events
events           ``(Dialect) -> EventRewrite``         server events; made once for each call, so that it may keep a state
client-events    ``(Dialect) -> HeardRewrite``         client events, before the service hears them
sound            ``(packets) -> packets``              the Opus packets of one response
rtp              ``() -> PacketRewrite``               outgoing RTP packets; made once for each call
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from harness.faults.registry import Declared, Event, EventRewrite, Registry, Rewrites
from harness.protocol.dialects import Dialect

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
class ServiceConduct:
    """How a call behaves underneath its events. The defaults are right; times are seconds.

    ``deserts``: nobody is there once the answer is given. ``acknowledges``: DCEP OPEN is answered by ACK, on ``ack_stream`` where it
    is not the stream that was opened. ``own_stream``: the service opens a channel itself, on this SCTP stream.
    ``closes_channel_after`` and ``hangs_up_after``: counted from the open channel. ``stops_audio``: audio ends when a response is
    cancelled or cleared. ``listens_while_speaking``: the caller is heard while audio plays. ``pace``: seconds of audio sent in a second.
    ``pages``: what differs in its leave for pages of other origins (see :class:`harness.fake.cors.Cors`).
    ``oversize``: the first event is filled up to so many bytes, whatever the offer allows. ``reports``: RTCP is sent. ``filters``: ``webrtcfilter=on`` is honoured. ``session_seconds`` and
    ``key_seconds``: how long sessions and keys live, None for the dialect's own.
    """

    deserts: bool = False
    acknowledges: bool = True
    ack_stream: int | None = None
    own_stream: int | None = None
    closes_channel_after: float | None = None
    hangs_up_after: float | None = None
    stops_audio: bool = True
    listens_while_speaking: bool = True
    pace: float = 1.0
    oversize: int = 0
    pages: Mapping[str, Any] = field(default_factory=dict)
    reports: bool = True
    filters: bool = True
    session_seconds: float | None = None
    key_seconds: float | None = None


HeardRewrite = Callable[[Event], Event | None]


@dataclass(frozen=True)
class Fault(Declared):
    """A declared misbehaviour of the service.

    Where the call ends before rules can tell, ``ends`` is the step it must fail at ("key", "answer", "channel-open", "session").
    """

    ends: str | None = None

    @property
    def otherwise(self) -> str | None:
        """The diagnosis, or the step at which the call fails."""
        return self.diagnosis or (f"ends at {self.ends}" if self.ends else None)

    def to_json(self) -> dict[str, Any]:
        """An element of ``harness faults --json``."""
        return {"of": "service", **super().to_json(), "ends": self.ends}


FAULTS: Registry[Fault] = Registry("fault")


def fault(name: str, title: str, *, plane: Plane, **declared: Any) -> Callable[[R], R]:
    """Register a rewrite under a stable name; ``declared`` are further fields of :class:`Fault`."""
    return FAULTS.register(lambda rewrite: Fault(name, title, plane, rewrite, **declared))


class Faults(Rewrites):
    """The faults of one service. Raises UsageError for an unknown name."""

    def __init__(self, names: Sequence[str] = (), *, where: str = "fault") -> None:
        super().__init__(FAULTS.named(name, where=where) for name in names)

    def reply(self, step: str, reply: Reply) -> Reply:
        """The response of a step ("key", "call") as it leaves."""
        plane = {"key": TOKEN, "call": CALL}.get(step)
        return self.rewritten(plane, reply) if plane else reply

    def answer(self, sdp: str) -> str:
        """The SDP answer as it leaves."""
        return self.rewritten(ANSWER, sdp)

    @property
    def conduct(self) -> ServiceConduct:
        """How calls behave."""
        return self.rewritten(CONDUCT, ServiceConduct())

    def events(self, dialect: Dialect) -> Sequence[EventRewrite]:
        """Rewrites of a new call's server events."""
        return self.made(EVENTS, dialect)

    def heard(self, dialect: Dialect) -> Sequence[HeardRewrite]:
        """Rewrites of a new call's client events."""
        return self.made(CLIENT_EVENTS, dialect)

    def sound(self, packets: Sequence[bytes]) -> Sequence[bytes]:
        """The audio of a response as it is played."""
        return self.rewritten(SOUND, packets)
