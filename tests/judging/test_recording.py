"""Recordings judged on their own: as the run that left them, and never green by seeing nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import BrokenTrace, UnknownDialect
from harness.judging.recording import as_recorded, judge_file, result_of
from harness.scenario.model import Assert
from harness.trace import Trace, read_trace
from tests.traces import SET_UP, trace

CALL = trace(*SET_UP)
PATH = Path(__file__).parents[1] / "golden" / "azure-ga" / "s02-server-vad-turn.ndjson"
GOLDEN = read_trace(PATH)
REFUSED = Assert.model_validate({"fails": {"at": "key", "status": 401, "diagnosis": "api-key-invalid"}})


def test_a_scenario_without_anything_special_leaves_nothing_in_the_header() -> None:
    assert as_recorded(Assert()) == {}
    assert as_recorded(Assert.model_validate({"budgets": {"answer": "1s"}})) == {}


def test_what_a_scenario_skips_is_skipped_again() -> None:
    kept = as_recorded(Assert.model_validate({"rules": {"skip": {"SES-01": "the point of it"}}}))
    again = replace(CALL, header=replace(CALL.header, extra=kept))
    outcomes = {rule.id: rule.outcome.value for rule in result_of(again, name="x").rules}
    assert outcomes["SES-01"] == "skipped"
    assert {rule.id: rule.outcome.value for rule in result_of(CALL, name="x").rules}["SES-01"] != "skipped"


def test_a_failure_that_was_the_point_is_asked_for_again() -> None:
    again = replace(CALL, header=replace(CALL.header, extra=as_recorded(REFUSED)))
    result = result_of(again, name="x")
    assert [(one.expected, one.actual) for one in result.expectations if not one.met] == [
        ("the call fails at key, with status 401, diagnosed as api-key-invalid", "the call did not fail")
    ]


def test_a_header_that_asserts_nonsense_asserts_nothing() -> None:
    again = replace(CALL, header=replace(CALL.header, extra={"assert": {"fails": 7}}))
    assert result_of(again, name="x").expectations == ()


def until(step: str) -> Trace:
    """The golden call as far as the request of this step."""
    last = next(
        entry.seq for entry in GOLDEN.entries if entry.kind == "http.request" and entry.data.get("step") == step
    )
    return replace(GOLDEN, entries=GOLDEN.entries[:last])


def test_a_recording_without_a_call_is_not_green() -> None:
    verdicts = [
        (result.verdict, result.error) for result in (result_of(one, name="x") for one in (GOLDEN, until("call")))
    ]
    assert verdicts == [
        ("conformant", None),
        ("error", "no call was made: a key was minted, and no call request came"),
    ]
    assert result_of(until("key"), name="x").error == "no call was made: no request was answered"


def test_a_recording_that_breaks_off_is_not_green(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_text("".join(PATH.read_text().splitlines(keepends=True)[:-1]))
    result = judge_file(path)
    assert (result.verdict, result.error) == (
        "inconclusive",
        "the recording has no end: the run was killed, or its disk was full; "
        f"judged as far as it goes: {GOLDEN.seconds:.1f} s, {len(GOLDEN.entries)} entries\n  fix: run it again",
    )


def test_two_recordings_in_one_file_are_not_one(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_text(PATH.read_text() * 2)
    with pytest.raises(BrokenTrace, match="lines after the footer"):
        read_trace(path)


@pytest.mark.parametrize("dialect", ["zure-ga", "", "azure_ga"])
def test_a_dialect_that_no_rule_is_about_is_refused_and_never_green(dialect: str) -> None:
    other = replace(GOLDEN, header=replace(GOLDEN.header, dialect=dialect))
    with pytest.raises(
        UnknownDialect, match=f"x: unknown dialect '{dialect}'\n  fix: dialects are: azure-preview, azure-ga"
    ):
        result_of(other, name="x")
