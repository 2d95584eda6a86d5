"""Trouble that breaks no rule: what counts, what a step expects, and the service's words about it."""

from __future__ import annotations

from typing import Any

import pytest

from harness.diagnosis import Case
from harness.diagnosis.troubles import words_of
from harness.trace import Trace
from tests.diagnosis.cases import error_event, http
from tests.traces import SET_UP, event, trace

START = len(SET_UP)


def found(call: Trace) -> list[tuple[int, str, str]]:
    return [(one.entry, one.what, one.said) for one in Case(call).troubles]


def done(status: str, output: list[Any] | None = None, **details: Any) -> tuple[float, str, dict[str, Any]]:
    response = {"id": "r", "status": status, "status_details": details or None}
    return event(
        2.0, "service", "response.done", response={**response, **({} if output is None else {"output": output})}
    )


@pytest.mark.parametrize(
    ("row", "what", "said"),
    [
        (error_event("bad", "No."), "the service sent an error", "bad: No."),
        (error_event("bad", "No.", param="item.id"), "the service sent an error", "bad: No. (param item.id)"),
        (
            done("failed", [], error={"type": "server_error", "code": None, "message": "Sorry."}),
            "a response ended failed",
            "server_error: Sorry.",
        ),
        (
            done("incomplete", [], type="incomplete", reason="content_filter"),
            "a response ended incomplete",
            "incomplete: content_filter",
        ),
        (done("completed", []), "a response completed without any output", "status completed, output []"),
    ],
)
def test_what_is_trouble(row: Any, what: str, said: str) -> None:
    assert found(trace(*SET_UP, row)) == [(START, what, said)]


@pytest.mark.parametrize(
    "rows",
    [
        (),
        (done("completed", [{"id": "i"}]),),
        (done("completed"),),
        (done("cancelled", [], type="cancelled", reason="turn_detected"),),
        (event(1.0, "service", "response.output_item.added", response_id="r", item={}), done("completed", [])),
        (*http("key", 429), *http("key", 200, number=3)),
    ],
)
def test_what_is_none(rows: tuple[Any, ...]) -> None:
    assert found(trace(*SET_UP, *rows)) == []


def test_the_last_refusal_of_a_request_is_told_with_its_body() -> None:
    call = trace(*http("key", 500, {"error": {"code": "a", "message": "b"}}), *http("key", 503, "busy", number=3))
    assert found(call) == [(3, "the token request was refused with status 503", "busy")]
    assert found(trace(*http("call", 400)))[0][2] == "without a body"


@pytest.mark.parametrize("data", [{"entry": START}, {"entry": START + 1, "entries": [START, START + 1]}])
def test_what_a_step_waited_for_is_no_trouble(data: dict[str, Any]) -> None:
    met = (3.0, "step.met", {"step": 1, "expected": "error", "actual": "x", **data})
    assert found(trace(*SET_UP, error_event("bad"), event(1.5, "service", "session.updated"), met)) == []
    other = (3.0, "step.met", {"step": 1, "expected": "x", "actual": "x", "entry": 0})
    assert len(found(trace(*SET_UP, error_event("bad"), other))) == 1


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ({"detail": "Field x is\nwrong"}, "Field x is wrong"),
        ({"detail": [{"loc": ["body", "sdp"], "msg": "Field required"}]}, "body.sdp: Field required"),
        ({}, "without code and message"),
        (None, "without code and message"),
        ({"code": 7, "message": ["x"]}, "without code and message"),
    ],
)
def test_words_of_any_error(error: Any, words: str) -> None:
    assert words_of(error) == words
