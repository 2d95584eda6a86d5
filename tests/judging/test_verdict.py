"""Order, budgets and wanted failures, judged from traces made by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.judging.results import Expectation, stopped_short
from harness.judging.verdict import judge
from harness.rules.base import MUST
from harness.scenario.model import Assert
from harness.trace import Trace, read_trace
from tests.diagnosis import cases
from tests.traces import SET_UP, event, refused, trace

GOLDEN = read_trace(Path(__file__).parents[1] / "golden" / "azure-ga" / "s02-server-vad-turn.ndjson")
CLEAN = trace(*SET_UP)
DENIED = cases.error_body("401", "Access denied due to invalid subscription key or wrong API endpoint.")


def asserted(**fields: object) -> Assert:
    return Assert.model_validate(fields)


def outcome_of(seen: Trace, **fields: object) -> list[tuple[bool, str, str]]:
    return [(one.met, one.expected, one.actual) for one in judge(seen, asserted(**fields)).expectations]


def test_default_order_is_met_by_a_call_set_up_in_order() -> None:
    (order,) = judge(CLEAN, asserted()).expectations
    assert order.met
    assert order.expected == "in this order: key, offer, answer, channel-open, session.update"
    assert order.entry == 5


def test_order_that_was_swapped_is_missed() -> None:
    swapped = trace(SET_UP[0], *SET_UP[2:3], SET_UP[1], *SET_UP[3:])
    ((met, _, actual),) = outcome_of(swapped)
    assert not met
    assert actual == "offer, key, answer, channel-open, session.update"


def test_milestone_that_is_missing_is_named() -> None:
    ((met, _, actual),) = outcome_of(trace(*SET_UP[:3]))
    assert not met
    assert actual == "key, offer; never reached: answer, channel-open, session.update"


def test_empty_order_asks_for_nothing() -> None:
    assert outcome_of(trace(), order=[]) == []


@pytest.mark.parametrize(("limit", "met"), [("30ms", True), ("29ms", False)])
def test_budget_is_exact(limit: str, met: bool) -> None:
    rows = outcome_of(CLEAN, order=[], budgets={"channel-open": limit})
    assert [(row[0], row[2]) for row in rows] == [(met, "0.030 s")]


def test_budget_of_a_milestone_that_never_came_is_missed() -> None:
    assert outcome_of(CLEAN, order=[], budgets={"first-audio": "1s"}) == [
        (False, "first-audio within 1 s", "never reached")
    ]


ASKED: dict[str, Any] = {
    "url": "https://res.openai.azure.com/openai/v1/realtime/client_secrets",
    "headers": {"api-key": "[redacted:1:32:text]", "content-type": "application/json"},
    "sent": {"session": {"type": "realtime", "model": "gpt-realtime"}},
}


class TestWantedFailure:
    """A scenario whose point is a failure."""

    FAILS = {"at": "key", "status": 401, "diagnosis": "api-key-invalid"}  # noqa: RUF012

    def test_is_met_by_just_that_failure(self) -> None:
        judgement = judge(
            cases.refused("key", 401, DENIED, **ASKED).trace,
            asserted(fails={"at": "key", "diagnosis": "api-key-invalid"}),
        )
        (failure,) = judgement.expectations
        assert failure.met, failure.actual
        assert judgement.verdict == "conformant"
        assert judgement.error is None

    @pytest.mark.parametrize(
        "other",
        [
            pytest.param(refused("key", 403, DENIED), id="another status"),
            pytest.param(refused("call", 401, DENIED), id="another step"),
            pytest.param(CLEAN, id="no failure"),
        ],
    )
    def test_is_missed_by_anything_else(self, other: Trace) -> None:
        judgement = judge(other, asserted(fails=self.FAILS))
        assert not judgement.expectations[-1].met
        assert judgement.verdict == "nonconformant"

    def test_needs_its_diagnosis_to_come_first(self) -> None:
        fails = {**self.FAILS, "diagnosis": "rate-limited"}
        assert not judge(refused("key", 401, DENIED), asserted(fails=fails)).expectations[-1].met


def test_failure_that_was_not_wanted_is_an_error_with_its_message() -> None:
    judgement = judge(cases.refused("key", 401, DENIED, **ASKED).trace, asserted())
    assert judgement.verdict == "error"
    assert judgement.error == "step 'key': x"
    assert judgement.diagnosis[0].id == "api-key-invalid"


def test_failed_must_is_a_fact_also_where_the_call_ended_by_it() -> None:
    judgement = judge(refused("key", 401, DENIED), asserted())  # a token request without a credential
    assert [one.id for one in judgement.rules if one.id == "HTTP-03" and one.outcome == "fail"] == ["HTTP-03"]
    assert judgement.verdict == "nonconformant"
    assert judgement.error == "step 'key': x"


class TestCallThatNeverGotThrough:
    """Without an open channel and a session.created there was no conversation to judge."""

    @pytest.mark.parametrize("wanted", [None, asserted(order=[])], ids=["on its own", "of a scenario"])
    def test_is_not_conformant_before_the_channel_opens(self, wanted: Assert | None) -> None:
        opened = next(entry for entry in GOLDEN.entries if entry.kind == "channel.open")
        judgement = judge(replace(GOLDEN, entries=GOLDEN.entries[: opened.seq]), wanted)
        assert not [one.id for one in judgement.rules if one.severity == MUST and one.outcome == "fail"]
        assert judgement.verdict == "inconclusive"
        assert judgement.error == "the call never got through: it stopped after the answer"
        assert judgement.diagnosis[0].id == "channel-never-opened"

    def test_is_not_conformant_before_the_session_is_created(self) -> None:
        judgement = judge(trace(*SET_UP[:-1]), asserted(order=[]))
        assert judgement.error == "the call never got through: the channel opened, and no session.created came"
        assert judgement.verdict != "conformant"
        assert judge(GOLDEN).error is None

    def test_any_event_proves_the_session_where_a_filter_hides_it(self) -> None:
        query = {**SET_UP[0][2], "step": "call", "id": 2, "url": "http://127.0.0.1/c?webrtcfilter=on"}
        filtered = [*SET_UP[:-1], (0.02, "http.request", query)]
        assert stopped_short(trace(*filtered)) is not None
        heard = event(0.1, "service", "input_audio_buffer.speech_started", item_id="i", audio_start_ms=0)
        assert stopped_short(trace(*filtered, heard)) is None
        assert stopped_short(trace(*SET_UP[:-1], heard)) is not None

    def test_with_nothing_at_all_says_so(self) -> None:
        assert stopped_short(trace()) == "the call never got through: no request succeeded"


def test_steps_of_the_player_count() -> None:
    missed = Expectation(1, False, "a", "b")
    judgement = judge(CLEAN, asserted(), [missed])
    assert judgement.expectations[0] == missed
    assert judgement.verdict == "nonconformant"


@pytest.mark.parametrize(("lenient", "excused"), [({1}, [True, True]), ({2}, [False, True]), (set(), [False, False])])
def test_step_that_was_not_reached_excuses_no_other(lenient: set[int], excused: list[bool]) -> None:
    walked = [Expectation(1, False, "a", "b"), Expectation(2, False, "c", "not reached: step 1 was missed")]
    found = judge(CLEAN, asserted(), walked, lenient=lenient).expectations
    assert [one.lenient for one in found if one.step] == excused


def test_skipped_rule_says_so() -> None:
    judgement = judge(CLEAN, asserted(rules={"skip": {"SES-01": "the reason"}}))
    (skipped,) = [one for one in judgement.rules if one.id == "SES-01"]
    assert (skipped.outcome, skipped.note) == ("skipped", "the reason")


def test_trace_on_its_own_is_judged_by_rules_alone() -> None:
    assert judge(CLEAN).expectations == ()


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, ["session-update-not-sent"]),
        ({"order": ["key", "offer", "answer", "channel-open"]}, []),
        ({"order": ["key"], "budgets": {"session.update": "1s"}}, ["session-update-not-sent"]),
    ],
    ids=["order", "not asked for", "budget"],
)
def test_milestone_that_was_asked_for_and_never_reached_is_diagnosed(
    asked: dict[str, object], expected: list[str]
) -> None:
    found = judge(trace(*SET_UP[:-1]), asserted(**asked)).diagnosis
    assert [one.id for one in found if one.id == "session-update-not-sent"] == expected


def test_what_is_asserted_of_the_whole_run_is_lenient_with_step_0() -> None:
    wanted = asserted(order=[], budgets={"channel-open": "29ms"})
    assert [one.lenient for one in judge(CLEAN, wanted).expectations] == [False]
    lenient = judge(CLEAN, wanted, lenient={0})
    assert [(one.met, one.lenient) for one in lenient.expectations] == [(False, True)]


def test_a_measure_that_raises_is_told_by_its_rule_and_no_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(view: object) -> None:
        raise RuntimeError("no clock")

    monkeypatch.setattr("harness.rules.latency.measures", broken)
    found = judge(CLEAN)
    assert found.bug
    assert "LAT-01 raised RuntimeError: no clock" in str(found.error)
    assert found.latencies == {}


def test_latencies_are_kept_beside_the_verdict() -> None:
    assert judge(CLEAN).latencies == {
        "key to offer": [0.01],
        "offer to answer": [0.01],
        "answer to channel open": [0.01],
        "channel open to session.update": [0.0],
        "token request": [0.0],
    }
