"""What a setting or an item made by the client may be, in beta and in GA: enumerations, ranges, fields.

Sources: OpenAI Python SDK 3.57.0, ``types/realtime`` (GA) and ``types/beta/realtime`` (beta), models and docstrings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.fake.checks import (
    Check,
    Refusal,
    anything,
    decimal,
    flag,
    list_of,
    map_of,
    mapping,
    nullable,
    one_of,
    record,
    string,
    string_or,
    variant,
    whole,
)

_BETA_VOICES = ("alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse")
_GA_VOICES = (*_BETA_VOICES, "marin", "cedar")


def _modalities(*combinations: frozenset[str]) -> Check:
    def check(value: Any, param: str) -> Any:
        chosen = list_of(string())(value, param)
        if frozenset(chosen) not in combinations or len(set(chosen)) != len(chosen):
            supported = " and ".join(str(sorted(combination)) for combination in combinations)
            raise Refusal(
                "invalid_value", f"Invalid modalities: {chosen}. Supported combinations are: {supported}.", param
            )
        return chosen

    return check


def _max_tokens(value: Any, param: str) -> Any:
    return string_or(one_of("inf"), whole(1, 4096))(value, param)


def _function_choice(value: Any, param: str) -> Any:
    # The beta SDK knows tool_choice only as a string and yet lets it "specify a function": both spellings of the object that
    # users send become the function's name.
    chosen = variant("type", {"function": record({"type": anything, "name": string(), "function": mapping})})(
        value, param
    )
    return string()(chosen.get("name", chosen.get("function", {}).get("name")), f"{param}.name")


_SERVER_VAD: Mapping[str, Check] = {
    "type": anything,
    "threshold": nullable(decimal(0.0, 1.0)),
    "prefix_padding_ms": nullable(whole(0)),
    "silence_duration_ms": nullable(whole(0)),
    "create_response": nullable(flag),
    "interrupt_response": nullable(flag),
}
_SEMANTIC_VAD: Mapping[str, Check] = {
    "type": anything,
    "eagerness": nullable(one_of("low", "medium", "high", "auto")),
    "create_response": nullable(flag),
    "interrupt_response": nullable(flag),
}
# The beta SDK has one class for both kinds ("used only for ..."): a foreign parameter is accepted and ignored. GA has two.
_BETA_VAD = {kind: record({**_SERVER_VAD, **_SEMANTIC_VAD}) for kind in ("server_vad", "semantic_vad")}
_GA_VAD = {
    "server_vad": record({**_SERVER_VAD, "idle_timeout_ms": nullable(whole(5000, 30000))}),
    "semantic_vad": record(_SEMANTIC_VAD),
}

TRANSCRIPTION: Mapping[str, Check] = {
    "model": nullable(string()),
    "language": nullable(string()),
    "prompt": nullable(string()),
}
_FUNCTION_TOOL = record(
    {"type": anything, "name": string(), "description": nullable(string()), "parameters": anything}, ("name",)
)
_TOOL_FILTER = record({"tool_names": nullable(list_of(string())), "read_only": nullable(flag)})
_CONNECTORS = tuple(
    f"connector_{name}"
    for name in (
        "dropbox",
        "gmail",
        "googlecalendar",
        "googledrive",
        "microsoftteams",
        "outlookcalendar",
        "outlookemail",
        "sharepoint",
    )
)
_MCP_TOOL = record(
    {
        "type": anything,
        "server_label": string(),
        "server_url": nullable(string()),
        "connector_id": nullable(one_of(*_CONNECTORS)),
        "tunnel_id": nullable(string()),
        "server_description": nullable(string()),
        "defer_loading": nullable(flag),
        "allowed_callers": nullable(list_of(one_of("direct", "programmatic"))),
        "authorization": nullable(string()),
        "headers": nullable(map_of(string())),
        "allowed_tools": lambda value, param: (
            list_of(string())(value, param) if isinstance(value, list) else nullable(_TOOL_FILTER)(value, param)
        ),
        "require_approval": string_or(
            one_of("always", "never"),
            nullable(record({"always": nullable(_TOOL_FILTER), "never": nullable(_TOOL_FILTER)})),
        ),
    },
    ("server_label",),
)
_TRACING = string_or(
    one_of("auto"),
    record({"workflow_name": nullable(string()), "group_id": nullable(string()), "metadata": nullable(mapping)}),
)
_TRUNCATION = string_or(
    one_of("auto", "disabled"),
    record(
        {
            "type": one_of("retention_ratio"),
            "retention_ratio": decimal(0.0, 1.0),
            "token_limits": nullable(record({"post_instructions": nullable(whole(0))})),
        },
        ("type", "retention_ratio"),
    ),
)
_KEPT = nullable(record({"mode": one_of("explicit"), "ttl": nullable(one_of("30m", "12h"))}, ("mode",)))
_FILE = ("file_id", "file_url", "file_data", "filename")
# "The substitution values can either be strings, or other Response input types like images or files": SDK, response_prompt.py
_SUBSTITUTE = {
    "input_text": record({"type": anything, "text": string(), "prompt_cache_breakpoint": _KEPT}, ("text",)),
    "input_image": record(
        {
            "type": anything,
            "detail": one_of("low", "high", "auto", "original"),
            "image_url": nullable(string()),
            "file_id": nullable(string()),
            "prompt_cache_breakpoint": _KEPT,
        },
        ("detail",),
    ),
    "input_file": record(
        {
            "type": anything,
            "detail": nullable(one_of("auto", "low", "high")),
            **{name: nullable(string()) for name in _FILE},
            "prompt_cache_breakpoint": _KEPT,
        }
    ),
}
_PROMPT = record(
    {
        "id": string(),
        "version": nullable(string()),
        "variables": nullable(map_of(string_or(string(), variant("type", _SUBSTITUTE)))),
    },
    ("id",),
)
_METADATA = map_of(string(512), most=16, longest_key=64)  # "Set of 16 key-value pairs", SDK, shared/metadata.py

_SHARED_CHECKS: Mapping[str, Check] = {
    "model": string(),
    "instructions": string(),
    "speed": decimal(0.25, 1.5),
    "max_output_tokens": _max_tokens,
    "tracing": _TRACING,
    "conversation": one_of("auto", "none"),
    "metadata": _METADATA,
}
_BETA_FORMAT = one_of("pcm16", "g711_ulaw", "g711_alaw")
BETA_CHECKS: Mapping[str, Check] = {
    **_SHARED_CHECKS,
    "modalities": _modalities(frozenset({"text"}), frozenset({"audio", "text"})),
    "voice": one_of(*_BETA_VOICES),
    "temperature": decimal(0.6, 1.2),
    "input_audio_format": _BETA_FORMAT,
    "output_audio_format": _BETA_FORMAT,
    "transcription": record(TRANSCRIPTION),
    "noise_reduction": record({"type": one_of("near_field", "far_field")}, ("type",)),
    "turn_detection": variant("type", _BETA_VAD),
    "tools": list_of(variant("type", {"function": _FUNCTION_TOOL})),
    "tool_choice": string_or(one_of("auto", "none", "required"), _function_choice),
}
PCM: Mapping[str, Any] = {"type": "audio/pcm", "rate": 24000}
_GA_FORMAT = variant(
    "type",
    {
        "audio/pcm": lambda value, param: (
            {**PCM, **record({"type": anything, "rate": whole(24000, 24000)})(value, param)}
        ),
        "audio/pcmu": record({"type": anything}),
        "audio/pcma": record({"type": anything}),
    },
)
GA_CHECKS: Mapping[str, Check] = {
    **_SHARED_CHECKS,
    "type": one_of("realtime", "transcription"),
    "modalities": _modalities(frozenset({"audio"}), frozenset({"text"})),
    "voice": string_or(one_of(*_GA_VOICES), record({"id": string()}, ("id",))),
    "input_audio_format": _GA_FORMAT,
    "output_audio_format": _GA_FORMAT,
    "transcription": record(
        {
            **TRANSCRIPTION,
            "languages": nullable(list_of(string())),
            "keywords": nullable(list_of(string())),
            "delay": nullable(one_of("minimal", "low", "medium", "high", "xhigh")),
        }
    ),
    "noise_reduction": record({"type": one_of("near_field", "far_field"), "strength": nullable(decimal(0.0, 1.0))}),
    "turn_detection": variant("type", _GA_VAD),
    "tools": list_of(variant("type", {"function": _FUNCTION_TOOL, "mcp": _MCP_TOOL})),
    "tool_choice": string_or(
        one_of("auto", "none", "required"),
        variant(
            "type",
            {
                "function": record({"type": anything, "name": string()}, ("name",)),
                "mcp": record(
                    {"type": anything, "server_label": string(), "name": nullable(string())}, ("server_label",)
                ),
            },
        ),
    ),
    "truncation": _TRUNCATION,
    "prompt": _PROMPT,
    "include": list_of(one_of("item.input_audio_transcription.logprobs")),
    "parallel_tool_calls": flag,
    "reasoning": record({"effort": nullable(one_of("minimal", "low", "medium", "high", "xhigh"))}),
}

# -- items a client may make ---------------------------------------------------------------------------------------------

_TEXT = record({"type": anything, "text": string()}, ("text",))
_AUDIO = record({"type": anything, "audio": string(), "transcript": nullable(string())}, ("audio",))
_IMAGE = record(
    {"type": anything, "image_url": string(), "detail": nullable(one_of("auto", "low", "high"))}, ("image_url",)
)
# An item's id is limited to 32 characters, as users of the service found out with UUIDs.
_ITEM: Mapping[str, Check] = {
    "id": nullable(string(32)),
    "type": anything,
    "object": nullable(one_of("realtime.item")),
    "status": nullable(one_of("completed", "incomplete", "in_progress")),
}


def _message(user: Mapping[str, Check], assistant: Mapping[str, Check], **more: Check) -> Check:
    """Messages by role, each with the content that it may have; ``more``: further fields of an assistant's."""
    parts = {"system": {"input_text": _TEXT}, "user": user, "assistant": assistant}
    return variant(
        "role",
        {
            role: record(
                {
                    **_ITEM,
                    "role": anything,
                    "content": list_of(variant("type", kinds)),
                    **(more if role == "assistant" else {}),
                },
                ("content",),
            )
            for role, kinds in parts.items()
        },
    )


