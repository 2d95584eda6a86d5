"""TURN: causes and answers: a commit and an idle timeout have a cause, a request has an answer, a turn stands before its reply."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harness.protocol.dialects import GA
from harness.protocol.generations import UPDATED
from harness.rules.base import DOCUMENTED, INFERRED, MUST, OBSERVED, SHOULD, Observation, View, bad, good, judged
from harness.rules.support.disturbance import slack
from harness.rules.support.fields import MISSING, at, number, shown, text
from harness.rules.support.history import Step, history, named_error, overdue, overtaken
from harness.rules.support.sources import LOG, TURN_DETECTION, sdk
from harness.rules.turns import FAMILY
from harness.rules.turns.detected import COMMITTED, SPEECH, STARTED, STOPPED, TIMEOUT, taken_by_hand

CLEARED = "input_audio_buffer.cleared"
IDLE_SECONDS = 0.5  # the end of playback may be told later than it was
_PLAYED = ("output_audio_buffer.stopped", "output_audio_buffer.cleared")


_CLEAR_AND_CLEARED = sdk("input_audio_buffer_clear_event.py", "input_audio_buffer_cleared_event.py")
_NO_SECOND_START = SPEECH + '; "any time audio is added to the buffer (unless speech is already detected)"'


@FAMILY.rule("15", SHOULD, DOCUMENTED, _CLEAR_AND_CLEARED, hidden_by_filter=True)
def clear_and_cleared(view: View) -> Iterator[Observation]:
    """input_audio_buffer.clear and cleared go together

    Vendor text: "The server will respond with an input_audio_buffer.cleared event", which is sent when "cleared by the client".

    Okay:
        > input_audio_buffer.clear {}
        < input_audio_buffer.cleared {}
    Fail:
        < input_audio_buffer.cleared {}
    Fail:
        > input_audio_buffer.clear {}
        < response.created {"response": {"id": "r"}}
        < response.done {"response": {"id": "r", "status": "completed"}}
    Open:
        > input_audio_buffer.clear {}
        +11s
        < rate_limits.updated {"rate_limits": []}
    """
    course = history(view)
    waiting: list[Step] = []
    for one in course.steps:
        if one.by == "client" and one.kind == "input_audio_buffer.clear":
            waiting.append(one)
        elif one.by == "service" and one.kind == CLEARED:
            yield judged(one.entry, bool(waiting), "input_audio_buffer.clear before it", "cleared unasked")
            del waiting[:1]
    for one in waiting:
        if named_error(course, one.entry) is not None:
            yield good(one.entry)
        elif evidence := overtaken(course, one.entry):
            yield bad(one.entry, CLEARED, f"{evidence.kind} (entry {evidence.entry.seq}) without it")
        else:
            yield from overdue(view, one.entry, CLEARED)


@FAMILY.rule("16", SHOULD, DOCUMENTED, sdk("input_audio_buffer_commit_event.py"), hidden_by_filter=True)
def commit_answered(view: View) -> Iterator[Observation]:
    """input_audio_buffer.commit is answered by committed or error

    Vendor text: "The server will respond with an input_audio_buffer.committed event"; an empty buffer gives an error.

    Okay:
        > input_audio_buffer.commit {}
        < input_audio_buffer.committed {"item_id": "a"}
    Okay:
        > input_audio_buffer.commit {}
        < error {"error": {"type": "invalid_request_error", "code": "input_audio_buffer_commit_empty",
            "message": "empty"}}
        < response.created {"response": {"id": "r"}}
        < response.done {"response": {"id": "r", "status": "completed"}}
        > input_audio_buffer.commit {}
        < input_audio_buffer.committed {"item_id": "a"}
    Fail:
        > input_audio_buffer.commit {}
        < response.created {"response": {"id": "r"}}
        < response.done {"response": {"id": "r", "status": "completed"}}
    Open:
        > input_audio_buffer.commit {}
        +11s
        < rate_limits.updated {"rate_limits": []}
    """
    course = history(view)
    for commit in course.client("input_audio_buffer.commit"):
        answers = (next(course.after(commit.entry, COMMITTED), None), named_error(course, commit.entry))
        # The first of both: an error answers this commit, however a later one was answered.
        answer = min((one for one in answers if one is not None), key=lambda one: one.entry.seq, default=None)
        evidence = overtaken(course, commit.entry)
        if answer is not None and (evidence is None or answer.entry.seq < evidence.entry.seq):
            yield good(commit.entry, answer.kind)
        elif evidence is not None:
            yield bad(
                commit.entry, (COMMITTED, "error"), f"{evidence.kind} (entry {evidence.entry.seq}) without either"
            )
        else:
            yield from overdue(view, commit.entry, f"{COMMITTED} or error")


@FAMILY.rule("17", SHOULD, INFERRED, sdk("input_audio_buffer_committed_event.py"), hidden_by_filter=True)
def commit_has_cause(view: View) -> Iterator[Observation]:
    """a commit has a cause, and an item of its own

    committed comes "either by the client or automatically in server VAD mode": after commit, speech_stopped or timeout_triggered.

    A second one for the same item, or one without a cause, puts an empty turn into the conversation.

    Okay:
        < input_audio_buffer.speech_stopped {"item_id": "a", "audio_end_ms": 900}
        < input_audio_buffer.committed {"item_id": "a"}
    Fail:
        < input_audio_buffer.speech_stopped {"item_id": "a", "audio_end_ms": 900}
        < input_audio_buffer.committed {"item_id": "a"}
        < input_audio_buffer.committed {"item_id": "a"}
    Fail:
        < input_audio_buffer.committed {"item_id": "a"}
    Fail:
        < input_audio_buffer.timeout_triggered {"item_id": "a", "audio_start_ms": 0, "audio_end_ms": 6000}
        < input_audio_buffer.timeout_triggered {"item_id": "a", "audio_start_ms": 0, "audio_end_ms": 6000}
        < input_audio_buffer.committed {"item_id": "a"}
    """
    causes = 0
    items: set[str] = set()
    waited: set[str] = set()
    for one in history(view).steps:
        if one.by == "client":
            causes += one.kind == "input_audio_buffer.commit"
        elif one.kind in (STOPPED, TIMEOUT):
            causes += 1
            if one.kind == TIMEOUT and (item := text(one.event, "item_id")) in waited:
                yield bad(one.entry, "one timeout_triggered for one item", f"{item!r} again")
            elif one.kind == TIMEOUT:
                waited.add(item)
        elif one.kind == COMMITTED:
            item = text(one.event, "item_id")
            again = item in items
            wanted = ("speech_stopped", "timeout_triggered", "input_audio_buffer.commit")
            yield judged(
                one.entry,
                causes > 0 and not again,
                wanted,
                f"{item!r} again" if again else f"committed at {one.entry.t:.1f} s without any of them",
            )
            items.add(item)
            causes = max(0, causes - 1)


@FAMILY.rule("18", SHOULD, OBSERVED, LOG, hidden_by_filter=True)
def item_before_response(view: View) -> Iterator[Observation]:
    """the turn is in the conversation before its response begins

    The response answers the item: committed, the item, response.created, in this order in every published log.

    Okay:
        < input_audio_buffer.committed {"item_id": "a"}
        < conversation.item.added {"item": {"id": "a", "type": "message", "role": "user"}}
        < response.created {"response": {"id": "r", "conversation_id": "conv_1"}}
    Fail:
        < input_audio_buffer.committed {"item_id": "a"}
        < response.created {"response": {"id": "r", "conversation_id": "conv_1"}}
        < conversation.item.added {"item": {"id": "a", "type": "message", "role": "user"}}
    Fail[azure-preview]:
        < input_audio_buffer.committed {"item_id": "a"}
        < response.created {"response": {"id": "r"}}
        < conversation.item.created {"item": {"id": "a", "type": "message", "role": "user"}}
    """
    course = history(view)
    for committed in course.server(COMMITTED):
        item = text(committed.event, "item_id")
        created = next(course.after(committed.entry, "response.created"), None)
        response = course.responses.get(text(created.event, "response", "id")) if created else None
        added = next(
            (
                one
                for one in course.after(committed.entry, "conversation.item.added", "conversation.item.created")
                if text(one.event, "item", "id") == item
            ),
            None,
        )
        if created and added and response and response.conversation is not None:
            ok = added.entry.seq < created.entry.seq
            yield judged(created.entry, ok, f"{item!r} in the conversation first", "response.created before it")


@FAMILY.rule("11", MUST, DOCUMENTED, sdk("input_audio_buffer_timeout_triggered.py"), TURN_DETECTION, dialects=GA)
def idle_timeout(view: View) -> Iterator[Observation]:
    """timeout_triggered needs an idle timeout that is over, and is followed by a commit

    It is configured with idle_timeout_ms and "applied after the last model response's audio has finished playing"; "The empty
    audio will be committed" and "a model response will be generated".

    Okay:
        < session.created {"session": {"type": "realtime", "audio": {"input": {"turn_detection": {"type": "server_vad",
            "idle_timeout_ms": 6000}}}}}
        < input_audio_buffer.timeout_triggered {"item_id": "item_1", "audio_start_ms": 0, "audio_end_ms": 6000}
        < input_audio_buffer.committed {"item_id": "item_1"}
        < response.created {"response": {"id": "resp_1", "status": "in_progress"}}
    Fail:
        < session.created {"session": {"type": "realtime", "audio": {"input": {"turn_detection": {"type": "server_vad",
            "idle_timeout_ms": null}}}}}
        < input_audio_buffer.timeout_triggered {"item_id": "item_1", "audio_start_ms": 0, "audio_end_ms": 6000}
        < input_audio_buffer.committed {"item_id": "item_1"}
        < response.created {"response": {"id": "resp_1", "status": "in_progress"}}
    Fail:
        < input_audio_buffer.timeout_triggered {"item_id": "item_1", "audio_start_ms": 0, "audio_end_ms": 6000}
        < response.created {"response": {"id": "resp_1", "status": "in_progress"}}
    Okay:
        < session.created {"session": {"type": "realtime", "audio": {"input": {"turn_detection": {"type": "server_vad",
            "idle_timeout_ms": 6000}}}}}
        < output_audio_buffer.stopped {"response_id": "resp_0"}
        +5.51s
        < input_audio_buffer.timeout_triggered {"item_id": "item_1", "audio_start_ms": 0, "audio_end_ms": 6000}
        < input_audio_buffer.committed {"item_id": "item_1"}
        < response.created {"response": {"id": "resp_1", "status": "in_progress"}}
    Fail:
        < session.created {"session": {"type": "realtime", "audio": {"input": {"turn_detection": {"type": "server_vad",
            "idle_timeout_ms": 6000}}}}}
        < output_audio_buffer.stopped {"response_id": "resp_0"}
        +5.49s
        < input_audio_buffer.timeout_triggered {"item_id": "item_1", "audio_start_ms": 0, "audio_end_ms": 6000}
        < input_audio_buffer.committed {"item_id": "item_1"}
        < response.created {"response": {"id": "resp_1", "status": "in_progress"}}
    Open:
        < input_audio_buffer.timeout_triggered {"item_id": "item_1", "audio_start_ms": 0, "audio_end_ms": 6000}
        < input_audio_buffer.committed {"item_id": "item_1"}
        +11s
        < rate_limits.updated {"rate_limits": []}
    """
    course = history(view)
    for step in course.server(TIMEOUT):
        detection = course.settings.value("turn_detection", step.entry.seq)
        configured = at(detection, "idle_timeout_ms")
        known = detection is None or (isinstance(detection, Mapping) and configured is not MISSING)
        if known and number(detection, "idle_timeout_ms") is None:
            yield bad(step.entry, "an idle timeout is configured", f"idle_timeout_ms {shown(configured)}")
            continue
        timeout = number(detection, "idle_timeout_ms")
        played = [one.entry.t for one in course.server(*_PLAYED) if one.entry.seq < step.entry.seq][-1:]
        if timeout is not None and played and step.entry.t - played[0] < timeout / 1000 - IDLE_SECONDS - slack(view):
            seen = f"{step.entry.t - played[0]:.1f} s after it"
            yield bad(step.entry, f"{timeout / 1000:g} s after the end of playback", seen)
            continue
        named = text(step.event, "item_id")
        following = next(course.after(step.entry, COMMITTED, "response.created"), None)
        if following is None:
            yield from overdue(view, step.entry, f"committed of {named!r}, then response.created")
        elif following.kind != COMMITTED or text(following.event, "item_id") != named:
            yield bad(step.entry, f"committed of {named!r}", f"{following.kind} (entry {following.entry.seq})")
        elif next(course.after(following.entry, "response.created", STARTED), None) is None:
            yield from overdue(view, step.entry, "response.created")
        else:
            yield good(step.entry)


@FAMILY.rule("13", SHOULD, DOCUMENTED, _NO_SECOND_START)
def no_second_start(view: View) -> Iterator[Observation]:
    """speech does not start twice

    Between speech_started and speech_stopped speech is already detected; the client's commit or clear starts afresh.

    Okay:
        < input_audio_buffer.speech_started {"item_id": "item_1", "audio_start_ms": 500}
        < input_audio_buffer.speech_stopped {"item_id": "item_1", "audio_end_ms": 2000}
        < input_audio_buffer.speech_started {"item_id": "item_2", "audio_start_ms": 4000}
    Fail:
        < input_audio_buffer.speech_started {"item_id": "item_1", "audio_start_ms": 500}
        < input_audio_buffer.speech_started {"item_id": "item_2", "audio_start_ms": 4000}
    Okay:
        < input_audio_buffer.speech_started {"item_id": "item_1", "audio_start_ms": 500}
        < session.updated {"session": {"type": "realtime", "audio": {"input": {"turn_detection": null}}}}
        < session.updated {"session": {"type": "realtime",
            "audio": {"input": {"turn_detection": {"type": "server_vad"}}}}}
        < input_audio_buffer.speech_started {"item_id": "item_2", "audio_start_ms": 4000}
    """
    course = history(view)
    speaking: Step | None = None
    for step in course.server(STARTED, STOPPED, *UPDATED):
        if step.kind in UPDATED:  # switched off, detection forgets what it had heard
            speaking = speaking if course.settings.detecting(step.entry.seq + 1) else None
            continue
        if step.kind == STARTED:
            again = speaking is not None and not taken_by_hand(course, speaking.entry.seq, step.entry.seq)
            yield judged(step.entry, not again, "speech_stopped in between", "speech_started twice")
        speaking = step if step.kind == STARTED else None
