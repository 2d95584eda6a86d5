"""Appointments on a clock that only moves when it is told to."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.fake.timers import Agenda


def test_the_time_of_an_appointment_is_its_own_however_late_the_caller_is():
    agenda, seen = Agenda(), []
    agenda.run(0.0)
    agenda.after(1.0, lambda: (seen.append(agenda.now), agenda.after(1.0, lambda: seen.append(agenda.now))))
    agenda.run(10.0)
    assert seen == [1.0, 2.0]
    assert agenda.now == 10.0


def test_cancelled_appointments_are_neither_kept_nor_waited_for():
    agenda, seen = Agenda(), []
    first = agenda.at(1.0, lambda: seen.append("first"))
    agenda.at(2.0, lambda: seen.append("second"))
    first.cancel()
    assert agenda.next == 2.0
    agenda.run(5.0)
    assert seen == ["second"]
    assert agenda.next is None


@given(st.lists(st.floats(0.0, 10.0)))
def test_everything_is_done_once_in_order(times):
    agenda, seen = Agenda(), []
    for index, time in enumerate(times):
        agenda.at(time, lambda time=time, index=index: seen.append((time, index)))
    for now in (3.0, 1.0, 10.0):
        agenda.run(now)
    assert seen == sorted(seen)
    assert len(seen) == len(times)
