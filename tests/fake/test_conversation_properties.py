"""Whatever a client does, in whatever order: the engine never raises, and its stream of events keeps its promises."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.rules.base import BOTH, SERVICE, Outcome
from harness.rules.catalogue import all_rules
from tests.fake.rim import EVERY_DIALECT, Rim, script
from tests.judging_all import judge_all

REPLIES = (
    {"says": "I am sorry.", "audio": "short.wav", "hears": "Hi there."},
    {"says": "A tale of some length, told slowly.", "after": "50ms"},
    {"calls": [{"name": "f", "arguments": {"day": "Monday"}}, {"name": "g"}]},
    {"says": "Let me see.", "calls": [{"name": "f"}], "mcp_calls": [{"server": "docs", "name": "search", "output": "x"}]},
    {"mcp_calls": [{"server": "free", "name": "search", "error": "down"}], "hears_fails": "unintelligible"},
    {"says": "Hm.", "audio": "tiny.wav", "calls": [{"name": "f", "arguments": {"text": "x" * 600}}]},
    {"status": "failed", "reason": "insufficient_quota"},
    {"says": "I was", "status": "incomplete", "reason": "content_filter"},
)  # fmt: skip

FUNCTION = {"type": "function", "name": "f", "parameters": {"type": "object"}}
MCP = [{"type": "mcp", "server_label": "docs"}, {"type": "mcp", "server_label": "free", "require_approval": "never"}]
VAD: list[Any] = [
    None,
    {"type": "server_vad"},
    {"type": "server_vad", "silence_duration_ms": 100, "interrupt_response": False},
    {"type": "server_vad", "create_response": False, "prefix_padding_ms": 0},
    {"type": "semantic_vad", "eagerness": "high"},
    {"type": "server_vad", "idle_timeout_ms": 5000},
]


def place_for(rim: Rim, word: str, value: Any) -> dict[str, Any]:
    path = rim.dialect.session_path(word)
    assert path is not None
    for name in reversed(path):
        value = {name: value}
    return value


def updates(rim: Rim) -> st.SearchStrategy[dict[str, Any]]:
    ga = rim.dialect.generation.name == "ga"
    return st.sampled_from(
        [
            *[place_for(rim, "turn_detection", value) for value in VAD],
            place_for(rim, "modalities", ["text"]),
            place_for(rim, "modalities", ["audio"] if ga else ["audio", "text"]),
            place_for(rim, "transcription", {"model": "gpt-4o-transcribe"}),
            place_for(rim, "transcription", {"model": "whisper-1"}),
            place_for(rim, "voice", "sage"),
            place_for(rim, "max_output_tokens", 20),
            place_for(rim, "max_output_tokens", "inf"),
            {"tools": [FUNCTION, *(MCP if ga else [])]},
            {"tools": [FUNCTION], "tool_choice": "required"},
            {"tool_choice": "none"},
        ]
    )


def step(rim: Rim, draw: st.DataObject) -> None:
    known = [event["item"]["id"] for event in rim.of("conversation.item.added")] or ["item_none"]
    responses = [event["response"]["id"] for event in rim.of("response.created")] or ["resp_none"]
    calls = [event["item"].get("call_id") or "x" for event in rim.of("response.output_item.added")] or ["call_none"]
    item_id, milliseconds = st.sampled_from(known), st.integers(0, 3000)
    typed = {"type": "realtime"} if rim.dialect.generation.name == "ga" else {}
    message = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "And?"}]}
    action = draw.draw(st.integers(0, 16))
    match action:
        case 0 | 1:
            rim.run(draw.draw(milliseconds) / 1000, speech=True)
        case 2 | 3:
            rim.run(draw.draw(milliseconds) / 1000)
        case 4:
            rim.send({"type": "session.update", "session": {**typed, **draw.draw(updates(rim))}})
        case 5:
            rim.send({"type": "response.create"})
        case 6:
            override: dict[str, Any] = {"conversation": "none", "metadata": {"k": "v"}}
            rim.send({"type": "response.create", "response": override})
        case 7:
            rim.send({"type": "response.cancel"})
        case 8:
            rim.send({"type": "response.cancel", "response_id": draw.draw(st.sampled_from(responses))})
        case 9:
            rim.send({"type": "output_audio_buffer.clear"})
        case 10:
            rim.send({"type": "input_audio_buffer.commit"})
        case 11:
            rim.send({"type": "input_audio_buffer.clear"})
        case 12:
            previous = draw.draw(st.sampled_from([None, "root", *known]))
            rim.send({"type": "conversation.item.create", "item": message, "previous_item_id": previous})
        case 13:
            output = {"type": "function_call_output", "call_id": draw.draw(st.sampled_from(calls)), "output": "1"}
            rim.send({"type": "conversation.item.create", "item": output})
        case 14:
            verb = draw.draw(st.sampled_from(["retrieve", "delete"]))
            rim.send({"type": f"conversation.item.{verb}", "item_id": draw.draw(item_id)})
        case 15:
            where = {"item_id": draw.draw(item_id), "content_index": draw.draw(st.integers(0, 1))}
            rim.send({"type": "conversation.item.truncate", **where, "audio_end_ms": draw.draw(milliseconds)})
        case 16:
            answer = {"type": "mcp_approval_response", "approval_request_id": draw.draw(item_id), "approve": True}
            rim.send({"type": "conversation.item.create", "item": answer})


def judge(rim: Rim) -> None:
    """What the stream of events promises."""
    event_ids = [event["event_id"] for event in rim.events]
    assert len(set(event_ids)) == len(event_ids)
    active: dict[str, dict[str, Any]] = {}  # response id -> open items
    done: set[str] = set()
    outputs: dict[str, list[str]] = {}
    items: dict[str, bool] = {}  # items of the conversation -> done
    written: dict[tuple[str, str], str] = {}
    buffer: dict[str, str] = {}
    default: str | None = None
    committed: list[str] = []
    for event in rim.events:
        kind = rim.dialect.canonical(event["type"])
        response_id = event.get("response_id")
        if kind.startswith("response.") and response_id is not None:
            assert response_id in active, f"{kind} outside its response"
        match kind:
            case "response.created":
                response = event["response"]
                assert response["id"] not in active
                assert response["id"] not in done
                assert (response["status"], response["output"]) == ("in_progress", [])
                active[response["id"]], outputs[response["id"]] = {}, []
                if response["conversation_id"] is not None:
                    assert default is None, "two responses write to the conversation"
                    default = response["id"]
            case "response.done":
                response = event["response"]
                assert active.pop(response["id"]) == {}, "done with open items"
                done.add(response["id"])
                default = None if default == response["id"] else default
                assert [item["id"] for item in response["output"]] == outputs[response["id"]]
                usage, details = response["usage"], response["status_details"]
                assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]
                assert response["status"] == (details or {"type": "completed"})["type"]
            case "response.output_item.added":
                assert event["output_index"] == len(outputs[response_id])
                outputs[response_id].append(event["item"]["id"])
                active[response_id][event["item"]["id"]] = 0
            case "response.output_item.done":
                assert active[response_id].pop(event["item"]["id"]) == 0, "an open content part"
            case "response.content_part.added":
                active[response_id][event["item_id"]] += 1
            case "response.content_part.done":
                active[response_id][event["item_id"]] -= 1
            case "conversation.item.added":
                assert event["item"]["id"] not in items
                assert event["previous_item_id"] is None or event["previous_item_id"] in items
                items[event["item"]["id"]] = False
                if committed:
                    assert committed.pop() == event["item"]["id"]
            case "conversation.item.done":
                assert items[event["item"]["id"]] is False
                items[event["item"]["id"]] = True
            case "conversation.item.deleted":
                assert items.pop(event["item_id"]) is (rim.dialect.generation.name == "ga")
            case "input_audio_buffer.committed":
                committed.append(event["item_id"])
            case "output_audio_buffer.started":
                assert response_id not in buffer
                buffer[response_id] = "playing"
            case "output_audio_buffer.stopped":
                assert response_id in done, "stopped before response.done"
                assert buffer[response_id] == "playing"
                buffer[response_id] = "over"
            case "output_audio_buffer.cleared":
                assert buffer[response_id] == "playing"
                buffer[response_id] = "over"
        if kind.startswith("response.") and kind.endswith(".delta"):
            key = (event["item_id"], kind.removesuffix(".delta"))
            assert event["item_id"] in active[response_id], "a delta outside its item"
            written[key] = written.get(key, "") + event["delta"]
        if kind.startswith("response.") and kind.endswith(".done"):
            whole = event.get("text", event.get("transcript", event.get("arguments")))
            if whole is not None:
                assert written.get((event["item_id"], kind.removesuffix(".done")), "") == whole


RULES = {rule.id: rule for rule in all_rules()}


def broken_rules(rim: Rim) -> list[str]:
    """What the service breaks, of any severity: rules that bind it, and rules that bind both where an event of its own fails."""
    trace = rim.trace()
    return [
        f"{result.id}: {seen}"
        for result in judge_all(trace)
        if result.outcome is Outcome.FAIL and RULES[result.id].who in (SERVICE, BOTH)
        for seen in result.failures
        if RULES[result.id].who == SERVICE or trace.sender(trace.entries[seen.entry]) == "service"
    ]


@pytest.mark.parametrize("dialect", EVERY_DIALECT)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_any_client_any_order(dialect, data):
    replies = data.draw(st.lists(st.sampled_from(REPLIES), max_size=4))
    rim = Rim(dialect, script(*replies), transcription=data.draw(st.integers(0, 9)) == 0)
    for _ in range(data.draw(st.integers(1, 15))):
        step(rim, data)
    judge(rim)
    # Left alone, everything that was begun comes to an end.
    rim.turn_detection(None)
    rim.run(40.0, rtp=False)
    judge(rim)
    assert len(rim.of("response.created")) == len(rim.of("response.done"))
    over = len(rim.of("output_audio_buffer.stopped")) + len(rim.of("output_audio_buffer.cleared"))
    assert over == len(rim.of("output_audio_buffer.started"))
    assert rim.closed is None
    assert broken_rules(rim) == []


@given(st.lists(st.floats(-10.0, 100.0), max_size=20))
def test_time_that_goes_back_is_taken_as_no_time(times):
    rim = Rim()
    for now in times:
        rim.act(rim.conversation.hear(True, -20.0, now))
        rim.act(rim.conversation.tick(now))
        rim.act(rim.conversation.played("resp_0001", "item_0001", 100.0, now))
        rim.act(rim.conversation.drained("resp_0001", "item_0001", now))
    judge(rim)
