"""The items of a conversation: their order, what clients may do with them, and what they cost in tokens."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.fake.checks import Check, Refusal

ROOT = "root"

# Bytes of a millisecond of audio in the formats of input_audio content: 16 bit PCM at 24 kHz.
PCM_BYTES_PER_MS = 48
# What a client can see of the vendors' billing: about four characters to a text token, 100 ms of input audio and 50 ms of
# output audio to an audio token. Plausible figures, no promise.
_CHARACTERS_PER_TOKEN = 4
INPUT_AUDIO_TOKENS_PER_SECOND = 10
_OUTPUT_AUDIO_TOKENS_PER_SECOND = 20


def text_tokens(text: str) -> int:
    """Tokens of a text, rounded up."""
    return -(-len(text) // _CHARACTERS_PER_TOKEN)


def output_audio_tokens(seconds: float) -> int:
    """Tokens of generated audio."""
    return round(seconds * _OUTPUT_AUDIO_TOKENS_PER_SECOND)


def audio_ms(audio: str, param: str, bytes_per_ms: int = PCM_BYTES_PER_MS) -> int:
    """Milliseconds of base64 audio. Raises Refusal when it is not base64."""
    try:
        size = len(base64.b64decode(audio, validate=True))
    except (binascii.Error, ValueError):
        raise Refusal("invalid_value", f"Invalid '{param}': expected base64-encoded audio bytes.", param) from None
    return size // bytes_per_ms


@dataclass(slots=True)
class Item:
    """One item. ``data`` is its wire form without audio bytes; ``audio_ms`` the length of its audio part, if it has one.

    ``done`` is False while a response is still writing it; ``truncated`` once its audio has been cut.
    """

    data: dict[str, Any]
    audio_ms: int | None = None
    done: bool = True
    truncated: bool = False

    @property
    def id(self) -> str:
        """The item's id."""
        return str(self.data["id"])

    @property
    def content(self) -> list[dict[str, Any]]:
        """The content parts of a message; empty for other items."""
        content: list[dict[str, Any]] = self.data.get("content", [])
        return content

    def view(self) -> dict[str, Any]:
        """A copy for an event."""
        view = dict(self.data)
        if "content" in view:
            view["content"] = [dict(part) for part in view["content"]]
        return view

    @property
    def spoken_by_assistant(self) -> bool:
        """True for an assistant message with audio."""
        return self.data.get("role") == "assistant" and self.audio_ms is not None

    def tokens(self) -> tuple[int, int]:
        """(text tokens, audio tokens) of this item in the model's context."""
        texts = [str(self.data.get(name) or "") for name in ("arguments", "output", "name")]
        texts += [str(part.get("text") or "") for part in self.content]
        rate = _OUTPUT_AUDIO_TOKENS_PER_SECOND if self.spoken_by_assistant else INPUT_AUDIO_TOKENS_PER_SECOND
        return sum(map(text_tokens, texts)), round((self.audio_ms or 0) * rate / 1000)


