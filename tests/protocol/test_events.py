from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.protocol.dialects import DIALECTS, Generation
from harness.protocol.events import CLIENT_FIELDS, SERVER_FIELDS, Field, faults

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=lambda row: row.name)
def test_every_event_of_the_dialect_has_its_fields(dialect: Any) -> None:
    assert set(SERVER_FIELDS[dialect.generation]) == dialect.server_events
    assert set(CLIENT_FIELDS[dialect.generation]) == dialect.client_events


@pytest.mark.parametrize(("generation", "package"), [("ga", "realtime"), ("beta", "beta.realtime")])
@pytest.mark.parametrize(("side", "table"), [("server", SERVER_FIELDS), ("client", CLIENT_FIELDS)])
def test_the_rows_agree_with_the_sdk(generation: Generation, package: str, side: str, table: Any) -> None:
    """Names and necessity of all fields, from the SDK's own models where it is installed."""
    typing = pytest.importorskip("typing")
    module = pytest.importorskip(f"openai.types.{package}.realtime_{side}_event")
    union = getattr(module, f"Realtime{side.title()}Event")
    models = typing.get_args(typing.get_args(union)[0])
    expected = {
        typing.get_args(model.model_fields["type"].annotation)[0]: {
            name: field.is_required() for name, field in model.model_fields.items() if name != "type"
        }
        for model in models
    }
    known = {
        kind: {field.name: field.required for field in fields}
        for kind, fields in table[generation].items()
        if kind in expected
    }
    assert known == expected
    assert not set(table[generation]) - set(expected), "rows that the SDK does not have"


@pytest.mark.parametrize(
    ("kind", "value", "fits"),
    [
        ("string", "x", True),
        ("string", 1, False),
        ("integer", 3, True),
        ("integer", 3.0, True),
        ("integer", 3.5, False),
        ("integer", True, False),
        ("number", 3.5, True),
        ("number", "3", False),
        ("number", False, False),
        ("object", {}, True),
        ("object", [], False),
        ("array", [], True),
        ("array", "x", False),
        ("string", None, False),
    ],
)
def test_types(kind: str, value: Any, fits: bool) -> None:
    assert Field("x", kind).accepts(value) is fits


def test_null_fits_where_a_field_may_be_absent() -> None:
    assert Field("previous_item_id", "string", required=False).accepts(None)


def test_faults_are_named() -> None:
    fields = SERVER_FIELDS["ga"]["conversation.item.truncated"]
    assert faults({"event_id": "e", "item_id": "i", "content_index": 0, "audio_end_ms": 900}, fields) == []
    assert faults({"event_id": "e", "item_id": None, "content_index": "0"}, fields) == [
        "item_id is null, not string",
        "content_index is str, not integer",
        "audio_end_ms is missing",
    ]


@given(st.dictionaries(st.sampled_from(["item_id", "delta", "response", "audio_end_ms"]), JSON))
def test_any_value_is_judged(event: dict[str, Any]) -> None:
    for table in (*SERVER_FIELDS.values(), *CLIENT_FIELDS.values()):
        for fields in table.values():
            assert all(isinstance(fault, str) for fault in faults(event, fields))
