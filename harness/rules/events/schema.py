"""EVT: an event has the fields that its schema asks for, with the types and the values that it lists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from harness.protocol.events import Side, findings
from harness.protocol.mismatch import Problem
from harness.rules.base import BOTH, DOCUMENTED, MUST, SHOULD, Observation, View, judged
from harness.rules.events import FAMILY
from harness.rules.support.history import history, named_error
from harness.rules.support.sources import sdk
from harness.trace import Entry

_UNIONS = f"{sdk('realtime_client_event.py', 'realtime_server_event.py')}; the same files in types/beta/realtime"
_LONGEST = 300


class _Elsewhere(NamedTuple):
    """A place that the rule ``id`` judges, so that one fault is one finding: event types and paths as regular expressions."""

    id: str
    events: str
    path: str
    kind: str = ""
    generation: str | None = None
    side: Side | None = None


_SESSION = r"(transcription_)?session\.\w+"
_ITEM = r"(conversation\.item|response\.output_item)\.\w+"
_ELSEWHERE = (
    _Elsewhere("EVT-04", r".*", r"event_id", side="service"),
    _Elsewhere("EVT-11", r".*", r"(item|response)\.object", side="service"),
    _Elsewhere("SES-03", r"session\.created", r"session\.type"),
    _Elsewhere("SES-06", r"session\.update", r"session\.type", "missing"),
    _Elsewhere("SES-07", r"session\.update", r"session\..*", "unknown", "ga"),
    _Elsewhere("SES-08", r"session\.update", r"session\.(max_(response_)?output_tokens|.*turn_detection\.eagerness)"),
    _Elsewhere("SES-10", _SESSION, r"session\.modalities.*", generation="beta"),
    _Elsewhere("SES-10", _SESSION, r"session\.output_modalities.*", generation="ga"),
    _Elsewhere("SES-12", r"session\.update", r"session\.(audio\.input\.)?turn_detection(\.type)?"),
    _Elsewhere("RSP-02", r"response\.created", r"response\.status"),
    _Elsewhere("RSP-05", r"response\.done", r"response\.status"),
    _Elsewhere("RSP-06", r"response\.done", r"response\.status_details\.(type|reason)", "value"),
    _Elsewhere("RSP-13", r"response\.output_item\.\w+", r"item\.status"),
    _Elsewhere("RSP-15", r"rate_limits\.updated", r"rate_limits\[.*"),
    _Elsewhere("ITM-07", r"response\.function_call_arguments\.done", r"name"),
    _Elsewhere("ITM-12", r"conversation\.item\.create", r"item\.content\[\d+\]\.type", "value"),
    _Elsewhere("ITM-13", _ITEM, r"item\.content\[\d+\]\.type", "value"),
    _Elsewhere("TRN-06", r"conversation\.item\.input_audio_transcription\.completed", r"usage.*"),
    _Elsewhere("ERR-01", r"error", r"error(\.type|\.message)?"),
)


@cache
def _is_elsewhere(generation: str, side: Side, event: str, path: str, kind: str) -> bool:
    return any(
        one.side in (None, side)
        and re.fullmatch(one.events, event) is not None
        and re.fullmatch(one.path, path) is not None
        and one.kind in ("", kind)
        and one.generation in (None, generation)
        for one in _ELSEWHERE
    )


def _found(view: View, side: Side, entry: Entry) -> list[Problem]:
    """What the schema says against an event, without what other rules judge."""
    generation = view.dialect.generation.name
    problems = findings(generation, side, entry.event)
    return [one for one in problems if not _is_elsewhere(generation, side, entry.type, one.path, one.kind)]


def _judged(entry: Entry, wrong: list[Problem]) -> Observation:
    said = "; ".join(map(str, wrong))
    short = said if len(said) <= _LONGEST else said[: _LONGEST - 1] + "…"
    return judged(entry, not wrong, f"the schema of {entry.type}", short)


@FAMILY.rule("06", MUST, DOCUMENTED, _UNIONS, who=BOTH, by_sender=True, single_events=True)
def fits_schema(view: View) -> Iterator[Observation]:
    """required fields are there, with their types

    What the models require is what the other side reads without asking, at every depth of the event.

    More fields than the models have are no fault of a service: schemas grow. A client's are one where the service refuses the
    event for it, and so are values outside the published lists; what is newer than the lists and accepted is fine.

    Okay:
        < conversation.item.truncated @/item_1//0 {"audio_end_ms": 1500, "note": "new"}
        > conversation.item.delete {"item_id": "item_1"}
    Fail:
        < conversation.item.truncated @/item_1//0 {"audio_end_ms": "1500"}
    Fail:
        < response.created {"response": {"id": "r", "status": "in_progress", "output": {}}}
    Fail:
        > conversation.item.delete {}
    Fail:
        > response.create {"event_id": 7}
    Okay:
        > response.create {"event_id": "a", "response": {"mood": "good"}}
    Fail:
        > response.create {"event_id": "a", "response": {"mood": "good"}}
        < error {"error": {"type": "invalid_request_error", "code": "unknown_parameter", "message": "no",
            "event_id": "a"}}
    Fail[azure-preview]:
        > session.update {"event_id": "a", "session": {"output_modalities": ["text"]}}
        < error {"error": {"type": "invalid_request_error", "code": "unknown_parameter", "message": "no",
            "event_id": "a"}}
    Okay[azure-preview]:
        < response.function_call_arguments.done @r/i/0 {"call_id": "c", "arguments": "{}"}
    Fail[azure-preview]:
        < response.audio_transcript.done @r/i/0/0
    """
    for entry in view.server():
        if entry.type in view.dialect.server_events:
            found = _found(view, "service", entry)
            yield _judged(entry, [one for one in found if one.kind in ("missing", "type")])
    for entry in view.client():
        if entry.type in view.dialect.client_events:
            found = _found(view, "client", entry)
            plain = [one for one in found if one.kind in ("missing", "type")]
            refused = found and not plain and named_error(history(view), entry) is not None
            yield _judged(entry, found if refused else plain)


@FAMILY.rule("14", SHOULD, DOCUMENTED, _UNIONS, single_events=True)
def listed_values(view: View) -> Iterator[Observation]:
    """the service's values are those of the published lists

    Types of items, tools and turn detection, roles, formats, reasons: a client that switches over them knows the listed ones.

    A value that is newer than the list is a warning and no more.

    Okay:
        < conversation.item.done {"item": {"id": "i", "type": "message", "role": "assistant", "content": []}}
    Fail:
        < conversation.item.done {"item": {"id": "i", "type": "message", "role": "bot", "content": []}}
    Fail:
        < response.content_part.added @r/i/0/0 {"part": {"type": "video"}}
    Okay[azure-preview]:
        < session.created {"session": {"turn_detection": {"type": "semantic_vad", "eagerness": "auto"}}}
    Fail[azure-preview]:
        < session.created {"session": {"input_audio_format": "mp3"}}
    """
    for entry in view.server():
        if entry.type in view.dialect.server_events:
            yield _judged(entry, [one for one in _found(view, "service", entry) if one.kind == "value"])
