"""The way of a received datagram, as one chain: each link takes it or hands it on to the next; aioice's own callback is the last."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pylibsrtp

from harness.netem.link import Wire

Receive = Callable[[bytes, Any], None]
Link = Callable[[Receive], Receive]
"""Given the next link's callback, a link's own."""

_WAITING = 1024  # datagrams in aioice's queue; far more than a burst leaves there


def install(protocol: Any, *links: Link | None) -> None:
    """Put these links, first to last, in front of the callback of a socket (an ``aioice.ice.StunProtocol``); None is left out."""
    receive = protocol.datagram_received
    for link in reversed(links):
        receive = link(receive) if link else receive
    protocol.datagram_received = receive


def emulated(wire: Wire | None, protocol: Any) -> Link | None:
    """The emulated network, where there is one. What the socket sends goes through it too."""
    if wire is None:
        return None

    def link(receive: Receive) -> Receive:
        transport = protocol.transport
        send, close = transport.sendto, transport.close

        def sendto(data: bytes, addr: Any = None) -> None:
            wire.carry("sent", data, lambda: send(data, addr), socket=protocol)

        def datagram_received(data: bytes, addr: Any) -> None:
            wire.carry("received", data, lambda: receive(data, addr), socket=protocol)

        def hasten_and_close() -> None:
            wire.hasten(protocol)
            transport.sendto = send
            protocol.datagram_received = receive
            close()

        transport.sendto, transport.close = sendto, hasten_and_close
        return datagram_received

    return link


def guarded(connection: Any) -> Link:
    """A guard: an empty datagram, which anybody can send, would end the DTLS transport; and no queue grows without end."""
    waiting = connection._queue.qsize

    def link(receive: Receive) -> Receive:
        def datagram_received(data: bytes, addr: Any) -> None:
            if not data or waiting() > _WAITING:
                return
            try:
                receive(data, addr)
            except Exception:  # malformed STUN; nobody is known to have sent it
                return

        return datagram_received

    return link


def media_first(connection: Any, dtls: Any, take: Callable[[bytes], None], note: Callable[[], None]) -> Link:
    """A shortcut for SRTP, handed to ``take`` from the socket's callback itself: no parsing as STUN, no queue, no task that wakes up.

    ``note`` is called as a datagram of DTLS comes, which will wait for its task.

    The first octet tells the protocols on a WebRTC socket apart (:rfc:`7983` section 7). Media waits its turn in aioice's queue
    as long as there is something in it, so that the order of arrival is kept while the handshake finishes.
    """
    none_waiting = connection._queue.empty

    def link(receive: Receive) -> Receive:
        def datagram_received(data: bytes, addr: Any) -> None:
            first = data[0] if data else 0
            if 127 < first < 192:
                srtp = dtls._rx_srtp
                # RTCP shares the port; its packet types lie where RTP would have these (RFC 5761 section 4).
                if srtp is not None and len(data) > 1 and not 192 <= data[1] <= 223 and none_waiting():
                    try:
                        clear = srtp.unprotect(data)
                    except (pylibsrtp.Error, ValueError):
                        return  # forged, replayed or broken
                    take(clear)
                else:
                    connection.data_received(data, 1)
            elif 19 < first < 64:
                note()
                connection.data_received(data, 1)
            else:
                receive(data, addr)

        return datagram_received

    return link
