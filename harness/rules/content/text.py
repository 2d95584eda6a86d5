"""CNT: the substance of content: text and transcript say the same wherever they stand, and the modality is the one chosen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harness.rules.base import INFERRED, SHOULD, Observation, View, bad, good, judged
from harness.rules.content import FAMILY
from harness.rules.content.parts import AUDIO, DONE, INTERRUPTED, STREAMS, TEXT, TRANSCRIPT, Part, parts
from harness.rules.support.fields import MISSING, at, listing, mapping, shown, text
from harness.rules.support.history import Response, Step, content_of, history
from harness.rules.support.sources import sdk

_TEXT = sdk("response_text_done_event.py")
_TRANSCRIPT = sdk("response_audio_transcript_done_event.py")
_FIELD = {TEXT: "text", TRANSCRIPT: "transcript"}
_TEXT_REPEATED = sdk("response_content_part_done_event.py", "response_output_item_done_event.py")


def final_text(part: Part, stream: str) -> str | None:
    """The text of the part's first done event of this stream, or None where it has none."""
    dones = part.all(f"{stream}.done")
    found = at(dones[0].event, _FIELD[stream]) if dones else MISSING
    return found if isinstance(found, str) else None


def _streamed(view: View, stream: str) -> Iterator[Observation]:
    for part in parts(view):
        final = final_text(part, stream)
        if final is None:
            continue
        done = part.all(f"{stream}.done")[0].entry
        streamed = "".join(text(one.event, "delta") for one in part.all(f"{stream}.delta") if one.entry.seq < done.seq)
        # What an interrupted response has said up to the cut is not pinned down by any vendor: either may be the shorter one.
        cut = part.response.status in INTERRUPTED and (streamed.startswith(final) or final.startswith(streamed))
        yield judged(done, cut or streamed == final, f"the deltas: {shown(streamed)}", shown(final))


@FAMILY.rule("03", SHOULD, INFERRED, _TEXT)
def text_streamed(view: View) -> Iterator[Observation]:
    """text is the sum of its deltas

    ``text`` is "The final text content"; deltas in order make it up exactly. For a cancelled response one may be shorter.

    Okay:
        < response.output_text.delta @r/i/0/0 {"delta": "Hel"}
        < response.output_text.delta @r/i/0/0 {"delta": "lo"}
        < response.output_text.done @r/i/0/0 {"text": "Hello"}
    Fail:
        < response.output_text.delta @r/i/0/0 {"delta": "Hel"}
        < response.output_text.done @r/i/0/0 {"text": "Hello"}
    Fail[azure-preview]:
        < response.text.done @r/i/0/0 {"text": "Hello"}
    """
    yield from _streamed(view, TEXT)


@FAMILY.rule("04", SHOULD, INFERRED, _TRANSCRIPT)
def transcript_streamed(view: View) -> Iterator[Observation]:
    """the transcript is the sum of its deltas

    ``transcript`` is "The final transcript of the audio"; deltas in order make it up exactly.

    Okay:
        < response.output_audio_transcript.delta @r/i/0/0 {"delta": "I am"}
        < response.output_audio_transcript.delta @r/i/0/0 {"delta": " sorry."}
        < response.output_audio_transcript.done @r/i/0/0 {"transcript": "I am sorry."}
    Fail:
        < response.output_audio_transcript.delta @r/i/0/0 {"delta": "I am"}
        < response.output_audio_transcript.delta @r/i/0/0 {"delta": " sorry."}
        < response.output_audio_transcript.done @r/i/0/0 {"transcript": "I am glad."}
    Okay[azure-preview]:
        < response.audio_transcript.delta @r/i/0/0 {"delta": "I am"}
        < response.audio_transcript.done @r/i/0/0 {"transcript": "I am"}
    Okay:
        < response.output_audio_transcript.delta @r/i/0/0 {"delta": "I am sorry."}
        < response.output_audio_transcript.done @r/i/0/0 {"transcript": "I am"}
        < response.done {"response": {"id": "r", "status": "cancelled"}}
    """
    yield from _streamed(view, TRANSCRIPT)


