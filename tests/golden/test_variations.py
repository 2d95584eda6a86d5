"""The golden traces told otherwise, as the documents allow: no rule may find anything in them, from either end."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from email.utils import formatdate
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from harness.protocol.dialects import DIALECTS, WEBRTC_FILTER
from harness.trace import Entry, Trace
from tests.golden.test_golden import FILES, complaints, from_the_other_end, load

EPOCH = 1_800_000_000  # the golden traces' own
Vary = Callable[[Trace], Trace]
_NUMBERS = count()


def numbered(trace: Trace, entries: list[Entry]) -> Trace:
    return Trace(trace.header, tuple(replace(entry, seq=seq) for seq, entry in enumerate(entries)), trace.end)


def of_service(trace: Trace, entry: Entry) -> bool:
    return entry.plane == "event" and trace.sender(entry) == "service"


def kind(trace: Trace, entry: Entry) -> str:
    beta_item = entry.type == "conversation.item.created" and DIALECTS[trace.header.dialect].generation.name == "beta"
    return "conversation.item.added" if beta_item else DIALECTS[trace.header.dialect].canonical(entry.type)


def is_ga(trace: Trace) -> bool:
    return DIALECTS[trace.header.dialect].generation.name == "ga"


def said(like: Entry, sent: bool, type: str, **fields: Any) -> Entry:
    """A further event at the time of ``like``, from the client (``sent``) or from the service."""
    event = {"type": type, **({} if sent else {"event_id": f"event_more_{next(_NUMBERS)}"}), **fields}
    return Entry(0, like.t, "event.sent" if sent else "event.received", {"event": event, "size": 100})


def changed(change: Callable[[Trace, Entry, dict[str, Any]], Mapping[str, Any] | None]) -> Vary:
    """Every event of the service rewritten, or left out where ``change`` says None."""

    def vary(trace: Trace) -> Trace:
        entries = []
        for entry in trace.entries:
            if of_service(trace, entry):
                event = change(trace, entry, dict(entry.event))
                if event is None:
                    continue
                entry = replace(entry, data={**entry.data, "event": event})
            entries.append(entry)
        return numbered(trace, entries)

    return vary


def without(*names: str) -> Vary:
    """Fields that are optional everywhere, left out at every depth."""

    def cut(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: cut(inner) for name, inner in value.items() if name not in names}
        return [cut(inner) for inner in value] if isinstance(value, list) else value

    return changed(lambda trace, entry, event: cut(event))


def more_fields(trace: Trace, entry: Entry, event: dict[str, Any]) -> Mapping[str, Any]:
    for name in ("session", "response", "item", "part", "error"):
        if isinstance(event.get(name), dict):
            event[name] = {**event[name], "newer": 1}
    return {**event, "newer": {"a": [1]}}


def other_part_names(trace: Trace, entry: Entry, event: dict[str, Any]) -> Mapping[str, Any]:
    part = event.get("part")
    return {**event, "part": {**part, "type": f"output_{part['type']}"}} if part and is_ga(trace) else event


def turned_round(*pair: str) -> Vary:
    """Neighbours of these two types change places."""

    def vary(trace: Trace) -> Trace:
        entries = list(trace.entries)
        for place in range(len(entries) - 1):
            here, there = entries[place : place + 2]
            both = of_service(trace, here) and of_service(trace, there)
            if both and {kind(trace, here), kind(trace, there)} == set(pair):
                entries[place], entries[place + 1] = replace(there, t=here.t), replace(here, t=there.t)
        return numbered(trace, entries)

    return vary


def inserted(more: Callable[[Trace, Entry], Iterator[Entry]]) -> Vary:
    """What ``more`` yields stands behind each event of the service."""

    def vary(trace: Trace) -> Trace:
        entries: list[Entry] = []
        for entry in trace.entries:
            entries.append(entry)
            if of_service(trace, entry):
                entries += more(trace, entry)
        return numbered(trace, entries)

    return vary


def created_too(trace: Trace, entry: Entry) -> Iterator[Entry]:
    if is_ga(trace) and entry.type == "conversation.item.added":
        fields = {name: value for name, value in entry.event.items() if name not in ("type", "event_id")}
        yield said(entry, False, "conversation.item.created", **fields)


def rate_limits(trace: Trace, entry: Entry) -> Iterator[Entry]:
    yield said(entry, False, "rate_limits.updated", rate_limits=[{"name": "tokens", "remaining": 3}])


def item_made_anew(trace: Trace, entry: Entry) -> Iterator[Entry]:
    """The client makes an item, deletes it, and makes another of the same id."""
    if not entry.type.endswith("session.updated"):
        return
    item = {"id": f"own_{entry.seq}", "type": "message", "role": "user", "content": []}
    for _ in range(2):
        yield said(entry, True, "conversation.item.create", item=item)
        yield said(entry, False, "conversation.item.added" if is_ga(trace) else "conversation.item.created", item=item)
        if is_ga(trace):
            yield said(entry, False, "conversation.item.done", item=item)
        yield said(entry, True, "conversation.item.delete", item_id=item["id"])
        yield said(entry, False, "conversation.item.deleted", item_id=item["id"])


def beside(trace: Trace, entry: Entry) -> Iterator[Entry]:
    """An out-of-band response begins in the middle of another, and the service does not show which one is which."""
    if kind(trace, entry) == "response.content_part.added":
        response = {"id": f"resp_beside_{entry.seq}", "status": "in_progress", "output": []}
        yield said(entry, True, "response.create", response={"conversation": "none"})
        yield said(entry, False, "response.created", response=response)
        error = {"type": "server_error", "message": "Sorry."}
        details = {"type": "failed", "error": error}
        yield said(entry, False, "response.done", response={**response, "status": "failed", "status_details": details})


def late_transcriptions(trace: Trace) -> Trace:
    late = [entry for entry in trace.entries if "input_audio_transcription." in entry.type]
    rest = [entry for entry in trace.entries if entry not in late]
    last = max(place for place, entry in enumerate(rest) if of_service(trace, entry))
    return numbered(trace, [*rest[: last + 1], *(replace(one, t=rest[last].t) for one in late), *rest[last + 1 :]])


def filtered(trace: Trace) -> Trace:
    if not DIALECTS[trace.header.dialect].filter:
        return trace
    entries = []
    for entry in trace.entries:
        if entry.kind == "http.request" and entry.data["step"] == "call":
            entry = replace(entry, data={**entry.data, "url": f"{entry.data['url']}?webrtcfilter=on"})
        if not of_service(trace, entry) or entry.type in WEBRTC_FILTER:
            entries.append(entry)
    return numbered(trace, entries)


def wrong_clock(trace: Trace) -> Trace:
    """The observer's clock is a quarter of an hour fast; the service's own Date is right."""
    entries = []
    for entry in trace.entries:
        data = dict(entry.data)
        if "epoch" in data:
            data["epoch"] += 900
        if entry.kind == "http.response":
            data["headers"] = {**data["headers"], "date": formatdate(EPOCH + entry.t, usegmt=True)}
        entries.append(replace(entry, data=data))
    return numbered(trace, entries)


def only(*planes: str) -> Vary:
    return lambda trace: numbered(trace, [entry for entry in trace.entries if entry.plane in planes])


VARIATIONS: Mapping[str, Vary] = {
    **{f"without {name}": without(name) for name in ("previous_item_id", "object", "param", "code", "expires_at")},
    "without conversation_id, a response beside": lambda trace: inserted(beside)(without("conversation_id")(trace)),
    "without max_output_tokens": without("max_output_tokens"),
    "more fields than documented": changed(more_fields),
    "parts named as items name them": changed(other_part_names),
    "item.done before output_item.done": turned_round("conversation.item.done", "response.output_item.done"),
    "item.added before output_item.added": turned_round("conversation.item.added", "response.output_item.added"),
    "audio before its transcript": turned_round("response.output_audio.done", "response.output_audio_transcript.done"),
    "item.created besides item.added": inserted(created_too),
    "rate limits all the time": inserted(rate_limits),
    "an item deleted and made anew": inserted(item_made_anew),
    "transcriptions at the very end": late_transcriptions,
    "webrtcfilter=on": filtered,
    "a wrong clock": wrong_clock,
    "events alone": only("event"),
    "without media": only("http", "sdp", "connection", "channel", "event"),
}


@pytest.mark.parametrize("name", VARIATIONS)
def test_nothing_fails(name: str) -> None:
    changes = 0
    for path in FILES:
        trace = VARIATIONS[name](load(path))
        changes += trace.entries != load(path).entries
        assert complaints(trace) == [], _where(path)
        assert complaints(from_the_other_end(trace)) == [], _where(path)
    assert changes


def _where(path: Path) -> str:
    return f"{path.parent.name}/{path.stem}"
