"""Walks the steps of a scenario through an open call: speaks, sends, waits, listens, and says of each expectation whether it was met."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from harness.client.watch import Watch
from harness.errors import CallError, UsageError
from harness.judging.results import NOT_REACHED, Expectation
from harness.protocol.generations import UPDATED, UPDATES
from harness.scenario.match import fill, known
from harness.scenario.model import Scenario
from harness.scenario.stage import Audio, OpenCall, Seen
from harness.scenario.steps.base import Step
from harness.trace import Entry, Recorder

T = TypeVar("T")

CONFIGURED_SECONDS = 5.0


async def play(
    scenario: Scenario,
    call: OpenCall,
    recorder: Recorder,
    audio: Audio,
    *,
    into: list[Expectation] | None = None,
) -> list[Expectation]:
    """Walk the steps, hang up, and return an expectation for each step that asks for something, in the order of the file.

    A missed expectation ends the walk; what comes after it counts as not reached. Where the connection goes away in a step that
    needs it, the CallError that says so is raised once everything is judged: ``into`` then holds the expectations.
    """
    player = Player(scenario, call, recorder, audio)
    try:
        await player.walk()
    finally:
        if into is not None:
            into.extend(player.expectations)
    return player.expectations


class Player:
    """One walk through a scenario. ``expectations`` grows as it goes."""

    def __init__(self, scenario: Scenario, call: OpenCall, recorder: Recorder, audio: Audio) -> None:
        self.expectations: list[Expectation] = []
        self.number = 0
        self._scenario = scenario
        self.call = call
        self._recorder = recorder
        self.audio = audio
        self._watch = Watch(recorder, call.ended)
        self.variables: dict[str, Any] = {}
        self.cursor = -1
        self._mute = True
        self.answered: set[str] = set()
        self._reached: dict[int, int] = {}
        self._received: list[Entry] = []
        for entry in recorder.entries:
            self._listen(entry)
        self._deaf = recorder.watch(self._listen)

    async def walk(self) -> None:
        """Take all steps, hang up, judge what must never have come. Raises the CallError where the connection was lost."""
        error: CallError | None = None
        steps = list(enumerate(self._scenario.steps, start=1))
        try:
            for number, step in steps:
                self._recorder.record("step.started", step=number, word=step.word, text=self._text(step))
                self._reached[number] = len(self._recorder.entries)
                self.number = number
                try:
                    met = self._judge(number, self._text(step), await step.take(self))
                except UsageError as wrong:
                    met = self._judge(number, self._text(step), Seen(False, wrong.what))
                except CallError as gone:
                    met = self._interrupted(number, step, gone.what)
                if not met:
                    error = self.call.gone() if self.call.lost.is_set() else None
                    self._leave_out(steps[number:], number)
                    break
            await self.call.close()
        finally:
            self._watch.close()
            self._deaf()
        for number, step in steps:
            self._judge(number, self._text(step), step.at_end(self, self._reached.get(number)))
        self.expectations.sort(key=lambda one: one.step)
        if error is not None:
            raise error

    # What steps see and do: the stage

    @property
    def entries(self) -> Sequence[Entry]:
        """The trace so far."""
        return self._recorder.entries

    @property
    def received(self) -> Sequence[Entry]:
        """The entries that tell about received audio."""
        return self._received

    @property
    def now(self) -> float:
        """Seconds since the trace began."""
        return self._recorder.now

    def filled(self, value: Any) -> Any:
        """A value with its variables filled in."""
        return fill(value, self.variables)

    def record(self, kind: str, **data: Any) -> None:
        """Write an entry into the trace."""
        self._recorder.record(kind, **data)

    async def until(
        self, look: Callable[[], T | None], seconds: float, *, again: Callable[[], float | None] = lambda: None
    ) -> T | None:
        """Wait until ``look`` finds something."""
        return await self._watch.until(look, seconds, again=again)

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        await self._watch.sleep(seconds)
        if self.call.lost.is_set():
            raise self.call.gone()

    async def configured(self) -> None:
        """Keep quiet until session.update is answered, for a while: what is said before meets the default configuration."""
        if self._mute and not self._scenario.caller.webrtcfilter:
            await self._watch.until(self._answer_to_update, CONFIGURED_SECONDS)
        self._mute = False

    def create_item(self, item: Mapping[str, Any], *, respond: bool) -> None:
        """Send conversation.item.create, then response.create where it is asked for."""
        self.call.send({"type": "conversation.item.create", "item": item})
        if respond:
            self.call.send({"type": "response.create"})

    def in_short(self, actual: str) -> str:
        """What came instead, and that nothing more could come, where that is so."""
        if self.call.lost.is_set():
            return f"{self.call.lost_because}; until then: {actual}"
        return f"the call had been hung up; until then: {actual}" if self.call.ended.is_set() else actual

    def _answer_to_update(self) -> bool | None:
        answer: bool | None = True  # nothing was asked for
        for entry in self._recorder.entries:
            if entry.kind == "event.sent" and entry.type in UPDATES:
                answer = None
            elif entry.kind == "event.received" and entry.type in (*UPDATED, "error"):
                answer = True
        return answer

    def _listen(self, entry: Entry) -> None:
        """Keep what tells about received audio; looking through the whole trace at every packet would take too long."""
        if entry.kind in ("audio.speech", "rtp.packets") and entry.data.get("direction") == "received":
            self._received.append(entry)

    # Judging

    def _judge(self, step: int, text: str, seen: Seen | None) -> bool:
        """Write down what a step that asks for something has seen; False where it was missed."""
        if seen is None:
            return True
        seq = seen.entry.seq if seen.entry else None
        self.expectations.append(Expectation(step, seen.met, text, seen.actual, seq))
        data: dict[str, Any] = {} if seq is None else {"entry": seq}
        if seen.entries:
            data["entries"] = [entry.seq for entry in seen.entries]
        kind = "step.met" if seen.met else "step.missed"
        self._recorder.record(kind, step=step, expected=text, actual=seen.actual, **data)
        return seen.met

    def _text(self, step: Step) -> str:
        """The step in words, with what has been saved so far."""
        return known(step.describe(self.call.dialect), self.variables)

    def _interrupted(self, number: int, step: Step, actual: str) -> bool:
        """The connection went away: a step that asks for nothing misses no expectation, but the walk ends."""
        text = self._text(step)
        if step.asks:
            return self._judge(number, text, Seen(False, actual))
        self._recorder.record("step.missed", step=number, expected=text, actual=actual)
        return False

    def _leave_out(self, steps: Sequence[tuple[int, Step]], missed: int) -> None:
        for number, step in steps:
            if step.asks:
                self._judge(number, self._text(step), Seen(False, f"{NOT_REACHED}: step {missed} was missed"))