@FAMILY.rule("05", SHOULD, INFERRED, _TEXT_REPEATED, hidden_by_filter=True)
def text_repeated(view: View) -> Iterator[Observation]:
    """the finished part and item repeat the final text

    content_part.done, output_item.done, conversation.item.done and response.done show the text or transcript of its own done event.

    Clients read whichever comes handy: the conversation on screen must not depend on which.

    Okay:
        < response.output_text.done @r/i/0/0 {"text": "Hello"}
        < response.content_part.done @r/i/0/0 {"part": {"type": "text", "text": "Hello"}}
        < response.output_item.done @r//0 {"item": {"id": "i", "content": [{"type": "output_text", "text": "Hello"}]}}
    Fail:
        < response.output_text.done @r/i/0/0 {"text": "Hello"}
        < response.content_part.done @r/i/0/0 {"part": {"type": "text", "text": "Hell"}}
    Fail:
        < response.output_text.done @r/i/0/0 {"text": "Hello"}
        < conversation.item.done {"item": {"id": "i", "type": "message", "role": "assistant",
            "content": [{"type": "output_text", "text": "Bye"}]}}
    Fail[azure-preview]:
        < response.audio_transcript.done @r/i/0/0 {"transcript": "Hello"}
        < response.output_item.done @r//0 {"item": {"id": "i", "content": [{"type": "audio", "transcript": "Bye"}]}}
    """
    finalized: dict[str, list[Step]] = {}
    for one in history(view).server("conversation.item.done"):
        finalized.setdefault(text(one.event, "item", "id"), []).append(one)
    for part in parts(view):
        for stream, name in _FIELD.items():
            final = final_text(part, stream)
            if final is None:
                continue
            places = [(one, mapping(one.event, "part")) for one in part.all(DONE)]
            for one in part.response.all("response.output_item.done", "response.done") + finalized.get(part.item, []):
                listed = (
                    listing(one.event, "response", "output")
                    if one.kind == "response.done"
                    else (at(one.event, "item"),)
                )
                found = [item for item in listed if isinstance(item, Mapping)]
                for item in found:
                    content = content_of(item)
                    if text(item, "id") == part.item and part.place is not None and 0 <= part.place < len(content):
                        places.append((one, content[part.place]))
            for one, shown_part in places:
                seen = shown_part.get(name)
                if isinstance(seen, str):
                    cut = part.response.status in INTERRUPTED and (seen.startswith(final) or final.startswith(seen))
                    yield judged(
                        one.entry, cut or seen == final, f"{name} {shown(final)}", f"{one.kind}: {shown(seen)}"
                    )


def text_only(view: View, response: Response) -> bool:
    """Whether this response is known to be text alone: by its own modalities, else by the session's."""
    created = response.created
    own = mapping(created.event, "response") if created else {}
    chosen = own.get(view.dialect.generation.modalities)
    if chosen is None and created is not None:
        chosen = history(view).settings.value("modalities", created.entry.seq)
    return isinstance(chosen, (list, tuple)) and list(chosen) == ["text"]


@FAMILY.rule("08", SHOULD, INFERRED, sdk("realtime_session_create_request.py"))
def text_is_silent(view: View) -> Iterator[Observation]:
    """a text response makes no sound

    ``["text"]`` "can be used to make the model respond with text only": no audio events, and no speech on the track.

    Okay:
        < response.created {"response": {"id": "r", "status": "in_progress", "output_modalities": ["text"]}}
        < response.output_text.done @r/i/0/0 {"text": "Hi"}
    Fail:
        < response.created {"response": {"id": "r", "status": "in_progress", "output_modalities": ["text"]}}
        < response.output_audio_transcript.delta @r/i/0/0 {"delta": "Hi"}
    Fail[azure-preview]:
        < session.created {"session": {"modalities": ["text"]}}
        < response.created {"response": {"id": "r", "status": "in_progress"}}
        < output_audio_buffer.started {"response_id": "r"}
    Fail:
        < response.created {"response": {"id": "r", "status": "in_progress", "output_modalities": ["text"]}}
        audio.speech {"direction": "received", "state": "started", "at": 0.0}
    """
    course = history(view)
    responses = [one for one in course.responses.values() if one.created]
    silent = [one for one in responses if text_only(view, one)]
    for response in silent:
        heard = [one for one in response.steps if one.kind.startswith((AUDIO, "output_audio_buffer.started"))]
        if heard:
            yield bad(heard[0].entry, "text events only", heard[0].kind)
        elif response.created is not None:
            yield good(response.created.entry)
    if silent and len(silent) == len(responses):
        for entry in view.trace.of("audio.speech"):
            if entry.data.get("state") == "started" and view.trace.sender(entry) == "service":
                yield bad(entry, "silence: every response of this call is text", f"speech at {entry.data.get('at')} s")


@FAMILY.rule("11", SHOULD, INFERRED, sdk("response_content_part_added_event.py"), hidden_by_filter=True)
def stream_fits_part(view: View) -> Iterator[Observation]:
    """text goes into text parts, transcripts into audio parts

    A part is announced as text or audio; what streams into it is of that kind.

    Okay:
        < response.content_part.added @r/i/0/0 {"part": {"type": "audio"}}
        < response.output_audio_transcript.delta @r/i/0/0 {"delta": "Hi"}
    Fail:
        < response.content_part.added @r/i/0/0 {"part": {"type": "text"}}
        < response.output_audio_transcript.delta @r/i/0/0 {"delta": "Hi"}
    """
    for part in parts(view):
        added = part.all("response.content_part.added")
        kind = text(added[0].event, "part", "type").removeprefix("output_") if added else ""
        if kind not in ("text", "audio"):
            continue
        wrong = next(
            (
                one
                for one in part.steps
                for stream in STREAMS
                if one.kind in (f"{stream}.delta", f"{stream}.done") and (stream == TEXT) != (kind == "text")
            ),
            None,
        )
        yield judged((wrong or added[0]).entry, wrong is None, f"events of {kind}", wrong.kind if wrong else "")
