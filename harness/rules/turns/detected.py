"""TURN: detected turns: speech started, stopped, committed, and the item and response that follow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harness.rules.base import DOCUMENTED, INFERRED, MUST, SHOULD, Observation, View, bad, good, judged
from harness.rules.support.disturbance import slack
from harness.rules.support.fields import number, text
from harness.rules.support.history import PATIENCE, History, Step, history, overdue
from harness.rules.support.sources import LOG, MS_HOWTO, TURN_DETECTION, sdk
from harness.rules.turns import FAMILY

STARTED = "input_audio_buffer.speech_started"
STOPPED = "input_audio_buffer.speech_stopped"
COMMITTED = "input_audio_buffer.committed"
TIMEOUT = "input_audio_buffer.timeout_triggered"
_OUTPUT = "response.output_item.added"
SPEECH = sdk("input_audio_buffer_speech_started_event.py", "input_audio_buffer_speech_stopped_event.py")


def taken_by_hand(course: History, since: int, until: int) -> bool:
    """The client committed or cleared the input buffer between two entries: item ids then change in the middle of a turn."""
    by_hand = course.client("input_audio_buffer.commit", "input_audio_buffer.clear")
    return any(since < step.entry.seq < until for step in by_hand)


def _last(course: History, before: Step, kind: str) -> Step | None:
    earlier = course.before(before.entry, kind)
    return earlier[-1] if earlier else None


@FAMILY.rule("01", MUST, DOCUMENTED, SPEECH)
def started_before_stopped(view: View) -> Iterator[Observation]:
    """speech_started comes before speech_stopped of the same item

    Vendor text: the item_id of speech_started "will also be included in the input_audio_buffer.speech_stopped event".

    A client shows "listening" from one to the other; a stop without a start leaves it stuck.

    Okay:
        < input_audio_buffer.speech_started {"item_id": "item_1", "audio_start_ms": 500}
        < input_audio_buffer.speech_stopped {"item_id": "item_1", "audio_end_ms": 2000}
    Fail:
        < input_audio_buffer.speech_stopped {"item_id": "item_1", "audio_end_ms": 2000}
        < input_audio_buffer.speech_started {"item_id": "item_1", "audio_start_ms": 500}
    Okay:
        < input_audio_buffer.speech_started {"item_id": "item_1", "audio_start_ms": 500}
        > input_audio_buffer.commit {}
        < input_audio_buffer.speech_stopped {"item_id": "item_2", "audio_end_ms": 2000}
    """
    course = history(view)
    for stopped in course.server(STOPPED):
        started = _last(course, stopped, STARTED)
        earlier = _last(course, stopped, STOPPED)
        fresh = started is not None and (earlier is None or earlier.entry.seq < started.entry.seq)
        same = started is not None and text(started.event, "item_id") == text(stopped.event, "item_id")
        by_hand = started is not None and taken_by_hand(course, started.entry.seq, stopped.entry.seq)
        seen = f"speech_stopped of {text(stopped.event, 'item_id')!r}"
        seen += f" after speech_started of {text(started.event, 'item_id')!r}" if started else " without speech_started"
        yield judged(stopped.entry, fresh and (same or by_hand), "speech_started of the same item before it", seen)


@FAMILY.rule("02", MUST, DOCUMENTED, SPEECH, sdk("input_audio_buffer_committed_event.py"), hidden_by_filter=True)
def one_item(view: View) -> Iterator[Observation]:
    """speech_started, speech_stopped and committed name one item

    All three announce "the ID of the user message item that will be created", unless the client commits in between.

    Okay:
        < input_audio_buffer.speech_started {"item_id": "item_1", "audio_start_ms": 500}
        < input_audio_buffer.speech_stopped {"item_id": "item_1", "audio_end_ms": 2000}
        < input_audio_buffer.committed {"item_id": "item_1"}
    Fail:
        < input_audio_buffer.speech_started {"item_id": "item_1", "audio_start_ms": 500}
        < input_audio_buffer.speech_stopped {"item_id": "item_1", "audio_end_ms": 2000}
        < input_audio_buffer.committed {"item_id": "item_2"}
    Unseen:
        < input_audio_buffer.speech_started {"item_id": "item_1", "audio_start_ms": 500}
        > input_audio_buffer.commit {}
        < input_audio_buffer.committed {"item_id": "item_2"}
    """
    course = history(view)
    current: Step | None = None
    for step in course.server(STARTED, STOPPED, COMMITTED):
        if step.kind == STARTED:
            current = step
            continue
        if current is None or taken_by_hand(course, current.entry.seq, step.entry.seq):
            continue
        expected, seen = text(current.event, "item_id"), text(step.event, "item_id")
        yield judged(
            step.entry, seen == expected, f"item {expected!r}, as in speech_started", f"{step.kind} of {seen!r}"
        )
        if step.kind == COMMITTED:
            current = None


@FAMILY.rule("03", SHOULD, INFERRED, SPEECH)
def times_forward(view: View) -> Iterator[Observation]:
    """turn times run forward

    Both are offsets in the audio of the whole session: the end is not before its start, and no turn is before the last one.

    Okay:
        < input_audio_buffer.speech_started {"item_id": "item_1", "audio_start_ms": 500}
        < input_audio_buffer.speech_stopped {"item_id": "item_1", "audio_end_ms": 2000}
        < input_audio_buffer.speech_started {"item_id": "item_2", "audio_start_ms": 1900}
    Fail:
        < input_audio_buffer.speech_started {"item_id": "item_1", "audio_start_ms": 500}
        < input_audio_buffer.speech_stopped {"item_id": "item_1", "audio_end_ms": 300}
    Fail:
        < input_audio_buffer.speech_started {"item_id": "item_1", "audio_start_ms": -20}
    """
    starts: float = 0
    ends: float = 0
    for step in history(view).server(STARTED, STOPPED):
        name = "audio_start_ms" if step.kind == STARTED else "audio_end_ms"
        value = number(step.event, name)
        least = starts if step.kind == STARTED else max(starts, ends)
        if value is None:
            continue
        yield judged(step.entry, value >= least, f"{name} at least {least:g}", f"{name} {value:g}")
        if step.kind == STARTED:
            starts = max(starts, value)
        else:
            ends = max(ends, value)


@FAMILY.rule("04", MUST, DOCUMENTED, MS_HOWTO, LOG, hidden_by_filter=True)
def committed_after_stopped(view: View) -> Iterator[Observation]:
    """a detected turn is committed when the speech has stopped

    In VAD mode the service commits by itself, after speech_stopped; the exceptions are a client's own commit and a timeout.

    Without the commit the model never gets what was said.

    Okay:
        < input_audio_buffer.speech_started {"item_id": "item_1", "audio_start_ms": 500}
        < input_audio_buffer.speech_stopped {"item_id": "item_1", "audio_end_ms": 2000}
        < input_audio_buffer.committed {"item_id": "item_1"}
    Fail:
        < input_audio_buffer.speech_started {"item_id": "item_1", "audio_start_ms": 500}
        < input_audio_buffer.committed {"item_id": "item_1"}
        < input_audio_buffer.speech_stopped {"item_id": "item_1", "audio_end_ms": 2000}
    Fail:
        < input_audio_buffer.speech_started {"item_id": "item_1", "audio_start_ms": 500}
        < input_audio_buffer.speech_stopped {"item_id": "item_1", "audio_end_ms": 2000}
        < response.created {"response": {"id": "resp_1", "status": "in_progress"}}
    Okay:
        < input_audio_buffer.speech_stopped {"item_id": "item_1", "audio_end_ms": 2000}
        < input_audio_buffer.committed {"item_id": "item_1"}
        < input_audio_buffer.speech_started {"item_id": "item_2", "audio_start_ms": 2100}
        < input_audio_buffer.speech_stopped {"item_id": "item_2", "audio_end_ms": 2600}
        < response.created {"response": {"id": "resp_1", "status": "in_progress"}}
        < input_audio_buffer.committed {"item_id": "item_2"}
    Open:
        < input_audio_buffer.speech_stopped {"item_id": "item_1", "audio_end_ms": 2000}
        +12s
        < rate_limits.updated {"rate_limits": []}
    """
    course = history(view)
    turn = course.server(STARTED, STOPPED, COMMITTED, "conversation.item.added", "response.created")
    speaking: Step | None = None
    stopped: Step | None = None
    for step in turn:
        since = (stopped or speaking or step).entry.seq
        excused = taken_by_hand(course, since, step.entry.seq)
        if step.kind == STOPPED:
            speaking, stopped = None, step
        elif step.kind == COMMITTED:
            if stopped is not None:
                yield good(step.entry)
            elif speaking is not None and not excused:
                yield bad(step.entry, "committed after speech_stopped", "committed while speech goes on")
            speaking = stopped = None
        elif step.kind == "conversation.item.added" and text(step.event, "item", "id") != _item(stopped):
            continue  # another item
        elif stopped is not None:
            if not excused and (step.kind != "response.created" or not _asked(course, step)):
                yield bad(
                    stopped.entry, "committed after speech_stopped", f"{step.kind} (entry {step.entry.seq}) without it"
                )
            stopped = None
        if step.kind == STARTED:
            speaking = step
    if stopped is not None and not taken_by_hand(course, stopped.entry.seq, len(view.trace.entries)):
        yield from overdue(view, stopped.entry, "input_audio_buffer.committed")


def _item(step: Step | None) -> str:
    return text(step.event, "item_id") if step else ""


def _asked(course: History, created: Step) -> bool:
    """Whether this response need not be the turn's: the client, or an earlier turn, asked for one since the last was created.

    Nor need it where the service runs MCP tools, and goes on by itself.
    """
    earlier = _last(course, created, "response.created")
    asked = course.before(created.entry, "response.create", by="client") + course.before(created.entry, COMMITTED)
    tools = any(text(one.event, "item", "type").startswith("mcp_") for one in course.before(created.entry, _OUTPUT))
    return tools or any(earlier is None or one.entry.seq > earlier.entry.seq for one in asked)


@FAMILY.rule("05", MUST, DOCUMENTED, sdk("input_audio_buffer_committed_event.py"), hidden_by_filter=True)
def commit_makes_item(view: View) -> Iterator[Observation]:
    """a committed buffer becomes an item

    Vendor text: item_id is "the ID of the user message item that will be created, thus a conversation.item.created event will also be sent".

    In GA that event is conversation.item.added. Without it the turn has no place in the conversation.

    Okay:
        < input_audio_buffer.committed {"item_id": "item_1"}
        < conversation.item.added {"item": {"id": "item_1", "type": "message", "role": "user"}}
    Fail:
        < input_audio_buffer.committed {"item_id": "item_1"}
        < response.created {"response": {"id": "resp_1"}}
        < response.done {"response": {"id": "resp_1", "status": "completed"}}
    Fail:
        < conversation.item.added {"item": {"id": "item_1", "type": "message", "role": "user"}}
        < input_audio_buffer.committed {"item_id": "item_1"}
    Okay[azure-preview]:
        < input_audio_buffer.committed {"item_id": "item_1"}
        < conversation.item.created {"item": {"id": "item_1", "type": "message", "role": "user"}}
    Unseen:
        < response.created {"response": {"id": "resp_1"}}
        < input_audio_buffer.committed {"item_id": "item_1"}
        < response.done {"response": {"id": "resp_1", "status": "cancelled"}}
    Open:
        < input_audio_buffer.committed {"item_id": "item_1"}
        +12s
        < rate_limits.updated {"rate_limits": []}
    """
    course = history(view)
    for committed in course.server(COMMITTED):
        named = text(committed.event, "item_id")
        announced = [
            step
            for step in course.server("conversation.item.added", "conversation.item.created")
            if text(step.event, "item", "id") == named
        ]
        wanted = f"conversation.item.added of {named!r}"
        if any(step.entry.seq > committed.entry.seq for step in announced):
            yield good(committed.entry)
        elif announced:
            yield bad(committed.entry, f"{wanted} after it", f"it came before, in entry {announced[-1].entry.seq}")
        elif late := next(course.after(committed.entry, COMMITTED), None) or _answered(course, committed):
            yield bad(committed.entry, wanted, f"{late.kind} (entry {late.entry.seq}) without it")
        else:
            yield from overdue(view, committed.entry, wanted)


def _answered(course: History, committed: Step) -> Step | None:
    """The end of a response that began after the commit: by then the turn was in the conversation."""
    for response in course.responses.values():
        if response.created and response.done and response.created.entry.seq > committed.entry.seq:
            return response.done
    return None


@FAMILY.rule("06", SHOULD, DOCUMENTED, TURN_DETECTION, hidden_by_filter=True)
def turn_answered(view: View) -> Iterator[Observation]:
    """with create_response a detected turn is answered

    With create_response true a response is generated when a VAD stop event occurs; it may fail to while another one runs.

    Okay:
        < session.created {"session": {"type": "realtime",
            "audio": {"input": {"turn_detection": {"type": "server_vad"}}}}}
        < input_audio_buffer.speech_stopped {"item_id": "item_1", "audio_end_ms": 2000}
        < input_audio_buffer.committed {"item_id": "item_1"}
        < response.created {"response": {"id": "resp_1", "status": "in_progress"}}
    Fail:
        < session.created {"session": {"type": "realtime",
            "audio": {"input": {"turn_detection": {"type": "server_vad"}}}}}
        < input_audio_buffer.speech_stopped {"item_id": "item_1", "audio_end_ms": 2000}
        < input_audio_buffer.committed {"item_id": "item_1"}
        +10.1s
        < rate_limits.updated {"rate_limits": []}
    Unseen:
        < session.created {"session": {"type": "realtime",
            "audio": {"input": {"turn_detection": {"type": "server_vad"}}}}}
        < input_audio_buffer.speech_stopped {"item_id": "item_1", "audio_end_ms": 2000}
        < input_audio_buffer.committed {"item_id": "item_1"}
        +9.9s
        < rate_limits.updated {"rate_limits": []}
    Unseen:
        < session.created {"session": {"type": "realtime", "audio": {"input": {"turn_detection": {"type": "server_vad",
            "create_response": false}}}}}
        < input_audio_buffer.speech_stopped {"item_id": "item_1", "audio_end_ms": 2000}
        < input_audio_buffer.committed {"item_id": "item_1"}
        +12s
        < rate_limits.updated {"rate_limits": []}
    """
    course = history(view)
    if course.settings.transcription_session():
        return
    for stopped in course.server(STOPPED):
        committed = next(course.after(stopped.entry, COMMITTED), None)
        detection = course.settings.value("turn_detection", stopped.entry.seq)
        if committed is None or not isinstance(detection, Mapping) or detection.get("create_response") is False:
            continue
        seq = committed.entry.seq
        following = next(course.after(committed.entry, "response.created", STARTED, "error"), None)
        if following is not None and following.kind == "response.created":
            yield good(committed.entry)
        elif following is None and not any(one.running(seq) for one in course.responses.values()):
            waited = view.trace.seconds - committed.entry.t
            if waited >= PATIENCE + slack(view):
                yield bad(committed.entry, "response.created", f"nothing in {waited:.0f} s")
