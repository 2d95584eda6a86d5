"""The settings of a session: what each is called and where each generation keeps it.

Sources: OpenAI SDK 3.57.0, types/realtime/realtime_session_create_request.py (GA) and types/beta/realtime/session.py (beta);
Microsoft's preview-to-GA migration guide.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Path = tuple[str, ...]


@dataclass(frozen=True)
class SessionField:
    """One session setting: its canonical word and where each generation keeps it (None: it does not exist there)."""

    word: str
    beta: Path | None
    ga: Path | None
    note: str = ""

    def path(self, generation: str) -> Path | None:
        """Where the generation of this name keeps the setting."""
        return {"beta": self.beta, "ga": self.ga}.get(generation)


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


FIELDS: Mapping[str, SessionField] = {row.word: row for row in SESSION_FIELDS}
_BY_GA_PATH: Mapping[Path, str] = {row.ga: row.word for row in SESSION_FIELDS if row.ga is not None}
_SPELLINGS: Mapping[str, str] = {
    **{row.beta[0]: row.word for row in SESSION_FIELDS if row.beta is not None},
    **{row.ga[0]: row.word for row in SESSION_FIELDS if row.ga is not None and len(row.ga) == 1},
    **{row.word: row.word for row in SESSION_FIELDS},
}


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
