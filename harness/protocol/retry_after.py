"""How long a response asks to wait before the request is sent again."""

from __future__ import annotations

import math
from collections.abc import Mapping

from harness.protocol.http_date import epoch_seconds


def retry_after(headers: Mapping[str, str], *, now: float | None = None) -> float | None:
    """Seconds that ``retry-after-ms`` (Azure) or ``Retry-After`` (:rfc:`9110` section 10.2.3, seconds or a date) asks to wait.

    A date is counted from the response's own ``Date``, else from ``now`` (Unix time). Names of headers are in lower case. None where
    nothing usable is said.
    """
    for name, unit in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * unit
        except ValueError:
            continue
        if math.isfinite(seconds) and seconds >= 0:
            return seconds
    until, sent = (epoch_seconds(headers.get(name, "")) for name in ("retry-after", "date"))
    since = now if sent is None else sent
    return None if until is None or since is None else max(0.0, until - since)
