"""TURN: turns taken by hand: with turn detection off nothing happens unless the client asks; and what a client should not ask."""

from __future__ import annotations

from collections.abc import Iterator

from harness.rules.base import (
    CLIENT,
    DOCUMENTED,
    INFERRED,
    INFO,
    MUST,
    OBSERVED,
    SHOULD,
    Observation,
    View,
    bad,
    good,
    judged,
)
from harness.rules.support.fields import text
from harness.rules.support.history import History, Step, history, named_error
from harness.rules.support.sources import TURN_DETECTION, WEBRTC, issue, sdk
from harness.rules.turns import FAMILY
from harness.rules.turns.detected import COMMITTED, STARTED, STOPPED

_OFF = f"{sdk('session_update_event.py')}; {TURN_DETECTION}"
_ONLY_WHEN_ASKED = (sdk("input_audio_buffer_commit_event.py", "response_create_event.py"), _OFF)


@FAMILY.rule("07", MUST, DOCUMENTED, _OFF)
def no_speech_events(view: View) -> Iterator[Observation]:
    """without turn detection no speech is announced

    turn_detection null is manual mode: the service detects nothing, so it has no speech_started or speech_stopped to send.

    Speech that had already started when the setting changed may still stop.

    Okay:
        < session.created {"session": {"type": "realtime", "audio": {"input": {"turn_detection": null}}}}
        > input_audio_buffer.commit {}
        < input_audio_buffer.committed {"item_id": "item_1"}
    Fail:
        < session.created {"session": {"type": "realtime", "audio": {"input": {"turn_detection": null}}}}
        < input_audio_buffer.speech_started {"item_id": "item_1", "audio_start_ms": 500}
    Fail[azure-preview]:
        < session.updated {"session": {"turn_detection": null}}
        < input_audio_buffer.speech_stopped {"item_id": "item_1", "audio_end_ms": 500}
    Unseen:
        < session.created {"session": {"type": "realtime",
            "audio": {"input": {"turn_detection": {"type": "server_vad"}}}}}
        < input_audio_buffer.speech_started {"item_id": "item_1", "audio_start_ms": 500}
    """
    course = history(view)
    speaking = False
    for step in course.server():
        manual = course.settings.manual(step.entry.seq)
        if step.kind in (STARTED, STOPPED):
            if manual and not (step.kind == STOPPED and speaking):
                yield bad(step.entry, "nothing: turn detection is off", step.kind)
            speaking = step.kind == STARTED and not manual
        elif manual and step.kind in (COMMITTED, "response.created"):
            yield good(step.entry)


@FAMILY.rule("08", MUST, DOCUMENTED, *_ONLY_WHEN_ASKED, hidden_by_filter=True)
def only_when_asked(view: View) -> Iterator[Observation]:
    """without turn detection the client commits and asks for responses

    In manual mode a commit follows only the client's commit, and "it will not create a response": that takes response.create.

    A service that answers by itself talks into push-to-talk.

    Okay:
        < session.created {"session": {"type": "realtime", "audio": {"input": {"turn_detection": null}}}}
        > input_audio_buffer.commit {}
        < input_audio_buffer.committed {"item_id": "item_1"}
        > response.create {}
        < response.created {"response": {"id": "resp_1", "status": "in_progress"}}
    Fail:
        < session.created {"session": {"type": "realtime", "audio": {"input": {"turn_detection": null}}}}
        > input_audio_buffer.commit {}
        < input_audio_buffer.committed {"item_id": "item_1"}
        < response.created {"response": {"id": "resp_1", "status": "in_progress"}}
    Fail:
        < session.created {"session": {"type": "realtime", "audio": {"input": {"turn_detection": null}}}}
        < input_audio_buffer.committed {"item_id": "item_1"}
    """
    course = history(view)
    # The service runs MCP tools by itself and may go on by itself; who asked for what cannot be told then.
    tools = any(
        text(step.event, "item", "type").startswith("mcp_") for step in course.server("response.output_item.added")
    )
    commits = creates = 0
    detected: Step | None = None
    for step in course.steps:
        if step.by == "client":
            commits += step.kind == "input_audio_buffer.commit"
            creates += step.kind == "response.create"
        elif step.kind == COMMITTED:
            if course.settings.manual(step.entry.seq):
                yield judged(step.entry, commits > 0, "committed after input_audio_buffer.commit", "committed unasked")
            else:
                detected = step
            commits = max(0, commits - 1)
        elif step.kind == "response.created" and not tools:
            if course.settings.manual(step.entry.seq) and detected is None:
                yield judged(step.entry, creates > 0, "a response after response.create", "a response unasked")
            detected = None
            creates = max(0, creates - 1)


def _refused_as_empty(course: History, commit: Step) -> Step | None:
    error = named_error(course, commit.entry)
    return error if error and text(error.event, "error", "code") == "input_audio_buffer_commit_empty" else None


@FAMILY.rule("09", SHOULD, OBSERVED, issue("openai/openai-agents-js#748"), who=CLIENT)
def commit_something(view: View) -> Iterator[Observation]:
    """the client does not commit an empty buffer

    With less than 100 ms of audio in the buffer a commit gives input_audio_buffer_commit_empty.

    It happens when the client commits in VAD mode, where the service has taken the audio already. Commit in manual mode only.

    Okay:
        > input_audio_buffer.commit {}
        < input_audio_buffer.committed {"item_id": "item_1"}
    Fail:
        > input_audio_buffer.commit {}
        < error {"error": {"type": "invalid_request_error", "code": "input_audio_buffer_commit_empty",
            "message": "buffer too small"}}
    """
    course = history(view)
    for commit in course.client("input_audio_buffer.commit"):
        error = _refused_as_empty(course, commit)
        if error is not None:
            yield bad(commit.entry, "audio in the buffer", f"input_audio_buffer_commit_empty (entry {error.entry.seq})")
        elif next(course.after(commit.entry, COMMITTED), None) is not None:
            yield good(commit.entry)


@FAMILY.rule("10", INFO, INFERRED, WEBRTC, who=CLIENT)
def audio_as_rtp(view: View) -> Iterator[Observation]:
    """over WebRTC the client sends audio as RTP

    The peer connection carries the microphone; input_audio_buffer.append is for WebSocket.

    Okay:
        packets sent 1 0:1:960
    Fail:
        > input_audio_buffer.append {"audio": "AAAA"}
    """
    appended = history(view).client("input_audio_buffer.append")
    for step in appended:
        yield bad(step.entry, "audio on the track", "input_audio_buffer.append on the data channel")
    media = next((entry for entry in view.trace.of("rtp.packets") if view.trace.sender(entry) == "client"), None)
    if media is not None and not appended:
        yield good(media)
