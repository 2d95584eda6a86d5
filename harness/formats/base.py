"""What a form of record is: its row, and what reading a file of it gives, before that becomes a trace."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Literal

from harness.protocol.http_date import epoch_seconds
from harness.trace import Trace

Clock = Literal["epoch", "day", "relative", "none"]
"""What the times of a record count from: 1970 in UTC, midnight of some day and zone, something unknown, or nothing (no times)."""
LARGEST = 256 << 20
"""No more octets than this are read of one file."""


def counted(count: int, noun: str) -> str:
    """A number with its noun: "1 line", "3 lines"."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def iso(epoch: float) -> str:
    """Epoch seconds as a time of ISO 8601 in UTC, to the microsecond."""
    return datetime.fromtimestamp(epoch, UTC).isoformat(timespec="microseconds")


def began(trace: Trace) -> float:
    """Epoch seconds of a trace's beginning: as an HTTP entry notes it, else by the Date of a response, to the second; 0 where neither is there."""
    for entry in trace.of("http.request", "http.response"):
        noted = entry.data.get("epoch")
        if isinstance(noted, (int, float)) and not isinstance(noted, bool):
            return float(noted) - entry.t
        headers = entry.data.get("headers")
        date = headers.get("date") if isinstance(headers, Mapping) else None
        if (answered := epoch_seconds(str(date))) is not None:
            return answered - entry.t
    return 0.0


@dataclass(frozen=True, slots=True)
class Moment:
    """One thing that a record shows: ``t`` seconds on the record's clock (None: not known), ``kind`` and ``data`` as in a trace."""

    t: float | None
    kind: str
    data: Mapping[str, Any]


@dataclass(frozen=True)
class Record:
    """One call as one file shows it.

    ``form`` is the name of the form, ``shows`` the kinds of entries that it can show, ``moments`` what it does, in order. ``left_out``
    says in words what of the file was not read. ``excerpt``: it begins in mid-call. ``hints`` are what tells the dialect: URLs, labels.
    """

    form: str
    clock: Clock
    shows: tuple[str, ...]
    moments: tuple[Moment, ...]
    left_out: tuple[str, ...] = ()
    excerpt: bool = False
    hints: tuple[str, ...] = field(default=())

    def shifted(self, seconds: float) -> Record:
        """The same with all times later by ``seconds``."""
        moved = (replace(one, t=None if one.t is None else one.t + seconds) for one in self.moments)
        return replace(self, moments=tuple(moved))


@dataclass(frozen=True)
class Form:
    """A row: the form's ``name``, its ``title`` for a list, whether a text looks like it, and what reading it gives, a record a call.

    ``read`` raises NotARecord with what is missing where the text only looked like it.
    """

    name: str
    title: str
    recognise: Callable[[str], bool]
    read: Callable[[str, str], tuple[Record, ...]]
