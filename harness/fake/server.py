"""The fake service's HTTP side: the token, call and hang-up endpoints of every dialect on their real paths, over real sockets.

Routes, statuses and bodies come from the dialects' and vendors' rows; what a request may do is judged in
:mod:`harness.fake.admission`, a call lives in :mod:`harness.fake.peer`. All times are the event loop's, so the service runs in
virtual time too; epoch seconds (``expires_at``, the Date header) are the wall time at the start plus the loop's time since.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import secrets
import string
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from email.utils import formatdate
from functools import partial
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from harness.fake import answers, bodies
from harness.fake.admission import (
    JSON_TYPE,
    SDP_TYPE,
    Ask,
    CallGrant,
    call_request,
    hangup_request,
    offer_problem,
    token_request,
)
from harness.fake.answers import VENDORS, HttpRefusal
from harness.fake.cors import Cors, preflight
from harness.fake.faults import Faults
from harness.fake.listener import Listener
from harness.fake.misbehavior import as_it_leaves
from harness.fake.peer import ServiceCall
from harness.fake.replies import recordings
from harness.fake.settings import FakeSettings
from harness.fake.tokens import KeyRing
from harness.fake.traces import Client, Traces
from harness.protocol.dialects import DIALECTS, WAYS, Dialect
from harness.scenario.script import FakeScript
from harness.trace import Recorder, dump
from harness.webrtc.peer import RejectedDescription

__all__ = ["FakeService", "FakeSettings"]

Act = Callable[[Request, Ask, Recorder], Awaitable[Response | HttpRefusal]]


def new_id(prefix: str) -> str:
    """An id in the services' form, ``event_4Rk0...``. From :mod:`random`, so that a seeded run repeats its ids."""
    return f"{prefix}_{''.join(random.choices(string.ascii_letters + string.digits, k=21))}"


