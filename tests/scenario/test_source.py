"""YAML text to values with places: what counts as what, and that any text ends in a value or a ScenarioError."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any, Never

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from yaml.scanner import ScannerError

from harness.errors import ScenarioError
from harness.scenario import source as yaml_source
from harness.scenario.source import Place, decode, parse


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on: off\nyes: no\n", {"on": "off", "yes": "no"}),
        ("a: 2025-04-01\nb: 1:30\nc: 0777\nd: 0x1f\n", {"a": "2025-04-01", "b": "1:30", "c": "0777", "d": "0x1f"}),
        ("a: 1\nb: -2.5\nc: 1e3\nd: .5\ne: 1_000\n", {"a": 1, "b": -2.5, "c": 1000.0, "d": 0.5, "e": "1_000"}),
        ("a: .inf\nb: .nan\nc: 1e999\n", {"a": ".inf", "b": ".nan", "c": "1e999"}),
        ("a: true\nb: False\nc: null\nd: ~\ne:\n", {"a": True, "b": False, "c": None, "d": None, "e": None}),
        ("a: 'true'\nb: \"1\"\nc: !!str 5\n", {"a": "true", "b": "1", "c": "5"}),
        ("1: a\ntrue: b\n", {"1": "a", "true": "b"}),
        ("x: &x {a: 1, b: [2]}\ny: *x\n", {"x": {"a": 1, "b": [2]}, "y": {"a": 1, "b": [2]}}),
        ("x: &x {a: 1, b: 2}\ny: {b: 3, <<: *x}\n", {"x": {"a": 1, "b": 2}, "y": {"b": 3, "a": 1}}),
        (
            "x: &x {a: 1}\ny: {<<: [*x, {a: 2, c: 4}]}\n",
            {"x": {"a": 1}, "y": {"a": 1, "c": 4}},
        ),
        ("---\na: |\n  one\n  two\n...\n", {"a": "one\ntwo\n"}),
        ("a: 1\r\nb: 2\r\n", {"a": 1, "b": 2}),
    ],
)
def test_plain_words_are_read_as_yaml_1_2_has_it(text: str, value: Any) -> None:
    source = parse(text, "f.yaml")
    assert source.value == value
    assert source.problems == []


def test_every_value_and_key_has_its_place() -> None:
    source = parse("title: x\nsteps:\n  - say: a.wav\n    loop: true\n  - {expect: error, where: {a.b: 1}}\n", "f.yaml")
    assert source.at(()) == Place(1, 1)
    assert source.at(("title",)) == Place(1, 8)
    assert source.at_key(("steps",)) == Place(2, 1)
    assert source.at(("steps", 0)) == Place(3, 5)
    assert source.at(("steps", 0, "loop")) == Place(4, 11)
    assert source.at_key(("steps", 1, "where", "a.b")) == Place(5, 29)
    assert source.at(("steps", 1, "where", "nothing", "here")) == Place(5, 28)


def test_what_an_alias_brings_in_stands_where_it_was_written() -> None:
    source = parse("x: &x {a: [1, 2]}\ny: *x\nz: {<<: *x}\n", "f.yaml")
    assert source.at(("y",)) == Place(2, 4)
    assert source.at(("y", "a", 1)) == Place(1, 15)
    assert source.at_key(("z", "a")) == Place(1, 8)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "f.yaml:1:1: the file is empty"),
        ("# only a comment\n", "f.yaml:1:1: the file is empty"),
        ("a:\n\tb: 1\n", "f.yaml:2:1: a tab in the indentation"),
        ("a: b: c\n", "f.yaml:1:5: a second colon on one line"),
        ("a: [1,\n", "f.yaml:2:1: YAML syntax"),
        ("a: 'x\n", "f.yaml:2:1: YAML syntax"),
        ("a: 1\n---\nb: 2\n", "f.yaml:2:1: a second document begins here"),
        ("a: *x\n", "f.yaml:1:4: *x has no anchor &x before it"),
        ("a: &x [*x]\n", "f.yaml:1:8: *x contains itself"),
        ("? [a]\n: b\n", "f.yaml:1:3: a key must be a word"),
        ("a: 1\nb: x\x01\n", "f.yaml:2:5: a control character (U+0001) is not allowed in YAML"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(text: str, message: str) -> None:
    with pytest.raises(ScenarioError) as raised:
        parse(text, "f.yaml")
    assert message in str(raised.value)


class Unbounded(yaml.SafeLoader):
    """A library that takes any depth, as libyaml did once."""


class Strict(yaml.SafeLoader):
    """A library that refuses every depth by itself, before it gives one event."""

    def get_event(self) -> Never:
        raise ScannerError("while increasing flow level", None, "exceeded maximum nesting depth", self.get_mark())


@pytest.mark.parametrize("loader", [yaml_source._LOADER, Unbounded, Strict], ids=lambda loader: loader.__name__)
@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("a: " + "[" * 100_000, "1:54"),
        ("a: " + "[" * 51 + "]" * 51, "1:54"),
        ("a: " + "{b: " * 100_000, "1:204"),
        ("- " * 100_000, "1:103"),
        ("\n".join("  " * level + "a:" for level in range(60)), "52:103"),
    ],
    ids=["sequences", "closed sequences", "mappings", "dashes", "lines"],
)
def test_depth_is_refused_in_our_words_whatever_the_library_does_first(
    text: str, place: str, loader: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(yaml_source, "_LOADER", loader)
    with pytest.raises(ScenarioError) as raised:
        parse(text, "f.yaml")
    assert str(raised.value) == (
        f"f.yaml:{place}: nested deeper than 50 levels\n  fix: a scenario is flat; is this the right file?"
    )


@pytest.mark.parametrize("loader", [yaml_source._LOADER, Unbounded])
def test_fifty_levels_are_read(loader: type, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(yaml_source, "_LOADER", loader)
    value = parse("a: " + "[" * 50 + "]" * 50, "f.yaml").value["a"]
    for _ in range(49):
        (value,) = value
    assert value == []


def test_aliases_do_not_multiply_without_bound() -> None:
    lines = ["a0: &a0 [1,2,3,4,5,6,7,8,9]"]
    lines += [f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    with pytest.raises(ScenarioError, match="more than 50000 values, aliases included"):
        parse("\n".join(lines), "f.yaml")


def test_duplicate_keys_and_tags_are_all_reported_and_the_first_value_counts() -> None:
    source = parse("a: 1\nb: !thing x\na: {c: 1, c: 2}\nd: {<<: 5}\n", "f.yaml")
    assert source.value == {"a": 1, "b": "x", "d": {}}
    with pytest.raises(ScenarioError) as raised:
        source.raise_problems()
    assert str(raised.value).splitlines() == [
        "f.yaml:2:4: the tag !thing is not supported; write the value without it",
        "f.yaml:3:1: 'a' stands twice here; first in line 1",
        "f.yaml:3:11: 'c' stands twice here; first in line 3",
        "f.yaml:4:9: << merges a mapping, and this is none",
    ]


def test_bytes_that_are_not_utf_8_are_located() -> None:
    with pytest.raises(ScenarioError) as raised:
        decode("a: b\n  é".encode() + b"\xff\n", "f.yaml")
    assert str(raised.value) == "f.yaml:2:4: byte 0xff is not UTF-8 text\n  fix: save it as UTF-8"
    assert decode(b"\xef\xbb\xbfa: 1", "f.yaml") == "a: 1"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**17), 10**17) | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("abc.", min_size=1, max_size=5), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(json_values)
def test_json_is_read_as_json(value: Any) -> None:
    assert parse(json.dumps(value), "f.yaml").value == value


@given(st.text() | st.text(alphabet="a:-[]{},&*!|>'\"#%@` \n\t<x1", max_size=40))
def test_any_text_ends_in_a_value_or_a_scenario_error(text: str) -> None:
    with suppress(ScenarioError):
        source = parse(text, "f.yaml")
        assert () in source.places
        assert json.loads(json.dumps(source.value)) == source.value
