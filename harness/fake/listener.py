"""An ASGI application on a socket of this machine, in the running loop: uvicorn without its process, signals and ticking."""

from __future__ import annotations

import socket

import uvicorn
from starlette.types import ASGIApp

from harness.errors import UsageError

# Seconds that requests in flight have left when the service stops.
GRACE = 1

_FIX = "choose another --port (0 takes a free one), or another --host"


class Listener:
    """Serves ``application`` over HTTP/1.1 between ``start`` and ``stop``."""

    def __init__(self, application: ASGIApp) -> None:
        config = uvicorn.Config(
            application,
            http="h11",
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
