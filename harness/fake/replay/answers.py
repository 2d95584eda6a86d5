"""The recorded HTTP answers of a service, made fresh: new secrets where the recording has marks, new ids, new expiry times. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.fake.cors import ALLOWED
from harness.protocol.http_date import epoch_seconds
from harness.trace import Entry, Trace
from harness.trace.redact import MARK

# What belongs to one connection, or is made anew for each answer (RFC 9110 section 7.6.1).
_OWN = frozenset(
    {
        "content-length",
        "content-encoding",
        "transfer-encoding",
        "connection",
        "keep-alive",
        "date",
        "set-cookie",
        "vary",
    }
)
_CORS = "access-control-"
_CALL_ID = re.compile(r"/([A-Za-z0-9_-]+)/?\Z")


@dataclass(frozen=True)
class Answer:
    """What a service answered to one request; ``status`` 0: it did not answer, which took ``seconds``."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = ""
    seconds: float = 0.0
    epoch: float | None = None

    @property
    def is_sdp(self) -> bool:
        """Whether the call was answered with a session description, or with what was meant to be one."""
        return (
            200 <= self.status < 300
            and isinstance(self.body, str)
            and not self.body.startswith("{")
            and "m=audio" in self.body
        )

    @property
    def call_id(self) -> str:
        """The id of the call, as the Location names it; empty without one."""
        found = _CALL_ID.search(self.headers.get("location", ""))
        return found[1] if found else ""

    def fresh_headers(self, call_id: str, request_id: Callable[[], str], names: tuple[str, ...]) -> dict[str, str]:
        """The headers that a client may look at: without those of the connection, with another call id and other ids of the request."""
        kept: dict[str, str] = {}
        for name, value in self.headers.items():
            if name in _OWN or name.startswith(_CORS) or MARK.search(value):
                continue
            kept[name] = request_id() if name in names else value
        if call_id and self.call_id and "location" in kept:
            kept["location"] = kept["location"].replace(self.call_id, call_id)
        return kept


def answers_of(trace: Trace) -> Mapping[str, tuple[Answer, ...]]:
    """The answers of the service by step ("key", "call", "hangup"), in their order."""
    found: dict[str, list[Answer]] = {}
    asked: dict[Any, Entry] = {}
    for entry in trace.of("http"):
        step = str(entry.data.get("step", ""))
        if entry.kind == "http.request":
            asked[entry.data.get("id")] = entry
        elif entry.kind == "http.failed":
            request = asked.get(entry.data.get("id"))
            found.setdefault(step, []).append(Answer(0, seconds=entry.t - (request.t if request else entry.t)))
        elif entry.kind == "http.response":
            headers = dict(entry.data.get("headers") or {})
            answer = Answer(
                int(entry.data.get("status") or 0),
                headers,
                entry.data.get("body", ""),
                float(entry.data.get("seconds") or 0.0),
                epoch_seconds(headers.get("date", "")),
            )
            found.setdefault(step, []).append(answer)
    return {step: tuple(several) for step, several in found.items()}


def pages_of(trace: Trace) -> dict[str, Any]:
    """What pages of other origins were let do, as arguments of :class:`harness.fake.cors.Cors`; nothing where no page asked.

    The service's own trace has the answers without these headers, and says nothing.
    """
    pages: dict[str, Any] = {}
    if trace.header.observer == "service":
        return pages
    for entry in trace.of("http.preflight"):
        if refused := {str(name).lower() for name in entry.data.get("refused") or ()}:
            pages["allowed"] = tuple(name for name in ALLOWED if name.lower() not in refused)
        if "allowed_origin" in entry.data and not entry.data["allowed_origin"]:
            pages["origins"] = ()
    origins = {one.data.get("id") for one in trace.of("http.request") if "origin" in (one.data.get("headers") or {})}
    for entry in trace.of("http.response"):
        if entry.data.get("id") in origins:
            exposed = (entry.data.get("headers") or {}).get("access-control-expose-headers", "")
            pages["exposed"] = tuple(name for one in exposed.split(",") if (name := one.strip()))
    return pages


class Fresh:
    """Values for one replay that cannot be those of the recording: secrets and times.

    ``secret(length)`` makes a new secret; the same mark becomes the same one. ``shift``: seconds by which the replay is later.
    """

    def __init__(self, secret: Callable[[int], str]) -> None:
        self._secret = secret
        self._made: dict[str, str] = {}
        self.shift: int | None = None

    def later(self, recorded: float | None, now: float) -> None:
        """The moment ``recorded`` (epoch seconds of the recording) is ``now``; only the first one counts."""
        if self.shift is None and recorded is not None:
            self.shift = int(now) - int(recorded)

    def value(self, value: Any, key: str = "") -> Any:
        """A recorded JSON value with new secrets, and with expiry times as far ahead as they were."""
        if isinstance(value, str):
            return MARK.sub(self._instead, value) if "[redacted:" in value else value
        if isinstance(value, Mapping):
            return {name: self.value(inner, str(name)) for name, inner in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.value(inner) for inner in value]
        if key == "expires_at" and isinstance(value, int) and not isinstance(value, bool) and value > 0 and self.shift:
            return value + self.shift
        return value

    def _instead(self, found: re.Match[str]) -> str:
        if found[1] not in self._made:
            self._made[found[1]] = self._secret(int(found[2]))
        return self._made[found[1]]
