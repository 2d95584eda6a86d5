"""The recorder: the one writer of a trace, which redacts before it stores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import IO, Any

from harness.errors import CallError
from harness.trace.model import Entry, Header, Trace, dump
from harness.trace.redact import Redactor


class Recorder:
    """The one writer of a trace: stamps, redacts, keeps, and streams each entry to ``sink`` as it comes.

    ``clock`` gives seconds on the loop's clock; ``t`` counts from the recorder's creation. ``sink`` is flushed on every
    line, so that a run that is killed leaves a trace that can be read up to its last whole line. Where it cannot be written to, the
    recording goes on without it and ``sink_error`` says why: an exception here would end up in whatever part of the stack reported.
    """

    def __init__(
        self,
        header: Header,
        clock: Callable[[], float],
        *,
        redactor: Redactor | None = None,
        sink: IO[str] | None = None,
    ) -> None:
        self.redactor = redactor or Redactor()
        clean = self.redactor.value({"target": header.target, "scenario": header.scenario, "extra": header.extra})
        self.header = replace(header, **clean)
        self.entries: list[Entry] = []
        self._clock = clock
        self._start = clock()
        self._sink = sink
        self._watchers: list[Callable[[Entry], None]] = []
        self.end: str | None = None
        self.sink_error: OSError | None = None
        self._write(self.header.to_json())

    @property
    def now(self) -> float:
        """Seconds since the start of the recording."""
        return round(self._clock() - self._start, 6)

    def at(self, clock_time: float) -> float:
        """A time of the loop's clock as seconds of this trace."""
        return round(clock_time - self._start, 6)

    def record(self, kind: str, /, **data: Any) -> Entry:
        """Store one entry, redacted, and return it. Watchers are called after it is stored.

        After ``close`` nothing is stored any more: late callbacks of a torn-down connection are no evidence.
        """
        entry = Entry(len(self.entries), self.now, kind, self.redactor.value(data))
        if self.end is None:
            self.entries.append(entry)
            self._write(entry.to_json())
            for watcher in tuple(self._watchers):
                watcher(entry)
        return entry

    def record_error(self, error: CallError) -> Entry:
        """Store the error that ended the call."""
        return self.record(
            "harness.error",
            error=type(error).__name__,
            step=error.step,
            what=error.what,
            seen=error.seen,
            fix=error.fix,
            **({"status": error.status} if error.status is not None else {}),
        )

    def watch(self, watcher: Callable[[Entry], None]) -> Callable[[], None]:
        """Call ``watcher`` with every later entry; returns a function that ends it."""
        self._watchers.append(watcher)
        return lambda: self._watchers.remove(watcher) if watcher in self._watchers else None

    def close(self, end: str = "completed") -> Trace:
        """Write the footer once and return the trace; a second call changes nothing."""
        if self.end is None:
            self.end = end
            self._write({"end": end, "entries": len(self.entries)})
        return self.trace()

    def trace(self) -> Trace:
        """What has been recorded so far."""
        return Trace(self.header, tuple(self.entries), self.end or "truncated")

    def _write(self, value: Any) -> None:
        if self._sink is None or self.sink_error is not None:
            return
        try:
            self._sink.write(dump(value) + "\n")
            self._sink.flush()
        except OSError as error:
            self.sink_error = error
