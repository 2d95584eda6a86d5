"""Steps and what they ask for, in words a person reads. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, assert_never

from harness.client.http import shorten
from harness.protocol.dialects import Dialect
from harness.scenario.match import as_text, describe, lookup
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
    Send,
    SendRaw,
    Text,
    Tool,
    Update,
    Wait,
)


def span(seconds: float) -> str:
    """A duration as a person writes it: 320 ms, 1.5 s."""
    return f"{seconds * 1000:g} ms" if seconds < 1 else f"{seconds:g} s"


def describe_step(step: AnyStep, dialect: Dialect) -> str:
    """One line for a step: what it does, or what it asks for."""
    match step:
        case Say():
            how = [name for name, on in (("looped", step.loop), ("over what is being said", step.overlap)) if on]
            how += [f"{step.gain:+g} dB"] if step.gain else []
            manner = f" ({', '.join(how)})" if how else ""
            return f"say {step.say}{manner}"
        case Hush():
            return "fall silent"
        case Expect():
            return expected(
                dialect, step.patterns, needs_all=step.needs_all, within=step.within, optional=step.optional
            )
        case Hear():
            asked = step.hear
            what = (
                f"{span(asked.speech)} of speech"
                if asked.speech is not None
                else f"{span(asked.silence or 0)} of silence"
            )
            return f"{what} in the received audio within {span(asked.within)}"
        case Never():
            conditions = f" where {describe(step.where)}" if step.where else ""
            since = "from here on" if step.since == "here" else "in the whole call"
            return f"no {dialect.wire(step.never) or step.never} {since}{conditions}"
        case Text():
            return f"write {as_text(step.text)}{'' if step.respond else ' without asking for a response'}"
        case Send():
            return f"send {step.send.get('type', 'an event without a type')}"
        case SendRaw():
            return f"send the text {as_text(step.send_raw)}"
        case Update():
            return f"update the session: {', '.join(step.update)}"
        case Tool():
            arguments = f" where {describe(step.tool.arguments)}" if step.tool.arguments else ""
            return f"a call of the function {step.tool.name} within {span(step.within)}{arguments}"
        case Disturb():
            given = [name for name in type(step.network).model_fields if name in step.network.model_fields_set]
            words = [step.network.preset if name == "preset" else name for name in given]
            return f"another network from here on: {', '.join(map(str, words)) or 'clean'}"
        case Wait():
            return f"wait {span(step.wait)}"
        case HangUp():
            return "hang up"
        case _:
            assert_never(step)


def expected(
    dialect: Dialect, patterns: Sequence[EventPattern], *, needs_all: bool, within: float, optional: bool = False
) -> str:
    """An expectation in words: ``response.done within 10 s where response.status is "completed"``."""
    shared = patterns[0].where if all(one.where == patterns[0].where for one in patterns) else {}
    names = []
    for one in patterns:
        own = "" if shared or not one.where else f" ({describe(one.where)})"
        names.append(f"{dialect.wire(one.event) or one.event}{own}")
    text = (" and " if needs_all else " or ").join(names)
    text += ", in any order," if needs_all and len(names) > 1 else ""
    text += f" within {span(within)}"
    text += f" where {describe(shared)}" if shared else ""
    return f"{text} (optional)" if optional else text


def error_of(event: Mapping[str, Any]) -> str:
    """The code and message of an ``error`` event, on one line."""
    code, message = (lookup(event, f"error.{name}") for name in ("code", "message"))
    texts = [shorten(one) for one in (code, message) if isinstance(one, str) and one]
    return ": ".join(texts) or "without code and message"
