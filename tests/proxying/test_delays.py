"""What the proxy added: percentiles by the nearest rank, in milliseconds; and in words for people."""

from __future__ import annotations

from harness.proxying.delays import Delays
from harness.rules.support.reception import added_text


def test_figures() -> None:
    delays = Delays()
    for number in range(1, 101):
        delays.event(number / 1000)
    delays.packet(0.0005)
    delays.event(0.25, held=True)
    delays.drop()
    told = delays.to_json()
    assert told == {
        "events": {"count": 100, "median_ms": 50.0, "p99_ms": 99.0, "longest_ms": 100.0},
        "packets": {"count": 1, "median_ms": 0.5, "p99_ms": 0.5, "longest_ms": 0.5},
        "held_events": {"count": 1, "median_ms": 250.0, "p99_ms": 250.0, "longest_ms": 250.0},
        "dropped_packets": 1,
    }
    assert added_text(told) == (
        "50 ms per event (99th percentile 99 ms, 100 events); 0.5 ms per packet (99th percentile 0.5 ms, 1 packets); "
        "1 events waited for the other side's channel, at most 250 ms; 1 packets came while the other side was not connected"
    )


def test_nothing_handed_on_is_nothing_told() -> None:
    assert Delays().to_json() == {}
    assert added_text({}) == ""
