"""The four dialects of the Realtime API over WebRTC, as rows of values. No other module branches on a dialect's name.

Canonical names are the GA names. A row says where a dialect differs: endpoints, auth, where the key is, event names, session
fields, statuses, lifetimes. Facts and sources: the vendor pages named in ``sources``; RFC numbers where a rule needs them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from harness.protocol.sessions import FIELDS, SESSION_FIELDS, Generation, Path, SessionField

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
BETA_ONLY_CLIENT_EVENTS: frozenset[str] = frozenset({"transcription_session.update"})

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
BETA_ONLY_SERVER_EVENTS: frozenset[str] = frozenset({"transcription_session.updated"})

# Azure GA only, `?webrtcfilter=on`: the types that still reach the client's channel (Microsoft, realtime-audio-webrtc, GA).
WEBRTC_FILTER: frozenset[str] = frozenset(
    {
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "output_audio_buffer.started",
        "output_audio_buffer.stopped",
        "conversation.item.input_audio_transcription.completed",
        "conversation.item.added",
        "conversation.item.created",
        "response.output_text.delta",
        "response.output_text.done",
        "response.output_audio_transcript.delta",
        "response.output_audio_transcript.done",
    }
)

# Names that appear in sample code and in the seeds, and that no dialect knows; each with what is meant.
FICTIONAL_EVENTS: Mapping[str, str] = MappingProxyType(
    {
        "session.update": "a client event; the service answers session.updated",
        "session.error": "the service reports trouble as error",
        "session.end": "there is no end event: an expired session gives error session_expired and the channel closes",
        "session.closed": "belongs to the separate translation API",
        "response.cancelled": "a cancelled response ends with response.done, status cancelled",
        "message": "use conversation.item.create",
    }
)


@dataclass(frozen=True)
class Dialect:
    """One row. URL templates take ``{resource}``, ``{region}``, ``{model}``, ``{api_version}``; a query value that is empty is left out."""

    name: str
    title: str
    vendor: Literal["azure", "openai"]
    generation: Generation
    state: str
    key_url: str
    key_query: Mapping[str, str]
    transcription_key_url: str
    call_url: str
    call_query: Mapping[str, str]
    hangup_url: str | None
    auth: tuple[Literal["api-key", "bearer"], ...]
    key_path: Path
    expires_path: Path
    body: Literal["flat", "nested"]
    label: str
    call_statuses: frozenset[int]
    call_statuses_documented: bool
    location: bool
    key_seconds: int | None
    key_seconds_documented: bool
    session_minutes: int
    multipart: bool
    filter: bool
    default_model: str
    default_voice: str
    default_api_version: str
    regions: tuple[str, ...]
    sources: tuple[str, ...]
    names: Mapping[str, str | None] = field(default_factory=dict)

    def wire(self, canonical: str) -> str | None:
        """The wire type of a canonical event type in this dialect; None where the dialect has no such event.

        A wire name of this dialect is returned as it is.
        """
        return self.names.get(canonical, canonical)

    def canonical(self, wire: str) -> str:
        """The canonical (GA) type of a wire type."""
        return self._canonical.get(wire, wire)

    @property
    def _canonical(self) -> Mapping[str, str]:
        return _REVERSED[self.generation]

    @property
    def server_events(self) -> frozenset[str]:
        """Wire types the service may send."""
        return _SERVER[self.generation]

    @property
    def client_events(self) -> frozenset[str]:
        """Wire types the client may send."""
        return _CLIENT[self.generation]

    def session_path(self, word: str) -> Path | None:
        """Where the session setting called ``word`` stands on the wire, or None where this dialect lacks it."""
        found = FIELDS.get(word)
        return None if found is None else found.path(self.generation)


_MS_LEGACY = "Microsoft, realtime-audio-webrtc-legacy (preview WebRTC how-to)"
_MS_GA = "Microsoft, realtime-audio-webrtc (GA WebRTC how-to, 2026-01-29)"
_MS_MIGRATION = "Microsoft, realtime-audio-preview-api-migration-guide"
_OPENAI_SDK = "OpenAI Python SDK 3.57.0, types/realtime"
_OPENAI_BETA = "OpenAI Python SDK 3.57.0, types/beta/realtime"
_OPENAI_SPEC = "openai/openai-openapi, openapi.yaml (2026-08-21)"

_ROWS = (
    Dialect(
        name="azure-preview",
        title="Azure OpenAI, preview",
        vendor="azure",
        generation="beta",
        state="deprecated since 2026-04-30",
        key_url="https://{resource}.openai.azure.com/openai/realtimeapi/sessions",
        key_query={"api-version": "{api_version}"},
        transcription_key_url="https://{resource}.openai.azure.com/openai/realtimeapi/transcription_sessions",
        call_url="https://{region}.realtimeapi-preview.ai.azure.com/v1/realtimertc",
        call_query={"model": "{model}"},
        hangup_url=None,
        auth=("api-key", "bearer"),
        key_path=("client_secret", "value"),
        expires_path=("client_secret", "expires_at"),
        body="flat",
        label="realtime-channel",
        call_statuses=frozenset({200, 201}),
        call_statuses_documented=False,
        location=False,
        key_seconds=60,
        key_seconds_documented=True,
        session_minutes=60,
        multipart=False,
        filter=False,
        default_model="gpt-4o-realtime-preview",
        default_voice="alloy",
        default_api_version="2025-04-01-preview",
        regions=("eastus2", "swedencentral"),
        sources=(_MS_LEGACY, _OPENAI_BETA),
        names=BETA_NAMES,
    ),
    Dialect(
        name="azure-ga",
        title="Azure OpenAI, GA",
        vendor="azure",
        generation="ga",
        state="current",
        key_url="https://{resource}.openai.azure.com/openai/v1/realtime/client_secrets",
        key_query={},
        transcription_key_url="https://{resource}.openai.azure.com/openai/v1/realtime/client_secrets",
        call_url="https://{resource}.openai.azure.com/openai/v1/realtime/calls",
        call_query={},
        hangup_url="https://{resource}.openai.azure.com/openai/v1/realtime/calls/{call_id}/hangup",
        auth=("api-key", "bearer"),
        key_path=("value",),
        expires_path=("expires_at",),
        body="nested",
        label="realtime-channel",
        call_statuses=frozenset({201}),
        call_statuses_documented=True,
        location=True,
        key_seconds=600,
        key_seconds_documented=False,
        session_minutes=60,
        multipart=True,
        filter=True,
        default_model="gpt-realtime",
        default_voice="alloy",
        default_api_version="",
        regions=(),
        sources=(_MS_GA, _MS_MIGRATION, _OPENAI_SDK),
    ),
    Dialect(
        name="openai-ga",
        title="OpenAI, GA",
        vendor="openai",
        generation="ga",
        state="current",
        key_url="https://api.openai.com/v1/realtime/client_secrets",
        key_query={},
        transcription_key_url="https://api.openai.com/v1/realtime/client_secrets",
        call_url="https://api.openai.com/v1/realtime/calls",
        call_query={},
        hangup_url="https://api.openai.com/v1/realtime/calls/{call_id}/hangup",
        auth=("bearer",),
        key_path=("value",),
        expires_path=("expires_at",),
        body="nested",
        label="oai-events",
        call_statuses=frozenset({201}),
        call_statuses_documented=True,
        location=True,
        key_seconds=600,
        key_seconds_documented=True,
        session_minutes=60,
        multipart=True,
        filter=False,
        default_model="gpt-realtime-2.1",
        default_voice="alloy",
        default_api_version="",
        regions=(),
        sources=(_OPENAI_SPEC, _OPENAI_SDK),
    ),
    Dialect(
        name="openai-beta",
        title="OpenAI, beta",
        vendor="openai",
        generation="beta",
        state="removed 2026-05-12",
        key_url="https://api.openai.com/v1/realtime/sessions",
        key_query={},
        transcription_key_url="https://api.openai.com/v1/realtime/transcription_sessions",
        call_url="https://api.openai.com/v1/realtime",
        call_query={"model": "{model}"},
        hangup_url=None,
        auth=("bearer",),
        key_path=("client_secret", "value"),
        expires_path=("client_secret", "expires_at"),
        body="flat",
        label="oai-events",
        call_statuses=frozenset({200, 201}),
        call_statuses_documented=False,
        location=False,
        key_seconds=60,
        key_seconds_documented=True,
        session_minutes=30,
        multipart=False,
        filter=False,
        default_model="gpt-4o-realtime-preview",
        default_voice="alloy",
        default_api_version="",
        regions=(),
        sources=(_OPENAI_BETA,),
        names=BETA_NAMES,
    ),
)

DIALECTS: Mapping[str, Dialect] = MappingProxyType({row.name: row for row in _ROWS})

_REVERSED: Mapping[Generation, Mapping[str, str]] = {
    "beta": {wire: canonical for canonical, wire in BETA_NAMES.items() if wire is not None},
    "ga": {},
}
_SERVER: Mapping[Generation, frozenset[str]] = {
    "ga": SERVER_EVENTS,
    "beta": frozenset(wire for name in SERVER_EVENTS if (wire := BETA_NAMES.get(name, name)) is not None)
    | BETA_ONLY_SERVER_EVENTS,
}
_CLIENT: Mapping[Generation, frozenset[str]] = {"ga": CLIENT_EVENTS, "beta": CLIENT_EVENTS | BETA_ONLY_CLIENT_EVENTS}

__all__ = [
    "BETA_NAMES", "BETA_ONLY_CLIENT_EVENTS", "BETA_ONLY_SERVER_EVENTS", "CLIENT_EVENTS", "DIALECTS", "FICTIONAL_EVENTS",
    "SERVER_EVENTS", "SESSION_FIELDS", "WEBRTC_FILTER", "Dialect", "Generation", "Path", "SessionField",
]  # fmt: skip
