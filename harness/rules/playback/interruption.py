"""PLAY: interruption: cancelling, barging in, truncating to what was heard, and clearing that was caused by somebody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harness.rules.base import (
    CLIENT,
    DOCUMENTED,
    INFERRED,
    MUST,
    OBSERVED,
    SHOULD,
    Observation,
    View,
    bad,
    good,
    judged,
)
from harness.rules.playback import FAMILY
from harness.rules.playback.buffer import CLEARED, SPEECH, STARTED, STOPPED
from harness.rules.support.disturbance import slack
from harness.rules.support.fields import listing, mapping, number, text
from harness.rules.support.history import History, Response, Step, history, in_default, known_to_run, overdue
from harness.rules.support.sources import SERVER_EVENTS, TURN_DETECTION, issue, sdk

CANCEL_SECONDS = (
    2.0  # a response that goes on longer than this after the cancel was not cancelled (round trip and queue)
)
BARGE_SECONDS = 2.0  # the same for speech of the caller
HEARD_SECONDS = 0.5  # jitter buffer and the clocks of two paths
_TRUNCATES_WHAT_WAS_HEARD = issue("twilio-samples/speech-assistant-openai-realtime-api-python#22")


@FAMILY.rule("13", SHOULD, DOCUMENTED, SERVER_EVENTS)
def cleared_by(view: View) -> Iterator[Observation]:
    """playback is cleared by somebody, and once

    cleared "happens either in VAD mode when the user has interrupted (input_audio_buffer.speech_started), or when the client has emitted the output_audio_buffer.clear event".

    Okay:
        < output_audio_buffer.started {"response_id": "r"}
        < input_audio_buffer.speech_started {"item_id": "u", "audio_start_ms": 900}
        < output_audio_buffer.cleared {"response_id": "r"}
    Fail:
        < output_audio_buffer.started {"response_id": "r"}
        < output_audio_buffer.cleared {"response_id": "r"}
        < input_audio_buffer.speech_started {"item_id": "u", "audio_start_ms": 900}
    """
    course = history(view)
    for response in course.responses.values():
        for cleared in response.all(CLEARED):
            since = response.steps[0].entry.seq
            causes = course.before(cleared.entry, SPEECH) + course.before(
                cleared.entry, "output_audio_buffer.clear", "response.cancel", by="client"
            )
            ok = any(one.entry.seq > since for one in causes)
            yield judged(
                cleared.entry, ok, ("speech_started before it", "output_audio_buffer.clear before it"), "by nobody"
            )


@FAMILY.rule("05", SHOULD, DOCUMENTED, sdk("output_audio_buffer_clear_event.py"), who=CLIENT, hidden_by_filter=False)
def cancel_first(view: View) -> Iterator[Observation]:
    """the client cancels the response before it clears the buffer

    Vendor text: "This event should be preceded by a response.cancel client event to stop the generation of the current response."

    Otherwise the response goes on and fills the buffer again. With no response running there is nothing to cancel.

    Okay:
        < response.created {"response": {"id": "r", "status": "in_progress"}}
        > response.cancel {}
        > output_audio_buffer.clear {}
    Okay[azure-ga service]:
        < response.created {"response": {"id": "r", "status": "in_progress"}}
        +490ms
        > output_audio_buffer.clear {}
    Fail[azure-ga service]:
        < response.created {"response": {"id": "r", "status": "in_progress"}}
        +510ms
        > output_audio_buffer.clear {}
    Fail:
        < response.created {"response": {"id": "r", "status": "in_progress"}}
        +1s
        > output_audio_buffer.clear {}
    """
    course = history(view)
    for clear in course.client("output_audio_buffer.clear"):
        running = known_to_run(view, clear)
        since = running[0].created.entry.seq if running and running[0].created else 0
        cancelled = any(one.entry.seq > since for one in course.before(clear.entry, "response.cancel", by="client"))
        yield judged(
            clear.entry, not running or cancelled, "response.cancel before it", "a response runs, not cancelled"
        )


@FAMILY.rule("06", MUST, DOCUMENTED, sdk("response_cancel_event.py", "realtime_response_status.py"))
def cancel_works(view: View) -> Iterator[Observation]:
    """response.cancel ends the response

    Vendor text: "The server will respond with a response.done event with a status of response.status=cancelled", reason client_cancelled.

    A response that was just ending may still complete; speech of the caller at the same time gives turn_detected.

    Okay:
        < response.created {"response": {"id": "r", "status": "in_progress"}}
        > response.cancel {}
        < response.done {"response": {"id": "r", "status": "cancelled", "status_details": {"type": "cancelled",
            "reason": "client_cancelled"}}}
    Okay:
        < response.created {"response": {"id": "r", "status": "in_progress"}}
        > response.cancel {}
        +1.9s
        < response.done {"response": {"id": "r", "status": "completed"}}
    Fail:
        < response.created {"response": {"id": "r", "status": "in_progress"}}
        > response.cancel {}
        +2.1s
        < response.done {"response": {"id": "r", "status": "completed"}}
    Fail[azure-preview]:
        < response.created {"response": {"id": "r", "status": "in_progress"}}
        > response.cancel {}
        < response.done {"response": {"id": "r", "status": "cancelled", "status_details": {"type": "cancelled",
            "reason": "turn_detected"}}}
    Unseen:
        > response.cancel {}
        < error {"error": {"type": "invalid_request_error", "message": "no active response"}}
    Open:
        < response.created {"response": {"id": "r", "status": "in_progress"}}
        > response.cancel {}
        +12s
        < rate_limits.updated {"rate_limits": []}
    """
    course = history(view)
    for cancel in course.client("response.cancel"):
        named = text(cancel.event, "response_id")
        running = [
            one
            for one in course.responses.values()
            if one.running(cancel.entry.seq) and (one.id == named if named else in_default(one))
        ]
        if not running:
            continue
        response, done = running[-1], running[-1].done
        limit = CANCEL_SECONDS + slack(view)
        wanted = ("cancelled, client_cancelled", f"completed within {limit:g} s")
        if done is None:
            yield from overdue(view, cancel.entry, f"response.done of {response.id!r}, cancelled")
        elif response.status == "cancelled":
            reason = text(done.event, "response", "status_details", "reason")
            since = response.created.entry if response.created else cancel.entry
            spoke = any(one.entry.seq < done.entry.seq for one in course.after(since, SPEECH))
            ok = reason in ("", "client_cancelled") or (reason == "turn_detected" and spoke)
            yield judged(done.entry, ok, wanted, f"cancelled, {reason}")
        else:
            took = done.entry.t - cancel.entry.t
            yield judged(done.entry, took <= limit, wanted, f"{response.status} {took:.1f} s later")


def allows_interruption(course: History, seq: int) -> bool:
    """Whether the caller's speech is known to interrupt at ``seq``: turn detection is on, interrupt_response not off."""
    detection = course.settings.value("turn_detection", seq)
    return isinstance(detection, Mapping) and detection.get("interrupt_response") is not False


