"""ITM: tools of the client: function calls and their answers."""

from __future__ import annotations

import json
from collections.abc import Iterator

from harness.protocol.dialects import GA
from harness.rules.base import CLIENT, DOCUMENTED, INFERRED, MUST, SHOULD, Observation, View, bad, good, judged
from harness.rules.content.parts import INTERRUPTED
from harness.rules.items import FAMILY
from harness.rules.support.disturbance import slack
from harness.rules.support.fields import MISSING, at, listing, mapping, shown, text
from harness.rules.support.history import ITEM_EVENTS, PATIENCE, History, Response, Step, history
from harness.rules.support.sources import CONVERSATIONS, sdk
from harness.trace import Entry

DELTA, DONE = "response.function_call_arguments.delta", "response.function_call_arguments.done"
_DELTA = sdk("response_function_call_arguments_delta_event.py")
_DONE = sdk("response_function_call_arguments_done_event.py")


@FAMILY.rule("05", SHOULD, INFERRED, _DONE)
def arguments(view: View) -> Iterator[Observation]:
    """function arguments are the sum of their deltas, and JSON

    ``arguments`` is "The final arguments as a JSON string": what the deltas made up, and what a client parses.

    The item that output_item.done brings holds the same text. For a cancelled or incomplete response the text may be cut.

    Okay:
        < response.function_call_arguments.delta {"response_id": "r", "item_id": "i", "output_index": 0, "call_id": "c",
            "delta": "{\\"day\\":"}
        < response.function_call_arguments.delta @r/i/0 {"call_id": "c", "delta": "1}"}
        < response.function_call_arguments.done {"response_id": "r", "item_id": "i", "output_index": 0, "call_id": "c",
            "name": "f", "arguments": "{\\"day\\":1}"}
    Fail:
        < response.function_call_arguments.delta @r/i/0 {"call_id": "c", "delta": "{"}
        < response.function_call_arguments.done @r/i/0 {"call_id": "c", "name": "f", "arguments": "{}"}
    Fail[azure-preview]:
        < response.function_call_arguments.delta @r/i/0 {"call_id": "c", "delta": "{day"}
        < response.function_call_arguments.done @r/i/0 {"call_id": "c", "arguments": "{day"}
        < response.done {"response": {"id": "r", "status": "completed"}}
    Fail:
        < response.function_call_arguments.delta @r/i/0 {"call_id": "c", "delta": "{}"}
        < response.function_call_arguments.done @r/i/0 {"call_id": "c", "name": "f", "arguments": "{}"}
        < response.output_item.done {"response_id": "r", "output_index": 0, "item": {"id": "i", "type": "function_call",
            "arguments": "{\\"day\\":1}"}}
    """
    for response in history(view).responses.values():
        cut = response.status in INTERRUPTED
        items = {text(one.event, "item", "id"): one for one in response.all("response.output_item.done")}
        for done in response.all(DONE):
            final, item = text(done.event, "arguments"), text(done.event, "item_id")
            whole = items.get(item)
            told = at(whole.event, "item", "arguments") if whole else MISSING
            if whole and isinstance(told, str) and told != final and not cut:
                yield bad(
                    whole.entry, f"the arguments of response.function_call_arguments.done: {shown(final)}", shown(told)
                )
            streamed = "".join(
                text(one.event, "delta")
                for one in response.all(DELTA)
                if text(one.event, "item_id") == item and one.entry.seq < done.entry.seq
            )
            if streamed != final and not (cut and (streamed.startswith(final) or final.startswith(streamed))):
                yield bad(done.entry, f"the deltas: {shown(streamed)}", shown(final))
            elif not cut and not _is_json(final):
                yield bad(done.entry, "a JSON text", shown(final))
            else:
                yield good(done.entry)


def _is_json(written: str) -> bool:
    try:
        json.loads(written)
    except (ValueError, RecursionError):
        return False
    return True


