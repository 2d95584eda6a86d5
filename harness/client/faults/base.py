"""What a fault of a client is: its declaration, the planes it can be on, and the registry of all faults of the caller.

A fault is one declared rewrite of what our caller would do, on one plane. The caller behaves; a fault changes what leaves it, and
knows nothing of how it came about:

    client_fault("model-in-the-ga-call-url", "...", plane=REQUESTS, caught_by=("HTTP-14",), dialects=GA)(query("call", model="gpt-realtime"))

Rules are named by their ids alone: a fault does not know the judge. What a rewrite is, by plane:

requests     ``(Draft, Endpoints) -> Draft``            an HTTP request before it is recorded and sent
retries      ``(pause, status) -> pause``               seconds until a request is sent again, None for not at all
settings     ``(Caller) -> Caller``                     what a scenario may set under ``caller:``
conduct      ``(CallerConduct) -> CallerConduct``                   the data channel, which responses are believed, how the call ends
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
from typing import Any, Literal, TypeVar

from harness.client.http import Draft
from harness.faults.registry import (
    Declared,
    Event,
    EventRewrite,
    Outgoing,
    Registry,
    Rewrites,
)
from harness.protocol.dialects import Dialect
from harness.scenario.model import Caller
from harness.targets.endpoints import Endpoints
from harness.trace import Recorder
from harness.webrtc.peer import Misbehavior

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

Observer = Literal["client", "service"]
BOTH_ENDS: tuple[Observer, ...] = ("service", "client")
SERVICE_END: tuple[Observer, ...] = ("service",)
CLIENT_END: tuple[Observer, ...] = ("client",)


@dataclass(frozen=True, slots=True)
class CallerConduct:
    """How the caller behaves underneath its events. The defaults are right; times are seconds.

    ``label``: the channel's, None for the dialect's own. ``options``: of :meth:`harness.webrtc.peer.Peer.create_channel`. ``second``:
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


RequestRewrite = Callable[[Draft, Endpoints], Draft]
Reaction = Callable[[Event], Iterable[Outgoing]]


@dataclass(frozen=True)
class ClientFault(Declared):
    """A declared misbehaviour of the caller. Its rules must fail in the recording of every observer of ``seen_by``.

    ``misses``: the milestone that is never reached, for what no rule forbids. It is shown against a service with the faults
    ``against``.
    """

    misses: str | None = None
    seen_by: tuple[Observer, ...] = BOTH_ENDS
    against: tuple[str, ...] = ()

    @property
    def otherwise(self) -> str | None:
        """The milestone that is never reached."""
        return f"no {self.misses}" if self.misses else None

    def to_json(self) -> dict[str, Any]:
        """An element of ``harness faults --json``."""
        more = {"misses": self.misses, "seen_by": list(self.seen_by), "against": list(self.against)}
        return {"of": "client", **super().to_json(), **more}


CLIENT_FAULTS: Registry[ClientFault] = Registry("fault of the caller")


def client_fault(name: str, title: str, *, plane: Plane, **declared: Any) -> Callable[[R], R]:
    """Register a rewrite under a stable name; ``declared`` are further fields of :class:`ClientFault`."""
    return CLIENT_FAULTS.register(lambda rewrite: ClientFault(name, title, plane, rewrite, **declared))


class ClientFaults(Rewrites):
    """The faults of one caller. Raises UsageError for an unknown name."""

    def __init__(self, names: Sequence[str] = ()) -> None:
        super().__init__(CLIENT_FAULTS.named(name, where="caller.faults") for name in names)

    def caller(self, caller: Caller) -> Caller:
        """The scenario's settings of the caller."""
        return self.rewritten(SETTINGS, caller)

    @property
    def conduct(self) -> CallerConduct:
        """How the call behaves."""
        return self.rewritten(CONDUCT, CallerConduct())

    def requests(self, endpoints: Endpoints) -> Callable[[Draft], Draft]:
        """What becomes of the HTTP requests to these endpoints."""
        return lambda draft: self.rewritten(REQUESTS, draft, endpoints)

    def pause(self, status: int, pause: float | None) -> float | None:
        """Seconds until a request that got this status is sent again."""
        return self.rewritten(RETRIES, pause, status)

    def offer(self, sdp: str) -> str:
        """The SDP offer as it is sent."""
        return self.rewritten(OFFER, sdp)

    def answer(self, sdp: str) -> str:
        """The SDP answer as the caller understands it."""
        return self.rewritten(ANSWER, sdp)

    def events(self, dialect: Dialect) -> Sequence[EventRewrite]:
        """Rewrites of a new call's client events."""
        return self.made(EVENTS, dialect)

    def reactions(self, dialect: Dialect) -> Sequence[Reaction]:
        """What a new call does at server events besides what its scenario says."""
        return self.made(REACTIONS, dialect)

    def misbehavior(self, recorder: Recorder) -> Misbehavior:
        """What the caller's end of the connection does wrongly."""
        conduct = self.conduct

        def early() -> str:
            text = conduct.early or ""
            recorder.record("event.sent", event=json.loads(text), size=len(text.encode()))
            return text

        return Misbehavior(
            self.packets(),
            rtcp=conduct.reports,
            acknowledges=conduct.acknowledges,
            early=early if conduct.early is not None else None,
        )
