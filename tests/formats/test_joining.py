from __future__ import annotations

from typing import Any

import pytest

from harness.errors import NotARecord
from harness.formats.base import Clock, Moment, Record
from harness.formats.joining import joined

T = 1795851095.0  # 2026-11-28 07:31:35 UTC
OF_DAY = T % 86400
OFFER = {"sdp": "v=0\r\na=ice-ufrag:abcd\r\n"}


def http(begun: float = T, offer: dict[str, str] = OFFER) -> Record:
    return Record(
        "http",
        "epoch",
        ("http", "sdp"),
        (
            Moment(begun, "sdp.offer", offer),
            Moment(begun, "http.request", {"step": "call"}),
            Moment(begun + 0.2, "http.response", {"step": "call"}),
            Moment(begun + 0.2, "sdp.answer", {"sdp": "v=0\r\n"}),
        ),
        hints=("https://x/",),
    )


def events(clock: Clock, *times: float | None) -> Record:
    data: dict[str, Any] = {"event": {"type": "session.created"}, "size": 1}
    unseen = {"unseen": ["t"]} if clock == "none" else {}
    moments = tuple(Moment(t, "event.received", {**data, **unseen}) for t in times)
    return Record("events", clock, ("event.received",), moments, ("a note",))


def dump(offer: dict[str, str] = OFFER) -> Record:
    return Record(
        "webrtc-internals",
        "epoch",
        ("sdp", "channel.open", "connection.dtls"),
        (
            Moment(T - 0.05, "sdp.offer", offer),
            Moment(T + 0.3, "sdp.answer", {"sdp": "v=0\r\n"}),
            Moment(T + 1.0, "connection.dtls", {"state": "connected", "unseen": ["t"]}),
            Moment(T + 1.0, "channel.open", {"label": "x", "unseen": ["t"]}),
        ),
    )


def rows(record: Record) -> list[tuple[str, float | None]]:
    return [(one.kind, None if one.t is None else round(one.t - T, 3)) for one in record.moments]


HTTP = [("sdp.offer", 0.0), ("http.request", 0.0), ("http.response", 0.2), ("sdp.answer", 0.2)]


def test_one_record_stays_as_it_is() -> None:
    one = http()
    assert joined([one], "x") is one


def test_records_on_one_clock_are_told_in_its_order() -> None:
    found = joined([events("epoch", T + 0.1, T + 0.5), http()], "x")
    assert found.form == "http+events"
    assert rows(found) == [*HTTP[:2], ("event.received", 0.1), *HTTP[2:], ("event.received", 0.5)]
    assert found.shows == ("http", "sdp", "event.received")
    assert (found.hints, found.left_out) == (("https://x/",), ("events: a note",))


@pytest.mark.parametrize("zone", [0, 1, -5, 5.75, 13])
def test_a_time_of_day_of_any_zone_finds_its_day(zone: float) -> None:
    found = joined([http(), events("day", (OF_DAY + zone * 3600 + 0.4) % 86400)], "x")
    assert rows(found) == [*HTTP, ("event.received", 0.4)]


@pytest.mark.parametrize(("clock", "times"), [("none", (None, None)), ("relative", (3.0, 4.0))])
def test_a_record_on_no_clock_or_its_own_stands_behind_the_answer_without_times(
    clock: Clock, times: tuple[float | None, ...]
) -> None:
    found = joined([http(), events(clock, *times)], "x")
    assert rows(found) == [*HTTP, ("event.received", None), ("event.received", None)]
    assert all(one.data["unseen"] == ["t"] for one in found.moments[-2:])


def test_a_description_that_two_records_show_is_that_of_the_page() -> None:
    found = joined([http(), dump()], "x")
    kinds = [one.kind for one in found.moments]
    assert (kinds.count("sdp.offer"), kinds.count("sdp.answer")) == (1, 1)
    assert rows(found)[0] == ("sdp.offer", -0.05)
    assert "channel.open" in found.shows


def test_beside_events_a_state_of_the_statistics_is_left_out() -> None:
    found = joined([dump(), events("epoch", T + 0.5)], "x")
    assert not {"channel.open", "connection.dtls"} & {*found.shows, *(one.kind for one in found.moments)}


@pytest.mark.parametrize(
    ("records", "said"),
    [
        ((http(), dump({"sdp": "a=ice-ufrag:other\r\n"})), "different offers"),
        ((http(), events("epoch", T + 3601.0)), "hours apart"),
        ((http(), events("epoch", T - 3601.0)), "hours apart"),
        ((events("day", 1.0), Record("rtcstats", "none", (), ())), "none of the files says when"),
    ],
)
def test_records_of_different_calls_are_refused(records: tuple[Record, Record], said: str) -> None:
    with pytest.raises(NotARecord) as caught:
        joined(list(records), "x")
    assert said in str(caught.value)


def test_records_within_the_hour_of_a_call_are_joined() -> None:
    assert joined([http(), events("epoch", T + 3599.0)], "x").moments[-1].t == T + 3599.0
