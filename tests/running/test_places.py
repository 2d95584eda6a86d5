"""How many calls a service bears: its refusals, the time of its answers."""

from __future__ import annotations

from typing import Any

import pytest

from harness.running.places import FIRST_PAUSE, SLOWER, SLOWER_BY, Places, refusal
from harness.trace import Header, Recorder, Trace


def recorded(*responses: tuple[str, int, Any, dict[str, str]], seconds: float = 0.1) -> Trace:
    """A trace of these HTTP responses: step, status, body, headers."""
    recorder = Recorder(Header("client", "openai-ga", "http://x", "s", "real"), lambda: 0.0)
    for step, status, body, headers in responses:
        recorder.record("http.response", id=1, step=step, status=status, headers=headers, body=body, seconds=seconds)
    return recorder.trace()


FULL = {"error": {"message": "all session slots are busy"}}


@pytest.mark.parametrize(
    ("status", "body", "headers", "full"),
    [
        (429, "", {}, True),
        (429, {"error": {"code": "insufficient_quota"}}, {}, False),
        (429, {"error": {"message": "You exceeded your current quota"}}, {}, False),
        (503, FULL, {}, True),
        (503, "", {"retry-after": "3"}, True),
        (503, "<html>Bad gateway", {}, False),
        (500, FULL, {}, False),
        (201, "v=0", {}, False),
    ],
)
def test_refusal_for_want_of_a_place(status: int, body: Any, headers: dict[str, str], full: bool) -> None:
    found = refusal(recorded(("key", 200, {}, {}), ("call", status, body, headers)))
    assert (found is not None) is full
    if found is not None:
        assert (found.status, found.wait) == (status, 3.0 if headers else None)


def test_only_the_last_answer_of_the_set_up_counts() -> None:
    limited: tuple[str, int, Any, dict[str, str]] = ("call", 429, "", {})
    assert refusal(recorded(limited, ("call", 201, "v=0", {}))) is None
    assert refusal(recorded(("call", 201, "v=0", {}), ("hangup", 429, "", {}))) is None
    assert refusal(recorded()) is None


def test_a_refused_call_leaves_as_many_places_as_there_are_other_calls() -> None:
    places, full = Places(8), refusal(recorded(("call", 429, "", {"retry-after": "3"})))
    assert full is not None
    places.refused(full, others=5, now=10.0)
    assert (places.limit, places.not_before) == (5, 13.0)
    places.refused(full, others=7, now=20.0)
    assert places.limit == 5, "it never rises"
    places.refused(full, others=0, now=20.0)
    assert places.limit == 1


def test_each_pause_is_longer_than_the_one_before_until_a_call_is_made() -> None:
    places, full = Places(8), refusal(recorded(("call", 429, "", {})))
    assert full is not None
    pauses = []
    for _ in range(6):
        places.refused(full, others=1, now=0.0)
        pauses.append(places.not_before)
    assert pauses == [1.0, 2.0, 4.0, 8.0, 10.0, 10.0]
    places.made(recorded(("call", 201, "", {})), began=0.0, now=1.0)
    places.refused(full, others=1, now=0.0)
    assert places.not_before == FIRST_PAUSE


@pytest.mark.parametrize(
    ("usual", "taken", "fewer"),
    [(0.1, 0.1 + SLOWER_BY, False), (0.1, 0.11 + SLOWER_BY, True), (1.0, SLOWER, False), (1.0, SLOWER + 0.1, True)],
)
def test_an_answer_that_comes_much_later_takes_a_place_away(usual: float, taken: float, fewer: bool) -> None:
    places = Places(3)
    answer: tuple[str, int, Any, dict[str, str]] = ("call", 201, "", {})
    assert not places.made(recorded(answer, seconds=usual), began=0.0, now=1.0)
    slow = recorded(answer, seconds=taken)
    assert places.made(slow, began=2.0, now=8.0) is fewer
    assert places.limit == 3 - fewer
    assert not places.made(slow, began=7.0, now=9.0), "it was already under way"
    assert places.made(slow, began=9.0, now=10.0) is fewer
    assert not places.made(slow, began=11.0, now=12.0) or places.limit >= 1
