from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.protocol.opus import FRAME_SAMPLES, LONGEST, SHORTEST, frame_count, packet_samples, toc_samples


def test_the_table_covers_all_configurations() -> None:
    assert len(FRAME_SAMPLES) == 32
    assert (FRAME_SAMPLES[3], FRAME_SAMPLES[12], FRAME_SAMPLES[13], FRAME_SAMPLES[16], FRAME_SAMPLES[31]) == (
        2880,
        480,
        960,
        120,
        960,
    )


@pytest.mark.parametrize(
    ("payload", "samples"),
    [
        (b"\xf8\xff\xfe", 960),  # the silence packet of libopus: CELT, 20 ms, one frame
        (b"\x78\x00", 960),  # hybrid, 20 ms
        (b"\x1b\x02", 5760),  # SILK 60 ms, code 3, two frames: 120 ms, the longest
        (b"\x1b\x03", 0),  # three of them: 180 ms, not allowed
        (b"\xfb\x00", 0),  # code 3 with no frames
        (b"\xfb", 0),  # code 3 without the count
        (b"", 0),
        (b"\xf9\x00\x00", 1920),  # code 1: two frames
    ],
)
def test_packet_samples(payload: bytes, samples: int) -> None:
    assert packet_samples(payload) == samples


@given(st.binary(max_size=8))
def test_a_duration_is_legal_or_nothing(payload: bytes) -> None:
    samples = packet_samples(payload)
    assert samples == 0 or SHORTEST <= samples <= LONGEST
    assert samples % SHORTEST == 0


@given(st.integers(0, 255), st.binary(min_size=1, max_size=4))
def test_the_toc_agrees_with_the_packet(toc: int, rest: bytes) -> None:
    expected = toc_samples(toc)
    if frame_count(toc) is None:
        assert expected is None
    else:
        assert packet_samples(bytes([toc]) + rest) == expected


def test_an_empty_packet_has_no_toc() -> None:
    assert toc_samples(-1) is None
