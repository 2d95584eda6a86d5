"""Every fuzz target takes its seeds, parts of them, and any short octets; the fuzzer itself is a command of its own."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import SEEDS, TARGETS


def test_every_target_has_seeds() -> None:
    assert SEEDS.keys() == TARGETS.keys()


@pytest.mark.parametrize("name", TARGETS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_targets_take_seeds_with_other_octets_in_them(name: str, data: st.DataObject) -> None:
    seed = data.draw(st.sampled_from(SEEDS[name]))
    start = data.draw(st.integers(0, len(seed)))
    end = data.draw(st.integers(start, len(seed)))
    TARGETS[name](seed[:start] + data.draw(st.binary(max_size=12)) + seed[end:])


@pytest.mark.parametrize("name", TARGETS)
def test_targets_take_their_seeds(name: str) -> None:
    for seed in SEEDS[name]:
        TARGETS[name](seed)
