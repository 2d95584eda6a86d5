"""The registry's laws, and how an outcome follows from observations."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.protocol.dialects import ALL, BETA, DIALECTS, GA
from harness.rules import base
from harness.rules.base import (
    CLIENT,
    DOCUMENTED,
    FAMILIES,
    INFO,
    MUST,
    REGISTRY,
    SHOULD,
    UNOBSERVABLE,
    Family,
    Observation,
    Outcome,
    Rule,
    Severity,
    Unobservable,
    View,
    bad,
    good,
    judge_rule,
    judged,
    open_at_end,
)
from harness.rules.catalogue import all_rules, unobservable_rules
from harness.trace import Entry, Header, Trace
from tests.judging_all import failures_of, judge_all

ENTRY = Entry(3, 0.5, "harness.note", {"text": "x"})
oks = st.sampled_from([True, False, None])


def trace(*entries: tuple[str, dict[str, Any]], dialect: str = "azure-ga", observer: str = "client") -> Trace:
    rows = (Entry(seq, float(seq), kind, data) for seq, (kind, data) in enumerate(entries))
    return Trace(Header(observer, dialect), tuple(rows), "completed")  # type: ignore[arg-type]


def declared(*seen: bool | None, **more: Any) -> Rule:
    """A rule outside the registry that observes exactly this."""

    def check(view: View) -> Iterator[Observation]:
        """t

        Nothing but a test.
        """
        for ok in seen:
            yield Observation(0, ok, ("x",), "y")

    fields: dict[str, Any] = {
        "id": "DC-99", "title": "t", "who": "both", "severity": MUST, "confidence": "D", "source": "s", "check": check,
    }  # fmt: skip
    return Rule(**{**fields, **more})


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """A registry of its own for a test that declares rules."""
    rules: dict[str, Rule] = {}
    monkeypatch.setattr(base, "_RULES", rules)
    monkeypatch.setattr(base, "_UNOBSERVABLE", {})
    monkeypatch.setattr(base, "_FAMILIES", {})
    family = Family("DC", "a family", rank=1, who="both", hidden_by_filter=True)

    def declare(
        number: str = "99", doc: str | None = "a title\n\nA docstring.", severity: Severity = MUST, **more: Any
    ) -> Rule:
        def check(view: View) -> Iterator[Observation]:
            yield from ()

        check.__doc__ = doc
        family.rule(number, severity, more.pop("confidence", DOCUMENTED), "s", "t", **more)(check)
        return rules[f"DC-{number}"]

    return declare


class TestRegistry:
    def test_ids_are_well_formed_and_of_a_known_family(self) -> None:
        for one in (*all_rules(), *unobservable_rules()):
            assert re.fullmatch(r"[A-Z]{2,4}-\d\d", one.id)
            assert one.id.partition("-")[0] in FAMILIES

    def test_no_number_is_missing_in_a_family(self) -> None:
        """A catalogue row is either a rule or listed as unobservable, never silently left out."""
        numbers: dict[str, set[int]] = {}
        for one in (*all_rules(), *unobservable_rules()):
            family, _, number = one.id.partition("-")
            numbers.setdefault(family, set()).add(int(number))
        missing = {family: sorted(set(range(1, max(found))) - found) for family, found in numbers.items()}
        assert {family: numbers for family, numbers in missing.items() if numbers} == {}

    def test_a_rule_is_not_also_unobservable(self) -> None:
        assert not set(REGISTRY) & set(UNOBSERVABLE)

    def test_a_must_rests_on_facts(self) -> None:
        assert [one.id for one in all_rules() if one.severity == MUST and one.confidence in ("I", "U")] == []
        assert {severity for one in all_rules() for severity in one.per_dialect.values()} <= {MUST, SHOULD, INFO}

    @pytest.mark.parametrize("one", all_rules(), ids=lambda one: one.id)
    def test_declaration_is_complete(self, one: Rule) -> None:
        assert one.title
        assert one.title == one.title.strip().rstrip(".")
        assert one.source.strip()
        assert "[" not in one.source, "sources are spelled out"
        assert one.dialects
        assert one.dialects <= set(ALL)
        assert one.observers
        assert one.observers <= {"client", "service"}
        assert set(one.per_dialect) <= one.dialects
        assert one.severity in (MUST, SHOULD, INFO)
        assert one.confidence in "DOIU"
        assert one.who in ("client", "service", "both")

    @pytest.mark.parametrize("one", unobservable_rules(), ids=lambda one: one.id)
    def test_unobservable_rows_say_why(self, one: Unobservable) -> None:
        assert one.title
        assert len(one.reason) > 20

    def test_titles_are_different(self) -> None:
        families = [(one.id.partition("-")[0], one.title) for one in all_rules()]
        assert len(families) == len(set(families))

    def test_order_is_family_then_number(self) -> None:
        rules = all_rules()
        assert list(rules) == sorted(rules, key=lambda one: (FAMILIES[one.family].rank, int(one.id.split("-")[1])))
        assert [result.id for result in judge_all(trace())] == [one.id for one in rules]

    def test_the_view_of_the_registry_cannot_be_changed(self) -> None:
        with pytest.raises(TypeError):
            REGISTRY["DC-98"] = declared()  # type: ignore[index]

    def test_dialect_sets_come_from_the_table(self) -> None:
        assert {*GA, *BETA} == set(ALL) == set(DIALECTS)
        assert not {*GA} & {*BETA}


class TestDeclaring:
    def test_a_good_one(self, registry: Callable[..., Rule]) -> None:
        one = registry(dialects=("azure-ga",), per_dialect={"azure-ga": INFO})
        assert (one.id, one.family, one.title, one.doc, one.source) == (
            "DC-99",
            "DC",
            "a title",
            "A docstring.",
            "s; t",
        )
        assert one.severity_in("azure-ga") == INFO
        assert one.severity_in("openai-ga") == MUST

    def test_what_a_rule_does_not_say_its_family_says(self, registry: Callable[..., Rule]) -> None:
        default, own = registry(), registry("98", who=CLIENT, hidden_by_filter=False)
        assert (default.who, default.hidden_by_filter) == ("both", True)
        assert (own.who, own.hidden_by_filter) == ("client", False)

    def test_the_same_id_twice(self, registry: Callable[..., Rule]) -> None:
        registry()
        family = base._FAMILIES["DC"]
        with pytest.raises(ValueError, match="DC-99 is declared twice"):
            registry()
        with pytest.raises(ValueError, match="DC-99 is declared twice"):
            family.unobservable("99", "t", MUST, "r")
        family.unobservable("98", "t", MUST, "r")
        with pytest.raises(ValueError, match="DC-98 is declared twice"):
            registry("98")

    @pytest.mark.parametrize(("id", "rank"), [("DC", 2), ("ICE", 1)])
    def test_a_family_in_the_place_of_another(self, registry: Callable[..., Rule], id: str, rank: int) -> None:
        with pytest.raises(ValueError, match="is taken"):
            Family(id, "t", rank=rank, who="both")

    @pytest.mark.parametrize("confidence", ["I", "U"])
    def test_a_must_without_facts(self, registry: Callable[..., Rule], confidence: str) -> None:
        with pytest.raises(ValueError, match="never a MUST"):
            registry(confidence=confidence)
        assert registry(confidence=confidence, severity=SHOULD).severity == SHOULD

    @pytest.mark.parametrize("doc", [None, "", "a title", "a title\nof two lines\n\nA docstring."])
    def test_a_check_without_a_title_and_an_explanation(self, registry: Callable[..., Rule], doc: str | None) -> None:
        with pytest.raises(ValueError, match="no title with an explanation"):
            registry(doc=doc)


class TestObservations:
    def test_good_bad_open(self) -> None:
        assert good(ENTRY, "seen") == Observation(3, True, (), "seen")
        assert bad(ENTRY, "one", "seen") == Observation(3, False, ("one",), "seen")
        assert bad(ENTRY, ["one", "two"], "seen").expected == ("one", "two")
        assert open_at_end(ENTRY, "more") == Observation(3, None, ("more",), "the trace ended first")

    def test_judged_is_one_of_them(self) -> None:
        assert judged(ENTRY, True, "x", "seen") == good(ENTRY, "seen")
        assert judged(ENTRY, False, "x", "seen") == bad(ENTRY, "x", "seen")


class TestOutcome:
    @pytest.mark.parametrize(
        ("seen", "outcome"),
        [
            ((), Outcome.NOT_EXERCISED),
            ((True,), Outcome.PASS),
            ((True, True), Outcome.PASS),
            ((True, None), Outcome.INCONCLUSIVE),
            ((None,), Outcome.INCONCLUSIVE),
            ((None, False, True), Outcome.FAIL),
            ((False,), Outcome.FAIL),
        ],
    )
    def test_is_computed(self, seen: tuple[bool | None, ...], outcome: Outcome) -> None:
        assert judge_rule(declared(*seen), trace()).outcome is outcome

    @given(st.lists(oks))
    def test_one_failure_decides_and_nothing_seen_is_never_green(self, seen: list[bool | None]) -> None:
        result = judge_rule(declared(*seen), trace())
        assert (result.outcome is Outcome.FAIL) == (False in seen)
        assert (result.outcome is Outcome.PASS) == (bool(seen) and set(seen) == {True})
        assert result.observations == len(seen)
        assert len(result.failures) == (seen.count(False) or seen.count(None))

    def test_skipped_with_the_reason(self) -> None:
        result = judge_rule(declared(False), trace(), skip={"DC-99": "known"})
        assert (result.outcome, result.note) == (Outcome.SKIPPED, "known")

    def test_not_applicable_elsewhere(self) -> None:
        assert judge_rule(declared(False, dialects=BETA), trace()).outcome is Outcome.NOT_APPLICABLE
        assert judge_rule(declared(False, observers=frozenset({"service"})), trace()).outcome is Outcome.NOT_APPLICABLE
        assert judge_rule(declared(False), trace(dialect="somebody-elses")).outcome is Outcome.NOT_APPLICABLE

    @pytest.mark.parametrize(
        ("query", "dialect", "outcome"),
        [
            ("?webrtcfilter=on", "azure-ga", Outcome.NOT_OBSERVABLE),
            ("?x=1&webrtcfilter=on", "azure-ga", Outcome.NOT_OBSERVABLE),
            ("?webrtcfilter=only", "azure-ga", Outcome.FAIL),
            ("?webrtcfilter=off", "azure-ga", Outcome.FAIL),
            ("", "azure-ga", Outcome.FAIL),
            ("?webrtcfilter=on", "openai-ga", Outcome.FAIL),
        ],
    )
    def test_hidden_by_the_filter(self, query: str, dialect: str, outcome: Outcome) -> None:
        seen = trace(("http.request", {"step": "call", "url": f"https://host/calls{query}"}), dialect=dialect)
        assert judge_rule(declared(False, hidden_by_filter=True), seen).outcome is outcome

    def test_severity_of_the_dialect_counts(self) -> None:
        one = declared(False, per_dialect={"azure-preview": INFO})
        results = [judge_rule(one, trace(dialect=name)) for name in ("azure-preview", "azure-ga")]
        assert [result.severity for result in results] == [INFO, MUST]
        assert list(failures_of(results)) == results[1:]
        assert list(failures_of(results, INFO)) == results[:1]

    def test_json(self) -> None:
        assert judge_rule(declared(True, False), trace()).to_json() == {
            "id": "DC-99", "outcome": "fail", "severity": "must", "observations": 2,
            "failures": [{"entry": 0, "expected": ["x"], "actual": "y"}],
        }  # fmt: skip
        assert judge_rule(declared(), trace(), skip={"DC-99": "why"}).to_json()["note"] == "why"


class TestView:
    SEEN = (
        ("event.received", {"event": {"type": "response.audio.done"}}),
        ("event.received", {"event": {"type": "response.output_audio.done"}}),
        ("event.sent", {"event": {"type": "session.update"}}),
    )

    @pytest.mark.parametrize("observer", ["client", "service"])
    def test_events_by_canonical_or_wire_name(self, observer: str) -> None:
        kinds = {"client": "event.received", "service": "event.sent"}
        rows = [
            (kinds[observer] if kind == "event.received" else "event.received" if observer == "service" else kind, data)
            for kind, data in self.SEEN
        ]
        for name in ("response.output_audio.done", "response.audio.done"):
            view = View(trace(*rows, dialect="openai-beta", observer=observer), DIALECTS["openai-beta"])
            assert "response.audio.done" in [entry.type for entry in view.server(name)]
            assert [entry.type for entry in view.client("session.update")] == ["session.update"]
            assert len(view.server()) == 2


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(["key", "call", "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 96\r\n"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "step",
                    "id",
                    "url",
                    "headers",
                    "body",
                    "status",
                    "sdp",
                    "state",
                    "event",
                    "type",
                    "session",
                    "direction",
                    "at",
                    "label",
                    "t",
                ]
            )
            | st.text(max_size=4),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
kinds = st.sampled_from(
    ["http.request", "http.response", "http.failed", "sdp.offer", "sdp.answer", "sdp.rejected", "harness.config", "harness.error",
     "connection.ice", "connection.secured", "channel.open", "channel.created", "audio.speech", "event.sent", "event.received"]
)  # fmt: skip
FAMILIES_OF_HTTP_AND_SDP = ("HTTP", "OFF", "ANS", "FLT", "LAT", "SEC")


@given(
    st.lists(
        st.tuples(
            kinds,
            st.dictionaries(
                st.sampled_from(
                    ["id", "step", "url", "headers", "body", "status", "sdp", "state", "event", "direction", "at", "by"]
                ),
                json_values,
            ),
        ),
        max_size=5,
    ),
    st.sampled_from(sorted(DIALECTS)),
    st.sampled_from(["client", "service"]),
)
def test_no_check_raises_whatever_a_peer_did(
    entries: list[tuple[str, dict[str, Any]]], dialect: str, observer: str
) -> None:
    seen = trace(*entries, dialect=dialect, observer=observer)
    for one in all_rules():
        if one.family in FAMILIES_OF_HTTP_AND_SDP:
            judge_rule(one, seen)
