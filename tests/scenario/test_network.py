"""The network of a scenario: units, presets with words replaced, and mistakes with their place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
from pydantic import ValidationError

from harness.errors import ScenarioError
from harness.netem.emulator import BurstLoss, Conditions
from harness.netem.emulator import Path as WayPath
from harness.scenario.loader import loads, scenario_schema
from harness.scenario.network import PRESETS, Network, parse_bandwidth, parse_percent
from harness.scenario.steps.network import Disturb

PATH = Path("x.yaml")


def network_of(text: str) -> Network | None:
    return loads(f"title: x\nnetwork: {text}\nsteps: []\n", PATH).scenario.network


def mistakes(text: str) -> str:
    with pytest.raises(ScenarioError) as caught:
        network_of(text)
    return str(caught.value)


def test_words_have_units_and_become_chances_and_seconds() -> None:
    network = network_of("{loss: 5%, delay: 80ms, jitter: 20ms, burst_loss: {enter: 0.5%, leave: 30%}, cut_off: 1min}")
    assert network is not None
    assert (network.loss, network.delay, network.jitter, network.cut_off) == (0.05, 0.08, 0.02, 60.0)
    assert network.burst_loss is not None
    assert (network.burst_loss.enter, network.burst_loss.leave, network.burst_loss.loss) == (0.005, 0.3, 1.0)


def test_without_a_network_nothing_is_disturbed() -> None:
    assert loads("title: x\nsteps: []\n", PATH).scenario.network is None


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_its_name_and_can_be_changed(name: str) -> None:
    plain, changed = network_of(name), network_of(f"{{preset: {name}, delay: 200ms}}")
    assert plain is not None
    assert changed is not None
    assert changed.delay == 0.2
    assert changed.model_copy(update={"delay": plain.delay}) == plain
    assert plain == Network.model_validate(name)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("wify-bad", "x.yaml:2:10: \"wify-bad\" is not known here; did you mean 'wifi-bad'?"),
        ("{preset: 3gg}", "x.yaml:2:19: \"3gg\" is not known here; did you mean '3g'?"),
        (
            "{loss: 0.05}",
            "x.yaml:2:17: loss: 0.05 is not a percentage; write a number from 0 to 100 and a percent sign",
        ),
        ("{loss: 101%}", "'101%' is not a percentage"),
        ("{delay: 80}", "x.yaml:2:18: delay: 80 is not a duration"),
        ("{jiter: 20ms}", "x.yaml:2:11: unknown key 'jiter'; did you mean 'jitter'?"),
        ("{burst_loss: {enter: 1%}}", "burst_loss needs 'leave'"),
        ("{audio_lost: both}", '"both" is not known here'),
        ("{blackout: {after: 1s, lasts: 3s, every: 2s}}", "every must be longer than lasts"),
        ("5", "network: must be a mapping"),
        (
            "{bandwidth: 64}",
            "x.yaml:2:22: bandwidth: 64 is not a bandwidth; write a number above 0 and a unit: 64kbps, 1.5Mbps",
        ),
        ("{bandwidth: 0kbps}", "'0kbps' is not a bandwidth"),
        ("{bandwith: 64kbps}", "x.yaml:2:11: unknown key 'bandwith'; did you mean 'bandwidth'?"),
        ("{sent: {los: 5%}}", "x.yaml:2:18: unknown key 'los'; did you mean 'loss'?"),
        ("{sent: {blackout: 5s}}", "unknown key 'blackout'; known here: loss, burst_loss, delay"),
        ("{received: wifi-bad}", 'x.yaml:2:21: received: must be a mapping, not "wifi-bad"'),
        ("{up: {loss: 5%}}", "x.yaml:2:11: unknown key 'up'"),
    ],
)
def test_a_mistake_is_named_with_its_place(text: str, wanted: str) -> None:
    assert wanted in mistakes(text)


def test_a_mistake_in_a_step_is_named_with_its_place() -> None:
    for step, wanted in (
        ("wifi-bed", "x.yaml:2:18: \"wifi-bed\" is not known here; did you mean 'wifi-bad'?"),
        ("{loss: 5}", "x.yaml:2:25: loss: 5 is not a percentage"),
        ("{lost: 5%}", "x.yaml:2:19: unknown key 'lost'; did you mean 'loss'?"),
        ("", "network: must be a mapping"),
    ):
        with pytest.raises(ScenarioError) as caught:
            loads(f"title: x\nsteps: [network: {step}]\n", PATH)
        assert wanted in str(caught.value)


def test_a_direction_replaces_the_words_that_it_gives() -> None:
    network = network_of(
        "{preset: 3g, sent: {loss: 10%}, received: {bandwidth: 1.5Mbps, burst_loss: {enter: 1%, leave: 50%}}}"
    )
    assert network is not None
    set_to = network.conditions
    assert set_to.sent == WayPath(loss=0.1, burst_loss=BurstLoss(0.003, 0.4), delay=0.11, jitter=0.04)
    assert set_to.received == WayPath(
        loss=0.01, burst_loss=BurstLoss(0.01, 0.5), delay=0.11, jitter=0.04, bandwidth=1.5e6
    )
    assert set_to.loss == 0.01
    plain = network_of("3g")
    assert plain is not None
    assert (plain.conditions.sent, plain.conditions.received) == (None, None)


def test_a_step_is_a_network_of_the_scenarios_own() -> None:
    step = loads("title: x\nsteps: [network: {preset: clean}]\n", PATH).scenario
    assert isinstance(step.steps[0], Disturb)
    assert step.steps[0].network.conditions == Conditions()
    assert step.has_network
    assert not loads("title: x\nsteps: []\n", PATH).scenario.has_network


@pytest.mark.parametrize(("text", "bits"), [("64kbps", 64e3), ("1.5 Mbps", 1.5e6)])
def test_a_bandwidth_is_bits_a_second(text: str, bits: float) -> None:
    assert parse_bandwidth(text) == bits


@pytest.mark.parametrize(("text", "share"), [("5%", 0.05), ("0.5 %", 0.005), ("0%", 0.0), ("100%", 1.0)])
def test_a_percentage_is_a_share(text: str, share: float) -> None:
    assert parse_percent(text) == share


@pytest.mark.parametrize("value", [5, 0.05, "5", "%", "-1%", "100.1%", "1e1%", None, True, "5 percent"])
def test_anything_else_is_no_percentage(value: object) -> None:
    with pytest.raises(ValueError, match="is not a percentage"):
        parse_percent(value)


@pytest.mark.parametrize(
    "value",
    [
        "wifi-bad",
        {"preset": "3g", "loss": "2%"},
        {"blackout": {"after": "1s", "lasts": "2s"}},
        {"bandwidth": "64kbps", "queue": "1s", "sent": {"loss": "5%"}},
    ],
)
def test_the_schema_takes_what_the_model_takes(value: Any) -> None:
    validator = jsonschema_rs.Draft202012Validator(scenario_schema())
    assert validator.is_valid({"title": "x", "network": value})
    assert validator.is_valid({"title": "x", "steps": [{"network": value}]})


@pytest.mark.parametrize(
    "value",
    [
        "wifi",
        5,
        {"bandwidth": 64},
        {"sent": "wifi-bad"},
        {"loss": 0.05},
        {"loss": "5"},
        {"preset": "wifi"},
        {"jiter": "2ms"},
    ],
)
def test_the_schema_refuses_what_the_model_refuses(value: Any) -> None:
    validator = jsonschema_rs.Draft202012Validator(scenario_schema())
    assert not validator.is_valid({"title": "x", "network": value})
    assert not validator.is_valid({"title": "x", "steps": [{"network": value}]})
    with pytest.raises(ValidationError):
        Network.model_validate(value)


def test_the_schema_describes_every_preset() -> None:
    choices = scenario_schema()["$defs"]["AnyNetwork"]["anyOf"]
    assert {one["const"]: one["description"] for one in choices if "const" in one} == {
        name: text for name, (text, _) in PRESETS.items()
    }
