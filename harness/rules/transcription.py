"""TRN: the transcription of what the caller says."""

from __future__ import annotations

from collections.abc import Iterator

from harness.protocol.dialects import BETA
from harness.rules.base import (
    DOCUMENTED,
    INFERRED,
    INFO,
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
from harness.rules.support.fields import MISSING, at, mapping, number, shown, text
from harness.rules.support.history import History, Step, history, overdue
from harness.rules.support.sources import sdk

FAMILY = Family("TRN", "Transcription", rank=120, who=SERVICE, hidden_by_filter=True, capability="transcription")
_PREFIX = "conversation.item.input_audio_transcription"
DELTA, COMPLETED, FAILED, SEGMENT = (f"{_PREFIX}.{end}" for end in ("delta", "completed", "failed", "segment"))
_COMPLETED = sdk("conversation_item_input_audio_transcription_completed_event.py")
_FAILED = sdk("conversation_item_input_audio_transcription_failed_event.py")
OVERTAKEN_SECONDS = (
    2.0  # transcriptions run side by side: a short turn may overtake a long one, but not one that is over for long
)
_NO_RESPONSES = sdk("realtime_transcription_session_create_request.py", "realtime_transcription_session_audio_input.py")
_ENDS_BEHIND_ITEM = (_COMPLETED, sdk("conversation_item_added.py", "conversation_item_created_event.py"))


def configured(course: History, seq: int) -> bool | None:
    """Whether transcription has been on at any time before ``seq``; None where the service never showed the setting."""
    known = None
    for shown_session in course.settings.shown:
        if shown_session.step.entry.seq > seq:
            break
        value = course.settings.value("transcription", shown_session.step.entry.seq + 1)
        if value is not MISSING:
            if value is not None:
                return True
            known = False
    return known


@FAMILY.rule("01", MUST, DOCUMENTED, _FAILED, sdk("realtime_audio_config_input.py"))
def only_if_configured(view: View) -> Iterator[Observation]:
    """transcription comes only where it is configured

    Input transcription "defaults to off": it is a separate model, billed separately, that the client has to ask for.

    Okay:
        < session.created {"session": {"type": "realtime",
            "audio": {"input": {"transcription": {"model": "whisper-1"}}}}}
        < conversation.item.input_audio_transcription.completed @/a//0 {"transcript": "Hi"}
    Fail:
        < session.created {"session": {"type": "realtime", "audio": {"input": {"transcription": null}}}}
        < conversation.item.input_audio_transcription.completed @/a//0 {"transcript": "Hi"}
    Fail[azure-preview]:
        < session.created {"session": {"input_audio_transcription": null}}
        < conversation.item.input_audio_transcription.delta @/a//0 {"delta": "Hi"}
    Unseen:
        < conversation.item.input_audio_transcription.completed @/a//0 {"transcript": "Hi"}
    """
    course = history(view)
    for one in course.server(DELTA, COMPLETED, FAILED, SEGMENT):
        on = configured(course, one.entry.seq)
        if on is not None:
            yield judged(one.entry, on, "transcription configured in the session", f"{one.kind}, transcription off")


@FAMILY.rule("02", SHOULD, INFERRED, _COMPLETED, _FAILED)
def transcribed_once(view: View) -> Iterator[Observation]:
    """each committed turn is transcribed once, or fails to be

    "Transcription begins when the input audio buffer is committed" and ends in completed or failed, whenever that is.

    Okay:
        < session.created {"session": {"type": "realtime",
            "audio": {"input": {"transcription": {"model": "whisper-1"}}}}}
        < input_audio_buffer.committed {"item_id": "a"}
        < conversation.item.input_audio_transcription.completed @/a//0 {"transcript": "Hi"}
    Fail:
        < session.created {"session": {"type": "realtime",
            "audio": {"input": {"transcription": {"model": "whisper-1"}}}}}
        < input_audio_buffer.committed {"item_id": "a"}
        < conversation.item.input_audio_transcription.completed @/a//0 {"transcript": "Hi"}
        < conversation.item.input_audio_transcription.completed @/a//0 {"transcript": "Hi"}
    Fail:
        < session.created {"session": {"type": "realtime",
            "audio": {"input": {"transcription": {"model": "whisper-1"}}}}}
        < input_audio_buffer.committed {"item_id": "a"}
        +2.1s
        < input_audio_buffer.committed {"item_id": "b"}
        < conversation.item.input_audio_transcription.completed @/b//0 {"transcript": "Hi"}
    Okay:
        < session.created {"session": {"type": "realtime",
            "audio": {"input": {"transcription": {"model": "whisper-1"}}}}}
        < input_audio_buffer.committed {"item_id": "a"}
        +1.9s
        < input_audio_buffer.committed {"item_id": "b"}
        < conversation.item.input_audio_transcription.completed @/b//0 {"transcript": "Hi"}
    Open[azure-preview]:
        < session.created {"session": {"input_audio_transcription": {"model": "whisper-1"}}}
        < input_audio_buffer.committed {"item_id": "a"}
        +12s
        < rate_limits.updated {"rate_limits": []}
    """
    course = history(view)
    for committed in course.server("input_audio_buffer.committed"):
        item = text(committed.event, "item_id")
        ends = [one for one in course.server(COMPLETED, FAILED) if text(one.event, "item_id") == item]
        if len(ends) > 1:
            yield bad(ends[1].entry, "completed or failed, once", f"{ends[1].kind} of {item!r} after {ends[0].kind}")
        elif ends:
            yield good(committed.entry)
        elif course.settings.value("transcription", committed.entry.seq) in (None, MISSING):
            continue
        elif later := _transcribed_later(view, committed):
            yield bad(
                committed.entry,
                f"the transcription of {item!r}",
                f"a later turn had its own in entry {later.entry.seq}",
            )
        else:
            yield from overdue(view, committed.entry, f"the transcription of {item!r}, completed or failed")


def _transcribed_later(view: View, committed: Step) -> Step | None:
    """The end of the transcription of a turn that was committed well after this one: by then this one had ended too."""
    course = history(view)
    for later in course.after(committed.entry, "input_audio_buffer.committed"):
        if later.entry.t - committed.entry.t >= OVERTAKEN_SECONDS + slack(view):
            for end in course.after(later.entry, COMPLETED, FAILED):
                if _same(end, later):
                    return end
    return None


@FAMILY.rule("03", SHOULD, INFERRED, sdk("conversation_item_input_audio_transcription_delta_event.py"))
def transcript_streamed(view: View) -> Iterator[Observation]:
    """the input transcript is the sum of its deltas

    Deltas are "incremental transcription results"; together they are the transcript, space at the ends aside.

    A model that transcribes in one go (whisper) has one delta or none; without deltas there is nothing to compare.

    Okay:
        < conversation.item.input_audio_transcription.delta @/a//0 {"delta": "Hel"}
        < conversation.item.input_audio_transcription.delta @/a//0 {"delta": "lo"}
        < conversation.item.input_audio_transcription.completed @/a//0 {"transcript": "Hello"}
    Fail:
        < conversation.item.input_audio_transcription.delta @/a//0 {"delta": "Hel"}
        < conversation.item.input_audio_transcription.completed @/a//0 {"transcript": "Hello"}
    Unseen[azure-preview]:
        < conversation.item.input_audio_transcription.completed @/a//0 {"transcript": "Hello"}
    """
    course = history(view)
    for completed in course.server(COMPLETED):
        deltas = [one for one in course.before(completed.entry, DELTA) if _same(one, completed)]
        if deltas:
            streamed = "".join(text(one.event, "delta") for one in deltas).strip()
            final = text(completed.event, "transcript").strip()
            yield judged(completed.entry, streamed == final, f"the deltas: {shown(streamed)}", shown(final))


def _same(one: Step, other: Step) -> bool:
    return text(one.event, "item_id") == text(other.event, "item_id")


FAMILY.unobservable(
    "04",
    "the place of transcription among response events is not checked",
    INFO,
    "transcription runs asynchronously with the response, so that every place is right: there is nothing to judge",
)


@FAMILY.rule("05", MUST, DOCUMENTED, _NO_RESPONSES, hidden_by_filter=False)
def no_responses(view: View) -> Iterator[Observation]:
    """a transcription session answers nothing

    A session of type transcription only writes down what it hears: no response events, no playback.

    Okay:
        < session.created {"session": {"type": "transcription"}}
        < conversation.item.input_audio_transcription.completed @/a//0 {"transcript": "Hi"}
    Fail:
        < session.created {"session": {"type": "transcription"}}
        < response.created {"response": {"id": "r", "status": "in_progress"}}
    Fail[azure-preview]:
        < session.created {"session": {"object": "realtime.transcription_session"}}
        < output_audio_buffer.started {"response_id": "r"}
    Unseen:
        < session.created {"session": {"type": "realtime"}}
        < response.created {"response": {"id": "r", "status": "in_progress"}}
    """
    course = history(view)
    if not course.settings.transcription_session():
        return
    for one in course.server():
        if one.kind.startswith(("response.", "output_audio_buffer.")):
            yield bad(one.entry, "transcription events only", one.kind)
        elif one.kind in (COMPLETED, FAILED):
            yield good(one.entry)


@FAMILY.rule("06", SHOULD, DOCUMENTED, _COMPLETED, hidden_by_filter=False, per_dialect=dict.fromkeys(BETA, INFO))
def usage_shown(view: View) -> Iterator[Observation]:
    """a completed transcription shows its usage

    ``usage`` is billed "according to the ASR model's pricing": type tokens with counts, or type duration with seconds.

    The beta's later models require it as well, but calls of 2025 were recorded without: there it is only noted.

    Okay:
        < conversation.item.input_audio_transcription.completed @/a//0 {"transcript": "Hi",
            "usage": {"type": "duration", "seconds": 2}}
    Okay:
        < conversation.item.input_audio_transcription.completed @/a//0 {"transcript": "Hi", "usage": {"type": "tokens",
            "input_tokens": 9, "output_tokens": 2, "total_tokens": 11}}
    Fail:
        < conversation.item.input_audio_transcription.completed @/a//0 {"transcript": "Hi"}
    Fail:
        < conversation.item.input_audio_transcription.completed @/a//0 {"transcript": "Hi", "usage": {"type": "tokens",
            "input_tokens": 9, "output_tokens": 2, "total_tokens": 12}}
    """
    for completed in history(view).server(COMPLETED):
        usage = mapping(completed.event, "usage")
        counts = [number(usage, name) for name in ("input_tokens", "output_tokens", "total_tokens")]
        if usage.get("type") == "duration":
            ok = number(usage, "seconds") is not None
        else:
            whole = counts[0] is not None and counts[1] is not None
            ok = usage.get("type") == "tokens" and whole and (counts[0] or 0) + (counts[1] or 0) == counts[2]
        wanted = ("type duration with seconds", "type tokens, total = input + output")
        yield judged(completed.entry, ok, wanted, shown(at(completed.event, "usage")))


@FAMILY.rule("07", SHOULD, INFERRED, _COMPLETED)
def nothing_after_end(view: View) -> Iterator[Observation]:
    """nothing is added to a finished transcription

    completed and failed are the end of an item's transcription: a delta after them changes a text the client has closed.

    Okay:
        < conversation.item.input_audio_transcription.delta @/a//0 {"delta": "Hi"}
        < conversation.item.input_audio_transcription.completed @/a//0 {"transcript": "Hi"}
    Fail:
        < conversation.item.input_audio_transcription.completed @/a//0 {"transcript": "Hi"}
        < conversation.item.input_audio_transcription.delta @/a//0 {"delta": "Hi"}
    """
    course = history(view)
    for end in course.server(COMPLETED, FAILED):
        late = next((one for one in course.after(end.entry, DELTA) if _same(one, end)), None)
        if late is None:
            yield good(end.entry)
        else:
            yield bad(late.entry, f"no delta after {end.kind}", late.kind)


@FAMILY.rule("08", SHOULD, INFERRED, *_ENDS_BEHIND_ITEM, hidden_by_filter=False)
def ends_behind_item(view: View) -> Iterator[Observation]:
    """the transcription of a turn ends after its item was added

    completed and failed speak of an item of the conversation: a client has nowhere to put a text whose item it has not seen.

    Deltas are not judged: some models write while the caller still speaks.

    Okay:
        < conversation.item.added {"item": {"id": "a", "type": "message", "role": "user"}}
        < conversation.item.input_audio_transcription.completed @/a//0 {"transcript": "Hi"}
    Fail[azure-preview]:
        < conversation.item.input_audio_transcription.completed @/a//0 {"transcript": "Hi"}
        < conversation.item.created {"item": {"id": "a", "type": "message", "role": "user"}}
    """
    course = history(view)
    added = {text(one.event, "item", "id"): one.entry.seq for one in reversed(course.server("conversation.item.added"))}
    for end in course.server(COMPLETED, FAILED):
        item = text(end.event, "item_id")
        if item in added:
            yield judged(end.entry, added[item] < end.entry.seq, f"{item!r} is added before it", "the item came later")
