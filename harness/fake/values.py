"""What a setting or an item made by the client may be beyond its schema: ranges, lengths, combinations, and what a kind of it needs.

Sources: OpenAI Python SDK 3.57.0, ``types/realtime`` (GA) and ``types/beta/realtime`` (beta), the models' docstrings.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.fake.checks import Check, Refusal, at_most, each, fields, one_of, refusal, typed, variant, within
from harness.protocol.generations import GA

_BETA_VOICES = ("alloy", "ash", "ballad", "coral", "echo", "sage", "shimmer", "verse")
_GA_VOICES = (*_BETA_VOICES, "marin", "cedar")


def _modalities(*combinations: frozenset[str]) -> Check:
    def check(chosen: Any, param: str) -> Any:
        if frozenset(chosen) not in combinations or len(set(chosen)) != len(chosen):
            supported = " and ".join(str(sorted(combination)) for combination in combinations)
            raise Refusal(
                "invalid_value", f"Invalid modalities: {chosen}. Supported combinations are: {supported}.", param
            )
        return chosen

    return check


def _metadata(value: Any, param: str) -> Any:
    # "Set of 16 key-value pairs", keys of 64 and values of 512 characters: SDK, shared/metadata.py
    if len(value) > 16:
        raise refusal("value", param, f"{len(value)} entries", ["at most 16 entries"])
    return {at_most(64)(key, f"{param}.{key}"): at_most(512)(entry, f"{param}.{key}") for key, entry in value.items()}


def _tool_choice(value: Any, param: str) -> Any:
    # The beta SDK knows tool_choice only as a string and yet lets it "specify a function": both spellings of the object that
    # users send become the function's name.
    if isinstance(value, str):
        return one_of("auto", "none", "required")(value, param)
    chosen = fields("type", known=("name", "function"), type=typed(str), function=typed(dict))(value, param)
    one_of("function")(chosen["type"], f"{param}.type")
    return typed(str)(chosen.get("name", chosen.get("function", {}).get("name")), f"{param}.name")


PCM = GA.formats["pcm16"]


def _format(value: Any, param: str) -> Any:
    given = {name: one for name, one in fields("type")(value, param).items() if one is not None}
    return {**(PCM if given["type"] == PCM["type"] else {}), **given}


_SHARED_CHECKS: Mapping[str, Check] = {
    "speed": within(0.25, 1.5),
    "max_output_tokens": within(1, 4096),
    "conversation": one_of("auto", "none"),
    "metadata": _metadata,
    "turn_detection": fields(
        "type",
        threshold=within(0.0, 1.0),
        prefix_padding_ms=within(0),
        silence_duration_ms=within(0),
        idle_timeout_ms=within(5000, 30000),
    ),
    "tracing": fields(metadata=typed(dict, type(None))),
    "tools": each(variant("type", {"function": fields("name"), "mcp": fields()})),
}
BETA_CHECKS: Mapping[str, Check] = {
    **_SHARED_CHECKS,
    "modalities": _modalities(frozenset({"text"}), frozenset({"audio", "text"})),
    "voice": one_of(*_BETA_VOICES),
    "temperature": within(0.6, 1.2),
    "noise_reduction": fields("type"),
    "tool_choice": _tool_choice,
}
# The SDK's transcription_session.py names three models and no others.
BETA_TRANSCRIPTION_CHECKS: Mapping[str, Check] = {
    "transcription": fields(model=one_of("gpt-4o-transcribe", "gpt-4o-mini-transcribe", "whisper-1")),
}
GA_CHECKS: Mapping[str, Check] = {
    **_SHARED_CHECKS,
    "modalities": _modalities(frozenset({"audio"}), frozenset({"text"})),
    "voice": one_of(*_GA_VOICES),
    "input_audio_format": _format,
    "output_audio_format": _format,
    "noise_reduction": fields(strength=within(0.0, 1.0)),
    "truncation": fields(retention_ratio=within(0.0, 1.0), token_limits=fields(post_instructions=within(0))),
}

# -- items a client may make ---------------------------------------------------------------------------------------------

# The schemas have one class for the content of all kinds, and in beta one for all kinds of items.
_TEXT = fields("type", "text", known=())
_PARTS: Mapping[str, Check] = {
    "input_text": _TEXT,
    "text": _TEXT,
    "output_text": _TEXT,
    "input_audio": fields("type", "audio", known=("transcript",)),
    "input_image": fields("type", "image_url", known=("detail",)),
}
REFERENCE = fields("type", "id", known=())


def _item(*needed: str, known: tuple[str, ...] = (), **checks: Check) -> Check:
    # An item's id is limited to 32 characters, as users of the service found out with UUIDs.
    known = ("type", "id", "object", "status", *known)
    return fields(*needed, known=known, id=at_most(32), call_id=at_most(64), **checks)


def items(content: Mapping[str, tuple[str, ...]]) -> Mapping[str, Check]:
    """The items that a client may make, by type; ``content``: the parts that a message may have, by role."""
    parts = {role: variant("type", {kind: _PARTS[kind] for kind in kinds}) for role, kinds in content.items()}
    roles = {role: _item("role", "content", known=("phase",), content=each(part)) for role, part in parts.items()}
    return {
        "message": variant("role", roles),
        "function_call": _item("name", "arguments", known=("call_id",)),
        "function_call_output": _item("call_id", "output"),
        "mcp_approval_response": _item("approval_request_id", "approve", known=("reason",)),
    }