@dataclass(slots=True)
class Items:
    """The items of the default conversation, in order. ``check`` judges an item that a client wants to add."""

    check: Check
    new_id: Callable[[str], str]
    _order: list[str] = field(default_factory=list)
    _items: dict[str, Item] = field(default_factory=dict)
    _seen: set[str] = field(default_factory=set)

    def __iter__(self) -> Iterator[Item]:
        return (self._items[item_id] for item_id in self._order)

    def get(self, item_id: str) -> Item | None:
        """The item of this id, or None."""
        return self._items.get(item_id)

    @property
    def last(self) -> str | None:
        """The id of the last item, or None."""
        return self._order[-1] if self._order else None

    def fresh_id(self) -> str:
        """An id that no item of this session has or had."""
        while (item_id := self.new_id("item")) in self._seen:
            pass
        self._seen.add(item_id)
        return item_id

    def append(self, item: Item) -> str | None:
        """Put ``item`` at the end; returns the id of the item before it."""
        return self._insert(item, len(self._order))

    def create(self, given: Any, previous: str | None) -> tuple[Item, str | None]:
        """Add an item made by the client after ``previous`` (None: at the end). Returns it and the id before it.

        Raises Refusal.
        """
        data = self.check(given, "item")
        position = self._position(previous)
        item_id = data.get("id") or None
        if item_id is None:
            item_id = self.fresh_id()
        elif item_id in self._seen or item_id == ROOT:
            # No code is known for an id that is taken.
            raise Refusal("invalid_value", f"Invalid 'item.id': '{item_id}' already exists.", "item.id")
        item = self._made(data, item_id)
        self._seen.add(item_id)
        return item, self._insert(item, position)

    def delete(self, item_id: str) -> None:
        """Take an item out. Raises Refusal when it is not there, or a response is still writing it."""
        item = self.find(item_id, "delete", "deleting")
        if not item.done:
            raise Refusal(
                "invalid_value", f"Error deleting item: the item '{item_id}' is still in progress.", "item_id"
            )
        self._order.remove(item_id)
        del self._items[item_id]

    def truncate(self, item_id: str, content_index: int, end_ms: int) -> None:
        """Cut an assistant message's audio at ``end_ms`` and drop its transcript. Raises Refusal."""
        item = self.find(item_id, "truncate", "truncating")
        if not item.spoken_by_assistant or item.audio_ms is None:
            raise Refusal("invalid_value", "Only model output audio messages can be truncated", "item_id")
        if content_index >= len(item.content):
            raise Refusal("invalid_value", f"Item '{item_id}' has no content part {content_index}.", "content_index")
        if end_ms > item.audio_ms:
            # The wording users quote: twilio-samples/speech-assistant-openai-realtime-api-python#22, #45.
            what = f"Audio content of {item.audio_ms}ms is already shorter than {end_ms}ms"
            raise Refusal("invalid_value", what, "audio_end_ms")
        item.audio_ms, item.truncated = end_ms, True
        # "Truncating audio will delete the server-side text transcript": SDK, conversation_item_truncate_event.py
        item.content[content_index]["transcript"] = None

    def find(self, item_id: str, verb: str, doing: str) -> Item:
        """The item a client names. Raises Refusal."""
        item = self._items.get(item_id)
        if item is None:
            what = f"Error {doing} item: the item with id '{item_id}' does not exist."
            raise Refusal(f"item_{verb}_invalid_item_id", what, "item_id")
        return item

    def require(self, references: Iterable[Mapping[str, Any]], param: str) -> None:
        """Item references must name items of this session. Raises Refusal."""
        for index, entry in enumerate(references):
            if entry.get("type") == "item_reference" and entry["id"] not in self._seen:
                what = f"Item with id '{entry['id']}' not found."
                raise Refusal("item_not_found", what, f"{param}[{index}].id")

    def tokens(self) -> tuple[int, int]:
        """(text tokens, audio tokens) of the whole conversation."""
        counts = [item.tokens() for item in self._items.values()]
        return sum(text for text, _ in counts), sum(audio for _, audio in counts)

    def _position(self, previous: str | None) -> int:
        if previous is None:
            return len(self._order)
        if previous == ROOT:
            return 0
        if previous not in self._items:
            what = f"Error adding item: the previous item with id '{previous}' does not exist."
            raise Refusal("item_create_invalid_previous_item_id", what, "previous_item_id")
        return self._order.index(previous) + 1

    def _insert(self, item: Item, position: int) -> str | None:
        previous = self._order[position - 1] if position else None
        self._order.insert(position, item.id)
        self._items[item.id] = item
        return previous

    def _made(self, data: dict[str, Any], item_id: str) -> Item:
        """The item as the conversation keeps it. Raises Refusal when it refers to what is not there."""
        self._refers(data)
        kept = {name: value for name, value in data.items() if value is not None}
        kept = {**kept, "id": item_id, "object": "realtime.item"}
        if "reason" in data:
            kept["reason"] = data["reason"]
        if data["type"] == "function_call":
            kept.setdefault("call_id", self.new_id("call"))
        if not data["type"].startswith("mcp_"):
            kept["status"] = "completed"  # "Has no effect on the conversation": SDK
        length: int | None = None
        for index, part in enumerate(kept.get("content", [])):
            if "audio" in part:
                length = (length or 0) + audio_ms(part.pop("audio"), f"item.content[{index}].audio")
        return Item(kept, length)

    def _refers(self, data: Mapping[str, Any]) -> None:
        if data["type"] == "function_call_output":
            calls = {item.data.get("call_id") for item in self._items.values() if item.data["type"] == "function_call"}
            if data["call_id"] not in calls:
                # livekit/agents#3344
                what = f"Tool call ID '{data['call_id']}' not found in conversation."
                raise Refusal("invalid_tool_call_id", what)
        if data["type"] == "mcp_approval_response":
            asked = self._items.get(data["approval_request_id"])
            if asked is None or asked.data["type"] != "mcp_approval_request":
                what = f"Approval request '{data['approval_request_id']}' not found in conversation."
                raise Refusal("invalid_value", what, "item.approval_request_id")
