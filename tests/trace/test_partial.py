from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.trace import NotShown, Trace, if_shown, read_trace, shows, strict
from tests.traces import SET_UP, event, trace


def partial(*entries: tuple[float, str, dict[str, Any]], shows: tuple[str, ...] = ("event.received",)) -> Trace:
    whole = trace(*entries)
    return replace(whole, header=replace(whole.header, shows=shows))


CREATED = event(0.1, "service", "session.created", session={})
UNTIMED = (0.0, "event.received", {"event": {"type": "session.created"}, "size": 1, "unseen": ["t", "size"]})
HTTP = (
    0.0,
    "http.request",
    {"id": 1, "headers": {"host": "x"}, "body": "", "unseen": ["body", "headers.authorization"]},
)


def test_a_trace_of_ours_shows_everything_and_is_read_as_it_is() -> None:
    whole = trace(*SET_UP)
    assert strict(whole) is whole
    assert shows(whole, "anything.at_all")


def test_a_kind_that_the_record_cannot_show_is_not_taken_for_absent() -> None:
    seen = partial(CREATED)
    judge = strict(seen)
    assert seen.of("rtp.packets") == ()
    with pytest.raises(NotShown, match=r"does not show rtp\.packets"):
        judge.of("rtp.packets")
    with pytest.raises(NotShown):
        judge.first("event.received", "sdp.offer")
    with pytest.raises(NotShown, match="events of the client"):
        judge.events("client")
    assert [entry.type for entry in judge.events("service", "session.created")] == ["session.created"]
    assert strict(judge) is judge
    assert strict(seen) is judge


def test_a_plane_is_shown_where_all_of_it_is_and_what_only_we_write_always() -> None:
    seen = partial(CREATED, shows=("event", "sdp.offer"))
    assert [kind for kind in ("event", "event.undecodable", "sdp.offer", "sdp", "sdp.answer") if shows(seen, kind)] == [
        "event", "event.undecodable", "sdp.offer",
    ]  # fmt: skip
    assert all(shows(seen, kind) for kind in ("harness.error", "step.missed", "connection.disturbed"))
    assert not shows(seen, "connection.ice")


def test_what_adds_and_changes_nothing_is_taken_as_far_as_it_is_shown() -> None:
    judge = strict(partial(CREATED))
    assert [entry.kind for entry in if_shown(judge, "http.request", "event.received")] == ["event.received"]
    assert if_shown(judge, "http.request") == ()


def test_a_time_that_is_not_known_cannot_be_looked_at() -> None:
    seen = partial(UNTIMED)
    (entry,) = strict(seen).of("event.received")
    assert seen.entries[0].t == 0.0
    with pytest.raises(NotShown, match=r"when event\.received happened"):
        _ = entry.t
    with pytest.raises(NotShown, match="how long"):
        _ = strict(seen).seconds
    assert (entry.seq, entry.type) == (0, "session.created")
    assert strict(partial(CREATED)).seconds == 0.1


def test_a_field_that_was_not_kept_cannot_be_looked_at_and_others_can() -> None:
    (entry,) = strict(partial(HTTP, shows=("http",))).of("http.request")
    for look in (lambda: entry.data["body"], lambda: entry.data.get("body"), lambda: "body" in entry.data):
        with pytest.raises(NotShown, match=r"body of http\.request"):
            look()
    headers = entry.data["headers"]
    assert headers["host"] == "x"
    with pytest.raises(NotShown, match=r"authorization of http\.request headers"):
        headers.get("authorization")
    assert headers.get("cookie") is None


@pytest.mark.parametrize("unseen", [None, 3, "t", [3], [], ["headers.x.y"]])
def test_a_list_of_what_is_unseen_that_makes_no_sense_hides_nothing(unseen: Any) -> None:
    row = (0.5, "http.request", {"id": 1, "headers": {}, "unseen": unseen})
    judge = strict(partial(row, shows=("http",)))
    (entry,) = judge.of("http.request")
    assert (entry.t, entry.data["id"], judge.seconds) == (0.5, 1, 0.5)


def test_what_a_record_shows_is_kept_in_its_file() -> None:
    seen = partial(CREATED)
    seen = replace(seen, header=replace(seen.header, excerpt=True))
    again = read_trace([f"{line}\n" for line in seen.lines()])
    assert again == seen
    assert (again.header.shows, again.header.excerpt) == (("event.received",), True)
