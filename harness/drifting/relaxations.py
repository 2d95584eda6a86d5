"""Where the event schemas ask for less than the official SDK's models, and why. Data only; see :mod:`harness.drifting.models`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

CLIENTS = ("beta-client", "ga-client")
SERVICES = ("beta-service", "ga-service")
BETA = ("beta-client", "beta-service")


@dataclass(frozen=True)
class Relaxation:
    """One deliberate difference: in these files, this field of this model may also be ``also``, or may be absent.

    ``field[]`` means the elements of an array. A field that the model does not have is added with the schema ``also``.
    ``{"model": name}`` stands for another model of the same package.
    """

    files: tuple[str, ...]
    model: str
    field: str
    reason: str
    also: Mapping[str, Any] | None = None
    optional: bool = False


_PARTS = {"enum": ["output_text", "output_audio"]}
_PARTS_REASON = (
    "GA items call their content output_text and output_audio (realtime_conversation_item_assistant_message.py); "
    "the events about the same parts are seen with either spelling"
)
_DEPLOYMENT = "on Azure the model is the name of a deployment, which its owner chose"
_CHOICE = (
    "the model has a string only, its docstring lets it 'specify a function', and users of the service send the object "
    "{type: function, name}"
)

RELAXATIONS: tuple[Relaxation, ...] = (
    Relaxation(("ga-service",), "response_content_part_added_event.Part", "type", _PARTS_REASON, _PARTS),
    Relaxation(("ga-service",), "response_content_part_done_event.Part", "type", _PARTS_REASON, _PARTS),
    Relaxation(
        ("ga-client",),
        "RealtimeMcpApprovalResponse",
        "id",
        "every other item leaves its id to the service, and the vendor's own client sends none here "
        "(openai/openai-agents-js, openaiRealtimeBase.ts, sendMcpResponse)",
        optional=True,
    ),
    Relaxation(
        ("ga-client",),
        "RealtimeConversationItemAssistantMessage",
        "phase",
        "gpt-realtime-2 and newer mark a message as a preamble or the answer (Microsoft's page on them); a client that gives a "
        "conversation back sends the mark along",
        {"enum": ["commentary", "final_answer", None]},
    ),
    Relaxation(
        ("ga-client",),
        "RealtimeResponseCreateParams",
        "input[]",
        "'this can include references to items that previously appeared in the session'; the type that allows it is "
        "realtime_response_create_params_with_references_param.py, which the union of client events does not use",
        {"model": "ResponseItemReference"},
    ),
    Relaxation(
        ("beta-client",),
        "Response",
        "max_output_tokens",
        "the SDK says max_response_output_tokens, users report that the service wants this one "
        "(openai/openai-realtime-api-beta#38): both are taken",
        {"anyOf": [{"type": ["integer", "null"]}, {"const": "inf"}]},
    ),
    Relaxation(("beta-client",), "Response", "tool_choice", _CHOICE, {"type": "object"}),
    Relaxation(("beta-client",), "session_update_event.Session", "tool_choice", _CHOICE, {"type": "object"}),
    Relaxation(("beta-service",), "Session", "tool_choice", _CHOICE, {"type": "object"}),
    Relaxation(("beta-client",), "session_update_event.Session", "model", _DEPLOYMENT, {"type": "string"}),
    Relaxation(("beta-service",), "Session", "model", _DEPLOYMENT, {"type": "string"}),
    Relaxation(
        ("beta-client",),
        "transcription_session_update.SessionInputAudioTranscription",
        "model",
        _DEPLOYMENT,
        {"type": "string"},
    ),
    Relaxation(
        ("beta-service",), "transcription_session.InputAudioTranscription", "model", _DEPLOYMENT, {"type": "string"}
    ),
    Relaxation(
        ("beta-service",),
        "TranscriptionSession",
        "client_secret",
        "required by the model, and yet 'only present when the session is created on the server via REST API'",
        optional=True,
    ),
)
