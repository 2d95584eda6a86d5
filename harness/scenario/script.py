"""The script of the fake service: what is heard, what is answered, what the service has; the ``fake`` block of a scenario file."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from harness.scenario.marks import Recording
from harness.scenario.values import Duration, Model


class FunctionCall(Model):
    """A function call in a scripted reply."""

    name: str
    arguments: dict[str, Any] = Field(default_factory=dict)


class McpCall(Model):
    """A call of a remote MCP tool in a scripted reply (GA). Whether it needs the client's approval is in the session's tools."""

    server: str = Field(description="the server_label of an mcp tool of the session")
    name: str
    arguments: dict[str, Any] = Field(default_factory=dict)
    output: str = ""
    error: str | None = Field(default=None, description="the call fails with this message")


class Message(Model):
    """One of several messages of a scripted reply; each becomes an item of its own."""

    text: str | None = Field(default=None, description="the message's text or transcript")
    audio: Recording | None = Field(
        default=None, description="the recording that is played; without one, a tone as long as the text"
    )
    phase: Literal["commentary", "final_answer"] | None = Field(
        default=None, description="GA: a preamble, or the answer itself; default: the item has no phase"
    )


class Reply(Model):
    """One scripted reply of the fake, used in order; the last one repeats. Without a script the fake has sensible defaults."""

    hears: str | None = Field(default=None, description="the transcript of what the caller said")
    says: str | list[str | Message] | None = Field(
        default=None, description="the reply's text or transcript; a list: several messages in one response, in order"
    )
    audio: Recording | None = Field(
        default=None, description="the recording that is played; without one, a tone as long as the text"
    )
    after: Duration = Field(
        default=0.32, description="from the end of the turn (or response.create) to the first output"
    )
    calls: list[FunctionCall] = Field(default_factory=list)
    mcp_calls: list[McpCall] = Field(default_factory=list)
    status: Literal["completed", "incomplete", "failed"] = "completed"
    reason: str | None = Field(
        default=None, description="incomplete: max_output_tokens or content_filter; failed: an error code"
    )
    hears_fails: str | None = Field(default=None, description="the input transcription fails with this error code")

    @model_validator(mode="after")
    def _one_place_for_audio(self) -> Self:
        if isinstance(self.says, list) and self.audio is not None:
            raise ValueError("with several messages each has its own audio: says: [{text: ..., audio: ...}]")
        if self.says == []:
            raise ValueError("says: give at least one message, or leave it out")
        return self

    @property
    def messages(self) -> tuple[Message, ...]:
        """What is said, message by message; none where the reply says nothing."""
        if isinstance(self.says, list):
            return tuple(Message(text=one) if isinstance(one, str) else one for one in self.says)
        if self.says is None and self.audio is None:
            return ()
        return (Message(text=self.says, audio=self.audio),)


class Replayed(Model):
    """A recorded call whose service is played instead of the engine: its events, audio and HTTP answers, right and wrong ones."""

    file: str = Field(description="a trace, or a cassette (a folder or a .zip), beside the scenario file")
    lenient: bool = Field(
        default=False, description="where the recording has no answer, the engine gives its own; default: the call ends"
    )
    silence: bool = Field(default=False, description="go on with silence where the recording's audio file is missing")


class FakeScript(Model):
    """The script of the fake service; ignored on a live target."""

    recording: str | Replayed | None = Field(
        default=None,
        description="play the service of this recording: FILE, or {file: FILE, lenient: true, silence: true}",
    )
    replies: list[Reply] = Field(default_factory=list)
    mcp: dict[str, list[str] | None] = Field(
        default_factory=dict, description="server_label -> the tools that MCP server lists; null: listing fails"
    )
    session_length: Duration | None = Field(default=None, description="the longest session; default: the dialect's")
    deployments: list[str] | None = Field(
        default=None, description="the deployments (models) that it has, case-sensitive; default: any name is one"
    )
    faults: list[str] = Field(default_factory=list)

    @property
    def replayed(self) -> Replayed | None:
        """The recording to play, with what is to be done where it has nothing; None: the engine answers."""
        return Replayed(file=self.recording) if isinstance(self.recording, str) else self.recording
