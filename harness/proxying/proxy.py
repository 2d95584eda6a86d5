"""The proxy's HTTP side: each request goes on to the service and its answer back to the client; both are recorded, at both ends.

What is changed on the way: addresses (``Host``, the host in ``Location``), what is of one hop (:rfc:`9110` section 7.6.1), codings that
cannot be read here (``Accept-Encoding``), the SDP of a call request and of its answer, and with a key of our own the credentials.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from types import TracebackType
from typing import Any, Self

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from harness.client.bodies import call_id, keys_in
from harness.errors import CallError, CallRequestFailed, TokenRequestFailed
from harness.fake import bodies
from harness.fake.answers import HttpRefusal
from harness.fake.cors import preflight
from harness.fake.listener import Listener
from harness.fake.settings import FakeSettings
from harness.fake.traces import Client, Traces
from harness.protocol.dialects import BEARER, WAYS
from harness.proxying.access import Access
from harness.proxying.bodies import OfferBody, offer_in
from harness.proxying.bridge import Bridge
from harness.proxying.upstream import Headers, NoReply, Reply, Upstream, Way, end_to_end, octets, plain
from harness.trace import Recorder, dump
from harness.webrtc.peer import RejectedDescription, acceptable

LIMITS = FakeSettings(body_limit=4 << 20)
OWN_ERROR = "proxy_error"
"""The ``type`` of an error that is the proxy's own, and not the service's."""


@dataclass(frozen=True)
class Pair:
    """The two traces of a client's way to a call: ``client`` as seen where the service stands, ``service`` as seen by a client."""

    client: Recorder
    service: Recorder


