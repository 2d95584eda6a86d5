"""RSP: the course of a response: created first, its items announced, done last and once."""

from __future__ import annotations

from collections.abc import Iterator

from harness.protocol.states import RESPONSE, step
from harness.rules.base import (
    DOCUMENTED,
    INFERRED,
    MUST,
    SHOULD,
    Observation,
    View,
    bad,
    good,
    judged,
)
from harness.rules.responses import FAMILY
from harness.rules.support.fields import at, index, listing, shown, text
from harness.rules.support.history import (
    History,
    Response,
    Step,
    history,
    overdue,
    surely_in_default,
)
from harness.rules.support.sources import sdk

CREATED, DONE = "response.created", "response.done"
_CREATED_SOURCE = sdk("response_created_event.py")
_DONE_SOURCE = sdk("response_done_event.py")
ITEM_ADDED, ITEM_DONE = "response.output_item.added", "response.output_item.done"


def _event(one: Step) -> str:
    """The event of the lifecycle table that a response.* event stands for."""
    if one.kind == DONE:
        return f"{DONE}({text(one.event, 'response', 'status')})"
    return CREATED if one.kind == CREATED else "response.*"


@FAMILY.rule("01", MUST, DOCUMENTED, _CREATED_SOURCE)
def created_first(view: View) -> Iterator[Observation]:
    """response.created is the first event of a response

    Vendor text: "The first event of response creation". Clients set up their state for the response there.

    Announce a response before anything that names its id, playback included.

    Okay:
        < response.created {"response": {"id": "resp_1", "status": "in_progress"}}
        < response.output_item.added @resp_1//0 {"item": {"id": "item_1"}}
    Fail:
        < response.output_item.added @resp_1//0 {"item": {"id": "item_1"}}
        < response.created {"response": {"id": "resp_1", "status": "in_progress"}}
    Fail:
        < output_audio_buffer.started {"response_id": "resp_1"}
    """
    for response in history(view).responses.values():
        first = response.steps[0]
        yield judged(first.entry, first.kind == CREATED, f"response.created of {response.id!r} first", first.kind)


@FAMILY.rule("02", MUST, DOCUMENTED, _CREATED_SOURCE)
def created_empty(view: View) -> Iterator[Observation]:
    """a new response is in progress and empty

    Vendor text: "the response is in an initial state of in_progress". Output comes with events of its own.

    Okay:
        < response.created {"response": {"id": "resp_1", "status": "in_progress", "output": []}}
    Fail:
        < response.created {"response": {"id": "resp_1", "status": "completed", "output": []}}
    Fail:
        < response.created {"response": {"id": "resp_1", "status": "in_progress", "output": [{"id": "item_1"}]}}
    """
    for created in history(view).server(CREATED):
        status, output = at(created.event, "response", "status"), listing(created.event, "response", "output")
        ok = status == "in_progress" and not output
        yield judged(created.entry, ok, "in_progress, no output", f"{shown(status)}, {len(output)} item(s)")


