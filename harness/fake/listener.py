"""An ASGI application on a socket of this machine, in the running loop: uvicorn without its process, signals and ticking."""

from __future__ import annotations

import asyncio
import socket
from functools import partial
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from harness.errors import UsageError

# Seconds that requests in flight have left when the service stops.
GRACE = 1

_FIX = "choose another --port (0 takes a free one), or another --host"


class Connection(H11Protocol):
    """A client's connection that does not wait for ever: uvicorn itself bounds only the time between two requests."""

    def __init__(self, *args: Any, patience: float, most: int, **options: Any) -> None:
        super().__init__(*args, **options)
        self._patience = patience
        self._most = most
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client is here, if there is room for it."""
        super().connection_made(transport)
        if len(self.connections) > self._most:
            transport.abort()
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """It has gone."""
        self._stop_waiting()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """Octets have come; a head may be complete with them."""
        before = self.cycle
        super().handle_events()
        if self.cycle is not before:
            self._stop_waiting()

    def on_response_complete(self) -> None:
        """The next request may come."""
        self._wait_for_head()
        super().on_response_complete()

    def _wait_for_head(self) -> None:
        self._stop_waiting()
        self._timer = self.loop.call_later(self._patience, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class Listener:
    """Serves ``application`` over HTTP/1.1 between ``start`` and ``stop``.

    A connection that takes longer than ``patience`` seconds over the head of a request is closed; so is one beyond ``connections``.
    """

    def __init__(self, application: ASGIApp, *, patience: float = 30.0, connections: int = 512) -> None:
        config = uvicorn.Config(
            application,
            http=partial(Connection, patience=patience, most=connections),  # type: ignore[arg-type]
            ws="none",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_graceful_shutdown=GRACE,
        )
        config.load()
        # Server.serve() would catch signals and tick ten times a second, which is not free in virtual time. What remains of it
        # for a service without lifespan, default headers and request limit is startup() and shutdown().
        self._server = uvicorn.Server(config)
        self._server.lifespan = config.lifespan_class(config)

    async def start(self, host: str, port: int) -> str:
        """Listen, and return the base URL; port 0 takes a free one. Raises UsageError where it cannot listen there."""
        listener = _bind(host, port)
        await self._server.startup(sockets=[listener])
        bound, taken = listener.getsockname()[:2]
        name = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(bound, bound)
        return f"http://[{name}]:{taken}" if ":" in name else f"http://{name}:{taken}"

    @property
    def connections(self) -> int:
        """Clients' connections that are open."""
        return len(self._server.server_state.connections)

    async def stop(self) -> None:
        """Stop listening; requests in flight get a moment to end, then their connections are cut."""
        await self._server.shutdown()
        for connection in tuple(self._server.server_state.connections):
            connection.transport.abort()


def _bind(host: str, port: int) -> socket.socket:
    listener: socket.socket | None = None
    try:
        # The resolver takes any number as a port, modulo 65536; bind() does not.
        family, kind, protocol, _, address = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        # A port whose last connections are in TIME_WAIT is free; one that is listened on stays refused.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address[0], port, *address[2:]))
        listener.listen()
    except (OSError, OverflowError) as error:
        if listener is not None:
            listener.close()
        what = getattr(error, "strerror", None) or str(error)
        raise UsageError(f"cannot listen there: {what}", where=f"{host}:{port}", fix=_FIX) from error
    listener.setblocking(False)
    return listener
