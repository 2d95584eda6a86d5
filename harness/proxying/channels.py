"""A data channel that goes on in another one: every message is handed on as it came, and each side's trace has it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from aiortc import InvalidStateError, RTCDataChannel

from harness.protocol.messages import entry_of, size_of
from harness.proxying.delays import Delays
from harness.trace import Observer, Recorder
from harness.webrtc.peer import InvalidText, as_it_came, send_at_once

MOST_QUEUED = 8 << 20
"""Bytes that may wait for a side that takes no messages; with more the call is ended."""


class ChannelEnd:
    """One end of a relayed channel, recorded. ``by`` created it; ``relayed``: we did in that one's name.

    ``arrived`` gives the loop time at which the message that is being received came in; ``overrun`` is told why the call has to end.
    """

    def __init__(
        self,
        channel: RTCDataChannel,
        recorder: Recorder,
        *,
        by: Observer,
        relayed: bool,
        arrived: Callable[[], float],
        delays: Delays,
        overrun: Callable[[str], None],
    ) -> None:
        self.channel = channel
        self.other: ChannelEnd | None = None
        self.on_open: Callable[[], None] = lambda: None
        self._recorder = recorder
        self._arrived = arrived
        self._delays = delays
        self._overrun = overrun
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[tuple[str | bytes, float]] = deque()
        self._queued = 0
        self._closed = False
        recorder.record(
            "channel.created",
            label=channel.label,
            ordered=channel.ordered,
            protocol=channel.protocol,
            id=channel.id,
            max_retransmits=channel.maxRetransmits,
            max_packet_life_time=channel.maxPacketLifeTime,
            by=by,
            **({"relayed": True} if relayed else {}),
        )
        if channel.readyState == "open":
            self._record_open()
        channel.on("open", self._on_open)
        channel.on("message", self._on_message)
        channel.on("close", self._on_close)

    def hand_on(self, message: str | bytes, arrived: float) -> None:
        """Send a message that came in at the other end at the loop time ``arrived``; it waits where this channel is not open yet."""
        state = self.channel.readyState
        if state == "open" and not self._waiting:
            self._send(message, arrived, held=False)
        elif state in ("connecting", "open"):
            self._queued += size_of(message)
            self._waiting.append((message, arrived))
        if self._queued + self.channel.bufferedAmount > MOST_QUEUED:
            self._overrun("it takes no messages")

    def close(self) -> None:
        """Close it as the other end was closed: after all that is waiting."""
        if self.channel.readyState in ("connecting", "open"):
            self.channel.close()

    @property
    def closed(self) -> bool:
        """Whether the close has happened."""
        return self._closed

    def _send(self, message: str | bytes, arrived: float, *, held: bool) -> None:
        try:
            send_at_once(self.channel, as_it_came(message))
        except InvalidStateError:
            return
        except ValueError as error:  # longer than the other end's max-message-size (RFC 8841 section 6)
            self._recorder.record("harness.note", text=f"a message not sent: {error}", about="a=max-message-size")
            return
        self._delays.event(self._loop.time() - arrived, held=held)
        self._record("sent", message)

    def _on_open(self) -> None:
        self._record_open()
        self.on_open()
        while self._waiting:
            message, arrived = self._waiting.popleft()
            self._send(message, arrived, held=True)
        self._queued = 0

    def _on_message(self, message: str | bytes) -> None:
        if self.other is not None:
            self.other.hand_on(message, self._arrived())
        self._record("received", message)

    def _on_close(self) -> None:
        if not self._closed:
            self._closed = True
            self._recorder.record("channel.closed", label=self.channel.label, id=self.channel.id)
            if self.other is not None:
                self.other.close()

    def _record_open(self) -> None:
        self._recorder.record("channel.open", label=self.channel.label, id=self.channel.id)

    def _record(self, direction: str, message: str | bytes) -> None:
        kind, data = entry_of(message, direction, invalid=isinstance(message, InvalidText))
        self._recorder.record(kind, **data)
