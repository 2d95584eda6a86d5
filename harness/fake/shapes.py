"""How the two generations of the protocol write sessions, responses and items: one row of tables each, and nothing else differs.

Sources: OpenAI Python SDK 3.57.0, ``types/realtime`` (GA) and ``types/beta/realtime`` (beta); Microsoft's preview-to-GA
migration guide. Ranges and defaults are those of the SDK's docstrings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.fake.checks import Check, Path, each, variant
from harness.fake.values import BETA_CHECKS, BETA_TRANSCRIPTION_CHECKS, GA_CHECKS, PCM, REFERENCE, items
from harness.protocol.dialects import Dialect
from harness.protocol.generations import BETA, GA
from harness.protocol.sessions import SESSION_FIELDS

_INSTRUCTIONS = "You are a helpful, friendly assistant. Speak quickly and answer briefly."


@dataclass(frozen=True)
class Shape:
    """One generation.

    ``checks`` (of what the schemas leave open) and ``defaults`` are by canonical word; ``paths``/``transcription_paths`` say where a
    word stands in a session, ``overrides`` where in ``response.create``, ``response`` where in a response object. ``text``/``audio`` are the types of an
    assistant's content parts; ``named_calls``: ``function_call_arguments.done`` carries the name. ``transcription_event``
    updates a transcription session, ``transcription_extra`` is shown in one besides its settings; ``transcriber`` is the model of one
    that names none.
    """

    paths: Mapping[Path, str]
    transcription_paths: Mapping[Path, str]
    checks: Mapping[str, Check]
    transcription_checks: Mapping[str, Check]
    defaults: Mapping[str, Any]
    overrides: Mapping[Path, str]
    response: Mapping[str, Path]
    text: str
    audio: str
    named_calls: bool
    item: Check
    transcription_event: str
    transcription_extra: Mapping[str, Any]
    transcriber: str


def shape_of(dialect: Dialect) -> Shape:
    """The row of a dialect's generation."""
    return SHAPES[dialect.generation.name]


def _paths(generation: str, *words: str) -> dict[Path, str]:
    """Where each setting stands in a session of this generation; with ``words``, only those."""
    rows = [(row.path(generation), row.word) for row in SESSION_FIELDS if not words or row.word in words]
    return {path: word for path, word in rows if path is not None}


_VAD_DEFAULTS: Mapping[str, Any] = {"type": "server_vad"}
_SHARED_DEFAULTS: Mapping[str, Any] = {
    "instructions": _INSTRUCTIONS,
    "speed": 1.0,
    "transcription": None,
    "noise_reduction": None,
    "turn_detection": _VAD_DEFAULTS,
    "tools": [],
    "tool_choice": "auto",
    "max_output_tokens": "inf",
    "tracing": None,
}
_INPUT = ("input_audio_format", "transcription", "noise_reduction", "turn_detection")
_OVERRIDES = ("modalities", "instructions", "voice", "output_audio_format", "tools", "tool_choice", "max_output_tokens")
_BY_RESPONSE: Mapping[Path, str] = {("conversation",): "conversation", ("metadata",): "metadata", ("input",): "input"}
_BETA_ITEMS = items({**BETA.content, "assistant": BETA.replayed})
_GA_ITEMS = items({**GA.content, "assistant": GA.replayed})

SHAPES: Mapping[str, Shape] = {
    "beta": Shape(
        paths=_paths("beta"),
        transcription_paths={**_paths("beta", "modalities", *_INPUT), ("include",): "include"},
        checks={**BETA_CHECKS, "input": each(variant("type", {**_BETA_ITEMS, "item_reference": REFERENCE}))},
        transcription_checks=BETA_TRANSCRIPTION_CHECKS,
        defaults={
            **_SHARED_DEFAULTS,
            "modalities": ["audio", "text"],
            "temperature": 0.8,
            "input_audio_format": "pcm16",
            "output_audio_format": "pcm16",
        },
        # The SDK says max_response_output_tokens here, users of the service report max_output_tokens
        # (openai/openai-realtime-api-beta#38): both are taken.
        overrides={
            **_paths("beta", "temperature", *_OVERRIDES),
            ("max_output_tokens",): "max_output_tokens",
            **_BY_RESPONSE,
        },
        response={
            "modalities": ("modalities",),
            "voice": ("voice",),
            "output_audio_format": ("output_audio_format",),
            "temperature": ("temperature",),
            "max_output_tokens": ("max_output_tokens",),
        },
        text="text",
        audio="audio",
        named_calls=False,
        item=variant("type", _BETA_ITEMS),
        transcription_event="transcription_session.update",
        # SDK, transcription_session.py: client_secret is a required field, although "only present when the session is created
        # on the server via REST API". An empty one satisfies both.
        transcription_extra={"client_secret": {"value": "", "expires_at": 0}},
        transcriber="gpt-4o-transcribe",
    ),
    "ga": Shape(
        paths=_paths("ga"),
        transcription_paths=_paths("ga", "type", "include", *_INPUT),
        checks={**GA_CHECKS, "input": each(variant("type", {**_GA_ITEMS, "item_reference": REFERENCE}))},
        transcription_checks={},
        defaults={
            **_SHARED_DEFAULTS,
            "modalities": ["audio"],
            "input_audio_format": PCM,
            "output_audio_format": PCM,
            "truncation": "auto",
            "prompt": None,
            "include": None,
        },
        overrides={**_paths("ga", "prompt", "parallel_tool_calls", "reasoning", *_OVERRIDES), **_BY_RESPONSE},
        response={
            "modalities": ("output_modalities",),
            "output_audio_format": ("audio", "output", "format"),
            "voice": ("audio", "output", "voice"),
            "max_output_tokens": ("max_output_tokens",),
        },
        text="output_text",
        audio="output_audio",
        named_calls=True,
        item=variant("type", _GA_ITEMS),
        transcription_event="session.update",
        transcription_extra={},
        transcriber="gpt-transcribe",
    ),
}
