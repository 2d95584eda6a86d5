"""The caller's HTTP: one request at a time, recorded with its answer, bounded in time and size, retried once where that is right.

Redirects are never followed: they would carry the key to another host.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import socket
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlsplit

import httpx

from harness import __version__
from harness.errors import CallError, shorten
from harness.protocol.messages import parse
from harness.protocol.retry_after import retry_after
from harness.trace import Recorder

RequestStep = Literal["key", "call", "hangup"]

LIMIT = 4 << 20
"""No more bytes than this are read of one response."""
LONGEST_WAIT = 10.0
"""A Retry-After up to this many seconds is waited for, once."""
BACK_OFF = 1.0
"""Seconds before the one retry where the service names no time."""
_HEADER_VALUE = re.compile(r"[\x20-\x7e]*\Z")


@dataclass(frozen=True)
class Draft:
    """A request about to be recorded and sent. Header names are in lower case."""

    step: RequestStep
    method: str
    url: str
    headers: Mapping[str, str]
    content: str


@dataclass(frozen=True)
class Response:
    """An HTTP response as it was read: ``body`` is the parsed JSON where ``json`` is true, else the text; ``entry`` its trace entry."""

    status: int
    headers: Mapping[str, str]
    text: str
    body: Any
    json: bool
    truncated: bool
    entry: int

    @property
    def ok(self) -> bool:
        """A 2xx status."""
        return 200 <= self.status < 300

    @property
    def content_type(self) -> str:
        """The media type in lower case, without parameters; empty where there is none."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def looks_like_html(self) -> bool:
        """A web page, by its label or by its first characters."""
        return self.content_type == "text/html" or bool(re.match(r"\s*<(?:!doctype|html)", self.text, re.IGNORECASE))


class Requests:
    """Sends the requests of one call and records each with its outcome. ``timeout`` seconds bound one exchange as a whole, unless ``post`` is given others.

    ``rewrite`` has the last word on a request before it is recorded and sent, ``pause`` on whether and when one of this status
    is sent again.
    """

    def __init__(
        self,
        client: httpx.AsyncClient,
        recorder: Recorder,
        *,
        timeout: float,
        rewrite: Callable[[Draft], Draft] = lambda draft: draft,
        pause: Callable[[int, float | None], float | None] = lambda status, pause: pause,
    ) -> None:
        self._client = client
        self._recorder = recorder
        self._timeout = timeout
        self._rewrite = rewrite
        self._pause = pause
        self._count = 0

    async def post(
        self,
        step: RequestStep,
        url: str,
        *,
        headers: Mapping[str, str],
        content: str,
        failed: type[CallError],
        secrets: Callable[[Any], Iterable[str]] = lambda body: (),
        timeout: float | None = None,
        method: str = "POST",
    ) -> Response:
        """The response, whatever its status; 429 and 5xx only after one retry (or where the wait asked for is too long).

        ``secrets`` finds the secrets in a body, so that they are known before the response is recorded. Raises ``failed``
        where no response came at all.
        """
        limit = self._timeout if timeout is None else timeout
        draft = Draft(step, method, url, {name.lower(): value for name, value in headers.items()}, content)
        response = await self._exchange(draft, failed, secrets, limit)
        pause = self._pause(response.status, retry_pause(response))
        if pause is None or step == "hangup":
            return response
        self._recorder.record(
            "harness.note", about=step, text=f"status {response.status}: the request is sent again after {pause:g} s"
        )
        await asyncio.sleep(pause)
        return await self._exchange(draft, failed, secrets, limit)

    async def preflight(
        self, step: RequestStep, url: str, *, origin: str, headers: Sequence[str], host: str, failed: type[CallError]
    ) -> None:
        """Send the preflight of a POST with these headers, as a browser does for a page (Fetch standard, CORS-preflight fetch), and record
        the answer, or status 0 where none came; its body is not read. Raises ``failed`` where ``origin`` could not stand in a header.
        """
        asked = {
            "origin": origin,
            "access-control-request-method": "POST",
            "access-control-request-headers": ",".join(headers),
            **({"host": host} if host else {}),
        }
        request = self._request(Draft(step, "OPTIONS", url, asked, ""), failed)
        status, said = 0, httpx.Headers()
        with contextlib.suppress(httpx.HTTPError, OSError, TimeoutError):
            async with asyncio.timeout(self._timeout):
                response = await self._client.send(request, stream=True, follow_redirects=False)
                status, said = response.status_code, response.headers
                await response.aclose()
        allowed = [name.strip().lower() for name in said.get("access-control-allow-headers", "").split(",")]
        self._recorder.record(
            "http.preflight",
            step=step,
            url=url,
            origin=origin,
            method="POST",
            headers=list(headers),
            refused=[name for name in headers if name not in allowed],
            status=status,
            allowed_origin=said.get("access-control-allow-origin", ""),
        )

    async def _exchange(
        self,
        draft: Draft,
        failed: type[CallError],
        secrets: Callable[[Any], Iterable[str]],
        limit: float,
    ) -> Response:
        self._count += 1
        number = self._count
        draft = self._rewrite(draft)
        step, url, content = draft.step, draft.url, draft.content
        request = self._request(draft, failed)
        self._recorder.record(
            "http.request",
            id=number,
            step=step,
            method=draft.method,
            url=url,
            headers=self._recorder.redactor.headers(request.headers),
            body=_json_or_text(content)[0] if "json" in request.headers.get("content-type", "") else content,
        )
        began = self._recorder.now
        try:
            async with asyncio.timeout(limit):
                raw = await self._client.send(request, stream=True, follow_redirects=False)
                try:
                    payload, truncated = await _read(raw)
                finally:
                    await raw.aclose()
        except (httpx.HTTPError, httpx.StreamError, OSError, TimeoutError) as error:
            name, what, fix = no_response(error, url, limit, self._recorder.redactor.text)
            self._recorder.record("http.failed", id=number, step=step, error=name, message=what)
            raise failed(what, fix=fix) from error
        text = payload.decode("utf-8", errors="replace")
        body, is_json = _json_or_text(text)
        for secret in secrets(body):
            self._recorder.redactor.learn(secret)
        entry = self._recorder.record(
            "http.response",
            id=number,
            step=step,
            status=raw.status_code,
            headers=self._recorder.redactor.headers(raw.headers),
            body=body,
            seconds=round(self._recorder.now - began, 6),
            **({"truncated": True} if truncated else {}),
        )
        return Response(raw.status_code, raw.headers, text, body, is_json, truncated, entry.seq)

    def _request(self, draft: Draft, failed: type[CallError]) -> httpx.Request:
        # Checked here, because the messages of the libraries underneath quote the header, key included.
        for name, value in draft.headers.items():
            if not _HEADER_VALUE.match(value):
                raise failed(
                    f"the {name} header has a line end or a character that is not ASCII",
                    fix="copy the key or the name again",
                )
        own = {"user-agent": f"realtime-harness/{__version__}", "accept-encoding": "identity"}
        try:
            content, all_headers = draft.content.encode(), {**own, **draft.headers}
            return self._client.build_request(draft.method, draft.url, headers=all_headers, content=content)
        except (httpx.InvalidURL, ValueError) as error:
            raise failed(
                f"{self._recorder.redactor.text(draft.url)} is no usable URL",
                fix="check the host, resource or region name",
            ) from error


