"""Transcription of the caller's turns: asynchronous to everything else, and only where the session asks for it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from harness.fake.actions import Outbox
from harness.fake.items import INPUT_AUDIO_TOKENS_PER_SECOND, Item, Items, text_tokens
from harness.fake.replies import pieces
from harness.fake.timers import Timers

# From the commit to the first result, and between results.
FIRST_SECONDS = 0.2
NEXT_SECONDS = 0.02
# "whisper-1" gives the whole transcript in one delta and is billed by duration; the other models stream and count tokens
# (OpenAI SDK, audio_transcription.py and conversation_item_input_audio_transcription_completed_event.py).
_WHOLE = frozenset({"whisper-1"})
_SPEAKERS = "diarize"
_EVENT = "conversation.item.input_audio_transcription"


class Transcriber:
    """Sends the transcript of committed turns, piece by piece. ``models`` are those it can transcribe with, None for any."""

    def __init__(self, outbox: Outbox, timers: Timers, items: Items, models: Collection[str] | None = None) -> None:
        self._models = models
        self._outbox = outbox
        self._timers = timers
        self._items = items

    def start(
        self, item: Item, heard: str, fails: str | None, settings: Mapping[str, Any], include: Sequence[str] | None
    ) -> None:
        """Transcribe ``item`` as ``heard``, or let it fail with the error code ``fails``."""
        model = settings.get("model") or ""
        if self._models is not None and model and model not in self._models:
            # On Azure the model is a deployment's name, which is looked up when there is something to transcribe.
            fails = "DeploymentNotFound"
        if fails is not None:
            self._timers.after(FIRST_SECONDS, lambda: self._fail(item, fails))
            return
        deltas = ([heard] if heard else []) if model in _WHOLE else pieces(heard)
        self._timers.after(FIRST_SECONDS, lambda: self._go_on(item, heard, deltas, model, bool(include)))

    def _go_on(self, item: Item, heard: str, left: Sequence[str], model: str, logprobs: bool) -> None:
        if self._items.get(item.id) is None:
            return  # deleted in the meantime
        if not left:
            self._complete(item, heard, model, logprobs)
            return
        delta = left[0]
        extra = {"logprobs": [_logprob(delta)]} if logprobs else {}
        self._outbox.emit(f"{_EVENT}.delta", item_id=item.id, content_index=0, delta=delta, **extra)
        self._timers.after(NEXT_SECONDS, lambda: self._go_on(item, heard, left[1:], model, logprobs))

    def _complete(self, item: Item, heard: str, model: str, logprobs: bool) -> None:
        item.content[0]["transcript"] = heard
        seconds = (item.audio_ms or 0) / 1000
        if model.endswith(_SPEAKERS):
            span = {"id": self._outbox.ids("seg"), "speaker": "A", "start": 0.0, "end": seconds, "text": heard}
            self._outbox.emit(f"{_EVENT}.segment", item_id=item.id, content_index=0, **span)
        extra = {"logprobs": [_logprob(piece) for piece in pieces(heard)]} if logprobs else {}
        where = {"item_id": item.id, "content_index": 0}
        usage = _usage(heard, seconds, model)
        self._outbox.emit(f"{_EVENT}.completed", **where, transcript=heard, usage=usage, **extra)

    def _fail(self, item: Item, code: str) -> None:
        if self._items.get(item.id) is None:
            return
        message = f"Input transcription failed for item '{item.id}'."
        error = {"type": "transcription_error", "code": code, "message": message, "param": None}
        self._outbox.emit(f"{_EVENT}.failed", item_id=item.id, content_index=0, error=error)


def _logprob(piece: str) -> dict[str, Any]:
    return {"token": piece, "logprob": -0.01, "bytes": list(piece.encode("utf-8", "replace"))}


def _usage(heard: str, seconds: float, model: str) -> dict[str, Any]:
    if model in _WHOLE:
        return {"type": "duration", "seconds": seconds}
    audio, text = round(seconds * INPUT_AUDIO_TOKENS_PER_SECOND), text_tokens(heard)
    details = {"text_tokens": 0, "audio_tokens": audio}
    return {
        "type": "tokens",
        "total_tokens": audio + text,
        "input_tokens": audio,
        "input_token_details": details,
        "output_tokens": text,
    }
