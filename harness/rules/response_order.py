"""RSP, CNT and PLAY, order and cause: items and parts end inside out, and whatever is cut short was cut by somebody."""

from __future__ import annotations

from collections.abc import Iterator

from harness.rules.base import SERVICE, SHOULD, Observation, View, judged, rule
from harness.rules.content import parts
from harness.rules.disturbance import slack
from harness.rules.fields import index, text
from harness.rules.history import history
from harness.rules.interruption import CANCEL_SECONDS
from harness.rules.playback import CLEARED, SPEECH
from harness.rules.sources import LOG, SERVER_EVENTS, sdk

ADDED, DONE = "response.output_item.added", "response.output_item.done"


@rule(
    "RSP-20",
    "an output item is added first, and done once",
    who=SERVICE,
    severity=SHOULD,
    confidence="D",
    source=sdk("response_output_item_added_event.py", "response_output_item_done_event.py"),
    hidden_by_filter=True,
)
def item_added_first(view: View) -> Iterator[Observation]:
    """output_item.added is "Returned when a new Item is created during Response generation"; its content and its end come behind it.

    Okay:
        < response.output_item.added {"response_id": "r", "output_index": 0, "item": {"id": "i"}}
        < response.output_item.done {"response_id": "r", "output_index": 0, "item": {"id": "i"}}
    Fail:
        < response.output_item.done {"response_id": "r", "output_index": 0, "item": {"id": "i"}}
    Fail:
        < response.output_item.added {"response_id": "r", "output_index": 0, "item": {"id": "i"}}
        < response.output_item.done {"response_id": "r", "output_index": 0, "item": {"id": "i"}}
        < response.output_item.done {"response_id": "r", "output_index": 0, "item": {"id": "i"}}
    """
    for response in history(view).responses.values():
        added: set[tuple[int | None, str]] = set()
        done: set[tuple[int | None, str]] = set()
        for one in response.all(ADDED, DONE):
            place = (index(one.event, "output_index"), text(one.event, "item", "id"))
            if one.kind == ADDED:
                added.add(place)
                continue
            seen = "again" if place in done else "not added before, or at another place"
            yield judged(one.entry, place in added - done, f"{ADDED} before it, once", f"{place[1]!r} {seen}")
            done.add(place)


@rule(
    "RSP-21",
    "a cancelled response was cancelled by somebody",
    who=SERVICE,
    severity=SHOULD,
    confidence="D",
    source=sdk("realtime_response_status.py"),
    hidden_by_filter=True,
)
def cancelled_by(view: View) -> Iterator[Observation]:
    """turn_detected: "the server VAD detected a new start of speech"; client_cancelled: "the client sent a cancel event".

    The cause comes before its effect, while the response runs, and one response.cancel ends one response.

    Okay:
        < response.created {"response": {"id": "r", "status": "in_progress"}}
        < input_audio_buffer.speech_started {"item_id": "u", "audio_start_ms": 900}
        < response.done {"response": {"id": "r", "status": "cancelled", "status_details": {"type": "cancelled", "reason": "turn_detected"}}}
    Okay:
        > response.cancel {}
        +1.9s
        < response.created {"response": {"id": "r", "status": "in_progress"}}
        < response.done {"response": {"id": "r", "status": "cancelled", "status_details": {"type": "cancelled", "reason": "client_cancelled"}}}
    Fail:
        > response.cancel {}
        +2.1s
        < response.created {"response": {"id": "r", "status": "in_progress"}}
        < response.done {"response": {"id": "r", "status": "cancelled", "status_details": {"type": "cancelled", "reason": "client_cancelled"}}}
    Fail:
        < response.created {"response": {"id": "r", "status": "in_progress"}}
        < response.done {"response": {"id": "r", "status": "cancelled", "status_details": {"type": "cancelled", "reason": "turn_detected"}}}
    Fail[azure-preview]:
        < response.created {"response": {"id": "r", "status": "in_progress"}}
        < response.done {"response": {"id": "r", "status": "cancelled", "status_details": {"type": "cancelled", "reason": "client_cancelled"}}}
    Fail:
        < response.created {"response": {"id": "r", "status": "in_progress"}}
        > response.cancel {}
        < response.done {"response": {"id": "r", "status": "cancelled", "status_details": {"type": "cancelled", "reason": "client_cancelled"}}}
        < response.created {"response": {"id": "s", "status": "in_progress"}}
        < response.done {"response": {"id": "s", "status": "cancelled", "status_details": {"type": "cancelled", "reason": "client_cancelled"}}}
    """
    course = history(view)
    spent = 0
    for response in course.responses.values():
        if response.done is None or response.status != "cancelled":
            continue
        done, created = response.done.entry, response.steps[0].entry
        spoken = any(one.entry.seq > created.seq for one in course.before(done, SPEECH))
        # A cancel may be under way before the client has seen response.created.
        cancels = course.before(done, "response.cancel", by="client")
        cancelled = any(one.entry.t >= created.t - CANCEL_SECONDS - slack(view) for one in cancels[spent:])
        reason = text(response.done.event, "response", "status_details", "reason")
        spent += reason == "client_cancelled"
        caused = {"turn_detected": spoken, "client_cancelled": cancelled}.get(reason, spoken or cancelled)
        wanted = ("speech_started while it runs", "response.cancel")
        yield judged(done, caused, wanted, f"cancelled ({reason or 'no reason'}) by nobody")


