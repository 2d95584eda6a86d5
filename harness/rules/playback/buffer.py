"""PLAY: the output audio buffer: what is started is stopped or cleared, and a clear is answered."""

from __future__ import annotations

from collections.abc import Iterator

from harness.protocol.states import PLAYBACK, step
from harness.rules.base import DOCUMENTED, INFERRED, MUST, SHOULD, Observation, View, bad, good, judged
from harness.rules.content.parts import TRANSCRIPT
from harness.rules.playback import FAMILY
from harness.rules.support.fields import text
from harness.rules.support.history import History, Response, history, in_default, named_error, overdue, overtaken
from harness.rules.support.sources import SERVER_EVENTS, sdk

STARTED, STOPPED, CLEARED = "output_audio_buffer.started", "output_audio_buffer.stopped", "output_audio_buffer.cleared"
SPEECH = "input_audio_buffer.speech_started"


def interrupted(course: History, response: Response, seq: int) -> bool:
    """Something cuts this response short before ``seq``: the client's clear or cancel, or the caller's speech."""
    since = response.created.entry.seq if response.created else -1
    causes = course.client("output_audio_buffer.clear", "response.cancel") + course.server(SPEECH)
    return any(since < one.entry.seq < seq for one in causes)


@FAMILY.rule("01", MUST, DOCUMENTED, SERVER_EVENTS, hidden_by_filter=False)
def started_once(view: View) -> Iterator[Observation]:
    """playback starts once for an audio response, before it stops or is cleared

    started is "Emitted when the server begins streaming audio to the client", stopped when the buffer "has been completely drained".

    Clients show "speaking" in between. A clear with nothing playing may still be confirmed, where something asked for it.

    Okay:
        < output_audio_buffer.started {"response_id": "r"}
        < output_audio_buffer.stopped {"response_id": "r"}
    Fail:
        < output_audio_buffer.stopped {"response_id": "r"}
    Fail:
        < output_audio_buffer.started {"response_id": "r"}
        < output_audio_buffer.started {"response_id": "r"}
    Fail[azure-preview]:
        < output_audio_buffer.cleared {"response_id": "r"}
        < output_audio_buffer.started {"response_id": "r"}
    Open:
        < response.created {"response": {"id": "r", "status": "in_progress"}}
        < response.output_audio_transcript.done @r/i/0/0 {"transcript": "Hi"}
        < response.done {"response": {"id": "r", "status": "completed"}}
        +11s
        < rate_limits.updated {"rate_limits": []}
    """
    course = history(view)
    for response in course.responses.values():
        state = PLAYBACK.initial
        for one in response.all(STARTED, STOPPED, CLEARED):
            new = step(PLAYBACK, state, one.kind)
            excused = one.kind == CLEARED and interrupted(course, response, one.entry.seq)
            if one.kind == STARTED:
                yield judged(one.entry, new is not None, "one output_audio_buffer.started", f"started in state {state}")
            elif state == PLAYBACK.initial and not excused:
                yield bad(one.entry, f"{STARTED} of {response.id!r} before it", one.kind)
            state = new or (state if excused else "stopped")
        done = response.done
        silent = state == PLAYBACK.initial and response.status == "completed" and response.all(f"{TRANSCRIPT}.done")
        if done and silent and not interrupted(course, response, len(view.trace.entries)):
            yield from overdue(view, done.entry, f"{STARTED} of {response.id!r}")


@FAMILY.rule("02", SHOULD, DOCUMENTED, SERVER_EVENTS)
def stopped_after_done(view: View) -> Iterator[Observation]:
    """playback stops after response.done

    stopped "is emitted after the full response data has been sent to the client (response.done)".

    Okay:
        < output_audio_buffer.started {"response_id": "r"}
        < response.done {"response": {"id": "r", "status": "completed"}}
        < output_audio_buffer.stopped {"response_id": "r"}
    Fail:
        < output_audio_buffer.started {"response_id": "r"}
        < output_audio_buffer.stopped {"response_id": "r"}
        < response.done {"response": {"id": "r", "status": "completed"}}
    """
    for response in history(view).responses.values():
        stopped, done = response.first(STOPPED), response.done
        if stopped is not None and done is not None:
            after = stopped.entry.seq > done.entry.seq
            yield judged(stopped.entry, after, "response.done before it", f"response.done in entry {done.entry.seq}")


