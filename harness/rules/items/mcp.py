"""ITM: tools that the service calls by itself: MCP listings, calls and approvals."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harness.protocol.dialects import GA
from harness.rules.base import CLIENT, DOCUMENTED, MUST, SHOULD, Observation, View, bad, judged
from harness.rules.items import FAMILY
from harness.rules.support.fields import mapping, text
from harness.rules.support.history import ITEM_EVENTS, Step, history, overdue
from harness.rules.support.sources import sdk

_LISTING_ENDS = sdk("mcp_list_tools_in_progress.py", "mcp_list_tools_completed.py", "mcp_list_tools_failed.py")
_MCP_CALL_ENDS = sdk(
    "response_mcp_call_in_progress.py", "response_mcp_call_completed.py", "response_mcp_call_failed.py"
)
_APPROVAL_KNOWN = sdk("realtime_mcp_approval_response.py", "realtime_mcp_approval_request.py")


@FAMILY.rule("09", MUST, DOCUMENTED, _LISTING_ENDS, dialects=GA, hidden_by_filter=False)
def listing_ends(view: View) -> Iterator[Observation]:
    """an MCP listing in progress is completed or failed, once

    Tools of an MCP server can be called once their listing has completed; "failed" is the other end.

    Okay:
        < mcp_list_tools.in_progress {"item_id": "m"}
        < mcp_list_tools.completed {"item_id": "m"}
    Fail:
        < mcp_list_tools.in_progress {"item_id": "m"}
        < mcp_list_tools.completed {"item_id": "m"}
        < mcp_list_tools.failed {"item_id": "m"}
    Fail:
        < mcp_list_tools.completed {"item_id": "m"}
    Fail:
        < mcp_list_tools.in_progress {"item_id": "m"}
        < conversation.item.done {"item": {"id": "m", "type": "mcp_list_tools"}}
    Open:
        < mcp_list_tools.in_progress {"item_id": "m"}
        +11s
        < rate_limits.updated {"rate_limits": []}
    """
    yield from _ends(view, "mcp_list_tools", "conversation.item.done")


@FAMILY.rule("18", SHOULD, DOCUMENTED, _MCP_CALL_ENDS, dialects=GA)
def mcp_call_ends(view: View) -> Iterator[Observation]:
    """an MCP call in progress is completed or failed, once

    The service runs the tool itself; a client only sees that it has started and how it ended.

    Okay:
        < response.mcp_call.in_progress @/m/0
        < response.mcp_call.failed @/m/0
    Fail:
        < response.mcp_call.in_progress @/m/0
        < response.output_item.done @r//0 {"item": {"id": "m", "type": "mcp_call"}}
    Fail:
        < response.mcp_call.failed @/m/0
    """
    yield from _ends(view, "response.mcp_call", "response.output_item.done")


def _ends(view: View, prefix: str, final: str) -> Iterator[Observation]:
    course = history(view)
    ends = (f"{prefix}.completed", f"{prefix}.failed")
    begun: dict[str, Step] = {}
    for one in course.server(f"{prefix}.in_progress", *ends, final):
        item = text(one.event, "item_id") or text(one.event, "item", "id")
        if one.kind == f"{prefix}.in_progress":
            yield judged(one.entry, item not in begun, f"one {prefix}.in_progress", f"again for {item!r}")
            begun[item] = one
        elif one.kind in ends:
            yield judged(one.entry, item in begun, f"one end after {prefix}.in_progress", f"{one.kind} of {item!r}")
            begun.pop(item, None)
        elif item in begun:
            yield bad(begun.pop(item).entry, ends, f"{final} (entry {one.entry.seq}) without either")
    for one in begun.values():
        yield from overdue(view, one.entry, " or ".join(ends))


@FAMILY.rule("10", MUST, DOCUMENTED, _APPROVAL_KNOWN, who=CLIENT, dialects=GA, hidden_by_filter=False)
def approval_known(view: View) -> Iterator[Observation]:
    """an MCP approval answers a request

    approval_request_id is "The ID of the approval request being answered": one that the service has sent.

    Okay:
        < conversation.item.added {"item": {"id": "ask", "type": "mcp_approval_request"}}
        > conversation.item.create {"item": {"id": "yes", "type": "mcp_approval_response", "approval_request_id": "ask",
            "approve": true}}
    Fail:
        > conversation.item.create {"item": {"id": "yes", "type": "mcp_approval_response", "approval_request_id": "ask",
            "approve": true}}
    """
    course = history(view)
    for create in course.client("conversation.item.create"):
        item: Mapping[str, object] = mapping(create.event, "item")
        if text(item, "type") != "mcp_approval_response":
            continue
        asked = {
            text(one.event, "item", "id")
            for one in course.before(
                create.entry, *ITEM_EVENTS, "response.output_item.added", "response.output_item.done"
            )
            if text(one.event, "item", "type") == "mcp_approval_request"
        }
        named = text(item, "approval_request_id")
        yield judged(create.entry, named in asked, sorted(asked) or "no approval was asked for", repr(named))
