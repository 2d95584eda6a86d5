"""The scenario file as a model: every word of the vocabulary, its type, its unit, its default. The JSON Schema is made from here.

Durations are written with a unit ("300ms", "1.5s", "2min") and kept as float seconds. Event names may be canonical (GA) or wire names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from harness.scenario.live import Live as Live
from harness.scenario.live import Need as Need
from harness.scenario.network import Network as Network
from harness.scenario.script import FakeScript as FakeScript
from harness.scenario.script import FunctionCall as FunctionCall
from harness.scenario.script import McpCall as McpCall
from harness.scenario.script import Message as Message
from harness.scenario.script import Reply as Reply
from harness.scenario.values import MILESTONES as MILESTONES
from harness.scenario.values import Duration as Duration
from harness.scenario.values import Milestone as Milestone
from harness.scenario.values import Model as Model
from harness.scenario.values import parse_duration as parse_duration

DEFAULT_ORDER: tuple[Milestone, ...] = ("key", "offer", "answer", "channel-open", "session.update")
DEFAULT_WITHIN = 10.0


class Condition(Model):
    """What a field must be. A bare value in the file means ``equals``."""

    equals: Any = None
    matches: str | None = Field(default=None, description="a regular expression that is searched for")
    one_of: list[Any] | None = None
    at_least: float | None = None
    at_most: float | None = None
    contains: Any = Field(default=None, description="a substring, or an element of a list")
    absent: bool | None = None


Where = dict[str, Any]


class Step(Model):
    """Base of the steps. ``word`` is the key that names the step, ``patience`` how many seconds it may take at the longest."""

    word: ClassVar[str] = ""
    lenient: bool = Field(
        default=False, description="on a service without a script its miss is inconclusive (see live)"
    )

    @model_validator(mode="before")
    @classmethod
    def _bare_word(cls, value: Any) -> Any:
        """``- hang_up`` means ``- hang_up:``."""
        return {value: None} if isinstance(value, str) and value == cls.word else value

    @property
    def patience(self) -> float:
        """Seconds after which a run that is still in this step has hung; 0 for a step that waits for nothing."""
        return 0.0


class Say(Step):
    """Feed a recording into the audio track; does not block. Given in any format libsndfile reads."""

    word: ClassVar[str] = "say"
    say: str = Field(description="file in fixtures/audio, or beside the scenario file")
    loop: bool = False
    overlap: bool = Field(default=False, description="mix over what is being said instead of queueing behind it")
    gain: float = Field(default=0.0, description="decibels added")


class Hush(Step):
    """Stop saying: what is queued is dropped, the track falls back to silence (RTP keeps flowing)."""

    word: ClassVar[str] = "hush"
    hush: None = None


class EventPattern(Model):
    """One event of a group with conditions and variables of its own."""

    event: str
    where: Where = Field(default_factory=dict, description="dotted path -> value or condition")
    save: dict[str, str] = Field(default_factory=dict, description="variable -> dotted path")


class EventGroup(Model):
    """Several events at once: all of them in any order, or any one of them."""

    all_of: list[str | EventPattern] | None = None
    any_of: list[str | EventPattern] | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.all_of is None) == (self.any_of is None) or not (self.all_of or self.any_of):
            raise ValueError("give either all_of or any_of, with at least one event")
        return self


class Expect(Step):
    """Wait for a server event (others in between are allowed). Matching starts behind the last matched event."""

    word: ClassVar[str] = "expect"
    expect: str | EventGroup
    within: Duration = DEFAULT_WITHIN
    where: Where = Field(default_factory=dict, description="dotted path -> value or condition")
    save: dict[str, str] = Field(default_factory=dict, description="variable -> dotted path; used later as ${variable}")
    optional: bool = Field(default=False, description="its absence is no failure")

    @property
    def patterns(self) -> tuple[EventPattern, ...]:
        """Each event that is waited for, with the step's own ``where`` and ``save`` merged in. One, unless it is a group."""
        match self.expect:
            case str(name):
                wanted: list[str | EventPattern] = [name]
            case group:
                wanted = group.all_of or group.any_of or []
        patterns = (EventPattern(event=one) if isinstance(one, str) else one for one in wanted)
        return tuple(
            EventPattern(event=one.event, where={**self.where, **one.where}, save={**self.save, **one.save})
            for one in patterns
        )

    @property
    def needs_all(self) -> bool:
        """True where every one of ``patterns`` must come (in any order), False where any one of them is enough."""
        return isinstance(self.expect, str) or self.expect.all_of is not None

    @property
    def patience(self) -> float:
        """How long it waits."""
        return self.within


