"""The service behind the proxy: where a request of the client goes, and what becomes of it and of its answer on the way."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx

from harness.client.http import LIMIT, RequestStep, no_response
from harness.protocol.dialects import WAYS
from harness.targets.endpoints import Endpoints

TIMEOUT = 60.0
"""Seconds in which the service has to answer one request."""
Headers = Sequence[tuple[str, str]]
"""Names in lower case, in order; a name may come twice."""

# RFC 9110 section 7.6.1, and those that name a length or a host: they are of one connection, or made anew.
_OF_ONE_HOP = frozenset(
    {
        *("connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization", "te", "trailer"),
        *("transfer-encoding", "upgrade", "content-length", "expect"),
    }
)
# The id of a call in a path; no dots alone, which would lead to another path.
_ID = r"(?P<id>(?!\.+(?:/|\Z))[A-Za-z0-9._~-]+)"
_REGION = re.compile(r"([A-Za-z0-9-]+)\.localhost(?::\d+)?\Z")
# What can be decoded here, so that the recording can be read: RFC 9110 section 12.5.3.
_CODINGS = ("gzip", "deflate", "identity")


@dataclass(frozen=True)
class Reply:
    """The service's answer as it came: ``body`` still in its content coding, ``text`` decoded; ``seconds`` that it took."""

    status: int
    headers: Headers
    body: bytes
    text: str
    seconds: float

    @property
    def ok(self) -> bool:
        """A 2xx status."""
        return 200 <= self.status < 300

    def header(self, name: str) -> str:
        """The first value of a header, or an empty string."""
        return next((value for found, value in self.headers if found == name), "")


class NoReply(Exception):
    """No answer came: ``error`` is the kind, ``what`` happened, and how to ``fix`` it; without secrets."""

    def __init__(self, error: str, what: str, fix: str) -> None:
        super().__init__(what)
        self.error = error
        self.what = what
        self.fix = fix


@dataclass(frozen=True)
class Way:
    """Where a request goes: the ``step`` it belongs to, the service's scheme, host and path ``prefix``; ``known``: the dialect has it."""

    step: RequestStep
    base: str
    prefix: str
    known: bool
    call_id: str = ""