@FAMILY.rule("06", MUST, DOCUMENTED, _DELTA, _DONE, sdk("realtime_conversation_item_function_call.py"))
def call_id_kept(view: View) -> Iterator[Observation]:
    """a function call keeps its call_id

    call_id is "The ID of the function call": the same in the item, its deltas, its done event and response.done.

    The client answers by this id. If it changes, the answer belongs to nothing.

    Okay:
        < response.output_item.added @r//0 {"item": {"id": "i", "type": "function_call", "call_id": "c"}}
        < response.function_call_arguments.done @r/i/0 {"call_id": "c", "name": "f", "arguments": "{}"}
    Fail:
        < response.output_item.added @r//0 {"item": {"id": "i", "type": "function_call", "call_id": "c"}}
        < response.function_call_arguments.done @r/i/0 {"call_id": "d", "name": "f", "arguments": "{}"}
    Fail[azure-preview]:
        < response.function_call_arguments.delta @r/i/0 {"call_id": "c", "delta": "{"}
        < response.done {"response": {"id": "r", "status": "completed", "output": [{"id": "i", "type": "function_call",
            "call_id": "d"}]}}
    """
    first: dict[str, str] = {}
    for one, item, call in _calls(history(view)):
        if item and call:
            expected = first.setdefault(item, call)
            yield judged(one.entry, call == expected, f"call_id {expected!r} of item {item!r}", f"{one.kind}: {call!r}")


def _calls(course: History) -> Iterator[tuple[Step, str, str]]:
    """Every mention of a function call by the service: the step, the item's id, the call_id."""
    for one in course.server():
        if one.kind in (DELTA, DONE):
            yield one, text(one.event, "item_id"), text(one.event, "call_id")
        elif one.kind == "response.done":
            for item in listing(one.event, "response", "output"):
                if text(item, "type") == "function_call":
                    yield one, text(item, "id"), text(item, "call_id")
        elif one.kind.startswith("response.output_item.") or one.kind in ITEM_EVENTS:
            item = mapping(one.event, "item")
            if text(item, "type") == "function_call":
                yield one, text(item, "id"), text(item, "call_id")


@FAMILY.rule("07", MUST, DOCUMENTED, _DONE, dialects=GA)
def function_named(view: View) -> Iterator[Observation]:
    """function_call_arguments.done names the function

    In GA ``name``, "The name of the function that was called", is required; beta has it in the item only.

    Okay:
        < response.function_call_arguments.done @r/i/0 {"call_id": "c", "name": "f", "arguments": "{}"}
    Fail:
        < response.function_call_arguments.done @r/i/0 {"call_id": "c", "arguments": "{}"}
    """
    for done in history(view).server(DONE):
        yield judged(done.entry, bool(text(done.event, "name")), "name", shown(done.event.get("name")))


