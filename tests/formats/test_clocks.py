from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.formats.clocks import Stamp, stamp_in, stamp_of, times_of


@pytest.mark.parametrize(
    ("text", "stamp"),
    [
        ("[12:03:11.201] -> ", Stamp(43391.201, "day", True)),
        ("12:03:11 server", Stamp(43391.0, "day", False)),
        ("2026-11-28T07:31:36.527Z recv", Stamp(1795851096.527, "epoch", True)),
        ("2026-11-28 07:31:36,527 INFO", Stamp(27096.527, "day", True)),
        ("[2026-11-28T08:31:36+01:00]", Stamp(1795851096.0, "epoch", False)),
        ("+1.25s ", Stamp(1.25, "relative", True)),
        ("  340 ms: ", Stamp(0.34, "relative", True)),
        ("1795851096527 ", Stamp(1795851096.527, "epoch", True)),
        ("0:12.480 ", Stamp(12.48, "relative", True)),
        ("[ 12.345] ", Stamp(12.345, "relative", True, unit=False)),
        ("app.js:118 ", None),
        ("25:61:61", None),
        ("", None),
    ],
)
def test_a_time_in_the_words_before_an_event(text: str, stamp: Stamp | None) -> None:
    found = stamp_in(text)
    assert (found is None) == (stamp is None)
    if found is not None and stamp is not None:
        assert found.seconds == pytest.approx(stamp.seconds)
        assert (found.clock, found.fine, found.unit) == (stamp.clock, stamp.fine, stamp.unit)


@pytest.mark.parametrize(
    ("value", "name", "seconds", "clock"),
    [
        (1795851096527, "timestamp", 1795851096.527, "epoch"),
        (1795851096.5, "time", 1795851096.5, "epoch"),
        (1795851096527000000, "ts", 1795851096.527, "epoch"),
        (340, "elapsed_ms", 0.34, "relative"),
        (340, "atMs", 0.34, "relative"),
        (3.4, "t", 3.4, "relative"),
        ("2026-11-28T07:31:36.527Z", "time", 1795851096.527, "epoch"),
        ("1795851096527", "time", 1795851096.527, "epoch"),
    ],
)
def test_a_time_in_a_field(value: object, name: str, seconds: float, clock: str) -> None:
    found = stamp_of(value, name)
    assert found is not None
    assert found.seconds == pytest.approx(seconds)
    assert found.clock == clock


@pytest.mark.parametrize("value", [None, True, -1, float("nan"), float("inf"), [], {}, "soon"])
def test_what_is_no_time(value: object) -> None:
    assert stamp_of(value) is None


def day(*seconds: float) -> list[Stamp | None]:
    return [Stamp(one, "day", True) for one in seconds]


def relative(*seconds: float) -> list[Stamp | None]:
    return [Stamp(one, "relative", True, unit=False) for one in seconds]


def test_a_call_over_midnight_goes_on() -> None:
    assert times_of(day(86399.5, 0.5)).seconds == (86399.5, 86400.5)


def test_the_newest_first_is_read_from_its_end() -> None:
    found = times_of(day(30.0, 20.0, 10.0))
    assert (found.seconds, found.order) == ((10.0, 20.0, 30.0), (2, 1, 0))
    assert found.notes == ("it has the newest first, and was read from its end",)


def test_lines_out_of_order_are_sorted() -> None:
    found = times_of(day(1.0, 3.0, 2.0, 5.0, 4.0, 6.0))
    assert found.order == (0, 2, 1, 4, 3, 5)
    assert found.seconds == (1.0, 2.0, 3.0, 4.0, 5.0, 6.0)


def test_a_clock_that_was_set_back_keeps_the_order_and_loses_the_times_behind_it() -> None:
    found = times_of(day(*range(1, 21), 15.5, 16.5, 30.0))
    assert found.order == tuple(range(23))
    assert found.seconds[19:] == (20.0, None, None, 30.0)
    assert "2 of its times" in found.notes[0]


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ((0.5, 1.0, 2.5), (0.5, 1.0, 2.5)),  # a second or two between events
        ((500, 1000, 9000, 12000), (0.5, 1.0, 9.0, 12.0)),  # as seconds they would be minutes apart
        ((100.0, 5600.0), (0.1, 5.6)),  # as seconds a call of an hour and a half
    ],
)
def test_numbers_without_a_unit_are_what_makes_a_call_of_them(
    written: tuple[float, ...], seconds: tuple[float, ...]
) -> None:
    assert times_of(relative(*written)).seconds == pytest.approx(seconds)


def test_times_to_the_second_give_the_order_alone() -> None:
    found = times_of([Stamp(one, "day", False) for one in (10.0, 10.0, 11.0)])
    assert (found.seconds, found.clock) == ((None, None, None), "none")


def test_two_clocks_in_one_log_are_not_used() -> None:
    found = times_of([Stamp(1.0, "relative", True), Stamp(1795851096.5, "epoch", True)])
    assert found.clock == "none"
    assert "two clocks" in found.notes[0]


def test_a_log_with_few_times_has_none() -> None:
    assert times_of([Stamp(1.0, "day", True), None, None]).clock == "none"


@given(st.lists(st.one_of(st.none(), st.floats(0, 2e5).map(lambda t: Stamp(t, "day", True))), max_size=30))
def test_times_never_fall_and_nothing_is_lost(stamps: list[Stamp | None]) -> None:
    found = times_of(stamps)
    assert sorted(found.order) == list(range(len(stamps)))
    known = [one for one in found.seconds if one is not None]
    assert known == sorted(known)


@given(st.text(max_size=60))
def test_any_text_has_a_time_or_none(text: str) -> None:
    found = stamp_in(text)
    assert found is None or found.seconds >= 0
