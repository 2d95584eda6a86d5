"""What leaves on the data channel: the caller's events, and what its faults make of them or add to them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import Any

from harness.client.faults import ClientFaults
from harness.errors import CallError, UsageError
from harness.faults.registry import Message, leaving
from harness.protocol.dialects import Dialect
from harness.trace import Entry, Recorder, dump


class Outbox:
    """Sends events by ``transmit``, which raises CallError or UsageError where it cannot."""

    def __init__(
        self, faults: ClientFaults, dialect: Dialect, recorder: Recorder, transmit: Callable[[str | bytes], None]
    ) -> None:
        self._rewrites = faults.events(dialect)
        self._reactions = faults.reactions(dialect)
        self._transmit = transmit
        self._later: list[asyncio.TimerHandle] = []
        self._deaf = recorder.watch(self._react) if self._reactions else lambda: None

    def send(self, event: Mapping[str, Any]) -> None:
        """Send an event, or what a fault makes of it; what leaves later is not waited for. Raises like ``transmit``."""
        for delay, message in leaving(event, self._rewrites):
            if delay:
                self._send_later(delay, message)
            else:
                self._transmit(_text(message))

    def close(self) -> None:
        """Send nothing more."""
        self._deaf()
        for timer in self._later:
            timer.cancel()

    def _react(self, entry: Entry) -> None:
        if entry.kind == "event.received":
            for reaction in self._reactions:
                for delay, message in reaction(entry.event):
                    self._send_later(delay, message)

    def _send_later(self, delay: float, message: Message) -> None:
        def send() -> None:
            # Nobody waits for it: the call may be over by then.
            with contextlib.suppress(CallError, UsageError):
                self._transmit(_text(message))

        self._later.append(asyncio.get_running_loop().call_later(delay, send))


def _text(message: Message) -> str | bytes:
    return message if isinstance(message, (str, bytes)) else dump(message)
