"""What the vendors have announced to end, and when: models, transcription models, fields of the session. Rows, and who names them. Pure.

A deployment of Azure has a name of its own and may lead to any model, so that only names sent to OpenAI say anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from harness.protocol.sessions import settings_in

Path = tuple[str, ...]

_MODELS = "OpenAI Python SDK 3.57.0, types/realtime: model"
_TRANSCRIBERS = "OpenAI Python SDK 3.57.0, types/realtime/audio_transcription.py"
_PROMPTS = "OpenAI, deprecations: reusable prompts"


@dataclass(frozen=True, slots=True)
class Retirement:
    """One thing that ends: ``word`` is the canonical session word that names it, ``name`` its value (empty: any value of the word)."""

    word: str
    name: str
    ends: date
    instead: str
    source: str
    vendor: str = "openai"

    def __str__(self) -> str:
        what = f"{self.name!r}" if self.name else f"the session field {self.word!r}"
        return f"{what} ends on {self.ends:%Y-%m-%d}; {self.instead}"


def _models(ends: date, instead: str, *names: str) -> tuple[Retirement, ...]:
    return tuple(Retirement("model", name, ends, f"use {instead}", _MODELS) for name in names)


RETIREMENTS: tuple[Retirement, ...] = (
    *_models(date(2027, 1, 20), "gpt-realtime-2.1", "gpt-realtime", "gpt-realtime-2025-08-28"),
    *_models(date(2027, 1, 20), "gpt-realtime-2.1-mini", "gpt-realtime-mini", "gpt-realtime-mini-2025-12-15"),
    *(
        Retirement("transcription", name, date(2027, 2, 26), "use gpt-transcribe", _TRANSCRIBERS)
        for name in (
            "whisper-1",
            "gpt-4o-transcribe",
            "gpt-4o-transcribe-diarize",
            "gpt-4o-mini-transcribe",
            "gpt-4o-mini-transcribe-2025-12-15",
        )
    ),
    Retirement("prompt", "", date(2026, 11, 30), "send the text as instructions", _PROMPTS),
)


def retiring(session: Mapping[str, Any], vendor: str) -> Iterator[tuple[Path, Retirement]]:
    """What a session names that ends at this vendor, each with its place; canonical words, beta names and GA paths are recognised."""
    for field, place, value in settings_in(session):
        inner = field is not None and field.word == "transcription" and isinstance(value, Mapping)
        named = value.get("model") if inner else value
        for row in RETIREMENTS:
            if field is None or (row.vendor, row.word) != (vendor, field.word):
                continue
            if named == row.name if row.name else named is not None:
                yield (*place, "model") if inner else place, row
