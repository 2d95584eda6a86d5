"""The proxy's HTTP side: each request goes on to the service and its answer back to the client; both are recorded, at both ends.

What is changed on the way: addresses (``Host``, the host in ``Location``), what is of one hop (:rfc:`9110` section 7.6.1), codings that
cannot be read here (``Accept-Encoding``), the SDP of a call request and of its answer, and with a key of our own the credentials.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from harness.client.bodies import call_id
from harness.errors import CallError, CallRequestFailed, TokenRequestFailed
from harness.fake import bodies
from harness.fake.answers import HttpRefusal
from harness.fake.cors import preflight
from harness.fake.listener import Listener
from harness.fake.server import client_of
from harness.fake.settings import FakeSettings
from harness.protocol.dialects import BEARER, WAYS
from harness.proxying.access import Access
from harness.proxying.bodies import OfferBody, offer_in
from harness.proxying.bridge import Bridge
from harness.proxying.pairs import Pair, Pairs
from harness.proxying.upstream import Headers, NoReply, Reply, Upstream, Way, end_to_end, octets, plain
from harness.trace import Recorder, dump
from harness.webrtc.peer import RejectedDescription, acceptable

LIMITS = FakeSettings(body_limit=4 << 20)
OWN_ERROR = "proxy_error"
"""The ``type`` of an error that is the proxy's own, and not the service's."""
_PRIVATE = "access-control-{}-private-network"
_SAFE = frozenset({"accept", "accept-language", "content-language"})
"""What a page may always send (Fetch standard, CORS-safelisted request headers); the content type only with few values."""


class Proxy:
    """Stands where a service stands, for clients of one dialect, and hands on what they send to ``upstream``.

    ``pair_for`` makes the traces of each client's way to a call, ``on_end`` gets them when they are complete, with the call if there
    was one. ``access``: the proxy has credentials of its own, and this is who may use them. ``note`` is told what no trace holds.
    ``loopback`` keeps the clients' media on this machine.
    """

    def __init__(
        self,
        upstream: Upstream,
        *,
        pair_for: Callable[[], Pair],
        on_end: Callable[[Pair, Bridge | None], None],
        access: Access | None = None,
        note: Callable[[str], None] = lambda _: None,
        loopback: bool = True,
    ) -> None:
        self.url = ""
        self._upstream = upstream
        self._dialect = upstream.endpoints.dialect
        self._pairs = Pairs(upstream.endpoints, pair_for, on_end)
        self._access = access
        self._note = note
        self._loopback = loopback
        self._listener = Listener(self._serve, patience=LIMITS.request_seconds, connections=LIMITS.max_connections)
        self._numbers = itertools.count(1)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listen, and return the base URL. Raises UsageError where it cannot listen there."""
        self.url = await self._listener.start(host, port)
        return self.url

    async def stop(self) -> None:
        """Stop listening, end all calls, and hand over all traces. A second call does nothing."""
        if self.url:
            self.url = ""
            await self._listener.stop()
            await self._pairs.end_all("the proxy was stopped")

    # Requests

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            request = Request(scope, receive)
            response = await self._respond(request)
            await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.scope["headers"]]
        asked = plain(headers)
        shown = f"{request.method} {request.url.path[:100]}"
        if self._access is not None:
            reason = self._access.refusal(asked, request.client.host if request.client else "")
            if reason:
                self._note(f"! 403 for {shown}: {reason}")
                return _error(403, "not_allowed", reason)
        raw_path = request.scope.get("raw_path") or request.url.path.encode()
        path = raw_path.decode("latin-1").partition("?")[0]
        way = self._upstream.way(path, asked.get("content-type", ""))
        if self._access is not None and not way.known:
            reason = (
                f"{self._dialect.name} has no such path; the proxy's key is spent on key, call and hang-up requests"
            )
            self._note(f"! 404 for {shown}: {reason}")
            return _error(404, "unknown_path", reason, asked)
        if request.method == "OPTIONS" and "origin" in asked and "access-control-request-method" in asked:
            return await self._preflight(request, headers, way, path)
        content = await bodies.read(request, LIMITS)
        if isinstance(content, HttpRefusal):
            return _error(content.status, content.code, content.message, asked)
        if way.known or request.method == "POST":
            return await self._exchange(request, headers, way, path, content)
        return await self._pass_on(request, headers, way, path, content)

    async def _pass_on(self, request: Request, headers: Headers, way: Way, path: str, content: bytes) -> Response:
        """A request that is nobody's call; it is not recorded."""
        asked = plain(headers)
        sent = self._upstream.headers(way, headers, own_key=False)
        try:
            url = _url(way, path, request)
            reply = await self._upstream.send(request.method, url, sent, content, redact=lambda text: "")
        except NoReply as error:
            return _error(502, "service_unreachable", f"{error.what}; {error.fix}", asked)
        answer = self._as_ours(way, reply, request, asked)
        return _response(answer.status, answer.headers, answer.body)

    async def _preflight(self, request: Request, headers: Headers, way: Way, path: str) -> Response:
        """A browser asks leave for a page: the service answers, or we do, where it is our key that the page may spend."""
        asked, client = plain(headers), client_of(request)
        if self._access is not None:
            return _response(204, list(self._access.preflight(asked).items()))
        sent, url = self._upstream.headers(way, headers, own_key=False), _url(way, path, request)
        try:
            reply = await self._upstream.send("OPTIONS", url, sent, b"", redact=lambda text: "")
        except NoReply as error:
            return _error(502, "service_unreachable", f"{error.what}; {error.fix}", asked)
        allowed = {name.strip().lower() for name in reply.header("access-control-allow-headers").split(",")}
        told = preflight(request, reply.status)
        told["refused"] = [name for name in told["headers"] if name.lower() not in allowed | _SAFE]
        pair = self._pairs.asking_leave(client, refused=not reply.ok or bool(told["refused"]))
        if pair is not None:
            pair.client.record("http.preflight", step=way.step, **told)
            origin = reply.header("access-control-allow-origin")
            pair.service.record("http.preflight", step=way.step, **{**told, "url": url, "allowed_origin": origin})
        answer = list(end_to_end(reply.headers))
        if _PRIVATE.format("request") in asked and not reply.header(_PRIVATE.format("allow")):
            answer.append((_PRIVATE.format("allow"), "true"))  # the address is ours, which the service cannot know
        return _response(reply.status, answer, reply.body)

    async def _exchange(self, request: Request, headers: Headers, way: Way, path: str, content: bytes) -> Response:
        """One request and its answer, recorded as the client made and got it, and as we did."""
        asked, client = plain(headers), client_of(request)
        key = BEARER.key_in(asked) if way.step != "key" else ""
        asker = next((found for one in WAYS if (found := one.key_in(asked))), "")
        pair = self._pairs.open(way, client, key, asker if way.step == "call" else "")
        began, number = asyncio.get_running_loop().time(), next(self._numbers)
        _record_request(pair.client, number, way, request.method, str(request.url), headers, content)
        try:
            answer = await self._handed_on(request, headers, way, path, content, pair)
        except BaseException:
            self._pairs.broken(pair)
            raise
        self._record_answer(pair.client, number, way, answer, asyncio.get_running_loop().time() - began)
        self._pairs.answered(pair, way, answer, client, key, asker)
        return _response(answer.status, answer.headers, answer.body)

    async def _handed_on(
        self, request: Request, headers: Headers, way: Way, path: str, content: bytes, pair: Pair
    ) -> Reply:
        """The service's answer, as the client is to get it."""
        asked = plain(headers)
        body = offer_in(asked.get("content-type", ""), content) if way.step == "call" else None
        bridge = self._bridge(body, pair) if body is not None else None
        try:
            if body is not None and bridge is not None:
                content = body.around(await bridge.offer(body.offer))
            elif body is not None:
                pair.service.record("sdp.offer", sdp=body.offer)
            reply = await self._ask(request, headers, way, path, content, pair)
            if bridge is not None and reply.ok and reply.text.startswith("v=0"):
                answer = await bridge.accept(reply.text)
                pair.client.record("sdp.answer", sdp=answer)
                self._pairs.live(pair, bridge, call_id(reply.header("location")))
                bridge = None
                coded = [(one, value) for one, value in reply.headers if one != "content-encoding"]
                reply = Reply(reply.status, coded, answer.encode(), answer, reply.seconds)
            elif body is not None and reply.ok and reply.text.startswith("v=0"):
                for recorder in (pair.service, pair.client):
                    recorder.record("sdp.answer", sdp=reply.text)
        except NoReply as error:
            return self._failed(way, pair, "service_unreachable", error.what, error.fix, asked)
        except RejectedDescription as error:
            fix = "see sdp.rejected in the traces of the call"
            return self._failed(way, pair, "not_relayed", error.reason, fix, asked)
        finally:
            if bridge is not None:  # there was no call
                await bridge.close()
        return self._as_ours(way, reply, request, asked)

    def _bridge(self, body: OfferBody, pair: Pair) -> Bridge | None:
        """A call in the making; None where the offer could not be one for us: what it is good for is for the service to say."""
        pair.client.record("sdp.offer", sdp=body.offer)
        try:
            acceptable(body.offer)
        except RejectedDescription as error:
            pair.client.record("sdp.rejected", sdp=body.offer, reason=error.reason)
            return None
        return Bridge(
            pair.client,
            pair.service,
            client_loopback=self._loopback,
            service_loopback=self._upstream.endpoints.loopback,
            on_end=self._pairs.call_ended,
        )

    async def _ask(self, request: Request, headers: Headers, way: Way, path: str, content: bytes, pair: Pair) -> Reply:
        """Ask the service, recorded as a client does. Raises NoReply."""
        recorder, number, url = pair.service, next(self._numbers), _url(way, path, request)
        own = self._access is not None and not self._pairs.minted_here(BEARER.key_in(plain(headers)))
        sent = self._upstream.headers(way, headers, own_key=own)
        _record_request(recorder, number, way, request.method, url, sent, content)
        try:
            reply = await self._upstream.send(request.method, url, sent, content, redact=recorder.redactor.text)
        except NoReply as error:
            recorder.record("http.failed", id=number, step=way.step, error=error.error, message=error.what)
            raise
        self._record_answer(recorder, number, way, reply, reply.seconds)
        return reply

    def _record_answer(self, recorder: Recorder, number: int, way: Way, answer: Reply, seconds: float) -> None:
        for secret in self._pairs.keys(way, answer):
            recorder.redactor.learn(secret)
        recorder.record(
            "http.response",
            id=number,
            step=way.step,
            status=answer.status,
            headers=recorder.redactor.headers(plain(answer.headers)),
            body=bodies.as_recorded(answer.header("content-type"), answer.text),
            seconds=round(seconds, 6),
        )

    def _failed(self, way: Way, pair: Pair, code: str, what: str, fix: str, asked: Mapping[str, str]) -> Reply:
        """The answer where the service gave none that could be handed on; the service's trace ends with it."""
        kind: type[CallError] = TokenRequestFailed if way.step == "key" else CallRequestFailed
        pair.service.record_error(kind(what, fix=fix))
        response = _error(502, code, f"{what}; {fix}", asked)
        text = bytes(response.body).decode()
        headers = [(name.decode(), value.decode()) for name, value in response.raw_headers if name != b"content-length"]
        return Reply(502, headers, text.encode(), text, 0.0)

    def _as_ours(self, way: Way, reply: Reply, request: Request, asked: Mapping[str, str]) -> Reply:
        """The answer with our address, and in our own name where it is our key that is spent."""
        ours = f"{request.url.scheme}://{request.url.netloc}"
        headers = [
            (name, self._upstream.location(way, value, ours) if name == "location" else value)
            for name, value in end_to_end(reply.headers)
        ]
        if self._access is not None and "origin" in asked:
            told = self._access.answer(asked["origin"])
            headers = [(name, value) for name, value in headers if name not in told] + list(told.items())
        return Reply(reply.status, headers, reply.body, reply.text, reply.seconds)


