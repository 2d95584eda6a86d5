"""What a scenario needs of a service that has no script: the ``live`` block of its file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import Field

from harness.scenario.values import Limit, Milestone, Model

Need = Literal[
    "script",
    "faulty-caller",
    "token-request",
    "authentication",
    "regions",
    "browsers",
    "function-calls",
    "transcription",
    "semantic-vad",
    "time",
]
"""What a scenario may ask of a service; ``harness check --without`` declares one absent."""


class Live(Model):
    """What the scenario needs of a service that has no script, and how it is asked for there. Not used on the fake.

    On such a service (``harness check``, ``--target live`` or a URL) the same steps are judged more leniently, by themselves:
    conditions on words out of the fake's script (says, hears, arguments of calls) ask for some text instead; waits are at least
    15 s; a reply has to be heard for 300 ms at most, unless ``ask`` asks for a long one, which is to go on for 5 s; budgets and
    the diagnosis of a failure do not count. A step with ``lenient: true``, any ``tool`` step, and the wait for a transcript of
    the caller depend on more than the service: where one is missed, the run is inconclusive and not nonconformant, and nothing
    after it counts. Rules are judged as ever.
    """

    needs: list[Need] | None = Field(
        default=None,
        description="script: only the fake can be made to do it; faulty-caller: its caller's faults are for the fake alone; default: "
        "read off session, caller, steps, fake; the tag scripted means script",
    )
    ask: str | None = Field(
        default=None, description="instructions added to the session's, so that a model does what the script does"
    )
    budgets: dict[Milestone, Limit] = Field(default_factory=dict, description="the budgets that hold there too")


def needs_of_settings(session: Mapping[str, Any]) -> Iterator[Need]:
    """What session settings ask of a service."""
    tools, detection = session.get("tools"), session.get("turn_detection")
    if isinstance(tools, list) and tools:
        yield "function-calls"
    if session.get("transcription") or session.get("type") == "transcription":
        yield "transcription"
    if isinstance(detection, Mapping) and detection.get("type") == "semantic_vad":
        yield "semantic-vad"