@FAMILY.rule("03", MUST, DOCUMENTED, _DONE_SOURCE)
def closed_once(view: View) -> Iterator[Observation]:
    """every response.created is closed by one response.done

    Vendor text: "Always emitted, no matter the final state." A client that waits for it may speak again only then.

    Send it for cancelled and failed responses too, and once. A response that still runs when the call ends is no fault.

    Okay:
        < response.created {"response": {"id": "resp_1", "status": "in_progress"}}
        < response.done {"response": {"id": "resp_1", "status": "completed"}}
    Fail:
        < response.created {"response": {"id": "resp_1", "status": "in_progress"}}
        < response.created {"response": {"id": "resp_2", "status": "in_progress"}}
        < response.done {"response": {"id": "resp_2", "status": "completed"}}
    Fail:
        < response.created {"response": {"id": "resp_1", "status": "in_progress"}}
        < response.done {"response": {"id": "resp_1", "status": "completed"}}
        < response.done {"response": {"id": "resp_1", "status": "completed"}}
    Fail:
        < response.created {"response": {"id": "resp_1", "status": "in_progress"}}
        < output_audio_buffer.started {"response_id": "resp_1"}
        < output_audio_buffer.stopped {"response_id": "resp_1"}
    Open:
        < response.created {"response": {"id": "resp_1", "status": "in_progress"}}
        +15s
        < rate_limits.updated {"rate_limits": []}
    Unseen:
        < response.created {"response": {"id": "resp_1", "status": "in_progress"}}
        > response.create {"response": {"conversation": "none"}}
        < response.created {"response": {"id": "resp_2", "status": "in_progress"}}
    """
    course = history(view)
    for response in course.responses.values():
        done = response.all(DONE)
        if done:
            yield good(done[0].entry)
            for again in done[1:]:
                yield bad(again.entry, "one response.done", f"again for {response.id!r}")
        elif response.created is not None:
            evidence = _over(course, response)
            if evidence is not None:
                seen = f"{evidence.kind} (entry {evidence.entry.seq}) without it"
                yield bad(response.created.entry, f"response.done of {response.id!r}", seen)
            else:
                yield from overdue(view, response.steps[-1].entry, f"response.done of {response.id!r}")


def _over(course: History, response: Response) -> Step | None:
    """What shows that a response without response.done is over: its audio drained, or the next one began in its conversation."""
    stopped = response.first("output_audio_buffer.stopped")
    if stopped is not None or response.created is None or not surely_in_default(course, response):
        return stopped
    for later in course.responses.values():
        behind = later.created and later.created.entry.seq > response.steps[-1].entry.seq
        if behind and surely_in_default(course, later):
            return later.created
    return None


@FAMILY.rule("04", MUST, DOCUMENTED, _DONE_SOURCE)
def nothing_after_done(view: View) -> Iterator[Observation]:
    """nothing of a response follows its response.done

    Vendor text: "Returned when a Response is done streaming". Only playback and transcription go on after it.

    Clients free what belongs to a response at response.done; a late delta goes nowhere, or into the next one.

    Okay:
        < response.created {"response": {"id": "resp_1", "status": "in_progress"}}
        < response.done {"response": {"id": "resp_1", "status": "completed"}}
        < output_audio_buffer.stopped {"response_id": "resp_1"}
    Fail:
        < response.created {"response": {"id": "resp_1", "status": "in_progress"}}
        < response.done {"response": {"id": "resp_1", "status": "completed"}}
        < response.output_text.delta @resp_1/i/0/0 {"delta": "!"}
    """
    for response in history(view).responses.values():
        state = RESPONSE.initial
        for one in response.steps:
            if not one.kind.startswith("response."):
                continue
            if state in RESPONSE.final and one.kind not in (CREATED, DONE):
                yield bad(one.entry, "no response.* event after response.done", f"{one.kind} in state {state}")
            new = step(RESPONSE, state, _event(one))
            if new in RESPONSE.final and state not in RESPONSE.final:
                yield good(one.entry)
            # A response without response.created, or with an unknown status, is another rule's finding; it runs or is over.
            state = new or ("completed" if one.kind == DONE else state if state in RESPONSE.final else "in_progress")


@FAMILY.rule("05", MUST, DOCUMENTED, _DONE_SOURCE)
def final_status(view: View) -> Iterator[Observation]:
    """the final status is completed, cancelled, incomplete or failed

    Vendor text: "Clients should check the status field of the Response to determine if it was successful (completed) or ... cancelled, failed, or incomplete".

    Okay:
        < response.done {"response": {"id": "resp_1", "status": "cancelled"}}
    Fail:
        < response.done {"response": {"id": "resp_1", "status": "in_progress"}}
    Fail:
        < response.done {"response": {"id": "resp_1"}}
    """
    for done in history(view).server(DONE):
        status = at(done.event, "response", "status")
        ok = isinstance(status, str) and status in RESPONSE.final
        yield judged(done.entry, ok, sorted(RESPONSE.final), shown(status))


