"""ITM: what becomes of items: a response's items enter the conversation and are finalized there; answers come once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from harness.protocol.dialects import GA
from harness.rules.base import DOCUMENTED, INFERRED, OBSERVED, SHOULD, Observation, View, bad, judged
from harness.rules.items import FAMILY
from harness.rules.support.fields import at, text
from harness.rules.support.history import Step, history, named_error, overdue, overtaken, surely_in_default
from harness.rules.support.sources import LOG, sdk

_ADDED = sdk("conversation_item_added.py", "conversation_item_created_event.py")


@FAMILY.rule("19", SHOULD, DOCUMENTED, _ADDED)
def output_is_added(view: View) -> Iterator[Observation]:
    """the items of a response are added to the conversation

    conversation.item.added is sent "When the model is generating a Response ... when the model starts generating a specific Item".

    In beta the event is conversation.item.created. Out-of-band responses add nothing.

    Okay:
        < response.created {"response": {"id": "r", "conversation_id": "conv_1"}}
        < response.output_item.added @r//0 {"item": {"id": "a"}}
        < conversation.item.added {"item": {"id": "a", "type": "message", "role": "assistant"}}
        < response.done {"response": {"id": "r", "status": "completed", "conversation_id": "conv_1"}}
    Fail:
        < response.created {"response": {"id": "r", "conversation_id": "conv_1"}}
        < response.output_item.added @r//0 {"item": {"id": "a"}}
        < response.done {"response": {"id": "r", "status": "completed", "conversation_id": "conv_1"}}
    Fail[azure-preview]:
        < response.created {"response": {"id": "r", "conversation_id": "conv_1"}}
        < response.output_item.added @r//0 {"item": {"id": "a"}}
        < response.done {"response": {"id": "r", "status": "cancelled", "conversation_id": "conv_1"}}
    """
    course = history(view)
    announced = course.server("conversation.item.added", "conversation.item.created")
    known = {text(one.event, "item", "id"): one.entry.seq for one in reversed(announced)}
    for response in course.responses.values():
        done = response.done
        if done is None or not surely_in_default(course, response):
            continue
        for added in response.all("response.output_item.added"):
            item = text(added.event, "item", "id")
            ok = known.get(item, done.entry.seq) < done.entry.seq
            yield judged(added.entry, ok, f"{item!r} is added before response.done", "it was not")


@FAMILY.rule("20", SHOULD, DOCUMENTED, sdk("conversation_item_done.py"), dialects=GA)
def message_is_finalized(view: View) -> Iterator[Observation]:
    """assistant messages and MCP listings are finalized in the conversation

    conversation.item.done is "Returned when a conversation item is finalized"; the response that generated the message then ends.

    A listing is final when mcp_list_tools.completed or failed has come.

    Okay:
        < conversation.item.added {"item": {"id": "a", "type": "message", "role": "assistant"}}
        < conversation.item.done {"item": {"id": "a", "type": "message", "role": "assistant"}}
        < response.output_item.done @r//0 {"item": {"id": "a"}}
        < response.done {"response": {"id": "r", "status": "completed"}}
        < rate_limits.updated {"rate_limits": []}
    Fail:
        < conversation.item.added {"item": {"id": "a", "type": "message", "role": "assistant"}}
        < response.output_item.done @r//0 {"item": {"id": "a"}}
        < response.done {"response": {"id": "r", "status": "completed"}}
        < rate_limits.updated {"rate_limits": []}
    Fail:
        < mcp_list_tools.completed {"item_id": "l"}
        < response.created {"response": {"id": "r", "status": "in_progress"}}
        < response.done {"response": {"id": "r", "status": "completed"}}
    """
    course = history(view)
    finalized = {text(one.event, "item", "id") for one in course.server("conversation.item.done")}
    messages = {
        text(one.event, "item", "id")
        for one in course.server("conversation.item.added")
        if text(one.event, "item", "role") == "assistant"
    }
    for listed in course.server("mcp_list_tools.completed", "mcp_list_tools.failed"):
        item = text(listed.event, "item_id")
        if item in finalized or overtaken(course, listed.entry):
            yield judged(listed.entry, item in finalized, f"conversation.item.done of {item!r}", "none")
        else:
            yield from overdue(view, listed.entry, f"conversation.item.done of {item!r}")
    for response in course.responses.values():
        if response.status != "completed" or response.done is None:
            continue
        # Only what came after response.done shows that nothing more is to come.
        over = next(course.after(response.done.entry), None) is not None
        for one in response.all("response.output_item.done"):
            item = text(one.event, "item", "id")
            if item in messages and (over or item in finalized):
                yield judged(one.entry, item in finalized, f"conversation.item.done of {item!r}", "none")
            elif item in messages:
                yield from overdue(view, response.done.entry, f"conversation.item.done of {item!r}")


@FAMILY.rule("24", SHOULD, OBSERVED, LOG, _ADDED)
def added_content_done(view: View) -> Iterator[Observation]:
    """an item of a response is added before its content, and finalized before response.done

    In the conversation an item runs its course inside its response: it is added, its content streams, it is final, the response ends.

    A client that builds its view of the conversation from the item events has nowhere to put content that comes first.

    Okay:
        < response.output_item.added @r//0 {"item": {"id": "a"}}
        < conversation.item.added {"item": {"id": "a", "type": "message", "role": "assistant"}}
        < response.content_part.added @r/a/0/0 {"part": {"type": "text"}}
        < response.content_part.done @r/a/0/0 {"part": {"type": "text"}}
        < conversation.item.done {"item": {"id": "a", "type": "message", "role": "assistant"}}
        < response.done {"response": {"id": "r", "status": "completed"}}
    Fail:
        < response.output_item.added @r//0 {"item": {"id": "a"}}
        < response.content_part.added @r/a/0/0 {"part": {"type": "text"}}
        < conversation.item.added {"item": {"id": "a", "type": "message", "role": "assistant"}}
    Fail[azure-preview]:
        < response.output_item.added @r//0 {"item": {"id": "a"}}
        < response.function_call_arguments.delta @r/a/0 {"call_id": "c", "delta": "{"}
        < conversation.item.created {"item": {"id": "a", "type": "function_call"}}
    Fail:
        < conversation.item.added {"item": {"id": "a", "type": "message", "role": "assistant"}}
        < response.created {"response": {"id": "r", "status": "in_progress"}}
        < response.output_item.added @r//0 {"item": {"id": "a"}}
    Fail:
        < response.output_item.added @r//0 {"item": {"id": "a"}}
        < conversation.item.added {"item": {"id": "a", "type": "message", "role": "assistant"}}
        < response.done {"response": {"id": "r", "status": "completed"}}
        < conversation.item.done {"item": {"id": "a", "type": "message", "role": "assistant"}}
    """
    course = history(view)
    kinds = ("conversation.item.added", "conversation.item.done")
    places = {kind: {text(one.event, "item", "id"): one for one in reversed(course.server(kind))} for kind in kinds}
    for response in course.responses.values():
        streamed: dict[str, list[Step]] = {}
        for one in response.steps:
            if item := text(one.event, "item_id"):
                streamed.setdefault(item, []).append(one)
        for one in response.all("response.output_item.added"):
            item = text(one.event, "item", "id")
            content = streamed.get(item, [])
            added, done = (places[kind].get(item) for kind in kinds)
            if added is not None and response.created and added.entry.seq < response.created.entry.seq:
                yield bad(added.entry, f"{item!r} after response.created", "before it")
            elif added is not None and content:
                seen = f"after {content[0].kind} (entry {content[0].entry.seq})"
                yield judged(added.entry, added.entry.seq < content[0].entry.seq, f"{item!r} before its content", seen)
            if done is not None and content and done.entry.seq < content[-1].entry.seq:
                yield bad(done.entry, f"{item!r} final after its content", f"before {content[-1].kind}")
            elif done is not None and response.done is not None:
                ok = done.entry.seq < response.done.entry.seq
                yield judged(done.entry, ok, f"{item!r} final before response.done", "after it")


_ASKED = {
    "conversation.item.deleted": ("conversation.item.delete", ("item_id",)),
    "conversation.item.retrieved": ("conversation.item.retrieve", ("item", "id")),
}


@FAMILY.rule("23", SHOULD, INFERRED, sdk("conversation_item_deleted_event.py", "conversation_item_truncated_event.py"))
def one_answer_each(view: View) -> Iterator[Observation]:
    """deleted, retrieved and truncated come once for each cause

    deleted and retrieved answer the client; a truncation by the service itself is told once.

    Okay:
        > conversation.item.delete {"item_id": "a"}
        < conversation.item.deleted {"item_id": "a"}
    Fail:
        > conversation.item.delete {"item_id": "a"}
        < conversation.item.deleted {"item_id": "a"}
        < conversation.item.deleted {"item_id": "a"}
    Fail:
        < conversation.item.truncated @/a//0 {"audio_end_ms": 900}
        < conversation.item.truncated @/a//0 {"audio_end_ms": 900}
    """
    course = history(view)
    for kind, (request, path) in _ASKED.items():
        asked = Counter(text(one.event, "item_id") for one in course.client(request))
        for one in course.server(kind):
            item = text(one.event, *path)
            yield judged(one.entry, asked[item] > 0, f"one {kind} for each {request}", f"{item!r} unasked")
            asked[item] -= 1
    requests = Counter(_cut(one) for one in course.client("conversation.item.truncate"))
    seen: Counter[tuple[str, str]] = Counter()
    for one in course.server("conversation.item.truncated"):
        seen[_cut(one)] += 1
        ok = seen[_cut(one)] <= max(1, requests[_cut(one)])
        yield judged(one.entry, ok, "one conversation.item.truncated", f"again at {_cut(one)[1]} ms")


def _cut(one: Step) -> tuple[str, str]:
    return text(one.event, "item_id"), str(at(one.event, "audio_end_ms"))


@FAMILY.rule("25", SHOULD, INFERRED, sdk("conversation_item_truncate_event.py", "conversation_item_truncated_event.py"))
def truncated_as_asked(view: View) -> Iterator[Observation]:
    """a truncation is confirmed as it was asked for

    The client says up to where the answer was heard; the service repeats content_index and audio_end_ms, and cuts its own text there.

    A truncation by the service itself may come beside it.

    Okay:
        > conversation.item.truncate @/a//0 {"audio_end_ms": 900}
        < conversation.item.truncated @/a//0 {"audio_end_ms": 1200}
        < conversation.item.truncated @/a//0 {"audio_end_ms": 900}
    Fail:
        > conversation.item.truncate @/a//0 {"audio_end_ms": 900}
        < conversation.item.truncated @/a//0 {"audio_end_ms": 1200}
    Fail:
        > conversation.item.truncate @/a//1 {"audio_end_ms": 900}
        < conversation.item.truncated @/a//0 {"audio_end_ms": 900}
    Unseen:
        < conversation.item.truncated @/a//0 {"audio_end_ms": 1200}
    Unseen:
        > conversation.item.truncate @/a//0 {"audio_end_ms": 9000, "event_id": "e"}
        < error {"error": {"type": "invalid_request_error", "message": "too long", "event_id": "e"}}
        < conversation.item.truncated @/a//0 {"audio_end_ms": 1200}
    """
    course = history(view)
    for asked in course.client("conversation.item.truncate"):
        answers = [
            one for one in course.after(asked.entry, "conversation.item.truncated") if _cut(one)[0] == _cut(asked)[0]
        ]
        ok = any(_place_of(one) == _place_of(asked) for one in answers)
        # A refused request is answered by an error: what is cut then, the service cuts by itself.
        if answers and (ok or named_error(course, asked.entry) is None):
            yield judged(answers[0].entry, ok, _place_of(asked), _place_of(answers[0]))


def _place_of(one: Step) -> str:
    return f"content_index {at(one.event, 'content_index')}, audio_end_ms {at(one.event, 'audio_end_ms')}"
