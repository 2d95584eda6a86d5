"""The data channel as a stream of events: every message in either direction becomes an entry of the trace."""

from __future__ import annotations

from collections.abc import Callable

from aiortc import InvalidStateError, RTCDataChannel

from harness.errors import UsageError, shorten
from harness.protocol.messages import entry_of
from harness.trace import Recorder
from harness.webrtc.peer import InvalidText


class EventChannel:
    """One data channel, recorded from its creation to its end. ``by`` says which side made it ("client" or "service")."""

    def __init__(
        self,
        channel: RTCDataChannel,
        recorder: Recorder,
        *,
        by: str,
        on_open: Callable[[], None] = lambda: None,
        on_close: Callable[[], None] = lambda: None,
    ) -> None:
        self._channel = channel
        self._recorder = recorder
        self._opened = channel.readyState == "open"
        self._closed = False
        self._on_open = on_open
        self._on_close = on_close
        details = {
            "id": channel.id,
            "max_retransmits": channel.maxRetransmits,
            "max_packet_life_time": channel.maxPacketLifeTime,
        }
        recorder.record(
            "channel.created",
            label=channel.label,
            ordered=channel.ordered,
            protocol=channel.protocol,
            **{name: value for name, value in details.items() if value is not None},
            by=by,
        )
        channel.on("open", self._open)
        channel.on("message", self._message)
        channel.on("close", self._close)

    @property
    def is_open(self) -> bool:
        """Messages can be sent."""
        return bool(self._channel.readyState == "open")

    def send(self, text: str | bytes) -> bool:
        """Send a message (events are text) and record it; False where the channel is not open.

        Raises UsageError where the message is larger than the peer takes (RFC 8841 section 6) or no UTF-8.
        """
        try:
            self._channel.send(text)
        except InvalidStateError:
            return False
        except ValueError as error:
            raise UsageError(shorten(str(error)), where="send", fix="send less at once") from error
        self._record("sent", text)
        return True

    def close(self) -> None:
        """Ask for the close; it is recorded when it has happened."""
        self._channel.close()

    def record_closed(self) -> None:
        """Record the end of a channel that had been open, once."""
        if self._opened and not self._closed:
            self._recorder.record("channel.closed", label=self._channel.label, id=self._channel.id)
        self._closed = True

    def _open(self) -> None:
        self._opened = True
        self._recorder.record("channel.open", label=self._channel.label, id=self._channel.id)
        self._on_open()

    def _message(self, message: str | bytes) -> None:
        self._record("received", message)

    def _close(self) -> None:
        self.record_closed()
        self._on_close()

    def _record(self, direction: str, message: str | bytes) -> None:
        kind, data = entry_of(message, direction, invalid=isinstance(message, InvalidText))
        self._recorder.record(kind, **data)
