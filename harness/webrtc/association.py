"""The SCTP association of a connection: its numbers and its clock, the messages of its channels as they are, told and guarded."""

from __future__ import annotations

import asyncio
import contextlib
import types
from collections.abc import Coroutine, Generator
from typing import Any, cast

from aiortc import RTCDataChannel

from harness.webrtc.callbacks import Callbacks
from harness.webrtc.guard import Limits, guard_association
from harness.webrtc.misbehavior import Misbehavior

_DCEP = 50  # RFC 8832 section 8.1
_DCEP_OPEN, _DCEP_ACK = b"\x03", b"\x02"  # RFC 8832 section 8.2.1
_STRING = 51  # RFC 8831 section 8


class InvalidText(bytes):
    """A message sent as a string (PPID 51) whose octets are not UTF-8 (:rfc:`8831` section 6.6 says they are)."""


class _Octets(str):
    """A text whose octets on the wire are these, whatever they are."""

    octets: bytes

    def encode(self, encoding: str = "utf-8", errors: str = "strict") -> bytes:
        """The octets."""
        return self.octets


def as_it_came(message: str | bytes) -> str | bytes:
    """A received message as a data channel sends the very same: text that is not UTF-8 stays text."""
    if not isinstance(message, InvalidText):
        return message
    text = _Octets(message.decode("utf-8", "replace"))
    text.octets = bytes(message)
    return text


def send_at_once(channel: RTCDataChannel, message: str | bytes) -> None:
    """Send a message and have it leave before this returns: the stack by itself sends from a task that it makes.

    Raises what :meth:`aiortc.RTCDataChannel.send` does.
    """
    channel.send(message)
    _flush(channel.transport)


def _flush(sctp: Any) -> None:
    """Have the stack send what is queued, now."""
    flush = sctp._data_channel_flush()
    try:
        awaited = flush.send(None)
    except (StopIteration, ConnectionError):
        return
    task = asyncio.ensure_future(_rest(flush, awaited))  # it waits for something after all
    _resting.add(task)
    task.add_done_callback(_resting.discard)


_resting: set[asyncio.Task[Any]] = set()
"""The loop itself keeps no reference to a task."""


@types.coroutine
def _rest(work: Coroutine[Any, Any, None], awaited: Any) -> Generator[Any, Any, None]:
    """The rest of a coroutine that has been begun, and waits for ``awaited``."""
    with contextlib.suppress(StopIteration, ConnectionError):
        while True:
            awaited = work.send((yield awaited))


def acknowledge(channel: RTCDataChannel) -> None:
    """Send the DCEP ACK of a channel that the other end has opened, where it was held back."""
    sctp = cast(Any, channel.transport)
    sctp._data_channel_queue.append((channel, _DCEP, _DCEP_ACK))
    _flush(sctp)


def tap_association(
    sctp: Any, callbacks: Callbacks, misbehavior: Misbehavior, limits: Limits, released: set[int] | None = None
) -> None:
    """Tell of DCEP messages and of text that the stack would drop or end over; misbehave where that is asked for; guard it.

    ``released``: the streams whose DCEP ACK may leave; None: all.
    """
    begin_low(sctp)
    measure_on_loop(sctp)
    receive, send = sctp._data_channel_receive, sctp._send
    opened: set[int] = set()

    async def receive_and_tell(stream_id: int, pp_id: int, data: bytes) -> None:
        if pp_id == _DCEP:
            opened.add(stream_id)
            callbacks.dcep("received", stream_id, data)
            if not misbehavior.heeds_message_size:
                sctp._remote_max_message_size = 0
        elif pp_id == _STRING and not _is_utf8(data):
            # aiortc would end the whole transport over it.
            if stream_id in sctp._data_channels:
                sctp._data_channels[stream_id].emit("message", InvalidText(data))
            return
        elif pp_id == _STRING and stream_id not in opened:
            # The stack drops it without a word.
            callbacks.early(data.decode())
        await receive(stream_id, pp_id, data)

    async def send_and_tell(stream_id: int, pp_id: int, user_data: bytes, *args: Any, **options: Any) -> None:
        if pp_id == _DCEP and user_data[:1] == _DCEP_ACK:
            if not misbehavior.acknowledges or (released is not None and stream_id not in released):
                return
            stream_id = stream_id if misbehavior.ack_stream is None else misbehavior.ack_stream
        if pp_id == _DCEP and misbehavior.early is not None and user_data[:1] == _DCEP_OPEN:
            await send(stream_id, _STRING, misbehavior.early().encode(), *args, **options)
        if pp_id == _DCEP:
            callbacks.dcep("sent", stream_id, user_data)
        await send(stream_id, pp_id, user_data, *args, **options)

    sctp._data_channel_receive = receive_and_tell
    sctp._send = send_and_tell
    guard_association(sctp, limits, asyncio.get_running_loop().time, callbacks.ignored, callbacks.overrun)


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def begin_low(sctp: Any) -> None:
    """Let an SCTP association begin with a TSN in the lower half, which no call counts up to the wrap, and a tag other than zero.

    aiortc sorts the numbers that came out of order without regard to the wrap: after a loss there it acknowledges nothing any more.
    Both are free to choose, but for the tag, which must not be zero (:rfc:`9260` section 3.3.2).
    """
    sctp._local_verification_tag = sctp._local_verification_tag or 1
    first = sctp._local_tsn & 0x7FFFFFFF
    sctp._local_tsn = sctp._reconfig_request_seq = first
    sctp._last_sacked_tsn = sctp._advanced_peer_ack_tsn = first - 1 & 0xFFFFFFFF


def measure_on_loop(sctp: Any) -> None:
    """Let an SCTP association measure its round trips (:rfc:`9260` section 6.3.1) on the loop's clock.

    aiortc takes them from ``time.time()``, which stands nearly still in virtual time, and arms its timers on the loop.
    """
    clock = asyncio.get_running_loop().time
    send, receive, update = sctp._send_chunk, sctp._receive_sack_chunk, sctp._update_rto
    round_trip = 0.0

    async def send_chunk(chunk: Any) -> None:
        if getattr(chunk, "_sent_count", 0) == 1:
            chunk._sent_time = clock()
        await send(chunk)

    async def receive_sack(chunk: Any) -> None:
        # Only the first chunk that is acknowledged is measured, and none that has been sent again.
        nonlocal round_trip
        if sctp._sent_queue:
            round_trip = clock() - (sctp._sent_queue[0]._sent_time or clock())
        await receive(chunk)

    sctp._send_chunk = send_chunk
    sctp._receive_sack_chunk = receive_sack
    sctp._update_rto = lambda _: update(round_trip)