class HearWhat(Model):
    """What must be heard in the received audio itself: that much speech, or that much silence, within a time."""

    speech: Duration | None = None
    silence: Duration | None = None
    within: Duration = DEFAULT_WITHIN

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        if (self.speech is None) == (self.silence is None):
            raise ValueError("give either speech or silence, with how much of it: {speech: 500ms}")
        return self


class Hear(Step):
    """Listen to the received audio (decoded RTP, not events)."""

    word: ClassVar[str] = "hear"
    hear: HearWhat

    @property
    def patience(self) -> float:
        """How long it waits."""
        return self.hear.within


class Never(Step):
    """No such server event in the whole call; with ``since: here``, from this step on."""

    word: ClassVar[str] = "never"
    never: str
    where: Where = Field(default_factory=dict)
    since: Literal["start", "here"] = "start"


class Text(Step):
    """Say it in writing: conversation.item.create with a user message, then response.create."""

    word: ClassVar[str] = "text"
    text: str
    respond: bool = Field(default=True, description="false: only the item, no response.create")


class Send(Step):
    """Send any client event, canonical or wire name; ``${variables}`` are filled in."""

    word: ClassVar[str] = "send"
    send: dict[str, Any]


class SendRaw(Step):
    """Send text as it stands on the channel, valid or not; only ``${variables}`` are filled in."""

    word: ClassVar[str] = "send_raw"
    send_raw: str


class Update(Step):
    """session.update with canonical session words, translated to the dialect."""

    word: ClassVar[str] = "update"
    update: dict[str, Any]


class ToolAnswer(Model):
    """Which function call to answer, and with what."""

    name: str
    result: Any = None
    arguments: Where = Field(default_factory=dict, description="what the call's arguments must be")
    respond: bool = Field(default=True, description="false: no response.create behind the output")


class Tool(Step):
    """Wait for the function call, answer it (function_call_output with its call_id) and ask for the next response."""

    word: ClassVar[str] = "tool"
    tool: ToolAnswer
    within: Duration = DEFAULT_WITHIN

    @property
    def patience(self) -> float:
        """How long it waits."""
        return self.within


class Disturb(Step):
    """Another network from here on, in place of the one before; ``network: clean`` ends the trouble."""

    word: ClassVar[str] = "network"
    network: Network


class Wait(Step):
    """Let time pass."""

    word: ClassVar[str] = "wait"
    wait: Duration

    @property
    def patience(self) -> float:
        """The time itself."""
        return self.wait


class HangUp(Step):
    """End the call here; otherwise it ends behind the last step."""

    word: ClassVar[str] = "hang_up"
    hang_up: None = None


STEPS: Mapping[str, type[Step]] = {
    step.word: step
    for step in (Say, Hush, Expect, Hear, Never, Text, Send, SendRaw, Update, Tool, Disturb, Wait, HangUp)
}


def _step_word(value: Any) -> str | None:
    if isinstance(value, Step):
        return value.word
    if isinstance(value, str):
        return value if value in STEPS else None
    if isinstance(value, Mapping):
        return next((key for key in value if key in STEPS), None)
    return None


AnyStep = Annotated[
    Annotated[Say, Tag("say")]
    | Annotated[Hush, Tag("hush")]
    | Annotated[Expect, Tag("expect")]
    | Annotated[Hear, Tag("hear")]
    | Annotated[Never, Tag("never")]
    | Annotated[Text, Tag("text")]
    | Annotated[Send, Tag("send")]
    | Annotated[SendRaw, Tag("send_raw")]
    | Annotated[Update, Tag("update")]
    | Annotated[Tool, Tag("tool")]
    | Annotated[Disturb, Tag("network")]
    | Annotated[Wait, Tag("wait")]
    | Annotated[HangUp, Tag("hang_up")],
    Discriminator(_step_word),
]


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
    budgets: dict[Milestone, Duration] = Field(default_factory=dict)
    fails: Failure | None = None


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
    session: dict[str, Any] = Field(
        default_factory=dict, description="canonical session words, translated to each dialect"
    )
    caller: Caller = Field(default_factory=Caller)
    steps: list[AnyStep] = Field(default_factory=list)
    fake: FakeScript = Field(default_factory=FakeScript)
    live: Live = Field(default_factory=Live)
    network: Network | None = Field(default=None, description="what the network does to the call; default: nothing")
    assert_: Assert = Field(default_factory=Assert, alias="assert")
    description: str = ""

    @property
    def has_network(self) -> bool:
        """Whether the file says what the network does, at the beginning or in a step."""
        return self.network is not None or any(isinstance(step, Disturb) for step in self.steps)
