"""What the proxy adds to the delay of a call: median, 99th percentile and maximum of its own, for events and for packets. Pure."""

from __future__ import annotations

from array import array
from typing import Any

from harness.judging.samples import percentile


class Delays:
    """Seconds between the arrival of something at the proxy and its being handed to the transport of the other side."""

    def __init__(self) -> None:
        self._seconds: dict[str, array[float]] = {
            "events": array("d"),
            "packets": array("d"),
            "held_events": array("d"),
        }
        self.dropped = 0

    def event(self, seconds: float, *, held: bool = False) -> None:
        """An event was handed on. ``held``: the other side's channel was not open yet as it came; such waits are told apart."""
        self._seconds["held_events" if held else "events"].append(seconds)

    def packet(self, seconds: float) -> None:
        """An audio packet was handed on."""
        self._seconds["packets"].append(seconds)

    def drop(self) -> None:
        """An audio packet could not be handed on: the other side is not connected yet, or no longer."""
        self.dropped += 1

    def to_json(self) -> dict[str, Any]:
        """``events``, ``packets``, ``held_events``: {count, median_ms, p99_ms, longest_ms}, left out where there were none; ``dropped_packets``."""
        told: dict[str, Any] = {name: _figures(values) for name, values in self._seconds.items() if values}
        return {**told, "dropped_packets": self.dropped} if self.dropped else told


def _figures(values: array[float]) -> dict[str, float]:
    told = {"median_ms": percentile(values, 50), "p99_ms": percentile(values, 99), "longest_ms": max(values)}
    return {"count": len(values)} | {name: round(seconds * 1000, 3) for name, seconds in told.items()}
