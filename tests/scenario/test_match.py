"""Paths, conditions, variables: the table of what holds, and that no event can make the matcher raise."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import ScenarioError
from harness.protocol.dialects import DIALECTS
from harness.scenario.match import (
    CONDITIONS,
    MISSING,
    Mismatch,
    as_text,
    conditions,
    describe,
    fill,
    known,
    lookup,
    matches,
    variables_in,
    wire_path,
)
from harness.scenario.schema import scenario_schema

EVENT: dict[str, Any] = {
    "type": "response.done",
    "response": {
        "status": "completed",
        "status_details": None,
        "output": [{"id": "item_1", "type": "message", "content": [{"type": "audio", "transcript": "I am sorry."}]}],
        "usage": {"total_tokens": 5, "cached": False},
    },
}

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=12,
)
finite_values = json_values.filter(lambda value: "NaN" not in json.dumps(value))
paths = st.lists(st.sampled_from(["response", "output", "0", "1", "-1", "status", "", "²", "9" * 30]), max_size=4).map(
    ".".join
)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("type", "response.done"),
        ("response.output.0.content.0.transcript", "I am sorry."),
        ("response.status_details", None),
        ("response.output.1", MISSING),
        ("response.output.-1", MISSING),
        ("response.output.x", MISSING),
        ("response.status.length", MISSING),
        ("response.nothing.at.all", MISSING),
        ("", MISSING),
    ],
)
def test_a_dotted_path_leads_to_its_value_or_nowhere(path: str, found: Any) -> None:
    assert lookup(EVENT, path) == found


@pytest.mark.parametrize(
    "where",
    [
        {},
        {"response.status": "completed"},
        {"response.status_details": None},
        {"response.status_details": {"equals": None}},
        {"response.status": {"matches": "^comp"}},
        {"response.output.0.content.0.transcript": {"matches": "(?i)SORRY"}},
        {"response.status": {"one_of": ["failed", "completed"]}},
        {"response.usage.total_tokens": {"at_least": 5, "at_most": 5.0}},
        {"response.usage.total_tokens": 5.0},
        {"response.usage.cached": False},
        {"response.status": {"contains": "plete"}},
        {"response.output": {"contains": {"type": "message"}}},
        {"response.output.0.content": {"contains": {"transcript": "I am sorry."}}},
        {"response.metadata": {"absent": True}},
        {"response.status_details": {"absent": False}},
        {"response.usage": {"equals": {"total_tokens": 5, "cached": False}}},
        {"response.output.0.id": "${item}"},
        {"response.usage.total_tokens": "${tokens}"},
        {"response.usage.total_tokens": {"at_most": "${tokens}"}},
        {"response.output.0.content.0.transcript": {"matches": "^${said}$"}},
    ],
)
def test_these_hold(where: dict[str, Any]) -> None:
    assert matches(EVENT, where, {"item": "item_1", "tokens": 5, "said": "I am sorry."}) is None


@pytest.mark.parametrize(
    ("where", "mismatch"),
    [
        (
            {"response.status": "failed"},
            Mismatch("response.status", 'is "failed"', '"completed"'),
        ),
        ({"response.nothing": None}, Mismatch("response.nothing", "is null", "absent")),
        ({"response.status_details": {"absent": True}}, Mismatch("response.status_details", "is absent", "null")),
        ({"response.metadata": {"absent": False}}, Mismatch("response.metadata", "is present", "absent")),
        ({"response.usage.cached": 0}, Mismatch("response.usage.cached", "is 0", "false")),
        ({"response.usage.cached": {"at_least": 0}}, Mismatch("response.usage.cached", "is at least 0", "false")),
        (
            {"response.usage.total_tokens": {"at_least": 1, "at_most": 4}},
            Mismatch("response.usage.total_tokens", "is at most 4", "5"),
        ),
        ({"response.usage.total_tokens": "5"}, Mismatch("response.usage.total_tokens", 'is "5"', "5")),
        (
            {"response.status": {"one_of": ["failed", "cancelled"]}},
            Mismatch("response.status", 'is one of "failed", "cancelled"', '"completed"'),
        ),
        (
            {"response.usage.total_tokens": {"matches": "5"}},
            Mismatch("response.usage.total_tokens", "matches /5/", "5"),
        ),
        (
            {"response.output": {"contains": {"type": "message", "id": "item_2"}}},
            Mismatch("response.output", 'contains {"type": "message", "id": "item_2"}', as_text(EVENT["response"]["output"])),
        ),
        ({"response.status": {"contains": "Comp"}}, Mismatch("response.status", 'contains "Comp"', '"completed"')),
        ({"type": "response.done", "response.id": "r"}, Mismatch("response.id", 'is "r"', "absent")),
    ],
)  # fmt: skip
def test_the_first_condition_that_fails_is_told_with_both_sides(where: dict[str, Any], mismatch: Mismatch) -> None:
    assert matches(EVENT, where, {}) == mismatch


def test_a_mismatch_reads_as_one_sentence() -> None:
    mismatch = matches(EVENT, {"response.status": "failed"}, {})
    assert str(mismatch) == 'expected response.status is "failed", got "completed"'


def test_a_variable_in_a_regular_expression_is_meant_literally() -> None:
    assert matches({"a": "axb"}, {"a": {"matches": "^${v}$"}}, {"v": "a.b"}) == Mismatch(
        "a", r"matches /^a\.b$/", '"axb"'
    )


def test_a_broken_regular_expression_is_a_scenario_error() -> None:
    with pytest.raises(ScenarioError, match="no regular expression"):
        matches({"a": "x"}, {"a": {"matches": "("}}, {})


@pytest.mark.parametrize(
    ("path", "dialect", "place"),
    [
        ("session.voice", "azure-ga", "session.audio.output.voice"),
        ("session.voice", "azure-preview", "session.voice"),
        ("session.audio.output.voice", "azure-preview", "session.voice"),
        ("session.max_output_tokens", "openai-beta", "session.max_response_output_tokens"),
        ("session.max_response_output_tokens", "openai-ga", "session.max_output_tokens"),
        ("session.turn_detection.threshold", "openai-ga", "session.audio.input.turn_detection.threshold"),
        ("session.temperature", "openai-ga", None),
        ("session.type", "azure-preview", None),
        ("session.id", "azure-ga", "session.id"),
        ("session", "azure-ga", "session"),
        ("response.voice", "azure-ga", "response.voice"),
    ],
)
def test_session_settings_are_found_where_the_dialect_keeps_them(path: str, dialect: str, place: str | None) -> None:
    assert wire_path(path, DIALECTS[dialect]) == place


def test_matching_with_a_dialect_translates_session_paths() -> None:
    where = {"session.voice": "alloy"}
    nested = {"session": {"audio": {"output": {"voice": "alloy"}}}}
    assert matches(nested, where, {}, dialect=DIALECTS["azure-ga"]) is None
    assert matches(nested, where, {}, dialect=DIALECTS["azure-preview"]) == Mismatch(
        "session.voice", 'is "alloy"', "absent"
    )
    assert matches({}, {"session.temperature": {"absent": True}}, {}, dialect=DIALECTS["azure-ga"]) is None


@pytest.mark.parametrize(
    ("value", "filled"),
    [
        ("${n}", 5),
        ("n=${n}", "n=5"),
        ("${s}-${s}", "x-x"),
        ({"a": ["${l}", {"b": "${n}"}]}, {"a": [[1, 2], {"b": 5}]}),
        ("${l} and ${t}", "[1, 2] and true"),
        ({"${n}": 1}, {"${n}": 1}),
        ("$${n}", "${n}"),
        ("$n ${} ${1} ${", "$n ${} ${1} ${"),
        (7, 7),
        (None, None),
    ],
)
def test_variables_are_filled_in_recursively_and_keep_their_type(value: Any, filled: Any) -> None:
    assert fill(value, {"n": 5, "s": "x", "l": [1, 2], "t": True}) == filled


def test_an_unknown_variable_names_those_that_are_known() -> None:
    with pytest.raises(ScenarioError) as raised:
        fill({"a": "${itme}"}, {"item": 1})
    assert str(raised.value).startswith("${itme} has not been saved\n  fix: ")
    assert str(raised.value).endswith("saved so far: ${item}")


def test_variables_are_listed_without_escaped_ones() -> None:
    assert list(variables_in({"x": ["${a} ${b}", {"y": "$${c}"}], "z": "${a}"})) == ["a", "b", "a"]


def test_a_where_is_described_in_words() -> None:
    where = {
        "response.status": "completed",
        "transcript": {"matches": "(?i)sorry", "contains": "I"},
        "n": {"at_least": 1, "at_most": 2},
        "code": {"absent": True},
        "kind": {"one_of": ["a", None]},
    }
    assert describe(where) == (
        'response.status is "completed" and transcript matches /(?i)sorry/ and transcript contains "I"'
        ' and n is at least 1 and n is at most 2 and code is absent and kind is one of "a", null'
    )
    assert describe({}) == ""


def test_the_conditions_are_those_of_the_published_schema() -> None:
    assert set(CONDITIONS) == set(scenario_schema()["$defs"]["Condition"]["properties"])


def test_a_mapping_that_is_no_condition_is_compared_as_it_stands() -> None:
    assert conditions({"a": 1}) == {"equals": {"a": 1}}
    assert conditions({}) == {"equals": {}}
    assert conditions({"equals": 1, "other": 2}) == {"equals": {"equals": 1, "other": 2}}


@given(event=json_values, path=paths, value=json_values)
def test_no_event_and_no_value_makes_the_matcher_raise(event: Any, path: str, value: Any) -> None:
    wanted = json.loads(json.dumps(value).replace("${", ""))
    for name in set(CONDITIONS) - {"matches"}:
        outcome = matches(event, {path: {name: wanted}}, {}, dialect=DIALECTS["azure-ga"])
        assert outcome is None or outcome.path == path
    outcome = matches(event, {path: {"matches": "a|^$"}}, {})
    assert outcome is None or outcome.path == path
    assert isinstance(describe({path: wanted}), str)


@given(value=finite_values)
def test_every_value_equals_itself_and_is_found_in_a_list_of_itself(value: Any) -> None:
    wanted = json.loads(json.dumps(value).replace("${", ""))
    event = {"a": wanted, "b": ["other", wanted]}
    for where in ({"a": {"equals": wanted}}, {"a": {"one_of": [0.5, wanted]}}, {"b": {"contains": wanted}}):
        assert matches(event, where, {}) is None


@given(value=finite_values)
def test_values_without_variables_are_left_as_they_are(value: Any) -> None:
    wanted = json.loads(json.dumps(value).replace("${", ""))
    assert fill(wanted, {}) == wanted


def test_a_text_for_a_person_shows_what_was_saved() -> None:
    assert known('id is "${a}", n is ${n}, "${b}", $${a}', {"a": "x", "n": 3}) == 'id is "x", n is 3, "${b}", $${a}'