class Proxy:
    """Stands where a service stands, for clients of one dialect, and hands on what they send to ``upstream``.

    ``pair_for`` makes the traces of each client's way to a call, ``on_end`` gets them when they are complete, with the call if there
    was one. ``access``: the proxy has credentials of its own, and this is who may use them. ``note`` is told what no trace holds.
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
        self._pair_for = pair_for
        self._on_end = on_end
        self._access = access
        self._note = note
        self._loopback = loopback
        self._listener = Listener(self._serve, patience=LIMITS.request_seconds, connections=LIMITS.max_connections)
        self._pairs: dict[int, Pair] = {}  # by the id of the client's recorder
        self._bridges: dict[int, Bridge] = {}  # likewise
        self._calls: dict[str, Recorder] = {}  # the client's recorder by the id of the call
        self._minted: set[str] = set()
        self._numbers = itertools.count(1)
        self._traces = Traces(self._new_trace, self._trace_ended, self._now)

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
        if not self.url:
            return
        self.url = ""
        await self._listener.stop()
        await asyncio.gather(*(bridge.close("the proxy was stopped") for bridge in tuple(self._bridges.values())))
        self._traces.close_all()

    # Traces

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def _new_trace(self, _dialect: str) -> Recorder:
        pair = self._pair_for()
        self._pairs[id(pair.client)] = pair
        endpoints = self._upstream.endpoints
        pair.service.record("harness.config", **endpoints.config(), label=self._dialect.label, ice_servers=[])
        for text in endpoints.notes:
            pair.service.record("harness.note", text=text, about="target")
        return pair.client

    def _trace_ended(self, client: Recorder) -> None:
        pair = self._pairs.pop(id(client))
        failed = client.end == "completed" and any(entry.kind == "harness.error" for entry in pair.service.entries)
        pair.service.close("failed" if failed else client.end or "completed")
        self._on_end(pair, self._bridges.pop(id(client), None))

    def _call_ended(self, bridge: Bridge) -> None:
        client = bridge.client.recorder
        for name in [name for name, one in self._calls.items() if one is client]:
            del self._calls[name]
        self._traces.close(client)

    # Requests

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        response = await self._respond(request)
        await response(scope, receive, send)

    async def _respond(self, request: Request) -> Response:
        headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in request.scope["headers"]]
        named = plain(headers)
        peer = request.client.host if request.client else ""
        if self._access is not None and (reason := self._access.refusal(named, peer)):
            self._note(f"! 403 for {request.method} {request.url.path[:100]}: {reason}")
            return _error(403, "not_allowed", reason)
        raw_path = (request.scope.get("raw_path") or request.url.path.encode()).decode("latin-1").partition("?")[0]
        way = self._upstream.way(raw_path, named.get("content-type", ""))
        if self._access is not None and not way.known:
            self._note(f"! 404 for {request.method} {request.url.path[:100]}: no path of {self._dialect.name}")
            known = "the proxy's own key is spent on key, call and hang-up requests of this dialect alone"
            return _error(404, "unknown_path", f"{self._dialect.name} has no such path, and {known}", named)
        if request.method == "OPTIONS" and "origin" in named and "access-control-request-method" in named:
            return await self._preflight(request, headers, way, raw_path)
        content = await bodies.read(request, LIMITS)
        if isinstance(content, HttpRefusal):
            return _error(content.status, content.code, content.message, named)
        if not way.known and request.method != "POST":
            return await self._pass_on(request, headers, way, raw_path, content)
        return await self._exchange(request, headers, way, raw_path, content)

    async def _pass_on(self, request: Request, headers: Headers, way: Way, path: str, content: bytes) -> Response:
        """A request that is nobody's call; it is not recorded."""
        named = plain(headers)
        sent = self._upstream.headers(way, headers, own_key=False)
        try:
            url = _url(way, path, request)
            reply = await self._upstream.send(request.method, url, sent, content, redact=lambda text: "")
        except NoReply as error:
            return _error(502, "service_unreachable", f"{error.what}; {error.fix}", named)
        answer = self._as_ours(way, reply, request, named)
        return _plain(answer.status, answer.headers, answer.body)

    async def _preflight(self, request: Request, headers: Headers, way: Way, path: str) -> Response:
        """A browser asks leave for a page: the service answers, or we do, where it is our key that the page may spend."""
        named = plain(headers)
        if self._access is not None:
            return _plain(204, list(self._access.preflight(named).items()))
        sent = self._upstream.headers(way, headers, own_key=False)
        url = _url(way, path, request)
        try:
            reply = await self._upstream.send("OPTIONS", url, sent, b"", redact=lambda text: "")
        except NoReply as error:
            return _error(502, "service_unreachable", f"{error.what}; {error.fix}", named)
        allowed = {name.strip().lower() for name in reply.header("access-control-allow-headers").split(",")}
        told = preflight(request, reply.status)
        told["refused"] = [
            name for name in told["headers"] if name.lower() not in allowed and name.lower() not in _SAFE
        ]
        recorder = self._traces.asking_leave(
            self._dialect.name, _client(request), refused=not reply.ok or bool(told["refused"])
        )
        if recorder is not None:
            recorder.record("http.preflight", step=way.step, **told)
            origin = reply.header("access-control-allow-origin")
            self._pairs[id(recorder)].service.record(
                "http.preflight", step=way.step, **{**told, "url": url}, allowed_origin=origin
            )
        return _plain(reply.status, end_to_end(reply.headers), reply.body)

    async def _exchange(self, request: Request, headers: Headers, way: Way, path: str, content: bytes) -> Response:
        """One request and its answer, recorded as the client made and got it, and as we did."""
        named, client = plain(headers), _client(request)
        key = BEARER.key_in(named) if way.step != "key" else ""
        asker = next((found for one in WAYS if (found := one.key_in(named))), "")
        standing = self._calls.get(way.call_id)
        recorder = standing or self._traces.open(self._dialect.name, client, key, asker if way.step == "call" else "")
        pair = self._pairs[id(recorder)]
        began, record = self._now(), partial(recorder.record, id=next(self._numbers), step=way.step)
        record(
            "http.request",
            method=request.method,
            url=str(request.url),
            headers=recorder.redactor.headers(named),
            body=bodies.as_recorded(named.get("content-type", ""), content.decode("utf-8", "replace")),
        )
        try:
            answer = await self._handed_on(request, headers, way, path, content, pair)
        except BaseException:
            if standing is None:
                self._traces.close(recorder, "interrupted")
            raise
        self._learn(way, answer, pair)
        record(
            "http.response",
            status=answer.status,
            headers=recorder.redactor.headers(plain(answer.headers)),
            body=bodies.as_recorded(answer.header("content-type"), answer.text),
            seconds=round(self._now() - began, 6),
        )
        if standing is None:
            self._goes_on(way, answer, recorder, client, key, asker)
        elif answer.ok and id(recorder) in self._bridges:
            self._bridges[id(recorder)].hung_up = True
        return _plain(answer.status, answer.headers, answer.body)

    def _goes_on(self, way: Way, answer: Reply, recorder: Recorder, client: Client, key: str, asker: str) -> None:
        """What becomes of the trace once its request has been answered."""
        if way.step == "key" and answer.ok:
            minted = next(iter(keys_in(_json(answer.text))), "")
            if minted:
                self._minted.add(minted)
                self._traces.minted(recorder, minted, asker, client)
                return
        if id(recorder) in self._bridges:
            return
        if answer.ok and way.step == "call":
            note = (
                "the call is not relayed: what was sent is no offer with audio and a data channel; its media passes by"
            )
            recorder.record("harness.note", text=note, about="proxy")
            self._traces.close(recorder)
        else:
            self._traces.failed(recorder, client, key if key in self._minted else "")

    def _learn(self, way: Way, answer: Reply, pair: Pair) -> None:
        """Keys are known to both redactors before anything is recorded."""
        if way.step == "key":
            for secret in keys_in(_json(answer.text)):
                for recorder in (pair.client, pair.service):
                    recorder.redactor.learn(secret)

    async def _handed_on(
        self, request: Request, headers: Headers, way: Way, path: str, content: bytes, pair: Pair
    ) -> Reply:
        """The service's answer, as the client is to get it."""
        named = plain(headers)
        body = offer_in(named.get("content-type", ""), content) if way.step == "call" else None
        bridge = self._bridge(body, pair) if body is not None else None
        try:
            if body is not None and bridge is not None:
                content = body.around(await bridge.offer(body.offer))
            reply = await self._ask(request, headers, way, path, content, pair)
            if bridge is not None and reply.ok and reply.text.startswith("v=0"):
                answer = await bridge.accept(reply.text)
                pair.client.record("sdp.answer", sdp=answer)
                self._bridges[id(pair.client)] = bridge
                if name := call_id(reply.header("location")):
                    self._calls[name] = pair.client
                coded = [(one, value) for one, value in reply.headers if one != "content-encoding"]
                reply = Reply(reply.status, coded, answer.encode(), answer, reply.seconds)
                bridge = None
        except NoReply as error:
            return self._failed(way, pair, 502, "service_unreachable", error.what, error.fix, named)
        except RejectedDescription as error:
            what = f"the service's SDP answer cannot be taken: {error.reason}"
            return self._failed(
                way, pair, 502, "answer_rejected", what, "see sdp.rejected in the service's trace", named
            )
        finally:
            if bridge is not None:  # there was no call
                await bridge.close()
        return self._as_ours(way, reply, request, named)

    def _bridge(self, body: OfferBody, pair: Pair) -> Bridge | None:
        """A call in the making; None where the offer could not be one for us, which may be for the service to say."""
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
            on_end=self._call_ended,
        )

    async def _ask(self, request: Request, headers: Headers, way: Way, path: str, content: bytes, pair: Pair) -> Reply:
        """Ask the service, recorded as a client does. Raises NoReply."""
        recorder, named = pair.service, plain(headers)
        own = self._access is not None and BEARER.key_in(named) not in self._minted
        sent = self._upstream.headers(way, headers, own_key=own)
        record, url = partial(recorder.record, id=next(self._numbers), step=way.step), _url(way, path, request)
        record(
            "http.request",
            method=request.method,
            url=url,
            headers=recorder.redactor.headers(plain(sent)),
            body=bodies.as_recorded(named.get("content-type", ""), content.decode("utf-8", "replace")),
        )
        try:
            reply = await self._upstream.send(request.method, url, sent, content, redact=recorder.redactor.text)
        except NoReply as error:
            record("http.failed", error=error.error, message=error.what)
            raise
        self._learn(way, reply, pair)
        record(
            "http.response",
            status=reply.status,
            headers=recorder.redactor.headers(plain(reply.headers)),
            body=bodies.as_recorded(reply.header("content-type"), reply.text),
            seconds=round(reply.seconds, 6),
        )
        return reply

    def _failed(self, way: Way, pair: Pair, status: int, code: str, what: str, fix: str, asked: Any) -> Reply:
        """The answer where the service gave none that could be handed on; the service's trace ends with it."""
        kind: type[CallError] = TokenRequestFailed if way.step == "key" else CallRequestFailed
        pair.service.record_error(kind(what, fix=fix))
        response = _error(status, code, f"{what}; {fix}", asked)
        text = bytes(response.body).decode()
        headers = [(name.decode(), value.decode()) for name, value in response.raw_headers if name != b"content-length"]
        return Reply(status, headers, text.encode(), text, 0.0)

    def _as_ours(self, way: Way, reply: Reply, request: Request, asked: Any) -> Reply:
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


