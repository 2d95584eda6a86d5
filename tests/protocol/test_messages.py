import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.protocol.messages import DEEPEST, as_text, decode, entry_of, parse, size_of

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(JSON)
def test_json_is_read_as_it_is(value: object) -> None:
    assert parse(json.dumps(value)) == value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{"level": NaN}', "NaN is no JSON number"),
        ("[-Infinity]", "-Infinity is no JSON number"),
        ("[-1e999]", "-1e999 is beyond what a number can hold"),
        ("[" * 100_000, "nested deeper"),
        ("[" * 70 + "]" * 70, "nested deeper"),
        ('{"a":' * 70 + "1" + "}" * 70, "nested deeper"),
        ("", "Expecting value"),
        ("{} {}", "Extra data"),
        ("1" * 5000, "Exceeds the limit"),
    ],
)
def test_what_is_no_json_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse(text)


def test_deep_is_deeper_than_the_limit_and_wide_is_not() -> None:
    assert parse("[" * DEEPEST + "]" * DEEPEST)
    with pytest.raises(ValueError, match="nested deeper"):
        parse("[" * (DEEPEST + 1) + "]" * (DEEPEST + 1))
    assert len(parse("[" + ",".join(["{}"] * 1000) + "]")) == 1000


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (b'{"type": "error"}', "a binary message; events are text messages"),
        ("nonsense", "not JSON: "),
        ("", "not JSON: "),
        ("[]", "not a JSON object but a list"),
        ("null", "not a JSON object but null"),
        ("true", "not a JSON object but a boolean"),
        ("1", "not a JSON object but a number"),
        ('"error"', "not a JSON object but a string"),
        ("{}", "an object without a string type"),
        ('{"type": 1}', "an object without a string type"),
        ('{"type": ""}', "an object without a string type"),
    ],
)
def test_what_is_no_event_has_a_reason(message: str | bytes, reason: str) -> None:
    event, why = decode(message)
    assert event is None
    assert why.startswith(reason)


def test_an_event_is_kept_verbatim() -> None:
    event, why = decode('{"type": "session.created", "unknown": {"x": null}}')
    assert event == {"type": "session.created", "unknown": {"x": None}}
    assert why == ""


@given(st.text() | st.binary())
def test_any_message_is_an_event_or_has_a_reason(message: str | bytes) -> None:
    event, why = decode(message)
    assert (event is None) == bool(why)
    as_text(message).encode("utf-8", errors="strict" if isinstance(message, bytes) else "replace")


@pytest.mark.parametrize(
    ("message", "invalid", "kind", "binary", "reason"),
    [
        ('{"type": "x"}', False, "event.sent", None, None),
        ("{", False, "event.undecodable", False, "not JSON: "),
        (b"{}", False, "event.undecodable", True, "a binary message"),
        (b"\xff", True, "event.undecodable", False, "a text message that is not UTF-8"),
    ],
)
def test_entry_of_a_message(
    message: str | bytes, invalid: bool, kind: str, binary: bool | None, reason: str | None
) -> None:
    found, data = entry_of(message, "sent", invalid=invalid)
    assert (found, data["size"], data.get("binary")) == (kind, len(message), binary)
    if reason is None:
        assert data["event"] == {"type": "x"}
    else:
        assert data["reason"].startswith(reason)
        assert (data["direction"], data["text"]) == ("sent", as_text(message))


def test_sizes_are_octets_on_the_wire() -> None:
    assert (size_of("é"), size_of(b"\xff\x00"), size_of("")) == (2, 2, 0)
    assert as_text(b"a\xff") == "a\ufffd"
