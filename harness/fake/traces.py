"""Which trace a request belongs to, when the fake records what its clients do: one trace for each client's way to a call.

Requests that fail stay open for the same client's next try, so that a retry stands after the failure it answers; a minted
key carries its trace to the call request, and so does the long-lived key that it was asked for with, should a client send that
instead; a call takes the trace over and ends it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.trace import Entry, Header, Recorder

# Traces of keys that nobody has used yet; beyond this many the oldest is closed.
UNCLAIMED = 256

# A trace of nothing but failures ends with so many entries; a client that goes on failing begins another one.
LONGEST_FAILURE = 100

Client = tuple[str, ...]


class Unrecorded(Recorder):
    """A recorder that keeps nothing, for a service that nobody watches."""

    def record(self, kind: str, /, **data: Any) -> Entry:
        """Make the entry without redacting or storing it."""
        return Entry(0, self.now, kind, data)


class Traces:
    """Hands out recorders. ``recorder_for(dialect name)`` makes one, ``on_trace`` is told when one has been closed."""

    def __init__(
        self,
        recorder_for: Callable[[str], Recorder] | None,
        on_trace: Callable[[Recorder], None],
        clock: Callable[[], float],
    ) -> None:
        self._recorder_for = recorder_for
        self._on_trace = on_trace
        self._clock = clock
        self._failing: dict[Client, Recorder] = {}
        self._by_key: dict[str, Recorder] = {}
        self._by_asker: dict[str, Recorder] = {}
        self._minted_for: dict[int, Client] = {}  # by the recorder's id

    def open(self, dialect: str, client: Client, key: str = "", asker: str = "") -> Recorder:
        """The trace that this request continues: its key's, or that of the client's last failure; else a new one.

        ``asker`` is what a call request carries where an ephemeral key should be: it may have been asked for with that.
        """
        waiting = self._by_key.pop(key, None) or self._by_asker.pop(asker, None)
        waiting = waiting or self._failing.pop((dialect, *client), None)
        if waiting is not None:
            self._forget(waiting)
            return waiting
        if self._recorder_for is not None:
            return self._recorder_for(dialect)
        return Unrecorded(Header("service", dialect), self._clock)

    def failed(self, recorder: Recorder, client: Client, key: str = "") -> None:
        """The request was refused: the trace waits for the next try, with the good ``key`` it was minted for, if any."""
        self._forget(recorder)
        if len(recorder.entries) >= LONGEST_FAILURE:
            self.close(recorder, "failed")
        elif key:
            self._by_key[key] = recorder
        else:
            waiting = (recorder.header.dialect, *client)
            # Of several that fail at once one waits for the next try, and the others are told now.
            before = self._failing.pop(waiting, recorder)
            self._failing[waiting] = recorder
            if before is not recorder:
                self.close(before, "failed")
            self._limit(self._failing)

    def minted(self, recorder: Recorder, key: str, asker: str = "", client: Client = ()) -> None:
        """A key was minted for ``client``, asked for with the long-lived key ``asker``: the trace waits for its call."""
        self._minted_for[id(recorder)] = client
        self._by_key[key] = recorder
        self._limit(self._by_key)
        if asker:
            self._by_asker[asker] = recorder
            self._limit(self._by_asker, close=False)

    def asking_leave(self, dialect: str, client: Client, *, refused: bool) -> Recorder | None:
        """The trace that a browser's preflight belongs to; it carries no key, and goes on waiting for the request itself.

        That is the trace of the same client, else the only one that waits (a server may have minted the key for the page). A
        refused preflight begins one where none waits. None: there is no telling, nobody records, or the trace is long enough.
        """
        if self._recorder_for is None:
            return None
        waiting = {id(one): one for one in self._by_key.values() if one.header.dialect == dialect}
        own = [one for key, one in waiting.items() if self._minted_for.get(key) == client]
        found = self._failing.get((dialect, *client)) or next(reversed(own or _only(waiting)), None)
        if found is None and refused:
            found = self._recorder_for(dialect)
            self.failed(found, client)
        return found if found is not None and len(found.entries) < LONGEST_FAILURE else None

    def close(self, recorder: Recorder, end: str = "completed") -> None:
        """End a trace and hand it over, once."""
        if recorder.end is None:
            recorder.close(end)
            if self._recorder_for is not None:
                self._on_trace(recorder)

    def close_all(self) -> None:
        """End every trace that no call has taken over; only failures lie in them, or keys without a call."""
        for waiting in (self._failing, self._by_key):
            for recorder in waiting.values():
                self.close(recorder, "failed")
            waiting.clear()
        self._by_asker.clear()

    def _forget(self, recorder: Recorder) -> None:
        """The trace has been found by one key: it does not wait for the others any more."""
        self._minted_for.pop(id(recorder), None)
        for waiting in (self._by_key, self._by_asker):
            for key in [key for key, one in waiting.items() if one is recorder]:
                del waiting[key]

    def _limit(self, waiting: dict[Any, Recorder], *, close: bool = True) -> None:
        while len(waiting) > UNCLAIMED:
            oldest = waiting.pop(next(iter(waiting)))
            if close:
                self._forget(oldest)
                self.close(oldest, "failed")


def _only(waiting: dict[int, Recorder]) -> list[Recorder]:
    return list(waiting.values()) if len(waiting) == 1 else []
