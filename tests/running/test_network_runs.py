"""Whole calls under every preset, in virtual time: the same twice, and no finding against the service."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.errors import UsageError
from harness.judging.results import Result
from harness.rules.base import CLIENT, REGISTRY, Outcome
from harness.running.jobs import Job, select
from harness.running.runner import network_of, run_job
from harness.scenario.loader import load
from harness.scenario.network import PRESETS, PresetName

SUITE = Path(__file__).parents[2] / "scenarios"
GREETING = SUITE / "turns" / "caller-speaks-assistant-answers.yaml"


def run(path: Path, network: PresetName | None = None, *, seed: int = 0, dialect: str = "azure-ga") -> Result:
    return run_job(Job(path, path.name, dialect, network=network, seed=seed), load(path))


def course(result: Result) -> list[tuple[float, str, Any]]:
    """What happened when: entries with their times; of packets and events what does not depend on keys and random ids."""
    assert result.recording is not None
    told = {"rtp.packets": "packets", "connection.disturbed": "text", "audio.speech": "at"}
    return [
        (entry.t, entry.kind, entry.type or entry.data.get(told.get(entry.kind, "state")))
        for entry in result.recording.entries
    ]


def blamed(result: Result) -> list[str]:
    return [one.id for one in result.rules if one.outcome is Outcome.FAIL and REGISTRY[one.id].who != CLIENT]


@pytest.mark.parametrize("preset", PRESETS)
def test_a_call_under_a_preset_repeats_exactly_and_nobody_is_blamed(preset: PresetName) -> None:
    first = run(GREETING, preset)
    assert course(run(GREETING, preset)) == course(first)
    assert blamed(first) == []
    assert ("network" in first.media) == (preset != "clean")


def test_a_narrow_line_repeats_exactly_although_certificates_and_signatures_differ_in_length(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("title: x\nnetwork: {bandwidth: 48kbps}\nsteps: [say: caller-queen-of-clubs.wav, wait: 4s]\n")
    first, *others = [course(run(path)) for _ in range(4)]
    assert others == [first] * 3


def test_a_network_that_is_changed_in_mid_call_repeats_exactly() -> None:
    path = SUITE / "network" / "network-worsens-and-heals-in-mid-call.yaml"
    first = run(path)
    assert course(run(path)) == course(first)
    assert course(run(path, seed=1)) != course(first)
    assert (first.verdict, blamed(first)) == ("conformant", [])
    conditions = [one["conditions"] for one in first.media["network"]["changes"]]
    assert [sorted(one) for one in conditions][1:] == [["blackouts"], []]
    assert conditions[0]["delay"] == 0.1


def test_what_a_step_sets_is_meant_for_this_network_and_the_commands_is_not() -> None:
    path = SUITE / "network" / "network-worsens-and-heals-in-mid-call.yaml"
    result = run(path, "3g")
    assert result.media["network"]["changes"][0]["conditions"]["delay"] == 0.1
    assert not any(one.lenient for one in result.expectations)


@pytest.mark.parametrize("network", ["{sent: {bandwidth: 40kbps}}", "{sent: {loss: 20%}}"])
def test_one_direction_alone_loses_what_the_other_does_not(tmp_path: Path, network: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(f"title: x\nnetwork: {network}\nsteps: [say: caller-queen-of-clubs.wav, wait: 4s]\n")
    lost = run(path).media["network"]
    assert lost["sent"]["lost"] > 10
    assert lost["received"]["lost"] == 0


@pytest.mark.parametrize("seed", range(4))
def test_a_bad_line_is_measured_and_conformant(seed: int) -> None:
    result = run(GREETING, "wifi-bad", seed=seed)
    assert result.verdict == "conformant"
    assert blamed(result) == []
    assert 0 < result.media["received"]["loss_percent"] < 20
    assert 5 < result.media["received"]["jitter_ms"] < 40
    assert result.to_json()["media"] == result.media


def test_an_undisturbed_call_says_so_by_saying_nothing() -> None:
    result = run(GREETING)
    assert "network" not in result.media
    assert (result.media["received"]["lost"], result.media["received"]["jitter_ms"]) == (0, 0.0)


def test_other_seeds_lose_other_packets() -> None:
    lost = {run(GREETING, "wifi-bad", seed=seed).media["network"]["received"]["lost"] for seed in range(3)}
    assert len(lost) > 1


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [("cut-off-ends-the-call", 6 + 25, 6 + 41), ("long-blackout-ends-the-call", 3 + 25, 3 + 41)],
)
def test_a_call_without_a_network_ends_with_the_loss_of_its_connection(name: str, least: float, most: float) -> None:
    result = run(SUITE / "network" / f"{name}.yaml")
    assert result.verdict == "conformant"
    assert result.recording is not None
    error = result.recording.first("harness.error")
    assert error is not None
    assert error.data["error"] == "ConnectionLost"
    assert least < error.t < most


def test_what_the_service_ended_is_not_put_down_to_the_network() -> None:
    result = run(SUITE / "limits" / "session-ends-at-its-maximum.yaml", "wifi-bad", seed=3)
    assert "network-disturbed" not in [one.id for one in result.diagnosis]
    assert result.verdict == "conformant"


@pytest.mark.parametrize(("imposed", "verdict"), [(None, "nonconformant"), ("one-way-audio", "inconclusive")])
def test_a_step_that_a_network_from_outside_withholds_is_nobodys_fault(
    tmp_path: Path, imposed: PresetName | None, verdict: str
) -> None:
    path = tmp_path / "x.yaml"
    own = "" if imposed else "network: one-way-audio\n"
    path.write_text(f"title: x\n{own}steps: [text: Hello, hear: {{speech: 300ms, within: 3s}}]\n")
    result = run(path, imposed)
    assert [(one.met, one.lenient) for one in result.expectations if one.step == 2] == [(False, imposed is not None)]
    assert result.verdict == verdict


def test_a_scenarios_own_network_comes_before_the_one_of_the_command() -> None:
    own = load(SUITE / "network" / "unheard-caller-is-no-turn.yaml")
    emulator = network_of(Job(own.path, "x", "azure-ga", network="3g"), own.scenario)
    assert emulator is not None
    assert (emulator.conditions.audio_lost, emulator.conditions.delay) == ("sent", 0.0)
    plain = load(GREETING)
    emulator = network_of(Job(GREETING, "x", "azure-ga", network="3g"), plain.scenario)
    assert emulator is not None
    assert emulator.conditions.delay == 0.11
    assert network_of(Job(GREETING, "x", "azure-ga"), plain.scenario) is None


def test_a_network_nobody_knows_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(UsageError, match="did you mean train-tunnel") as caught:
        select([GREETING], network="train-tunel")
    assert caught.value.exit_code == 2
    assert {(job.network, job.seed) for job, _ in select([GREETING], network="3g", seed=7)} == {("3g", 7)}
