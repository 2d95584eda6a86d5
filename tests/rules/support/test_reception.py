"""Media as it came: what is lost, late and uneven is counted as it was made."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.netem.emulator import Conditions, Emulator
from harness.rules.support.reception import as_text, media_of
from tests.limits import Limit
from tests.traces import trace

Row = tuple[float, str, dict[str, Any]]


def rtp(rows: list[tuple[float, int, int]], *, direction: str = "received", ssrc: int = 7) -> Row:
    """An entry of (milliseconds, sequence, timestamp) rows."""
    data = {"direction": direction, "ssrc": ssrc, "payload_type": 111, "first": 0.0}
    return (0.0, "rtp.packets", {**data, "packets": [[ms, seq & 0xFFFF, ts, 9, 0, 120] for ms, seq, ts in rows]})


def even(numbers: list[int], start: int = 0) -> list[tuple[float, int, int]]:
    return [(number * 20, start + number, number * 960) for number in numbers]


def measured(*rows: Row, direction: str = "received") -> dict[str, Any]:
    found: dict[str, Any] = media_of(trace(*rows))[direction]
    return found


def test_an_even_stream_has_no_faults() -> None:
    assert measured(rtp(even([0, 1, 2]))) == {
        "packets": 3,
        "lost": 0,
        "loss_percent": 0.0,
        "longest_loss": 0,
        "reordered": 0,
        "jitter_ms": 0.0,
        "jitter_max_ms": 0.0,
        "longest_gap_ms": 20.0,
    }


def test_a_trace_without_media_measures_nothing() -> None:
    assert media_of(trace()) == {}
    assert as_text({}) == ""


def test_losses_are_numbers_that_are_missing_across_the_wrap() -> None:
    found = measured(rtp(even([0, 1, 4, 5, 7], start=65533)))
    assert (found["packets"], found["lost"], found["longest_loss"], found["loss_percent"]) == (5, 3, 2, 37.5)
    assert found["longest_gap_ms"] == 60.0


def test_what_comes_late_is_reordered_and_not_lost() -> None:
    found = measured(rtp([(0, 1, 960), (40, 3, 2880), (41, 2, 1920), (60, 4, 3840)]))
    assert (found["lost"], found["reordered"], found["packets"]) == (0, 1, 4)


def test_a_repeated_packet_counts_once() -> None:
    assert measured(rtp(even([0, 1, 1, 2])))["packets"] == 3


def test_jitter_is_the_estimate_of_rfc_3550() -> None:
    # D is 16 ms once: J = 16/16 ms, then decays by a sixteenth with the next on time; the second change is back by 16 ms.
    found = measured(rtp([(0, 0, 0), (36, 1, 960), (40, 2, 1920)]))
    assert found["jitter_max_ms"] == pytest.approx(1 + (16 - 1) / 16, abs=0.01)
    assert found["jitter_ms"] == pytest.approx((1 + 1 + 15 / 16) / 2, abs=0.01)


def test_a_sender_that_begins_anew_loses_nothing_in_between() -> None:
    found = measured(rtp([*even([0, 1]), (40, 30_000, 5), (60, 30_001, 965)]))
    assert (found["packets"], found["lost"]) == (4, 0)


def test_streams_that_follow_each_other_are_added_up() -> None:
    found = measured(rtp(even([0, 1, 3])), rtp(even([100, 102]), ssrc=8))
    assert (found["packets"], found["lost"]) == (5, 2)


def test_the_directions_are_apart_and_the_network_is_told() -> None:
    rows = (
        rtp(even([0, 2])),
        rtp(even([0, 1]), direction="sent"),
        (0.0, "connection.disturbed", {"text": "", "conditions": {"loss": 0.05}}),
        (5.0, "connection.disturbed", {"text": "", "sent": {"lost": 1}, "received": {"lost": 2}}),
        (9.0, "connection.disturbed", {"text": "", "sent": {"lost": 3}, "received": {"lost": 4}}),
    )
    found = media_of(trace(*rows))
    assert (found["received"]["lost"], found["sent"]["lost"]) == (1, 0)
    assert found["network"] == {"conditions": {"loss": 0.05}, "sent": {"lost": 3}, "received": {"lost": 4}}
    assert as_text(found) == ("received 2 packets, 33.33 % lost, jitter 0 ms · sent 2 packets, 0 % lost, jitter 0 ms")


@given(seed=st.integers(0, 50), loss=st.floats(0, 0.5), start=st.integers(0, 65535))
def test_the_measure_agrees_with_the_emulator(seed: int, loss: float, start: int) -> None:
    network = Emulator(Conditions(loss=loss, delay=0.05), seed=seed)
    came = [number for number in range(200) if network.carry("received", number * 0.02, audio=True)]
    if came:
        found = measured(rtp(even(came, start)))
        outside = came[0] + 199 - came[-1]  # before the first and behind the last nobody can know
        assert found["lost"] == network.counts["received"].lost - outside
        assert found["packets"] == len(came)


ROWS = st.lists(st.lists(st.integers(-(2**33), 2**33), min_size=5, max_size=7) | st.just(["x"] * 6), max_size=6)


@given(ROWS)
def test_rows_of_any_kind_are_measured_without_a_fuss(rows: list[Any]) -> None:
    data = {"direction": "received", "ssrc": 1, "payload_type": 1, "first": 0.0, "packets": rows}
    assert set(media_of(trace((0.0, "rtp.packets", data)))) == {"received"}


def counted(what: str, *numbers: int) -> int:
    found: int = measured(rtp(even(list(numbers))))[what]
    return found


LIMITS = (
    Limit("a hundred behind", partial(counted, "reordered", 0, 2, 101, 1), 1),
    Limit("more than a hundred behind", partial(counted, "reordered", 0, 2, 102, 1), 0),
    Limit("three thousand ahead", partial(counted, "lost", 0, 3000), 2999),
    Limit("a sender that begins anew", partial(counted, "lost", 0, 3001), 0),
)
