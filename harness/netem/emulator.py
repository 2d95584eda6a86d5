"""The network between the two ends of a call, as a pure emulator: a datagram and the time go in, its times of arrival come out.

Each direction has its own seeded chances, and every datagram draws the same number of them whatever the settings: the same seed
loses the same datagrams again, more loss loses those and others, and more jitter changes nothing about which are lost.

A datagram meets, in this order: a blackout or the cut-off, one-way audio, loss, burst loss, the queue in front of a narrow line,
delay with jitter, duplication, reordering. Jitter alone never reorders: it comes from queues, and a queue keeps the order.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Blackout", "BurstLoss", "Conditions", "Counts", "Direction", "Emulator", "Path"]

Direction = Literal["sent", "received"]
_DIRECTIONS: tuple[Direction, ...] = ("sent", "received")
# The headers of UDP and IPv4 take their share of the line too (RFC 768, RFC 791 section 3.1).
_HEADERS = 28


@dataclass(frozen=True, slots=True)
class BurstLoss:
    """Loss in bursts, by the model of Gilbert and Elliott: a good state, in which nothing is lost, and a bad one.

    ``enter`` and ``leave`` are the chances of a datagram to change the state before it, ``loss`` its chance to be lost in the
    bad state, all between 0 and 1. On average ``loss * enter / (enter + leave)`` is lost, in bursts of ``1 / leave`` datagrams.
    """

    enter: float
    leave: float
    loss: float = 1.0


@dataclass(frozen=True, slots=True)
class Blackout:
    """Nothing passes from ``after`` seconds on for ``lasts`` seconds; with ``every``, again that many seconds after each start."""

    after: float
    lasts: float
    every: float | None = None

    def covers(self, elapsed: float) -> bool:
        """Whether it is dark ``elapsed`` seconds after the first datagram."""
        since = _micros(elapsed) - _micros(self.after)
        if since >= 0 and self.every:
            since %= _micros(self.every)
        return 0 <= since < _micros(self.lasts)

    def next_change(self, elapsed: float) -> float | None:
        """When it next begins or ends, later than ``elapsed``; None: never again."""
        since = _micros(elapsed) - _micros(self.after)
        if since < 0:
            return self.after
        every = _micros(self.every) if self.every else None
        start = since - since % every if every else 0
        changes = (start + _micros(self.lasts), start + every if every else None)
        coming = next((one for one in changes if one is not None and one > since), None)
        return None if coming is None else (_micros(self.after) + coming) / 1e6


def _micros(seconds: float) -> int:
    """Whole microseconds: fractions of a second do not add up in floating point, and a change must not be missed by a hair."""
    return round(seconds * 1e6)


@dataclass(frozen=True, slots=True)
class Path:
    """What the network does to the datagrams of one direction. Chances are between 0 and 1, times seconds; the default is nothing.

    ``delay`` is of one way and varies by ``jitter`` up and down, evenly. A reordered datagram comes ``reorder_by`` later than its
    turn. A line of ``bandwidth`` bits a second takes one datagram after the other; one that would wait longer than ``queue`` is lost.
    """

    loss: float = 0.0
    burst_loss: BurstLoss | None = None
    delay: float = 0.0
    jitter: float = 0.0
    reorder: float = 0.0
    reorder_by: float = 0.05
    duplicate: float = 0.0
    bandwidth: float | None = None
    queue: float = 0.2


@dataclass(frozen=True, slots=True)
class Conditions(Path):
    """What the network does in both directions; ``sent`` and ``received``, seen from the caller, stand in for it in one of them.

    ``audio_lost``: RTP in this direction never arrives, and everything else does. ``cut_off``: nothing passes any more from then on.
    Times of blackouts and of the cut-off count from the first datagram, or from the change to these conditions.
    """

    audio_lost: Direction | None = None
    blackouts: tuple[Blackout, ...] = ()
    cut_off: float | None = None
    sent: Path | None = None
    received: Path | None = None

    def path(self, direction: Direction) -> Path:
        """What holds in this direction."""
        return (self.sent if direction == "sent" else self.received) or self


@dataclass(slots=True)
class Counts:
    """How many datagrams entered the network in one direction, and what became of them."""

    datagrams: int = 0
    lost: int = 0
    duplicated: int = 0
    reordered: int = 0

    def to_json(self) -> dict[str, int]:
        """As it stands in a trace."""
        return {
            "datagrams": self.datagrams,
            "lost": self.lost,
            "duplicated": self.duplicated,
            "reordered": self.reordered,
        }


@dataclass(slots=True)
class _Way:
    """One direction: its chances, and how far it is."""

    chance: random.Random
    counts: Counts = field(default_factory=Counts)
    bad: bool = False
    last: float = 0.0  # when the latest datagram arrives that has kept its turn
    free: float = 0.0  # when the line has taken the last datagram that waits for it


class Emulator:
    """The network of one call. ``carry`` every datagram in the order in which it enters; times are seconds of any one clock."""

    def __init__(self, conditions: Conditions, *, seed: int | str = 0) -> None:
        self.conditions = conditions
        self._start: float | None = None
        self._ways = {way: _Way(random.Random(f"{seed}:{way}")) for way in _DIRECTIONS}

    @property
    def counts(self) -> Mapping[Direction, Counts]:
        """What has happened so far."""
        return {name: way.counts for name, way in self._ways.items()}

    def start(self, now: float) -> None:
        """Begin to count the times of blackouts and of the cut-off; the first datagram does it otherwise. Later calls do nothing."""
        if self._start is None:
            self._start = now

    def change(self, conditions: Conditions, now: float, *, seed: int | str | None = None) -> None:
        """From ``now`` on these conditions hold, and their times count from here; what is under way arrives as it would have.

        The chances go on where they are, or with ``seed`` begin anew.
        """
        self.conditions = conditions
        self._start = now
        for name, way in self._ways.items():
            way.bad = False
            if seed is not None:
                way.chance = random.Random(f"{seed}:{name}")

    def is_dark(self, now: float) -> bool:
        """Whether nothing passes: a blackout, or the cut-off."""
        elapsed = self._elapsed(now)
        cut = self.conditions.cut_off
        return (cut is not None and elapsed >= cut) or any(one.covers(elapsed) for one in self.conditions.blackouts)

    def is_cut_off(self, now: float) -> bool:
        """Whether nothing will ever pass again."""
        cut = self.conditions.cut_off
        return cut is not None and self._elapsed(now) >= cut

    def next_change(self, now: float) -> float | None:
        """When a blackout next begins or ends, or the cut-off comes, later than ``now``; None: never."""
        elapsed = self._elapsed(now)
        changes = [one.next_change(elapsed) for one in self.conditions.blackouts]
        cut = self.conditions.cut_off
        if cut is not None:
            changes = [cut if elapsed < cut else None, *(one for one in changes if one is not None and one < cut)]
        coming = [one for one in changes if one is not None]
        return round(now - elapsed + min(coming), 6) if coming else None

    def carry(self, direction: Direction, now: float, *, size: int = 0, audio: bool = False) -> tuple[float, ...]:
        """When the datagram of ``size`` octets arrives: one time, two where it is duplicated, none where it is lost. ``audio``: it is RTP."""
        self.start(now)
        way, path = self._ways[direction], self.conditions.path(direction)
        draw = way.chance.random
        loss, change, bad_loss, early, copied, late, turn = (draw() for _ in range(7))
        way.counts.datagrams += 1
        lost = loss < path.loss
        if burst := path.burst_loss:
            way.bad = change >= burst.leave if way.bad else change < burst.enter
            lost = lost or (way.bad and bad_loss < burst.loss)
        if lost or self.is_dark(now) or (audio and self.conditions.audio_lost == direction):
            way.counts.lost += 1
            return ()
        left = _through_line(way, path, now, size)
        if left is None:
            way.counts.lost += 1
            return ()
        arrival = _arrival(path, left, early, way.last)
        if turn < path.reorder:
            way.counts.reordered += 1
            return (round(arrival + path.reorder_by, 6),)
        way.last = arrival
        if copied < path.duplicate:
            way.counts.duplicated += 1
            way.last = _arrival(path, left, late, arrival)
            return arrival, way.last
        return (arrival,)

    def _elapsed(self, now: float) -> float:
        # Rounded, so that a timer set for a change finds that it has come.
        return 0.0 if self._start is None else round(now - self._start, 6)


def _through_line(way: _Way, path: Path, now: float, size: int) -> float | None:
    """When the line has taken the datagram; None: there is no room for it in the queue."""
    if path.bandwidth is None:
        return now
    begins = max(now, way.free)
    if round(begins - now - path.queue, 6) > 0:
        return None
    way.free = begins + 8 * (size + _HEADERS) / path.bandwidth
    return way.free


def _arrival(path: Path, left: float, chance: float, not_before: float) -> float:
    jitter = path.jitter * (2 * chance - 1)
    return max(not_before, round(left + max(0.0, path.delay + jitter), 6))
