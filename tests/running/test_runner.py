"""One run: what it leaves, also when it breaks half way; and many runs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter

from harness.client.call import Call
from harness.errors import ConnectionLost, UsageError
from harness.judging import verdict
from harness.judging.results import Result, exit_code
from harness.rules.base import MUST, REGISTRY
from harness.rules.catalogue import all_rules
from harness.running import runner
from harness.running.jobs import Job
from harness.running.many import run_many
from harness.running.runner import longest, run_job
from harness.scenario.loader import LoadedScenario, load
from harness.scenario.model import Scenario
from harness.scenario.steps import STEPS
from harness.scenario.values import Duration
from harness.trace import read_trace

GREETING = """
title: The caller speaks, the assistant answers
steps:
  - say: caller-not-ill-disposed.wav
  - expect: response.done
"""


def job_for(
    tmp_path: Path, text: str = GREETING, dialect: str = "azure-ga", name: str = "s.yaml"
) -> tuple[Job, LoadedScenario]:
    path = tmp_path / name
    path.write_text(text)
    return Job(path, name, dialect, out=tmp_path / "out"), load(path)


def test_trace_on_disk_is_the_trace_that_was_judged(tmp_path: Path) -> None:
    job, loaded = job_for(tmp_path)
    result = run_job(job, loaded)
    assert result.verdict == "conformant"
    assert result.trace is not None
    assert result.recording is not None
    read = read_trace(tmp_path / "out" / result.trace)
    assert (read.end, len(read.entries)) == ("completed", len(result.recording.entries))
    assert set(result.audio) == {"sent", "received"}


@pytest.mark.parametrize("dialect", ["azure-preview", "azure-ga", "openai-ga", "openai-beta"])
def test_virtual_time_repeats_to_the_millisecond(tmp_path: Path, dialect: str) -> None:
    job, loaded = job_for(tmp_path, dialect=dialect)
    first, second = run_job(job, loaded), run_job(job, loaded)
    assert first.milestones == second.milestones
    assert first.recording is not None
    assert second.recording is not None
    times = [[(entry.t, entry.kind, entry.type) for entry in one.recording.entries] for one in (first, second)]  # type: ignore[union-attr]
    assert times[0] == times[1]


def test_lost_connection_ends_in_an_error_with_its_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def lose(*_: object, **__: object) -> None:
        raise ConnectionLost("the connection is gone", seen="ICE failed", fix="look at the network")

    monkeypatch.setattr(runner, "play", lose)
    result = run_job(*job_for(tmp_path))
    assert result.verdict == "error"
    assert result.error == "step 'session': the connection is gone\n  seen: ICE failed\n  fix: look at the network"
    assert result.diagnosis[0].id == "connection-lost"
    assert result.trace is not None
    assert read_trace(tmp_path / "out" / result.trace).end == "failed"


def test_interrupted_run_leaves_a_trace_that_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(runner, "play", interrupt)
    job, loaded = job_for(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        run_job(job, loaded)
    trace = read_trace(tmp_path / "out" / "traces" / f"{job.slug}.ndjson")
    assert trace.end == "interrupted"
    assert trace.of("channel.open")


def test_call_is_closed_whatever_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[bool] = []
    really = Call.close

    async def close(self: Call) -> None:
        closed.append(True)
        await really(self)

    async def stumble(*_: object, **__: object) -> None:
        raise UsageError("no such recording", where="x.wav")

    monkeypatch.setattr(Call, "close", close)
    monkeypatch.setattr(runner, "play", stumble)
    with pytest.raises(UsageError):
        run_job(*job_for(tmp_path))
    assert closed


def test_a_check_that_raises_is_our_bug_and_hides_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> list[object]:
        raise ZeroDivisionError("by zero")

    rule = replace(REGISTRY["SES-01"], check=broken)
    monkeypatch.setattr(verdict, "all_rules", lambda: (*(one for one in all_rules() if one.id != "SES-01"), rule))
    result = run_job(*job_for(tmp_path))
    assert (result.verdict, result.bug) == ("error", True)
    assert result.error is not None
    assert "SES-01 raised ZeroDivisionError" in result.error
    assert any(rule.outcome == "pass" for rule in result.rules)


def test_a_diagnosis_that_raises_is_our_bug_and_hides_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("evidence")

    monkeypatch.setattr(verdict, "diagnose", broken)
    result = run_job(*job_for(tmp_path))
    assert (result.verdict, result.bug) == ("error", True)
    assert result.error is not None
    assert "the diagnosis raised KeyError" in result.error


def test_results_come_in_the_order_of_the_jobs(tmp_path: Path) -> None:
    jobs = [job_for(tmp_path, "title: x\nsteps: []\n", dialect) for dialect in ("openai-ga", "azure-ga")]
    seen: list[str] = []
    results: list[Result] = run_many(jobs, done=lambda result: seen.append(result.dialect)).in_order
    assert [result.dialect for result in results] == seen == ["openai-ga", "azure-ga"]


def test_configuration_of_a_live_target_is_told_without_its_key(tmp_path: Path) -> None:
    environment = {
        "VITE_AZURE_OPENAI_RESOURCE_NAME": "my-resource",
        "VITE_AZURE_OPENAI_REALTIME_KEY": "a-key-of-this-resource",
        "AZURE_OPENAI_REALTIME_DEPLOYMENT": "gpt-realtime",
        "AZURE_OPENAI_WEBRTC_REGION": "swedencentral",
    }
    jobs = [
        Job(tmp_path, "s.yaml", name, "live", environment=environment) for name in ("azure-preview", "azure-preview")
    ]
    (line,) = runner.configurations(jobs)
    assert line.startswith(
        "  azure-preview: resource my-resource, deployment gpt-realtime, api_version 2025-04-01-preview, region swedencentral, "
    )
    assert "a-key-of-this-resource" not in line
    assert runner.configurations([Job(tmp_path, "s.yaml", "azure-ga")]) == []


def scenario_of(*steps: dict[str, Any]) -> Scenario:
    return Scenario.model_validate({"title": "x", "steps": list(steps)})


@pytest.mark.parametrize(
    ("step", "seconds"),
    [
        ({"expect": "response.done", "within": "40s"}, 40),
        ({"hear": {"speech": "1s", "within": "7s"}}, 7),
        ({"tool": {"name": "f"}, "within": "3s"}, 3),
        ({"wait": "5s"}, 5),
        ({"text": "Hello"}, 0),
    ],
)
def test_patience_covers_all_that_a_scenario_waits_for(step: dict[str, Any], seconds: float) -> None:
    assert longest(scenario_of(step, step)) - longest(scenario_of()) == 2 * seconds


def test_step_that_has_a_duration_says_how_long_it_may_last() -> None:
    duration = json.dumps(TypeAdapter(Duration).json_schema()["pattern"])
    waiting = {word for word, step in STEPS.items() if duration in json.dumps(step.model_json_schema())}
    patient = {word for word, step in STEPS.items() if "patience" in vars(step)}
    assert patient == waiting - {"network"}  # its durations are those of a blackout that goes on beside the steps
    assert patient


def test_failed_must_makes_a_run_nonconformant_also_where_the_call_ended_by_it(tmp_path: Path) -> None:
    job, loaded = job_for(tmp_path)
    result = run_job(replace(job, faults=("call-answer-in-json",)), loaded)
    assert result.error is not None
    assert [rule.id for rule in result.rules if rule.severity == MUST and rule.outcome == "fail"] == ["ANS-17"]
    assert (result.verdict, exit_code([result])) == ("nonconformant", 1)


ERRONEOUS = """
title: An event that the service refuses
{allowed}steps:
  - send: {{type: conversation.item.delete, item_id: item_none}}
  - text: Hello.
  - expect: response.done
