"""EVT: the envelope of every event: JSON, a known type in the right vocabulary, an id, the fields its schema asks for."""

from __future__ import annotations

from collections.abc import Iterator

from harness.protocol.dialects import DIALECTS, FICTIONAL_EVENTS
from harness.protocol.events import WITHOUT_EVENT_ID
from harness.protocol.generations import GENERATIONS, SERVER_EVENTS
from harness.rules.base import BOTH, CLIENT, DOCUMENTED, INFERRED, MUST, SHOULD, Observation, View, bad, good, judged
from harness.rules.events import FAMILY
from harness.rules.support import sources
from harness.rules.support.fields import MISSING, at, index, mapping, shown, text
from harness.rules.support.history import history
from harness.rules.support.sources import beta_sdk, sdk

_UNIONS = f"{sdk('realtime_client_event.py', 'realtime_server_event.py')}; the same files in types/beta/realtime"
_RENAMES = "Microsoft, Realtime API preview-to-GA migration guide; OpenAI Python SDK 3.57.0, types/realtime against types/beta/realtime"
_UNIQUE_CLIENT_IDS = sdk("realtime_error.py") + '; "The event_id of the client event that caused the error"'


def _foreign(view: View) -> frozenset[str]:
    """Wire types of the other vocabulary that this one does not have. MCP names are in both (beta has them in its OpenAPI file)."""
    ours = view.dialect.server_events
    theirs = frozenset().union(*(row.server_events for row in DIALECTS.values()))
    return frozenset(kind for kind in theirs - ours if not kind.startswith(("mcp_", "response.mcp_")))


_IDS = ("response_id", "item_id", "call_id")


@FAMILY.rule("01", MUST, DOCUMENTED, _UNIONS, who=BOTH, by_sender=True)
def json_object(view: View) -> Iterator[Observation]:
    """every message is a JSON object with a string type

    Both unions are told apart by ``type``: without it an event means nothing, and some clients crash on it.

    Okay:
        < session.created {"session": {"type": "realtime"}}
    Fail:
        event.undecodable {"direction": "received", "reason": "not JSON", "text": "{", "size": 1, "binary": false}
    Fail:
        event.undecodable {"direction": "sent", "reason": "no type", "text": "{}", "size": 2, "binary": false}
    """
    for entry in view.trace.of("event"):
        if entry.kind == "event.undecodable":
            yield bad(entry, "a JSON object with a string type", text(entry.data, "reason") or "undecodable")
        else:
            yield judged(entry, bool(entry.type), "a string type", f"type {shown(at(entry.event, 'type'))}")


@FAMILY.rule(
    "02",
    MUST,
    DOCUMENTED,
    sdk("realtime_client_event.py"),
    beta_sdk("realtime_client_event.py"),
    who=CLIENT,
    single_events=True,
)
def client_types(view: View) -> Iterator[Observation]:
    """the client sends only events that the service knows

    Anything else is answered with an error and has no effect. The service's side of this is EVT-12.

    Okay:
        > response.create {}
    Fail:
        > transcription_session.update {"session": {}}
    Okay[azure-preview]:
        > transcription_session.update {"session": {}}
    Fail[azure-preview]:
        > response.start {}
    """
    for entry in view.client():
        if entry.type and entry.type not in FICTIONAL_EVENTS.keys() - view.dialect.client_events:
            known = entry.type in view.dialect.client_events
            yield judged(entry, known, "a client event of this dialect", entry.type)


@FAMILY.rule("03", MUST, DOCUMENTED, _RENAMES, single_events=True)
def one_vocabulary(view: View) -> Iterator[Observation]:
    """the service uses the event names of one API generation

    No beta event name in a GA session and no GA name in a beta session; conversation.item.created may appear in both.

    A client listens for the names of the endpoint it called: the others it never hears. Translate names with the endpoint.

    Okay:
        < response.output_text.done @r/i/0/0 {"text": "Hi"}
        < conversation.item.created {"item": {"id": "i", "type": "message"}}
    Fail:
        < response.text.done @r/i/0/0 {"text": "Hi"}
    Okay[azure-preview]:
        < response.text.done @r/i/0/0 {"text": "Hi"}
    Fail[azure-preview]:
        < conversation.item.added {"item": {"id": "i", "type": "message"}}
    """
    foreign = _foreign(view)
    for entry in view.server():
        if entry.type:
            whose = next((row.title for row in GENERATIONS if entry.type in row.server_events), "")
            seen = f"the {whose} name {entry.type}"
            yield judged(entry, entry.type not in foreign, f"names of {view.dialect.title}", seen)