def retry_pause(response: Response) -> float | None:
    """Seconds to wait before the one retry of a 429 or 5xx; None where it is not to be sent again."""
    if response.status != 429 and response.status < 500:
        return None
    asked = retry_after(response.headers)
    if asked is None:
        return BACK_OFF
    return asked if asked <= LONGEST_WAIT else None


def no_response(error: BaseException, url: str, timeout: float, redact: Callable[[str], str]) -> tuple[str, str, str]:
    """Name, message and fix for a request that got no response, from the exception and everything that caused it."""
    host = urlsplit(url).netloc
    causes = list(_causes(error))
    detail = next((str(cause) for cause in causes if str(cause)), type(error).__name__)
    for kinds, what, fix in _NO_RESPONSE:
        for cause in causes:
            if isinstance(cause, kinds):
                return (
                    type(cause).__name__,
                    what.format(host=host, timeout=timeout, detail=shorten(redact(str(cause)))),
                    fix,
                )
    return (
        type(error).__name__,
        f"no response from {host}: {shorten(redact(detail))}",
        "check the network, and try again",
    )


_NO_RESPONSE: tuple[tuple[tuple[type[BaseException], ...], str, str], ...] = (
    (
        (socket.gaierror,),
        "the host name {host} cannot be resolved ({detail})",
        "check the resource name, the region and the endpoint variables for a typing error; check DNS",
    ),
    (
        (ssl.SSLError,),
        "no TLS connection to {host}: {detail}",
        "check https against http in the URL and the clock; behind a proxy with its own certificate set SSL_CERT_FILE to its CA",
    ),
    (
        (ConnectionRefusedError,),
        "{host} refuses the connection",
        "start the service, or correct host and port",
    ),
    (
        (httpx.TimeoutException, TimeoutError),
        "no complete response from {host} within {timeout:g} s",
        "check proxy and firewall; caller.timeout in the scenario allows more time",
    ),
    (
        (httpx.ProxyError,),
        "the proxy in front of {host} fails: {detail}",
        "check HTTPS_PROXY and NO_PROXY",
    ),
    (
        (httpx.RemoteProtocolError, ConnectionResetError, BrokenPipeError, httpx.ReadError, httpx.WriteError),
        "{host} closed the connection before a whole response came",
        "check that it is an HTTP service and still running; look at its log",
    ),
    (
        (httpx.DecodingError,),
        "the response of {host} cannot be decompressed: {detail}",
        "the service's content-encoding does not fit its body",
    ),
)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The exception and what caused it, outermost first, groups included."""
    seen: set[int] = set()
    queue = [error]
    while queue:
        one = queue.pop(0)
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        queue += [one.__cause__, one.__context__]
        if isinstance(one, BaseExceptionGroup):
            queue += one.exceptions


async def _read(response: httpx.Response) -> tuple[bytes, bool]:
    payload = bytearray()
    async for chunk in response.aiter_bytes():
        payload += chunk
        if len(payload) > LIMIT:
            return bytes(payload[:LIMIT]), True
    return bytes(payload), False


def _json_or_text(text: str) -> tuple[Any, bool]:
    # A number or a bare word is no body of this API, so that only objects and lists count as JSON.
    if text.lstrip()[:1] not in ("{", "["):
        return text, False
    try:
        return parse(text), True
    except ValueError:
        return text, False


def seen(response: Response, redact: Callable[[str], str]) -> str:
    """A response on one line: status, media type, and the error it names or its beginning.

    Redacted before it is shortened: half a key would not be recognised.
    """
    kind = shorten(redact(response.content_type)) or "no content-type"
    return f"HTTP {response.status}, {kind}: {shorten(redact(_message(response))) or 'empty body'}"


def _message(response: Response) -> str:
    """The ``error`` of a JSON body in either vendor's shape, else the body's text."""
    body: Any = response.body
    error = body.get("error", body) if response.json and isinstance(body, Mapping) else None
    if isinstance(error, Mapping) and isinstance(error.get("message"), str):
        code = error.get("code") or error.get("type")
        return f"{code}: {error['message']}" if code else error["message"]
    return response.text
