"""Dates of HTTP, whole and spoiled."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.protocol.http_date import epoch_seconds, instant

# Two of the forms of :rfc:`9110` section 5.6.7, of one moment.
MOMENT = datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)


@pytest.mark.parametrize("written", ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT"])
def test_a_date_is_a_moment(written: str) -> None:
    assert instant(written) == MOMENT
    assert epoch_seconds(written) == MOMENT.timestamp() == 784111777.0


@pytest.mark.parametrize("written", ["", "None", "yesterday", "Sun, 99 Nov 1994 08:49:37 GMT", "1784505600"])
def test_what_is_no_date_is_none(written: str) -> None:
    assert instant(written) is None
    assert epoch_seconds(written) is None


@given(st.text())
def test_any_text_is_read_without_an_exception(written: str) -> None:
    assert (epoch_seconds(written) is None) or (instant(written) is not None)