@FAMILY.rule("04", MUST, DOCUMENTED, sources.SERVER_EVENTS, single_events=True)
def has_event_id(view: View) -> Iterator[Observation]:
    """server events carry an event_id

    Every server event has a non-empty event_id, except the SIP-only dtmf_event_received.

    Okay:
        < session.created {"session": {"type": "realtime"}}
        < input_audio_buffer.dtmf_event_received {"event_id": "__absent__", "event": "5", "received_at": 1795230000}
    Fail:
        < session.created {"event_id": "", "session": {"type": "realtime"}}
    Fail:
        < session.created {"event_id": "__absent__", "session": {"type": "realtime"}}
    """
    for entry in view.server():
        if entry.type not in WITHOUT_EVENT_ID:
            ok = bool(text(entry.event, "event_id"))
            yield judged(entry, ok, "a non-empty event_id", f"{entry.type}: {shown(at(entry.event, 'event_id'))}")


@FAMILY.rule("05", MUST, DOCUMENTED, sources.SERVER_EVENTS)
def unique_event_id(view: View) -> Iterator[Observation]:
    """event_id is unique

    Vendor text at every server event: "The unique ID of the server event". An id that comes again is an event sent twice.

    Okay:
        < session.created {"event_id": "event_1", "session": {"type": "realtime"}}
        < session.updated {"event_id": "event_2", "session": {"type": "realtime"}}
    Fail:
        < session.created {"event_id": "event_1", "session": {"type": "realtime"}}
        < session.updated {"event_id": "event_1", "session": {"type": "realtime"}}
    """
    first: dict[str, int] = {}
    for entry in view.server():
        named = text(entry.event, "event_id")
        if named:
            before = first.setdefault(named, entry.seq)
            yield judged(entry, before == entry.seq, "an id of its own", f"{named}, already in entry {before}")


FAMILY.unobservable(
    "07",
    "the client tolerates extra fields in server events",
    SHOULD,
    "what a client does with a field it does not know stays inside the client",
)


@FAMILY.rule("08", SHOULD, INFERRED, sdk("response_output_item_added_event.py", "response_content_part_added_event.py"))
def contiguous(view: View) -> Iterator[Observation]:
    """output_index and content_index count from 0 without gaps

    They are positions in response.output and in item.content; a gap leaves a hole in both arrays.

    Okay:
        < response.output_item.added @r//0 {"item": {"id": "i"}}
        < response.content_part.added @r/i/0/0 {"part": {}}
        < response.output_item.added @r//1 {"item": {"id": "j"}}
    Fail:
        < response.output_item.added @r//1 {"item": {"id": "i"}}
    Fail:
        < response.content_part.added @r/i/0/2 {"part": {}}
    """
    places = (("response.output_item.added", "output_index"), ("response.content_part.added", "content_index"))
    for kind, name in places:
        next_place: dict[tuple[str, str], int] = {}
        for step in history(view).server(kind):
            key = (text(step.event, "response_id"), text(step.event, "item_id"))
            expected = next_place.get(key, 0)
            place = index(step.event, name)
            yield judged(step.entry, place == expected, f"{name} {expected}", f"{name} {shown(at(step.event, name))}")
            next_place[key] = max(expected, expected if place is None else place) + 1


@FAMILY.rule("09", MUST, DOCUMENTED, _UNIONS, who=CLIENT, single_events=True)
def no_fiction(view: View) -> Iterator[Observation]:
    """the client sends no event that exists only in sample code

    Names such as ``message`` or ``session.end`` are in circulation, but no dialect has them.

    Okay:
        > conversation.item.create {"item": {"type": "message", "role": "user", "content": []}}
    Fail:
        > message {"text": "hello"}
    Fail[azure-preview]:
        > session.end {}
    """
    fiction = FICTIONAL_EVENTS.keys() - view.dialect.client_events
    for entry in view.client():
        meant = FICTIONAL_EVENTS.get(entry.type, "")
        yield judged(entry, entry.type not in fiction, meant or "an event of the API", entry.type)


