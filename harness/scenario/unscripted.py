"""A scenario on a service that has no script: what it needs there, and the more lenient form in which it is judged. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import get_args

from harness.rules.base import CLIENT
from harness.scenario.live import Need, needs_of_settings
from harness.scenario.model import Assert, Scenario
from harness.scenario.relaxation import Relaxation
from harness.scenario.values import Limit, Milestone

NEEDS: tuple[Need, ...] = get_args(Need)
NEVER: frozenset[Need] = frozenset({"script", "faulty-caller"})
"""What no service that we did not write has."""
LONG = 30.0
"""A scenario that lets more seconds than this pass needs ``time``."""

REASONS: Mapping[Need, str] = {
    "script": "only a scripted service can be made to do this",
    "faulty-caller": "its caller misbehaves on purpose, which is not tried on other people's services",
    "token-request": "the service has no token endpoint",
    "authentication": "the service is entered without a key",
    "regions": "the service is not entered by its region",
    "browsers": "the service is not for web pages",
    "function-calls": "the service has no function calls",
    "transcription": "the service does not transcribe",
    "semantic-vad": "the service has no semantic turn detection",
    "time": f"it lasts longer than {LONG:g} s of real time",
}


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
    return frozenset(number for number, step in enumerate(scenario.steps, 1) if step.cooperative)


def adapt(scenario: Scenario, unscripted: Unscripted) -> Scenario:
    """The scenario as it is played and judged on a service without a script; :class:`harness.scenario.model.Live` says how."""
    script = tuple(_script_texts(scenario))
    before = scenario.session.get("instructions")
    session, after = dict(scenario.session), before
    if scenario.live.ask is not None:
        after = f"{before} {scenario.live.ask}" if isinstance(before, str) else scenario.live.ask
        session["instructions"] = after
    relax = Relaxation(script, before, after, asked=scenario.live.ask is not None)
    return scenario.model_copy(
        update={
            "session": session,
            "steps": [step.relaxed(relax) for step in scenario.steps],
            "assert_": _asserted(scenario, unscripted),
        }
    )


def _needs(scenario: Scenario) -> Iterator[Need]:
    fake, session, fails = scenario.fake, scenario.session, scenario.assert_.fails
    unusual = any(reply.status != "completed" or reply.hears_fails or reply.mcp_calls for reply in fake.replies)
    if "scripted" in scenario.tags or unusual or fake.mcp or fake.model_fields_set - {"replies", "mcp", "recording"}:
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
    if scenario.caller.origin:
        yield "browsers"
    yield from needs_of_settings(session)
    for step in scenario.steps:
        yield from step.needs()
    if scenario.caller.key_age + sum(step.lasts for step in scenario.steps) > LONG:
        yield "time"


def budgets_of(scenario: Scenario, unscripted: Unscripted | None) -> Mapping[Milestone, Limit]:
    """The budgets that hold on a target: of a service without a script those that the scenario names for it."""
    return scenario.assert_.budgets if unscripted is None else scenario.live.budgets


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
        update={"order": order, "budgets": budgets_of(scenario, unscripted), "fails": fails, "rules": rules}
    )


def _script_texts(scenario: Scenario) -> Iterator[str]:
    """Every text that only the script explains."""
    for reply in scenario.fake.replies:
        yield from filter(None, (*(message.text for message in reply.messages), reply.hears))
        for call in reply.calls:
            yield json.dumps(call.arguments)
            yield from (value for value in call.arguments.values() if isinstance(value, str))
