"""From a recorded call to the steps of a scenario: what the caller did, when it matters when, and what has to come again. Pure.

The walk keeps a clock of its own, the time of the recording at which a step is over. What the caller did at its own time (it spoke, it
interrupted) stands behind a ``wait`` for what is missing on that clock; what it did in answer to an event needs none.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness.fake.replay.acts import APPEND, ID_KEYS, Act, Ask, Script
from harness.protocol.events import findings
from harness.regression.facts import BESIDE, facts, is_passed_over, literal
from harness.regression.speech import Stretch
from harness.scenario.steps.base import DEFAULT_WITHIN

AT_ONCE = 0.06
"""Seconds: what the caller did sooner after an event than this, it did in answer to it."""
LONGEST = 120.0
"""Seconds that an event is waited for, at most; else three times as long as it took, where that is more than steps wait anyway. How fast
it comes is no fact."""
HEARD = 0.2, 0.5
"""Seconds of received speech: less of it in one go is not asked for, more than the second never."""


@dataclass(frozen=True)
class Moment:
    """Something of the call in its order: ``t`` seconds of the trace, ``seq`` within the same time, what happened."""

    t: float
    seq: int
    what: Act | Ask | Stretch
    number: int = 0


@dataclass
class Steps:
    """The steps as they stand in a file, made by :meth:`walk`. ``names``: the variable that holds each id of the service."""

    script: Script
    words: bool
    heard: Sequence[tuple[float, float]]
    folder: str
    steps: list[dict[str, Any]] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)
    clock: float = 0.0
    _counts: dict[str, int] = field(default_factory=dict)
    _calls: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    _skip: set[int] = field(default_factory=set)
    _pending: list[tuple[float, dict[str, Any]]] = field(default_factory=list)

    def walk(self, said: Sequence[Stretch], *, first: int, ends: float | None) -> list[dict[str, Any]]:
        """All steps; ``first`` is the number of the first ask that is not the call's own session.update, ``ends`` when the caller hung up."""
        self.clock = self.script.opened
        moments = [Moment(act.t, act.seq, act, number) for number, act in enumerate(self.script.acts)]
        moments += [
            Moment(ask.t, ask.seq, ask, number) for number, ask in enumerate(self.script.asks) if number >= first
        ]
        moments += [Moment(one.start, -1, one, number) for number, one in enumerate(said)]
        ordered = sorted(moments, key=lambda one: (one.t, one.seq))
        for moment in ordered:
            if isinstance(moment.what, Act):
                self._act(moment.what)
            elif isinstance(moment.what, Stretch):
                self._until(moment.t)
                self.steps.append({"say": f"{self.folder}/caller-{moment.number + 1}.wav"})
            elif isinstance(moment.what, Ask):
                self._ask(moment.number, moment.what)
        self._flush()
        if ends is not None:
            self._until(ends)
        return self.steps

    # What came

    def _act(self, act: Act) -> None:
        if not isinstance(act.message, Mapping):
            return
        kind = self.script.dialect.canonical(act.type)
        self._learn(kind, act.message)
        if is_passed_over(kind) or act.type not in self.script.dialect.server_events:
            return
        where = {**self._related(act.message), **facts(kind, act.message, words=self.words)}
        step: dict[str, Any] = {"expect": kind}
        if (patience := self._patience(act.t)) > DEFAULT_WITHIN:
            step["within"] = _duration(patience)
        if where:
            step["where"] = where
        if save := self._save(kind, act.message):
            step["save"] = save
        if kind in BESIDE:
            step["anywhere"] = True
            self._pending.append((act.t, step))
            return
        self.steps.append(step)
        self.clock = max(self.clock, act.t)
        if kind == "response.created":
            self._hear(act)

    def _patience(self, t: float) -> float:
        return min(max(DEFAULT_WITHIN, math.ceil(3 * (t - self.clock))), LONGEST)

    def _related(self, event: Mapping[str, Any]) -> dict[str, str]:
        """Which response and item the event is about, where an earlier one told their ids."""
        related = {}
        for path, value in (
            ("response.id", _inner(event, "response", "id")),
            ("item.id", _inner(event, "item", "id")),
            ("response_id", event.get("response_id")),
            ("item_id", event.get("item_id")),
        ):
            if isinstance(value, str) and value in self.names:
                related[path] = f"${{{self.names[value]}}}"
        return related

    def _save(self, kind: str, event: Mapping[str, Any]) -> dict[str, str]:
        """Variables for ids that this event is the first to tell."""
        places = {
            "response.created": ("response", "response.id", _inner(event, "response", "id")),
            "input_audio_buffer.speech_started": ("turn", "item_id", event.get("item_id")),
            "input_audio_buffer.committed": ("turn", "item_id", event.get("item_id")),
            "input_audio_buffer.timeout_triggered": ("turn", "item_id", event.get("item_id")),
            "conversation.item.added": ("item", "item.id", _inner(event, "item", "id")),
            "response.output_item.added": ("item", "item.id", _inner(event, "item", "id")),
        }
        name, path, value = places.get(kind, ("", "", None))
        if not isinstance(value, str) or value in self.names:
            return {}
        self._counts[name] = self._counts.get(name, 0) + 1
        self.names[value] = f"{name}{self._counts[name]}"
        return {self.names[value]: path}

    def _learn(self, kind: str, event: Mapping[str, Any]) -> None:
        item = event.get("item")
        if kind == "response.output_item.done" and isinstance(item, Mapping) and item.get("type") == "function_call":
            self._calls[str(item.get("call_id"))] = item

    def _hear(self, created: Act) -> None:
        """Speech in the received audio, where the recording has some before the next response."""
        later = (act.t for act in self.script.acts if act.seq > created.seq and act.type == "response.created")
        until = min(next(later, math.inf), self._next_own(created))
        spans = [(start, min(end, until)) for start, end in self.heard if created.t <= start < until]
        amount = min(sum(end - start for start, end in spans) / 2, HEARD[1])
        if amount < HEARD[0]:
            return
        amount = math.floor(amount * 20) / 20
        reached = spans[0][0] + amount + 0.3
        step = {"hear": {"speech": _duration(amount), "within": _duration(self._patience(reached))}}
        self.steps.append(step)
        self.clock = max(self.clock, min(reached, until))

    def _next_own(self, act: Act) -> float:
        """When the caller next did something by itself."""
        return next((ask.t for ask in self.script.asks if ask.seq > act.seq), math.inf)

    # What the caller did

    def _until(self, t: float) -> None:
        """Let the time pass that the recorded caller let pass."""
        self._flush()
        if t - self.clock > AT_ONCE:
            self.steps.append({"wait": _duration(t - self.clock)})
        self.clock = max(self.clock, t)

    def _flush(self) -> None:
        """What came beside the rest is asked for before the caller goes on, and at the end."""
        for t, step in self._pending:
            self.steps.append(step)
            self.clock = max(self.clock, t)
        self._pending.clear()

    def _ask(self, number: int, ask: Ask) -> None:
        if number in self._skip:
            return
        self._until(ask.t)
        if ask.event is None:
            self.steps.append({"send_raw": literal(ask.text)})
            return
        output = self._tool(number, ask.event)
        if output is not None:
            self.steps.append(output)
            return
        event = self._filled(ask.event, ask.seq)
        if ask.type in self.script.dialect.client_events and not findings(
            self.script.dialect.generation.name, "client", ask.event
        ):
            self.steps.append({"send": event})
        else:  # what no client event is may only be sent as text
            self.steps.append({"send_raw": json.dumps(event, ensure_ascii=False)})

    def _tool(self, number: int, event: Mapping[str, Any]) -> dict[str, Any] | None:
        """The step ``tool`` for a function's output, with the response.create after it; None where it is something else."""
        item = event.get("item")
        if (
            set(event) != {"type", "item"}
            or not isinstance(item, Mapping)
            or set(item) != {"type", "call_id", "output"}
        ):
            return None
        call = self._calls.get(str(item["call_id"]))
        if item["type"] != "function_call_output" or call is None or not isinstance(item["output"], str):
            return None
        asks = self.script.asks
        follows = (
            number + 1 < len(asks)
            and asks[number + 1].event == {"type": "response.create"}
            and asks[number + 1].t - asks[number].t < AT_ONCE
        )
        if follows:
            self._skip.add(number + 1)
        step: dict[str, Any] = {"name": literal(call.get("name")), "result": literal(item["output"])}
        if self.words and (arguments := _arguments(call)):
            step["arguments"] = arguments
        if not follows:
            step["respond"] = False
        return {"tool": step}

    def _filled(self, value: Any, seq: int, key: str = "") -> Any:
        """An event of the caller, with variables where it names what the service had told."""
        if isinstance(value, Mapping):
            return {name: self._filled(inner, seq, str(name)) for name, inner in value.items()}
        if isinstance(value, (list, tuple)):
            return [self._filled(inner, seq) for inner in value]
        if (
            isinstance(value, str)
            and key in ID_KEYS
            and value in self.names
            and self.script.server_ids.get(value, seq) < seq
        ):
            return f"${{{self.names[value]}}}"
        return literal(value)


def untold(script: Script, names: Mapping[str, str]) -> Iterator[str]:
    """Ids of the service that the caller used and no step saves: on another service they would be unknown."""
    for ask in script.asks:
        for value in _ids(ask.event) if ask.type != APPEND else ():
            if script.server_ids.get(value, ask.seq) < ask.seq and value not in names:
                yield value


def _ids(value: Any, key: str = "") -> Iterator[str]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _ids(inner, str(name))
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _ids(inner)
    elif isinstance(value, str) and key in ID_KEYS and key != "event_id":
        yield value


def _arguments(call: Mapping[str, Any]) -> dict[str, Any]:
    try:
        parsed = json.loads(str(call.get("arguments")))
    except ValueError:
        return {}
    return {key: literal(inner) for key, inner in parsed.items()} if isinstance(parsed, dict) else {}


def _inner(event: Mapping[str, Any], *path: str) -> Any:
    value: Any = event
    for part in path:
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _duration(seconds: float) -> str:
    """Seconds as a scenario writes them, to the millisecond."""
    return f"{seconds:g}s" if seconds >= 1 and float(seconds).is_integer() else f"{round(seconds * 1000)}ms"
