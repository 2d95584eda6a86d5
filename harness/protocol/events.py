"""The fields of every event in both vocabularies, with their JSON types: data only, from the official SDK's models.

Source: OpenAI Python SDK 3.52.0, types/realtime/realtime_client_event.py and realtime_server_event.py (GA), and the files of the
same names in types/beta/realtime (beta). Where the generations agree, there is one row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from harness.protocol.dialects import BETA_NAMES, BETA_ONLY_CLIENT_EVENTS, BETA_ONLY_SERVER_EVENTS, Generation


@dataclass(frozen=True, slots=True)
class Field:
    """One field of an event: its name, its JSON type ("string", "integer", "number", "object", "array"), whether it must be there."""

    name: str
    type: str
    required: bool = True

    def accepts(self, value: Any) -> bool:
        """Whether a value that is there fits; null fits where the field may be absent."""
        if value is None:
            return not self.required
        match self.type:
            case "string":
                return isinstance(value, str)
            case "object":
                return isinstance(value, Mapping)
            case "array":
                return isinstance(value, (list, tuple))
            case "integer":
                return isinstance(value, (int, float)) and not isinstance(value, bool) and float(value).is_integer()
        return isinstance(value, (int, float)) and not isinstance(value, bool)


# A row is ``type: field field ...``; a field is its name, its type where that is not string, "?" where it may be absent.
# R, I, O, C stand for response_id, item_id, output_index, content_index. The optional event_id of client events and the
# required one of server events are added below.
_CLIENT = """
session.update: session=object
transcription_session.update: session=object
input_audio_buffer.append: audio
input_audio_buffer.commit:
input_audio_buffer.clear:
output_audio_buffer.clear:
conversation.item.create: item=object previous_item_id?
conversation.item.delete: I
conversation.item.retrieve: I
conversation.item.truncate: I C audio_end_ms=integer
response.create: response?=object
response.cancel: response_id?
"""
_SERVER = """
session.created: session=object
session.updated: session=object
transcription_session.updated: session=object
conversation.created: conversation=object
conversation.item.created: item=object previous_item_id?
conversation.item.added: item=object previous_item_id?
conversation.item.done: item=object previous_item_id?
conversation.item.retrieved: item=object
conversation.item.deleted: I
conversation.item.truncated: I C audio_end_ms=integer
conversation.item.input_audio_transcription.delta: I content_index?=integer delta? logprobs?=array
conversation.item.input_audio_transcription.completed: I C transcript usage=object logprobs?=array languages?=array
conversation.item.input_audio_transcription.segment: id I C start=number end=number speaker text
conversation.item.input_audio_transcription.failed: I C error=object
input_audio_buffer.committed: I previous_item_id?
input_audio_buffer.cleared:
input_audio_buffer.speech_started: I audio_start_ms=integer
input_audio_buffer.speech_stopped: I audio_end_ms=integer
input_audio_buffer.timeout_triggered: I audio_start_ms=integer audio_end_ms=integer
input_audio_buffer.dtmf_event_received: event received_at=integer
response.created: response=object
response.done: response=object
response.output_item.added: R O item=object
response.output_item.done: R O item=object
response.content_part.added: R I O C part=object
response.content_part.done: R I O C part=object
response.output_text.delta: R I O C delta
response.output_text.done: R I O C text
response.output_audio.delta: R I O C delta
response.output_audio.done: R I O C
response.output_audio_transcript.delta: R I O C delta
response.output_audio_transcript.done: R I O C transcript
response.function_call_arguments.delta: R I O call_id delta
response.function_call_arguments.done: R I O call_id arguments name
response.mcp_call_arguments.delta: R I O delta obfuscation?
response.mcp_call_arguments.done: R I O arguments
response.mcp_call.in_progress: I O
response.mcp_call.completed: I O
response.mcp_call.failed: I O
mcp_list_tools.in_progress: I
mcp_list_tools.completed: I
mcp_list_tools.failed: I
output_audio_buffer.started: R
output_audio_buffer.stopped: R
output_audio_buffer.cleared: R
rate_limits.updated: rate_limits=array
error: error=object
"""
# What beta has not: the name of the function (it stands in the item), detected languages.
_NOT_IN_BETA: Mapping[str, frozenset[str]] = {
    "response.function_call_arguments.done": frozenset({"name"}),
    "conversation.item.input_audio_transcription.completed": frozenset({"languages"}),
}
# No event_id, alone of all server events (SIP only).
WITHOUT_EVENT_ID = frozenset({"input_audio_buffer.dtmf_event_received"})

_SHORT = {
    "R": "response_id",
    "I": "item_id",
    "O": "output_index=integer",
    "C": "content_index=integer",
}


def _field(word: str) -> Field:
    name, _, kind = _SHORT.get(word, word).partition("=")
    return Field(name.rstrip("?"), kind or "string", not name.endswith("?"))


def _rows(table: str) -> dict[str, tuple[Field, ...]]:
    rows = (line.partition(":") for line in table.strip().splitlines())
    return {kind: tuple(_field(word) for word in fields.split()) for kind, _, fields in rows}


def _server(generation: Generation) -> dict[str, tuple[Field, ...]]:
    found: dict[str, tuple[Field, ...]] = {}
    for canonical, fields in _rows(_SERVER).items():
        if generation == "ga" and canonical in BETA_ONLY_SERVER_EVENTS:
            continue
        wire = BETA_NAMES.get(canonical, canonical) if generation == "beta" else canonical
        if wire is None:
            continue
        missing = _NOT_IN_BETA.get(canonical, frozenset()) if generation == "beta" else frozenset()
        own = () if canonical in WITHOUT_EVENT_ID else (Field("event_id", "string"),)
        found[wire] = (*own, *(field for field in fields if field.name not in missing))
    return found


def _client(generation: Generation) -> dict[str, tuple[Field, ...]]:
    own = Field("event_id", "string", required=False)
    rows = _rows(_CLIENT).items()
    return {
        kind: (own, *fields) for kind, fields in rows if generation == "beta" or kind not in BETA_ONLY_CLIENT_EVENTS
    }


SERVER_FIELDS: Mapping[Generation, Mapping[str, tuple[Field, ...]]] = MappingProxyType(
    {"ga": _server("ga"), "beta": _server("beta")}
)
CLIENT_FIELDS: Mapping[Generation, Mapping[str, tuple[Field, ...]]] = MappingProxyType(
    {"ga": _client("ga"), "beta": _client("beta")}
)


def faults(event: Mapping[str, Any], fields: tuple[Field, ...]) -> list[str]:
    """What is wrong with an event by its row, in plain words: required fields that are missing, values of another type."""
    found = []
    for field in fields:
        if field.name not in event:
            if field.required:
                found.append(f"{field.name} is missing")
        elif not field.accepts(event[field.name]):
            kind = type(event[field.name]).__name__
            found.append(f"{field.name} is {'null' if event[field.name] is None else kind}, not {field.type}")
    return found
