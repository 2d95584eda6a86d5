"""Intervals, budgets and the claims that are not made."""

from __future__ import annotations

import random
import statistics

import pytest

from harness.comparing.statistics import FEWEST, Budget, bootstrap, latency_change, more_often
from harness.errors import UsageError

QUICK, SLOW = [[0.32]] * FEWEST, [[0.54]] * FEWEST


@pytest.mark.parametrize(
    ("text", "median", "seconds"),
    [("20%", 0.5, 0.1), ("200ms", 0.5, 0.2), ("0.5s", 0.1, 0.5), (" 0% ", 0.5, 0.001), ("20%", 0.0, 0.001)],
)
def test_budget(text: str, median: float, seconds: float) -> None:
    assert Budget.parse(text).over(median) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "20", "-5%", "20 percent", "1min", "nan%"])
def test_what_is_no_budget_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="not a budget"):
        Budget.parse(text)


def test_exact_values_have_an_exact_difference() -> None:
    assert bootstrap(QUICK, SLOW).to_json() == {"difference": 0.22, "low": 0.22, "high": 0.22}


def test_the_interval_is_the_same_every_time_in_whatever_order() -> None:
    draw = random.Random(1)
    values = [[draw.gauss(0.3, 0.05)] for _ in range(30)]
    one, other = bootstrap(values, SLOW), bootstrap(values[::-1], SLOW)
    assert one == other
    assert one.low < one.difference < one.high


def test_the_interval_holds_the_difference_of_the_true_medians_in_most_cases() -> None:
    draw = random.Random(7)
    held = 0
    for _ in range(50):
        before, after = ([[draw.expovariate(1 / scale)] for _ in range(20)] for scale in (0.3, 0.6))
        found = bootstrap(before, after)
        held += found.low <= 0.3 * 0.693147 <= found.high
    assert held >= 45


def test_too_few_values_are_no_claim() -> None:
    found = latency_change("x", QUICK[1:], SLOW, budget=Budget.parse("1ms"))
    assert (found.interval, found.direction, found.beyond, found.runs) == (None, "unknown", False, (FEWEST - 1, FEWEST))


def test_one_side_alone_is_told_and_not_compared() -> None:
    found = latency_change("x", [], SLOW, budget=Budget.parse("1ms"))
    assert (found.before, found.interval, found.runs) == (None, None, (0, FEWEST))
    assert found.after is not None


def test_the_whole_interval_has_to_lie_beyond_the_budget() -> None:
    noisy = [[0.32], [0.5], [0.53], [0.54], [0.55], [0.9]]
    assert latency_change("x", QUICK, SLOW, budget=Budget.parse("200ms")).beyond
    assert not latency_change("x", QUICK, SLOW, budget=Budget.parse("220ms")).beyond
    assert not latency_change("x", QUICK, noisy, budget=Budget.parse("200ms")).beyond
    assert latency_change("x", QUICK, noisy).direction == "slower"
    assert latency_change("x", SLOW, noisy).direction == "same"
    assert not latency_change("x", SLOW, QUICK, budget=Budget.parse("1ms")).beyond
    assert latency_change("x", SLOW, QUICK).direction == "faster"


def test_what_the_caller_takes_is_no_regression() -> None:
    found = latency_change("x", QUICK, SLOW, budget=Budget.parse("1ms"), service=False)
    assert (found.beyond, found.direction) == (False, "slower")


def test_the_values_of_one_run_are_no_sample_of_runs() -> None:
    found = latency_change("x", [[0.32] * 50], [[0.54] * 50], budget=Budget.parse("1ms"))
    assert (found.interval, found.runs) == (None, (1, 1))
    assert found.before is not None
    assert found.before.n == 50


def test_runs_are_drawn_whole() -> None:
    """Ten values of each of six runs say as much of the runs as one value of each."""
    starts = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
    one = bootstrap([[t] for t in starts], SLOW)
    ten = bootstrap([[t] * 10 for t in starts], SLOW)
    assert (one.difference, one.low, one.high) == (ten.difference, ten.low, ten.high)


def test_the_median_of_a_draw_is_the_median() -> None:
    draw = random.Random(5)
    runs = [[draw.random() for _ in range(draw.randint(1, 4))] for _ in range(7)]
    zero = [[0.0]] * FEWEST
    found = bootstrap(zero, runs)
    samples = sorted(
        statistics.median([value for run in draw.choices(runs, k=7) for value in run]) for _ in range(4000)
    )
    assert found.low == pytest.approx(samples[100], abs=0.05)
    assert found.high == pytest.approx(samples[-100], abs=0.05)


def test_many_values_are_drawn_in_portions() -> None:
    draw = random.Random(3)
    values = [[draw.random(), draw.random()] for _ in range(1500)]
    found = bootstrap(values, [[value + 1 for value in run] for run in values])
    assert found.low < 1 < found.high


@pytest.mark.parametrize(
    ("before", "after", "chance"),
    [((0, 10), (0, 10), 1.0), ((0, 0), (5, 5), 1.0), ((0, 10), (5, 10), 0.01625), ((1, 20), (10, 20), 0.001671)],
)
def test_more_often_is_fishers_test(before: tuple[int, int], after: tuple[int, int], chance: float) -> None:
    assert more_often(before, after) == pytest.approx(chance, rel=0.01)