@rule(
    "CNT-12",
    "parts are done before their item, and added after it",
    who=SERVICE,
    severity=SHOULD,
    confidence="O",
    source=f"{LOG}; {sdk('response_output_item_done_event.py')}",
    hidden_by_filter=True,
)
def parts_inside_item(view: View) -> Iterator[Observation]:
    """What is streamed for an item lies between its output_item.added and its output_item.done.

    Okay:
        < response.output_item.added {"response_id": "r", "output_index": 0, "item": {"id": "i"}}
        < response.content_part.added {"response_id": "r", "item_id": "i", "output_index": 0, "content_index": 0, "part": {"type": "text"}}
        < response.content_part.done {"response_id": "r", "item_id": "i", "output_index": 0, "content_index": 0, "part": {"type": "text"}}
        < response.output_item.done {"response_id": "r", "output_index": 0, "item": {"id": "i"}}
    Fail:
        < response.output_item.added {"response_id": "r", "output_index": 0, "item": {"id": "i"}}
        < response.content_part.added {"response_id": "r", "item_id": "i", "output_index": 0, "content_index": 0, "part": {"type": "text"}}
        < response.output_item.done {"response_id": "r", "output_index": 0, "item": {"id": "i"}}
        < response.content_part.done {"response_id": "r", "item_id": "i", "output_index": 0, "content_index": 0, "part": {"type": "text"}}
    Fail:
        < response.content_part.added {"response_id": "r", "item_id": "i", "output_index": 0, "content_index": 0, "part": {"type": "text"}}
        < response.output_item.added {"response_id": "r", "output_index": 0, "item": {"id": "i"}}
    """
    for part in parts(view):
        first, last = part.steps[0], part.steps[-1]
        added = [one.entry.seq for one in part.response.all(ADDED) if text(one.event, "item", "id") == part.item]
        done = [one.entry.seq for one in part.response.all(DONE) if text(one.event, "item", "id") == part.item]
        early = bool(added) and first.entry.seq < added[0]
        late = bool(done) and last.entry.seq > done[0]
        if added or done:
            wrong = first if early else last
            seen = f"{wrong.kind} {'before the item was added' if early else 'behind the end of the item'}"
            yield judged(wrong.entry, not early and not late, f"inside {part.item!r}", seen)


@rule(
    "PLAY-13",
    "playback is cleared by somebody, and once",
    who=SERVICE,
    severity=SHOULD,
    confidence="D",
    source=SERVER_EVENTS,
    hidden_by_filter=True,
)
def cleared_by(view: View) -> Iterator[Observation]:
    """cleared "happens either in VAD mode when the user has interrupted (input_audio_buffer.speech_started), or when the client has emitted the output_audio_buffer.clear event".

    Okay:
        < output_audio_buffer.started {"response_id": "r"}
        < input_audio_buffer.speech_started {"item_id": "u", "audio_start_ms": 900}
        < output_audio_buffer.cleared {"response_id": "r"}
    Fail:
        < output_audio_buffer.started {"response_id": "r"}
        < output_audio_buffer.cleared {"response_id": "r"}
        < input_audio_buffer.speech_started {"item_id": "u", "audio_start_ms": 900}
    """
    course = history(view)
    for response in course.responses.values():
        for cleared in response.all(CLEARED):
            since = response.steps[0].entry.seq
            causes = course.before(cleared.entry, SPEECH) + course.before(
                cleared.entry, "output_audio_buffer.clear", "response.cancel", by="client"
            )
            ok = any(one.entry.seq > since for one in causes)
            yield judged(
                cleared.entry, ok, ("speech_started before it", "output_audio_buffer.clear before it"), "by nobody"
            )
