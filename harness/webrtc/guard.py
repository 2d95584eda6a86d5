"""Keeps one end of a call alive and bounded whatever the other end sends: limits where aiortc and aioice would raise, or grow for ever."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

_DCEP = 50  # RFC 8832 section 8.1
_OPEN, _ACK = 0x03, 0x02  # RFC 8832 section 8.2.1
_OPEN_HEADER = 12
# Datagrams that wait for a handshake that has not begun; one flight of DTLS is a handful.


@dataclass(frozen=True, slots=True)
class Limits:
    """What one call takes from the other end before it is ended. Far above all that a well-behaved end sends.

    ``held``: bytes of messages that are not complete yet; it is the receive window that is announced (:rfc:`9260` section 6.2), and
    sixteen times the announced max-message-size. ``bytes`` and ``messages``: of all data channels together, in the whole call.
    ``messages_per_second``: on the average, after the first ten seconds' worth. ``channels``: data channels opened by the other end;
    further ones are ignored. ``streams``: SSRCs; packets of further ones are dropped, as are those above ``packets_per_second``,
    likewise on the average.
    """

    held: int = 1 << 20
    bytes: int = 64 << 20
    messages: int = 200_000
    messages_per_second: float = 1000.0
    channels: int = 64
    streams: int = 64
    packets_per_second: float = 500.0


class Bucket:
    """Lets ``rate`` things through a second, and a burst of ten seconds' worth. Times are seconds of any one clock."""

    __slots__ = ("_filled", "_level", "_rate")

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._level = rate * 10
        self._filled: float | None = None

    def takes(self, now: float) -> bool:
        """Whether one more thing may pass at ``now``."""
        if self._filled is not None:
            self._level = min(self._rate * 10, self._level + (now - self._filled) * self._rate)
        self._filled = now
        if self._level < 1:
            return False
        self._level -= 1
        return True


class PacketGuard:
    """Decides which RTP and RTCP packets are let in; ``note`` is told what is not."""

    def __init__(self, limits: Limits, note: Callable[[str], None]) -> None:
        self._limits = limits
        self._note = note
        self._packets = Bucket(limits.packets_per_second)
        self._reports = Bucket(limits.packets_per_second)
        self._streams: set[int] = set()

    def takes(self, ssrc: int, now: float) -> bool:
        """Whether the packet is let in."""
        if not self._packets.takes(now):
            self._note(f"RTP packets are dropped: more than {self._limits.packets_per_second:g} a second came")
            return False
        if ssrc not in self._streams:
            if len(self._streams) >= self._limits.streams:
                self._note(f"RTP packets are dropped: there are more than {self._limits.streams} streams (SSRCs)")
                return False
            self._streams.add(ssrc)
        return True

    def takes_report(self, now: float) -> bool:
        """Whether an RTCP packet is let in."""
        taken = self._reports.takes(now)
        if not taken:
            self._note(f"RTCP packets are dropped: more than {self._limits.packets_per_second:g} a second came")
        return taken

    async def survive(self, work: Awaitable[None]) -> None:
        """Let the stack work on a packet; it raises whatever a malformed one makes it trip over."""
        try:
            await work
        except ConnectionError:
            raise
        except Exception as error:
            self._note(f"an RTCP packet is ignored: {type(error).__name__}")


def guard_association(
    sctp: Any, limits: Limits, clock: Callable[[], float], note: Callable[[str], None], end: Callable[[str], None]
) -> None:
    """Guard an SCTP association. ``note`` is told what is ignored, ``end`` why the call has to end; nothing is taken in after that.

    Do it last: the other hooks then see only what has passed.
    """
    handle, take_chunk, receive = sctp._handle_data, sctp._receive_data_chunk, sctp._data_channel_receive
    bucket = Bucket(limits.messages_per_second)
    taken = messages = 0
    ended = False

    def finish(reason: str) -> None:
        nonlocal ended
        if not ended:
            ended = True
            end(reason)

    async def handle_data(data: bytes) -> None:
        if ended:
            return
        try:
            await handle(data)
        except ConnectionError:
            raise
        except Exception as error:  # the stack raises whatever a malformed chunk makes it trip over
            note(f"an SCTP packet is ignored: {type(error).__name__}")

    async def receive_data_chunk(chunk: Any) -> None:
        await take_chunk(chunk)
        if sctp._advertised_rwnd < (1 << 20) - limits.held:
            finish(f"a message does not end: more than {limits.held} bytes of it have come")

    async def data_channel_receive(stream_id: int, pp_id: int, data: bytes) -> None:
        nonlocal taken, messages
        if ended:
            return
        taken += len(data)
        messages += 1
        if taken > limits.bytes or messages > limits.messages:
            finish(f"the other end floods the channel: {messages} messages, {taken} bytes")
        elif not bucket.takes(clock()):
            finish(f"the other end floods the channel: more than {limits.messages_per_second:g} messages a second")
        elif pp_id == _DCEP and (problem := _dcep_problem(sctp, stream_id, data, limits)):
            note(problem)
        else:
            await receive(stream_id, pp_id, data)

    sctp._handle_data = handle_data
    sctp._receive_data_chunk = receive_data_chunk
    sctp._data_channel_receive = data_channel_receive


def _dcep_problem(sctp: Any, stream_id: int, data: bytes, limits: Limits) -> str:
    """Why a DCEP message (:rfc:`8832` section 5) is ignored, or an empty text. The stack would end the association over it."""
    known = stream_id in sctp._data_channels
    if data[:1] == bytes([_ACK]) and not known:
        return "a DCEP ACK for a stream without a channel is ignored"
    if data[:1] != bytes([_OPEN]):
        return ""
    if known:
        return "a DCEP OPEN for a stream that has a channel is ignored"
    if len(sctp._data_channels) >= limits.channels:
        return f"further channels are ignored: there are {limits.channels}"
    label = int.from_bytes(data[8:10], "big")
    protocol = int.from_bytes(data[10:12], "big")
    end = _OPEN_HEADER + label + protocol
    try:
        data[_OPEN_HEADER : _OPEN_HEADER + label].decode()
        data[_OPEN_HEADER + label : end].decode()
    except UnicodeDecodeError:
        return "a DCEP OPEN whose label or protocol is not UTF-8 is ignored"
    return "" if len(data) >= end else "a DCEP OPEN that is cut off is ignored"
