"""Short forms stand for exactly one long form; whatever is none stays as it is."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.rules.support.short_forms import written_out

_PACKETS = '"payload_type": 96, "first": 0.0, "packets"'


@pytest.mark.parametrize(
    ("short", "long"),
    [
        (
            "packets sent 7 0:1:960",
            f'rtp.packets {{"direction": "sent", "ssrc": 7, {_PACKETS}: [[0, 1, 960, 3, 0, 248]]}}',
        ),
        (
            'packets received 2 0:1:0:9:1:3 20:2:960 40:3:1920:8 {"first": 2.5}',
            'rtp.packets {"direction": "received", "ssrc": 2, "payload_type": 96, "first": 2.5, "packets": '
            "[[0, 1, 0, 9, 1, 3], [20, 2, 960, 9, 1, 3], [40, 3, 1920, 8, 1, 3]]}",
        ),
        (
            "levels sent 0.5 -30*2 -59.9 -60",
            'audio.levels {"direction": "sent", "start": 0.0, "step": 0.5, "levels": [-30, -30, -59.9, -60], "speech": [1, 1, 1, 0]}',
        ),
        (
            'levels received 1 -30 {"start": 2.0, "speech": [0], "flatness": [0.5]}',
            'audio.levels {"direction": "received", "start": 2.0, "step": 1, "levels": [-30], "speech": [0], "flatness": [0.5]}',
        ),
        (
            '< x.delta @r/i/0/1 {"delta": "a"}',
            '< x.delta {"response_id": "r", "item_id": "i", "output_index": 0, "content_index": 1, "delta": "a"}',
        ),
        ("> x @r//2", '> x {"response_id": "r", "output_index": 2}'),
        ("< x @r/i", '< x {"response_id": "r", "item_id": "i"}'),
        ('< x {"a": 1}', '< x {"a": 1}'),
        ("+1.5s", "+1.5s"),
    ],
)
def test_forms(short: str, long: str) -> None:
    doc = f"Text.\n\n    Okay:\n        {short}\n\n    More text."
    assert written_out(doc) == f"Text.\n\n    Okay:\n        {long}\n\n    More text."


def test_a_deeper_line_continues_an_example_and_nothing_else() -> None:
    doc = 'Text:\n    deeper.\n\nOkay:\n    < x\n        {"a": 1,\n        "b": 2}\n    > y\nFail:\n    < z\n\nText\n      deeper.'
    assert written_out(doc) == (
        'Text:\n    deeper.\n\nOkay:\n    < x {"a": 1, "b": 2}\n    > y\nFail:\n    < z\n\nText\n      deeper.'
    )


@given(st.lists(st.tuples(*[st.integers(0, 99_999)] * 6), min_size=1))
def test_every_packet_can_be_written_short(packets: list[tuple[int, ...]]) -> None:
    line = f"packets sent 1 {' '.join(':'.join(map(str, packet)) for packet in packets)}"
    head, _, data = written_out(f"Okay:\n    {line}").splitlines()[1].strip().partition(" ")
    assert head == "rtp.packets"
    assert json.loads(data)["packets"] == [list(packet) for packet in packets]
