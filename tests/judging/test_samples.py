"""Medians and percentiles, and how short times are said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.judging.samples import Distribution, in_words, percentile, pooled


@pytest.mark.parametrize(
    ("count", "share", "expected"),
    [(1, 95, 1.0), (19, 95, 19.0), (20, 95, 19.0), (21, 95, 20.0), (100, 95, 95.0), (10, 50, 5.0), (3, 99, 3.0)],
)
def test_a_percentile_is_a_measured_value(count: int, share: float, expected: float) -> None:
    assert percentile([float(n) for n in range(count, 0, -1)], share) == expected


def test_no_value_has_no_percentile() -> None:
    with pytest.raises(ValueError, match="no value"):
        percentile([], 95)


@given(st.lists(st.floats(0, 100), min_size=1), st.sampled_from([50, 75, 90, 95, 99]))
def test_that_share_of_the_values_does_not_exceed_it(values: list[float], share: int) -> None:
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) * 100 >= share * len(values)


def test_distribution() -> None:
    assert Distribution.of([0.3, 0.1]).to_json() == {"n": 2, "median": 0.2, "p95": 0.3}


def test_values_are_pooled_by_name() -> None:
    assert pooled([{"a": [1.0]}, {"b": [3.0], "a": [2.0]}]) == {"a": [1.0, 2.0], "b": [3.0]}


@pytest.mark.parametrize(("seconds", "words"), [(0.0, "0 ms"), (0.9994, "999 ms"), (1.0, "1.00 s"), (-2.5, "-2.50 s")])
def test_words(seconds: float, words: str) -> None:
    assert in_words(seconds) == words
