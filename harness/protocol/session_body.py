"""A session written for one dialect: its settings in their places, their names and their values. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.protocol.dialects import Dialect
from harness.protocol.generations import GENERATIONS
from harness.protocol.sessions import Path, settings_in

_FORMAT_NAMES = {shape["type"]: name for row in GENERATIONS for name, shape in row.formats.items()}


def session_body(dialect: Dialect, session: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """A canonical (or either wire spelling) session as this dialect's wire session, with a note for whatever was changed or left out.

    Shapes: ``{"voice": "alloy", "max_output_tokens": 4096}`` becomes ``{"voice": ..., "max_response_output_tokens": ...}`` in
    beta and ``{"type": "realtime", "audio": {"output": {"voice": ...}}, "max_output_tokens": ...}`` in GA. Keys that are no
    known setting are kept where they are, untranslated: a scenario may want to send a wrong one. Never changes its argument
    and never raises; where two keys claim the same place, the later one has it.
    """
    body: dict[str, Any] = {}
    notes: list[str] = []
    if dialect.generation.typed:
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


def _value(dialect: Dialect, word: str, value: Any) -> Any:
    """Values that the generations write differently: audio formats and modalities."""
    own = dialect.generation
    if word in ("input_audio_format", "output_audio_format"):
        if own.formats:
            return dict(own.formats.get(value, {"type": value})) if isinstance(value, str) else value
        if isinstance(value, Mapping):
            return _FORMAT_NAMES.get(str(value.get("type")), value)
    # GA: exactly one of audio or text; beta: text, optionally audio; audio alone is refused there.
    if (
        word == "modalities"
        and isinstance(value, list)
        and "audio" in value
        and sorted(map(str, value)) != sorted(own.spoken)
    ):
        return list(own.spoken)
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
