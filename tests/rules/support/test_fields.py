from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.rules.support.fields import MISSING, at, index, leaves, listing, mapping, number, shown, text

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
EVENT = {"item": {"id": "i", "content": [1, 2], "note": None}, "n": 3, "half": 0.5, "yes": True}


def test_reading() -> None:
    assert at(EVENT, "item", "id") == "i"
    assert at(EVENT, "item", "note") is None
    assert at(EVENT, "item", "absent") is MISSING
    assert at(EVENT, "n", "deeper") is MISSING
    assert text(EVENT, "item", "id") == "i"
    assert text(EVENT, "n") == ""
    assert mapping(EVENT, "item")["id"] == "i"
    assert mapping(EVENT, "n") == {}
    assert list(listing(EVENT, "item", "content")) == [1, 2]
    assert listing(EVENT, "item", "id") == (), "a string is no array"


@pytest.mark.parametrize(
    ("value", "as_number", "as_index"),
    [(3, 3, 3), (3.0, 3.0, 3), (0.5, 0.5, None), (True, None, None), ("3", None, None), (None, None, None)]
    + [(odd, None, None) for odd in (float("nan"), float("inf"), float("-inf"), 10**400)],
)
def test_numbers(value: Any, as_number: float | None, as_index: int | None) -> None:
    assert number({"x": value}, "x") == as_number
    assert index({"x": value}, "x") == as_index


@given(JSON, st.lists(st.sampled_from("abc"), max_size=3))
def test_nothing_raises(value: Any, path: list[str]) -> None:
    assert isinstance(text(value, *path), str)
    assert isinstance(mapping(value, *path), dict)
    assert isinstance(listing(value, *path), (list, tuple))
    assert number(value, *path) is None or index(value, *path) in (None, number(value, *path))
    assert len(shown(at(value, *path), 40)) <= 40


@given(JSON)
def test_leaves_are_where_they_say(value: Any) -> None:
    for path, leaf in leaves(value):
        assert at(value, *path) is leaf


def test_leaves_keep_arrays_whole() -> None:
    assert dict(leaves({"a": {"b": [1], "c": {}}, "d": 1})) == {("a", "b"): [1], ("a", "c"): {}, ("d",): 1}
