"""Every example in a rule's docstring is a test: the trace it describes is judged, and the outcome must be what the label says."""

from __future__ import annotations

from collections import Counter

import pytest

from harness.rules.base import BOTH, INFO, Outcome, Rule, judge_rule
from harness.rules.catalogue import all_rules
from harness.rules.examples import Example, examples_of

RULES = all_rules()
EXAMPLES = [(one, example) for one in RULES for example in examples_of(one)]


@pytest.mark.parametrize(("one", "example"), EXAMPLES, ids=[f"{one.id}:{example.line}" for one, example in EXAMPLES])
def test_example(one: Rule, example: Example) -> None:
    result = judge_rule(one, example.trace)
    assert result.outcome is example.expected, f"\n{example.text}\n-> {result}"


@pytest.mark.parametrize("one", RULES, ids=lambda one: one.id)
def test_shows_good_and_bad(one: Rule) -> None:
    labels = Counter(example.label for example in examples_of(one))
    assert labels["Okay"], "no Okay example"
    # A measurement cannot fail; everything else shows how it does.
    assert labels["Fail"] or one.severity == INFO, "no Fail example"


@pytest.mark.parametrize("one", RULES, ids=lambda one: one.id)
def test_failures_say_what_was_expected_and_what_was_seen(one: Rule) -> None:
    for example in examples_of(one):
        for failure in judge_rule(one, example.trace).failures:
            assert failure.expected, example.text
            assert all(failure.expected), example.text
            assert failure.actual, example.text
            assert 0 <= failure.entry < len(example.trace.entries)


@pytest.mark.parametrize("one", RULES, ids=lambda one: one.id)
def test_a_rule_that_saw_nothing_is_not_green(one: Rule) -> None:
    """An empty trace exercises no rule, in any dialect it applies in and from either side."""
    example = next(iter(examples_of(one)))
    for dialect in one.dialects:
        for observer in one.observers:
            header = type(example.trace.header)(observer, dialect)  # type: ignore[arg-type]
            empty = type(example.trace)(header, (), "completed")
            assert judge_rule(one, empty).outcome is Outcome.NOT_EXERCISED


@pytest.mark.parametrize("one", RULES, ids=lambda one: one.id)
def test_explanation_comes_before_the_examples(one: Rule) -> None:
    first = one.doc.split("\n\n")[0].strip()
    assert len(first) > 30
    assert first[0].isupper() or not first[0].isalpha() or first.split()[0] in one.doc
    assert not first.startswith(("Okay", "Fail"))
    assert first[-1] in '.:)"', first


def test_both_parties_are_judged_somewhere() -> None:
    assert {one.who for one in RULES} >= {"client", "service", BOTH}
