"""Walks the steps of a scenario through an open call: speaks, sends, waits, listens, and says of each expectation whether it was met."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, assert_never

from harness.client.audio_match import audible, segments, silence, speech
from harness.client.describe import describe_step, error_of, span
from harness.client.event_search import Search
from harness.client.functions import called_instead, find_call, response_done
from harness.client.interfaces import Audio, OpenCall
from harness.client.watch import Watch
from harness.errors import CallError, UsageError
from harness.judging.results import NOT_REACHED, Expectation
from harness.scenario.match import fill, known
from harness.scenario.model import (
    AnyStep,
    Disturb,
    EventPattern,
    Expect,
    HangUp,
    Hear,
    Hush,
    Never,
    Say,
    Scenario,
    Send,
    SendRaw,
    Text,
    Tool,
    Update,
    Wait,
)
from harness.trace import Entry, Recorder

PACKET_SECONDS = 0.02
UPDATES = ("session.update", "transcription_session.update")
UPDATED = ("session.updated", "transcription_session.updated", "error")
CONFIGURED_SECONDS = 5.0
SETTLE_SECONDS = 0.3
"""The end of speech is noticed this much later than it was, so that what was heard is only certain for audio of that age."""


async def play(
    scenario: Scenario,
    call: OpenCall,
    recorder: Recorder,
    audio: Audio,
    *,
    into: list[Expectation] | None = None,
) -> list[Expectation]:
    """Walk the steps, hang up, and return an expectation for each step that asks for something, in the order of the file.

    A missed expectation ends the walk; what comes behind it counts as not reached. Where the connection goes away in a step that
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
        self._scenario = scenario
        self._call = call
        self._recorder = recorder
        self._audio = audio
        self._watch = Watch(recorder, call.ended)
        self._variables: dict[str, Any] = {}
        self._cursor = -1
        self._mute = True
        self._answered: set[str] = set()
        self._forbidden: list[tuple[int, Never, int]] = []
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
                try:
                    met = await self._take(number, step)
                except UsageError as wrong:
                    met = self._judge(number, self._text(step), wrong.what)
                except CallError as gone:
                    met = self._interrupted(number, step, gone.what)
                if not met:
                    error = self._call.gone() if self._call.lost.is_set() else None
                    self._leave_out(steps[number:], number)
                    break
            await self._call.close()
        finally:
            self._watch.close()
            self._deaf()
        self._judge_forbidden(steps)
        self.expectations.sort(key=lambda one: one.step)
        if error is not None:
            raise error

    async def _take(self, number: int, step: AnyStep) -> bool:
        """Take one step; False where what it asks for did not come."""
        match step:
            case Expect():
                return await self._expect(number, step)
            case Hear():
                return await self._hear(number, step)
            case Tool():
                return await self._tool(number, step)
            case Say():
                await self._configured()
                self._speak(number, step)
            case Hush():
                self._call.track.hush()
            case Text():
                part = {"type": "input_text", "text": fill(step.text, self._variables)}
                self._create_item({"type": "message", "role": "user", "content": [part]}, respond=step.respond)
            case Send():
                self._call.send(fill(step.send, self._variables))
            case SendRaw():
                self._call.send_raw(fill(step.send_raw, self._variables))
            case Update():
                self._call.update(fill(step.update, self._variables))
            case Disturb():
                self._call.disturb(step.network.conditions, seed=step.network.seed)
            case Wait():
                await self._watch.sleep(step.wait)
                if self._call.lost.is_set():
                    raise self._call.gone()
            case Never():
                since = 0 if step.since == "start" else len(self._recorder.entries)
                self._forbidden.append((number, step, since))
            case HangUp():
                await self._call.close()
            case _:
                assert_never(step)
        return True

    # Steps that ask for something

    async def _expect(self, number: int, step: Expect) -> bool:
        text = self._text(step)
        search = Search(
            self._recorder.entries,
            self._call.dialect,
            step.patterns,
            needs_all=step.needs_all,
            cursor=self._cursor,
            variables=self._variables,
        )
        found = await self._watch.until(search.look, step.within)
        if found is None:
            why = self._why(search.instead())
            return self._judge(number, text, why, met=step.optional)
        last = max(found.values(), key=lambda entry: entry.seq)
        self._cursor = last.seq
        values, missing = search.saved()
        if missing:
            return self._judge(number, text, missing, entry=last)
        self._variables.update(values)
        came = ", ".join(f"{entry.type} at {entry.t:.3f} s" for entry in found.values())
        return self._judge(number, text, came, met=True, entry=last)

    async def _hear(self, number: int, step: Hear) -> bool:
        wanted, within = step.hear.speech, step.hear.within
        measure, what = (speech, "speech") if wanted is not None else (silence, "silence")
        amount = audible(self._recorder.entries, wanted) if wanted is not None else step.hear.silence or 0.0
        since = self._recorder.now

        def heard() -> float:
            return measure(
                segments(self._received, "received"), since, since + within, self._recorder.now - SETTLE_SECONDS
            )

        def enough() -> bool | None:
            # A microsecond is the resolution of the trace.
            return True if heard() >= amount - 1e-6 else None

        met = await self._watch.until(
            enough, within + SETTLE_SECONDS, again=lambda: self._recorder.now + amount - heard()
        )
        actual = f"{span(round(heard(), 3))} of {what}" if heard() > 0 else f"no {what}"
        # Packets are recorded about once a second; before that their absence means nothing.
        if (
            not heard()
            and self._recorder.now > since + 1.0
            and not any(one.kind == "rtp.packets" for one in self._received)
        ):
            actual += "; no audio packet came at all"
        last = next((entry for entry in reversed(self._received) if entry.kind == "audio.speech"), None)
        return self._judge(
            number,
            self._text(step),
            actual if met else self._why(actual),
            met=bool(met),
            entry=last,
        )

    async def _tool(self, number: int, step: Tool) -> bool:
        text, deadline = self._text(step), self._recorder.now + step.within
        found = await self._watch.until(
            lambda: find_call(self._recorder.entries, step.tool, self._answered, self._variables), step.within
        )
        if found is None:
            return self._judge(
                number,
                text,
                self._why(called_instead(self._recorder.entries, step.tool, self._answered, self._variables)),
            )
        # The response that calls must be over, or the next response.create is refused as a second one.
        response_id = found.event.get("response_id")
        done = await self._watch.until(
            lambda: response_done(self._recorder.entries, response_id), deadline - self._recorder.now
        )
        if done is None:
            actual = f"the function call came at {found.t:.3f} s, but its response.done did not"
            return self._judge(number, text, self._why(actual), entry=found)
        call_id = found.event["item"]["call_id"]
        self._answered.add(call_id)
        self._cursor = max(self._cursor, done.seq)
        result = fill(step.tool.result, self._variables)
        output = result if isinstance(result, str) else json.dumps(result, ensure_ascii=False)
        item = {"type": "function_call_output", "call_id": call_id, "output": output}
        self._create_item(item, respond=step.tool.respond)
        return self._judge(number, text, f"called at {found.t:.3f} s", met=True, entry=found)

    def _judge_forbidden(self, steps: Sequence[tuple[int, AnyStep]]) -> None:
        """What must never have come; over the whole call also where the walk ended before the step was reached."""
        reached = {number for number, _, _ in self._forbidden}
        early = [(number, step, 0) for number, step in steps if isinstance(step, Never) and step.since == "start"]
        for number, step, since in [*self._forbidden, *(one for one in early if one[0] not in reached)]:
            search = Search(
                self._recorder.entries,
                self._call.dialect,
                [EventPattern(event=step.never, where=step.where)],
                needs_all=True,
                cursor=since - 1,
                variables=self._variables,
            )
            try:
                found = search.look()
            except UsageError as wrong:
                self._judge(number, self._text(step), wrong.what)
                continue
            if found is None:
                self._judge(number, self._text(step), "it never came", met=True)
                continue
            entry = found[0]
            detail = f": {error_of(entry.event)}" if entry.type == "error" else ""
            self._judge(
                number,
                self._text(step),
                f"{entry.type} came at {entry.t:.3f} s{detail}",
                entry=entry,
            )

    # Steps that do something

    async def _configured(self) -> None:
        """Keep quiet until session.update is answered, for a while: what is said before meets the default configuration."""
        if self._mute and not self._scenario.caller.webrtcfilter:
            await self._watch.until(self._answer_to_update, CONFIGURED_SECONDS)
        self._mute = False

    def _answer_to_update(self) -> bool | None:
        answer: bool | None = True  # nothing was asked for
        for entry in self._recorder.entries:
            if entry.kind == "event.sent" and entry.type in UPDATES:
                answer = None
            elif entry.kind == "event.received" and entry.type in UPDATED:
                answer = True
        return answer

    def _speak(self, number: int, step: Say) -> None:
        packets = self._audio(step.say, gain=step.gain)

        def said() -> None:
            seconds = round(len(packets) * PACKET_SECONDS, 3)
            self._recorder.record("step.said", step=number, file=step.say, seconds=seconds)

        self._call.track.say(packets, loop=step.loop, overlap=step.overlap, on_done=said)

    def _create_item(self, item: Mapping[str, Any], *, respond: bool) -> None:
        self._call.send({"type": "conversation.item.create", "item": item})
        if respond:
            self._call.send({"type": "response.create"})

    def _listen(self, entry: Entry) -> None:
        """Keep what tells about received audio; looking through the whole trace at every packet would take too long."""
        if entry.kind in ("audio.speech", "rtp.packets") and entry.data.get("direction") == "received":
            self._received.append(entry)

    # Judging

    def _judge(
        self,
        step: int,
        text: str,
        actual: str,
        *,
        met: bool = False,
        entry: Entry | None = None,
    ) -> bool:
        seq = entry.seq if entry else None
        self.expectations.append(Expectation(step, met, text, actual, seq))
        data = {"entry": seq} if entry else {}
        self._recorder.record("step.met" if met else "step.missed", step=step, expected=text, actual=actual, **data)
        return met

    def _text(self, step: AnyStep) -> str:
        """The step in words, with what has been saved so far."""
        return known(describe_step(step, self._call.dialect), self._variables)

    def _why(self, actual: str) -> str:
        """What came instead, and that nothing more could come, where that is so."""
        if self._call.lost.is_set():
            return f"{self._call.lost_because}; until then: {actual}"
        return f"the call had been hung up; until then: {actual}" if self._call.ended.is_set() else actual

    def _interrupted(self, number: int, step: AnyStep, actual: str) -> bool:
        """The connection went away: a step that asks for nothing misses no expectation, but the walk ends."""
        text = self._text(step)
        if _asks(step):
            return self._judge(number, text, actual)
        self._recorder.record("step.missed", step=number, expected=text, actual=actual)
        return False

    def _leave_out(self, steps: Sequence[tuple[int, AnyStep]], missed: int) -> None:
        for number, step in steps:
            if _asks(step):
                self._judge(number, self._text(step), f"{NOT_REACHED}: step {missed} was missed")


def _asks(step: AnyStep) -> bool:
    """Whether the step can be missed once it is not reached; an event that must never come is judged over the whole call."""
    return isinstance(step, (Expect, Hear, Tool)) or (isinstance(step, Never) and step.since == "here")