@FAMILY.rule("03", SHOULD, INFERRED, SERVER_EVENTS)
def ends_once(view: View) -> Iterator[Observation]:
    """playback that has started is either stopped or cleared

    Playback drains (stopped) or is cut (cleared), not both, and that of the conversation's next response does not start before.

    Okay:
        < output_audio_buffer.started {"response_id": "r"}
        < output_audio_buffer.cleared {"response_id": "r"}
    Fail:
        < output_audio_buffer.started {"response_id": "r"}
        < output_audio_buffer.cleared {"response_id": "r"}
        < output_audio_buffer.stopped {"response_id": "r"}
    Fail:
        < output_audio_buffer.started {"response_id": "r"}
        < output_audio_buffer.started {"response_id": "s"}
    Unseen:
        < output_audio_buffer.started {"response_id": "r"}
        < response.created {"response": {"id": "s", "conversation_id": null}}
        < output_audio_buffer.started {"response_id": "s"}
    Open:
        < output_audio_buffer.started {"response_id": "r"}
        < response.done {"response": {"id": "r", "status": "completed"}}
        +11s
        < rate_limits.updated {"rate_limits": []}
    """
    course = history(view)
    spoken = [entry for entry in view.trace.of("audio.speech") if view.trace.sender(entry) == "service"]
    speaking = bool(spoken) and spoken[-1].data.get("state") == "started"
    for response in course.responses.values():
        started = response.first(STARTED)
        if started is None:
            continue
        ends = [one for one in response.all(STOPPED, CLEARED) if one.entry.seq > started.entry.seq]
        # How the audio of an out-of-band response shares the track is documented nowhere.
        beside = {one.id for one in course.responses.values() if not in_default(one)}
        others = (one for one in course.after(started.entry, STARTED) if text(one.event, "response_id") not in beside)
        following = None if response.id in beside else next(others, None)
        if len(ends) > 1:
            yield bad(ends[1].entry, "stopped or cleared, once", f"{ends[0].kind}, then {ends[1].kind}")
        elif ends:
            yield good(ends[0].entry)
        elif following is not None and text(following.event, "response_id") != response.id:
            yield bad(
                started.entry,
                (STOPPED, CLEARED),
                f"neither; the next answer began at {following.entry.t:.1f} s (entry {following.entry.seq})",
            )
        elif response.done is not None and not speaking:
            since = max((response.done.entry, *spoken), key=lambda entry: entry.t)
            yield from overdue(view, since, "stopped or cleared, now that it is silent")


@FAMILY.rule("04", MUST, DOCUMENTED, sdk("output_audio_buffer_clear_event.py"))
def clear_answered(view: View) -> Iterator[Observation]:
    """output_audio_buffer.clear is answered by cleared

    Vendor text: "This will trigger the server to stop generating audio and emit a output_audio_buffer.cleared event."

    Judged where something was playing; that it ran out at the same moment is an answer too.

    Okay:
        < output_audio_buffer.started {"response_id": "r"}
        > output_audio_buffer.clear {}
        < output_audio_buffer.cleared {"response_id": "r"}
    Fail:
        < output_audio_buffer.started {"response_id": "r"}
        > output_audio_buffer.clear {}
        < response.created {"response": {"id": "s"}}
        < response.done {"response": {"id": "s", "status": "completed"}}
    Unseen:
        > output_audio_buffer.clear {}
    Open:
        < output_audio_buffer.started {"response_id": "r"}
        > output_audio_buffer.clear {}
        +11s
        < rate_limits.updated {"rate_limits": []}
    """
    course = history(view)
    for clear in course.client("output_audio_buffer.clear"):
        if not any(one.playing(clear.entry.seq) for one in course.responses.values()):
            continue
        answer = next(course.after(clear.entry, CLEARED, STOPPED), None) or named_error(course, clear.entry)
        if answer is not None:
            yield good(clear.entry, answer.kind)
        elif evidence := overtaken(course, clear.entry):
            yield bad(clear.entry, CLEARED, f"no answer by {evidence.kind} (entry {evidence.entry.seq})")
        else:
            yield from overdue(view, clear.entry, CLEARED)


FAMILY.unobservable(
    "07",
    "the client stops playback at stopped or cleared, not at response.done",
    SHOULD,
    "playback happens inside the client; nothing of it is on the wire",
)


@FAMILY.rule("11", SHOULD, DOCUMENTED, SERVER_EVENTS)
def starts_with_content(view: View) -> Iterator[Observation]:
    """playback starts after a content part was added

    started "is emitted after an audio content part has been added (response.content_part.added) to the response".

    Okay:
        < response.content_part.added @r/i/0/0 {"part": {"type": "audio"}}
        < output_audio_buffer.started {"response_id": "r"}
    Fail:
        < output_audio_buffer.started {"response_id": "r"}
        < response.content_part.added @r/i/0/0 {"part": {"type": "audio"}}
    """
    for response in history(view).responses.values():
        if (started := response.first(STARTED)) is not None:
            added = [one for one in response.all("response.content_part.added") if one.entry.seq < started.entry.seq]
            yield judged(started.entry, bool(added), "response.content_part.added before it", "no content part yet")
