"""The fake and the schemas of client events agree: neither knows a field that the other does not."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.protocol.events import findings, problems
from tests.fake.rim import GENERATIONS, Rim

TEXT = {"type": "input_text", "text": "x"}
FILTER = {"tool_names": ["t"], "read_only": True}
TOOL = {"type": "function", "name": "f", "description": "d", "parameters": {}}
MCP = {"type": "mcp", "server_label": "l", "server_url": "u", "headers": {"a": "b"}, "require_approval": {"always": FILTER, "never": FILTER}, "allowed_tools": FILTER, "authorization": "x", "connector_id": "connector_gmail", "server_description": "d", "tunnel_id": "t", "defer_loading": False, "allowed_callers": ["direct"]}  # fmt: skip
KEPT = {"mode": "explicit", "ttl": "30m"}
PROMPT = {"id": "p", "version": "1", "variables": {"a": "b", "c": {**TEXT, "prompt_cache_breakpoint": KEPT}, "d": {"type": "input_image", "detail": "auto", "image_url": "data:", "file_id": "f"}, "e": {"type": "input_file", "detail": "low", "file_id": "f", "file_url": "u", "file_data": "AAAA", "filename": "n"}}}  # fmt: skip
TRANSCRIPTION = {"model": "whisper-1", "language": "en", "prompt": "p"}
SERVER_VAD = {"type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 1, "silence_duration_ms": 3, "create_response": True, "interrupt_response": True}  # fmt: skip
SEMANTIC_VAD = {"type": "semantic_vad", "eagerness": "low", "create_response": True, "interrupt_response": True}
PCM = {"type": "audio/pcm", "rate": 24000}
REPLY: dict[str, Any] = {"conversation": "none", "metadata": {"a": "b"}, "instructions": "x", "tool_choice": "auto"}
USER: dict[str, Any] = {
    "id": "abc",
    "type": "message",
    "role": "user",
    "status": "completed",
    "object": "realtime.item",
}
SOUND = {"type": "input_audio", "audio": "AAAA", "transcript": "t"}
IMAGE = {"type": "input_image", "image_url": "data:", "detail": "auto"}


def session(**fields: Any) -> dict[str, Any]:
    return {"type": "session.update", "event_id": "mine", "session": fields}


def item(**fields: Any) -> dict[str, Any]:
    return {"type": "conversation.item.create", "item": fields, "previous_item_id": "root"}


def hears(**fields: Any) -> dict[str, Any]:
    return session(type="realtime", audio={"input": fields})


SHARED: tuple[dict[str, Any], ...] = (
    item(type="function_call", name="f", arguments="{}", call_id="c", status="completed"),
    item(type="message", role="system", content=[TEXT]),
    {"type": "input_audio_buffer.append", "audio": "AAAA", "event_id": "mine"},
    {"type": "input_audio_buffer.clear", "event_id": "mine"},
    {"type": "conversation.item.truncate", "item_id": "i", "content_index": 0, "audio_end_ms": 3},
    {"type": "conversation.item.retrieve", "item_id": "i"},
    {"type": "response.cancel", "response_id": "r"},
)
SAMPLES: dict[str, tuple[dict[str, Any], ...]] = {
    "ga": (
        *SHARED,
        session(type="realtime", output_modalities=["audio"], instructions="x", max_output_tokens="inf", tracing="auto", truncation={"type": "retention_ratio", "retention_ratio": 0.5, "token_limits": {"post_instructions": 5}}, tool_choice={"type": "function", "name": "f"}, tools=[TOOL], include=["item.input_audio_transcription.logprobs"]),
        session(type="realtime", tool_choice={"type": "mcp", "server_label": "l", "name": "n"}, tools=[MCP, {**MCP, "require_approval": "never", "allowed_tools": ["t"]}], parallel_tool_calls=True, reasoning={"effort": "low"}, prompt=PROMPT, tracing={"workflow_name": "w", "group_id": "g", "metadata": {}}),
        hears(format=PCM, noise_reduction={"type": "near_field", "strength": 0.5}, transcription={**TRANSCRIPTION, "languages": ["en"], "keywords": ["k"], "delay": "low"}, turn_detection={**SERVER_VAD, "idle_timeout_ms": 6000}),
        hears(format={"type": "audio/pcma"}, noise_reduction=None, transcription=None, turn_detection=SEMANTIC_VAD),
        session(type="realtime", audio={"output": {"voice": {"id": "voice_1"}, "format": {"type": "audio/pcmu"}, "speed": 1.0}}),
        {"type": "response.create", "response": {**REPLY, "output_modalities": ["text"], "input": [{"type": "item_reference", "id": "i"}, {**USER, "content": [TEXT]}], "tools": [TOOL, MCP], "audio": {"output": {"voice": "alloy", "format": PCM}}, "max_output_tokens": 5, "prompt": PROMPT, "parallel_tool_calls": False, "reasoning": {"effort": "high"}}},
        item(**USER, content=[TEXT, SOUND, IMAGE]),
        item(type="message", role="assistant", content=[{"type": "output_text", "text": "x"}]),
        item(type="mcp_approval_response", approval_request_id="m", approve=True, reason="r"),
    ),
    "beta": (
        *SHARED,
        session(modalities=["audio", "text"], instructions="x", voice="alloy", speed=1.0, input_audio_format="pcm16", output_audio_format="g711_ulaw", input_audio_transcription=TRANSCRIPTION, input_audio_noise_reduction={"type": "near_field"}, turn_detection={**SERVER_VAD, "eagerness": "low"}, tools=[TOOL], tool_choice="auto", temperature=0.8, max_response_output_tokens="inf", tracing={"workflow_name": "w", "group_id": "g", "metadata": {}}),
        session(turn_detection=SEMANTIC_VAD, tool_choice={"type": "function", "name": "f"}, tracing="auto"),
        {"type": "response.create", "response": {**REPLY, "modalities": ["text"], "input": [{"type": "item_reference", "id": "i"}, {**USER, "content": [TEXT]}], "tools": [TOOL], "voice": "alloy", "output_audio_format": "pcm16", "temperature": 0.7, "max_response_output_tokens": 5}},
        {"type": "response.create", "response": {"max_output_tokens": 5}},
        item(**USER, content=[TEXT, SOUND]),
        item(type="message", role="assistant", content=[{"type": "text", "text": "x"}]),
    ),
}  # fmt: skip
CASES = [(dialect, sample) for dialect, generation in zip(GENERATIONS, ("ga", "beta"), strict=True) for sample in SAMPLES[generation]]  # fmt: skip
NAMES = [f"{dialect}:{sample['type']}:{number}" for number, (dialect, sample) in enumerate(CASES)]
PARTS: tuple[Any, ...] = (None, True, 0, 1.5, "", "x", [], {}, [{}])


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, one in inner for place in places(one, (*path, key)))]


def refusal(dialect: str, event: Any) -> dict[str, Any] | None:
    return next((sent["error"] for sent in Rim(dialect).send(event) if sent["type"] == "error"), None)


@pytest.mark.parametrize(("dialect", "sample"), CASES, ids=NAMES)
def test_both_know_every_field(dialect: str, sample: dict[str, Any]) -> None:
    assert problems(Rim(dialect).dialect, "client", sample) == []
    refused = refusal(dialect, sample)
    assert refused is None or refused["code"] not in ("unknown_parameter", "invalid_type", "missing_required_parameter")


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_what_the_schema_refuses_the_fake_refuses(data: st.DataObject) -> None:
    """A correct event with one part taken out, replaced, or one field more. The fake may refuse more: ranges, for one."""
    dialect, sample = data.draw(st.sampled_from(CASES))
    sample = copy.deepcopy(sample)
    *way, last = data.draw(st.sampled_from([place for place in places(sample) if place and place != ("type",)]))
    holder: Any = sample
    for part in way:
        holder = holder[part]
    change = data.draw(st.sampled_from(["replace", "remove", "add"]))
    if change == "remove":
        del holder[last]
    elif change == "add" and isinstance(holder, dict):
        holder["no_such_field"] = data.draw(st.sampled_from(PARTS))
    else:
        holder[last] = copy.deepcopy(data.draw(st.sampled_from(PARTS)))
    found = findings(Rim(dialect).dialect.generation.name, "client", sample)
    refused = refusal(dialect, sample)
    assert refused is not None or not found, sample
