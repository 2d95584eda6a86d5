"""ITM: the items of the conversation: ids, announcement, and what the client does to them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from harness.protocol.dialects import GA
from harness.protocol.states import ITEM, step
from harness.rules.base import BOTH, CLIENT, DOCUMENTED, MUST, OBSERVED, SHOULD, Observation, View, bad, good, judged
from harness.rules.items import FAMILY
from harness.rules.support.fields import at, mapping, shown, text
from harness.rules.support.history import History, Step, content_of, history, named_error, overdue, overtaken
from harness.rules.support.sources import LOG, sdk

ADDED, CREATED, DONE = "conversation.item.added", "conversation.item.created", "conversation.item.done"
DELETED = "conversation.item.deleted"
_ADDED = sdk("conversation_item_added.py")
_CREATE = sdk("conversation_item_create_event.py")
_CONTENT = sdk(
    "realtime_conversation_item_user_message.py",
    "realtime_conversation_item_assistant_message.py",
    "realtime_conversation_item_system_message.py",
)
# What answers which request, and where the answer keeps the item's id.
_ANSWERS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "conversation.item.delete": ("conversation.item.deleted", ("item_id",)),
    "conversation.item.truncate": ("conversation.item.truncated", ("item_id",)),
    "conversation.item.retrieve": ("conversation.item.retrieved", ("item", "id")),
}
_DONE_BEHIND_ADDED = sdk("conversation_item_added.py", "conversation_item_done.py")
_ANNOUNCED_ONCE = (LOG, sdk("conversation_item_created_event.py", "conversation_item_added.py"))
_REQUEST_ANSWERED = sdk(
    "conversation_item_delete_event.py", "conversation_item_truncate_event.py", "conversation_item_retrieve_event.py"
)


@FAMILY.rule("01", SHOULD, DOCUMENTED, _ADDED, _CREATE, who=BOTH, hidden_by_filter=False, by_sender=True)
def ids(view: View) -> Iterator[Observation]:
    """item ids are unique, and previous_item_id names a known item

    An item is "inserted" after the one that previous_item_id names: a known id, null for none, "root" for the beginning.

    An unknown predecessor leaves clients with an order they cannot draw; a reused id overwrites another item.

    Okay:
        < conversation.item.added {"item": {"id": "a", "type": "message"}, "previous_item_id": null}
        < conversation.item.added {"item": {"id": "b", "type": "message"}, "previous_item_id": "a"}
    Fail:
        < conversation.item.added {"item": {"id": "b", "type": "message"}, "previous_item_id": "zzz"}
    Fail:
        < conversation.item.added {"item": {"id": "a", "type": "message"}, "previous_item_id": null}
        > conversation.item.create {"item": {"id": "a", "type": "message", "role": "user", "content": []},
            "previous_item_id": "root"}
    Fail[azure-preview]:
        < response.output_item.added @r1//0 {"item": {"id": "a"}}
        < response.output_item.added @r2//0 {"item": {"id": "a"}}
    """
    course = history(view)
    owners: dict[str, str] = {}
    deleted: set[str] = set()
    for one in course.steps:
        named, previous = text(one.event, "item", "id"), at(one.event, "previous_item_id")
        if one.by == "service" and one.kind == DELETED:
            deleted.add(text(one.event, "item_id"))
        if one.by == "service" and one.kind == "response.output_item.added" and named:
            response = text(one.event, "response_id")
            owner = owners.setdefault(named, response)
            yield judged(one.entry, owner == response, "an id of its own", f"{named!r} is an item of {owner!r}")
        if one.by == "client" and one.kind == "conversation.item.create" and course.known(named, one.entry.seq):
            yield judged(one.entry, named in deleted, "an id of its own", f"{named!r} is in use")
        if isinstance(previous, str):
            known = previous == "root" or course.known(previous, one.entry.seq)
            yield judged(one.entry, known, ("a known item", "null", '"root"'), f"previous_item_id {previous!r}")


@FAMILY.rule("02", MUST, DOCUMENTED, _DONE_BEHIND_ADDED, dialects=GA, hidden_by_filter=False)
def done_behind_added(view: View) -> Iterator[Observation]:
    """each conversation.item.added is followed by at most one conversation.item.done

    conversation.item.done is "Returned when a conversation item is finalized": once, and not before it is there.

    Okay:
        < conversation.item.added {"item": {"id": "a", "type": "message"}}
        < conversation.item.done {"item": {"id": "a", "type": "message"}}
    Fail:
        < conversation.item.done {"item": {"id": "a", "type": "message"}}
        < conversation.item.added {"item": {"id": "a", "type": "message"}}
    Fail:
        < conversation.item.added {"item": {"id": "a", "type": "message"}}
        < conversation.item.done {"item": {"id": "a", "type": "message"}}
        < conversation.item.done {"item": {"id": "a", "type": "message"}}
    Okay:
        < conversation.item.added {"item": {"id": "a", "type": "message"}}
        < conversation.item.done {"item": {"id": "a", "type": "message"}}
        < conversation.item.deleted {"item_id": "a"}
        < conversation.item.added {"item": {"id": "a", "type": "message"}}
        < conversation.item.done {"item": {"id": "a", "type": "message"}}
    """
    states: dict[str, str] = {}
    for one in history(view).server(ADDED, CREATED, DONE, DELETED):
        if one.kind == DELETED:  # the client may make an item of this id anew
            states.pop(text(one.event, "item_id"), None)
            continue
        named = text(one.event, "item", "id")
        state = states.get(named, ITEM.initial)
        new = step(ITEM, state, DONE if one.kind == DONE else ADDED)
        if one.kind == DONE:
            seen = "without conversation.item.added" if state == ITEM.initial else "again"
            yield judged(
                one.entry, new is not None, "one conversation.item.done after the added item", f"{named!r} {seen}"
            )
        states[named] = new or state


@FAMILY.rule("03", SHOULD, OBSERVED, *_ANNOUNCED_ONCE, hidden_by_filter=False)
def announced_once(view: View) -> Iterator[Observation]:
    """an item is announced once

    Beta announces an item with conversation.item.created, GA with conversation.item.added; GA may send created besides.

    An item announced twice stands twice on the client's screen.

    Okay:
        < conversation.item.created {"item": {"id": "a", "type": "message"}}
        < conversation.item.added {"item": {"id": "a", "type": "message"}}
    Fail:
        < conversation.item.added {"item": {"id": "a", "type": "message"}}
        < conversation.item.added {"item": {"id": "a", "type": "message"}}
    Fail[azure-preview]:
        < conversation.item.created {"item": {"id": "a", "type": "message"}}
        < conversation.item.created {"item": {"id": "a", "type": "message"}}
    Okay[azure-preview]:
        < conversation.item.created {"item": {"id": "a", "type": "message"}}
        < conversation.item.deleted {"item_id": "a"}
        < conversation.item.created {"item": {"id": "a", "type": "message"}}
    """
    course = history(view)
    for kind in (ADDED, CREATED):
        seen: set[str] = set()
        for one in course.server(kind, DELETED):
            if one.kind == DELETED:
                seen.discard(text(one.event, "item_id"))
                continue
            named = text(one.event, "item", "id")
            yield judged(one.entry, named not in seen, f"one {one.entry.type}", f"{named!r} again")
            seen.add(named)


@FAMILY.rule("04", MUST, DOCUMENTED, _CREATE, hidden_by_filter=False)
def create_answered(view: View) -> Iterator[Observation]:
    """conversation.item.create is answered by the item or an error

    Vendor text: "the server will emit a conversation.item.added event ... Otherwise, an error event will be sent."

    An id that the client chose is kept. In beta the event is conversation.item.created.

    Okay:
        > conversation.item.create {"item": {"id": "mine", "type": "message", "role": "user", "content": []}}
        < conversation.item.added {"item": {"id": "mine", "type": "message", "role": "user"}}
    Okay:
        > conversation.item.create {"item": {"type": "function_call_output", "call_id": "c", "output": ""}}
        < conversation.item.added {"item": {"id": "item_9", "type": "function_call_output", "call_id": "c"}}
    Fail:
        > conversation.item.create {"item": {"id": "mine", "type": "message", "role": "user", "content": []}}
        < conversation.item.added {"item": {"id": "other", "type": "message", "role": "user"}}
        < response.created {"response": {"id": "resp_1"}}
        < response.done {"response": {"id": "resp_1", "status": "completed"}}
    Okay:
        > conversation.item.create {"previous_item_id": "unknown", "item": {"type": "message", "role": "user",
            "content": []}}
        < error {"error": {"type": "invalid_request_error", "message": "unknown", "event_id": null}}
        > conversation.item.create {"item": {"type": "message", "role": "user", "content": []}}
        < conversation.item.added {"item": {"id": "item_1", "type": "message", "role": "user"}}
        < response.created {"response": {"id": "resp_1"}}
        < response.done {"response": {"id": "resp_1", "status": "completed"}}
    Okay[azure-preview]:
        > conversation.item.create {"item": {"type": "message", "role": "user", "content": []}}
        < conversation.item.created {"item": {"id": "item_1", "type": "message", "role": "user"}}
    Open:
        > conversation.item.create {"item": {"type": "message", "role": "user", "content": []}}
        +11s
        < rate_limits.updated {"rate_limits": []}
    """
    course = history(view)
    spoken = {text(one.event, "item_id") for one in course.server("input_audio_buffer.committed")}
    used: set[int] = set()
    for create in course.client("conversation.item.create"):
        item = mapping(create.event, "item")
        answer = next(
            (
                one
                for one in course.after(create.entry, ADDED, CREATED)
                if one.entry.seq not in used
                and text(one.event, "item", "id") not in spoken
                and _answers(item, mapping(one.event, "item"))
            ),
            None,
        )
        wanted = f"the item {text(item, 'id')!r}" if text(item, "id") else f"an item of type {text(item, 'type')}"
        error = named_error(course, create.entry, besides=used)
        # Items without an id of the client's look alike: what was refused before such an item came has its answer in the error.
        refused = error and not text(item, "id") and (answer is None or error.entry.seq < answer.entry.seq)
        if answer is not None and not refused:
            used.add(answer.entry.seq)
            yield good(create.entry)
        elif error is not None:
            used.add(error.entry.seq)
            yield good(create.entry, "error")
        elif not view.filtered:  # the filter hides error, the other legal answer
            yield from _missing(view, course, create, wanted)


def _missing(view: View, course: History, request: Step, wanted: str) -> Iterator[Observation]:
    if evidence := overtaken(course, request.entry):
        yield bad(request.entry, (wanted, "error"), f"no answer by {evidence.kind} (entry {evidence.entry.seq})")
    else:
        yield from overdue(view, request.entry, f"{wanted}, or error")


def _answers(sent: Mapping[str, Any], seen: Mapping[str, Any]) -> bool:
    if text(sent, "id"):
        return text(sent, "id") == text(seen, "id")
    return all(name not in sent or sent[name] == seen.get(name) for name in ("type", "role", "call_id"))


@FAMILY.rule("11", MUST, DOCUMENTED, _REQUEST_ANSWERED)
def request_answered(view: View) -> Iterator[Observation]:
    """delete, truncate and retrieve are answered for the same item

    Vendor text: "The server will respond with a conversation.item.deleted event, unless the item does not exist ... an error".

    The same holds for truncated and retrieved.

    Okay:
        > conversation.item.delete {"item_id": "a"}
        < conversation.item.deleted {"item_id": "a"}
    Okay:
        > conversation.item.retrieve {"item_id": "b", "event_id": "mine"}
        < error {"error": {"type": "invalid_request_error", "message": "no such item", "event_id": "mine"}}
    Fail:
        > conversation.item.truncate @/a//0 {"audio_end_ms": 900}
        < conversation.item.truncated @/b//0 {"audio_end_ms": 900}
        < response.created {"response": {"id": "resp_1"}}
        < response.done {"response": {"id": "resp_1", "status": "completed"}}
    Open:
        > conversation.item.delete {"item_id": "a"}
        +11s
        < rate_limits.updated {"rate_limits": []}
    """
    course = history(view)
    for request in course.client(*_ANSWERS):
        kind, path = _ANSWERS[request.kind]
        named = text(request.event, "item_id")
        answer = next((one for one in course.after(request.entry, kind) if text(one.event, *path) == named), None)
        if answer is not None or named_error(course, request.entry) is not None:
            yield good(request.entry)
        else:
            yield from _missing(view, course, request, f"{kind} of {named!r}")


@FAMILY.rule("12", MUST, DOCUMENTED, _CONTENT, who=CLIENT, hidden_by_filter=False)
def content_fits_role(view: View) -> Iterator[Observation]:
    """the client's content types fit the role

    User messages hold input_text, input_audio (GA: input_image), system messages input_text, assistant messages output_text in GA
    and text in beta. Any other combination is refused, an assistant's audio too: send its transcript as text.

    Okay:
        > conversation.item.create {"item": {"type": "message", "role": "user", "content": [{"type": "input_text",
            "text": "Hi"}]}}
    Fail:
        > conversation.item.create {"item": {"type": "message", "role": "user", "content": [{"type": "text",
            "text": "Hi"}]}}
    Okay:
        > conversation.item.create {"item": {"type": "message", "role": "assistant",
            "content": [{"type": "output_text", "text": "Hi"}]}}
    Fail:
        > conversation.item.create {"item": {"type": "message", "role": "assistant",
            "content": [{"type": "output_audio", "transcript": "Hi"}]}}
    Okay[azure-preview]:
        > conversation.item.create {"item": {"type": "message", "role": "assistant", "content": [{"type": "text",
            "text": "Hi"}]}}
    Fail[azure-preview]:
        > conversation.item.create {"item": {"type": "message", "role": "assistant", "content": [{"type": "output_text",
            "text": "Hi"}]}}
    """
    for create in history(view).client("conversation.item.create"):
        own = view.dialect.generation
        yield from _content(create, {**own.content, "assistant": own.replayed})


@FAMILY.rule("13", SHOULD, DOCUMENTED, _CONTENT, hidden_by_filter=False)
def service_content_fits_role(view: View) -> Iterator[Observation]:
    """the service's content types fit the role

    The same table holds for the items that the service shows.

    Okay:
        < conversation.item.done {"item": {"id": "i", "type": "message", "role": "assistant",
            "content": [{"type": "output_audio", "transcript": "Hi"}]}}
    Fail:
        < conversation.item.done {"item": {"id": "i", "type": "message", "role": "assistant",
            "content": [{"type": "input_text", "text": "Hi"}]}}
    Fail:
        < conversation.item.retrieved {"item": {"id": "i", "type": "message", "role": "user",
            "content": [{"type": "audio", "transcript": "Hi"}]}}
    Fail[azure-preview]:
        < response.output_item.done @r//0 {"item": {"id": "i", "type": "message", "role": "assistant",
            "content": [{"type": "output_text", "text": "Hi"}]}}
    """
    kinds = (
        ADDED,
        CREATED,
        DONE,
        "conversation.item.retrieved",
        "response.output_item.added",
        "response.output_item.done",
    )
    for one in history(view).server(*kinds):
        yield from _content(one, view.dialect.generation.content)


def _content(one: Step, table: Mapping[str, tuple[str, ...]]) -> Iterator[Observation]:
    item = mapping(one.event, "item")
    allowed = table.get(text(item, "role"))
    kinds = [part["type"] for part in content_of(item) if part.get("type") is not None]
    if text(item, "type") == "message" and allowed is not None and kinds:
        wrong = [kind for kind in kinds if kind not in allowed]
        yield judged(one.entry, not wrong, allowed, f"{text(item, 'role')}: {shown(wrong)}")
