"""The golden traces: every documented sequence, written by hand from the vendors' documents in both vocabularies.

No rule fails on them at any severity, whole or cut anywhere, seen from either end; and what a sequence is there for is judged.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.rules import catalogue
from harness.rules.base import MUST, Outcome
from harness.trace import Entry, Trace, read_trace
from tests.judging_all import judge_all

FILES = sorted(Path(__file__).parent.rglob("*.ndjson"))
IDS = [f"{path.parent.name}/{path.stem}" for path in FILES]
BOTH_ENDS = {"sent": "received", "received": "sent"}

# What each sequence is there to exercise, in whichever dialect it is written.
EXERCISES = {
    "s00-connect": "DC-02 DC-03 DC-06 DC-07 DC-13 SES-01 SES-02 SES-03 EVT-04 EVT-05 EVT-06",
    "s01-session-update": "SES-04 SES-05 SES-09 SES-16 SES-17 SES-18 DC-10 DC-11",
    "s02-server-vad-turn": "TURN-01 TURN-02 TURN-03 TURN-04 TURN-05 TURN-06 TURN-13 TURN-14 TURN-17 TURN-18 RSP-01 RSP-02 RSP-03 "
    "RSP-04 RSP-05 RSP-06 RSP-07 RSP-08 RSP-09 RSP-11 RSP-12 RSP-13 RSP-15 RSP-19 RSP-20 CNT-01 CNT-02 CNT-04 CNT-05 CNT-06 "
    "CNT-07 CNT-10 CNT-11 CNT-12 ITM-01 ITM-03 ITM-19 PLAY-01 PLAY-02 PLAY-03 PLAY-11 TRN-01 TRN-02 TRN-03 TRN-06 TRN-07 "
    "MED-01 MED-02 MED-03 MED-04 MED-05 MED-06 MED-07 MED-09 MED-10 MED-11 MED-12 MED-13 TURN-12 SES-11",
    "s03-semantic-vad-turn": "SES-08 SES-12 TURN-04 RSP-03",
    "s04-no-automatic-response": "RSP-10 RSP-18 TURN-04",
    "s05-push-to-talk": "TURN-07 TURN-08 TURN-09 TURN-15 TURN-16",
    "s06-text": "CNT-03 CNT-08 ITM-04 ITM-12 SES-10",
    "s07-function-call": "ITM-05 ITM-06 ITM-08 ITM-15 ITM-21",
    "s08-mcp": "ITM-02 ITM-09 ITM-10 ITM-18 ITM-22",
    "s09-barge-in": "CNT-09 PLAY-08 PLAY-10 PLAY-12 PLAY-13 RSP-21 MED-08 ITM-23",
    "s10-client-cancel": "PLAY-04 PLAY-05 PLAY-06 ERR-01 ERR-02 ERR-03 ERR-07",
    "s11-truncate": "ITM-11 ITM-14 ITM-16 ITM-17 PLAY-09",
    "s12-idle-timeout": "TURN-11",
    "s13-transcription-session": "TRN-05 TRN-02",
    "s14-out-of-band": "RSP-14 RSP-16",
    "s15-errors": "ERR-06 SES-13 RSP-06",
}
NOT_IN_BETA = {
    "s08-mcp": "the beta SDK has no MCP events and no MCP items",
    "s12-idle-timeout": "idle_timeout_ms and input_audio_buffer.timeout_triggered came with GA",
}
IN_GA = {"s02-server-vad-turn": "ITM-02 ITM-20", "s01-session-update": "SES-06 SES-07", "s07-function-call": "ITM-07"}


@cache
def load(path: Path) -> Trace:
    assert catalogue.all_rules()
    return read_trace(path)


def from_the_other_end(trace: Trace) -> Trace:
    """The same call as the service would have recorded it."""

    def turned(entry: Entry) -> Entry:
        data: dict[str, Any] = dict(entry.data)
        data["direction"] = BOTH_ENDS.get(data.get("direction", ""), data.get("direction"))
        if entry.kind == "connection.secured":
            data["role"] = {"client": "server", "server": "client"}[data["role"]]
        if entry.kind == "connection.signaling" and data["state"] == "have-local-offer":
            data["state"] = "have-remote-offer"
        plane, _, what = entry.kind.partition(".")
        return replace(entry, kind=f"{plane}.{BOTH_ENDS.get(what, what)}", data=data)

    return Trace(replace(trace.header, observer="service"), tuple(map(turned, trace.entries)), trace.end)


def complaints(trace: Trace) -> list[str]:
    return [
        f"{result.id} {result.outcome.value}: entry {seen.entry}, expected {seen.expected}, {seen.actual}"
        for result in judge_all(trace)
        for seen in result.failures
        if result.outcome is Outcome.FAIL or result.severity == MUST
    ]


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_nothing_fails(path: Path) -> None:
    assert complaints(load(path)) == []


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_nothing_fails_as_seen_by_the_service(path: Path) -> None:
    assert complaints(from_the_other_end(load(path))) == []


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_what_the_sequence_is_for_is_judged(path: Path) -> None:
    trace = load(path)
    passed = {result.id for result in judge_all(trace) if result.outcome is Outcome.PASS}
    wanted = set(EXERCISES[path.stem].split())
    if trace.header.dialect.endswith("-ga"):
        wanted |= set(IN_GA.get(path.stem, "").split())
    assert wanted - passed == set()


def test_both_vocabularies_are_there() -> None:
    assert {path.stem for path in FILES if path.parent.name == "azure-ga"} == set(EXERCISES)
    assert {path.stem for path in FILES if path.parent.name == "azure-preview"} == set(EXERCISES) - set(NOT_IN_BETA)


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(FILES), st.floats(0, 1), st.booleans())
def test_hanging_up_anywhere_is_no_fault(path: Path, where: float, other_end: bool) -> None:
    trace = from_the_other_end(load(path)) if other_end else load(path)
    cut = trace.entries[: int(where * len(trace.entries))]
    assert complaints(Trace(trace.header, cut, "completed")) == []


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(FILES), st.floats(0, 1))
def test_a_recording_that_breaks_off_never_fails_a_rule(path: Path, where: float) -> None:
    """It may leave answers open; it must not make the service look at fault."""
    trace = load(path)
    cut = Trace(trace.header, trace.entries[: int(where * len(trace.entries))], "truncated")
    assert [result.id for result in judge_all(cut) if result.outcome is Outcome.FAIL] == []
