"""What the harness did to the network of the call, as far as the trace knows: rules give that much more time."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from harness.rules.base import View
from harness.rules.fields import listing, mapping, number

RETRANSMISSIONS = 3.0
"""Seconds by which lost messages come later than they were sent: SCTP waits at least one (RTO.Min, :rfc:`9260` section 16), two at the
second loss in a row."""


def slack(view: View) -> float:
    """Seconds by which things may have come later than they were sent, or apart from each other, by the harness's own doing.

    From the ``connection.disturbed`` entries: 0.0 where the network was left alone, infinite where it was cut off for good.
    """
    derived = view.trace.derived
    if "network slack" not in derived:
        derived["network slack"] = _slack(view)
    found: float = derived["network slack"]
    return found


def _slack(view: View) -> float:
    if any(entry.data.get("blackout") == "cut-off" for entry in view.trace.of("connection.disturbed")):
        return math.inf
    return sum(map(_most, _conditions(view)))


def _conditions(view: View) -> list[Mapping[str, Any]]:
    return [found for entry in view.trace.of("connection.disturbed") if (found := mapping(entry.data, "conditions"))]


def _most(conditions: Mapping[str, Any]) -> float:
    there_and_back = 2 * sum(number(conditions, name) or 0.0 for name in ("delay", "jitter"))
    dark = max(
        (number(one, "lasts") or 0.0 for one in listing(conditions, "blackouts") if isinstance(one, Mapping)),
        default=0.0,
    )
    lossy = dark or conditions.get("loss") or conditions.get("burst_loss")
    return there_and_back + dark + (RETRANSMISSIONS if lossy else 0.0)
