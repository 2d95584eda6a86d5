"""One event of a golden trace dropped, doubled or swapped: where the documents say that it must be there, once, and in its
place, some rule finds it.

What the documents leave open is declared here with its reason; everything else must be found.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.protocol.dialects import DIALECTS
from harness.rules import catalogue
from harness.rules.base import SERVICE, Outcome, judge_rule
from harness.rules.support.history import PATIENCE
from harness.trace import Entry, Trace, read_trace

FILES = sorted(Path(__file__).parent.rglob("*.ndjson"))
IDS = [f"{path.parent.name}/{path.stem}" for path in FILES]
CONVERSATION = ("EVT", "SES", "TURN", "RSP", "CNT", "ITM", "PLAY", "TRN", "ERR", "MED")

# Events that may be missing or come again, wherever they stand.
FLOATING = {
    "conversation.created": "documented, but missing in most published logs",
    "rate_limits.updated": "at the start of a response, at its end, or not at all: the logs differ",
}
# What may be missing in one place only; the reasons stand at `may_be_missing`.
CUT = ("cancelled", "incomplete", "failed")
DELTAS = ("response.output_text.delta", "response.output_audio_transcript.delta")

# Events about the same response or item that may still change places, in either order.
NOT_FIXED: dict[frozenset[str], str] = {
    frozenset(pair): reason
    for *pair, reason in (
        ("response.output_item.added", "conversation.item.added", "logs show both orders"),
        ("response.output_item.done", "conversation.item.done", "no document orders them"),
        ("response.output_audio.done", "response.output_audio_transcript.delta", "sound and words are two streams"),
        ("response.output_audio.done", "response.output_audio_transcript.done", "sound and words are two streams"),
        ("output_audio_buffer.started", "response.output_audio_transcript.delta", "it comes behind the part, no more is said"),
        ("output_audio_buffer.started", "response.output_audio_transcript.done", "it comes behind the part, no more is said"),
        ("output_audio_buffer.started", "response.output_audio.done", "it comes behind the part, no more is said"),
        ("output_audio_buffer.started", "response.content_part.done", "it comes behind the part, no more is said"),
        ("output_audio_buffer.started", "response.output_item.done", "it comes behind the part, no more is said"),
        ("output_audio_buffer.started", "response.done", "it comes behind the part, no more is said"),
        ("conversation.item.done", "conversation.item.retrieved", "when an item of the client counts as final is not said"),
        ("conversation.item.done", "output_audio_buffer.cleared", "an interruption clears at once, while the response is still closed"),
        *(
            ("conversation.item.truncated", kind, "whether and when the service tells of its own truncation is not said")
            for kind in (
                "response.output_audio_transcript.done", "response.output_audio.done", "response.content_part.done",
                "response.output_item.done", "conversation.item.done", "response.done",
            )
        ),
        *(
            ("output_audio_buffer.cleared", kind, "an interruption clears at once, while the response is still closed")
            for kind in (
                "response.output_audio_transcript.delta", "response.output_audio_transcript.done", "response.output_audio.done",
                "response.content_part.done", "response.output_item.done", "response.done",
            )
        ),
        *(
            ("conversation.item.input_audio_transcription.delta", kind, "transcription runs beside everything else")
            for kind in ("conversation.item.added", "conversation.item.done", "input_audio_buffer.committed")
        ),
        *(
            (f"conversation.item.input_audio_transcription.{end}", "conversation.item.done", "transcription runs beside everything else")
            for end in ("completed", "failed")
        ),
    )
}  # fmt: skip

# What the client asks for, with the answer that cannot come before it.
ANSWERS = {
    "session.update": "session.updated",
    "transcription_session.update": "transcription_session.updated",
    "conversation.item.create": "conversation.item.added",
    "conversation.item.delete": "conversation.item.deleted",
    "conversation.item.retrieve": "conversation.item.retrieved",
    "input_audio_buffer.commit": "input_audio_buffer.committed",
    "input_audio_buffer.clear": "input_audio_buffer.cleared",
    "response.create": "response.created",
}


@cache
def load(path: Path) -> Trace:
    """The golden trace, with a caller who stays on the line long enough for every answer that is still due.

    The packets are left out: they are many, and no event's absence shows in their headers.
    """
    trace = read_trace(path)
    last = max(entry.seq for entry in trace.entries if entry.plane == "event")
    return numbered(
        trace,
        [
            replace(entry, t=entry.t + PATIENCE + 5)
            if entry.seq > last and entry.plane in ("channel", "connection")
            else entry
            for entry in trace.entries
            if entry.plane != "rtp"
        ],
    )


def numbered(trace: Trace, entries: Sequence[Entry]) -> Trace:
    return Trace(trace.header, tuple(replace(entry, seq=seq) for seq, entry in enumerate(entries)), trace.end)


@cache
def rules_about_the_conversation():
    return [one for one in catalogue.all_rules() if one.who == SERVICE and one.family in CONVERSATION]


def finding(trace: Trace) -> str | None:
    """The first rule that fails on this trace, or still waits when it ends."""
    for one in rules_about_the_conversation():
        if judge_rule(one, trace).outcome in (Outcome.FAIL, Outcome.INCONCLUSIVE):
            return one.id
    return None


class Told:
    """A golden trace as a list of events, with what each of them is about."""

    def __init__(self, path: Path) -> None:
        self.trace = load(path)
        self.dialect = DIALECTS[self.trace.header.dialect]
        self.places = [entry.seq for entry in self.trace.entries if entry.plane == "event"]
        self.statuses = {
            entry.event["response"]["id"]: entry.event["response"]["status"]
            for entry in self.trace.events("service", "response.done")
        }

        self.origins = {
            entry.event["item"]["id"]: entry.event["response_id"]
            for entry in self.trace.events("service", "response.output_item.added")
        }

    def __getitem__(self, place: int) -> Entry:
        return self.trace.entries[place]

    def kind(self, entry: Entry) -> str:
        if entry.type == "conversation.item.created":
            return "conversation.item.added"
        return self.dialect.canonical(entry.type)

    def of_service(self, entry: Entry) -> bool:
        return self.trace.sender(entry) == "service"

    def subjects(self, entry: Entry) -> set[str]:
        """The responses and items that an event is about; an item of a response is its business in the conversation, too."""
        event = entry.event
        response, item = event.get("response", {}), event.get("item", {})
        found = {event.get("response_id"), event.get("item_id"), response.get("id"), item.get("id")}
        found.add(self.origins.get(item.get("id")))
        return {one for one in found | {output["id"] for output in response.get("output", ())} if one}

    def may_be_missing(self, entry: Entry) -> bool:
        kind, event = self.kind(entry), entry.event
        if kind == "conversation.item.done":
            # Expected of a finished answer and of a listing; of what the client said, of calls, and of what was cut the
            # documents do not say that it comes.
            item = event["item"]
            answer = item.get("role") == "assistant" and item.get("status") == "completed"
            return not answer and item["type"] != "mcp_list_tools"
        if kind == "conversation.item.truncated":
            # Asked for, it must come; that the service tells of its own truncation is nowhere said.
            asked = self.trace.events("client", "conversation.item.truncate")
            return not any(one.event["item_id"] == event["item_id"] for one in asked)
        if kind == "error":
            # The channel may close without a word at the end of the session.
            return event["error"]["code"] == "session_expired"
        return self.of_a_cut_text(entry)

    def of_a_cut_text(self, entry: Entry) -> bool:
        """That the final text is the sum of its deltas is promised for completed responses only."""
        return self.kind(entry) in DELTAS and self.statuses[entry.event["response_id"]] in CUT

    def bound(self, first: Entry, second: Entry) -> bool:
        """Whether the documents fix that ``first`` comes before ``second``, given that it does here."""
        a, b = self.kind(first), self.kind(second)
        if not self.of_service(second):
            # Both ends talk at once; an event of the client answers the service in no documented order.
            return False
        if not self.of_service(first):
            return ANSWERS.get(a) == b and self.answers(first, second)
        if a in FLOATING or b in FLOATING:
            return False
        if a == "session.created":
            return True
        if a == b and a in DELTAS and (first.event["delta"] == second.event["delta"] or self.of_a_cut_text(first)):
            return False
        return bool(self.subjects(first) & self.subjects(second)) and frozenset({a, b}) not in NOT_FIXED

    def answers(self, asked: Entry, answer: Entry) -> bool:
        """Whether an event of the right kind can be the answer to this very request."""
        item = asked.event.get("item")
        if item is not None:
            return all(answer.event["item"].get(name) == item.get(name) for name in ("type", "role"))
        if asked.type == "response.create" and any(name.startswith("mcp_") for name in self.kinds):
            # A service that runs tools by itself may go on by itself.
            return False
        return asked.event.get("item_id") in (None, *self.subjects(answer))

    @property
    def kinds(self) -> set[str]:
        return {self.kind(self[place]) for place in self.places}

    def without(self, place: int) -> Trace:
        return numbered(self.trace, [entry for entry in self.trace.entries if entry.seq != place])

    def twice(self, place: int) -> Trace:
        entry = self[place]
        again = replace(entry, data={**entry.data, "event": {**entry.event, "event_id": "event_again"}})
        return numbered(self.trace, [*self.trace.entries[: place + 1], again, *self.trace.entries[place + 1 :]])

    def swapped(self, here: int, there: int) -> Trace:
        entries = list(self.trace.entries)
        first, second = entries[here], entries[there]
        entries[here] = replace(first, kind=second.kind, data=second.data)
        entries[there] = replace(second, kind=first.kind, data=first.data)
        return numbered(self.trace, entries)

    def turned_round(self, here: int, there: int) -> Iterator[tuple[Entry, Entry]]:
        """The pairs of events whose order the swap of these two turns round."""
        first, second = self[here], self[there]
        yield first, second
        for place in self.places:
            if here < place < there:
                yield first, self[place]
                yield self[place], second


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_nothing_is_wrong_or_due_while_the_caller_stays_on_the_line(path: Path) -> None:
    assert finding(load(path)) is None


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_a_dropped_event_is_missed(path: Path) -> None:
    told = Told(path)
    unseen = [
        f"{place} {told[place].type}"
        for place in told.places
        if told.of_service(told[place])
        and told.kind(told[place]) not in FLOATING
        and not told.may_be_missing(told[place])
        and finding(told.without(place)) is None
    ]
    assert unseen == []


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_a_doubled_event_is_seen(path: Path) -> None:
    told = Told(path)
    unseen = [
        f"{place} {told[place].type}"
        for place in told.places
        if told.of_service(told[place])
        and told.kind(told[place]) not in FLOATING
        and not told.of_a_cut_text(told[place])
        and finding(told.twice(place)) is None
    ]
    assert unseen == []


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_neighbours_that_change_places_are_seen(path: Path) -> None:
    told = Told(path)
    unseen = [
        f"{here} {told[here].type} and {told[there].type}"
        for here, there in zip(told.places, told.places[1:], strict=False)
        if told.bound(told[here], told[there]) and finding(told.swapped(here, there)) is None
    ]
    assert unseen == []


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(FILES), st.data())
def test_any_two_events_that_change_places_are_seen(path: Path, data: st.DataObject) -> None:
    told = Told(path)
    here, there = sorted(data.draw(st.lists(st.sampled_from(told.places), min_size=2, max_size=2, unique=True)))
    alike = told[here].event == told[there].event
    if not alike and any(told.bound(*pair) for pair in told.turned_round(here, there)):
        assert finding(told.swapped(here, there)) is not None, f"{told[here].type} and {told[there].type}"


def test_the_declarations_are_used() -> None:
    """What is declared as open stands in some golden trace; else the declaration is dead."""
    seen = {Told(path).kind(entry) for path in FILES for entry in load(path).of("event")}
    assert set(FLOATING) <= seen
    assert {kind for pair in NOT_FIXED for kind in pair} <= seen
    assert set(ANSWERS.values()) | set(ANSWERS) <= seen
