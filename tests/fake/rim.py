"""A rim for the conversation engine without any I/O: a clock, a track that plays what it is given, and a caller's voice.

Every event that comes out is validated by its schema.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from typing import Any, assert_never

from harness.fake.actions import Action, Close, Play, Send, StopAudio
from harness.fake.conversation import Conversation
from harness.protocol.dialects import DIALECTS
from harness.protocol.events import problems
from harness.scenario.script import FakeScript
from harness.trace import Trace
from tests.traces import trace

FRAME = 0.02
LOUD, QUIET = -20.0, -80.0
SECONDS = {"tiny.wav": 0.2, "short.wav": 1.0, "long.wav": 30.0}
EPOCH = 1_700_000_000.0
GENERATIONS = ("azure-ga", "azure-preview")
EVERY_DIALECT = tuple(DIALECTS)
USER_ITEM = ["conversation.item.added", "conversation.item.done"]


def counting_ids():
    counters: dict[str, itertools.count[int]] = {}
    return lambda prefix: f"{prefix}_{next(counters.setdefault(prefix, itertools.count(1))):04}"


def script(*replies: Mapping[str, Any], **more: Any) -> FakeScript:
    return FakeScript.model_validate({"replies": list(replies), **more})


class Rim:
    def __init__(
        self,
        dialect: str = "azure-ga",
        fake: FakeScript | None = None,
        session: Mapping[str, Any] | None = None,
        **more,
    ):
        self.dialect = DIALECTS[dialect]
        self.conversation = Conversation(
            self.dialect,
            fake or FakeScript(),
            session=session or {},
            model=self.dialect.default_model,
            ids=counting_ids(),
            epoch=EPOCH,
            seconds_of=lambda name: SECONDS.get(name, 1.4),
            **more,
        )
        self.now = 0.0
        self.times: list[float] = []
        self.events: list[dict[str, Any]] = []
        self.actions: list[Action] = []
        self.rows: list[tuple[float, str, dict[str, Any]]] = [(0.0, "channel.open", {"label": "x", "id": 1})]
        self.closed: str | None = None
        self._queue: list[tuple[Play, float]] = []  # with the seconds that have left
        self.act(self.conversation.connect(0.0))

    def act(self, actions: list[Action]) -> list[dict[str, Any]]:
        self.actions += actions
        sent: list[dict[str, Any]] = []
        for action in actions:
            match action:
                case Send(event=event):
                    event = json.loads(json.dumps(event, allow_nan=False))
                    assert problems(self.dialect, "service", event) == [], event
                    self.events.append(event)
                    self.times.append(self.now)
                    self.rows.append((self.now, "event.received", {"event": event, "size": 100}))
                    sent.append(event)
                case Play():
                    self._queue.append((action, 0.0))
                case StopAudio(response_id=response_id):
                    self._queue = [(play, left) for play, left in self._queue if play.response_id != response_id]
                case Close(reason=reason):
                    self.closed = reason
                case _:
                    assert_never(action)
        return sent

    def send(self, event: Mapping[str, Any] | str | bytes) -> list[dict[str, Any]]:
        message = event if isinstance(event, str | bytes) else json.dumps(event)
        if isinstance(event, Mapping):
            self.rows.append((self.now, "event.sent", {"event": event, "size": 100}))
        return self.act(self.conversation.receive(message, self.now))

    def run(
        self, seconds: float, *, speech: bool = False, level: float = LOUD, rtp: bool = True
    ) -> list[dict[str, Any]]:
        """Let time pass in frames; returns the events of that time."""
        before = len(self.events)
        end = self.now + seconds
        while self.now < end - 1e-9:
            target = round(self.now + FRAME, 6)
            while (deadline := self.conversation.deadline) is not None and deadline < target:
                self.now = max(self.now, deadline)
                self.act(self.conversation.tick(self.now))
            self.now = target
            self._play_frame()
            if rtp:
                self.act(self.conversation.hear(speech, level if speech else QUIET, self.now))
            self.act(self.conversation.tick(self.now))
        return self.events[before:]

    def speak(self, seconds: float = 1.0, pause: float = 0.5) -> list[dict[str, Any]]:
        before = len(self.events)
        self.run(seconds, speech=True)
        self.run(pause)
        return self.events[before:]

    def update(self, **settings: Any) -> list[dict[str, Any]]:
        """session.update with settings in the dialect's own shape."""
        typed = {"type": "realtime"} if self.dialect.generation.name == "ga" else {}
        return self.send({"type": "session.update", "session": {**typed, **settings}})

    def turn_detection(self, value: Mapping[str, Any] | None) -> list[dict[str, Any]]:
        if self.dialect.generation.name == "ga":
            return self.update(audio={"input": {"turn_detection": value}})
        return self.update(turn_detection=value)

    def transcribe(self, model: str = "gpt-4o-transcribe") -> None:
        if self.dialect.generation.name == "ga":
            self.update(audio={"input": {"transcription": {"model": model}}})
        else:
            self.update(input_audio_transcription={"model": model})

    def text_only(self) -> None:
        self.update(**{"output_modalities" if self.dialect.generation.name == "ga" else "modalities": ["text"]})

    def write(self, text: str = "And now?", **fields: Any) -> list[dict[str, Any]]:
        """conversation.item.create with a user message."""
        item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}], **fields}
        return self.send({"type": "conversation.item.create", "item": item})

    def expected(self, *canonical: str) -> list[str]:
        """These types, without those the dialect does not have."""
        return [name for name in canonical if self.dialect.wire(name) is not None]

    def _play_frame(self) -> None:
        if not self._queue:
            return
        play, left = self._queue[0]
        left = round(left + FRAME, 6)
        self._queue[0] = (play, left)
        self.act(self.conversation.played(play.response_id, play.item_id, left * 1000, self.now))
        if self._queue and self._queue[0][0] is play and left >= play.seconds - 1e-9:
            self._queue.pop(0)
            self.act(self.conversation.drained(play.response_id, play.item_id, self.now))

    def trace(self) -> Trace:
        """What the client has seen and sent, as a trace."""
        return trace(*self.rows, dialect=self.dialect.name)

    def types(self) -> list[str]:
        """Canonical types of everything so far."""
        return [self.dialect.canonical(event["type"]) for event in self.events]

    def of(self, canonical: str) -> list[dict[str, Any]]:
        wire = self.dialect.wire(canonical)
        return [event for event in self.events if event["type"] == wire]

    def one(self, canonical: str) -> dict[str, Any]:
        found = self.of(canonical)
        assert len(found) == 1, f"{len(found)} times {canonical}"
        return found[0]

    def at(self, canonical: str) -> float:
        """The time of the only event of this type."""
        return self.times[self.events.index(self.one(canonical))]


def error_of(events: list[dict[str, Any]]) -> dict[str, Any]:
    assert [event["type"] for event in events] == ["error"], events
    return events[0]["error"]
