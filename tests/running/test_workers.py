"""Work in this process and in others: every result once, errors passed on, a lost process told in words."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from harness.running import workers
from harness.running.workers import WorkerLost, spread


def double(number: int) -> int:
    return number * 2


def refuse(number: int) -> int:
    raise ValueError(f"not {number}")


def vanish(number: int) -> int:
    os._exit(1)


def touch(path: Path, stop: Callable[[], None]) -> str:
    path.touch()
    if path.name == "stop":
        stop()
    return path.name


def stumble(path: Path) -> str:
    return touch(path, lambda: refuse(1))


def die(path: Path) -> str:
    return touch(path, lambda: os.kill(os.getpid(), signal.SIGKILL))


def interrupt(path: Path) -> str:
    return touch(path, lambda: os.kill(os.getpid(), signal.SIGINT))


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


@pytest.mark.parametrize(("work", "error"), [(stumble, ValueError), (die, WorkerLost), (interrupt, KeyboardInterrupt)])
def test_what_is_finished_is_given_before_the_error(
    tmp_path: Path, work: Callable[[Path], str], error: type[BaseException]
) -> None:
    names = ("first", "second", "stop", *(f"later-{number}" for number in range(6)))
    found: dict[int, str] = {}

    def take() -> None:
        for number, name in spread(work, [tmp_path / name for name in names], workers=2):
            found[number] = name

    with pytest.raises(error):
        take()
    assert names.index("stop") not in found
    assert all(names[number] == name for number, name in found.items())
    begun = {path.name for path in tmp_path.iterdir()}
    assert "stop" in begun
    if error is not WorkerLost:  # the process that is lost takes with it what it had not handed over
        assert begun - {"stop"} == {*found.values()}


@pytest.fixture
def in_worker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Event]:
    """As if this process were a worker."""
    stopping = get_context("spawn").Event()
    monkeypatch.setattr(workers, "_stopping", stopping)
    before = signal.getsignal(signal.SIGINT)
    yield stopping
    signal.signal(signal.SIGINT, before)


def test_control_c_interrupts_the_task_and_no_other_begins(in_worker: Event, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        workers._one(interrupt, tmp_path / "stop")
    assert in_worker.is_set()
    with pytest.raises(KeyboardInterrupt):
        workers._one(interrupt, tmp_path / "later")
    assert not (tmp_path / "later").exists()


def test_control_c_is_left_to_others_where_there_is_nothing_to_interrupt(in_worker: Event) -> None:
    workers._ready(in_worker)
    os.kill(os.getpid(), signal.SIGINT)
    assert workers._one(double, 2) == 4
    os.kill(os.getpid(), signal.SIGINT)
    assert not in_worker.is_set()


def test_where_nobody_looks_further_no_task_begins() -> None:
    begun: list[int] = []

    def note(number: int) -> int:
        begun.append(number)
        return number

    for _ in spread(note, [1, 2, 3], workers=1):
        break
    assert begun == [1]
