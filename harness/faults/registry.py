"""What the faults of both ends of a call share: how one is declared, found by its name, and put together with others by plane.

A fault is one declared rewrite of what an end would do, on one plane. Rules are named by their ids alone: a fault does not know
the judge. Both ends have registries of their own, with the planes that are theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from harness.errors import UsageError, nearest
from harness.protocol.dialects import ALL as ALL
from harness.protocol.dialects import BETA as BETA
from harness.protocol.dialects import GA as GA
from harness.protocol.dialects import Dialect
from harness.protocol.rtp import RtpPacket

PREFERRED: tuple[str, ...] = ("azure-ga",)
"""Where a fault is shown that is possible in several dialects."""

SETUP = "signaling/call-is-set-up-in-order.yaml"
TURN = "turns/caller-speaks-assistant-answers.yaml"

Event = Mapping[str, Any]
Message = Event | str | bytes
"""An event, or what a faulty end sends instead: any text, or a binary message."""

Outgoing = tuple[float, Message]
"""Seconds from now, and what leaves then."""

EventRewrite = Callable[[Event], Iterable[Outgoing]]
PacketRewrite = Callable[[RtpPacket], Iterable[RtpPacket]]


@dataclass(frozen=True)
class Declared:
    """A declared misbehaviour. ``caught_by``: the rules that must fail; ``also``: rules that may fall with it.

    ``diagnosis`` is the cause that must be named first. Left out, it is the broken rule itself where a MUST is broken, and none where
    no MUST is.

    ``scenario`` (below the suite's folder) shows it, in the first of ``dialects`` (Azure GA where it may). ``beside`` holds rewrites
    on other planes, without which it would not show. Raises ValueError where nothing is named by which it is caught.
    """

    name: str
    title: str
    plane: str
    rewrite: Any
    caught_by: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    diagnosis: str | None = None
    scenario: str = TURN
    dialects: tuple[str, ...] = ALL
    beside: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not (self.caught_by or self.otherwise):
            raise ValueError(f"fault {self.name} names no rule, and nothing else by which it is caught")

    @property
    def otherwise(self) -> str | None:
        """By what it is caught where no rule can tell, in a few words."""
        return None

    @property
    def dialect(self) -> str:
        """The dialect it is shown in."""
        return next((name for name in PREFERRED if name in self.dialects), self.dialects[0])

    @property
    def rewrites(self) -> Mapping[str, Any]:
        """All its rewrites, by plane."""
        return {self.plane: self.rewrite, **self.beside}

    def to_json(self) -> dict[str, Any]:
        """An element of ``harness faults --json``."""
        return {
            "fault": self.name,
            "title": self.title,
            "plane": self.plane,
            "caught_by": list(self.caught_by),
            "also": list(self.also),
            "diagnosis": self.diagnosis,
            "scenario": self.scenario,
            "dialects": list(self.dialects),
        }


F = TypeVar("F", bound=Declared)
R = TypeVar("R")


class Registry(Mapping[str, F], Generic[F]):
    """All faults of one end, by name, in the order of their declaration. ``kind`` is what a message calls one of them."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._faults: dict[str, F] = {}

    def __getitem__(self, name: str) -> F:
        return self._faults[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._faults)

    def __len__(self) -> int:
        return len(self._faults)

    def register(self, make: Callable[[Any], F]) -> Callable[[R], R]:
        """A decorator for a rewrite, which ``make`` turns into its fault. Raises ValueError at import for a name used twice."""

        def declare(rewrite: R) -> R:
            made = make(rewrite)
            if made.name in self._faults:
                raise ValueError(f"{self._kind} {made.name} is declared twice")
            self._faults[made.name] = made
            return rewrite

        return declare

    def named(self, name: str, *, where: str) -> F:
        """The fault of this name. Raises UsageError with the nearest name."""
        found = self._faults.get(name)
        if found is not None:
            return found
        near = nearest(name, self._faults)
        fix = f"did you mean {near}? harness faults lists them all" if near else "harness faults lists them all"
        raise UsageError(f"unknown {self._kind} {name!r}", where=where, fix=fix)


class Rewrites:
    """The rewrites of some faults by plane, applied in the order in which the faults were named."""

    def __init__(self, faults: Iterable[Declared]) -> None:
        self._by_plane: dict[str, list[Any]] = {}
        for one in faults:
            for plane, rewrite in one.rewrites.items():
                self._by_plane.setdefault(plane, []).append(rewrite)

    def rewritten(self, plane: str, value: R, *more: Any) -> R:
        """``value`` after each rewrite of this plane."""
        for rewrite in self._by_plane.get(plane, ()):
            value = rewrite(value, *more)
        return value

    def made(self, plane: str, dialect: Dialect) -> Sequence[Any]:
        """Rewrites of a plane that are made once for each call, so that they may keep a state."""
        return [make(dialect) for make in self._by_plane.get(plane, ())]

    def packets(self) -> PacketRewrite | None:
        """The rewrite of a new call's outgoing RTP, or None where it leaves as it is: then nothing is called for each packet."""
        makes = self._by_plane.get("rtp", ())
        if not makes:
            return None
        rewrites: list[PacketRewrite] = [make() for make in makes]

        def chain(packet: RtpPacket) -> Iterable[RtpPacket]:
            packets = [packet]
            for rewrite in rewrites:
                packets = [out for one in packets for out in rewrite(one)]
            return packets

        return chain


def leaving(event: Event, rewrites: Iterable[EventRewrite]) -> list[Outgoing]:
    """What leaves in place of an event, and after how many seconds. What is no event any more is not rewritten further."""
    out: list[Outgoing] = [(0.0, event)]
    for rewrite in rewrites:
        out = [
            (delay + more, message)
            for delay, one in out
            for more, message in (rewrite(one) if isinstance(one, Mapping) else [(0.0, one)])
        ]
    return out
