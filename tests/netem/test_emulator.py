"""The emulated network: exact by its seed, true to its settings, and blind to everything but time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.netem.emulator import Blackout, BurstLoss, Conditions, Direction, Emulator, Path

CHANCE = st.floats(0, 1)
SECONDS = st.floats(0, 2)
CONDITIONS = st.builds(
    Conditions,
    loss=CHANCE,
    burst_loss=st.none() | st.builds(BurstLoss, CHANCE, CHANCE, CHANCE),
    delay=SECONDS,
    jitter=SECONDS,
    reorder=CHANCE,
    reorder_by=SECONDS,
    duplicate=CHANCE,
    audio_lost=st.sampled_from([None, "sent", "received"]),
    bandwidth=st.none() | st.floats(1e3, 1e6),
    queue=SECONDS,
    cut_off=st.none() | SECONDS,
    sent=st.none()
    | st.builds(Path, loss=CHANCE, delay=SECONDS, jitter=SECONDS, bandwidth=st.none() | st.floats(1e3, 1e6)),
)
STEP = 0.02


def carried(
    conditions: Conditions, number: int = 200, *, seed: int = 0, direction: Direction = "sent"
) -> list[tuple[float, ...]]:
    """Arrivals of ``number`` datagrams that enter every 20 ms, as the time each takes."""
    network = Emulator(conditions, seed=seed)
    out = []
    for index in range(number):
        now = round(index * STEP, 6)
        out.append(tuple(round(at - now, 6) for at in network.carry(direction, now, audio=True)))
    return out


def lost_in(arrivals: list[tuple[float, ...]]) -> set[int]:
    return {index for index, one in enumerate(arrivals) if not one}


def test_an_undisturbed_network_delivers_at_once() -> None:
    assert carried(Conditions()) == [(0.0,)] * 200


def test_the_same_seed_makes_the_same_sequence() -> None:
    conditions = Conditions(loss=0.3, delay=0.08, jitter=0.02)
    assert carried(conditions, 8, seed=1) == [
        (),
        (0.070036,),
        (),
        (0.063043,),
        (0.064358,),
        (0.084018,),
        (0.096414,),
        (0.076414,),
    ]


def test_other_seeds_and_other_directions_make_others() -> None:
    conditions = Conditions(loss=0.3)
    first = lost_in(carried(conditions, seed=1))
    assert first != lost_in(carried(conditions, seed=2))
    assert first != lost_in(carried(conditions, seed=1, direction="received"))


def test_the_directions_do_not_disturb_each_other() -> None:
    conditions = Conditions(loss=0.3, jitter=0.02)
    alone, both = Emulator(conditions), Emulator(conditions)
    for index in range(50):
        both.carry("received", index * STEP)
        assert both.carry("sent", index * STEP) == alone.carry("sent", index * STEP)


@given(CONDITIONS, st.integers())
def test_the_same_settings_and_seed_repeat_exactly(conditions: Conditions, seed: int) -> None:
    assert carried(conditions, 30, seed=seed) == carried(conditions, 30, seed=seed)


@given(CONDITIONS, st.integers(0, 9))
def test_nothing_arrives_before_it_was_sent_and_the_counts_add_up(conditions: Conditions, seed: int) -> None:
    network = Emulator(conditions, seed=seed)
    arrivals = [(index * STEP, network.carry("sent", index * STEP, audio=True)) for index in range(60)]
    assert all(at >= sent - 1e-6 for sent, ats in arrivals for at in ats)
    counts = network.counts["sent"]
    assert counts.datagrams == 60
    assert sum(len(ats) for _, ats in arrivals) == 60 - counts.lost + counts.duplicated
    assert network.counts["received"].datagrams == 0


@given(st.floats(0, 1), st.floats(0, 1), st.integers(0, 9))
def test_more_loss_loses_the_same_datagrams_and_others(one: float, other: float, seed: int) -> None:
    less, more = sorted((one, other))
    assert lost_in(carried(Conditions(loss=less), 60, seed=seed)) <= lost_in(
        carried(Conditions(loss=more), 60, seed=seed)
    )


@given(SECONDS, SECONDS, st.integers(0, 9))
def test_delay_changes_nothing_about_what_is_lost(delay: float, jitter: float, seed: int) -> None:
    plain = Conditions(loss=0.2, burst_loss=BurstLoss(0.05, 0.3))
    slow = Conditions(loss=0.2, burst_loss=BurstLoss(0.05, 0.3), delay=delay, jitter=jitter)
    assert lost_in(carried(plain, 60, seed=seed)) == lost_in(carried(slow, 60, seed=seed))


@given(SECONDS, SECONDS, st.integers(0, 9))
def test_jitter_never_reorders(delay: float, jitter: float, seed: int) -> None:
    network = Emulator(Conditions(delay=delay, jitter=jitter, duplicate=0.3), seed=seed)
    arrivals = [at for index in range(80) for at in network.carry("sent", index * STEP)]
    assert arrivals == sorted(arrivals)


def test_jitter_stays_within_its_range_while_nothing_queues() -> None:
    delays = [one[0] for one in carried(Conditions(delay=0.08, jitter=0.01), 500)]
    assert 0.07 <= min(delays) < 0.0705
    assert 0.0895 < max(delays) <= 0.09


def test_what_is_reordered_comes_later_than_its_turn_and_holds_up_nobody() -> None:
    arrivals = carried(Conditions(delay=0.01, reorder=0.1, reorder_by=0.05))
    assert set(arrivals) == {(0.01,), (0.06,)}
    assert 8 <= arrivals.count((0.06,)) <= 35


def test_a_duplicate_is_the_same_datagram_twice() -> None:
    arrivals = carried(Conditions(duplicate=0.5, delay=0.03))
    assert set(arrivals) == {(0.03,), (0.03, 0.03)}


def test_independent_loss_comes_near_its_rate() -> None:
    assert len(lost_in(carried(Conditions(loss=0.05), 10_000))) == pytest.approx(500, abs=60)


def test_loss_in_bursts_comes_near_the_rate_and_the_length_of_the_model() -> None:
    lost = sorted(lost_in(carried(Conditions(burst_loss=BurstLoss(0.01, 0.25)), 50_000)))
    bursts = sum(1 for before, after in zip([-2, *lost], lost, strict=False) if after != before + 1)
    assert len(lost) / 50_000 == pytest.approx(0.01 / 0.26, rel=0.1)
    assert len(lost) / bursts == pytest.approx(4.0, rel=0.1)


def test_a_burst_may_let_some_through() -> None:
    whole = lost_in(carried(Conditions(burst_loss=BurstLoss(0.05, 0.1)), 2000))
    half = lost_in(carried(Conditions(burst_loss=BurstLoss(0.05, 0.1, 0.5)), 2000))
    assert half < whole
    assert len(half) == pytest.approx(len(whole) / 2, rel=0.15)


@pytest.mark.parametrize("way", ["sent", "received"])
def test_one_way_audio_loses_rtp_in_that_direction_and_nothing_else(way: Direction) -> None:
    network = Emulator(Conditions(audio_lost=way))
    other: Direction = "received" if way == "sent" else "sent"
    assert network.carry(way, 0.0, audio=True) == ()
    assert network.carry(way, 0.0, audio=False) == (0.0,)
    assert network.carry(other, 0.0, audio=True) == (0.0,)


def test_a_blackout_begins_and_ends_on_time_from_the_first_datagram() -> None:
    network = Emulator(Conditions(blackouts=(Blackout(after=1.0, lasts=0.5),)))
    assert network.carry("sent", 10.0) == (10.0,)
    passed = [now for now in (10.98, 11.0, 11.2, 11.48, 11.5, 12.0) if network.carry("received", now)]
    assert passed == [10.98, 11.5, 12.0]
    assert [network.next_change(now) for now in (10.0, 11.0, 11.2)] == [11.0, 11.5, 11.5]
    assert network.next_change(11.5) is None


def test_a_blackout_may_come_again() -> None:
    network = Emulator(Conditions(blackouts=(Blackout(after=1.0, lasts=0.5, every=3.0),)))
    network.start(0.0)
    changes, now = [], 0.0
    for _ in range(6):
        change = network.next_change(now)
        assert change is not None
        now = change
        changes.append((now, network.is_dark(now)))
    assert changes == [(1.0, True), (1.5, False), (4.0, True), (4.5, False), (7.0, True), (7.5, False)]


@given(after=st.integers(0, 5000), lasts=st.integers(1, 900), every=st.integers(901, 4000), start=st.integers(0, 3000))
def test_it_is_dark_between_two_changes_as_it_was_at_the_first(after: int, lasts: int, every: int, start: int) -> None:
    network = Emulator(Conditions(blackouts=(Blackout(after / 1000, lasts / 1000, every / 1000),)))
    network.start(start / 1000)
    now = start / 1000
    for _ in range(8):
        dark, change = network.is_dark(now), network.next_change(now)
        assert change is not None
        assert change > now
        assert network.is_dark(round((now + change) / 2, 6)) == dark
        assert network.is_dark(change) != dark
        now = change


def test_after_the_cut_off_nothing_passes_and_nothing_changes() -> None:
    network = Emulator(Conditions(cut_off=2.0, blackouts=(Blackout(1.0, 0.5, 3.0),)))
    network.start(5.0)
    assert [network.next_change(now) for now in (5.0, 6.0, 6.5, 7.0)] == [6.0, 6.5, 7.0, None]
    assert network.carry("sent", 6.99)
    assert not network.carry("sent", 7.0)
    assert not network.carry("sent", 1e6)
    assert network.is_cut_off(7.0)
    assert not network.is_cut_off(6.99)


def test_one_direction_may_differ_and_the_other_is_as_it_was() -> None:
    both, own = Conditions(loss=0.2, delay=0.03), Conditions(loss=0.2, delay=0.03, sent=Path(loss=0.5))
    assert carried(own, direction="received") == carried(both, direction="received")
    assert carried(own) == carried(Conditions(loss=0.5))
    assert (own.path("sent"), own.path("received")) == (Path(loss=0.5), own)


def sent_over(conditions: Conditions, *times: float, size: int = 72) -> list[float | None]:
    """When datagrams of 800 bits (with the headers of UDP and IP) arrive that enter at these times."""
    network = Emulator(conditions)
    arrivals = [network.carry("sent", now, size=size) for now in times]
    return [one[0] if one else None for one in arrivals]


def test_a_narrow_line_takes_one_datagram_behind_the_other() -> None:
    line = Conditions(bandwidth=8000.0, queue=1.0)
    assert sent_over(line, 0.0, 0.0, 0.0, 1.0) == [0.1, 0.2, 0.3, 1.1]
    assert sent_over(Conditions(bandwidth=8000.0, queue=1.0, delay=0.05), 0.0, 0.0) == [0.15, 0.25]
    assert sent_over(line, 0.0, size=972) == [1.0]


def test_what_does_not_fit_into_the_queue_is_lost_and_takes_no_room() -> None:
    network = Emulator(Conditions(bandwidth=8000.0, queue=0.2))
    arrivals = [network.carry("sent", now, size=72) for now in (0.0, 0.0, 0.0, 0.0, 0.1)]
    assert arrivals == [(0.1,), (0.2,), (0.3,), (), (0.4,)]
    assert network.counts["sent"].lost == 1
    assert network.carry("received", 0.1, size=72) == (0.2,)


def test_a_line_of_any_bandwidth_passes_no_more_than_that() -> None:
    network = Emulator(Conditions(bandwidth=64_000.0, queue=0.2))
    passed = sum(bool(network.carry("sent", index * 0.01, size=172)) for index in range(1000))
    assert passed * 200 * 8 / 10 == pytest.approx(64_000, rel=0.03)


def test_a_change_holds_from_now_on_and_its_times_count_from_there() -> None:
    network = Emulator(Conditions(delay=0.5))
    assert network.carry("sent", 10.0) == (10.5,)
    network.change(Conditions(delay=0.1, blackouts=(Blackout(1.0, 0.5),)), 20.0)
    assert network.carry("sent", 20.0) == (20.1,)
    assert network.next_change(20.0) == 21.0
    assert not network.carry("sent", 21.2)
    network.change(Conditions(), 21.3)
    assert network.carry("sent", 21.3) == (21.3,)
    assert network.next_change(21.3) is None


def test_even_a_cut_off_ends_where_the_network_is_changed() -> None:
    network = Emulator(Conditions(cut_off=0.0))
    assert not network.carry("sent", 1.0)
    network.change(Conditions(), 2.0)
    assert (network.is_cut_off(2.0), network.carry("sent", 2.0)) == (False, (2.0,))


def test_what_enters_behind_a_change_does_not_overtake_what_is_under_way() -> None:
    network = Emulator(Conditions(delay=0.5))
    network.carry("sent", 0.0)
    network.change(Conditions(delay=0.01), 0.1)
    assert network.carry("sent", 0.1) == (0.5,)


def test_a_change_goes_on_with_the_chances_or_begins_others() -> None:
    loss = Conditions(loss=0.5)
    plain, changed, seeded = (Emulator(loss, seed=1) for _ in range(3))
    changed.change(loss, 0.0)
    seeded.change(loss, 0.0, seed=1)
    assert [bool(plain.carry("sent", 0.1 * n)) for n in range(40)] == [
        bool(changed.carry("sent", 0.1 * n)) for n in range(40)
    ]
    plain.change(loss, 4.0, seed=1)
    assert [bool(plain.carry("sent", 4 + 0.1 * n)) for n in range(40)] == [
        bool(seeded.carry("sent", 0.1 * n)) for n in range(40)
    ]
