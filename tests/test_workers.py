"""Work in this process and in others: every result once, errors passed on, a lost process told in words."""

from __future__ import annotations

import os
import signal

import pytest

from harness.workers import WorkerLost, spread


def double(number: int) -> int:
    return number * 2


def refuse(number: int) -> int:
    raise ValueError(f"not {number}")


def vanish(number: int) -> int:
    os._exit(1)


def interrupted(number: int) -> int:
    os.kill(os.getpid(), signal.SIGINT)
    return number


@pytest.mark.parametrize("workers", [1, 2])
def test_every_result_comes_once_with_its_number(workers: int) -> None:
    assert dict(spread(double, [3, 4, 5], workers=workers)) == {0: 6, 1: 8, 2: 10}


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_is_passed_on(workers: int) -> None:
    with pytest.raises(ValueError, match=r"not [12]"):
        dict(spread(refuse, [1, 2], workers=workers))


def test_a_process_that_is_gone_is_told_in_words() -> None:
    with pytest.raises(WorkerLost, match="ended abruptly"):
        dict(spread(vanish, [1, 2], workers=2))


def test_control_c_is_left_to_the_process_that_was_started() -> None:
    assert dict(spread(interrupted, [1, 2], workers=2)) == {0: 1, 1: 2}


def test_where_nobody_looks_further_no_task_begins() -> None:
    begun: list[int] = []

    def note(number: int) -> int:
        begun.append(number)
        return number

    for _ in spread(note, [1, 2, 3], workers=1):
        break
    assert begun == [1]
