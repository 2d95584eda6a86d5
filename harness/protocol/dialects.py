"""The four dialects of the Realtime API over WebRTC, as rows of values. No other module branches on a dialect's name.

Canonical names are the GA names. A row says where a dialect differs: endpoints, auth, where the key is, event names, session
fields, statuses, lifetimes. Facts and sources: the vendor pages named in ``sources``; RFC numbers where a rule needs them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

Path = tuple[str, ...]
Generation = Literal["beta", "ga"]


@dataclass(frozen=True)
class SessionField:
    """One session setting: its canonical word and where each generation keeps it (None: it does not exist there)."""

    word: str
    beta: Path | None
    ga: Path | None
    note: str = ""


# Canonical words are the scenario's. Sources: OpenAI SDK 3.52.0, types/realtime/realtime_session_create_request.py (GA) and
# types/beta/realtime/session.py (beta); Microsoft's preview-to-GA migration guide.
SESSION_FIELDS: tuple[SessionField, ...] = (
    SessionField("type", None, ("type",), "the beta session has no type"),
    SessionField("model", ("model",), ("model",)),
    SessionField("modalities", ("modalities",), ("output_modalities",)),
    SessionField("instructions", ("instructions",), ("instructions",)),
    SessionField("voice", ("voice",), ("audio", "output", "voice")),
    SessionField("speed", ("speed",), ("audio", "output", "speed")),
    SessionField("input_audio_format", ("input_audio_format",), ("audio", "input", "format")),
    SessionField("output_audio_format", ("output_audio_format",), ("audio", "output", "format")),
    SessionField("transcription", ("input_audio_transcription",), ("audio", "input", "transcription")),
    SessionField("noise_reduction", ("input_audio_noise_reduction",), ("audio", "input", "noise_reduction")),
    SessionField("turn_detection", ("turn_detection",), ("audio", "input", "turn_detection")),
    SessionField("tools", ("tools",), ("tools",)),
    SessionField("tool_choice", ("tool_choice",), ("tool_choice",)),
    SessionField(
        "temperature", ("temperature",), None, "GA has no temperature; sending it makes the whole update fail"
    ),
    SessionField("max_output_tokens", ("max_response_output_tokens",), ("max_output_tokens",)),
    SessionField("tracing", ("tracing",), ("tracing",)),
    SessionField("truncation", None, ("truncation",), "GA only"),
    SessionField("prompt", None, ("prompt",), "GA only"),
    SessionField("include", None, ("include",), "GA only"),
    SessionField("parallel_tool_calls", None, ("parallel_tool_calls",), "GA only, gpt-realtime-2 and newer"),
    SessionField("reasoning", None, ("reasoning",), "GA only, gpt-realtime-2 and newer"),
)

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
        found = _FIELDS.get(word)
        return None if found is None else getattr(found, self.generation)


def session_body(dialect: Dialect, session: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """A canonical (or either wire spelling) session as this dialect's wire session, with a note for whatever was changed or left out.

    Shapes: ``{"voice": "alloy", "max_output_tokens": 4096}`` becomes ``{"voice": ..., "max_response_output_tokens": ...}`` in
    beta and ``{"type": "realtime", "audio": {"output": {"voice": ...}}, "max_output_tokens": ...}`` in GA. Keys that are no
    known setting are kept where they are, untranslated: a scenario may want to send a wrong one.
    """
    body: dict[str, Any] = {}
    notes: list[str] = []
    if dialect.generation == "ga":
        body["type"] = session.get("type", "realtime")
    for spelled, value in _words(session):
        row = _FIELDS.get(spelled)
        if row is None:
            _put(body, tuple(spelled.split(".")), value)
            continue
        path = dialect.session_path(row.word)
        if row.word == "type" and path is not None:
            continue
        if path is None:
            notes.append(f"session.{row.word} left out: {row.note or f'{dialect.name} has no such field'}")
            continue
        if path[-1] != row.word and len(path) == 1:
            notes.append(f"session.{row.word} sent as {path[-1]}")
        _put(body, path, _value(dialect, row.word, value))
    return body, notes


def _words(session: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    """Canonical words with their values; beta flat names and GA nested paths are recognised too."""
    for key, value in session.items():
        if key == "audio" and isinstance(value, Mapping):
            for side, settings in value.items():
                if not isinstance(settings, Mapping):
                    yield f"audio.{side}", settings
                    continue
                for name, inner in settings.items():
                    yield _BY_GA_PATH.get(("audio", str(side), str(name)), f"audio.{side}.{name}"), inner
        else:
            yield _SPELLINGS.get(key, key), value


def _value(dialect: Dialect, word: str, value: Any) -> Any:
    """Values that the two generations write differently: audio formats and modalities."""
    if word in ("input_audio_format", "output_audio_format"):
        if dialect.generation == "ga" and isinstance(value, str):
            return dict(_FORMATS.get(value, {"type": value}))
        if dialect.generation == "beta" and isinstance(value, Mapping):
            return next((name for name, ga in _FORMATS.items() if ga["type"] == value.get("type")), value)
    if word == "modalities" and isinstance(value, list):
        # GA: exactly one of audio or text; beta: text, optionally audio; audio alone is refused there.
        if dialect.generation == "ga" and len(value) > 1:
            return ["audio"]
        if dialect.generation == "beta" and value == ["audio"]:
            return ["audio", "text"]
    return value


def _put(body: dict[str, Any], path: Path, value: Any) -> None:
    for name in path[:-1]:
        body = body.setdefault(name, {})
    body[path[-1]] = value


_FORMATS: Mapping[str, Mapping[str, Any]] = {
    "pcm16": {"type": "audio/pcm", "rate": 24000},
    "g711_ulaw": {"type": "audio/pcmu"},
    "g711_alaw": {"type": "audio/pcma"},
}

_MS_LEGACY = "Microsoft, realtime-audio-webrtc-legacy (preview WebRTC how-to)"
_MS_GA = "Microsoft, realtime-audio-webrtc (GA WebRTC how-to, 2026-01-29)"
_MS_MIGRATION = "Microsoft, realtime-audio-preview-api-migration-guide"
_OPENAI_SDK = "OpenAI Python SDK 3.52.0, types/realtime"
_OPENAI_BETA = "OpenAI Python SDK 3.52.0, types/beta/realtime"
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
        default_model="gpt-realtime",
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

_FIELDS: Mapping[str, SessionField] = {row.word: row for row in SESSION_FIELDS}
_BY_GA_PATH: Mapping[Path, str] = {row.ga: row.word for row in SESSION_FIELDS if row.ga is not None}
_SPELLINGS: Mapping[str, str] = {
    **{row.beta[0]: row.word for row in SESSION_FIELDS if row.beta is not None},
    **{row.ga[0]: row.word for row in SESSION_FIELDS if row.ga is not None and len(row.ga) == 1},
    **{row.word: row.word for row in SESSION_FIELDS},
}
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
