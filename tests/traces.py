"""Small traces made by hand, for tests of what is judged from traces."""

from __future__ import annotations

from typing import Any

from harness.trace import Entry, Header, Observer, Trace


def trace(
    *entries: tuple[float, str, dict[str, Any]],
    dialect: str = "azure-ga",
    observer: Observer = "client",
    end: str = "completed",
) -> Trace:
    """A trace of (t, kind, data) rows."""
    return Trace(
        Header(observer, dialect, "fake", "scenarios/x.yaml", "virtual"),
        tuple(Entry(seq, t, kind, data) for seq, (t, kind, data) in enumerate(entries)),
        end,
    )


def event(t: float, by: str, type: str, **fields: Any) -> tuple[float, str, dict[str, Any]]:
    """An event as the client observes it."""
    body = {"type": type, **fields}
    return (t, "event.sent" if by == "client" else "event.received", {"event": body, "size": 10})


KEY_OK = (0.0, "http.response", {"id": 1, "step": "key", "status": 200, "headers": {}, "body": {}, "seconds": 0.0})
SET_UP = (
    (
        0.0,
        "http.request",
        {"id": 1, "step": "key", "method": "POST", "url": "http://127.0.0.1/k", "headers": {}, "body": {}},
    ),
    KEY_OK,
    (0.01, "sdp.offer", {"sdp": "v=0\r\n"}),
    (0.02, "sdp.answer", {"sdp": "v=0\r\n"}),
    (0.03, "channel.open", {"label": "realtime-channel", "id": 1}),
    event(0.03, "client", "session.update", session={"type": "realtime"}),
)


def refused(step: str, status: int, body: Any, dialect: str = "azure-ga", **config: Any) -> Trace:
    """A call whose last request was answered with an error status."""
    rows: list[tuple[float, str, dict[str, Any]]] = [(0.0, "harness.config", {"dialect": dialect, **config})]
    if step == "call":
        rows += [KEY_OK]
    rows += [
        (
            0.1,
            "http.request",
            {"id": 2, "step": step, "method": "POST", "url": "http://127.0.0.1/x", "headers": {}, "body": ""},
        ),
        (0.2, "http.response", {"id": 2, "step": step, "status": status, "headers": {}, "body": body, "seconds": 0.1}),
        (
            0.2,
            "harness.error",
            {
                "error": "CallError",
                "step": "key" if step == "key" else "answer",
                "what": "x",
                "seen": "",
                "fix": "",
                "status": status,
            },
        ),
    ]
    return trace(*rows, dialect=dialect, end="failed")
