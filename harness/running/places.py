"""How many calls a service bears at once, as its refusals and the time of its answers say. Pure: whoever asks tells the time."""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.protocol.retry_after import retry_after
from harness.rules.support.fields import number
from harness.rules.support.http_view import QUOTA
from harness.trace import Entry, Trace

PATIENCE = 45.0
"""Seconds after the last call's end in which a service is to have a place again. Without a hang-up request it notices the end when
consent expires, after 30 s (:rfc:`7675` section 5.1)."""
LONGEST_WAIT = 120.0
"""A Retry-After of more seconds than this is not waited for."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 10.0
"""Seconds between two attempts of the same call; each pause is twice the one before."""
SLOWER, SLOWER_BY = 3.0, 0.5
"""An answer is slow when it takes this many times as long as the first one and this many seconds more."""
_NO_PLACE = re.compile(r"session|slot|capacity|concurren|busy|too many|limit|full|at once", re.IGNORECASE)


@dataclass(frozen=True)
class Refusal:
    """A request that a service at its limit refused: its entry and the seconds that it asks to wait, if it says any."""

    entry: Entry
    status: int
    wait: float | None


def refusal(trace: Trace) -> Refusal | None:
    """The 429, or the 503 that speaks of sessions and limits or names a time, that ended the set-up of a call. A used-up quota is no limit."""
    responses = [one for one in trace.of("http.response") if one.data.get("step") in ("key", "call")]
    if not responses:
        return None
    last = responses[-1]
    status, body, headers = number(last.data, "status"), str(last.data.get("body")), last.data.get("headers") or {}
    wait = retry_after(headers)
    full = status == 429 or (status == 503 and (wait is not None or bool(_NO_PLACE.search(body))))
    return Refusal(last, int(status or 0), wait) if full and not re.search(QUOTA, body, re.IGNORECASE) else None


class Places:
    """The calls that may be made at once: ``limit`` begins with what was asked for and only ever falls.

    A call that is refused leaves as many places as there are other calls; an answer that comes much later than the first one takes
    a place away. ``not_before`` is the time of the next attempt.
    """

    def __init__(self, calls: int) -> None:
        self.limit = calls
        self.not_before = 0.0
        self._usual: float | None = None
        self._pause = FIRST_PAUSE
        self._lowered_at = 0.0

    def refused(self, one: Refusal, *, others: int, now: float) -> None:
        """A call found no place beside ``others``."""
        self.limit = max(1, min(self.limit, others))
        self.not_before = now + max(one.wait or 0.0, self._pause)
        self._pause = min(2 * self._pause, LONGEST_PAUSE)

    def made(self, trace: Trace, *, began: float, now: float) -> bool:
        """A call that began at ``began`` was made; True where its answer came so late that there will be one call fewer."""
        self._pause = FIRST_PAUSE
        seconds = [number(one.data, "seconds") for one in trace.of("http.response") if one.data.get("step") == "call"]
        taken = seconds[-1] if seconds else None
        if taken is None:
            return False
        if self._usual is None:
            self._usual = taken
        slow = taken > SLOWER * self._usual and taken > self._usual + SLOWER_BY
        if not slow or self.limit == 1 or began < self._lowered_at:
            return False
        self.limit -= 1
        self._lowered_at = now
        return True
