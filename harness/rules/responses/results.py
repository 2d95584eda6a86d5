"""RSP: what a response says of itself at the end: status details, output, metadata, conversation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness.rules.base import (
    DOCUMENTED,
    INFERRED,
    MUST,
    OBSERVED,
    SHOULD,
    Observation,
    View,
    bad,
    good,
    judged,
)
from harness.rules.responses import FAMILY
from harness.rules.support.fields import MISSING, at, index, listing, mapping, shown, text
from harness.rules.support.history import ITEM_EVENTS, History, Response, Step, content_of, history
from harness.rules.support.sources import sdk

_STATUS = sdk("realtime_response_status.py")
_RESPONSE = sdk("realtime_response.py")
_REASONS: Mapping[str, tuple[str, ...]] = {
    "cancelled": ("turn_detected", "client_cancelled"),
    "incomplete": ("max_output_tokens", "content_filter"),
}
_ITEM_STATUS = (
    sdk("conversation_item_added.py"),
    "a published event log, liusida/dictionary, Server2/OpenAI-Realtime-API-responses-example.md, https://github.com/liusida/dictionary",
)


@FAMILY.rule("06", MUST, DOCUMENTED, _STATUS)
def status_details(view: View) -> Iterator[Observation]:
    """status_details fit the status

    The type equals the status; cancelled is turn_detected or client_cancelled, incomplete max_output_tokens or content_filter.

    A failed response has its error there, often the only place where a rate limit shows at all. What is absent is not judged.

    Okay:
        < response.done {"response": {"id": "r", "status": "cancelled", "status_details": {"type": "cancelled",
            "reason": "turn_detected"}}}
    Okay:
        < response.done {"response": {"id": "r", "status": "completed", "status_details": null}}
    Fail:
        < response.done {"response": {"id": "r", "status": "cancelled", "status_details": {"type": "incomplete"}}}
    Fail:
        < response.done {"response": {"id": "r", "status": "incomplete", "status_details": {"type": "incomplete",
            "reason": "turn_detected"}}}
    Fail:
        < response.done {"response": {"id": "r", "status": "failed", "status_details": {"type": "failed"}}}
    """
    for done in history(view).server("response.done"):
        status = text(done.event, "response", "status")
        details = mapping(done.event, "response", "status_details")
        kind, reason = details.get("type"), details.get("reason")
        if kind is not None and kind != status:
            yield bad(done.entry, f"type {status}", f"type {shown(kind)}")
        elif reason is not None and status in _REASONS and reason not in _REASONS[status]:
            yield bad(done.entry, _REASONS[status], f"{status}, reason {shown(reason)}")
        elif status == "failed" and not mapping(details, "error"):
            yield bad(done.entry, "status_details.error", "failed without an error")
        else:
            yield good(done.entry)


@FAMILY.rule("08", SHOULD, INFERRED, sdk("response_done_event.py"))
def output_lists_items(view: View) -> Iterator[Observation]:
    """response.done lists the items that were done, in their order

    Vendor text: response.done "will include all output Items in the Response". Clients that skip deltas read only this.

    Okay:
        < response.output_item.done @r//0 {"item": {"id": "item_1"}}
        < response.done {"response": {"id": "r", "status": "completed", "output": [{"id": "item_1"}]}}
    Fail:
        < response.output_item.done @r//0 {"item": {"id": "item_1"}}
        < response.done {"response": {"id": "r", "status": "completed", "output": []}}
    """
    for response in history(view).responses.values():
        done = response.done
        if done is None or at(done.event, "response", "output") is MISSING:
            continue
        items = sorted(response.all("response.output_item.done"), key=lambda one: index(one.event, "output_index") or 0)
        expected = [text(one.event, "item", "id") for one in items if one.entry.seq < done.entry.seq]
        actual = [text(item, "id") for item in listing(done.event, "response", "output")]
        yield judged(done.entry, actual == expected, shown(expected), shown(actual))


@FAMILY.rule("12", MUST, DOCUMENTED, sdk("response_done_event.py"))
def no_raw_audio(view: View) -> Iterator[Observation]:
    """response.done carries no raw audio

    Vendor text: "will include all output Items in the Response but will omit the raw audio data".

    Base64 audio makes the message larger than a data channel takes. The audio is on the track.

    Okay:
        < response.done {"response": {"id": "r", "status": "completed", "output": [{"id": "i",
            "content": [{"type": "output_audio", "transcript": "Hi"}]}]}}
    Fail:
        < response.done {"response": {"id": "r", "status": "completed", "output": [{"id": "i",
            "content": [{"type": "output_audio", "audio": "AAAA"}]}]}}
    """
    for done in history(view).server("response.done"):
        items = [item for item in listing(done.event, "response", "output") if isinstance(item, Mapping)]
        raw = [text(item, "id") for item in items for part in content_of(item) if part.get("audio")]
        yield judged(done.entry, not raw, "no audio bytes", f"audio in {', '.join(map(repr, raw))}")


@FAMILY.rule("13", SHOULD, OBSERVED, *_ITEM_STATUS)
def item_status(view: View) -> Iterator[Observation]:
    """items are in progress when added, finished when done

    response.output_item.added shows status in_progress, response.output_item.done completed or incomplete, where it is given.

    Okay:
        < response.output_item.added @r//0 {"item": {"id": "i", "status": "in_progress"}}
        < response.output_item.done @r//0 {"item": {"id": "i", "status": "completed"}}
    Fail:
        < response.output_item.added @r//0 {"item": {"id": "i", "status": "completed"}}
    Fail:
        < response.output_item.done @r//0 {"item": {"id": "i", "status": "in_progress"}}
    """
    legal = {"response.output_item.added": ("in_progress",), "response.output_item.done": ("completed", "incomplete")}
    for one in history(view).server(*legal):
        status = at(one.event, "item", "status")
        if status is not MISSING and status is not None:
            yield judged(one.entry, status in legal[one.kind], legal[one.kind], shown(status))


@FAMILY.rule("14", MUST, DOCUMENTED, sdk("response_create_event.py"), _RESPONSE)
def metadata_echoed(view: View) -> Iterator[Observation]:
    """metadata comes back unchanged

    Vendor text: "The metadata field is a good way to disambiguate multiple simultaneous Responses".

    Copy the metadata of response.create into the response, at the start and at the end.

    Okay:
        > response.create {"response": {"metadata": {"topic": "a"}}}
        < response.created {"response": {"id": "r", "status": "in_progress", "metadata": {"topic": "a"}}}
        < response.done {"response": {"id": "r", "status": "completed", "metadata": {"topic": "a"}}}
    Fail:
        > response.create {"response": {"metadata": {"topic": "a"}}}
        < response.created {"response": {"id": "r", "status": "in_progress", "metadata": null}}
        < response.done {"response": {"id": "r", "status": "completed", "metadata": null}}
    Fail:
        > response.create {"response": {"metadata": {"topic": "a"}}}
        < response.created {"response": {"id": "r", "status": "in_progress", "metadata": {"topic": "a"}}}
        < response.done {"response": {"id": "r", "status": "completed", "metadata": {"topic": "b"}}}
    """
    course = history(view)
    asked = [(one, mapping(one.event, "response", "metadata")) for one in course.client("response.create")]
    asked = [(one, wanted) for one, wanted in asked if wanted]
    for create, wanted in asked:
        later = [one for one in course.responses.values() if one.created and one.created.entry.seq > create.entry.seq]
        ours = [one for one in later if _metadata(one) == wanted]
        if ours:
            done = ours[0].done
            kept = done is None or mapping(done.event, "response", "metadata") == wanted
            yield judged(create.entry, kept, shown(dict(wanted)), "other metadata in response.done")
        elif (only := _only_answer(course, create.entry.seq)) is not None:
            yield bad(create.entry, shown(dict(wanted)), f"{shown(dict(_metadata(only)))} in {only.id!r}")


def _metadata(response: Response) -> Mapping[str, Any]:
    return mapping(response.created.event, "response", "metadata") if response.created else {}


def _only_answer(course: History, seq: int) -> Response | None:
    """The response that a response.create at ``seq`` must have made: the next one, if nothing else could have asked for it."""
    creates = [one.entry.seq for one in course.client("response.create")]
    following = [
        one
        for one in course.server(
            "response.created", "input_audio_buffer.speech_stopped", "input_audio_buffer.timeout_triggered", "error"
        )
        if one.entry.seq > seq
    ]
    # A service that runs MCP tools by itself may go on by itself.
    tools = any(
        text(one.event, "item", "type").startswith("mcp_") for one in course.server("response.output_item.added")
    )
    if tools or not following or following[0].kind != "response.created":
        return None
    answer = course.responses.get(text(following[0].event, "response", "id"))
    waiting = [one for one in creates if one < following[0].entry.seq]
    before = [one for one in course.server("response.created") if one.entry.seq < seq]
    unanswered_turn = any(
        one.entry.seq < seq and not any(one.entry.seq < made.entry.seq < seq for made in before)
        for one in course.server("input_audio_buffer.speech_stopped", "input_audio_buffer.timeout_triggered")
    )
    alone = len([one for one in waiting if not before or one > before[-1].entry.seq]) == 1
    return answer if alone and not unanswered_turn else None


@FAMILY.rule("16", MUST, DOCUMENTED, _RESPONSE, sdk("response_create_event.py"))
def out_of_band(view: View) -> Iterator[Observation]:
    """an out-of-band response stays out of the conversation

    Vendor text: for conversation none "the response will not be added to any conversation and the value of conversation_id will be null".

    Otherwise a classification in the background turns up in what the model believes was said.

    Okay:
        > response.create {"response": {"conversation": "none"}}
        < response.created {"response": {"id": "r", "status": "in_progress", "conversation_id": null}}
        < response.output_item.added @r//0 {"item": {"id": "i"}}
    Fail:
        > response.create {"response": {"conversation": "none"}}
        < response.created {"response": {"id": "r", "status": "in_progress", "conversation_id": "conv_1"}}
    Fail:
        > response.create {"response": {"conversation": "none"}}
        < response.created {"response": {"id": "r", "status": "in_progress", "conversation_id": null}}
        < response.output_item.added @r//0 {"item": {"id": "i"}}
        < conversation.item.added {"item": {"id": "i", "type": "message", "role": "assistant"}}
    Fail:
        > response.create {"response": {"conversation": "none"}}
        < response.created {"response": {"id": "r", "status": "in_progress", "conversation_id": null}}
        < response.done {"response": {"id": "r", "status": "completed", "conversation_id": "conv_1"}}
    Unseen:
        > response.create {"response": {"conversation": "none"}, "event_id": "mine"}
        < error {"error": {"type": "invalid_request_error", "message": "no", "event_id": "mine"}}
        < response.created {"response": {"id": "r", "status": "in_progress", "conversation_id": null}}
        < response.output_item.added @r//0 {"item": {"id": "i"}}
        < conversation.item.added {"item": {"id": "i", "type": "message", "role": "assistant"}}
    """
    course = history(view)
    beside = [
        one
        for one in course.client("response.create")
        if text(one.event, "response", "conversation") == "none" and not _refused(course, one)
    ]
    if not beside:
        return
    meant = [answer for one in beside if (answer := _only_answer(course, one.entry.seq)) is not None]
    unbound = [one for one in course.responses.values() if one.conversation is None]
    if len(unbound) <= len(beside):  # a service that shows null for every response does not say which ones are meant
        meant += [one for one in unbound if one not in meant]
    for response in meant:
        created = response.created
        if created is None:
            continue
        named = [
            one
            for one in response.all("response.created", "response.done")
            if isinstance(at(one.event, "response", "conversation_id"), str)
        ]
        if named:
            yield bad(named[0].entry, "conversation_id null", shown(at(named[0].event, "response", "conversation_id")))
            continue
        items = {text(one.event, "item", "id") for one in response.all("response.output_item.added")} - {""}
        added = [one for one in course.server(*ITEM_EVENTS) if text(one.event, "item", "id") in items]
        if added:
            yield bad(added[0].entry, f"no conversation items from {response.id!r}", f"{added[0].kind} of its item")
        else:
            yield good(created.entry)


def _refused(course: History, create: Step) -> bool:
    """Whether an error names this very request."""
    named = text(create.event, "event_id")
    return bool(named) and any(text(one.event, "error", "event_id") == named for one in course.server("error"))