class FakeService:
    """A Realtime service on this machine.

    ``dialects`` are the rows it speaks, all at once; ``script`` says what it hears and answers, and its faults; ``audio(name)`` gives the
    20 ms Opus packets of a recording. ``recorder_for(dialect name)`` makes a trace for each client's call, seen from the
    service; ``on_trace`` is called with each one when it is complete, ``on_call_end`` with each call just before. ``loopback``
    keeps media on 127.0.0.1. ``page`` is what a browser gets that opens the base URL; without one there is nothing, as at the vendors.

    Use ``start`` and ``stop``, or ``async with FakeService(...) as service: service.url``.
    """

    def __init__(
        self,
        *,
        dialects: Sequence[Dialect],
        script: FakeScript | None = None,
        audio: Callable[[str], Sequence[bytes]] | None = None,
        settings: FakeSettings | None = None,
        recorder_for: Callable[[str], Recorder] | None = None,
        on_call_end: Callable[[ServiceCall], None] = lambda _: None,
        on_trace: Callable[[Recorder], None] = lambda _: None,
        loopback: bool = True,
        page: str = "",
    ) -> None:
        self.dialects = tuple(dialects)
        self.script = script or FakeScript()
        self.audio = audio
        self.faults = Faults(self.script.faults)
        self.conduct = self.faults.conduct
        self.settings = (settings or FakeSettings()).scripted(self.script).as_conducted(self.conduct)
        self.loopback = loopback
        self.page = page
        self.url = ""
        self.calls: dict[str, ServiceCall] = {}
        self._recorder_for = recorder_for
        self._on_call_end = on_call_end
        self._on_trace = on_trace
        self._numbers = itertools.count(1)
        self._asked: Counter[str] = Counter()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listen, and return the base URL; port 0 takes a free one. Raises UsageError where it cannot listen there.

        What ``audio`` raises for a recording of the script is raised here, before there is a call.
        """
        if self.audio is not None:
            # Encoding half a minute takes a tenth of a second, in which no call on this loop would get its audio.
            for name in recordings(self.script):
                self.audio(name)
        loop = asyncio.get_running_loop()
        self._epoch = time.time() - loop.time()
        self._keys = KeyRing(self._epoch)
        self._traces = Traces(self._recorder_for, self._on_trace, loop.time)
        self._listener = Listener(
            self._application(), patience=self.settings.request_seconds, connections=self.settings.max_connections
        )
        self.url = await self._listener.start(host, port)
        return self.url

    async def stop(self) -> None:
        """Stop listening, end all calls, close all traces. A second call does nothing."""
        if not self.url:
            return
        self.url = ""
        # First no new calls, then an end to those there are, then to what never became one.
        await self._listener.stop()
        for call in tuple(self.calls.values()):
            await call.close()
        self._traces.close_all()

    @property
    def connections(self) -> int:
        """HTTP connections that are open."""
        return self._listener.connections

    @property
    def now(self) -> float:
        """Seconds on the loop's clock."""
        return asyncio.get_running_loop().time()

    def _application(self) -> Starlette:
        application = Starlette(
            routes=self._routes(),
            middleware=[Middleware(Cors, tell=self._on_preflight, **self.conduct.pages)],
            exception_handlers={404: self._no_route, 405: self._no_route},
        )
        application.router.redirect_slashes = False
        return application

    def _routes(self) -> list[Route]:
        acts: dict[str, tuple[Dialect, str, Act]] = {}
        for dialect in self.dialects:
            key, transcription = urlsplit(dialect.key_url).path, urlsplit(dialect.transcription_key_url).path
            acts[transcription] = dialect, "key", partial(self._mint, dialect, True)
            acts[key] = dialect, "key", partial(self._mint, dialect, False)
            acts[urlsplit(dialect.call_url).path] = dialect, "call", partial(self._call, dialect)
            if dialect.hangup_url:
                acts[urlsplit(dialect.hangup_url).path] = dialect, "hangup", partial(self._hang_up, dialect)
        vendors = {dialect.vendor for dialect in self.dialects}
        for gone in DIALECTS.values():
            if gone.state.startswith("removed") and gone.vendor in vendors:
                for step, url in (("key", gone.key_url), ("key", gone.transcription_key_url), ("call", gone.call_url)):
                    acts.setdefault(urlsplit(url).path, (gone, step, _removed))
        self._steps = {path: (dialect, step) for path, (dialect, step, _) in acts.items()}
        shown = [Route("/", self._show, methods=["GET"])] if self.page else []
        return shown + [
            Route(path, partial(self._exchange, dialect=dialect, step=step, act=act), methods=["POST"])
            for path, (dialect, step, act) in acts.items()
        ]

    def _on_preflight(self, request: Request, status: int) -> None:
        """A browser asks leave for a request of a page; where that is refused, the request never comes."""
        if request.url.path not in self._steps:
            return
        dialect, step = self._steps[request.url.path]
        recorder = self._traces.asking_leave(dialect.name, client_of(request), refused=status >= 300)
        if recorder is not None:
            recorder.record("http.preflight", step=step, **preflight(request, status))

    async def _show(self, _request: Request) -> Response:
        """The page; nobody's call, so it is not recorded."""
        return HTMLResponse(self.page)

    async def _no_route(self, request: Request, error: Exception) -> Response:
        """A path or method that no dialect has, answered as the vendor does whose paths begin like this one."""
        root = request.url.path.split("/")[1]
        near = [dialect for dialect in self.dialects if VENDORS[dialect.vendor].root == root] or self.dialects
        vendor = VENDORS[near[0].vendor]
        status = error.status_code if isinstance(error, HTTPException) else 404
        headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
        step = "call" if request.headers.get("content-type", "").startswith(SDP_TYPE) else "key"

        async def refuse(_request: Request, _ask: Ask, _recorder: Recorder) -> HttpRefusal:
            return vendor.method.sending(headers) if status == 405 else vendor.not_found

        return await self._exchange(request, dialect=near[0], step=step, act=refuse)

    async def _exchange(self, request: Request, *, dialect: Dialect, step: str, act: Act) -> Response:
        """One request and its response, both recorded."""
        began = self.now
        headers = {name.lower(): value for name, value in request.headers.items()}
        raw = await bodies.read(request, self.settings)
        text = "" if isinstance(raw, HttpRefusal) else raw.decode("utf-8", "replace")
        parts = None if isinstance(raw, HttpRefusal) else await bodies.form(request.headers, raw)
        ask = Ask(dict(request.query_params), headers, text, parts)
        client = client_of(request)
        key = ask.bearer if step != "key" else ""
        call = self.calls.get(request.path_params.get("call_id", ""))
        recorder = (
            call.recorder
            if call
            else self._traces.open(dialect.name, client, key, _asker(ask) if step == "call" else "")
        )
        record = partial(recorder.record, id=next(self._numbers), step=step)
        record(
            "http.request",
            method=request.method,
            url=str(request.url),
            headers=recorder.redactor.headers(headers),
            body=bodies.as_recorded(ask.content_type, text),
        )
        try:
            answer = raw if isinstance(raw, HttpRefusal) else await act(request, ask, recorder)
        except BaseException:
            if call is None:
                self._traces.close(recorder, "interrupted")
            raise
        response = _json(answer.body, answer.status, answer.headers) if isinstance(answer, HttpRefusal) else answer
        self._asked[step] += 1
        response = await as_it_leaves(response, self.faults, step=step, dialect=dialect, nth=self._asked[step])
        self._stamp(response, dialect)
        record(
            "http.response",
            status=response.status_code,
            headers=recorder.redactor.headers(dict(response.headers)),
            body=bodies.as_recorded(response.headers.get("content-type", ""), bytes(response.body).decode("utf-8")),
            seconds=round(self.now - began, 6),
        )
        refused = isinstance(answer, HttpRefusal) or (step == "key" and response.status_code >= 400)
        if refused and call is None:
            standing, _ = self._keys.find(key, dialect.name, self.now)
            self._traces.failed(recorder, client, key if standing != "foreign" else "")
        return response

    def _stamp(self, response: Response, dialect: Dialect) -> None:
        response.headers["date"] = formatdate(self._epoch + self.now, usegmt=True)
        response.headers[VENDORS[dialect.vendor].request_id] = new_id("req")

    async def _mint(
        self, dialect: Dialect, transcription: bool, request: Request, ask: Ask, recorder: Recorder
    ) -> Response | HttpRefusal:
        grant = token_request(dialect, ask, self.settings, transcription=transcription)
        if isinstance(grant, HttpRefusal):
            return grant
        key = self._keys.mint(
            f"ek_{secrets.token_hex(16)}",
            dialect.name,
            model=grant.model,
            session=grant.session.view(new_id("sess"), int(self._epoch + self.now + 60 * dialect.session_minutes)),
            seconds=grant.seconds,
            now=self.now,
        )
        self._traces.minted(recorder, key.value, _asker(ask), client_of(request))
        return _json(bodies.token_body(dialect, key))

    async def _call(self, dialect: Dialect, request: Request, ask: Ask, recorder: Recorder) -> Response | HttpRefusal:
        grant = call_request(dialect, ask, self.settings, self._keys, self.now)
        if isinstance(grant, HttpRefusal):
            return grant
        if grant.offer.startswith("v=0"):
            recorder.record("sdp.offer", sdp=grant.offer)
        if problem := offer_problem(grant.offer):
            recorder.record("sdp.rejected", sdp=grant.offer, reason=problem)
            return answers.INVALID_OFFER
        if len(self.calls) >= self.settings.max_calls:
            return answers.TOO_MANY_CALLS
        call_id = new_id("rtc")
        try:
            answer = await self._connect(dialect, grant, call_id, recorder)
        except RejectedDescription as error:
            recorder.record("sdp.rejected", sdp=grant.offer, reason=error.reason)
            return answers.INVALID_OFFER
        answer = self.faults.answer(answer)
        recorder.record("sdp.answer", sdp=answer)
        # Where several statuses are accepted none is documented; then the lowest is taken.
        location = {"location": f"{urlsplit(dialect.call_url).path}/{call_id}"} if dialect.location else {}
        return Response(answer, min(dialect.call_statuses), headers={"content-type": SDP_TYPE, **location})

    async def _connect(self, dialect: Dialect, grant: CallGrant, call_id: str, recorder: Recorder) -> str:
        def ended(call: ServiceCall) -> None:
            self.calls.pop(call_id, None)
            self._on_call_end(call)
            self._traces.close(recorder)

        call = self._service_call(
            recorder,
            dialect=dialect,
            script=self.script,
            session=grant.session,
            model=grant.model,
            filtered=grant.filtered,
            audio=self.audio,
            settings=self.settings,
            faults=self.faults,
            loopback=self.loopback,
            ids=new_id,
            epoch=self._epoch,
            on_end=ended,
        )
        self.calls[call_id] = call
        try:
            return await call.answer(grant.offer)
        except BaseException:
            self.calls.pop(call_id, None)
            raise

    def _service_call(self, recorder: Recorder, **options: Any) -> ServiceCall:
        return ServiceCall(**options, recorder=recorder)

    async def _hang_up(
        self, dialect: Dialect, request: Request, ask: Ask, recorder: Recorder
    ) -> Response | HttpRefusal:
        refusal = hangup_request(dialect, ask, self.settings, self._keys, self.now)
        if refusal is not None:
            return refusal
        call = self.calls.get(request.path_params["call_id"])
        if call is None or call.ending or call.dialect is not dialect:
            return answers.CALL_UNKNOWN
        call.hang_up()
        return Response(status_code=200)


def _json(body: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(dump(body), status, headers={**(headers or {}), "content-type": JSON_TYPE})


async def _removed(_request: Request, _ask: Ask, _recorder: Recorder) -> HttpRefusal:
    return answers.BETA_REMOVED


def client_of(request: Request) -> Client:
    """Who asks: address and user agent."""
    return request.client.host if request.client else "", request.headers.get("user-agent", "")


def _asker(ask: Ask) -> str:
    """The credential of a request, whichever way it came."""
    return ask.bearer or next((key for way in WAYS if (key := way.key_in(ask.headers))), "")
