"""Writes the output of one response: every item is opened, filled piece by piece, and closed, also when it is cut short.

"Also emitted when a Response is interrupted, incomplete, or cancelled": the docstrings of all ``.done`` events (OpenAI SDK).
"""

from __future__ import annotations

from typing import Any, Literal

from harness.fake.actions import Outbox
from harness.fake.items import Item, Items
from harness.fake.shapes import Shape


class Writer:
    """The output of one response, in order. At most one item is open at a time.

    ``default``: the items join the default conversation. An out-of-band response keeps them to itself.
    """

    def __init__(self, outbox: Outbox, items: Items, shape: Shape, response_id: str, *, default: bool) -> None:
        self.outputs: list[Item] = []
        self._outbox = outbox
        self._items = items
        self._shape = shape
        self._response_id = response_id
        self._default = default
        self._open: Item | None = None
        self._written = ""
        self._previous: str | None = None
        self._mcp_stage: Literal["arguments", "running", "over"] = "over"

    @property
    def open(self) -> Item | None:
        """The item that is being written, or None."""
        return self._open

    def message(self, *, spoken: bool, phase: str | None = None) -> Item:
        """Open an assistant message with one content part: audio with a transcript, or text."""
        fields = {"type": "message", "status": "in_progress", "role": "assistant", "content": []}
        item = self._begin(fields if phase is None else {**fields, "phase": phase})
        if spoken:
            item.audio_ms = 0
        self._part_event("added", item)
        item.data["content"] = [{"type": self._shape.audio if spoken else self._shape.text, _key(item): ""}]
        return item

    def function_call(self, name: str) -> Item:
        """Open a function call."""
        call_id = self._outbox.ids("call")
        fields = {"status": "in_progress", "name": name, "call_id": call_id, "arguments": ""}
        return self._begin({"type": "function_call", **fields})

    def mcp_call(self, server: str, name: str, approval_request_id: str | None) -> Item:
        """Open the call of a remote MCP tool."""
        fields = {"server_label": server, "name": name, "arguments": "", "output": None, "error": None}
        item = self._begin({"type": "mcp_call", **fields, "approval_request_id": approval_request_id})
        self._mcp_stage = "arguments"
        return item

    def approval_request(self, server: str, name: str, arguments: str) -> Item:
        """Write a whole request for approval of an MCP tool call."""
        fields = {"server_label": server, "name": name, "arguments": arguments}
        item = self._begin({"type": "mcp_approval_request", **fields})
        self.close("completed")
        return item

    def add(self, piece: str) -> None:
        """Write the next piece of the open item."""
        item = self._open
        if item is None:
            return
        self._written += piece
        where = self._where(item)
        match item.data["type"]:
            case "function_call":
                call_id = item.data["call_id"]
                self._outbox.emit("response.function_call_arguments.delta", **where, call_id=call_id, delta=piece)
            case "mcp_call":
                self._outbox.emit("response.mcp_call_arguments.delta", **where, delta=piece)
            case "message":
                kind = "output_audio_transcript" if item.audio_ms is not None else "output_text"
                self._outbox.emit(f"response.{kind}.delta", **where, content_index=0, delta=piece)
            case other:
                raise AssertionError(f"an item of type {other} is not written in pieces")
        self._keep(item)

    def close(self, status: str) -> None:
        """Close the open item, if there is one, as "completed" or "incomplete"."""
        item, self._open = self._open, None
        if item is None:
            return
        where = self._where(item)
        match item.data["type"]:
            case "message":
                self._close_part(item)
            case "function_call":
                named = {"name": item.data["name"]} if self._shape.named_calls else {}
                fields = {"call_id": item.data["call_id"], **named, "arguments": self._written}
                self._outbox.emit("response.function_call_arguments.done", **where, **fields)
            case "mcp_call" if self._mcp_stage == "arguments":
                self._outbox.emit("response.mcp_call_arguments.done", **where, arguments=self._written)
            case "mcp_call" if self._mcp_stage == "running":
                self.mcp_result(item, None, "The call was cancelled.")
            case "mcp_call" | "mcp_approval_request":
                pass  # its end has been told, or it came whole
            case other:
                raise AssertionError(f"no end is known for an item of type {other}")
        self._keep(item)
        item.done = True
        if "status" in item.data:
            item.data["status"] = status
        if self._default:
            self._outbox.emit("conversation.item.done", previous_item_id=self._previous, item=item.view())
        index = len(self.outputs) - 1
        fields = {"response_id": self._response_id, "output_index": index, "item": item.view()}
        self._outbox.emit("response.output_item.done", **fields)

    def mcp_run(self, item: Item) -> None:
        """The arguments of the open MCP call are complete; the call is made."""
        self._outbox.emit("response.mcp_call_arguments.done", **self._where(item), arguments=self._written)
        self._keep(item)
        self._mcp_stage = "running"
        self._mcp_event(item, "in_progress")

    def mcp_result(self, item: Item, output: str | None, error: str | None) -> None:
        """The MCP server answered."""
        self._mcp_stage = "over"
        item.data["output"] = output
        item.data["error"] = None if error is None else {"type": "tool_execution_error", "message": error}
        self._mcp_event(item, "completed" if error is None else "failed")

    def _mcp_event(self, item: Item, what: str) -> None:
        # These name the item, but not the response.
        self._outbox.emit(f"response.mcp_call.{what}", output_index=len(self.outputs) - 1, item_id=item.id)

    def _begin(self, fields: dict[str, Any]) -> Item:
        item = Item({"id": self._items.fresh_id(), "object": "realtime.item", **fields}, done=False)
        self._open, self._written = item, ""
        self.outputs.append(item)
        index = len(self.outputs) - 1
        self._outbox.emit(
            "response.output_item.added", response_id=self._response_id, output_index=index, item=item.view()
        )
        if self._default:
            self._previous = self._items.append(item)
            self._outbox.emit("conversation.item.added", previous_item_id=self._previous, item=item.view())
        return item

    def _close_part(self, item: Item) -> None:
        where = {**self._where(item), "content_index": 0}
        if item.audio_ms is None:
            self._outbox.emit("response.output_text.done", **where, text=self._written)
        else:
            self._outbox.emit("response.output_audio.done", **where)
            self._outbox.emit("response.output_audio_transcript.done", **where, transcript=self._written)
        self._part_event("done", item)

    def _part_event(self, what: str, item: Item) -> None:
        # Both SDKs call the part "audio" or "text", whatever the item's content part is called.
        part = {"type": "text" if item.audio_ms is None else "audio", _key(item): self._written}
        self._outbox.emit(f"response.content_part.{what}", **self._where(item), content_index=0, part=part)

    def _keep(self, item: Item) -> None:
        """What was written so far is what the item holds, unless the client has cut it."""
        if item.data["type"] in ("function_call", "mcp_call"):
            item.data["arguments"] = self._written
        elif item.content and not item.truncated:
            item.content[0][_key(item)] = self._written

    def _where(self, item: Item) -> dict[str, Any]:
        return {"response_id": self._response_id, "item_id": item.id, "output_index": len(self.outputs) - 1}


def _key(item: Item) -> str:
    return "text" if item.audio_ms is None else "transcript"