@FAMILY.rule("08", SHOULD, DOCUMENTED, CONVERSATIONS, who=CLIENT, hidden_by_filter=False)
def call_answered(view: View) -> Iterator[Observation]:
    """the client answers a function call, then asks for a response

    The answer is a function_call_output item with the call's call_id; the model speaks on only after response.create.

    Without the response.create the call goes silent: the most common mistake with tools. Within ten seconds, and where the call
    ends first, a client may still have other outputs to add, or no wish for a reply; nothing is said then.

    Okay:
        < response.function_call_arguments.done @r/i/0 {"call_id": "c", "name": "f", "arguments": "{}"}
        < response.done {"response": {"id": "r", "status": "completed"}}
        > conversation.item.create {"item": {"type": "function_call_output", "call_id": "c", "output": "{}"}}
        > response.create {}
    Fail:
        < response.function_call_arguments.done @r/i/0 {"call_id": "c", "name": "f", "arguments": "{}"}
        < response.done {"response": {"id": "r", "status": "completed"}}
        > conversation.item.create {"item": {"type": "function_call_output", "call_id": "c", "output": "{}"}}
        +10.1s
        < rate_limits.updated {"rate_limits": []}
    Fail:
        > conversation.item.create {"item": {"type": "function_call_output", "call_id": "zzz", "output": "{}"}}
    Fail[azure-preview]:
        < response.function_call_arguments.done @r/i/0 {"call_id": "c", "arguments": "{}"}
        < response.done {"response": {"id": "r", "status": "completed"}}
        +10.1s
        < rate_limits.updated {"rate_limits": []}
    Unseen[azure-preview]:
        < response.function_call_arguments.done @r/i/0 {"call_id": "c", "arguments": "{}"}
        < response.done {"response": {"id": "r", "status": "completed"}}
        +9.9s
        < rate_limits.updated {"rate_limits": []}
    Unseen:
        < response.function_call_arguments.done @r/i/0 {"call_id": "c", "name": "f", "arguments": "{}"}
        < response.done {"response": {"id": "r", "status": "completed"}}
        > conversation.item.create {"item": {"type": "function_call_output", "call_id": "c", "output": "{}"}}
        +9.9s
        channel.closed {"label": "realtime-channel"}
        +11s
        connection.state {"state": "closed"}
    """
    course = history(view)
    outputs = [
        one
        for one in course.client("conversation.item.create")
        if text(one.event, "item", "type") == "function_call_output"
    ]
    known = {
        text(one.event, "item", "call_id") for one in course.client("conversation.item.create") if one not in outputs
    }
    known |= {call for _, _, call in _calls(course)}
    for output in outputs if not view.filtered else ():
        call = text(output.event, "item", "call_id")
        if call not in known:
            yield bad(output.entry, "the call_id of a function call", repr(call))
        elif next(course.after(output.entry, "response.create", by="client"), None) is not None:
            yield good(output.entry)
        elif next(course.after(output.entry, "response.created"), None) is None:
            waited = _time_for(view, output.entry)
            if waited >= PATIENCE + slack(view):
                yield bad(output.entry, "response.create after it", f"none in {waited:.0f} s")
    answered = {text(one.event, "item", "call_id") for one in outputs}
    for response in course.responses.values():
        yield from _unanswered(view, response, answered)


def _unanswered(view: View, response: Response, answered: set[str]) -> Iterator[Observation]:
    done = response.done
    if done is None or response.status != "completed":
        return
    waited = _time_for(view, done.entry)
    for call in response.all(DONE) if waited >= PATIENCE + slack(view) else ():
        named = text(call.event, "call_id")
        if named not in answered:
            yield bad(call.entry, f"a function_call_output for {named!r}", f"none in {waited:.0f} s")


def _time_for(view: View, since: Entry) -> float:
    """Seconds after ``since`` in which the client could still send something."""
    closed = next((entry.t for entry in view.trace.of("channel.closed") if entry.seq > since.seq), view.trace.seconds)
    return closed - since.t


@FAMILY.rule("15", SHOULD, INFERRED, sdk("realtime_conversation_item_function_call.py"))
def call_ids_unique(view: View) -> Iterator[Observation]:
    """call_ids are unique

    The client answers by call_id alone: two calls with one id cannot be told apart.

    Okay:
        < response.output_item.added @r//0 {"item": {"id": "i", "type": "function_call", "call_id": "c"}}
        < response.output_item.added @r//1 {"item": {"id": "j", "type": "function_call", "call_id": "d"}}
    Fail:
        < response.output_item.added @r//0 {"item": {"id": "i", "type": "function_call", "call_id": "c"}}
        < response.output_item.added @r//1 {"item": {"id": "j", "type": "function_call", "call_id": "c"}}
    """
    owners: dict[str, str] = {}
    for one, item, call in _calls(history(view)):
        if one.kind == "response.output_item.added" and call:
            owner = owners.setdefault(call, item)
            yield judged(one.entry, owner == item, "a call_id of its own", f"{call!r}, already of item {owner!r}")
