"""ITM: the arguments of tool calls as a stream: deltas, one done, the finished item."""

from __future__ import annotations

from collections.abc import Iterator

from harness.protocol.dialects import GA
from harness.rules.base import DOCUMENTED, INFERRED, SHOULD, Observation, View, bad, good, judged
from harness.rules.content.parts import INTERRUPTED
from harness.rules.items import FAMILY
from harness.rules.support.fields import shown, text
from harness.rules.support.history import Response, Step, history
from harness.rules.support.sources import sdk

_MCP_ARGUMENTS = sdk("response_mcp_call_arguments_done.py", "response_mcp_call_in_progress.py")


def _mine(response: Response, item: str, *kinds: str) -> list[Step]:
    return [one for one in response.all(*kinds) if item in (text(one.event, "item_id"), text(one.event, "item", "id"))]


def _stream(view: View, prefix: str, item_type: str) -> Iterator[Observation]:
    """One done for each tool call of a response that has ended, after its deltas and before its output_item.done."""
    delta, done, final = f"{prefix}.delta", f"{prefix}.done", "response.output_item.done"
    for response in history(view).responses.values():
        calls = [
            text(one.event, "item", "id")
            for one in response.all("response.output_item.added")
            if text(one.event, "item", "type") == item_type
        ]
        for item in dict.fromkeys([*calls, *(text(one.event, "item_id") for one in response.all(delta, done))]):
            ends = _mine(response, item, done)
            finished = _mine(response, item, final)
            if not ends:
                if response.done is not None and response.status in ("completed", *INTERRUPTED):
                    yield bad(response.done.entry, f"{done} of {item!r}", "the response ended without it")
                continue
            late = [one for one in _mine(response, item, delta) if one.entry.seq > ends[0].entry.seq]
            if len(ends) > 1 or late:
                yield bad(
                    (late or ends[1:])[0].entry,
                    f"one {done} of {item!r}, after its deltas",
                    f"{(late or ends)[0].kind} after it",
                )
            elif finished and finished[0].entry.seq < ends[0].entry.seq:
                yield bad(ends[0].entry, f"before {final} of {item!r}", f"after it (entry {finished[0].entry.seq})")
            else:
                yield good(ends[0].entry)


@FAMILY.rule("21", SHOULD, DOCUMENTED, sdk("response_function_call_arguments_done_event.py"))
def function_arguments(view: View) -> Iterator[Observation]:
    """function arguments end once, before the item is done

    Vendor text: "Returned when the model-generated function call arguments are done streaming. Also emitted when a Response is interrupted, incomplete, or cancelled."

    Okay:
        < response.output_item.added @r//0 {"item": {"id": "i", "type": "function_call"}}
        < response.function_call_arguments.done @r/i/0 {"call_id": "c", "name": "f", "arguments": "{}"}
        < response.output_item.done @r//0 {"item": {"id": "i", "type": "function_call"}}
    Fail:
        < response.output_item.added @r//0 {"item": {"id": "i", "type": "function_call"}}
        < response.done {"response": {"id": "r", "status": "completed"}}
    Fail[azure-preview]:
        < response.function_call_arguments.done @r/i/0 {"call_id": "c", "arguments": "{}"}
        < response.function_call_arguments.delta @r/i/0 {"call_id": "c", "delta": "{}"}
    """
    yield from _stream(view, "response.function_call_arguments", "function_call")


@FAMILY.rule("22", SHOULD, INFERRED, _MCP_ARGUMENTS, dialects=GA)
def mcp_arguments(view: View) -> Iterator[Observation]:
    """MCP arguments end once, are the sum of their deltas, and come before the call runs

    The service calls the tool with ``arguments``: they are complete before response.mcp_call.in_progress.

    Okay:
        < response.mcp_call_arguments.delta @r/i/0 {"delta": "{}"}
        < response.mcp_call_arguments.done @r/i/0 {"arguments": "{}"}
        < response.mcp_call.in_progress @/i/0
    Fail:
        < response.mcp_call_arguments.done @r/i/0 {"arguments": "{}"}
        < response.mcp_call_arguments.done @r/i/0 {"arguments": "{}"}
    Fail:
        < response.mcp_call.in_progress @/i/0
        < response.mcp_call_arguments.done @r/i/0 {"arguments": "{}"}
    """
    prefix = "response.mcp_call_arguments"
    yield from _stream(view, prefix, "mcp_call")
    course = history(view)
    running = {text(one.event, "item_id"): one.entry.seq for one in course.server("response.mcp_call.in_progress")}
    for response in course.responses.values():
        for done in response.all(f"{prefix}.done"):
            item = text(done.event, "item_id")
            early = running.get(item, done.entry.seq) >= done.entry.seq
            yield judged(
                done.entry, early, "before response.mcp_call.in_progress", f"after it (entry {running.get(item)})"
            )
            deltas = [one for one in _mine(response, item, f"{prefix}.delta") if one.entry.seq < done.entry.seq]
            streamed, final = "".join(text(one.event, "delta") for one in deltas), text(done.event, "arguments")
            if deltas and response.status not in INTERRUPTED:
                yield judged(done.entry, streamed == final, f"the deltas: {shown(streamed)}", shown(final))