# What a page may always send (Fetch standard, CORS-safelisted request headers); the content type is one of few values there.
_SAFE = frozenset({"accept", "accept-language", "content-language"})


def _url(way: Way, path: str, request: Request) -> str:
    query = request.scope["query_string"].decode("latin-1")
    return f"{way.base}{way.prefix}{path}" + (f"?{query}" if query else "")


def _plain(status: int, headers: Sequence[tuple[str, str]], body: bytes = b"") -> Response:
    """A response with these headers and no others but its length."""
    response = Response(body, status)
    length = [(name, value) for name, value in response.raw_headers if name == b"content-length"]
    response.raw_headers = [*octets(headers), *length]
    return response


def _error(status: int, code: str, message: str, asked: Any = ()) -> Response:
    """An error of the proxy's own, in the vendors' shape; a page of any origin that ``asked`` may read it."""
    body = {"error": {"message": f"harness proxy: {message}", "type": OWN_ERROR, "code": code, "param": None}}
    origin = [("access-control-allow-origin", asked["origin"])] if "origin" in asked else []
    return _plain(status, [("content-type", "application/json"), *origin], dump(body).encode())


def _client(request: Request) -> Client:
    return request.client.host if request.client else "", request.headers.get("user-agent", "")


def _json(text: str) -> Any:
    return bodies.as_recorded("application/json", text)
