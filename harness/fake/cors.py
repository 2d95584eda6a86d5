"""What a page on another origin may ask of the fake, and that it asked: the preflights that browsers send ahead of a request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from harness.protocol.dialects import WAYS

# What a page may send: the sample's two headers, those that carry a key for a page that mints its own, and what the OpenAI SDKs add. Any other
# custom header fails the preflight, as it does at OpenAI (openclaw/openclaw#76435).
ALLOWED = (
    "Content-Type",
    *(way.header for way in WAYS),
    "OpenAI-Beta",
    "OpenAI-Safety-Identifier",
    "X-OpenAI-Agents-SDK",
)
# openai/openai-agents-js#483: Location has to be exposed, or a browser cannot read the call id.
EXPOSED = ("Location", "Retry-After", "retry-after-ms", "apim-request-id", "x-request-id")


class Cors(CORSMiddleware):
    """Lets pages of any origin POST; ``tell`` gets each preflight with the status of its answer. The other arguments are for faults."""

    def __init__(
        self,
        app: ASGIApp,
        tell: Callable[[Request, int], object],
        origins: Sequence[str] = ("*",),
        allowed: Sequence[str] = ALLOWED,
        exposed: Sequence[str] = EXPOSED,
    ) -> None:
        super().__init__(
            app,
            allow_origins=origins,
            allow_methods=("POST",),
            allow_headers=allowed,
            expose_headers=exposed,
            allow_private_network=True,
        )
        self._tell = tell

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a preflight, or let the request through."""

        async def send_and_tell(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._tell(Request(scope), message["status"])
            await send(message)

        await super().__call__(scope, receive, send_and_tell if _is_preflight(scope) else send)


def _is_preflight(scope: Scope) -> bool:
    if scope["type"] != "http" or scope["method"] != "OPTIONS":
        return False
    headers = Headers(scope=scope)
    return "origin" in headers and "access-control-request-method" in headers


def preflight(request: Request, status: int) -> dict[str, Any]:
    """The data of an ``http.preflight`` entry, but for its step."""
    asked = request.headers.get("access-control-request-headers", "")
    names = [name for one in asked.split(",") if (name := one.strip())]
    allowed = {name.lower() for name in ALLOWED} | {"accept", "accept-language", "content-language", "content-type"}
    return {
        "url": str(request.url),
        "origin": request.headers["origin"],
        "method": request.headers["access-control-request-method"],
        "headers": names,
        "refused": [name for name in names if name.lower() not in allowed],
        "status": status,
    }
