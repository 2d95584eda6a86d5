"""The scenario file as a model: every word of the vocabulary, its type, its unit, its default. The JSON Schema is made from here.

Durations are written with a unit ("300ms", "1.5s", "2min") and kept as float seconds. Event names may be canonical (GA) or wire names.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from harness.scenario.live import Live
from harness.scenario.marks import Settings
from harness.scenario.network import Network
from harness.scenario.script import FakeScript
from harness.scenario.steps import AnyStep
from harness.scenario.values import Duration, Limit, Milestone, Model

DEFAULT_ORDER: tuple[Milestone, ...] = ("key", "offer", "answer", "channel-open", "session.update")


class Failure(Model):
    """For scenarios whose point is a failure: where it fails, with which status, and how it is diagnosed."""

    at: Literal["key", "offer", "answer", "channel-open", "session.update", "first-audio", "session"]
    status: int | None = None
    diagnosis: str | None = None


class RuleChoice(Model):
    """Rules that do not count in this scenario, each with the reason."""

    skip: dict[str, str] = Field(default_factory=dict)


class Assert(Model):
    """What must hold over the whole run, besides the steps."""

    order: list[Milestone] = Field(default_factory=lambda: list(DEFAULT_ORDER))
    rules: RuleChoice = Field(default_factory=RuleChoice)
    budgets: dict[Milestone, Limit] = Field(default_factory=dict)
    fails: Failure | None = None
    errors: Literal["expected", "allowed"] = Field(
        default="expected", description="allowed: error events that no step expects do not fail the run"
    )


class IceServer(Model):
    """A STUN or TURN server for the caller. Not used on the offline target, which needs none."""

    urls: str | list[str]
    username: str | None = None
    credential: str | None = None


class Caller(Model):
    """What the caller does differently; for scenarios whose point is a wrong setting."""

    api_key: str | None = Field(default=None, description="a wrong key, for failure scenarios")
    model: str | None = Field(default=None, description="another deployment or model than the target's")
    region: str | None = None
    ice_servers: list[IceServer] = Field(default_factory=list)
    webrtcfilter: bool = Field(default=False, description="Azure GA: append ?webrtcfilter=on to the call request")
    key_age: Duration = Field(default=0.0, description="how long the key is kept before the call request")
    channel: Literal["before-offer", "after-offer"] = Field(
        default="before-offer", description="when the data channel is created; after the offer is too late for it"
    )
    origin: str = Field(
        default="",
        description="make the call request as a page of this origin does: behind a preflight, with an Origin header",
    )
    update_on_open: bool = Field(default=True, description="send session.update as soon as the channel is open")
    timeout: Duration = Field(default=15.0, description="for each step of the set-up")
    faults: list[str] = Field(
        default_factory=list, description="what the caller does wrongly, on purpose; harness faults lists them"
    )


class Scenario(Model):
    """A scenario file."""

    title: str
    tags: list[str] = Field(default_factory=list)
    dialects: list[str] | None = Field(default=None, description="default: every dialect that can")
    session: Settings = Field(default_factory=dict, description="canonical session words, translated to each dialect")
    caller: Caller = Field(default_factory=Caller)
    steps: list[AnyStep] = Field(default_factory=list)
    fake: FakeScript = Field(default_factory=FakeScript)
    live: Live = Field(default_factory=Live)
    network: Network | None = Field(default=None, description="what the network does to the call; default: nothing")
    assert_: Assert = Field(default_factory=Assert, alias="assert")
    severity: Literal["must", "should"] = Field(
        default="must",
        description="should: no source demands what the steps ask for, and a missed step is a warning; source says where it comes from",
    )
    source: str = Field(
        default="",
        description="where what is asked for comes from: a page, an RFC section, a report; needed by severity: should",
    )
    description: str = ""

    @property
    def has_network(self) -> bool:
        """Whether the file says what the network does, at the beginning or in a step."""
        return self.network is not None or any(step.changes_network for step in self.steps)
