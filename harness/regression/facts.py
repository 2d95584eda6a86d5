"""What of a recorded server event has to come again: stable facts alone, never ids, times or a model's own words. Pure.

A model answers in other words every time. Its words are asked for only with ``words``, which is right for a replay. Otherwise that
something was said is a fact, and how long it was is none. What the caller said is a fact: the words of a transcript are asked for without
their case and punctuation, in which transcribers differ.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from harness.trace.redact import MARK

# Events that come in pieces, or of which it is not settled when and how often they come: their last one says it all.
PASSED_OVER = frozenset(
    {"rate_limits.updated", "conversation.created", "conversation.item.input_audio_transcription.segment"}
)
# Events that come beside the others, at a time of their own.
BESIDE = frozenset(
    {
        "conversation.item.input_audio_transcription.completed",
        "conversation.item.input_audio_transcription.failed",
        "output_audio_buffer.started",
        "output_audio_buffer.stopped",
        "output_audio_buffer.cleared",
        "mcp_list_tools.in_progress",
        "mcp_list_tools.completed",
        "mcp_list_tools.failed",
    }
)
_WORDS = {
    "response.output_audio_transcript.done": "transcript",
    "response.output_text.done": "text",
}
# Canonical type -> the fields whose values are facts.
_FIELDS: Mapping[str, tuple[str, ...]] = {
    "response.done": ("response.status", "response.status_details.reason", "response.status_details.error.code"),
    "conversation.item.added": ("item.type", "item.role"),
    "conversation.item.retrieved": ("item.type", "item.role"),
    "response.output_item.added": ("item.type",),
    "response.output_item.done": ("item.type", "item.status", "item.name"),
    "response.content_part.done": ("part.type",),
    "error": ("error.type", "error.code"),
    "conversation.item.input_audio_transcription.failed": ("error.code",),
}


def is_passed_over(canonical: str) -> bool:
    """Whether the event is not asked for: a piece of something, or of no settled number."""
    return canonical.endswith((".delta", ".in_progress")) or canonical in PASSED_OVER


def facts(canonical: str, event: Mapping[str, Any], *, words: bool) -> dict[str, Any]:
    """The conditions that the event has to meet again: dotted paths with their values or conditions."""
    where: dict[str, Any] = {}
    for path in _FIELDS.get(canonical, ()):
        value = _at(event, path)
        if isinstance(value, (str, int)) and not MARK.search(str(value)):
            where[path] = literal(value)
    if canonical in _WORDS:
        said = event.get(_WORDS[canonical])
        if isinstance(said, str) and not MARK.search(said):
            where[_WORDS[canonical]] = literal(said) if words else {"matches": r"\S"} if said.strip() else ""
    if canonical == "conversation.item.input_audio_transcription.completed":
        heard = event.get("transcript")
        if isinstance(heard, str) and not MARK.search(heard):
            where["transcript"] = {"matches": spoken(heard)}
    if words and canonical == "response.function_call_arguments.done" and isinstance(event.get("arguments"), str):
        where["arguments"] = literal(event["arguments"])
    return where


def spoken(text: str) -> str:
    r"""A regular expression for the same words, whatever their case and punctuation: ``(?i)^\W*he\W+was\W*$``."""
    words = [re.escape(word) for word in re.findall(r"[\w']+", text)]
    between = r"\W+"
    return rf"(?i)^\W*{between.join(words)}\W*$"


def literal(value: Any) -> Any:
    """A value as a scenario writes it: what looks like a variable there is none."""
    if isinstance(value, str):
        return value.replace("${", "$${")
    if isinstance(value, Mapping):
        return {key: literal(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [literal(inner) for inner in value]
    return value


def _at(event: Any, path: str) -> Any:
    for part in path.split("."):
        event = event.get(part) if isinstance(event, Mapping) else None
    return event
