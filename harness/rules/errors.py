"""ERR: error events, and what a service does with a bad client event."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from harness.rules.base import (
    BOTH,
    DOCUMENTED,
    INFERRED,
    MUST,
    SERVICE,
    SHOULD,
    Family,
    Observation,
    View,
    bad,
    good,
    judged,
)
from harness.rules.support.disturbance import slack
from harness.rules.support.fields import at, mapping, shown, text
from harness.rules.support.history import History, history, named_error, overdue, overtaken
from harness.rules.support.sources import sdk
from harness.trace import Entry

FAMILY = Family("ERR", "Errors", rank=130, who=SERVICE, hidden_by_filter=True, capability="errors")
_ERROR = sdk("realtime_error_event.py", "realtime_error.py")
SILENT_SECONDS = 10.0  # own policy: far beyond any answer time
# Behind these the session is over by design.
FATAL = frozenset({"session_expired", "beta_api_shape_disabled"})


@FAMILY.rule("01", MUST, DOCUMENTED, _ERROR)
def type_and_message(view: View) -> Iterator[Observation]:
    """an error has a type and a message

    Both are required strings in the model; code, param and event_id may be null.

    They are all that a developer has to go by.

    Okay:
        < error {"error": {"type": "invalid_request_error", "message": "Unknown parameter", "code": null}}
    Fail:
        < error {"error": {"type": "invalid_request_error"}}
    Fail:
        < error {"message": "Unknown parameter"}
    """
    for one in history(view).server("error"):
        missing = [name for name in ("type", "message") if not isinstance(at(one.event, "error", name), str)]
        yield judged(one.entry, not missing, "error.type and error.message", f"without {', '.join(missing)}")


def _client_ids(view: View, before: Entry) -> set[str]:
    return {text(entry.event, "event_id") for entry in view.client() if entry.seq < before.seq} - {""}


@FAMILY.rule("02", MUST, DOCUMENTED, sdk("realtime_error.py"))
def blames_known_event(view: View) -> Iterator[Observation]:
    """error.event_id names an event that the client sent

    Vendor text: "The event_id of the client event that caused the error, if applicable."

    A client finds what it did wrong by this id. (The outer event_id is the error's own.)

    Okay:
        > response.cancel {"event_id": "mine"}
        < error {"error": {"type": "invalid_request_error", "message": "no active response", "event_id": "mine"}}
    Fail:
        > response.cancel {"event_id": "mine"}
        < error {"error": {"type": "invalid_request_error", "message": "no active response", "event_id": "event_77"}}
    Unseen:
        < error {"error": {"type": "server_error", "message": "sorry", "event_id": null}}
    """
    for one in history(view).server("error"):
        if blamed := text(one.event, "error", "event_id"):
            # What the client sent as text that is no event may carry an id all the same.
            raw = any(
                blamed in text(entry.data, "text")
                for entry in view.trace.of("event.undecodable")
                if view.trace.sender(entry) == "client"
            )
            known = raw or blamed in _client_ids(view, one.entry)
            yield judged(one.entry, known, "the event_id of a client event", repr(blamed))


def _dropped(view: View, since: Entry) -> Entry | None:
    """The channel's close after ``since``, where the call failed by it: any other end may be the client's own doing."""
    if view.trace.end != "failed":
        return None
    return next((entry for entry in view.trace.of("channel.closed") if entry.seq > since.seq), None)


@FAMILY.rule("03", SHOULD, DOCUMENTED, _ERROR, who=BOTH, hidden_by_filter=False)
def works_on(view: View) -> Iterator[Observation]:
    """after a recoverable error the session works on

    Vendor text: "Most errors are recoverable and the session will stay open". It is closed only after a fatal one.

    Okay:
        < error {"error": {"type": "invalid_request_error", "message": "Unknown parameter"}}
        > response.create {}
        < response.created {"response": {"id": "r", "status": "in_progress"}}
    Fail:
        < error {"error": {"type": "invalid_request_error", "message": "Unknown parameter"}}
        > response.create {}
        +10.1s
        connection.state {"state": "connected"}
    Unseen:
        < error {"error": {"type": "invalid_request_error", "message": "Unknown parameter"}}
        > response.create {}
        +9.9s
        connection.state {"state": "connected"}
    Unseen:
        < error {"error": {"type": "invalid_request_error", "code": "session_expired", "message": "60 minutes"}}
    """
    course = history(view)
    for one in course.server("error"):
        if text(one.event, "error", "code") in FATAL:
            continue
        alive = next(course.after(one.entry), None)
        asked = next(course.after(one.entry, by="client"), None)
        if alive is not None:
            yield good(one.entry)
        elif closed := _dropped(view, one.entry):
            yield bad(closed, "the session stays open", f"closed {closed.t - one.entry.t:.2f} s after the error")
        elif asked is not None and view.trace.seconds - asked.entry.t >= SILENT_SECONDS + slack(view):
            waited = view.trace.seconds - asked.entry.t
            yield bad(asked.entry, "an answer", f"nothing in {waited:.0f} s, after an error")


FAMILY.unobservable(
    "04",
    "the client logs or shows error and failed responses",
    SHOULD,
    "what a client writes down or shows is not on the wire; harness serve --fault rsp-failed-without-error lets a person look",
)


@FAMILY.rule("05", SHOULD, INFERRED, _ERROR)
def bad_event_answered(view: View) -> Iterator[Observation]:
    """a bad client event leads to an error, not to a closed channel

    Text that is no JSON, and event types that do not exist, are "a client problem": an error event, and the call goes on.

    Okay:
        > response.start {"event_id": "mine"}
        < error {"error": {"type": "invalid_request_error", "message": "Invalid value: 'response.start'",
            "event_id": "mine"}}
    Okay:
        event.undecodable {"direction": "sent", "reason": "not JSON", "text": "{", "size": 1, "binary": false}
        < error {"error": {"type": "invalid_request_error", "message": "could not parse"}}
    Fail:
        > response.start {}
        < response.created {"response": {"id": "r", "status": "in_progress"}}
        < response.done {"response": {"id": "r", "status": "completed"}}
    Open[azure-preview]:
        event.undecodable {"direction": "sent", "reason": "not JSON", "text": "{", "size": 1, "binary": false}
        +11s
        < rate_limits.updated {"rate_limits": []}
    """
    course = history(view)
    for entry in _bad_events(view, course):
        if named_error(course, entry) is not None:
            yield good(entry)
        elif closed := _dropped(view, entry):
            yield bad(closed, "error", f"the channel closed {closed.t - entry.t:.2f} s later")
        elif evidence := overtaken(course, entry):
            yield bad(entry, "error", f"no error by {evidence.kind} (entry {evidence.entry.seq})")
        else:
            yield from overdue(view, entry, "error")


def _bad_events(view: View, course: History) -> Iterator[Entry]:
    for entry in view.trace.of("event.undecodable"):
        if view.trace.sender(entry) == "client":
            yield entry
    for one in course.client():
        if one.entry.type not in view.dialect.client_events:
            yield one.entry


@FAMILY.rule("06", SHOULD, DOCUMENTED, sdk("realtime_response_status.py"))
def failure_explained(view: View) -> Iterator[Observation]:
    """a failed response says why

    status_details.error carries type and code: "rate_limit_exceeded" and "insufficient_quota" show nowhere else.

    Okay:
        < response.done {"response": {"id": "r", "status": "failed", "status_details": {"type": "failed",
            "error": {"type": "rate_limit_exceeded", "code": "rate_limit_exceeded", "message": "slow down"}}}}
    Fail:
        < response.done {"response": {"id": "r", "status": "failed", "status_details": {"type": "failed",
            "error": {"message": "no"}}}}
    """
    for done in history(view).server("response.done"):
        if text(done.event, "response", "status") == "failed":
            error = mapping(done.event, "response", "status_details", "error")
            ok = bool(text(error, "type") or text(error, "code"))
            yield judged(done.entry, ok, "error.type or error.code", shown(dict(error)))


@FAMILY.rule("07", SHOULD, INFERRED, sdk("realtime_error.py"))
def one_error_each(view: View) -> Iterator[Observation]:
    """one error for one client event

    A client that takes an error for the end of its request must not get another for the same request.

    Okay:
        > response.cancel {"event_id": "a"}
        < error {"error": {"type": "invalid_request_error", "message": "no active response", "event_id": "a"}}
    Fail:
        > response.cancel {"event_id": "a"}
        < error {"error": {"type": "invalid_request_error", "message": "no active response", "event_id": "a"}}
        < error {"error": {"type": "invalid_request_error", "message": "no active response", "event_id": "a"}}
    """
    course = history(view)
    sent = Counter(text(one.event, "event_id") for one in course.client())
    seen: Counter[str] = Counter()
    for one in course.server("error"):
        if blamed := text(one.event, "error", "event_id"):
            seen[blamed] += 1
            # An id that the client used twice (EVT-13) may come back twice.
            yield judged(one.entry, seen[blamed] <= max(1, sent[blamed]), f"one error for {blamed!r}", "another one")