class Upstream:
    """Finds the way of a request by its path, and sends it."""

    def __init__(self, endpoints: Endpoints, http: httpx.AsyncClient) -> None:
        self.endpoints = endpoints
        self._http = http
        dialect = endpoints.dialect
        key, call = _split(endpoints.key_url, dialect.key_url), _split(endpoints.call_url, dialect.call_url)
        transcription = _split(endpoints.transcription_key_url, dialect.transcription_key_url)
        self._ways: list[tuple[re.Pattern[str], Way]] = [
            (_exactly(dialect.key_url), Way("key", *key, True)),
            (_exactly(dialect.transcription_key_url), Way("key", *transcription, True)),
            (_exactly(dialect.call_url), Way("call", *call, True)),
            (re.compile(re.escape(urlsplit(dialect.call_url).path) + f"/{_ID}"), Way("hangup", *call, True)),
        ]
        if dialect.hangup_url is not None:
            hangup = _split(endpoints.hangup_url("") or "", dialect.hangup_url.replace("{call_id}", ""))
            path = re.escape(urlsplit(dialect.hangup_url).path).replace(r"\{call_id\}", _ID)
            self._ways.append((re.compile(path), Way("hangup", *hangup, True)))
        self._other = key

    def way(self, path: str, content_type: str) -> Way:
        """The way of a request to this path; one that the dialect does not have goes where the keys are minted."""
        for pattern, way in self._ways:
            if found := pattern.fullmatch(path):
                return Way(way.step, way.base, way.prefix, True, found.groupdict().get("id", ""))
        return Way("call" if content_type.startswith("application/sdp") else "key", *self._other, False)

    def headers(self, way: Way, headers: Headers, *, own_key: bool) -> Headers:
        """The request's headers as they go on: those of one hop left out, the host the service's; ``own_key``: the credentials ours."""
        sent = [(name, _codings(value) if name == "accept-encoding" else value) for name, value in end_to_end(headers)]
        asked = next((value for name, value in sent if name == "host"), "")
        sent = [(name, value) for name, value in sent if name != "host"]
        if own_key:
            ways = {auth.header for auth in WAYS}
            sent = [(name, value) for name, value in sent if name not in ways]
            sent += self.endpoints.credentials().items()
        return [("host", self._host(way, asked)), *sent]

    def _host(self, way: Way, asked: str) -> str:
        """The service's host; the region that a stand-in on this machine is told by its ``Host`` (eastus2.localhost) stays in front of it."""
        base = urlsplit(way.base)
        region = _REGION.match(asked) if self.endpoints.loopback else None
        if region is None:
            return base.netloc
        return f"{region[1]}.localhost" + (f":{base.port}" if base.port else "")

    async def send(
        self, method: str, url: str, headers: Headers, body: bytes, *, redact: Callable[[str], str]
    ) -> Reply:
        """The answer to a request, whatever its status; redirects are never followed. Raises NoReply, its words through ``redact``."""
        began = asyncio.get_running_loop().time()
        try:
            request = httpx.Request(method, url, headers=octets(headers), content=body or None)
            async with asyncio.timeout(TIMEOUT):
                raw = await self._http.send(request, stream=True, follow_redirects=False)
                try:
                    content = bytearray()
                    async for chunk in raw.aiter_raw():
                        content += chunk
                        if len(content) > LIMIT:
                            raise NoReply(
                                "TooLong",
                                f"the answer of {urlsplit(url).netloc} is longer than {LIMIT} bytes",
                                "check the path",
                            )
                finally:
                    await raw.aclose()
            received = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in raw.headers.raw]
            coding = [(name, value) for name, value in received if name == "content-encoding"]
            text = httpx.Response(200, headers=coding, content=bytes(content)).content.decode("utf-8", "replace")
        except (httpx.HTTPError, httpx.StreamError, httpx.InvalidURL, OSError, TimeoutError, ValueError) as error:
            raise NoReply(*no_response(error, url, TIMEOUT, redact)) from error
        return Reply(raw.status_code, received, bytes(content), text, asyncio.get_running_loop().time() - began)

    def location(self, way: Way, value: str, ours: str) -> str:
        """A ``Location`` of the service's with our address (scheme and host) in place of its own; any other one as it is."""
        parts = urlsplit(value)
        place = value.removeprefix(way.base) if parts.netloc else value
        if parts.netloc and place == value:
            return value
        shortened = place.removeprefix(way.prefix) if way.prefix else place
        return f"{ours}{shortened}" if parts.netloc else shortened


def end_to_end(headers: Headers) -> Headers:
    """Headers without those that are of one hop alone (:rfc:`9110` section 7.6.1), ``Connection``'s own among them."""
    named = {one.strip().lower() for name, value in headers if name == "connection" for one in value.split(",")}
    return [(name, value) for name, value in headers if name not in _OF_ONE_HOP and name not in named]


def octets(headers: Headers) -> list[tuple[bytes, bytes]]:
    """Headers as they stand on the wire (:rfc:`9112` section 2.2: octets, whatever they mean)."""
    return [(name.encode("latin-1", "replace"), value.encode("latin-1", "replace")) for name, value in headers]


def plain(headers: Headers) -> Mapping[str, str]:
    """Headers by name; those that came twice joined as :rfc:`9110` section 5.3 has it."""
    found: dict[str, str] = {}
    for name, value in headers:
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def _codings(accepted: str) -> str:
    """An Accept-Encoding with those codings alone that can be read here."""
    kept = [one.strip() for one in accepted.split(",") if one.strip().partition(";")[0].lower() in _CODINGS]
    return ", ".join(kept) or "identity"


def _exactly(url: str) -> re.Pattern[str]:
    return re.compile(re.escape(urlsplit(url).path))


def _split(url: str, template: str) -> tuple[str, str]:
    """Scheme and host, and what stands before the API's own path, of an endpoint."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}", parts.path.removesuffix(urlsplit(template).path)
