"""A recording replays as it was, its findings included; the scenario made of it passes at once, and fails where the service changed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import harness
from harness.fake.faults import FAULTS as KNOWN
from harness.protocol.dialects import DIALECTS
from harness.regression.cassette import write_cassette
from harness.regression.scenario import write_scenario
from harness.running.jobs import Job
from harness.running.runner import run_job
from harness.scenario.loader import load
from harness.trace import Recording, Trace, open_recording
from tests.regression.calls import SUITE, findings, recorded, replaying

DIVERSE = (
    "signaling/call-is-set-up-in-order.yaml",
    "turns/caller-speaks-assistant-answers.yaml",
    "turns/two-turns-in-one-call.yaml",
    "turns/manual-turn-is-committed-by-the-client.yaml",
    "turns/a-pause-shorter-than-the-silence-duration-ends-no-turn.yaml",
    "turns/typed-and-spoken-turns-alternate.yaml",
    "interruption/caller-speaks-over-a-long-answer.yaml",
    "interruption/answer-is-truncated-to-what-was-heard.yaml",
    "tools/function-call-is-answered.yaml",
    "tools/two-calls-in-one-response.yaml",
    "text/text-only-session-answers-in-writing.yaml",
    "transcription/what-the-caller-said-is-transcribed.yaml",
    "errors/broken-json-gets-an-error.yaml",
    "errors/invalid-api-key-is-refused.yaml",
    "limits/session-ends-at-its-maximum.yaml",
)
TURN = "turns/caller-speaks-assistant-answers.yaml"
FAULTS = (
    "rsp-done-missing",
    "rsp-created-twice",
    "session-created-late",
    "audio-stalls",
    "answer-without-candidates",
    "key-denied",
    "call-answer-in-json",
    "rtp-hole",
)


def _dealt() -> list[tuple[str, str]]:
    """Each scenario in one dialect, the dialects in turn, and one scenario in all of them."""
    turns = [(name, load(SUITE / name).dialects) for name in DIVERSE]
    dealt = [(name, dialects[number % len(dialects)]) for number, (name, dialects) in enumerate(turns)]
    return sorted({*dealt, *((TURN, dialect) for dialect in DIALECTS)})


@pytest.mark.parametrize(("scenario", "dialect"), _dealt())
def test_a_replay_is_judged_as_the_recording_and_its_scenario_passes(
    scenario: str, dialect: str, tmp_path: Path
) -> None:
    result, trace = recorded(scenario, dialect, tmp_path / "recorded")
    (again,) = harness.run(replaying(scenario, trace, dialect, tmp_path / "again.yaml"))
    assert findings(again) == findings(result)
    made = write_scenario(open_recording(trace), tmp_path / "made.yaml")
    (passed,) = harness.run(made.path)
    assert (passed.verdict, passed.error) == ("conformant", None)


@pytest.mark.parametrize("fault", FAULTS)
def test_what_was_wrong_is_replayed(fault: str, tmp_path: Path) -> None:
    known = KNOWN[fault]
    result, trace = recorded(known.scenario, known.dialect, tmp_path / "recorded", faults=(fault,))
    (again,) = harness.run(replaying(known.scenario, trace, known.dialect, tmp_path / "again.yaml"))
    assert findings(again) == findings(result)
    assert findings(result) != findings(harness.run(SUITE / known.scenario, dialects=[known.dialect])[0])


@pytest.mark.parametrize(
    "fault",
    ["rsp-done-missing", "rsp-created-missing", "session-created-missing", "audio-silent", "turn-not-committed"],
)
def test_a_scenario_of_a_good_recording_fails_where_the_service_changed(fault: str, tmp_path: Path) -> None:
    _, trace = recorded(TURN, "azure-ga", tmp_path / "recorded")
    made = write_scenario(open_recording(trace), tmp_path / "made.yaml")
    (changed,) = harness.run(made.path, faults=[fault])
    assert changed.verdict == "nonconformant"
    assert any(not one.met for one in changed.expectations)


def test_twenty_replays_have_one_verdict(tmp_path: Path) -> None:
    _, trace = recorded("interruption/caller-speaks-over-a-long-answer.yaml", "azure-ga", tmp_path / "recorded")
    made = write_scenario(open_recording(trace), tmp_path / "made.yaml")
    seen = {json.dumps([findings(result), result.milestones]) for _ in range(20) for result in harness.run(made.path)}
    assert len(seen) == 1


@pytest.mark.parametrize("dialect", ["azure-ga", "openai-beta"])
@pytest.mark.parametrize(
    "scenario", [TURN, "tools/function-call-is-answered.yaml", "interruption/caller-speaks-over-a-long-answer.yaml"]
)
def test_the_services_own_recording_replays_as_well(scenario: str, dialect: str, tmp_path: Path) -> None:
    path, seen = SUITE / scenario, list[Trace]()
    loaded = load(path)
    result = run_job(Job(path, scenario, dialect, out=tmp_path / "run"), loaded, watch=seen)
    heard = {
        name: next((tmp_path / "run" / "audio").glob(f"*.{name}.ogg")).read_bytes() for name in ("sent", "received")
    }
    # What the caller sent, the service received.
    own = Recording(seen[0], "service", {"sent": lambda: heard["received"], "received": lambda: heard["sent"]})
    cassette = write_cassette(own, tmp_path / "service.zip")
    (again,) = harness.run(replaying(scenario, cassette, dialect, tmp_path / "again.yaml"))
    assert findings(again) == findings(result)
    made = write_scenario(open_recording(cassette), tmp_path / "made.yaml")
    (passed,) = harness.run(made.path)
    assert (passed.verdict, passed.error) == ("conformant", None)
    (changed,) = harness.run(made.path, faults=["rsp-done-missing"])
    assert changed.verdict == "nonconformant"
