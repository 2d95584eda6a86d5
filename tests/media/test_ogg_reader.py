"""Packets of an Ogg Opus file come back as they went in; no file, however damaged, is more than a ValueError."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.media import ogg
from harness.media.ogg_reader import packets

payloads = st.lists(st.binary(min_size=1, max_size=700), max_size=120)


@given(payloads)
def test_what_was_written_is_read(written: list[bytes]) -> None:
    assert list(packets(ogg.file([(960, one) for one in written]))) == written


@given(payloads, st.integers(0, 100_000))
def test_a_file_that_breaks_off_gives_the_packets_before(written: list[bytes], end: int) -> None:
    whole = ogg.file([(960, one) for one in written])
    with contextlib.suppress(ValueError):
        found = list(packets(whole[: end % len(whole)]))
        assert found == written[: len(found)]


@given(st.binary(max_size=300))
def test_any_octets_are_refused_or_read(data: bytes) -> None:
    with contextlib.suppress(ValueError):
        list(packets(b"OggS" + data))
    with pytest.raises(ValueError, match="not an Ogg Opus file"):
        packets(b"RIFF" + data)
