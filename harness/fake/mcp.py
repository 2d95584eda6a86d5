"""Remote MCP tools: listing what a server offers, asking the client for approval, and what it approved (GA only).

The service talks to MCP servers by itself; here the script says what they list and answer.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from harness.fake.actions import Outbox
from harness.fake.items import Item, Items
from harness.fake.response_writer import Writer
from harness.fake.timers import Timers
from harness.scenario.script import McpCall

LISTING_SECONDS = 0.15
_DEFAULT_TOOL = "lookup"


class McpTools:
    """The MCP servers of a session. ``scripted``: server_label -> the names of its tools, or None where listing fails."""

    def __init__(
        self, outbox: Outbox, timers: Timers, items: Items, scripted: Mapping[str, Sequence[str] | None]
    ) -> None:
        self._outbox = outbox
        self._timers = timers
        self._items = items
        self._scripted = scripted
        self._listed: set[str] = set()
        self._asked: dict[str, McpCall] = {}
        self._approved: list[tuple[McpCall, str]] = []
        self.supported: bool = outbox.dialect.wire("mcp_list_tools.in_progress") is not None

    def list_new(self, tools: Sequence[Mapping[str, Any]]) -> None:
        """List the tools of every server that the session names for the first time."""
        for tool in tools:
            if tool["type"] == "mcp" and tool["server_label"] not in self._listed:
                self._listed.add(tool["server_label"])
                self._list(tool)

    def sort(self, calls: Sequence[McpCall], tools: Sequence[Mapping[str, Any]]) -> tuple[list[McpCall], list[McpCall]]:
        """The calls that may be made at once, and those the client must approve; none where the dialect has no MCP."""
        direct: list[McpCall] = []
        asking: list[McpCall] = []
        for call in calls if self.supported else ():
            (asking if _needs_approval(call, tools) else direct).append(call)
        return direct, asking

    def ask(self, writer: Writer, call: McpCall) -> None:
        """Ask the client for approval of a call."""
        arguments = json.dumps(call.arguments, ensure_ascii=False)
        self._asked[writer.approval_request(call.server, call.name, arguments).id] = call

    def answer(self, request_id: str, approve: bool) -> None:
        """The client's answer. An approved call is made at the start of the next response.

        Whether the service makes it without being asked for a response is not documented; this one waits for
        ``response.create``, as after a function call's output.
        """
        call = self._asked.pop(request_id, None)
        if call is not None and approve:
            self._approved.append((call, request_id))

    def approved(self) -> list[tuple[McpCall, str]]:
        """The calls that were approved since the last time, each with the id of its request."""
        approved, self._approved = self._approved, []
        return approved

    def _list(self, tool: Mapping[str, Any]) -> None:
        label = tool["server_label"]
        data = {"id": self._items.fresh_id(), "object": "realtime.item", "type": "mcp_list_tools"}
        item = Item({**data, "server_label": label, "tools": []}, done=False)
        previous = self._items.append(item)
        self._outbox.emit("conversation.item.added", previous_item_id=previous, item=item.view())
        self._outbox.emit("mcp_list_tools.in_progress", item_id=item.id)
        self._timers.after(LISTING_SECONDS, lambda: self._listing_done(item, previous, self._names(tool)))

    def _names(self, tool: Mapping[str, Any]) -> Sequence[str] | None:
        allowed = tool.get("allowed_tools")
        if isinstance(allowed, Mapping):
            allowed = allowed.get("tool_names")
        names = self._scripted.get(tool["server_label"], allowed or (_DEFAULT_TOOL,))
        return names if names is None or not allowed else [name for name in names if name in allowed]

    def _listing_done(self, item: Item, previous: str | None, names: Sequence[str] | None) -> None:
        item.done = True
        schema = {"type": "object", "properties": {}}
        item.data["tools"] = [{"name": name, "input_schema": schema} for name in names or ()]
        what = "failed" if names is None else "completed"
        self._outbox.emit(f"mcp_list_tools.{what}", item_id=item.id)
        self._outbox.emit("conversation.item.done", previous_item_id=previous, item=item.view())


def _needs_approval(call: McpCall, tools: Sequence[Mapping[str, Any]]) -> bool:
    """What the session's tools say; "always" is the vendor's default. A server that no tool names is the script's own affair."""
    rule: Any = None
    for tool in tools:
        if tool["type"] == "mcp" and tool["server_label"] == call.server:
            rule = tool.get("require_approval") or "always"
    if isinstance(rule, Mapping):
        never = (rule.get("never") or {}).get("tool_names") or ()
        always = (rule.get("always") or {}).get("tool_names")
        return call.name not in never if always is None else call.name in always
    return bool(rule == "always")
