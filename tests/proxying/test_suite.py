"""Scenarios of the suite, played through the proxy: the caller's verdict and rules are those of the same call without it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.client.faults import CLIENT_FAULTS
from harness.fake.faults import FAULTS
from harness.judging.results import Result
from harness.media import opus, wav
from harness.running import clock
from harness.running.jobs import Job
from harness.running.runner import FAKE_KEY, Ready, judged, make_call, prepared, run_job
from harness.scenario.files import resolve_audio
from harness.scenario.loader import LoadedScenario, load
from harness.selftest.calls import job_of
from harness.targets.endpoints import fake_endpoints
from tests.proxying.relay import Relay, relaying

SUITE = Path(__file__).parents[2] / "scenarios"


def through_the_proxy(job: Job, loaded: LoadedScenario, out: Path) -> tuple[Result, Relay]:
    """The run with a proxy between the caller and the fake, and what the proxy judged."""
    found: list[Relay] = []

    async def main() -> Result:
        async with relaying(
            out,
            dialect=job.dialect,
            script=loaded.scenario.fake,
            audio=lambda name: opus.encode(wav.load(resolve_audio(loaded.path, name))),
            key=FAKE_KEY,
        ) as relay:
            found.append(relay)
            endpoints = fake_endpoints(job.dialect, relay.url, api_key=FAKE_KEY)
            ready = Ready(job, prepared(job, loaded).loaded, endpoints)
            return judged(ready, await make_call(ready))

    return clock.run(main, time="virtual"), found[0]


def outcomes(result: Result) -> dict[str, str]:
    return {rule.id: rule.outcome.value for rule in result.rules}


# One of each kind that the area has: spoken, by hand, detected, typed, cut off, nothing said.
TURNS = (
    "caller-speaks-assistant-answers",
    "cleared-audio-is-no-turn",
    "create-response-false-waits-for-the-client",
    "manual-turn-is-committed-by-the-client",
    "semantic-detection-ends-an-eager-turn",
    "silence-is-no-turn",
    "speech-that-is-cut-off-ends-the-turn",
    "two-turns-in-one-call",
)


@pytest.mark.parametrize("name", TURNS)
def test_a_scenario_ends_as_it_does_without_the_proxy(name: str, tmp_path: Path) -> None:
    path = SUITE / "turns" / f"{name}.yaml"
    loaded = load(path)
    dialect = next(iter(loaded.dialects))
    job = Job(path, f"scenarios/{path.parent.name}/{path.name}", dialect)
    direct = run_job(job, loaded)
    relayed, relay = through_the_proxy(job, loaded, tmp_path)
    assert (relayed.verdict, relayed.error) == (direct.verdict, direct.error)
    assert outcomes(relayed) == outcomes(direct)
    assert [one.met for one in relayed.expectations] == [one.met for one in direct.expectations]
    seen = {one.scenario: one.verdict for one in relay.results}
    assert set(seen.values()) == {"conformant"}, [
        (one.id, one.error, [rule for rule in one.rules if rule.failures]) for one in relay.results
    ]


def failed(result: Result) -> set[str]:
    return {rule.id for rule in result.rules if rule.outcome == "fail" and rule.severity != "info"}


@pytest.mark.parametrize(
    "name",
    [
        "rsp-done-missing",
        "call-id-differs-at-end",
        "answer-without-setup",
        "audio-at-triple-speed",
        "dcep-not-acknowledged",
        "call-dropped",
        "key-rate-limited-silently",
    ],
)
def test_a_fault_of_the_service_is_found_where_the_service_is_judged(name: str, tmp_path: Path) -> None:
    fault = FAULTS[name]
    job = job_of(fault, faults=())
    loaded = load(job.path)
    fake = loaded.scenario.fake.model_copy(update={"faults": [name]})
    _, relay = through_the_proxy(
        job, replace(loaded, scenario=loaded.scenario.model_copy(update={"fake": fake})), tmp_path
    )
    client, service = relay.results
    assert set(fault.caught_by) <= failed(service)
    assert failed(client) == set()
    assert client.verdict in ("conformant", "inconclusive", "error")


@pytest.mark.parametrize(
    "name", ["event-before-open", "never-hangs-up", "stream-of-the-other-side", "item-id-used-twice"]
)
def test_a_fault_of_the_client_is_found_where_the_client_is_judged(name: str, tmp_path: Path) -> None:
    fault = CLIENT_FAULTS[name]
    job = job_of(fault, faults=())
    loaded = load(job.path)
    caller = loaded.scenario.caller.model_copy(update={"faults": [name]})
    _, relay = through_the_proxy(
        job, replace(loaded, scenario=loaded.scenario.model_copy(update={"caller": caller})), tmp_path
    )
    client, service = relay.results
    assert set(fault.caught_by) <= failed(client)
    assert failed(service) & set(fault.caught_by) == set()
    assert service.verdict != "nonconformant"
