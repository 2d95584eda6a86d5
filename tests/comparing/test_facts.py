"""What is kept of a run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.comparing.facts import facts, order_of
from harness.judging.recording import judge_file
from harness.trace import read_trace
from tests.judging.test_results import RESULT
from tests.traces import event, trace

GOLDEN = Path(__file__).parents[1] / "golden" / "azure-ga" / "s09-barge-in.ndjson"


def test_facts_of_a_recording() -> None:
    result = judge_file(GOLDEN)
    found = facts(result, result.recording, path=GOLDEN)
    assert found.latencies["barge-in to silence"] == [0.27, 0.27]
    assert found.order is not None
    assert [one.name for one in found.order[:3]] == ["< session.created", "< conversation.created", "> session.update"]


def test_without_a_trace_the_milestones_give_what_they_can() -> None:
    reached = {
        "key": 0.1,
        "offer": 0.15,
        "answer": 0.4,
        "channel-open": 0.5,
        "session.update": None,
        "first-audio": 2.0,
    }
    found = facts(replace(RESULT, milestones=reached), None)
    assert found.order is None
    assert found.latencies == {
        "key to offer": [0.05],
        "offer to answer": [0.25],
        "answer to channel open": [0.1],
        "channel open to first audio": [1.5],
    }
    assert (found.causes, found.shown) == (("api-key-invalid",), {"SES-01": "y"})
    assert [(one.number, one.met) for one in found.steps] == [(1, True), (2, False)]


def test_only_the_first_delta_of_a_stream_has_an_order() -> None:
    def delta(item: str) -> tuple[float, str, dict[str, Any]]:
        return event(0.1, "service", "response.output_text.delta", item_id=item)

    done = event(0.1, "service", "response.done")
    found = trace(delta("a"), delta("b"), delta("a"), done, delta("b"))
    assert [(one.type, one.entry) for one in order_of(found)] == [
        ("response.output_text.delta", 0),
        ("response.output_text.delta", 1),
        ("response.done", 3),
    ]


def test_names_are_those_of_ga_in_every_dialect() -> None:
    preview = read_trace(GOLDEN.parents[1] / "azure-preview" / "s09-barge-in.ndjson")
    names = {one.type for one in order_of(preview)}
    assert "response.output_audio_transcript.done" in names
    assert "response.audio_transcript.done" not in names


def test_steps_come_from_the_trace_where_the_result_has_none() -> None:
    walked = trace(
        (0.0, "step.met", {"step": 1, "expected": "a", "actual": "a"}),
        (0.0, "step.missed", {"step": 2, "expected": "b", "actual": "c"}),
        (0.0, "step.missed", {"step": 3, "expected": "d", "actual": "not reached: step 2 was missed"}),
    )
    found = facts(replace(RESULT, expectations=()), walked)
    assert [(one.number, one.met, one.reached) for one in found.steps] == [
        (1, True, True),
        (2, False, True),
        (3, False, False),
    ]
