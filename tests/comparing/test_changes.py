"""What changed between the runs of one scenario."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness.comparing.changes import causes, milestones, orders, rules, steps, verdicts
from harness.comparing.facts import Step
from harness.rules.base import SHOULD, Outcome
from tests.comparing.runs import GOOD, events, run
from tests.comparing.runs import rules as outcomes

FAILS, OPEN, UNSEEN = (outcomes(RSP_03=one) for one in (Outcome.FAIL, Outcome.INCONCLUSIVE, Outcome.NOT_EXERCISED))


@pytest.mark.parametrize(
    ("before", "after", "worse", "better"),
    [
        ("conformant", "conformant", False, False),
        ("conformant", "inconclusive", True, False),
        ("conformant", "error", True, False),
        ("inconclusive", "nonconformant", True, False),
        ("error", "nonconformant", True, False),
        ("nonconformant", "conformant", False, True),
        ("error", "conformant", False, True),
        ("nonconformant", "error", False, False),
    ],
)
def test_verdicts(before: str, after: str, worse: bool, better: bool) -> None:
    found = verdicts([run(verdict=before)], [run(verdict=after)])
    assert (found.worse, found.better, found.changed) == (worse, better, before != after)


def test_a_verdict_is_worse_where_significantly_more_runs_are() -> None:
    bad = run(verdict="nonconformant")
    often = [bad] * 6 + [GOOD] * 4
    assert verdicts([bad, *[GOOD] * 9], often).worse
    assert not verdicts([bad, *[GOOD] * 9], [bad, bad, *[GOOD] * 8]).worse
    assert verdicts(often * 2, [bad, *[GOOD] * 19]).better
    assert not verdicts([bad, GOOD], [bad, bad, GOOD, GOOD]).changed


@pytest.mark.parametrize(
    ("before", "after", "kind", "regression"),
    [
        (GOOD.rules, FAILS, "newly failing", True),
        (UNSEEN, FAILS, "newly failing", True),
        (FAILS, GOOD.rules, "newly passing", False),
        (GOOD.rules, UNSEEN, "now not exercised", False),
        (FAILS, UNSEEN, "now not exercised", False),
        (UNSEEN, GOOD.rules, "now exercised", False),
        (GOOD.rules, OPEN, "now open", False),
        ({}, FAILS, "new rule", False),
        (FAILS, {}, "rule gone", False),
    ],
)
def test_rules(before: object, after: object, kind: str, regression: bool) -> None:
    found = [one for one in rules([run(rules=before)], [run(rules=after)]) if one.id == "RSP-03"]
    assert [(one.kind, one.regression) for one in found] == [(kind, regression)]


def test_a_recommendation_that_fails_is_told_and_no_regression() -> None:
    fails = {**GOOD.rules, "RSP-03": (Outcome.FAIL, SHOULD)}
    (found,) = rules([GOOD], [run(rules=fails, shown={"RSP-03": "nothing came"})])
    assert (found.kind, found.regression, found.actual) == ("newly failing", False, "nothing came")


def test_rules_that_a_dialect_does_not_have_are_left_out() -> None:
    assert rules([GOOD], [run(rules=outcomes(RSP_03=Outcome.NOT_APPLICABLE))]) == ()


def test_a_rule_that_fails_more_often_fails_so_often_that_it_is_no_chance() -> None:
    bad = run(rules=FAILS)
    assert [one.kind for one in rules([bad] + [GOOD] * 9, [bad] * 9 + [GOOD])] == ["failing more often"]
    assert [one.kind for one in rules([bad] * 9 + [GOOD], [bad] + [GOOD] * 9)] == ["failing less often"]
    assert rules([bad] + [GOOD] * 9, [bad] * 2 + [GOOD] * 8) == ()


def test_causes() -> None:
    found = causes([run(causes=("a", "b"))], [run(causes=("c", "b"), words={"c": "C broke."})])
    assert (found.first, found.new, found.gone, found.words) == (("a", "c"), ("c",), ("a",), "C broke.")
    assert not causes([GOOD], [GOOD]).changed


def step(number: int, expected: str, *, met: bool = True, reached: bool = True, demanded: bool = True) -> Step:
    return Step(number, expected, "seen", met, reached, demanded)


def test_a_step_is_the_same_by_its_number_whatever_was_saved_or_spoken() -> None:
    before = run(steps=(step(1, "response.done where id is a"),))
    (found,) = steps([before], [run(steps=(step(1, "response.done where id is b", met=False),))])
    assert (found.newly, found.regression, found.step.number) == (True, True, 1)


def test_a_step_is_the_same_by_its_words_where_others_were_put_before_it() -> None:
    before = run(steps=(step(1, "x"), step(2, "y", met=False)))
    assert list(steps([before], [run(steps=(step(1, "new"), step(2, "x"), step(3, "y", met=False)))])) == []


def test_a_step_that_was_not_reached_or_not_there_is_not_newly_missed() -> None:
    missed = run(steps=(step(1, "x"), step(2, "y", met=False)))
    stopped = run(steps=(step(1, "x", met=False), step(2, "y", met=False, reached=False)))
    assert [(one.newly, one.step.number) for one in steps([stopped], [missed])] == [(False, 1)]
    assert list(steps([run(steps=(step(1, "x"),))], [missed])) == []


def test_a_step_that_depends_on_the_model_is_no_regression() -> None:
    (found,) = steps([run(steps=(step(1, "x"),))], [run(steps=(step(1, "x", met=False, demanded=False),))])
    assert not found.regression


def test_milestones_by_their_share() -> None:
    late = run(milestones={"key": 0.1, "first-audio": None})
    assert milestones([GOOD, GOOD], [GOOD, late]) == {"first-audio": (2, 1)}
    assert milestones([GOOD], [GOOD, GOOD]) == {}


def test_order() -> None:
    before = run(order=events("> session.update", "< session.updated", "< response.created", "< response.done"))
    after = run(order=events("> session.update", "< session.updated", "< error"))
    found = orders([before], [after])
    assert found is not None
    assert (found.at, found.context) == (2, ("> session.update", "< session.updated"))
    assert (found.before, found.after, found.entries) == ("< response.created", "< error", (2, 2))
    assert (found.only_before, found.only_after) == (("< response.created", "< response.done"), ("< error",))


def test_an_order_that_ends_earlier_and_one_that_is_known() -> None:
    short = run(order=events("> a"))
    long = run(order=events("> a", "< b"))
    found = orders([long], [short])
    assert found is not None
    assert (found.before, found.after, found.entries) == ("< b", "the end", (1, None))
    assert orders([short, long], [long, short]) is None
    assert orders([replace(long, order=None)], [short]) is None
