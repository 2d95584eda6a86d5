"""Timers on a clock that only moves when it is told to."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.fake.timers import Timers


def test_the_time_of_an_appointment_is_its_own_however_late_the_caller_is():
    timers, seen = Timers(), []
    timers.run(0.0)
    timers.after(1.0, lambda: (seen.append(timers.now), timers.after(1.0, lambda: seen.append(timers.now))))
    timers.run(10.0)
    assert seen == [1.0, 2.0]
    assert timers.now == 10.0


def test_cancelled_appointments_are_neither_kept_nor_waited_for():
    timers, seen = Timers(), []
    first = timers.at(1.0, lambda: seen.append("first"))
    timers.at(2.0, lambda: seen.append("second"))
    first.cancel()
    assert timers.next == 2.0
    timers.run(5.0)
    assert seen == ["second"]
    assert timers.next is None


@given(st.lists(st.floats(0.0, 10.0)))
def test_everything_is_done_once_in_order(times):
    timers, seen = Timers(), []
    for index, time in enumerate(times):
        timers.at(time, lambda time=time, index=index: seen.append((time, index)))
    for now in (3.0, 1.0, 10.0):
        timers.run(now)
    assert seen == sorted(seen)
    assert len(seen) == len(times)
