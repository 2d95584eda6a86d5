"""Every fault of the caller is caught by both ends of the call, and every rule about clients is shown failing."""

from __future__ import annotations

import pytest

from harness.client.faults import CLIENT_FAULTS
from harness.rules.base import REGISTRY, SERVICE
from harness.rules.catalogue import all_rules
from harness.selftest_clients import (
    UNPROVEN_OF_CLIENTS,
    ShownByClient,
    judged_by_both,
    proven_by_clients,
    shown_by_client,
    unexplained_of_clients,
)
from tests.traces import event, trace


@pytest.mark.parametrize("name", CLIENT_FAULTS)
def test_a_fault_is_caught_by_exactly_its_rules(name: str) -> None:
    shown = shown_by_client(name)
    assert (shown.missed, shown.extra) == ((), ())


def test_every_rule_about_clients_has_a_fault_or_a_reason() -> None:
    named = frozenset(id for fault in CLIENT_FAULTS.values() for id in fault.caught_by)
    assert unexplained_of_clients(named) == ()
    assert not named & set(UNPROVEN_OF_CLIENTS), "a rule that is proven needs no reason"


def test_reasons_stand_for_rules_that_exist() -> None:
    assert all_rules()
    for id, reason in UNPROVEN_OF_CLIENTS.items():
        assert REGISTRY[id].who != SERVICE
        assert reason


def test_a_rule_that_fails_nothing_makes_the_fault_missed() -> None:
    fault = CLIENT_FAULTS["second-channel"]
    silent = {"client": [trace(observer="client")], "service": [trace(observer="service")]}
    shown = judged_by_both(fault, silent, skip={})
    assert shown.outcome == "missed"
    assert shown.missed == ("DC-04 at the client", "DC-04 at the service")
    assert proven_by_clients([shown]) == frozenset()


def test_a_rule_that_nobody_named_makes_the_fault_extra() -> None:
    shown = ShownByClient("second-channel", {"client": ("DC-04", "DC-09")}, (), ("DC-09 at the client",))
    assert shown.outcome == "extra"
    assert shown.to_json()["outcome"] == "extra"
    assert shown.to_json()["failed"] == ["DC-04", "DC-09"]


def test_a_milestone_that_is_reached_makes_its_fault_missed() -> None:
    fault = CLIENT_FAULTS["no-session-update"]
    update = event(0.0, "client", "session.update", session={"type": "realtime"})
    reached = judged_by_both(fault, {"client": [trace(update)]}, skip={})
    assert reached.missed == ("session.update at the client",)
    assert judged_by_both(fault, {"client": [trace()]}, skip={}).missed == ()


def test_a_bug_is_never_caught() -> None:
    fault = CLIENT_FAULTS["no-session-update"]
    assert judged_by_both(fault, {"client": [trace()]}, skip={}, bug="a check raised").outcome == "extra"
