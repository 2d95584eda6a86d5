"""Client events as they come off the channel: decoding, and what their schemas say. Whatever is wrong is a refusal."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from harness.fake.checks import Refusal, fields, refusal, refusal_of, within
from harness.protocol.dialects import Dialect
from harness.protocol.events import findings
from harness.protocol.messages import parse

# openai/openai-openapi: the code of the example `error` event, there for a missing `type`.
_NOT_AN_EVENT = "invalid_event"


_NUMBERS = fields(content_index=within(0), audio_end_ms=within(0))


def decode(message: str | bytes) -> dict[str, Any]:
    """The JSON object of a channel message. Raises Refusal: binary, not JSON, no object, or text that is no text."""
    if isinstance(message, bytes):
        raise Refusal(_NOT_AN_EVENT, "Binary messages are not supported: send events as JSON text.")
    try:
        event = parse(message)
        if "\\u" in message:
            json.dumps(event, ensure_ascii=False).encode()  # a lone surrogate is no character
    except ValueError as error:
        raise Refusal(_NOT_AN_EVENT, f"The message could not be parsed as JSON: {type(error).__name__}.") from None
    if not isinstance(event, dict):
        raise Refusal(_NOT_AN_EVENT, "The message is not a JSON object.")
    return event


def event_id_of(event: Mapping[str, Any]) -> str | None:
    """The client's event_id, where it is a string."""
    event_id = event.get("event_id")
    return event_id if isinstance(event_id, str) else None


def check_event(dialect: Dialect, event: Mapping[str, Any]) -> None:
    """Whether the event's type belongs to the dialect, and its fields to the type. Raises Refusal."""
    if "type" not in event:
        raise Refusal(_NOT_AN_EVENT, "The 'type' field is missing.", "type")
    kind = event["type"]
    if not isinstance(kind, str) or kind not in dialect.client_events:
        raise refusal("value", "type", kind, [*map(repr, sorted(dialect.client_events))])
    if problems := findings(dialect.generation.name, "client", event):
        raise refusal_of(problems)
    _NUMBERS(event, "")
