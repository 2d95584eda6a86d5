"""Recordings made by hand in which exactly one thing is wrong: for each known cause, one that shows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.diagnosis import Case, Diagnosis, diagnose
from harness.rules.base import Observation, Outcome, RuleResult
from harness.trace import Trace
from tests.traces import SET_UP, event, trace

Row = tuple[float, str, dict[str, Any]]

STATES: tuple[Row, ...] = (
    (0.02, "connection.ice", {"state": "completed"}),
    (0.02, "connection.dtls", {"state": "connected"}),
    (0.02, "connection.secured", {"role": "server", "matches": True}),
    (0.02, "connection.state", {"state": "connected"}),
)


@dataclass(frozen=True)
class Recorded:
    """A trace, the rules that failed in it (id to entry), the milestones that were missed, the steps judged leniently."""

    trace: Trace
    broken: Mapping[str, int] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    lenient: tuple[int, ...] = ()

    def diagnose(self) -> tuple[Diagnosis, ...]:
        """What is wrong with it."""
        rules = [
            RuleResult(id, Outcome.FAIL, "must", 1, (Observation(entry, False, ("x",), "y"),))
            for id, entry in self.broken.items()
        ]
        return diagnose(Case(self.trace, rules, self.missing, self.lenient))


def http(
    step: str,
    status: int,
    body: Any = "",
    *,
    url: str = "https://fake.example/x",
    method: str = "POST",
    headers: Mapping[str, str] | None = None,
    sent: Any = "",
    number: int = 2,
) -> tuple[Row, Row]:
    """A request and its response."""
    asked = {"id": number, "step": step, "method": method, "url": url, "headers": dict(headers or {}), "body": sent}
    return (
        (0.1, "http.request", asked),
        (0.2, "http.response", {"id": number, "step": step, "status": status, "headers": {}, "body": body}),
    )


def unanswered(error: str, message: str = "", step: str = "key", url: str = "https://fake.example/x") -> Recorded:
    """A request that got no response."""
    asked, _ = http(step, 0, url=url)
    return failed(asked, (0.2, "http.failed", {"id": 2, "step": step, "error": error, "message": message}))


def failed(
    *rows: Row,
    error: str = "CallError",
    step: str = "key",
    dialect: str = "azure-ga",
    broken: Mapping[str, int] | None = None,
    config: Mapping[str, Any] | None = None,
) -> Recorded:
    """A call that could not be made, or broke."""
    first: tuple[Row, ...] = ((0.0, "harness.config", {"dialect": dialect, **config}),) if config else ()
    end: Row = (9.0, "harness.error", {"error": error, "step": step, "what": "x", "seen": "", "fix": ""})
    return Recorded(trace(*first, *rows, end, dialect=dialect, end="failed"), broken or {})


def refused(step: str, status: int, body: Any = "", **more: Any) -> Recorded:
    """A call whose last request was refused."""
    kept = {name: more.pop(name) for name in ("dialect", "broken", "config") if name in more}
    return failed(*http(step, status, body, **more), step=step, **kept)


def error_body(code: str, message: str = "", param: str | None = None) -> dict[str, Any]:
    """The body of a refusal."""
    return {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}}


def session(
    *rows: Row,
    broken: Mapping[str, int] | None = None,
    missing: tuple[str, ...] = (),
    dialect: str = "azure-ga",
    update: bool = True,
    query: str = "",
    shown: Mapping[str, Any] | None = None,
) -> Recorded:
    """A call that was set up, and what came then."""
    call: Row = (
        0.01,
        "http.request",
        {"id": 7, "step": "call", "method": "POST", "url": f"http://x/c{query}", "headers": {}, "body": ""},
    )
    before = (*SET_UP[:-1], call, *STATES)
    sent = (SET_UP[-1],) if update else ()
    created = event(0.04, "service", "session.created", session=dict(shown or {}))
    return Recorded(trace(*before, *sent, created, *rows, dialect=dialect), broken or {}, missing)


START = len(SET_UP) + len(STATES) + 2
"""The entry of the first row given to :func:`session`, with an update sent."""


def missed(expected: str, actual: str = "no event at all", t: float = 9.0) -> Row:
    """A step that did not get what it asked for."""
    return (t, "step.missed", {"step": 1, "expected": expected, "actual": actual})


def error_event(code: str | None, message: str = "", **more: Any) -> Row:
    """An error from the service."""
    body = {"type": "invalid_request_error", "code": code, "message": message, **more}
    return event(1.0, "service", "error", error=body)


def never_opened(*rows: Row, offer: str = "", answer: str = "") -> Recorded:
    """An answer that led to no open channel."""
    sdp = "v=0\r\nm=audio 9 X 96\r\nm=application 9 X webrtc-datachannel\r\na=candidate:1 1 udp 1 192.0.2.1 3478 typ host\r\n"
    return failed(
        *http("call", 201),
        (0.3, "sdp.offer", {"sdp": offer or sdp}),
        (0.4, "sdp.answer", {"sdp": answer or sdp}),
        *rows,
        error="ChannelNeverOpened",
        step="channel-open",
    )


def packets(direction: str, *times: float) -> Row:
    """RTP packets at these times."""
    first = times[0]
    listed = [[round((t - first) * 1000, 1), n, 960 * n, 3, 0, 248] for n, t in enumerate(times)]
    return (
        times[-1],
        "rtp.packets",
        {"direction": direction, "ssrc": 1, "payload_type": 96, "first": first, "packets": listed},
    )


def levels(direction: str, *values: float) -> Row:
    """Levels of the audio, a tenth of a second each."""
    data = {"direction": direction, "start": 0.1, "step": 0.1, "levels": list(values), "speech": [0] * len(values)}
    return (2.0, "audio.levels", data)


def names(recorded: Recorded, id: str) -> bool:
    """Whether this cause is among those that are named."""
    return id in [one.id for one in recorded.diagnose()]


Cases = Mapping[str, Callable[[], Recorded]]
