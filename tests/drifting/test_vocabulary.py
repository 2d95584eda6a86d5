"""Vocabularies from schemas and from what was seen."""

from __future__ import annotations

from typing import Any

from harness.drifting.vocabulary import Example, Fact, Seen, vocabulary

LEAF: dict[str, Any] = {
    "properties": {"type": {"const": "leaf"}, "size": {"type": "number"}},
    "required": ["type"],
    "type": "object",
}
WHOLE: dict[str, Any] = {
    "events": {
        "thing": {
            "properties": {
                "type": {"const": "thing"},
                "part": {"anyOf": [{"$ref": "#/$defs/Leaf"}, {"$ref": "#/$defs/Tree"}, {"type": "null"}]},
                "words": {"items": {"enum": ["a", "b"]}, "type": "array"},
                "either": {"anyOf": [{"type": "string"}, {"const": "x"}]},
                "extra": {"type": "object"},
            },
            "required": ["type", "part"],
            "type": "object",
        }
    },
    "$defs": {
        "Leaf": LEAF,
        "Tree": {
            "properties": {
                "type": {"const": "tree"},
                "inside": {"$ref": "#/$defs/Tree"},
                "parts": {"type": "array", "items": {"$ref": "#/$defs/Leaf"}},
            },
            "required": ["type", "parts"],
            "type": "object",
        },
    },
}
KNOWN = vocabulary(WHOLE)
HERE = Example("x.ndjson", 7)


def test_places_of_a_schema() -> None:
    places = KNOWN.events["thing"]
    assert places["part.type"].values == {"leaf", "tree"}
    assert places["part.type"].required
    assert not places["part.parts"].required
    assert places["part.parts[].size"].types == {"number"}
    assert places["words[]"].values == {"a", "b"}
    assert places["either"].values is None
    assert [path for path, place in places.items() if place.open] == ["extra"]


def test_a_definition_inside_itself_ends() -> None:
    assert "part.inside" in KNOWN.events["thing"]
    assert "part.inside.type" not in KNOWN.events["thing"]


def seen(**fields: Any) -> set[str]:
    found = Seen()
    found.add({"type": "thing", **fields}, HERE, KNOWN)
    return {fact.text for fact in set(found.facts) - set(KNOWN.facts())}


def test_what_is_new_in_an_event() -> None:
    assert seen(part={"type": "leaf"}, words=["a"], either="y") == set()
    assert seen(part={"type": "bush", "depth": 1}) == {"thing: part.type bush", "thing: part.depth"}
    assert seen(words=["c"]) == {"thing: words[] c"}
    assert seen(part={"type": "tree", "parts": [{"type": "leaf", "hue": 1}]}) == {"thing: part.parts[].hue"}


def test_what_is_inside_of_something_open_or_unknown_is_not_told() -> None:
    assert seen(extra={"anything": {"goes": 1}}) == set()
    assert seen(new={"inner": [1]}) == {"thing: new"}


def test_events_that_are_new_and_that_are_none() -> None:
    found = Seen()
    found.add({"type": "other", "a": {"b": 1}}, HERE, KNOWN)
    found.add({"type": 5}, HERE, KNOWN)
    assert found.events == ["other"]
    assert found.times[Fact("other", "event")] == 1
    assert found.facts[Fact("other", "event")] == HERE
    assert str(HERE) == "x.ndjson, entry 7"
