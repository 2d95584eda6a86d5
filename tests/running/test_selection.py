"""The expressions of -k and -m: pytest's words, their binding, and what is none."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.running.selection import WrongExpression, compile_expression


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("yes", True),
        ("no", False),
        ("not no", True),
        ("not not yes", True),
        ("yes or no and no", True),  # and binds closer than or
        ("(yes or no) and no", False),
        ("not no and no", False),  # not binds closest
        ("not (no and no)", True),
        (" yes\tand(yes)", True),
        ("yes/a.yaml::azure-ga[1]", False),
    ],
)
def test_words_are_joined_as_in_pytest(expression: str, expected: bool) -> None:
    assert compile_expression(expression)(lambda word: word == "yes") is expected


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("", "expected a word, not, or (, and it ends"),
        ("and", "at column 1: expected a word, not, or (, got 'and'"),
        ("a b", "at column 3: expected the end, got 'b'"),
        ("(a", "expected a closing parenthesis, and it ends"),
        ("a or", "expected a word, not, or (, and it ends"),
        ("a)", "at column 2: expected the end, got ')'"),
        ("a & b", "at column 3: expected the end, got '&'"),
        ("(" * 1000 + "a", "nested deeper than 50 levels"),
    ],
)
def test_what_is_no_expression_is_told_with_its_place(expression: str, message: str) -> None:
    with pytest.raises(WrongExpression, match=rf"^{re.escape(message)}$"):
        compile_expression(expression)


words = st.sampled_from(["yes", "no"])
expressions = st.recursive(
    words,
    lambda inner: (
        st.builds("{} and {}".format, inner, inner)
        | st.builds("{} or {}".format, inner, inner)
        | st.builds("not {}".format, inner)
        | st.builds("({})".format, inner)
    ),
    max_leaves=8,
)


@given(expressions)
def test_it_means_what_python_means_by_it(expression: str) -> None:
    expected = eval(expression, {"yes": True, "no": False})
    assert compile_expression(expression)(lambda word: word == "yes") is bool(expected)


@given(st.text())
def test_any_text_is_an_expression_or_told_to_be_none(text: str) -> None:
    with suppress(WrongExpression):
        assert compile_expression(text)(lambda word: False) in (True, False)
