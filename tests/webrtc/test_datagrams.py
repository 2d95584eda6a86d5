"""Two ends with a bad network between them: DTLS, SCTP and ICE survive what they must, exactly and repeatably, or say that they did not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest
from aiortc import rtcsctptransport

from harness.netem.emulator import Blackout, BurstLoss, Conditions, Emulator
from harness.running import clock
from tests.peers import connected

T = TypeVar("T")
BAD = Conditions(loss=0.05, burst_loss=BurstLoss(0.006, 0.3), delay=0.08, jitter=0.02, reorder=0.01, duplicate=0.005)


def virtual(main: Callable[[], Awaitable[T]]) -> T:
    return clock.run(main, time="virtual", seed=0)


@pytest.mark.parametrize("seed", range(6))
def test_every_message_arrives_once_and_in_order_over_a_lossy_line(seed: int) -> None:
    async def main() -> list[Any]:
        async with connected(network=Emulator(BAD, seed=seed)) as (caller, service):
            for number in range(60):
                caller.channels[0].send(f"up {number}")
                service.channels[0].send(f"down {number}")
                await asyncio.sleep(0.05)
            await asyncio.sleep(10)
            assert not caller.peer.unacknowledged
            assert not service.peer.unacknowledged
        assert service.messages == [f"up {number}" for number in range(60)]
        assert caller.messages == [f"down {number}" for number in range(60)]
        return [
            (entry.t, entry.kind, entry.data.get("state") or entry.data.get("text"))
            for entry in caller.recorder.entries
        ] + [(packet.t, packet.sequence) for packet in caller.seen("received")]

    first = virtual(main)
    assert virtual(main) == first


@pytest.mark.parametrize("drawn", [0, 1, 0x7FFFFFFF, 0xFFFFFFF7, 0xFFFFFFFF])
def test_all_is_acknowledged_whatever_number_the_association_begins_with(
    drawn: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rtcsctptransport, "random32", lambda: drawn)

    async def main() -> None:
        async with connected(network=Emulator(Conditions(loss=0.2, delay=0.03), seed=1)) as (caller, service):
            for number in range(30):
                caller.channels[0].send(f"up {number}")
                await asyncio.sleep(0.02)
            await asyncio.sleep(20)
            assert service.messages == [f"up {number}" for number in range(30)]
            assert not caller.peer.unacknowledged

    virtual(main)


def test_the_handshake_repeats_what_the_network_swallows_and_takes_that_long() -> None:
    async def main() -> None:
        # ICE is through after two exchanges; then it is dark, and DTLS tries after 1 and 3 seconds.
        async with connected(network=Emulator(Conditions(blackouts=(Blackout(0.001, 2.0),), delay=0.0005))) as (
            caller,
            _,
        ):
            pass
        (secured,) = caller.of("connection.secured")
        assert 2.0 < secured.t < 8.0

    virtual(main)


def test_the_round_trip_is_measured_on_the_loops_clock() -> None:
    async def main() -> None:
        async with connected(network=Emulator(Conditions(delay=0.2))) as (caller, _):
            for _ in range(20):
                caller.channels[0].send("x")
                await asyncio.sleep(1)
            assert caller.peer.pc.sctp._srtt == pytest.approx(0.4, abs=1e-4)
            assert caller.peer.pc.sctp._rto == 1

    virtual(main)


def test_a_round_trip_longer_than_ice_waits_for_an_answer_costs_consent() -> None:
    async def main() -> None:
        async with connected(network=Emulator(Conditions(delay=0.4))) as (caller, _):
            await asyncio.wait_for(caller.peer.lost.wait(), 45)
            assert "consent" in caller.peer.lost_because

    virtual(main)


def test_rtp_takes_as_long_as_the_network_says() -> None:
    async def main() -> None:
        async with connected(network=Emulator(Conditions(delay=0.08))) as (caller, service):
            await asyncio.sleep(1)
        sent = {packet.sequence: packet.t for packet in caller.seen("sent")}
        took = {round(packet.t - sent[packet.sequence], 6) for packet in service.seen("received")[:-5]}
        assert took == {0.08}

    virtual(main)


def test_a_duplicated_packet_is_heard_once() -> None:
    async def main() -> None:
        async with connected(network=Emulator(Conditions(duplicate=1.0, delay=0.01))) as (caller, service):
            await asyncio.sleep(1)
        sequences = [packet.sequence for packet in service.seen("received")]
        assert len(sequences) == len(set(sequences)) > 40
        assert caller.seen("received")

    virtual(main)


@pytest.mark.parametrize(("way", "heard"), [("sent", (0, 40)), ("received", (40, 0))])
def test_one_way_audio_leaves_everything_else_alone(way: Any, heard: tuple[int, int]) -> None:
    async def main() -> None:
        async with connected(network=Emulator(Conditions(audio_lost=way))) as (caller, service):
            caller.channels[0].send("x")
            await asyncio.sleep(2)
            assert service.messages == ["x"]
        got = len(service.seen("received")), len(caller.seen("received"))
        assert [number >= least for number, least in zip(got, heard, strict=True)] == [True, True]
        assert 0 in got

    virtual(main)


def test_a_blackout_shorter_than_consent_is_survived() -> None:
    async def main() -> None:
        async with connected(network=Emulator(Conditions(blackouts=(Blackout(1.0, 20.0),)))) as (caller, service):
            await asyncio.sleep(5)
            caller.channels[0].send("from the dark")
            await asyncio.sleep(60)
            assert service.messages == ["from the dark"]
            assert not caller.peer.lost.is_set()
            assert not service.peer.lost.is_set()

    virtual(main)


@pytest.mark.parametrize(
    "conditions", [Conditions(cut_off=2.0), Conditions(blackouts=(Blackout(2.0, 45.0),))], ids=["cut-off", "blackout"]
)
def test_where_consent_expires_both_ends_notice(conditions: Conditions) -> None:
    async def main() -> None:
        async with connected(network=Emulator(conditions)) as (caller, service):
            for end in (caller, service):
                await asyncio.wait_for(end.peer.lost.wait(), 45)
                assert "consent" in end.peer.lost_because
            assert asyncio.get_running_loop().time() > 2 + 24

    virtual(main)


def test_the_last_words_of_a_call_arrive_though_the_way_is_long() -> None:
    async def main() -> None:
        async with connected(network=Emulator(Conditions(delay=0.1))) as (caller, service):
            await caller.peer.close()
            await asyncio.wait_for(service.peer.lost.wait(), 1)
            assert service.states("connection.dtls")[-1] == "closed"

    virtual(main)
