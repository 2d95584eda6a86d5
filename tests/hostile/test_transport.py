"""One end of a call against whatever the other end puts on the wire: it stays up or ends the call, says why, and does not grow."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import Awaitable, Callable
from typing import Any

import pylibsrtp
import pytest
from google_crc32c import value as crc32c
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.running import clock
from harness.webrtc.guard import Bucket, Limits
from tests.peers import End, connected

DCEP, STRING, BINARY, STRING_EMPTY, BINARY_EMPTY = 50, 51, 53, 56, 57


def attack(act: Callable[[End, End], Awaitable[Any]]) -> tuple[End, End]:
    """Run ``act`` on a caller and a service that are connected, in virtual time."""

    async def main() -> tuple[End, End]:
        async with connected() as (caller, service):
            await act(caller, service)
        return caller, service

    return clock.run(main, time="virtual")


async def still_talking(caller: End, service: End) -> None:
    """An event still comes through."""
    for _ in range(200):
        if service.channels:
            break
        await asyncio.sleep(0.01)
    caller.channels[0].send("still here")
    for _ in range(200):
        if "still here" in service.messages:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"nothing came through: {service.peer.lost_because or service.messages}")


def notes(end: End) -> list[str]:
    return [entry.data["text"] for entry in end.of("harness.note") if entry.data.get("about") == "limits"]


def opening(label: bytes, protocol: bytes = b"", *, claimed: int | None = None) -> bytes:
    size = len(label) if claimed is None else claimed
    return struct.pack("!BBHLHH", 3, 0, 0, 0, size, len(protocol)) + label + protocol


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 65534), st.sampled_from([0, DCEP, STRING, BINARY, 56, 57, 99]), st.binary(max_size=40)
        ),
        max_size=30,
    )
)
def test_messages_on_any_stream_of_any_protocol(messages: list[tuple[int, int, bytes]]) -> None:
    async def act(caller: End, service: End) -> None:
        for stream, protocol, data in messages:
            await caller.peer.pc.sctp._send(stream, protocol, data or b"\0")  # type: ignore[union-attr]
        await still_talking(caller, service)

    attack(act)


@pytest.mark.parametrize(
    ("stream", "data", "said"),
    [
        (1, opening(b"again"), "OPEN for a stream that has a channel"),
        (9, b"\x02", "ACK for a stream without a channel"),
        (9, opening(b"\xff\xfe"), "not UTF-8"),
        (9, opening(b"ok", b"\xff"), "not UTF-8"),
        (9, opening(b"short", claimed=500), "cut off"),
        (9, b"\x03\x00", "cut off"),
    ],
)
def test_malformed_channel_openings_are_ignored(stream: int, data: bytes, said: str) -> None:
    async def act(caller: End, service: End) -> None:
        await caller.peer.pc.sctp._send(stream, DCEP, data)  # type: ignore[union-attr]
        await still_talking(caller, service)

    _, service = attack(act)
    assert [said in note for note in notes(service)] == [True]


def test_thousands_of_channels_are_not_taken() -> None:
    async def act(caller: End, service: End) -> None:
        for stream in range(3, 2003, 2):
            await caller.peer.pc.sctp._send(stream, DCEP, opening(b"x"))  # type: ignore[union-attr]
        await still_talking(caller, service)

    _, service = attack(act)
    assert len(service.channels) == Limits().channels
    assert notes(service) == [f"further channels are ignored: there are {Limits().channels}"]


def test_a_message_of_20_megabytes_ends_the_call() -> None:
    async def act(caller: End, service: End) -> None:
        caller.peer.pc.sctp._remote_max_message_size = 0  # type: ignore[union-attr]
        await caller.peer.pc.sctp._send(1, STRING, b"x" * (20 << 20))  # type: ignore[union-attr]
        sctp = caller.peer.pc.sctp
        sctp._flight_size, lost = 0, service.peer.lost  # type: ignore[union-attr]
        while not lost.is_set():
            # A sender that has no regard for the window it is given.
            sctp._remote_rwnd, sctp._cwnd = 1 << 30, 1 << 30  # type: ignore[union-attr]
            await sctp._transmit()  # type: ignore[union-attr]
            await asyncio.sleep(0.001)

    _, service = attack(act)
    assert "does not end" in service.peer.lost_because
    assert service.messages == []


def test_a_flood_of_messages_ends_the_call() -> None:
    async def act(caller: End, service: End) -> None:
        (receive, channel) = service.peer.pc.sctp._data_channel_receive, 1  # type: ignore[union-attr]
        for _ in range(50_000):
            await receive(channel, STRING, b"{}")
        await asyncio.wait_for(service.peer.lost.wait(), 5)

    _, service = attack(act)
    assert "floods the channel" in service.peer.lost_because
    assert len(service.messages) <= Limits().messages_per_second * 10


@settings(max_examples=30, deadline=None)
@given(st.lists(st.binary(max_size=60) | st.binary(max_size=40).map(lambda data: b"\x80\xc8" + data), max_size=20))
def test_octets_in_the_place_of_sctp_rtcp_and_rtp(parts: list[bytes]) -> None:
    async def act(caller: End, service: End) -> None:
        dtls = caller.peer.pc.sctp.transport  # type: ignore[union-attr]
        for part in parts:
            await dtls._send_data(part or b"\0")
            if len(part) >= 8:
                with contextlib.suppress(pylibsrtp.Error):  # some are too odd to be encrypted
                    await dtls._send_rtp(bytes([0x80 | part[0] & 0x3F, 200 + part[1] % 8]) + part[2:])
                    await dtls._send_rtp(bytes([0x80 | part[0] & 0x3F, part[1] % 128]) + part[2:] + bytes(12))
        await still_talking(caller, service)

    attack(act)


# DATA and FORWARD-TSN carry numbers that move the window, ABORT, SHUTDOWN and RE-CONFIG end things: legal ways to stop a call.
HARMLESS = (1, 2, 3, 4, 5, 9, 10, 11, 14, 15, 64, 128, 255)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(HARMLESS), st.integers(0, 255), st.binary(max_size=30)), max_size=12))
def test_malformed_chunks_in_sound_packets(chunks: list[tuple[int, int, bytes]]) -> None:
    async def act(caller: End, service: End) -> None:
        sctp = caller.peer.pc.sctp
        assert sctp is not None
        for kind, flags, body in chunks:
            chunk = struct.pack("!BBH", kind, flags, len(body) + 4) + body + bytes(-len(body) % 4)
            head = struct.pack("!HHL", 5000, 5000, 0 if kind == 1 else sctp._remote_verification_tag)
            sealed = head + struct.pack("<L", crc32c(head + bytes(4) + chunk)) + chunk
            await sctp.transport._send_data(sealed)
        await asyncio.sleep(0.1)
        assert service.peer.pc.sctp is not None
        assert service.peer.pc.sctp.transport.state == "connected"

    attack(act)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.binary(max_size=100), max_size=20), st.integers(0, 255))
def test_datagrams_of_a_stranger(datagrams: list[bytes], first: int) -> None:
    async def act(caller: End, service: End) -> None:
        loop = asyncio.get_running_loop()
        connection = service.peer.pc.sctp.transport.transport._connection  # type: ignore[union-attr]
        (address,) = {one.transport.get_extra_info("sockname") for one in connection._protocols}
        stranger, _ = await loop.create_datagram_endpoint(asyncio.DatagramProtocol, remote_addr=address)
        for datagram in (b"", *datagrams, *(bytes([first]) + one for one in datagrams), b"\0\1" + bytes(18)):
            stranger.sendto(datagram)
        await still_talking(caller, service)
        stranger.close()

    attack(act)


def test_packets_of_thousands_of_streams_are_not_taken() -> None:
    async def act(caller: End, service: End) -> None:
        dtls = caller.peer.pc.sctp.transport  # type: ignore[union-attr]
        for ssrc in range(1, 2001):
            await dtls._send_rtp(struct.pack("!BBHII", 0x80, 111, 1, 0, ssrc) + b"\xf8")
            if not ssrc % 50:
                await asyncio.sleep(0.01)
        await still_talking(caller, service)

    _, service = attack(act)
    assert len({packet.ssrc for packet in service.seen("received")}) == Limits().streams
    assert len(notes(service)) == 1


@given(st.floats(0.1, 1000), st.lists(st.floats(0, 10), max_size=50))
def test_a_bucket_lets_its_rate_through_and_ten_seconds_of_it_at_once(rate: float, pauses: list[float]) -> None:
    bucket, now, passed = Bucket(rate), 0.0, 0
    for pause in pauses:
        now += pause
        passed += bucket.takes(now)
        assert passed <= rate * (10 + now) + 1
