"""A scenario on a service that has no script: what it needs there, and the more lenient form in which it is judged. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, assert_never, get_args

from harness.rules.base import CLIENT
from harness.scenario.match import conditions, variables_in
from harness.scenario.model import (
    AnyStep,
    Assert,
    Disturb,
    EventGroup,
    EventPattern,
    Expect,
    HangUp,
    Hear,
    Hush,
    Need,
    Never,
    Say,
    Scenario,
    Send,
    SendRaw,
    Text,
    Tool,
    Update,
    Wait,
    Where,
)

NEEDS: tuple[Need, ...] = get_args(Need)
NEVER: frozenset[Need] = frozenset({"script", "faulty-caller"})
"""What no service that we did not write has."""
PATIENCE = 15.0
"""Seconds that anything may take on a service whose speed is its own affair."""
HEARD = 0.3
"""Seconds of speech that any spoken reply has, however short."""
STORY = 5.0
"""Seconds of speech by which an answer is as long as it was asked to be, so that it goes on while something is done to it."""
LONG = 30.0
"""A scenario that lets more seconds than this pass needs ``time``."""

REASONS: Mapping[Need, str] = {
    "script": "only a scripted service can be made to do this",
    "faulty-caller": "its caller misbehaves on purpose, which is not tried on other people's services",
    "token-request": "the service has no token endpoint",
    "authentication": "the service is entered without a key",
    "regions": "the service is not entered by its region",
    "function-calls": "the service has no function calls",
    "transcription": "the service does not transcribe",
    "semantic-vad": "the service has no semantic turn detection",
    "time": f"it lasts longer than {LONG:g} s of real time",
}

# Fields whose words are made by whoever speaks, not by the protocol.
_SPOKEN = frozenset({"transcript", "text", "delta", "arguments"})
_TRANSCRIPTION = "conversation.item.input_audio_transcription."
_SOME_TEXT = {"matches": r"\S"}
_OF_TEXT = frozenset({"equals", "matches", "one_of", "contains"})


@dataclass(frozen=True)
class Unscripted:
    """What is known of the service. ``without``: what it is declared not to have; ``graded``: it alone is judged, not its client."""

    without: frozenset[Need] = frozenset()
    graded: bool = False


def needs_of(scenario: Scenario) -> frozenset[Need]:
    """What a service must have so that the scenario says something about it: as the file says, else read off the scenario."""
    if scenario.live.needs is not None:
        return frozenset(scenario.live.needs)
    return frozenset(_needs(scenario))


def why_not(scenario: Scenario, unscripted: Unscripted) -> str | None:
    """Why this scenario cannot be provoked on this service, on one line; None where it can."""
    missing = needs_of(scenario) & (unscripted.without | NEVER)
    return REASONS[min(missing, key=NEEDS.index)] if missing else None


def cooperative_steps(scenario: Scenario) -> frozenset[int]:
    """Numbers of the steps that a model must cooperate in: missed, they say nothing about the service for certain."""
    return frozenset(number for number, step in enumerate(scenario.steps, 1) if step.lenient or isinstance(step, Tool))


def adapt(scenario: Scenario, unscripted: Unscripted) -> Scenario:
    """The scenario as it is played and judged on a service without a script; :class:`harness.scenario.model.Live` says how."""
    script = tuple(_script_texts(scenario))
    before = scenario.session.get("instructions")
    session, after = dict(scenario.session), before
    if scenario.live.ask is not None:
        after = f"{before} {scenario.live.ask}" if isinstance(before, str) else scenario.live.ask
        session["instructions"] = after
    relax = _Relaxed(script, before, after, asked=scenario.live.ask is not None)
    return scenario.model_copy(
        update={
            "session": session,
            "steps": [relax.step(step) for step in scenario.steps],
            "assert_": _asserted(scenario, unscripted),
        }
    )


def _needs(scenario: Scenario) -> Iterator[Need]:
    fake, session, fails = scenario.fake, scenario.session, scenario.assert_.fails
    unusual = any(reply.status != "completed" or reply.hears_fails or reply.mcp_calls for reply in fake.replies)
    if "scripted" in scenario.tags or unusual or fake.mcp or fake.model_fields_set - {"replies", "mcp"}:
        yield "script"
    if scenario.caller.faults:
        yield "faulty-caller"
    # What kind of session it is, is settled when the key is minted.
    if (fails is not None and fails.at == "key") or scenario.caller.key_age or session.get("type") == "transcription":
        yield "token-request"
    if scenario.caller.api_key is not None:
        yield "authentication"
    if scenario.caller.region:
        yield "regions"
    if any(isinstance(step, Tool) for step in scenario.steps):
        yield "function-calls"
    for settings in (session, *(step.update for step in scenario.steps if isinstance(step, Update))):
        yield from _needs_of_settings(settings)
    if scenario.caller.key_age + sum(step.wait for step in scenario.steps if isinstance(step, Wait)) > LONG:
        yield "time"


def _needs_of_settings(session: Mapping[str, Any]) -> Iterator[Need]:
    tools, detection = session.get("tools"), session.get("turn_detection")
    if isinstance(tools, list) and tools:
        yield "function-calls"
    if session.get("transcription") or session.get("type") == "transcription":
        yield "transcription"
    if isinstance(detection, Mapping) and detection.get("type") == "semantic_vad":
        yield "semantic-vad"


def _asserted(scenario: Scenario, unscripted: Unscripted) -> Assert:
    asserted = scenario.assert_
    skip = dict(asserted.rules.skip)
    if unscripted.graded:
        from harness.rules.catalogue import all_rules  # imports every rule, which loading a scenario does not need

        ours = (one.id for one in all_rules() if one.who == CLIENT)
        skip = {**dict.fromkeys(ours, "the client of this call is the checker itself"), **skip}
    order = [name for name in asserted.order if name != "key" or "token-request" not in unscripted.without]
    fails = asserted.fails.model_copy(update={"diagnosis": None}) if asserted.fails else None
    rules = asserted.rules.model_copy(update={"skip": skip})
    return asserted.model_copy(
        update={"order": order, "budgets": scenario.live.budgets, "fails": fails, "rules": rules}
    )


def _script_texts(scenario: Scenario) -> Iterator[str]:
    """Every text that only the script explains."""
    for reply in scenario.fake.replies:
        yield from filter(None, (*(message.text for message in reply.messages), reply.hears))
        for call in reply.calls:
            yield json.dumps(call.arguments)
            yield from (value for value in call.arguments.values() if isinstance(value, str))


class _Relaxed:
    """Steps made lenient. ``before`` and ``after`` are the session's instructions without and with what is asked for."""

    def __init__(self, script: tuple[str, ...], before: Any, after: Any, *, asked: bool) -> None:
        self._script = script
        self._before = before
        self._after = after
        self._asked = asked

    def step(self, step: AnyStep) -> AnyStep:
        """The step in its lenient form."""
        match step:
            case Expect():
                # That a transcript comes is a SHOULD (TRN-02): its absence is a finding of that rule, not a failed run.
                transcript = any(one.event.startswith(_TRANSCRIPTION) for one in step.patterns)
                within = step.within if step.optional else max(step.within, PATIENCE)
                return step.model_copy(
                    update={
                        "expect": self._pattern(step.expect),
                        "within": within,
                        "where": self._where(step.where),
                        "lenient": step.lenient or transcript,
                    }
                )
            case Hear() if step.hear.speech is not None:
                # Silence keeps its window: with more time to look in, any pause would do.
                speech = step.hear.speech if self._asked else min(step.hear.speech, HEARD)
                if self._asked and step.lenient:
                    speech = max(speech, STORY)
                heard = step.hear.model_copy(update={"speech": speech, "within": max(step.hear.within, PATIENCE)})
                return step.model_copy(update={"hear": heard})
            case Tool():
                arguments = {path: self._argument(asked) for path, asked in step.tool.arguments.items()}
                tool = step.tool.model_copy(update={"arguments": arguments})
                return step.model_copy(update={"tool": tool, "within": max(step.within, PATIENCE)})
            case (
                Hear()
                | Say()
                | Hush()
                | Never()
                | Text()
                | Send()
                | SendRaw()
                | Update()
                | Disturb()
                | Wait()
                | HangUp()
            ):
                return step
            case _:
                assert_never(step)

    def _pattern(self, expected: str | EventGroup) -> str | EventGroup:
        if isinstance(expected, str):
            return expected
        return expected.model_copy(
            update={"all_of": self._patterns(expected.all_of), "any_of": self._patterns(expected.any_of)}
        )

    def _patterns(self, several: Iterable[str | EventPattern] | None) -> list[str | EventPattern] | None:
        if several is None:
            return None
        return [
            one if isinstance(one, str) else one.model_copy(update={"where": self._where(one.where)}) for one in several
        ]

    def _where(self, where: Where) -> Where:
        return {path: self._condition(path, asked) for path, asked in where.items()}

    def _condition(self, path: str, asked: Any) -> Any:
        if asked == self._before and path.endswith("instructions"):
            return self._after
        if any(variables_in(asked)):
            return asked  # an echo of what the service itself said
        named = conditions(asked)
        if path.rpartition(".")[2] in _SPOKEN:
            if not any(self._scripted(name, value) for name, value in named.items()):
                return asked
            return {**{name: value for name, value in named.items() if name not in _OF_TEXT}, **_SOME_TEXT}
        inner = named.get("contains")
        return {**named, "contains": self._without_words(inner)} if isinstance(inner, Mapping) else asked

    def _argument(self, asked: Any) -> Any:
        """What a model passes to a function is its own choice; that it passes it is not."""
        if any(variables_in(asked)) or not any(
            self._scripted(name, value) or name == "equals" for name, value in conditions(asked).items()
        ):
            return asked
        return {"absent": False}

    def _scripted(self, name: str, value: Any) -> bool:
        """Whether a condition asks for words of the script."""
        if name == "matches" and isinstance(value, str):
            return any(re.search(value, text) for text in self._script)
        if name in ("equals", "contains") and isinstance(value, str):
            return value != "" and any(value in text for text in self._script)
        return name == "one_of" and isinstance(value, list) and any(self._scripted("equals", one) for one in value)

    def _without_words(self, wanted: Mapping[str, Any]) -> dict[str, Any]:
        """An element that a list must contain, without the fields that hold words of the script."""
        kept: dict[str, Any] = {}
        for name, value in wanted.items():
            if isinstance(value, Mapping):
                kept[name] = self._without_words(value)
            elif not (name in _SPOKEN and self._scripted("equals", value)) and not self._speaks(value):
                kept[name] = value
        return kept

    def _speaks(self, value: Any) -> bool:
        """Whether a list has words of the script somewhere in it: lists are compared as a whole."""
        if isinstance(value, list):
            return any(self._speaks(one) for one in value)
        if isinstance(value, Mapping):
            return any(
                self._speaks(inner) or (name in _SPOKEN and self._scripted("equals", inner))
                for name, inner in value.items()
            )
        return False
