from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import NotARecord
from harness.formats.base import Record
from harness.formats.event_log import is_event, read, recognise

CREATED = {"type": "session.created", "event_id": "e1", "session": {"id": "sess_1", "type": "realtime"}}
UPDATE = {"type": "session.update", "session": {"type": "realtime"}}
UPDATED = {"type": "session.updated", "event_id": "e2", "session": {"id": "sess_1", "type": "realtime"}}
ASKED = {"type": "response.create"}
BEGUN = {"type": "response.created", "event_id": "e3", "response": {"id": "resp_1", "status": "in_progress"}}
CALL = [CREATED, UPDATE, UPDATED, ASKED, BEGUN]
SIDES = ["received", "sent", "received", "sent", "received"]


def sides(record: Record) -> list[str]:
    return [one.kind.removeprefix("event.") for one in record.moments]


def types(record: Record) -> list[str]:
    return [one.data["event"]["type"] for one in record.moments]


def times(record: Record) -> list[float | None]:
    return [one.t for one in record.moments]


def lines(*rows: str) -> str:
    return "\n".join(rows) + "\n"


PREFIXES = [
    "[12:03:11.201] <- ",
    "[12:03:11.401] -> ",
    "[12:03:11.601] <- ",
    "[12:03:11.801] -> ",
    "[12:03:12.001] <- ",
]
WRITTEN = {
    "an array": json.dumps(CALL),
    "an array over lines": json.dumps(CALL, indent=2),
    "lines": lines(*(json.dumps(one) for one in CALL)),
    "lines with a prefix": lines(*(f"{before}{json.dumps(one)}" for before, one in zip(PREFIXES, CALL, strict=True))),
    "objects over lines with a heading each": lines(
        *(f"got {i}:\n{json.dumps(one, indent=2)}" for i, one in enumerate(CALL))
    ),
    "envelopes": json.dumps([{"time": "x", "source": "y", "event": one} for one in CALL]),
    "envelopes with the event as text": lines(*(json.dumps({"data": json.dumps(one)}) for one in CALL)),
    "events of a transport": json.dumps([{"type": "transport_event", "event": one} for one in CALL]),
    "raw events of an agent": json.dumps(
        [{"type": "raw_model_event", "data": {"type": "raw_server_event", "data": one}} for one in CALL]
    ),
    "rows": lines(*(json.dumps(["12:00:01.5", "in", one]) for one in CALL)),
    "one object with a list": json.dumps({"session": "x", "events": CALL}),
}


@pytest.mark.parametrize("text", WRITTEN.values(), ids=WRITTEN)
def test_every_usual_way_to_write_a_log_gives_the_same_events(text: str) -> None:
    assert recognise(text)
    (record,) = read(text, "log")
    assert [one.data["event"] for one in record.moments] == CALL
    assert sides(record) == SIDES
    assert record.shows == ("event.received", "event.sent")
    assert not record.excerpt


def test_times_and_sizes_are_kept() -> None:
    (record,) = read(WRITTEN["lines with a prefix"], "log")
    first = times(record)[0]
    assert first is not None
    assert [round(t - first, 3) for t in times(record) if t is not None] == [0.0, 0.2, 0.4, 0.6, 0.8]
    assert record.moments[1].data["size"] == len(json.dumps(UPDATE, separators=(",", ":")))


def test_without_times_each_entry_says_so() -> None:
    (record,) = read(WRITTEN["an array"], "log")
    assert record.clock == "none"
    assert all(one.data["unseen"] == ["t"] for one in record.moments)


def test_fields_that_the_logger_put_into_every_event_are_taken_out_and_read() -> None:
    logged = [{**one, "timestamp": 1795851096527 + 100 * i, "direction": "x"} for i, one in enumerate(CALL)]
    (record,) = read(json.dumps(logged), "log")
    assert [one.data["event"] for one in record.moments] == CALL
    assert record.clock == "epoch"
    assert times(record)[1] == pytest.approx(1795851096.627)


def test_a_field_that_one_event_alone_has_is_its_own() -> None:
    (record,) = read(json.dumps([CREATED, {**UPDATED, "source": "cache"}, BEGUN]), "log")
    assert record.moments[1].data["event"]["source"] == "cache"


@pytest.mark.parametrize("marks", [("->", "<-"), ("<-", "->"), ("sent", "received"), ("out", "in")])
def test_what_a_mark_means_is_learned_from_the_types_that_one_end_sends(marks: tuple[str, str]) -> None:
    client, service = marks
    unknown = {"type": "session.vendor_says"}
    rows = [(service, CREATED), (client, UPDATE), (service, UPDATED), (client, unknown), (service, BEGUN)]
    (record,) = read(lines(*(f"{mark} {json.dumps(one)}" for mark, one in rows)), "log")
    assert sides(record) == SIDES


def test_an_unknown_type_without_a_mark_goes_with_its_neighbour() -> None:
    (record,) = read(
        json.dumps([CREATED, {"type": "session.vendor_says"}, UPDATE, {"type": "session.app_says"}]), "log"
    )
    assert sides(record) == ["received", "received", "sent", "sent"]


def test_an_event_that_is_logged_twice_is_read_once_and_that_is_told() -> None:
    (record,) = read(json.dumps([CREATED, CREATED, UPDATED]), "log")
    assert types(record) == ["session.created", "session.updated"]
    assert record.left_out == ("1 event logged twice",)


def test_an_event_with_an_id_that_another_one_has_is_kept() -> None:
    (record,) = read(json.dumps([CREATED, {**UPDATED, "event_id": "e1"}]), "log")
    assert types(record) == ["session.created", "session.updated"]


def test_two_calls_are_told_apart_each_with_its_update() -> None:
    second = {**CREATED, "event_id": "e9", "session": {"id": "sess_2", "type": "realtime"}}
    first, other = read(json.dumps([CREATED, UPDATE, UPDATED, UPDATE, second, {**UPDATED, "event_id": "e10"}]), "log")
    assert types(first) == ["session.created", "session.update", "session.updated"]
    assert types(other) == ["session.update", "session.created", "session.updated"]
    assert first.left_out == ("2 calls are in it, each judged by itself",)


def test_a_log_that_begins_in_mid_call_is_an_excerpt() -> None:
    (record,) = read(json.dumps([BEGUN]), "log")
    assert record.excerpt
    assert record.shows == ("event.received",)


def test_lines_that_are_cut_off_are_counted() -> None:
    (record,) = read(lines(json.dumps(CREATED), json.dumps(UPDATED)[:30], json.dumps(BEGUN)), "log")
    assert types(record) == ["session.created", "response.created"]
    assert record.left_out == ("1 line with JSON that is cut off",)


@pytest.mark.parametrize(
    "text", ["[]", "{}", "no events here", '{"type": "message"}', '[{"type": "error"}]', "[1, 2, 3]"]
)
def test_what_holds_no_event(text: str) -> None:
    assert not recognise(text)
    with pytest.raises(NotARecord):
        read(text, "log")


def test_json_that_begins_again_and_again_ends() -> None:
    text = '{"a":[' * 20_000
    assert not recognise(text)
    with pytest.raises(NotARecord):
        read("\n".join('{"a": [1,' for _ in range(20_000)), "log")


@pytest.mark.parametrize(
    "value", [None, 1, [], {}, {"type": 1}, {"type": "session"}, {"type": "session."}, {"type": "error"}]
)
def test_what_is_no_event(value: Any) -> None:
    assert not is_event(value)


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    if recognise(text):
        assert read(text, "log")
    else:
        with pytest.raises(NotARecord):
            read(text, "log")
