"""What the HTTP rules share: requests with their responses, and reading URLs, headers, bodies, keys and clocks from them."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from harness.protocol.dialects import WAYS
from harness.protocol.http_date import epoch_seconds
from harness.protocol.retry_after import retry_after
from harness.rules.base import View
from harness.rules.support.fields import at, mapping, number, text
from harness.trace import Entry
from harness.trace.redact import MARK, Mark, parse_mark

QUOTA = r"insufficient_quota|exceeded your (current )?quota"
"""Words of a refusal that no waiting helps against, in any case of letters."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One HTTP request with what came back: a response, a failure without one (``http.failed``), or nothing until the end."""

    request: Entry
    response: Entry | None = None
    failed: Entry | None = None

    @property
    def step(self) -> str:
        """ "key", "call" or "hangup"."""
        return text(self.request.data, "step")

    @property
    def status(self) -> int:
        """The response's status; 0 where there is none."""
        return status_of(self.response) if self.response is not None else 0

    @property
    def ok(self) -> bool:
        """A 2xx status."""
        return 200 <= self.status < 300


def exchanges(view: View, *steps: str) -> tuple[Exchange, ...]:
    """All exchanges of these steps (all steps where none is named), in order of their requests."""
    found = view.trace.derived.get("exchanges")
    if found is None:
        found = view.trace.derived["exchanges"] = tuple(_paired(view))
    return tuple(one for one in found if one.step in steps) if steps else found


def _paired(view: View) -> Iterator[Exchange]:
    ends = list(view.trace.of("http.response", "http.failed"))
    for request in view.trace.of("http.request"):
        end = next((one for one in ends if one.seq > request.seq and _belongs(one, request)), None)
        if end is None:
            yield Exchange(request)
            continue
        ends.remove(end)
        yield Exchange(request, end) if end.kind == "http.response" else Exchange(request, None, end)


def _belongs(end: Entry, request: Entry) -> bool:
    return all(end.data.get(name) == request.data.get(name) for name in ("id", "step"))


def following(view: View, one: Exchange) -> Exchange | None:
    """The next exchange of the same step after this one, or None."""
    return next((later for later in exchanges(view, one.step) if later.request.seq > one.request.seq), None)


def status_of(entry: Entry) -> int:
    """The status of a response; 0 where it is no number."""
    return int(number(entry.data, "status") or 0)


def header(entry: Entry, name: str) -> str:
    """A header's value, or an empty text. Names are lower-case in a trace; whoever wrote it otherwise is read alike."""
    headers = mapping(entry.data, "headers")
    if name not in headers:
        name = next((spelled for spelled in headers if spelled.lower() == name), name)
    return text(headers, name).strip()


def media_type(entry: Entry) -> str:
    """The media type of the content-type header, lower-case, without parameters; empty where there is none."""
    return header(entry, "content-type").partition(";")[0].strip().lower()


def url_of(request: Entry) -> SplitResult:
    """The request's URL in parts; empty parts where it is no URL."""
    try:
        parts = urlsplit(text(request.data, "url"))
        _ = parts.hostname, parts.port
    except ValueError:
        return urlsplit("")
    return parts


def query_of(request: Entry) -> Mapping[str, str]:
    """The URL's query: each name with its last value, empty values included."""
    try:
        return {name: values[-1] for name, values in parse_qs(url_of(request).query, keep_blank_values=True).items()}
    except ValueError:
        return {}


def body_of(entry: Entry) -> Any:
    """The body as JSON where it is JSON (recorded as an object or as text), else the text itself."""
    body = at(entry.data, "body")
    if isinstance(body, str):
        try:
            return json.loads(body)
        except (ValueError, RecursionError):
            return body
    return body


def is_sdp(body: Any) -> bool:
    """Whether a body looks like SDP at first sight."""
    return isinstance(body, str) and body.lstrip().startswith("v=")


def credential(request: Entry) -> Mark | None:
    """The mark of the request's credential, whichever way it is presented; None where there is none."""
    return next((mark for way in WAYS if (mark := parse_mark(header(request, way.header)))), None)


def is_bearer(request: Entry) -> bool:
    """Whether the request carries ``Authorization: Bearer ...``."""
    scheme, _, token = header(request, "authorization").partition(" ")
    return scheme.lower() == "bearer" and bool(token.strip())


def minted(view: View) -> Iterator[tuple[Exchange, Mark]]:
    """Successful token requests with the mark of the ephemeral key that came back."""
    for one in exchanges(view, "key"):
        if one.ok and one.response is not None:
            mark = parse_mark(text(body_of(one.response), *view.dialect.key_path))
            if mark is not None:
                yield one, mark


def expiry(view: View, one: Exchange) -> int | None:
    """``expires_at`` of a token response in epoch seconds, or None where it is no whole number."""
    found = at(body_of(one.response), *view.dialect.expires_path) if one.response is not None else None
    return found if isinstance(found, int) and not isinstance(found, bool) else None


def asked_lifetime(view: View, request: Entry) -> Any:
    """``expires_after`` of a token request where the dialect has it: beside the session in GA, inside client_secret in beta."""
    return at(body_of(request), *view.dialect.key_path[:-1], "expires_after")


def epoch_of(entry: Entry) -> float | None:
    """Wall time of an HTTP entry in epoch seconds: the response's own ``Date`` header, else as the recorder noted it.

    The service's clock goes first: it is the one that ``expires_at`` was reckoned with, and the observer's may be wrong.
    """
    answered = epoch_seconds(header(entry, "date"))
    return number(entry.data, "epoch") if answered is None else answered


def asked_pause(response: Entry) -> float | None:
    """Seconds that a response asks to wait; None where it does not say so. A date on no clock that is known asks for no pause."""
    now = epoch_of(response)
    headers = {name: header(response, name) for name in ("retry-after-ms", "retry-after", "date")}
    return retry_after(headers, now=math.inf if now is None else now)


def long_lived(view: View) -> frozenset[int]:
    """Numbers of the credentials that token requests were made with."""
    marks = (credential(one.request) for one in exchanges(view, "key"))
    return frozenset(mark.number for mark in marks if mark is not None)


def from_browser(request: Entry) -> bool:
    """Whether a browser made the request: only browsers send ``Sec-Fetch-Mode`` or, on a cross-origin POST, ``Origin``."""
    return bool(header(request, "sec-fetch-mode") or header(request, "origin"))


def secrets_in_url(request: Entry) -> bool:
    """Whether the URL's query or user part holds a redacted secret."""
    url = text(request.data, "url")
    before, _, rest = url.partition("?")
    user = before.partition("//")[2].partition("/")[0]
    return bool(MARK.search(unquote(rest))) or ("@" in user and bool(MARK.search(unquote(user))))