def _record_request(
    recorder: Recorder, number: int, way: Way, method: str, url: str, headers: Headers, content: bytes
) -> None:
    named = plain(headers)
    recorder.record(
        "http.request",
        id=number,
        step=way.step,
        method=method,
        url=url,
        headers=recorder.redactor.headers(named),
        body=bodies.as_recorded(named.get("content-type", ""), content.decode("utf-8", "replace")),
    )


def _url(way: Way, path: str, request: Request) -> str:
    query = request.scope["query_string"].decode("latin-1")
    return f"{way.base}{way.prefix}{path}" + (f"?{query}" if query else "")


def _response(status: int, headers: Sequence[tuple[str, str]], body: bytes = b"") -> Response:
    """A response with these headers and no others but its length."""
    response = Response(body, status)
    length = [(name, value) for name, value in response.raw_headers if name == b"content-length"]
    response.raw_headers = [*octets(headers), *length]
    return response


def _error(status: int, code: str, message: str, asked: Mapping[str, str] | None = None) -> Response:
    """An error of the proxy's own, in the vendors' shape; a page of any origin that ``asked`` may read it."""
    body = {"error": {"message": f"harness proxy: {message}", "type": OWN_ERROR, "code": code, "param": None}}
    origin = [("access-control-allow-origin", asked["origin"])] if asked and "origin" in asked else []
    return _response(status, [("content-type", "application/json"), *origin], dump(body).encode())