@FAMILY.rule("08", SHOULD, DOCUMENTED, TURN_DETECTION, SERVER_EVENTS)
def barge_in(view: View) -> Iterator[Observation]:
    """speech of the caller interrupts the response

    With interrupt_response true "the response will be cancelled" when a VAD start event occurs, and the buffer is cleared.

    Otherwise both talk at once. What ends by itself within two seconds is not judged.

    Okay:
        < session.created {"session": {"type": "realtime",
            "audio": {"input": {"turn_detection": {"type": "server_vad"}}}}}
        < response.created {"response": {"id": "r", "status": "in_progress"}}
        < output_audio_buffer.started {"response_id": "r"}
        < input_audio_buffer.speech_started {"item_id": "u", "audio_start_ms": 900}
        < output_audio_buffer.cleared {"response_id": "r"}
    Fail:
        < session.created {"session": {"type": "realtime",
            "audio": {"input": {"turn_detection": {"type": "server_vad"}}}}}
        < response.created {"response": {"id": "r", "status": "in_progress"}}
        < output_audio_buffer.started {"response_id": "r"}
        < input_audio_buffer.speech_started {"item_id": "u", "audio_start_ms": 900}
        +2.1s
        < response.done {"response": {"id": "r", "status": "completed"}}
    Unseen:
        < session.created {"session": {"type": "realtime",
            "audio": {"input": {"turn_detection": {"type": "server_vad"}}}}}
        < response.created {"response": {"id": "r", "status": "in_progress"}}
        < output_audio_buffer.started {"response_id": "r"}
        < input_audio_buffer.speech_started {"item_id": "u", "audio_start_ms": 900}
        +1.9s
        < response.done {"response": {"id": "r", "status": "completed"}}
    Unseen:
        < session.created {"session": {"type": "realtime",
            "audio": {"input": {"turn_detection": {"type": "server_vad"}}}}}
        < response.created {"response": {"id": "r", "status": "in_progress", "conversation_id": null}}
        < output_audio_buffer.started {"response_id": "r"}
        < input_audio_buffer.speech_started {"item_id": "u", "audio_start_ms": 900}
        +4s
        < response.done {"response": {"id": "r", "status": "completed", "conversation_id": null}}
    Unseen:
        < session.created {"session": {"type": "realtime", "audio": {"input": {"turn_detection": {"type": "server_vad",
            "interrupt_response": false}}}}}
        < output_audio_buffer.started {"response_id": "r"}
        < input_audio_buffer.speech_started {"item_id": "u", "audio_start_ms": 900}
        +4s
        < response.done {"response": {"id": "r", "status": "completed"}}
    """
    course = history(view)
    for speech in course.server(SPEECH):
        if not allows_interruption(course, speech.entry.seq):
            continue
        for response in course.responses.values():
            # "... any ongoing response with output to the default conversation": an out-of-band answer may go on.
            if in_default(response) and (response.playing(speech.entry.seq) or response.running(speech.entry.seq)):
                yield from _interrupted(view, speech, response)


