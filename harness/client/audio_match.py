"""How much speech or silence the received audio held, from the audio.speech entries of the trace. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from harness.trace import Entry

Segment = tuple[float, float | None]
"""Begin and end of speech in seconds of the trace; no end while it lasts."""


# A share of speech, and some more at its edges, that may be lost on a network that the harness makes lossy.
_LOST_SHARE, _LOST_EDGES = 0.1, 0.1


def audible(entries: Iterable[Entry], seconds: float) -> float:
    """How much is left to be heard of so many seconds of speech: all of it, unless the harness itself has packets lost."""
    for entry in entries:
        if entry.kind == "connection.disturbed":
            conditions = entry.data.get("conditions", {})
            path = conditions.get("received") or conditions
            if any(path.get(name) for name in ("loss", "burst_loss", "bandwidth")):
                return max(0.0, seconds * (1 - _LOST_SHARE) - _LOST_EDGES)
    return seconds


def segments(entries: Iterable[Entry], direction: str = "received") -> list[Segment]:
    """The stretches of speech in one direction, in order."""
    found: list[Segment] = []
    for entry in entries:
        if entry.kind != "audio.speech" or entry.data.get("direction") != direction:
            continue
        at = float(entry.data["at"])
        if entry.data.get("state") == "started" and (not found or found[-1][1] is not None):
            found.append((at, None))
        elif entry.data.get("state") == "stopped" and found and found[-1][1] is None:
            found[-1] = (found[-1][0], at)
    return found


def speech(found: Sequence[Segment], since: float, until: float, certain: float) -> float:
    """Seconds of speech up to ``until``, in the stretches that reach into the time from ``since`` on, whole as they are.

    A stretch that has not ended counts up to ``certain`` only: its end may be noticed later.
    """
    return sum(
        max(0.0, min(certain if end is None else end, until) - begin)
        for begin, end in found
        if end is None or end > since
    )


def silence(found: Sequence[Segment], since: float, until: float, certain: float) -> float:
    """Seconds of the longest silence up to ``until`` that reaches into the time from ``since`` on, counted from where it began.

    Silence that has not ended counts up to ``certain`` only.
    """
    longest, quiet_from = 0.0, 0.0
    for begin, end in found:
        if begin > since:
            longest = max(longest, min(begin, until) - quiet_from)
        if end is None:
            return longest
        quiet_from = end
    return max(longest, min(certain, until) - quiet_from)
