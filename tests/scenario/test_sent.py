"""What a scenario sends is held against the schemas when it is loaded, with the place in the file; send_raw and EVT-06 opt out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.errors import ScenarioError
from harness.scenario.loader import loads
from harness.scenario.sent import RULE

MEANT = " (if that is the point: skip EVT-06, or send_raw)"
GA = "title: x\ndialects: [azure-ga, openai-ga]\n"


def problems(text: str) -> list[str]:
    """Each problem of a scenario as ``line:column: what``, without the hint that all of them end in."""
    try:
        loads(text, Path("a.yaml"))
    except ScenarioError as error:
        lines = f"{error.where}: {error.what}".splitlines()
        assert all(line.endswith(MEANT) for line in lines)
        return [line.removeprefix("a.yaml:").removesuffix(MEANT) for line in lines]
    return []


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        ("send: {type: conversation.item.delete}", ["3:16: item_id is missing"]),
        ("send: {type: response.cancel, respons_id: r}", ["3:40: respons_id is no known field; did you mean response_id?"]),
        ("send: {type: conversation.item.create, item: {type: message, role: bot, content: []}}", ["3:77: item.role is 'bot', not 'system', 'user' or 'assistant'"]),
        ("send: {type: conversation.item.create, item: {type: message, role: user}}", ["3:55: item.content is missing"]),
        ("send: {type: conversation.item.truncate, item_id: i, content_index: 0, audio_end_ms: 1.5s}", ["3:95: audio_end_ms is a string, not an integer"]),
        ("send: {type: session.update, session: {instructions: Sing.}}", ["3:48: session.type is missing; it is 'realtime' or 'transcription'"]),
        ("update: {turn_detection: {type: none}}", ["3:42: session.audio.input.turn_detection.type is 'none', not 'server_vad' or 'semantic_vad'"]),
        ("update: {max_output_tokens: many}", ["3:38: session.max_output_tokens is 'many', not an integer or 'inf'"]),
        ("update: {tools: [{type: function, name: f}, {type: function, strict: true}]}", ["3:71: session.tools[1].strict is no known field"]),
        ("update: {audio: {output: {voice: 5}}}", ["3:43: session.audio.output.voice is 5, not an object or a string"]),
        ("update: {nonsense: 1}", ["3:19: session.nonsense is no known field"]),
        ("update: {instructions: 5, tool_choice: 7}", ["3:33: session.instructions is 5, not a string", "3:49: session.tool_choice is 7, not an object, 'none', 'auto' or 'required'"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_what_is_wrong_has_its_place(steps: str, said: list[str]) -> None:
    assert problems(f"{GA}steps: [{{{steps}}}]\n") == said


@pytest.mark.parametrize(
    "steps",
    [
        "send: {type: response.create}",
        "send: {type: response.create, response: {conversation: none, metadata: {topic: x}}}",
        "send: {type: conversation.item.create, item: {type: message, role: user, content: [{type: input_text, text: Hi}]}}",
        "update: {voice: echo, speed: 1.2, turn_detection: null, tools: [], input_audio_format: pcm16}",
        "update: {turn_detection: {type: semantic_vad, eagerness: low}, transcription: {model: my-deployment}}",
        "update: {max_output_tokens: inf, tool_choice: required}",
        "text: Hi",
        "tool: {name: f, result: {slots: [9]}}",
        "send_raw: '{\"type\": \"conversation.item.delete\"}'",
    ],
)  # fmt: skip
def test_what_is_right_passes_in_every_dialect(steps: str) -> None:
    assert problems(f"title: x\nsteps: [{{{steps}}}]\n") == []


def test_the_dialects_in_which_it_is_wrong_are_named() -> None:
    nested = "send: {type: session.update, session: {type: realtime}}"
    assert problems(f"title: x\nsteps: [{{{nested}}}]\n") == [
        "2:49: session.type is no known field in azure-preview, openai-beta"
    ]
    assert problems(f"{GA}steps: [{{{nested}}}]\n") == []
    wrong_everywhere = "update: {voice: 5}"
    assert problems(f"title: x\nsteps: [{{{wrong_everywhere}}}]\n") == ["2:26: session.voice is 5, not a string"]


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ({"type": "conversation.item.delete", "item_id": "${item}"}, []),
        ({"type": "conversation.item.truncate", "item_id": "i", "content_index": "${item}", "audio_end_ms": 5}, []),
        ({"type": "conversation.item.create", "item": "${item}"}, []),
        ({"type": "conversation.item.create", "item": {"type": "${item}", "role": "user"}}, []),
        ({"type": "conversation.item.create", "item": {"type": "message", "role": "user", "content": ["${item}"]}}, []),
        ({"type": "conversation.item.delete", "item": "${item}"}, ["item_id is missing", "item is no known field"]),
    ],
    ids=lambda value: json.dumps(value),
)  # fmt: skip
def test_values_that_are_not_known_yet_pass(event: dict[str, Any], said: list[str]) -> None:
    save = {"expect": "conversation.item.added", "save": {"item": "item.id"}}
    found = problems(json.dumps({"title": "x", "steps": [save, {"send": event}]}))
    assert sorted(line.partition(": ")[2].partition(";")[0] for line in found) == sorted(said)


def test_a_scenario_whose_point_is_a_wrong_event_says_so() -> None:
    text = (
        f"{GA}steps: [{{send: {{type: conversation.item.delete}}}}]\nassert: {{rules: {{skip: {{%s: on purpose}}}}}}\n"
    )
    assert problems(text % RULE) == []
    assert problems(text % "SES-07") == ["3:16: item_id is missing"]


@pytest.mark.parametrize("steps", ["send: {type: nonsense}", "send: {item: 1}", "update: {voic: alloy}", "send: 5", "update: []"])  # fmt: skip
def test_what_is_reported_elsewhere_is_reported_once(steps: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        loads(f"{GA}steps: [{{{steps}}}]\n", Path("a.yaml"))
    assert MEANT not in str(caught.value)
