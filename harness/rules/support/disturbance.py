"""What the harness did to the network of the call, as far as the trace knows: rules give that much more time."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from harness.rules.base import View
from harness.rules.support.fields import listing, mapping, number

RETRANSMISSIONS = 3.0
"""Seconds by which lost messages come later than they were sent: SCTP waits at least one (RTO.Min, :rfc:`9260` section 16), two at the
second loss in a row, and so on (section 6.3.3)."""
# So seldom may a message be lost more often in a row than the slack allows for.
_SELDOM = 0.005
_MOST_IN_A_ROW = 6


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
    again = _retransmissions(_share_lost(view))
    return sum(_most(conditions, again) for conditions in _conditions(view))


def _conditions(view: View) -> list[Mapping[str, Any]]:
    return [found for entry in view.trace.of("connection.disturbed") if (found := mapping(entry.data, "conditions"))]


def _share_lost(view: View) -> float:
    """The share of the datagrams that the harness had lost, in the direction in which it was larger."""
    counts = [
        mapping(entry.data, name) for entry in view.trace.of("connection.disturbed") for name in ("sent", "received")
    ]
    return max(((number(one, "lost") or 0.0) / (number(one, "datagrams") or math.inf) for one in counts), default=0.0)


def _retransmissions(share: float) -> float:
    """Seconds until a message has come through, but for a few in a thousand: each loss in a row doubles the wait."""
    in_a_row = math.ceil(math.log(_SELDOM) / math.log(share)) if 0 < share < 1 else 0
    return max(RETRANSMISSIONS, math.exp2(min(in_a_row, _MOST_IN_A_ROW)) - 1)


def _most(conditions: Mapping[str, Any], again: float) -> float:
    paths = [mapping(conditions, name) or conditions for name in ("sent", "received")]
    there_and_back = sum(number(path, name) or 0.0 for path in paths for name in ("delay", "jitter", "queue"))
    dark = max(
        (number(one, "lasts") or 0.0 for one in listing(conditions, "blackouts") if isinstance(one, Mapping)),
        default=0.0,
    )
    lossy = any(path.get(name) for path in paths for name in ("loss", "burst_loss", "bandwidth"))
    # The wait that is under way when it gets light again may be as long as it was dark.
    return there_and_back + 2 * dark + (again if lossy else RETRANSMISSIONS if dark else 0.0)
