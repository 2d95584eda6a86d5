"""The API as Microsoft's JavaScript sample imagines it: names that no service uses, so that a client written to it can be tried.

The sample waits for the server events ``session.update``, ``session.error`` and ``session.end`` (realtime-audio-webrtc, GA and
preview pages), and clients made from it mint with ``max_output_tokens``. The documented API has ``session.updated``, ``error``,
no end event at all, and in the preview ``max_response_output_tokens``. The fake speaks this way only when it is told to.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

SEED_EVENTS: Mapping[str, str] = MappingProxyType({"session.updated": "session.update", "error": "session.error"})
SEED_END: Mapping[str, Any] = MappingProxyType({"type": "session.end"})
SEED_FIELDS: Mapping[str, str] = MappingProxyType({"max_output_tokens": "max_response_output_tokens"})


def as_the_sample_expects(event: Mapping[str, Any]) -> dict[str, Any]:
    """A server event under the name that the sample waits for; others unchanged."""
    kind = event.get("type", "")
    return {**event, "type": SEED_EVENTS.get(kind, kind)}


def as_documented(body: Mapping[str, Any]) -> dict[str, Any]:
    """A flat token request with the documented field names."""
    return {SEED_FIELDS.get(name, name): value for name, value in body.items()}
