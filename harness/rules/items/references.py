"""ITM: mentions of items: nothing is mentioned before it is announced or after it is deleted."""

from __future__ import annotations

from collections.abc import Iterator

from harness.rules.base import CLIENT, DOCUMENTED, INFERRED, SHOULD, Observation, View, judged
from harness.rules.items import FAMILY
from harness.rules.support.fields import text
from harness.rules.support.history import history
from harness.rules.support.sources import sdk

_MENTIONS = (
    "conversation.item.input_audio_transcription.delta",
    "conversation.item.input_audio_transcription.completed",
    "conversation.item.input_audio_transcription.segment",
    "conversation.item.input_audio_transcription.failed",
    "conversation.item.truncated",
    "conversation.item.deleted",
    "response.function_call_arguments.delta",
    "response.function_call_arguments.done",
    "response.mcp_call_arguments.delta",
    "response.mcp_call_arguments.done",
    "response.mcp_call.in_progress",
    "response.mcp_call.completed",
    "response.mcp_call.failed",
    "mcp_list_tools.in_progress",
    "mcp_list_tools.completed",
    "mcp_list_tools.failed",
)
_STREAMED = "conversation.item.input_audio_transcription.delta"
_REQUESTS = ("conversation.item.delete", "conversation.item.truncate", "conversation.item.retrieve")
_KNOWN_ITEMS_ONLY = sdk("conversation_item_delete_event.py", "conversation_item_retrieve_event.py")


@FAMILY.rule("14", SHOULD, INFERRED, sdk("realtime_server_event.py"))
def announced_first(view: View) -> Iterator[Observation]:
    """the service mentions only items it has announced

    Transcriptions, truncations, arguments and tool results belong to an item; a client must have heard of it by then.

    Okay:
        < input_audio_buffer.speech_started {"item_id": "a", "audio_start_ms": 0}
        < conversation.item.input_audio_transcription.delta @/a//0 {"delta": "He"}
    Fail:
        < conversation.item.input_audio_transcription.completed @/a//0 {"transcript": "He"}
        < conversation.item.added {"item": {"id": "a", "type": "message"}}
    Fail:
        < conversation.item.input_audio_transcription.delta @/b//0 {"delta": "He"}
        < conversation.item.added {"item": {"id": "a", "type": "message"}}
    Unseen:
        < conversation.item.input_audio_transcription.delta @/a//0 {"delta": "He"}
        < conversation.item.added {"item": {"id": "a", "type": "message"}}
    """
    course = history(view)
    for one in course.server(*_MENTIONS):
        named = text(one.event, "item_id")
        known = course.known(named, one.entry.seq)
        # Some models stream the transcript while the caller speaks: the item of the turn comes later.
        if known or one.kind != _STREAMED or not course.announced(named):
            yield judged(one.entry, known, "an item that was announced", f"{one.kind} of {named!r}")


@FAMILY.rule("16", SHOULD, DOCUMENTED, _KNOWN_ITEMS_ONLY, who=CLIENT, hidden_by_filter=False)
def known_items_only(view: View) -> Iterator[Observation]:
    """the client asks only for items that exist

    For an item that "does not exist in the conversation history" the service answers with an error.

    Okay:
        < conversation.item.added {"item": {"id": "a", "type": "message"}}
        > conversation.item.delete {"item_id": "a"}
    Fail:
        > conversation.item.delete {"item_id": "a"}
    Fail:
        < conversation.item.added {"item": {"id": "a", "type": "message"}}
        < conversation.item.deleted {"item_id": "a"}
        > conversation.item.retrieve {"item_id": "a"}
    Okay:
        < conversation.item.added {"item": {"id": "a", "type": "message"}}
        < conversation.item.deleted {"item_id": "a"}
        > conversation.item.create {"item": {"id": "a", "type": "message", "role": "user", "content": []}}
        > conversation.item.retrieve {"item_id": "a"}
    """
    course = history(view)
    for one in course.client(*_REQUESTS):
        named = text(one.event, "item_id")
        deleted = [
            other.entry.seq
            for other in course.before(one.entry, "conversation.item.deleted")
            if text(other.event, "item_id") == named
        ]
        anew = [
            other.entry.seq
            for other in course.before(one.entry, "conversation.item.create", by="client")
            if text(other.event, "item", "id") == named
        ]
        gone = bool(deleted) and max(anew, default=-1) < deleted[-1]
        ok = course.known(named, one.entry.seq) and not gone
        yield judged(
            one.entry, ok, "an item of the conversation", f"{named!r}, {'deleted' if gone else 'never announced'}"
        )


@FAMILY.rule("17", SHOULD, INFERRED, sdk("conversation_item_deleted_event.py"))
def deleted_is_gone(view: View) -> Iterator[Observation]:
    """a deleted item does not come back

    Behind conversation.item.deleted the item is finalized, truncated or retrieved no more. (Its transcription may still arrive.)

    Okay:
        < conversation.item.added {"item": {"id": "a", "type": "message"}}
        < conversation.item.deleted {"item_id": "a"}
    Fail:
        < conversation.item.deleted {"item_id": "a"}
        < conversation.item.done {"item": {"id": "a", "type": "message"}}
    """
    course = history(view)
    for deleted in course.server("conversation.item.deleted"):
        named = text(deleted.event, "item_id")
        behind = course.after(
            deleted.entry,
            "conversation.item.added",
            "conversation.item.done",
            "conversation.item.truncated",
            "conversation.item.retrieved",
            "conversation.item.deleted",
        )
        later = [one for one in behind if named in (text(one.event, "item_id"), text(one.event, "item", "id"))]
        # A client may create an item of that id anew.
        again = bool(later) and later[0].kind == "conversation.item.added"
        late = None if again or not later else later[0]
        yield judged(
            (late or deleted).entry,
            late is None,
            "nothing more of the item",
            f"{late.kind} of {named!r}" if late else "",
        )
