"""A replay by hand: a script from rows of a trace, a clock that the test moves, and what came out with its times."""

from __future__ import annotations

import json
from typing import Any

from harness.fake.replay.actions import Emit
from harness.fake.replay.acts import script_of
from harness.fake.replay.player import Replay
from tests.traces import event, trace

OPEN = (0.0, "channel.open", {"label": "x", "id": 1})
FRAME = 0.02


def said(started: float, stopped: float) -> list[tuple[float, str, dict[str, Any]]]:
    """The caller spoke, as the recording's own detector notes it."""
    return [
        (started + 0.08, "audio.speech", {"direction": "sent", "state": "started", "at": started}),
        (stopped + 0.18, "audio.speech", {"direction": "sent", "state": "stopped", "at": stopped}),
    ]


def rows(*parts: Any) -> Any:
    """Rows in the order of their times, as a trace has them."""
    flat = [row for part in parts for row in (part if isinstance(part, list) else [part])]
    return trace(OPEN, *sorted(flat, key=lambda row: row[0]))


def server(t: float, kind: str, **fields: Any) -> tuple[float, str, dict[str, Any]]:
    return event(t, "service", kind, **fields)


def client(t: float, kind: str, **fields: Any) -> tuple[float, str, dict[str, Any]]:
    return event(t, "client", kind, **fields)


class Rim:
    """Plays ``replay`` and keeps (time, type) of what it sends in ``out``, whole events in ``events``, everything in ``actions``."""

    def __init__(self, recorded: Any, begin: float = 0.0) -> None:
        self.replay = Replay(script_of(recorded))
        self.now = begin
        self.out: list[tuple[float, str]] = []
        self.events: list[Any] = []
        self.actions: list[Any] = []
        self._take(self.replay.connect(begin))

    def _take(self, actions: Any) -> None:
        for action in actions or ():
            self.actions.append(action)
            if isinstance(action, Emit):
                self.events.append(action.message)
                kind = action.message.get("type") if isinstance(action.message, dict) else action.message
                self.out.append((round(self.now, 3), kind))

    def until(self, now: float) -> None:
        """Let time pass, from timer to timer."""
        while (due := self.replay.deadline) is not None and due <= now + 1e-9:
            self.now = max(due, self.now)
            self._take(self.replay.tick(self.now))
        self.now = now

    def send(self, now: float, event: Any) -> Any:
        """The client sends an event, or a text."""
        self.until(now)
        actions = self.replay.receive(event if isinstance(event, str) else json.dumps(event), now)
        self._take(actions)
        return actions

    def speak(self, started: float, stopped: float, until: float) -> None:
        """20 ms frames until a time, with speech between two times."""
        frame = self.now
        while frame < until - 1e-9:
            self.until(frame)
            self._take(self.replay.hear(started - 1e-9 <= frame < stopped - 1e-9, frame))
            frame = round(frame + FRAME, 6)
        self.until(until)
