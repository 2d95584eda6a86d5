"""Compares what a client sends with what the recorded one sent, and keeps which of its ids stands for which recorded one. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from harness.errors import shorten
from harness.fake.replay.acts import APPEND, ID_KEYS, Ask
from harness.trace.redact import MARK

# Positions in the audio differ from call to call, as does the audio itself.
_FREE = frozenset({"audio_end_ms", "audio_start_ms", "audio"})
_LONG = 8
"""Ids from this length on are also replaced inside longer texts, such as an error's message."""

_LONGEST_SHOWN = 80


class Ids:
    """Which id of the client under test stands for which recorded one. ``told``: ids that the service told, with their position."""

    def __init__(self, told: Mapping[str, int]) -> None:
        self._told = told
        self._live: dict[str, str] = {}

    def same(self, recorded: str, came: str, seq: int, binding: dict[str, str]) -> bool:
        """Whether ``came`` may stand for ``recorded``; what it stands for from now on goes into ``binding``."""
        known = self._live.get(recorded, binding.get(recorded))
        if known is not None:
            return came == known
        if self._told.get(recorded, seq) < seq:
            return came == recorded  # the service's own id, which is replayed as it was
        binding[recorded] = came
        return True

    def bind(self, binding: Mapping[str, str]) -> None:
        """Keep what a whole event that matched has shown."""
        self._live.update({old: new for old, new in binding.items() if old != new})

    def live(self, value: Any) -> Any:
        """A recorded value with the client's own ids in it."""
        if not self._live:
            return value
        if isinstance(value, str):
            if value in self._live:
                return self._live[value]
            for old, new in self._live.items():
                if len(old) >= _LONG and old in value:
                    value = value.replace(old, new)
            return value
        if isinstance(value, Mapping):
            return {key: self.live(inner) for key, inner in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.live(inner) for inner in value]
        return value


def difference(ask: Ask, event: Mapping[str, Any] | None, text: str, ids: Ids) -> str | None:
    """Where this message differs from the recorded one, in words; None where it is the same, whose ids are then kept."""
    if ask.event is None or event is None:
        if ask.event is None and event is None and text == ask.text:
            return None
        return "one of them is no event" if (ask.event is None) != (event is None) else "the texts differ"
    if ask.event.get("type") != event.get("type"):
        return f"type: {_short(ask.event.get('type'))} was recorded, {_short(event.get('type'))} came"
    if ask.type == APPEND:
        return None
    binding: dict[str, str] = {}
    old = {key: inner for key, inner in ask.event.items() if key != "event_id"}
    new = {key: inner for key, inner in event.items() if key != "event_id"}
    found = _differs(old, new, "", ask.seq, ids, binding)
    if found is None:
        own, came = ask.event.get("event_id"), event.get("event_id")
        if isinstance(own, str) and isinstance(came, str):
            binding[own] = came
        ids.bind(binding)
    return found


def _differs(old: Any, new: Any, path: str, seq: int, ids: Ids, binding: dict[str, str]) -> str | None:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in (*old, *(key for key in new if key not in old)):
            place = f"{path}.{key}" if path else str(key)
            if key in _FREE and key in old and key in new:
                continue
            if key not in old or key not in new:
                return f"{place} {'was recorded and did not come' if key in old else 'came and was not recorded'}"
            recorded, came = old[key], new[key]
            if key in ID_KEYS and isinstance(recorded, str) and isinstance(came, str):
                if not ids.same(recorded, came, seq, binding):
                    return f"{place}: {_short(recorded)} was recorded, {_short(came)} came"
                continue
            if found := _differs(recorded, came, place, seq, ids, binding):
                return found
        return None
    if (
        isinstance(old, Sequence)
        and isinstance(new, Sequence)
        and not isinstance(old, str)
        and not isinstance(new, str)
    ):
        if len(old) != len(new):
            return f"{path}: {len(old)} elements were recorded, {len(new)} came"
        pairs = enumerate(zip(old, new, strict=True))
        return next(
            (found for number, (a, b) in pairs if (found := _differs(a, b, f"{path}.{number}", seq, ids, binding))),
            None,
        )
    if isinstance(old, str) and isinstance(new, str) and MARK.search(old):
        return None  # a secret was taken out of the recording: anything may stand here
    if old == new and isinstance(old, bool) == isinstance(new, bool):
        return None
    return f"{path}: {_short(old)} was recorded, {_short(new)} came"


def _short(value: Any) -> str:
    text = shorten(json.dumps(value, ensure_ascii=False, default=str))
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 1]}…"