def _interrupted(view: View, speech: Step, response: Response) -> Iterator[Observation]:
    behind = [one for one in response.all(CLEARED, STOPPED, "response.done") if one.entry.seq > speech.entry.seq]
    if any(one.kind == CLEARED or text(one.event, "response", "status") == "cancelled" for one in behind):
        yield good(speech.entry)
        return
    end = behind[-1].entry.t if behind else view.trace.seconds
    waited = end - speech.entry.t
    if waited > BARGE_SECONDS + slack(view):
        wanted = (f"{CLEARED} of {response.id!r}", "response.done cancelled, turn_detected")
        seen = f"{behind[-1].kind} {waited:.1f} s later" if behind else f"nothing in {waited:.1f} s"
        yield bad(speech.entry, wanted, seen)


@FAMILY.rule("15", SHOULD, DOCUMENTED, TURN_DETECTION, SERVER_EVENTS)
def interrupted_is_not_completed(view: View) -> Iterator[Observation]:
    """a response that the caller cut short is not completed

    With interrupt_response true "the response will be cancelled" when a VAD start event occurs: its status is cancelled, turn_detected.

    A client that reads completed keeps words in its history that nobody heard. It shows by an item that is incomplete, or by a buffer
    that was cleared before the response was done; one that was done first, and then cut, is right.

    Okay:
        < response.created {"response": {"id": "r", "status": "in_progress"}}
        < input_audio_buffer.speech_started {"item_id": "u", "audio_start_ms": 900}
        < output_audio_buffer.cleared {"response_id": "r"}
        < response.done {"response": {"id": "r", "status": "cancelled", "status_details": {"type": "cancelled",
            "reason": "turn_detected"}}}
    Okay:
        < response.created {"response": {"id": "r", "status": "in_progress"}}
        < input_audio_buffer.speech_started {"item_id": "u", "audio_start_ms": 900}
        < response.done {"response": {"id": "r", "status": "completed", "output": [{"status": "completed"}]}}
        < output_audio_buffer.cleared {"response_id": "r"}
    Unseen:
        < response.created {"response": {"id": "r", "status": "in_progress"}}
        < response.done {"response": {"id": "r", "status": "completed", "output": [{"status": "incomplete"}]}}
        < input_audio_buffer.speech_started {"item_id": "u", "audio_start_ms": 900}
        < output_audio_buffer.cleared {"response_id": "r"}
    Unseen:
        < response.created {"response": {"id": "r", "status": "in_progress"}}
        < input_audio_buffer.speech_started {"item_id": "u", "audio_start_ms": 900}
        > output_audio_buffer.clear {}
        < output_audio_buffer.cleared {"response_id": "r"}
        < response.done {"response": {"id": "r", "status": "completed"}}
    Fail:
        < response.created {"response": {"id": "r", "status": "in_progress"}}
        < input_audio_buffer.speech_started {"item_id": "u", "audio_start_ms": 900}
        < output_audio_buffer.cleared {"response_id": "r"}
        < response.done {"response": {"id": "r", "status": "completed"}}
    Fail:
        < response.created {"response": {"id": "r", "status": "in_progress"}}
        < input_audio_buffer.speech_started {"item_id": "u", "audio_start_ms": 900}
        < response.done {"response": {"id": "r", "status": "completed", "output": [{"status": "incomplete"}]}}
        < output_audio_buffer.cleared {"response_id": "r"}
    """
    course = history(view)
    clears = course.client("output_audio_buffer.clear")
    for response in course.responses.values():
        cleared, done = response.first(CLEARED), response.done
        if cleared is None or done is None:
            continue
        spoke = [
            one
            for one in course.server(SPEECH)
            if response.running(one.entry.seq) and one.entry.seq < cleared.entry.seq
        ]
        if not spoke or any(spoke[0].entry.seq < one.entry.seq < done.entry.seq for one in clears):
            continue
        items = [text(item, "status") for item in listing(done.event, "response", "output")]
        cut = cleared.entry.seq < done.entry.seq or "incomplete" in items
        seen = f"{response.status}, with an incomplete item" if "incomplete" in items else response.status
        yield judged(done.entry, not cut or response.status != "completed", "cancelled, turn_detected", seen)


