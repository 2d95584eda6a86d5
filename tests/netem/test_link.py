"""The way of datagrams through the emulated network: on time, in order, told, and harmless to what is built on it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from harness.netem.emulator import Blackout, Conditions, Direction, Emulator, Path
from harness.netem.link import Wire, describe, is_handshake, is_rtp, settings
from harness.running import clock

STUN, RTP, RTCP, HANDSHAKE, DATA = b"\x00\x01", b"\x80\x60rtp", b"\x80\xc8", b"\x16\xfe\xfd", b"\x17\xfe\xfd"
LOSE_ALL = Conditions(loss=1.0)
SOCKET = object()


def virtual(main: Callable[[], Awaitable[None]]) -> None:
    clock.run(main, time="virtual")


class Line:
    """A wire with what came out of it, and when, and what it told."""

    def __init__(self, conditions: Conditions, seed: int = 0) -> None:
        self.told: list[tuple[float, dict[str, Any]]] = []
        self.came: list[tuple[float, str]] = []
        self._clock = asyncio.get_running_loop().time
        self.network = Emulator(conditions, seed=seed)
        self.wire = Wire(self.network, lambda **data: self.told.append((round(self._clock(), 6), data)))

    def send(self, name: str, data: bytes = STUN, *, direction: Direction = "sent", socket: object = SOCKET) -> None:
        deliver = lambda: self.came.append((round(self._clock(), 6), name))  # noqa: E731
        self.wire.carry(direction, data, deliver, socket=socket)


def test_a_datagram_arrives_after_the_delay_to_the_microsecond() -> None:
    async def main() -> None:
        line = Line(Conditions(delay=0.08))
        line.send("a")
        await asyncio.sleep(0.02)
        line.send("b", direction="received")
        assert line.came == []
        await asyncio.sleep(1)
        assert line.came == [(0.08, "a"), (0.1, "b")]

    virtual(main)


def test_without_delay_it_arrives_at_once_but_never_before_what_is_under_way() -> None:
    async def main() -> None:
        line = Line(Conditions())
        line.send("a")
        assert line.came == [(0.0, "a")]

    virtual(main)


def test_a_later_datagram_with_a_shorter_way_does_not_wait_for_a_reordered_one() -> None:
    async def main() -> None:
        line = Line(Conditions(delay=0.01, reorder=0.5, reorder_by=0.05), seed=1)
        for number in range(6):
            line.send(str(number))
            await asyncio.sleep(0.02)
        await asyncio.sleep(1)
        assert [name for _, name in line.came] != sorted(name for _, name in line.came)
        assert line.came == sorted(line.came)
        assert line.network.counts["sent"].reordered > 0

    virtual(main)


def test_a_duplicate_is_delivered_twice() -> None:
    async def main() -> None:
        line = Line(Conditions(duplicate=1.0, delay=0.01))
        line.send("a")
        await asyncio.sleep(1)
        assert line.came == [(0.01, "a"), (0.01, "a")]

    virtual(main)


def test_a_lost_record_of_the_handshake_is_sent_again_after_one_second_then_two() -> None:
    async def main() -> None:
        line = Line(Conditions(blackouts=(Blackout(0.0, 6.9),)))
        line.send("handshake", HANDSHAKE)
        line.send("data", DATA)
        line.send("rtp", RTP)
        await asyncio.sleep(60)
        assert line.came == [(7.0, "handshake")]
        assert line.network.counts["sent"].datagrams == 6

    virtual(main)


def test_closing_a_socket_hastens_what_it_sent_and_drops_what_it_would_get() -> None:
    async def main() -> None:
        line = Line(Conditions(delay=0.5))
        other = object()
        line.send("goodbye")
        line.send("for nobody", direction="received")
        line.send("of another", socket=other)
        line.wire.hasten(SOCKET)
        assert line.came == [(0.0, "goodbye")]
        await asyncio.sleep(1)
        assert line.came == [(0.0, "goodbye"), (0.5, "of another")]

    virtual(main)


def test_a_handshake_that_is_lost_again_while_the_socket_closes_is_not_kept() -> None:
    async def main() -> None:
        line = Line(LOSE_ALL)
        line.send("handshake", HANDSHAKE)
        line.wire.hasten(SOCKET)
        sent = line.network.counts["sent"].datagrams
        await asyncio.sleep(100)
        assert line.network.counts["sent"].datagrams == sent

    virtual(main)


def test_closed_it_carries_nothing_and_wakes_nobody() -> None:
    async def main() -> None:
        line = Line(Conditions(delay=0.5, blackouts=(Blackout(1.0, 1.0),)))
        line.send("a")
        line.wire.close()
        line.send("b")
        told = len(line.told)
        await asyncio.sleep(10)
        assert line.came == []
        assert len(line.told) == told

    virtual(main)


def test_it_tells_its_settings_the_blackouts_and_now_and_then_the_counts() -> None:
    async def main() -> None:
        line = Line(Conditions(blackouts=(Blackout(2.0, 3.0),), cut_off=9.0))
        for _ in range(120):
            line.send("a", RTP)
            await asyncio.sleep(0.1)
        line.wire.close()
        states = [(t, data["blackout"]) for t, data in line.told if "blackout" in data]
        assert states == [(2.0, "began"), (5.0, "ended"), (9.0, "cut-off")]
        assert line.told[0][1]["conditions"] == {
            "blackouts": ({"after": 2.0, "lasts": 3.0, "every": None},),
            "cut_off": 9.0,
        }
        counts = [(t, data["sent"]["lost"]) for t, data in line.told if "sent" in data]
        assert [round(t) for t, _ in counts] == [5, 10, 12]
        assert counts[-1][1] == line.network.counts["sent"].lost

    virtual(main)


def test_an_undisturbed_wire_tells_no_counts() -> None:
    async def main() -> None:
        line = Line(Conditions())
        for _ in range(200):
            line.send("a")
            await asyncio.sleep(0.1)
        line.wire.close()
        assert line.told == []

    virtual(main)


@pytest.mark.parametrize(
    ("data", "rtp", "handshake"),
    [
        (STUN, False, False),
        (RTP, True, False),
        (b"\x80\xe0rtp with a marker", True, False),
        (RTCP, False, False),
        (b"\x80\xc9", False, False),
        (HANDSHAKE, False, True),
        (b"\x14\xfe\xfd", False, True),
        (DATA, False, False),
        (b"\x15\xfe\xfd", False, False),
        (b"", False, False),
        (b"\x80", False, False),
    ],
)
def test_datagrams_are_told_apart_by_their_first_octets(data: bytes, rtp: bool, handshake: bool) -> None:
    assert (is_rtp(data), is_handshake(data)) == (rtp, handshake)


def test_conditions_are_described_in_words() -> None:
    assert describe({"loss": 0.05, "delay": 0.08, "cut_off": 10.0, "audio_lost": "sent"}) == (
        "loss 5 %, delay 80 ms, cut off after 10 s, audio lost that is sent"
    )
    assert describe({"burst_loss": {"enter": 0.01, "leave": 0.25, "loss": 1.0}}) == (
        "burst loss enter 1 % leave 25 % loss 100 %"
    )
    assert describe({}) == "nothing is disturbed"


def test_what_means_nothing_without_another_word_is_not_told() -> None:
    set_to = settings(
        Conditions(delay=0.03, sent=Path(delay=0.03, bandwidth=96e3), received=Path(loss=0.1, reorder=0.2))
    )
    assert set_to == {
        "delay": 0.03,
        "sent": {"delay": 0.03, "bandwidth": 96e3, "queue": 0.2},
        "received": {"loss": 0.1, "reorder": 0.2, "reorder_by": 0.05},
    }
    assert describe(set_to) == (
        "delay 30 ms, sent (delay 30 ms, bandwidth 96 kbit/s, queue 200 ms), received (loss 10 %, reorder 20 %, reorder by 50 ms)"
    )
    assert settings(Conditions()) == {}
    assert describe(settings(Conditions(blackouts=(Blackout(3.0, 12.0),)))) == "blackout after 3 s for 12 s"


def test_a_change_is_told_and_holds_for_what_enters_behind_it() -> None:
    async def main() -> None:
        line = Line(Conditions())
        line.send("a")
        await asyncio.sleep(1)
        line.wire.change(Conditions(delay=0.5))
        line.send("b")
        await asyncio.sleep(0.1)
        line.wire.change(Conditions(blackouts=(Blackout(1.0, 2.0),)))
        await asyncio.sleep(2)
        line.send("dark")
        line.wire.change(Conditions())
        line.send("c")
        await asyncio.sleep(5)
        line.wire.close()
        assert line.came == [(0.0, "a"), (1.5, "b"), (3.1, "c")]
        assert [(at, said.get("conditions"), said.get("blackout")) for at, said in line.told if "sent" not in said] == [
            (1.0, {"delay": 0.5}, None),
            (1.1, {"blackouts": ({"after": 1.0, "lasts": 2.0, "every": None},)}, None),
            (2.1, None, "began"),
            (3.1, {}, None),
            (3.1, None, "ended"),
        ]

    virtual(main)


def test_a_wire_that_is_changed_before_its_first_datagram_begins_with_the_change() -> None:
    async def main() -> None:
        line = Line(Conditions())
        line.wire.change(Conditions(delay=0.5))
        line.send("a")
        await asyncio.sleep(1)
        assert line.came == [(0.5, "a")]
        assert [said["conditions"] for _, said in line.told] == [{"delay": 0.5}]
        line.wire.close()
        line.wire.change(Conditions())
        assert len(line.told) == 1

    virtual(main)
