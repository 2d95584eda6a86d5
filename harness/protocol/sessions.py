"""The settings of a session: what each is called and where each generation keeps it, and a session written for one dialect.

Sources: OpenAI SDK 3.57.0, types/realtime/realtime_session_create_request.py (GA) and types/beta/realtime/session.py (beta);
Microsoft's preview-to-GA migration guide.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from harness.protocol.dialects import Dialect

Path = tuple[str, ...]
Generation = Literal["beta", "ga"]


@dataclass(frozen=True)
class SessionField:
    """One session setting: its canonical word and where each generation keeps it (None: it does not exist there)."""

    word: str
    beta: Path | None
    ga: Path | None
    note: str = ""

    def path(self, generation: Generation) -> Path | None:
        """Where this generation keeps the setting."""
        return self.beta if generation == "beta" else self.ga


# Canonical words are the scenario's.
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


def session_body(dialect: Dialect, session: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """A canonical (or either wire spelling) session as this dialect's wire session, with a note for whatever was changed or left out.

    Shapes: ``{"voice": "alloy", "max_output_tokens": 4096}`` becomes ``{"voice": ..., "max_response_output_tokens": ...}`` in
    beta and ``{"type": "realtime", "audio": {"output": {"voice": ...}}, "max_output_tokens": ...}`` in GA. Keys that are no
    known setting are kept where they are, untranslated: a scenario may want to send a wrong one. Never changes its argument
    and never raises; where two keys claim the same place, the later one has it.
    """
    body: dict[str, Any] = {}
    notes: list[str] = []
    if dialect.generation == "ga":
        body["type"] = session.get("type", "realtime")
    for row, place, value in settings_in(session):
        if row is None:
            _put(body, place, value)
            continue
        path = dialect.session_path(row.word)
        if row.word == "type" and path is not None:
            continue
        if path is None:
            notes.append(f"session.{row.word} left out: {row.note or f'{dialect.name} has no such field'}")
            continue
        if path[-1] != row.word and len(path) == 1:
            notes.append(f"session.{row.word} sent as {path[-1]}")
        sent = _value(dialect, row.word, value)
        if sent != value:
            notes.append(f"session.{row.word} {value!r} sent as {sent!r}")
        _put(body, path, sent)
    return body, notes


def settings_in(session: Mapping[str, Any]) -> Iterator[tuple[SessionField | None, Path, Any]]:
    """Each setting: its row (None: unknown), where it was written, its value. Beta names and GA paths are recognised too."""
    for key, value in session.items():
        if key != "audio" or not isinstance(value, Mapping) or not value:
            yield FIELDS.get(_SPELLINGS.get(key, key)), (key,), value
            continue
        for side, settings in value.items():
            if not isinstance(settings, Mapping) or not settings:
                yield None, ("audio", side), settings
                continue
            for name, inner in settings.items():
                place = ("audio", side, name)
                yield FIELDS.get(_BY_GA_PATH.get(place, "")), place, inner


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
        inner = body.get(name)
        if not isinstance(inner, dict):
            inner = body[name] = {}
        body = inner
    if value == {} and isinstance(value, Mapping):
        body.setdefault(
            path[-1], {}
        )  # an empty object takes no place from settings that are there; a new one, not the caller's
    else:
        body[path[-1]] = value


_FORMATS: Mapping[str, Mapping[str, Any]] = {
    "pcm16": {"type": "audio/pcm", "rate": 24000},
    "g711_ulaw": {"type": "audio/pcmu"},
    "g711_alaw": {"type": "audio/pcma"},
}

FIELDS: Mapping[str, SessionField] = {row.word: row for row in SESSION_FIELDS}
_BY_GA_PATH: Mapping[Path, str] = {row.ga: row.word for row in SESSION_FIELDS if row.ga is not None}
_SPELLINGS: Mapping[str, str] = {
    **{row.beta[0]: row.word for row in SESSION_FIELDS if row.beta is not None},
    **{row.ga[0]: row.word for row in SESSION_FIELDS if row.ga is not None and len(row.ga) == 1},
    **{row.word: row.word for row in SESSION_FIELDS},
}