@FAMILY.rule("07", MUST, DOCUMENTED, sdk("response_output_item_done_event.py"))
def items_done(view: View) -> Iterator[Observation]:
    """every output item that was added is done before the response is

    Vendor text: "Returned when an Item is done streaming. Also emitted when a Response is interrupted, incomplete, or cancelled."

    The finished item is the only place of its full content. For a failed response nothing is promised.

    Okay:
        < response.created {"response": {"id": "resp_1", "status": "in_progress"}}
        < response.output_item.added @resp_1//0 {"item": {"id": "item_1"}}
        < response.output_item.done @resp_1//0 {"item": {"id": "item_1"}}
        < response.done {"response": {"id": "resp_1", "status": "completed"}}
    Fail:
        < response.created {"response": {"id": "resp_1", "status": "in_progress"}}
        < response.output_item.added @resp_1//0 {"item": {"id": "item_1"}}
        < response.done {"response": {"id": "resp_1", "status": "cancelled"}}
    """
    for response in history(view).responses.values():
        if response.done is None or response.status == "failed":
            continue
        finished = [(one.entry.seq, _output(one)) for one in response.all("response.output_item.done")]
        for added in response.all("response.output_item.added"):
            ok = any(
                added.entry.seq < seq < response.done.entry.seq and _output(added) == place for seq, place in finished
            )
            yield judged(added.entry, ok, "response.output_item.done before response.done", "not done by then")


def _output(one: Step) -> tuple[int | None, str]:
    return index(one.event, "output_index"), text(one.event, "item", "id")


@FAMILY.rule("17", SHOULD, INFERRED, _CREATED_SOURCE)
def created_once(view: View) -> Iterator[Observation]:
    """a response is created once

    An id names one response for the whole session; a second response.created with it resets the client's state.

    Okay:
        < response.created {"response": {"id": "resp_1", "status": "in_progress"}}
        < response.created {"response": {"id": "resp_2", "status": "in_progress"}}
    Fail:
        < response.created {"response": {"id": "resp_1", "status": "in_progress"}}
        < response.created {"response": {"id": "resp_1", "status": "in_progress"}}
    """
    for response in history(view).responses.values():
        for position, created in enumerate(response.all(CREATED)):
            yield judged(created.entry, position == 0, "an id of its own", f"{response.id!r} again")


@FAMILY.rule("20", SHOULD, DOCUMENTED, sdk("response_output_item_added_event.py", "response_output_item_done_event.py"))
def item_added_first(view: View) -> Iterator[Observation]:
    """an output item is added first, and done once

    output_item.added is "Returned when a new Item is created during Response generation"; its content and its end come after it.

    Okay:
        < response.output_item.added @r//0 {"item": {"id": "i"}}
        < response.output_item.done @r//0 {"item": {"id": "i"}}
    Fail:
        < response.output_item.done @r//0 {"item": {"id": "i"}}
    Fail:
        < response.output_item.added @r//0 {"item": {"id": "i"}}
        < response.output_item.done @r//0 {"item": {"id": "i"}}
        < response.output_item.done @r//0 {"item": {"id": "i"}}
    Fail:
        < response.output_text.delta @r/i/0/0 {"delta": "Hi"}
    Unseen:
        < response.created {"response": {"id": "r"}}
        < response.done {"response": {"id": "r", "output": []}}
    """
    for response in history(view).responses.values():
        added: set[tuple[int | None, str]] = set()
        done: set[tuple[int | None, str]] = set()
        for one in response.all(ITEM_ADDED, ITEM_DONE):
            place = (index(one.event, "output_index"), text(one.event, "item", "id"))
            if one.kind == ITEM_ADDED:
                added.add(place)
                continue
            seen = "again" if place in done else "not added before, or at another place"
            yield judged(one.entry, place in added - done, f"{ITEM_ADDED} before it, once", f"{place[1]!r} {seen}")
            done.add(place)
        named = {text(one.event, "item_id"): one for one in reversed(response.steps)}
        for item, content in named.items():
            if item and not added and not done:  # a single item that was not announced is CNT-02's
                yield bad(content.entry, f"{ITEM_ADDED} before it", f"none of {item!r} came; first {content.kind}")
