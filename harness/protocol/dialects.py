"""The four dialects of the Realtime API over WebRTC, as rows of values. No other module branches on a dialect's name.

Canonical names are the GA names. A row says where a dialect differs: endpoints, auth, where the key is, event names, session
fields, statuses, lifetimes. Facts and sources: the vendor pages named in ``sources``; RFC numbers where a rule needs them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal

from harness.protocol import generations
from harness.protocol.generations import Generation
from harness.protocol.sessions import FIELDS, Path

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
class Auth:
    """A way to present the long-lived key: the header, lower-case; the scheme before the key, where there is one; how it looks."""

    name: str
    header: str
    example: str
    scheme: str = ""

    def headers(self, key: str) -> dict[str, str]:
        """The header with this key."""
        return {self.header: f"{self.scheme} {key}".strip()}

    def key_in(self, headers: Mapping[str, str]) -> str:
        """The key that these headers (names in lower case) present in this way; empty where they do not."""
        value = headers.get(self.header, "").strip()
        if not self.scheme:
            return value
        scheme, _, key = value.partition(" ")
        return key.strip() if scheme.lower() == self.scheme.lower() else ""


API_KEY = Auth("api-key", "api-key", "api-key: <key>")
BEARER = Auth("bearer", "authorization", "Authorization: Bearer <token>", scheme="Bearer")


@dataclass(frozen=True)
class Dialect:
    """One row. URL templates take ``{resource}``, ``{region}``, ``{model}``, ``{api_version}``; a query value that is empty is left out.

    ``deployments``: models are called by the name of a deployment, which need not be the model's.
    """

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
    auth: tuple[Auth, ...]
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
    deployments: bool
    default_model: str
    default_voice: str
    default_api_version: str
    regions: tuple[str, ...]
    sources: tuple[str, ...]

    def wire(self, canonical: str) -> str | None:
        """The wire type of a canonical event type in this dialect; None where the dialect has no such event.

        A wire name of this dialect is returned as it is.
        """
        return self.generation.wire(canonical)

    def canonical(self, wire: str) -> str:
        """The canonical (GA) type of a wire type."""
        return self.generation.canonical(wire)

    @property
    def server_events(self) -> frozenset[str]:
        """Wire types the service may send."""
        return self.generation.server_events

    @property
    def client_events(self) -> frozenset[str]:
        """Wire types the client may send."""
        return self.generation.client_events

    def session_path(self, word: str) -> Path | None:
        """Where the session setting called ``word`` stands on the wire, or None where this dialect lacks it."""
        found = FIELDS.get(word)
        return None if found is None else found.path(self.generation.name)


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
        generation=generations.BETA,
        state="deprecated since 2026-04-30",
        key_url="https://{resource}.openai.azure.com/openai/realtimeapi/sessions",
        key_query={"api-version": "{api_version}"},
        transcription_key_url="https://{resource}.openai.azure.com/openai/realtimeapi/transcription_sessions",
        call_url="https://{region}.realtimeapi-preview.ai.azure.com/v1/realtimertc",
        call_query={"model": "{model}"},
        hangup_url=None,
        auth=(API_KEY, BEARER),
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
        deployments=True,
        default_model="gpt-4o-realtime-preview",
        default_voice="alloy",
        default_api_version="2025-04-01-preview",
        regions=("eastus2", "swedencentral"),
        sources=(_MS_LEGACY, _OPENAI_BETA),
    ),
    Dialect(
        name="azure-ga",
        title="Azure OpenAI, GA",
        vendor="azure",
        generation=generations.GA,
        state="current",
        key_url="https://{resource}.openai.azure.com/openai/v1/realtime/client_secrets",
        key_query={},
        transcription_key_url="https://{resource}.openai.azure.com/openai/v1/realtime/client_secrets",
        call_url="https://{resource}.openai.azure.com/openai/v1/realtime/calls",
        call_query={},
        hangup_url="https://{resource}.openai.azure.com/openai/v1/realtime/calls/{call_id}/hangup",
        auth=(API_KEY, BEARER),
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
        deployments=True,
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
        generation=generations.GA,
        state="current",
        key_url="https://api.openai.com/v1/realtime/client_secrets",
        key_query={},
        transcription_key_url="https://api.openai.com/v1/realtime/client_secrets",
        call_url="https://api.openai.com/v1/realtime/calls",
        call_query={},
        hangup_url="https://api.openai.com/v1/realtime/calls/{call_id}/hangup",
        auth=(BEARER,),
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
        deployments=False,
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
        generation=generations.BETA,
        state="removed 2026-05-12",
        key_url="https://api.openai.com/v1/realtime/sessions",
        key_query={},
        transcription_key_url="https://api.openai.com/v1/realtime/transcription_sessions",
        call_url="https://api.openai.com/v1/realtime",
        call_query={"model": "{model}"},
        hangup_url=None,
        auth=(BEARER,),
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
        deployments=False,
        default_model="gpt-4o-realtime-preview",
        default_voice="alloy",
        default_api_version="",
        regions=(),
        sources=(_OPENAI_BETA,),
    ),
)

DIALECTS: Mapping[str, Dialect] = MappingProxyType({row.name: row for row in _ROWS})

WAYS: tuple[Auth, ...] = tuple(dict.fromkeys(way for row in DIALECTS.values() for way in row.auth))
"""Every way in which some dialect takes the long-lived key."""
ALL: tuple[str, ...] = tuple(DIALECTS)
"""The names of all dialects, in the order of the table; below, of those of one generation or of one vendor."""
BETA: tuple[str, ...] = tuple(name for name, row in DIALECTS.items() if row.generation == generations.BETA)
GA: tuple[str, ...] = tuple(name for name, row in DIALECTS.items() if row.generation == generations.GA)
AZURE: tuple[str, ...] = tuple(name for name, row in DIALECTS.items() if row.vendor == "azure")
OPENAI: tuple[str, ...] = tuple(name for name, row in DIALECTS.items() if row.vendor == "openai")


def keys_in(body: Any) -> Iterator[str]:
    """Every ephemeral key that a token response might hold, wherever a dialect puts it; none of them may be recorded."""
    for path in sorted({row.key_path for row in DIALECTS.values()}):
        value = body
        for name in path:
            value = value.get(name) if isinstance(value, Mapping) else None
        if isinstance(value, str) and value.strip():
            yield value
