"""Verdicts on records that show a part of a call: never green for what they cannot show, and the right words about what they can."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from harness.judging.recording import result_of
from harness.judging.results import Result
from harness.report.text import lines_of
from harness.trace import Trace
from tests.traces import KEY_OK, event, trace

CREATED = event(0.1, "service", "session.created", event_id="e1", session={"id": "s", "type": "realtime"})
ERROR = event(
    0.2,
    "service",
    "error",
    event_id="e2",
    error={"type": "invalid_request_error", "code": "x", "message": "No such thing."},
)
REFUSED = (
    0.3,
    "http.response",
    {
        "id": 2,
        "step": "call",
        "status": 400,
        "headers": {},
        "body": {"error": {"message": "bad offer"}},
        "seconds": 0.1,
    },
)
ASKED = (
    0.2,
    "http.request",
    {
        "id": 2,
        "step": "call",
        "method": "POST",
        "url": "https://x.example/v1/realtime/calls",
        "headers": {},
        "body": "",
    },
)
EVENTS = ("event.received", "event.sent")


def judged(
    *rows: tuple[float, str, dict[str, Any]], shows: tuple[str, ...], excerpt: bool = False, **extra: Any
) -> Result:
    whole = trace(*rows)
    header = replace(whole.header, shows=shows, excerpt=excerpt, extra={"record": "events", **extra})
    return result_of(Trace(header, whole.entries, "completed"), name="log.json")


def test_events_prove_that_a_call_got_through() -> None:
    result = judged(CREATED, shows=EVENTS)
    assert (result.verdict, result.error) == ("conformant", None)


def test_requests_alone_prove_nothing_of_the_call_behind_them() -> None:
    result = judged(KEY_OK, shows=("http",))
    assert result.verdict == "inconclusive"
    assert result.error == "the record does not show whether the call got through"


def test_trouble_in_the_part_that_is_shown_is_told_with_its_cause() -> None:
    of_events = judged(CREATED, ERROR, shows=EVENTS)
    assert [(one.what, one.said) for one in of_events.troubles] == [("the service sent an error", "x: No such thing.")]
    assert of_events.diagnosis
    of_http = judged(ASKED, REFUSED, shows=("http",))
    assert [one.said for one in of_http.troubles] == ["bad offer"]
    assert of_http.diagnosis


def test_what_a_record_lacks_is_no_cause() -> None:
    causes = [one.id for one in judged(CREATED, ERROR, shows=EVENTS).diagnosis]
    assert not any("channel" in one or "audio" in one for one in causes)


def test_a_rule_that_an_excerpt_breaks_is_open_unless_it_looks_at_single_events() -> None:
    second = event(0.3, "service", "response.done", event_id="e1", response={"id": "r"})
    first = event(0.2, "service", "response.done", event_id="", response={"id": "r"})
    result = judged(first, second, shows=("event.received",), excerpt=True)
    outcomes = {one.id: (str(one.outcome), one.note) for one in result.rules}
    assert outcomes["SES-01"] == ("inconclusive", "the record begins in mid-call: the reason may lie before")
    assert outcomes["EVT-04"][0] == "fail"
    assert {one.id: str(one.outcome) for one in judged(first, second, shows=("event.received",)).rules}[
        "SES-01"
    ] == "fail"


def test_the_terminal_says_what_was_judged_and_how_the_dialect_was_known() -> None:
    result = judged(
        CREATED, shows=EVENTS, recognised="azure-ga, by its paths", left_out=["2 lines with JSON that is cut off"]
    )
    lines = list(lines_of([result], seconds=0.1))
    seen = result.observed
    assert f"· events only: {seen['judged']} of {seen['rules']} rules can be judged  (log.json)" in lines
    assert "    dialect   azure-ga, by its paths" in lines
    assert "    note      2 lines with JSON that is cut off" in lines


def test_what_was_judged_is_kept_in_the_results() -> None:
    result = judged(CREATED, shows=EVENTS)
    assert result.to_json()["observed"] == dict(result.observed)
    assert Result.from_json(result.to_json()).observed == result.observed
    assert "observed" not in result_of(trace(CREATED), name="x").to_json()