@FAMILY.rule("09", SHOULD, OBSERVED, _TRUNCATES_WHAT_WAS_HEARD, who=CLIENT, hidden_by_filter=False)
def truncates_what_was_heard(view: View) -> Iterator[Observation]:
    """the client truncates within what it has received

    audio_end_ms beyond the audio is refused. More cannot have been heard than has passed since playback started.

    Count what was played, not what was generated.

    Okay:
        < response.output_item.added @r//0 {"item": {"id": "i"}}
        < output_audio_buffer.started {"response_id": "r"}
        +2s
        > conversation.item.truncate @/i//0 {"audio_end_ms": 2450}
    Fail:
        < response.output_item.added @r//0 {"item": {"id": "i"}}
        < output_audio_buffer.started {"response_id": "r"}
        +2s
        > conversation.item.truncate @/i//0 {"audio_end_ms": 2550}
    """
    course = history(view)
    owner = {
        text(one.event, "item", "id"): text(one.event, "response_id")
        for one in course.server("response.output_item.added")
    }
    for truncate in course.client("conversation.item.truncate"):
        response = course.responses.get(owner.get(text(truncate.event, "item_id"), ""))
        started = response.first(STARTED) if response else None
        end = number(truncate.event, "audio_end_ms")
        if started is not None and end is not None:
            heard = max(0.0, truncate.entry.t - started.entry.t + HEARD_SECONDS) * 1000
            yield judged(truncate.entry, end <= heard, f"at most {heard:.0f} ms", f"{end:g} ms")


@FAMILY.rule("12", SHOULD, INFERRED, sdk("conversation_item_truncated_event.py"))
def truncation_keeps_heard(view: View) -> Iterator[Observation]:
    """a truncation by the service keeps what was heard

    On an interruption the service cuts the item at what was played, "to ensure there is no text in the context that hasn't been heard".

    audio_end_ms is then about the time from started to cleared. What a client asked for itself is not judged.

    Okay:
        < response.output_item.added @r//0 {"item": {"id": "i"}}
        < output_audio_buffer.started {"response_id": "r"}
        +3s
        < output_audio_buffer.cleared {"response_id": "r"}
        < conversation.item.truncated @/i//0 {"audio_end_ms": 2050}
    Fail:
        < response.output_item.added @r//0 {"item": {"id": "i"}}
        < output_audio_buffer.started {"response_id": "r"}
        +3s
        < output_audio_buffer.cleared {"response_id": "r"}
        < conversation.item.truncated @/i//0 {"audio_end_ms": 1950}
    """
    course = history(view)
    asked = {text(one.event, "item_id") for one in course.client("conversation.item.truncate")}
    for response in course.responses.values():
        started, cleared = response.first(STARTED), response.first(CLEARED)
        items = {text(mapping(one.event, "item"), "id") for one in response.all("response.output_item.added")}
        if started is None or cleared is None or len(items) != 1:
            continue
        played = (cleared.entry.t - started.entry.t) * 1000
        for one in course.after(started.entry, "conversation.item.truncated"):
            end = number(one.event, "audio_end_ms")
            if text(one.event, "item_id") in items - asked and end is not None:
                ok = abs(end - played) <= 1000 * (2 * HEARD_SECONDS + slack(view))
                yield judged(one.entry, ok, f"about {played:.0f} ms", f"{end:g} ms")