FAMILY.unobservable(
    "10",
    "the client does not depend on session.update, session.error, session.end, response.cancelled from the service",
    MUST,
    "what a client waits for stays inside the client; one that waits for these waits for ever, since no service (nor the fake) sends them",
)


@FAMILY.rule(
    "11",
    SHOULD,
    DOCUMENTED,
    sdk("realtime_response.py", "realtime_conversation_item_assistant_message.py"),
    single_events=True,
)
def object_names(view: View) -> Iterator[Observation]:
    """objects name their kind

    An item's ``object`` is realtime.item and a response's is realtime.response, where they are given.

    Okay:
        < conversation.item.added {"item": {"id": "i", "object": "realtime.item", "type": "message"}}
    Fail:
        < conversation.item.added {"item": {"id": "i", "object": "item", "type": "message"}}
    Fail:
        < response.created {"response": {"id": "r", "object": "response"}}
    """
    for entry in view.server():
        for name in ("item", "response"):
            seen = at(mapping(entry.event, name), "object")
            if seen is not MISSING and seen is not None:
                yield judged(entry, seen == f"realtime.{name}", f"realtime.{name}", shown(seen))


@FAMILY.rule("15", MUST, DOCUMENTED, sources.SERVER_EVENTS, single_events=True)
def ids_are_not_empty(view: View) -> Iterator[Observation]:
    """the ids in an event are not empty

    "The ID of the response", "The ID of the item": an empty text names nothing, and clients file what comes under it nowhere.

    Gateways that translate events have to fill in the ids of the events around them.

    Okay:
        < response.output_text.delta @r/i/0/0 {"delta": "Hi"}
    Fail:
        < response.output_text.delta {"response_id": "", "item_id": "i", "output_index": 0, "delta": "Hi"}
    """
    for entry in view.server():
        ids = {name: value for name in _IDS if isinstance(value := entry.event.get(name), str)}
        if ids:
            empty = [name for name, value in ids.items() if not value]
            yield judged(entry, not empty, "ids that name something", f"{entry.type} with an empty {', '.join(empty)}")


@FAMILY.rule("12", SHOULD, DOCUMENTED, sources.SERVER_EVENTS, beta_sdk("realtime_server_event.py"), single_events=True)
def server_types(view: View) -> Iterator[Observation]:
    """the service sends only events of its dialect

    An unknown type is a warning: it may be newer than this list. Names that exist only in sample code are explained.

    Okay:
        < rate_limits.updated {"rate_limits": []}
    Fail:
        < response.paused {"response_id": "r"}
    Fail[azure-preview]:
        < session.end {}
    Okay[azure-preview]:
        < mcp_list_tools.completed {"item_id": "i"}
    """
    known = view.dialect.server_events | {kind for kind in SERVER_EVENTS if kind.startswith(("mcp_", "response.mcp_"))}
    foreign = _foreign(view)
    for entry in view.server():
        if entry.type in known:
            yield good(entry)
        elif entry.type and entry.type not in foreign:
            meant = FICTIONAL_EVENTS.get(entry.type, "a server event of this dialect")
            yield bad(entry, meant, entry.type)


@FAMILY.rule("13", SHOULD, INFERRED, _UNIQUE_CLIENT_IDS, who=CLIENT)
def unique_client_ids(view: View) -> Iterator[Observation]:
    """the client's event_ids are unique

    An error names the event it answers by that event's id: an id used twice makes the answer ambiguous.

    Okay:
        > response.create {"event_id": "a"}
        > response.cancel {"event_id": "b"}
    Fail:
        > response.create {"event_id": "a"}
        > response.cancel {"event_id": "a"}
    """
    first: dict[str, int] = {}
    for entry in view.client():
        if named := text(entry.event, "event_id"):
            before = first.setdefault(named, entry.seq)
            yield judged(entry, before == entry.seq, "an id of its own", f"{named}, already in entry {before}")
