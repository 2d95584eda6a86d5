"""Ways to spoil what is valid: JSON values at any depth, and lines of text."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import strategies as st

numbers = st.sampled_from([0, -1, 1, 2**31, 2**53, 10**30, -(10**30), 0.5, 1e300, -0.0, float("inf"), float("nan")])
scalars = (
    st.none()
    | st.booleans()
    | numbers
    | st.text(max_size=8)
    | st.sampled_from(["\ud800", "x" * 2000, "\x00", "\u202e"])
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def spoiled(draw: st.DrawFn, whole: Any, times: int = 2) -> Any:
    """``whole`` with up to ``times`` of its values, at any depth, replaced by anything, doubled, or taken away."""
    whole = copy.deepcopy(whole)
    for _ in range(draw(st.integers(1, times))):
        place = whole
        while place:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            key = draw(st.sampled_from(keys))
            if isinstance(place[key], (dict, list)) and place[key] and draw(st.integers(0, 3)):
                place = place[key]
                continue
            match draw(st.integers(0, 3)):
                case 0:
                    del place[key]
                case 1 if isinstance(place, list):
                    place.insert(key, copy.deepcopy(place[key]))
                case _:
                    place[key] = draw(values)
            break
    return whole


@st.composite
def spoiled_text(draw: st.DrawFn, whole: str) -> str:
    """``whole`` with some of its lines taken away, doubled, moved, cut, or with other octets in them."""
    lines = whole.splitlines(keepends=True)
    for _ in range(draw(st.integers(1, 4))):
        if not lines:
            break
        at = draw(st.integers(0, len(lines) - 1))
        match draw(st.integers(0, 5)):
            case 0:
                del lines[at]
            case 1:
                lines.insert(draw(st.integers(0, len(lines))), lines[at])
            case 2:
                lines[at], lines[-1] = lines[-1], lines[at]
            case 3:
                lines[at] = lines[at][: draw(st.integers(0, len(lines[at])))] + "\r\n"
            case 4:
                words = lines[at].split(" ")
                words[draw(st.integers(0, len(words) - 1))] = draw(
                    st.text(max_size=10) | st.integers(-1, 2**64).map(str)
                )
                lines[at] = " ".join(words)
            case _:
                lines[at] = draw(st.sampled_from(["m=", "a=", "c=", ""])) + draw(st.text(max_size=20)) + "\r\n"
    return "".join(lines)
