"""The generations of the Realtime protocol, as rows: how each names events, shapes sessions and writes what both have.

Canonical names are the GA names. Sources: OpenAI SDK 3.57.0, types/realtime (GA) and types/beta/realtime (beta).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any

# Canonical (GA) event type -> beta type; None: beta has no such event. Types not listed are spelled alike in both.
BETA_NAMES: Mapping[str, str | None] = MappingProxyType(
    {
        "response.output_text.delta": "response.text.delta",
        "response.output_text.done": "response.text.done",
        "response.output_audio.delta": "response.audio.delta",
        "response.output_audio.done": "response.audio.done",
        "response.output_audio_transcript.delta": "response.audio_transcript.delta",
        "response.output_audio_transcript.done": "response.audio_transcript.done",
        "conversation.item.added": "conversation.item.created",
        "conversation.item.done": None,
        "conversation.item.input_audio_transcription.segment": None,
        "input_audio_buffer.timeout_triggered": None,
        "input_audio_buffer.dtmf_event_received": None,
        "mcp_list_tools.in_progress": None,
        "mcp_list_tools.completed": None,
        "mcp_list_tools.failed": None,
        "response.mcp_call_arguments.delta": None,
        "response.mcp_call_arguments.done": None,
        "response.mcp_call.in_progress": None,
        "response.mcp_call.completed": None,
        "response.mcp_call.failed": None,
    }
)

CLIENT_EVENTS: frozenset[str] = frozenset(
    {
        "session.update",
        "input_audio_buffer.append",
        "input_audio_buffer.commit",
        "input_audio_buffer.clear",
        "output_audio_buffer.clear",
        "conversation.item.create",
        "conversation.item.retrieve",
        "conversation.item.delete",
        "conversation.item.truncate",
        "response.create",
        "response.cancel",
    }
)
SERVER_EVENTS: frozenset[str] = frozenset(
    {
        "session.created",
        "session.updated",
        "conversation.created",
        "conversation.item.created",
        "conversation.item.added",
        "conversation.item.done",
        "conversation.item.retrieved",
        "conversation.item.deleted",
        "conversation.item.truncated",
        "conversation.item.input_audio_transcription.delta",
        "conversation.item.input_audio_transcription.completed",
        "conversation.item.input_audio_transcription.segment",
        "conversation.item.input_audio_transcription.failed",
        "input_audio_buffer.committed",
        "input_audio_buffer.cleared",
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.timeout_triggered",
        "input_audio_buffer.dtmf_event_received",
        "response.created",
        "response.done",
        "response.output_item.added",
        "response.output_item.done",
        "response.content_part.added",
        "response.content_part.done",
        "response.output_text.delta",
        "response.output_text.done",
        "response.output_audio.delta",
        "response.output_audio.done",
        "response.output_audio_transcript.delta",
        "response.output_audio_transcript.done",
        "response.function_call_arguments.delta",
        "response.function_call_arguments.done",
        "response.mcp_call_arguments.delta",
        "response.mcp_call_arguments.done",
        "response.mcp_call.in_progress",
        "response.mcp_call.completed",
        "response.mcp_call.failed",
        "mcp_list_tools.in_progress",
        "mcp_list_tools.completed",
        "mcp_list_tools.failed",
        "output_audio_buffer.started",
        "output_audio_buffer.stopped",
        "output_audio_buffer.cleared",
        "rate_limits.updated",
        "error",
    }
)

UPDATES = ("session.update", "transcription_session.update")
"""The client events that change a session; the second is for transcription sessions of the beta."""
UPDATED = ("session.updated", "transcription_session.updated")
"""The server events that confirm them."""


@dataclass(frozen=True)
class Generation:
    """One generation. What both have and write alike stands nowhere here.

    ``names``: canonical event type to its own, None where it has no such event. ``typed``: a session says its type, and keeps audio
    settings below ``audio``. ``modalities``: the field that holds them, ``spoken`` their value for a spoken answer. ``formats``:
    the audio formats that it writes in another way than by name. ``content``: which parts a message may have, by role; ``replayed``: those that
    a client may put into an assistant's message.
    Two are the same where their names are.
    """

    name: str
    title: str = field(compare=False)
    server_events: frozenset[str] = field(compare=False)
    client_events: frozenset[str] = field(compare=False)
    typed: bool = field(compare=False)
    modalities: str = field(compare=False)
    spoken: tuple[str, ...] = field(compare=False)
    content: Mapping[str, tuple[str, ...]] = field(compare=False)
    # "current limitation that it cannot populate assistant audio messages": SDK, conversation_item_create_event.py
    replayed: tuple[str, ...] = field(compare=False)
    formats: Mapping[str, Mapping[str, Any]] = field(default_factory=dict, compare=False)
    names: Mapping[str, str | None] = field(default_factory=dict, compare=False)

    def wire(self, canonical: str) -> str | None:
        """The wire type of a canonical event type; None where there is no such event. Its own names are returned as they are."""
        return self.names.get(canonical, canonical)

    def canonical(self, wire: str) -> str:
        """The canonical type of a wire type."""
        return self._canonical.get(wire, wire)

    @cached_property
    def _canonical(self) -> Mapping[str, str]:
        return {own: canonical for canonical, own in self.names.items() if own is not None}


BETA = Generation(
    name="beta",
    title="beta",
    server_events=frozenset(wire for name in SERVER_EVENTS if (wire := BETA_NAMES.get(name, name)) is not None)
    | {"transcription_session.updated"},
    client_events=CLIENT_EVENTS | {"transcription_session.update"},
    typed=False,
    modalities="modalities",
    spoken=("audio", "text"),
    content={"system": ("input_text",), "user": ("input_text", "input_audio"), "assistant": ("text", "audio")},
    replayed=("text",),
    names=BETA_NAMES,
)
GA = Generation(
    name="ga",
    title="GA",
    server_events=SERVER_EVENTS,
    client_events=CLIENT_EVENTS,
    typed=True,
    modalities="output_modalities",
    spoken=("audio",),
    content={
        "system": ("input_text",),
        "user": ("input_text", "input_audio", "input_image"),
        "assistant": ("output_text", "output_audio"),
    },
    replayed=("output_text",),
    formats={
        "pcm16": {"type": "audio/pcm", "rate": 24000},
        "g711_ulaw": {"type": "audio/pcmu"},
        "g711_alaw": {"type": "audio/pcma"},
    },
)
GENERATIONS: tuple[Generation, ...] = (BETA, GA)
