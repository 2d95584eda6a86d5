"""Where the emulated network and the loop's clock enter private parts of aioice and aiortc; the other half of the taps."""

from __future__ import annotations

import asyncio
from typing import Any

from harness.netem.link import Wire


def lead_through(wire: Wire, protocol: Any) -> None:
    """Lead every datagram of this socket (an ``aioice.ice.StunProtocol``) through the wire, in both directions.

    Do it last: what else is hooked to the socket's callback is then behind the wire, as it is behind a real network.
    """
    transport = protocol.transport
    send, receive, close = transport.sendto, protocol.datagram_received, transport.close

    def sendto(data: bytes, addr: Any = None) -> None:
        wire.carry("sent", data, lambda: send(data, addr), socket=protocol)

    def datagram_received(data: bytes, addr: Any) -> None:
        wire.carry("received", data, lambda: receive(data, addr), socket=protocol)

    def hasten_and_close() -> None:
        wire.hasten(protocol)
        transport.sendto = send
        protocol.datagram_received = receive
        close()

    transport.sendto = sendto
    transport.close = hasten_and_close
    protocol.datagram_received = datagram_received


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
