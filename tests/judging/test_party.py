"""A trace that names a party judges that one alone; any other trace judges both."""

from __future__ import annotations

from typing import Any

import pytest

from harness.judging.party import KEY, others_rules, own, party_of
from harness.judging.verdict import judge
from harness.rules.base import BOTH, REGISTRY, Outcome
from harness.rules.catalogue import all_rules
from harness.trace import Header, Recorder, Trace


def trace(party: str | None, **extra: Any) -> Trace:
    """A client's message that is no event, and one of the service's that is none either."""
    recorder = Recorder(
        Header("service", "azure-ga", extra={**({KEY: party} if party else {}), **extra}), iter(range(99)).__next__
    )
    for direction in ("received", "sent"):
        recorder.record("event.undecodable", direction=direction, reason="not JSON", text="x", size=1, binary=False)
    return recorder.close()


@pytest.mark.parametrize(("party", "seen"), [("client", [0]), ("service", [1]), (None, [0, 1]), ("nobody", [0, 1])])
def test_a_message_is_its_senders(party: str | None, seen: list[int]) -> None:
    results = {one.id: one for one in judge(trace(party)).rules}
    assert results["EVT-01"].outcome is Outcome.FAIL
    assert [one.entry for one in results["EVT-01"].failures] == seen


def test_rules_about_the_other_party_are_skipped_with_the_reason() -> None:
    results = {one.id: one for one in judge(trace("client")).rules}
    for rule in all_rules():
        about_service = rule.who == "service"
        assert (results[rule.id].outcome is Outcome.SKIPPED) == about_service
        if about_service:
            assert results[rule.id].note == "about the service, whose own trace is judged by it"
    assert others_rules(None, all_rules()) == {}


def test_a_rule_that_names_no_sender_is_about_both() -> None:
    both = [rule for rule in all_rules() if rule.who == BOTH]
    made = trace("client")
    assert {rule.by_sender for rule in both} == {True, False}
    assert own("client", REGISTRY["DC-01"], made) is own(None, REGISTRY["EVT-01"], made)
    assert not any(rule.by_sender for rule in all_rules() if rule.who != BOTH)


def test_the_party_is_read_from_the_header() -> None:
    assert (party_of({KEY: "client"}), party_of({KEY: "service"}), party_of({}), party_of({KEY: ["x"]})) == (
        "client",
        "service",
        None,
        None,
    )