"""


@pytest.mark.parametrize(("allowed", "verdict"), [("", "nonconformant"), ("assert: {errors: allowed}\n", "conformant")])
def test_an_error_that_no_step_expects_fails_the_run_unless_it_is_allowed(
    tmp_path: Path, allowed: str, verdict: str
) -> None:
    job, loaded = job_for(tmp_path, ERRONEOUS.format(allowed=allowed))
    result = run_job(job, loaded)
    assert result.verdict == verdict
    missed = [one for one in result.expectations if not one.met]
    assert [one.expected.partition(" (")[0] for one in missed] == (
        [] if allowed else ["no error event besides those that a step expects"]
    )
    assert (len(result.troubles), result.warned) == (1, bool(allowed))
    assert "item_none" in result.troubles[0].said
    assert result.diagnosis[0].id == "unknown-item"
    assert "item_none" in result.diagnosis[0].cause


def test_speech_of_a_response_that_failed_is_not_waited_for(tmp_path: Path) -> None:
    text = (
        "title: x\ndialects: [azure-ga]\nsteps:\n  - text: Hello.\n  - hear: {speech: 300ms, within: 30s}\n"
        "fake: {replies: [{status: failed}]}\n"
    )
    result = run_job(*job_for(tmp_path, text))
    (missed,) = (one for one in result.expectations if not one.met and one.step)
    assert missed.actual.startswith("no speech; the response failed, and no other began")
    assert result.media_seconds < 10


def test_silence_after_a_response_that_failed_is_heard(tmp_path: Path) -> None:
    """Looking again and again at a time that is over would never end in virtual time."""
    text = (
        "title: x\ndialects: [azure-ga]\nsteps:\n  - text: Hello.\n  - expect: response.created\n"
        "  - hear: {silence: 8s, within: 12s}\nassert: {errors: allowed}\nfake: {replies: [{status: failed}]}\n"
    )
    result = run_job(*job_for(tmp_path, text))
    assert all(one.met for one in result.expectations if one.step)
