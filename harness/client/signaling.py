"""The HTTP half of a call: token request, call request with the offer, hang-up. A failure carries the facts of its response."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx

from harness.client.bodies import answer_problem, call_form, call_id, key_of, token_body
from harness.client.faults import ClientFaults
from harness.client.http import Requests, Response, seen
from harness.errors import CallError, CallRequestFailed, TokenRequestFailed
from harness.protocol.dialects import keys_in
from harness.targets.endpoints import Endpoints
from harness.trace import Recorder

HANG_UP_SECONDS = 5.0


class Signaling:
    """The requests of one call to ``endpoints``, each of which may take ``timeout`` seconds; ``session`` is in canonical words.

    ``origin``: the call request goes out as from a page of this origin.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        recorder: Recorder,
        *,
        session: Mapping[str, Any],
        timeout: float,
        http: httpx.AsyncClient,
        faults: ClientFaults,
        origin: str = "",
    ) -> None:
        self._origin = origin
        self._endpoints = endpoints
        self._recorder = recorder
        self._session = session
        self._timeout = timeout
        self._faults = faults
        self._call_id = ""
        self._location = ""
        rewrite = faults.requests(endpoints)
        self._requests = Requests(http, recorder, timeout=timeout, rewrite=rewrite, pause=faults.pause)

    async def request_key(self) -> str:
        """The ephemeral key. Raises TokenRequestFailed."""
        wants_transcription = self._session.get("type") == "transcription"
        url = self._endpoints.transcription_key_url if wants_transcription else self._endpoints.key_url
        body, notes = token_body(self._endpoints.dialect, self._endpoints.model, self._session)
        for text in notes:
            self._recorder.record("harness.note", text=text, about="session")
        response = await self._requests.post(
            "key",
            url,
            headers={"content-type": "application/json", **self._endpoints.credentials()},
            content=json.dumps(body),
            failed=TokenRequestFailed,
            secrets=keys_in,
        )
        if not response.ok:
            raise self._refused(TokenRequestFailed, "key", response)
        key, problem, fix = key_of(self._endpoints.dialect, response)
        if problem:
            raise self._unusable(TokenRequestFailed, response, problem, fix)
        return key

    async def request_call(self, key: str, offer: str) -> str:
        """The SDP answer to this offer. Raises CallRequestFailed."""
        url, host = self._endpoints.call_url, self._endpoints.call_host
        content, media_type = offer, "application/sdp"
        if self._endpoints.form:
            content, media_type = call_form(self._endpoints.dialect, self._endpoints.model, self._session, offer)
        headers = {"authorization": f"Bearer {key}", "content-type": media_type}
        if self._origin:
            # A browser would end here where the service says no; the rules tell, and the rest of the call is still tried.
            await self._requests.preflight(
                "call", url, origin=self._origin, headers=tuple(headers), host=host or "", failed=CallRequestFailed
            )
            headers["origin"] = self._origin
        response = await self._requests.post(
            "call",
            url,
            headers={**headers, **({"host": host} if host else {})},
            content=content,
            failed=CallRequestFailed,
        )
        if not self._faults.conduct.believes(response.status):
            raise self._refused(CallRequestFailed, "call", response)
        self._location = response.headers.get("location", "")
        self._call_id = call_id(self._location)
        problem = answer_problem(response)
        if problem:
            self._recorder.record("sdp.rejected", sdp=response.text, reason=problem[0])
            raise self._unusable(CallRequestFailed, response, *problem)
        return response.text

    async def hang_up(self) -> None:
        """Tell the service, where the dialect has a request for it and the call its id. Never raises.

        Where the service does not know the request, its call's Location is deleted, as :rfc:`9725` section 4.2 has it and gateways do.
        """
        url = self._endpoints.hangup_url(self._call_id) if self._call_id else None
        if url is None:
            return
        # The best that can be done: a service that knows neither request still sees the connection close.
        with contextlib.suppress(CallError):
            response = await self._over("POST", url)
            place = urljoin(self._endpoints.call_url, self._location)
            unknown = response.status in (404, 405) and "call_id_not_found" not in response.text
            if unknown and _origin(place) == _origin(url):  # the key is for no other host
                await self._over("DELETE", place)

    async def _over(self, method: str, url: str) -> Response:
        return await self._requests.post(
            "hangup",
            url,
            headers=self._endpoints.credentials(),
            content="",
            failed=CallRequestFailed,
            timeout=min(HANG_UP_SECONDS, self._timeout),
            method=method,
        )

    def _refused(self, kind: type[CallError], step: str, response: Response) -> CallError:
        """The facts alone: what they mean and what to do is said by :mod:`harness.diagnosis`."""
        what = f"the service answers the {'token' if step == 'key' else step} request with status {response.status}"
        return kind(what, seen=seen(response, self._recorder.redactor.text), status=response.status)

    def _unusable(self, kind: type[CallError], response: Response, what: str, fix: str) -> CallError:
        return kind(what, seen=seen(response, self._recorder.redactor.text), fix=fix, status=response.status)


def _origin(url: str) -> tuple[str, str]:
    return urlsplit(url)[:2]
