"""Datagrams on their way through the emulated network: the rim that gives the emulator time, keeps what it delays, and tells."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from itertools import count
from typing import Any

from harness.netem.emulator import Conditions, Direction, Emulator

# The counts are told as often as this, where there is anything to tell.
_TELLING = 5.0
# RFC 6347 section 4.2.4.1: the initial and the largest retransmission timer of DTLS, in seconds.
_FIRST_REPEAT = 1.0
_LAST_REPEAT = 60.0

# About as large as a datagram of a DTLS handshake is.
_HANDSHAKE = 700

Deliver = Callable[[], None]


@dataclass(frozen=True, slots=True, eq=False)
class _Datagram:
    direction: Direction
    data: bytes
    deliver: Deliver
    socket: object


class Wire:
    """The way of one peer's datagrams through ``network``, on the running loop. ``tell`` gets the data of ``connection.disturbed`` entries.

    A lost record of the DTLS handshake is put on the wire again after a second, then two, and so on. OpenSSL would do it too, but its
    timer reads the wall clock: in virtual time it would never run out. A record that comes twice is dropped as a replay (:rfc:`6347`
    section 4.1.2.6), so nothing is lost by both doing it.
    """

    def __init__(self, network: Emulator, tell: Callable[..., object]) -> None:
        self._network = network
        self._tell = tell
        self._loop = asyncio.get_running_loop()
        self._numbers = count()
        self._under_way: list[tuple[float, int, _Datagram]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._change: asyncio.TimerHandle | None = None
        self._told_at = 0.0
        self._told: dict[Direction, dict[str, int]] = {}
        self._dark = False
        self._started = False
        self._closed = False

    def carry(self, direction: Direction, data: bytes, deliver: Deliver, *, socket: object) -> None:
        """Take a datagram of a socket; ``deliver`` is called when it arrives: at once, later, twice, or never."""
        if self._closed:
            return
        if not self._started:
            self._begin()
        self._carry(_Datagram(direction, data, deliver, socket), _FIRST_REPEAT)

    def hasten(self, socket: object) -> None:
        """Deliver at once what this socket sent: it is about to be closed, and the network would still have delivered it."""
        for _, _, datagram in sorted(self._under_way):
            if datagram.socket is socket and datagram.direction == "sent":
                datagram.deliver()
        self._under_way = [one for one in self._under_way if one[2].socket is not socket]
        heapq.heapify(self._under_way)

    def change(self, conditions: Conditions, *, seed: int | None = None) -> None:
        """From now on the network does this to what enters it; ``seed`` begins its chances anew."""
        if self._closed:
            return
        self._network.change(conditions, self._loop.time(), seed=seed)
        if self._change is not None:
            self._change.cancel()
        if not self._started:
            self._begin()
            return
        set_to = settings(conditions)
        what = (
            f"disturbs the network from here on: {describe(set_to)}"
            if set_to
            else "lets the network alone from here on"
        )
        self._tell(text=f"the harness {what}", conditions=set_to)
        self._look()

    def close(self) -> None:
        """Drop what is under way, stop the timers, tell the last counts. May be called again."""
        if self._closed:
            return
        self._closed = True
        self._under_way.clear()
        for timer in (self._timer, self._change):
            if timer is not None:
                timer.cancel()
        if self._started:
            self._tell_counts()

    def _begin(self) -> None:
        self._started = True
        now = self._told_at = self._loop.time()
        self._network.start(now)
        set_to = settings(self._network.conditions)
        if set_to:
            self._tell(text=f"the harness disturbs the network: {describe(set_to)}", conditions=set_to)
        self._look()

    def _carry(self, datagram: _Datagram, patience: float) -> None:
        now = self._loop.time()
        arrivals = self._network.carry(datagram.direction, now, size=_size(datagram.data), audio=is_rtp(datagram.data))
        if not arrivals and is_handshake(datagram.data):
            again = min(2 * patience, _LAST_REPEAT)
            self._put(now + patience, replace(datagram, deliver=lambda: self._carry(datagram, again)))
        for arrival in arrivals:
            if arrival <= now and not self._under_way:
                datagram.deliver()
            else:
                self._put(arrival, datagram)
        if now - self._told_at >= _TELLING:
            self._told_at = now
            self._tell_counts()

    def _put(self, at: float, datagram: _Datagram) -> None:
        heapq.heappush(self._under_way, (at, next(self._numbers), datagram))
        self._set_timer()

    def _set_timer(self) -> None:
        if not self._under_way or self._closed:
            return
        at = self._under_way[0][0]
        if self._timer is not None:
            if self._timer.when() <= at:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(at, self._arrive)

    def _arrive(self) -> None:
        self._timer = None
        now = self._loop.time()
        while self._under_way and self._under_way[0][0] <= now:
            heapq.heappop(self._under_way)[2].deliver()
        self._set_timer()

    def _look(self) -> None:
        """Tell when it gets dark, and light again."""
        now = self._loop.time()
        dark = self._network.is_dark(now)
        if dark != self._dark:
            self._dark = dark
            if self._network.is_cut_off(now):
                self._tell(text="the harness cuts the network off for good", blackout="cut-off")
            else:
                state = "began" if dark else "ended"
                self._tell(text=f"a blackout of the network, made by the harness, {state}", blackout=state)
        change = self._network.next_change(now)
        self._change = None if change is None else self._loop.call_at(change, self._look)

    def _tell_counts(self) -> None:
        counts = {name: one.to_json() for name, one in self._network.counts.items()}
        troubles = {
            name: {what: number for what, number in one.items() if what != "datagrams"} for name, one in counts.items()
        }
        if troubles == self._told:
            return
        self._told = troubles
        texts = [
            f"{name} {', '.join(f'{number} {what}' for what, number in one.items() if number)} of {counts[name]['datagrams']}"
            for name, one in troubles.items()
            if any(one.values())
        ]
        if texts:
            self._tell(text=f"datagrams until now: {'; '.join(texts)}", **counts)


def _size(data: bytes) -> int:
    """Octets that a narrow line takes. Certificates and signatures differ by a few in each call, and its times must repeat exactly."""
    return _HANDSHAKE if is_handshake(data) else len(data)


def is_rtp(data: bytes) -> bool:
    """Whether a datagram is (S)RTP, and not RTCP (:rfc:`7983` section 7, :rfc:`5761` section 4)."""
    return len(data) > 1 and 127 < data[0] < 192 and not 192 <= data[1] <= 223


def is_handshake(data: bytes) -> bool:
    """Whether a datagram is, or begins with, a record of a DTLS handshake: content types change_cipher_spec and handshake."""
    return data[:1] in (b"\x14", b"\x16")


def settings(conditions: Conditions) -> dict[str, Any]:
    """Conditions as they stand in a trace: what is disturbed, and nothing else."""
    return _set_to(asdict(conditions))


def _set_to(values: dict[str, Any]) -> dict[str, Any]:
    found = {
        name: _set_to(value) if name in ("sent", "received") and value else value for name, value in values.items()
    }
    idle = {"reorder_by": "reorder", "queue": "bandwidth"}  # words that mean nothing without another
    return {name: value for name, value in found.items() if value and found.get(idle.get(name, name))}


def describe(conditions: dict[str, Any]) -> str:
    """Conditions in a few words: chances in percent, times in milliseconds or seconds, ``sent (...)`` where one direction differs."""
    if not conditions:
        return "nothing is disturbed"
    return ", ".join(f"{_name(name)} {_words(name, value)}" for name, value in conditions.items())


_NAMES = {"cut_off": "cut off after", "blackouts": "blackout", "lasts": "for", "audio_lost": "audio lost that is"}


def _name(word: str) -> str:
    return _NAMES.get(word, word.replace("_", " "))


def _words(name: str, value: Any) -> str:
    if name in ("sent", "received"):
        return f"({describe(value)})"
    if isinstance(value, dict):
        return " ".join(f"{_name(key)} {_words(key, inner)}" for key, inner in value.items() if inner is not None)
    if isinstance(value, (list, tuple)):
        return " and ".join(_words(name, one) for one in value)
    if name in ("loss", "enter", "leave", "reorder", "duplicate"):
        return f"{100 * value:g} %"
    if name == "bandwidth":
        return f"{value / 1000:g} kbit/s"
    if isinstance(value, float):
        return f"{1000 * value:g} ms" if value < 1 else f"{value:g} s"
    return str(value)