_CALL_ID = string(64)
_FUNCTION_ITEMS: Mapping[str, Check] = {
    "function_call": record(
        {**_ITEM, "name": string(), "arguments": string(), "call_id": nullable(_CALL_ID)}, ("name", "arguments")
    ),
    "function_call_output": record({**_ITEM, "call_id": _CALL_ID, "output": string()}, ("call_id", "output")),
}
# "current limitation that it cannot populate assistant audio messages": SDK, conversation_item_create_event.py
BETA_ITEMS: Mapping[str, Check] = {
    "message": _message({"input_text": _TEXT, "input_audio": _AUDIO}, {"text": _TEXT}),
    **_FUNCTION_ITEMS,
}
GA_ITEMS: Mapping[str, Check] = {
    "message": _message(
        {"input_text": _TEXT, "input_audio": _AUDIO, "input_image": _IMAGE},
        {"output_text": _TEXT},
        # Microsoft, realtime-audio-gpt-realtime-2: a message is a preamble or the answer itself.
        phase=nullable(one_of("commentary", "final_answer")),
    ),
    **_FUNCTION_ITEMS,
    "mcp_approval_response": record(
        {**_ITEM, "approval_request_id": string(), "approve": flag, "reason": nullable(string())},
        ("approval_request_id", "approve"),
    ),
}
REFERENCE = record({"type": anything, "id": string()}, ("id",))
