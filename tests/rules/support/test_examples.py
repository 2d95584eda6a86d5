"""Every example in a rule's docstring is a test: the trace it describes is judged, and the outcome must be what the label says."""

from __future__ import annotations

import inspect
import re
from collections import Counter
from collections.abc import Iterator

import pytest

from harness.protocol.dialects import DIALECTS
from harness.rules.base import BOTH, INFO, Observation, Outcome, Rule, View, judge_rule
from harness.rules.catalogue import all_rules
from harness.rules.support.examples import Example, examples_of
from harness.rules.support.short_forms import LABEL

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
    word = first.split()[0]
    # A sentence begins with a capital, unless with a word of the wire: one that only looks like a word stands in an example.
    wire = any(re.search(rf"\b{word}\b", example.text) for example in examples_of(one)) if word.isalpha() else True
    assert not word.islower() or wire, first
    assert not first.startswith(("Okay", "Fail"))
    assert first[-1] in '.:)"', first


@pytest.mark.parametrize("one", RULES, ids=lambda one: one.id)
def test_examples_fit_a_screen(one: Rule) -> None:
    written = inspect.cleandoc(one.check.__doc__ or "").splitlines()
    first = next(number for number, line in enumerate(written) if LABEL.match(line))
    assert [line for line in written[first:] if len(line) > 116] == []


def test_both_parties_are_judged_somewhere() -> None:
    assert {one.who for one in RULES} >= {"client", "service", BOTH}


def example_of(*lines: str, label: str = "Okay", dialects: tuple[str, ...] = ("azure-ga",)) -> Example:
    def check(view: View) -> Iterator[Observation]:
        yield from ()

    check.__doc__ = "\n".join(["a title", "", "Explains.", "", f"    {label}:", *(f"        {line}" for line in lines)])
    one = Rule("DC-99", "t", "both", INFO, "D", "s", check, dialects=frozenset(dialects))
    return next(iter(examples_of(one)))


class TestLanguage:
    def test_entries_events_and_time(self) -> None:
        trace = example_of(
            'harness.note {"text": "x"}',
            "> response.cancel {}",
            "+1.5s",
            '< error {"error": {}}',
            "+20ms",
            '< x {"event_id": "__absent__"}',
        ).trace
        assert [(entry.seq, entry.t, entry.kind, entry.type) for entry in trace.entries] == [
            (0, 0.0, "harness.note", ""),
            (1, 0.0, "event.sent", "response.cancel"),
            (2, 1.5, "event.received", "error"),
            (3, 1.52, "event.received", "x"),
        ]
        assert ["event_id" in entry.event for entry in trace.entries[1:]] == [False, True, False]

    def test_events_seen_by_the_service(self) -> None:
        trace = example_of("> response.cancel {}", "< error {}", label="Okay[azure-ga service]").trace
        assert [entry.kind for entry in trace.entries] == ["event.received", "event.sent"]

    @pytest.mark.parametrize("dialect", DIALECTS)
    def test_exchanges_are_correct_in_every_dialect(self, dialect: str) -> None:
        lines = ("request key", "+10ms", "response key", "offer", "request call", "response call", "answer")
        trace = example_of(*lines, label=f"Okay[{dialect}]", dialects=tuple(DIALECTS)).trace
        assert [entry.data["id"] for entry in trace.of("http")] == [1, 1, 2, 2]
        assert [one.id for one in RULES if judge_rule(one, trace).outcome is Outcome.FAIL] == []

    def test_edits_of_an_exchange(self) -> None:
        trace = example_of(
            'request key {"query": "a=1", "headers": {"api-key": "__absent__", "x": "y"}, "body": {"session": {"type": "other"}}}',
            'response key {"status": 429, "headers": {"retry-after": "1"}}',
        ).trace
        request, response = (entry.data for entry in trace.entries)
        assert request["url"].endswith("?a=1")
        assert request["headers"] == {"content-type": "application/json", "x": "y"}
        assert request["body"]["session"]["type"] == "other"
        assert request["body"]["session"]["model"]
        assert (response["status"], response["headers"]["retry-after"]) == (429, "1")
        assert response["body"]["error"]["message"]

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            ("offer s|no such line|x|", "changes nothing"),
            ("nonsense {}", "not an entry"),
            ("http.request {", "DC-99, docstring line 3"),
        ],
    )
    def test_mistakes_are_named(self, line: str, message: str) -> None:
        with pytest.raises(ValueError, match=message):
            example_of(line)
