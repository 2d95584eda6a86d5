"""RSP: a response was asked for, a cancelled one was cancelled by somebody, and a cancel that cancels nothing says so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harness.rules.base import DOCUMENTED, INFERRED, SHOULD, Observation, View, bad, good, judged
from harness.rules.playback.buffer import SPEECH
from harness.rules.playback.interruption import CANCEL_SECONDS
from harness.rules.responses import FAMILY
from harness.rules.support.disturbance import slack
from harness.rules.support.fields import text
from harness.rules.support.history import RACE, history, named_error, overdue, overtaken
from harness.rules.support.sources import TURN_DETECTION, sdk


@FAMILY.rule("22", SHOULD, INFERRED, TURN_DETECTION, sdk("response_create_event.py"))
def response_asked_for(view: View) -> Iterator[Observation]:
    """a response has its cause

    create_response is "Whether or not to automatically generate a response when a VAD stop event occurs"; else response.create asks.

    One answer for one turn, one for each response.create. A second connection to the same session may ask as well. A service
    that runs MCP tools goes on by itself, which is not judged; nor is manual mode, which is TURN-08.

    Okay:
        < session.created {"session": {"type": "realtime", "audio": {"input": {"turn_detection": {"type": "server_vad",
            "create_response": true}}}}}
        < input_audio_buffer.committed {"item_id": "u"}
        < response.created {"response": {"id": "r", "status": "in_progress"}}
    Okay[azure-preview]:
        < session.created {"session": {"turn_detection": {"type": "server_vad", "create_response": false}}}
        < input_audio_buffer.committed {"item_id": "u"}
        > response.create {}
        < response.created {"response": {"id": "r", "status": "in_progress"}}
    Fail[azure-preview]:
        < session.created {"session": {"turn_detection": {"type": "server_vad", "create_response": false}}}
        < input_audio_buffer.committed {"item_id": "u"}
        < response.created {"response": {"id": "r", "status": "in_progress"}}
    Fail:
        < session.created {"session": {"type": "realtime", "audio": {"input": {"turn_detection": {"type": "server_vad",
            "create_response": true}}}}}
        < input_audio_buffer.committed {"item_id": "u"}
        < response.created {"response": {"id": "r", "status": "in_progress"}}
        < response.done {"response": {"id": "r", "status": "completed"}}
        < response.created {"response": {"id": "s", "status": "in_progress"}}
    """
    course = history(view)
    if any(text(one.event, "item", "type").startswith("mcp_") for one in course.server("response.output_item.added")):
        return
    causes = 0
    for one in course.steps:
        if one.by == "client":
            causes += one.kind == "response.create"
        elif one.kind == "input_audio_buffer.committed":
            detection = course.settings.value("turn_detection", one.entry.seq)
            causes += isinstance(detection, Mapping) and detection.get("create_response") is not False
        elif one.kind == "response.created":
            if course.settings.detecting(one.entry.seq):
                wanted = ("response.create before it", "a turn with create_response before it")
                yield judged(one.entry, causes > 0, wanted, "unasked")
            causes = max(0, causes - 1)


@FAMILY.rule("23", SHOULD, DOCUMENTED, sdk("response_cancel_event.py"))
def cancel_of_nothing(view: View) -> Iterator[Observation]:
    """response.cancel with nothing to cancel is answered by error

    Vendor text: "If there is no response to cancel, the server will respond with an error." The session is unaffected.

    Not judged where a response began or ended at about the same time, or was asked for: the two ends may differ then about
    what is running.

    Okay:
        > response.cancel {"event_id": "mine"}
        < error {"error": {"type": "invalid_request_error", "message": "no active response", "event_id": "mine"}}
    Fail:
        > response.cancel {"event_id": "mine"}
        +510ms
        < response.created {"response": {"id": "r", "status": "in_progress"}}
        < response.done {"response": {"id": "r", "status": "completed"}}
    Unseen:
        > response.cancel {"event_id": "mine"}
        +490ms
        < response.created {"response": {"id": "r", "status": "in_progress"}}
        < response.done {"response": {"id": "r", "status": "completed"}}
    Unseen:
        < response.created {"response": {"id": "r", "status": "in_progress"}}
        > response.cancel {}
    Open:
        > response.cancel {"event_id": "mine"}
        +10.1s
        < rate_limits.updated {"rate_limits": []}
    Unseen:
        > response.cancel {"event_id": "mine"}
        +9.9s
        < rate_limits.updated {"rate_limits": []}
    """
    course = history(view)
    race = RACE + slack(view)
    for cancel in course.client("response.cancel"):
        now = cancel.entry.t
        asked = any(abs(one.entry.t - now) <= race for one in course.client("response.create"))
        if asked or any(
            response.steps[0].entry.t <= now + race and (response.done is None or response.done.entry.t >= now - race)
            for response in course.responses.values()
        ):
            continue
        if error := named_error(course, cancel.entry):
            yield good(cancel.entry, error.kind)
        elif evidence := overtaken(course, cancel.entry):
            yield bad(cancel.entry, "error", f"none by {evidence.kind} (entry {evidence.entry.seq})")
        else:
            yield from overdue(view, cancel.entry, "error")


@FAMILY.rule("21", SHOULD, DOCUMENTED, sdk("realtime_response_status.py"))
def cancelled_by(view: View) -> Iterator[Observation]:
    """a cancelled response was cancelled by somebody

    turn_detected: "the server VAD detected a new start of speech"; client_cancelled: "the client sent a cancel event".

    The cause comes before its effect, while the response runs, and one response.cancel ends one response.

    Okay:
        < response.created {"response": {"id": "r", "status": "in_progress"}}
        < input_audio_buffer.speech_started {"item_id": "u", "audio_start_ms": 900}
        < response.done {"response": {"id": "r", "status": "cancelled", "status_details": {"type": "cancelled",
            "reason": "turn_detected"}}}
    Okay:
        > response.cancel {}
        +1.9s
        < response.created {"response": {"id": "r", "status": "in_progress"}}
        < response.done {"response": {"id": "r", "status": "cancelled", "status_details": {"type": "cancelled",
            "reason": "client_cancelled"}}}
    Fail:
        > response.cancel {}
        +2.1s
        < response.created {"response": {"id": "r", "status": "in_progress"}}
        < response.done {"response": {"id": "r", "status": "cancelled", "status_details": {"type": "cancelled",
            "reason": "client_cancelled"}}}
    Fail:
        < response.created {"response": {"id": "r", "status": "in_progress"}}
        < response.done {"response": {"id": "r", "status": "cancelled", "status_details": {"type": "cancelled",
            "reason": "turn_detected"}}}
    Fail[azure-preview]:
        < response.created {"response": {"id": "r", "status": "in_progress"}}
        < response.done {"response": {"id": "r", "status": "cancelled", "status_details": {"type": "cancelled",
            "reason": "client_cancelled"}}}
    Fail:
        < response.created {"response": {"id": "r", "status": "in_progress"}}
        > response.cancel {}
        < response.done {"response": {"id": "r", "status": "cancelled", "status_details": {"type": "cancelled",
            "reason": "client_cancelled"}}}
        < response.created {"response": {"id": "s", "status": "in_progress"}}
        < response.done {"response": {"id": "s", "status": "cancelled", "status_details": {"type": "cancelled",
            "reason": "client_cancelled"}}}
    """
    course = history(view)
    spent = 0
    for response in course.responses.values():
        if response.done is None or response.status != "cancelled":
            continue
        done, created = response.done.entry, response.steps[0].entry
        spoken = any(one.entry.seq > created.seq for one in course.before(done, SPEECH))
        # A cancel may be under way before the client has seen response.created.
        cancels = course.before(done, "response.cancel", by="client")
        cancelled = any(one.entry.t >= created.t - CANCEL_SECONDS - slack(view) for one in cancels[spent:])
        reason = text(response.done.event, "response", "status_details", "reason")
        spent += reason == "client_cancelled"
        caused = {"turn_detected": spoken, "client_cancelled": cancelled}.get(reason, spoken or cancelled)
        wanted = ("speech_started while it runs", "response.cancel")
        yield judged(done, caused, wanted, f"cancelled ({reason or 'no reason'}) by nobody")
