"""CNT: the course of content parts: announced, streamed, finished, each once, in order and within its item."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from harness.protocol.states import CONTENT_PART, step
from harness.rules.base import DOCUMENTED, INFERRED, MUST, OBSERVED, SHOULD, Observation, View, bad, good, judged
from harness.rules.content import FAMILY
from harness.rules.responses.course import ITEM_ADDED, ITEM_DONE
from harness.rules.support.fields import at, index, shown, text
from harness.rules.support.history import Response, Step, history
from harness.rules.support.sources import LOG, WEBRTC, sdk

ADDED, DONE = "response.content_part.added", "response.content_part.done"
TEXT = "response.output_text"
TRANSCRIPT = "response.output_audio_transcript"
AUDIO = "response.output_audio"
STREAMS = (TEXT, TRANSCRIPT, AUDIO)
_ARGUMENTS = ("response.function_call_arguments", "response.mcp_call_arguments")
_STREAMED = (ADDED, DONE, *(f"{stream}.{end}" for stream in (*STREAMS, *_ARGUMENTS) for end in ("delta", "done")))
_SOURCE = sdk("response_content_part_added_event.py", "response_content_part_done_event.py")
_DONES = sdk("response_text_done_event.py", "response_audio_done_event.py", "response_audio_transcript_done_event.py")
# These say "Also emitted when a Response is interrupted, incomplete, or cancelled"; nothing is promised for failed.
INTERRUPTED = ("cancelled", "incomplete")


@FAMILY.rule("12", SHOULD, OBSERVED, LOG, sdk("response_output_item_done_event.py"), hidden_by_filter=True)
def parts_inside_item(view: View) -> Iterator[Observation]:
    """parts are done before their item, and added after it

    What is streamed for an item lies between its output_item.added and its output_item.done.

    Okay:
        < response.output_item.added @r//0 {"item": {"id": "i"}}
        < response.content_part.added @r/i/0/0 {"part": {"type": "text"}}
        < response.content_part.done @r/i/0/0 {"part": {"type": "text"}}
        < response.output_item.done @r//0 {"item": {"id": "i"}}
    Fail:
        < response.output_item.added @r//0 {"item": {"id": "i"}}
        < response.content_part.added @r/i/0/0 {"part": {"type": "text"}}
        < response.output_item.done @r//0 {"item": {"id": "i"}}
        < response.content_part.done @r/i/0/0 {"part": {"type": "text"}}
    Fail:
        < response.content_part.added @r/i/0/0 {"part": {"type": "text"}}
        < response.output_item.added @r//0 {"item": {"id": "i"}}
    """
    for part in parts(view):
        first, last = part.steps[0], part.steps[-1]
        added = [one.entry.seq for one in part.response.all(ITEM_ADDED) if text(one.event, "item", "id") == part.item]
        done = [one.entry.seq for one in part.response.all(ITEM_DONE) if text(one.event, "item", "id") == part.item]
        early = bool(added) and first.entry.seq < added[0]
        late = bool(done) and last.entry.seq > done[0]
        if added or done:
            wrong = first if early else last
            seen = f"{wrong.kind} {'before the item was added' if early else 'after the end of the item'}"
            yield judged(wrong.entry, not early and not late, f"inside {part.item!r}", seen)


@dataclass
class Part:
    """One content part of one item in one response, with its events in order."""

    response: Response
    item: str
    place: int | None
    steps: list[Step] = field(default_factory=list)

    def all(self, *kinds: str) -> list[Step]:
        """Its events of these canonical types."""
        return [one for one in self.steps if one.kind in kinds]

    @property
    def name(self) -> str:
        """For messages: which part this is."""
        return f"part {self.place} of {self.item!r}"

    def missing(self) -> list[str]:
        """The done events that its announcement and its deltas call for and that it has not got."""
        if not self.all(ADDED):
            wanted = [f"{stream}.done" for stream in STREAMS if self.all(f"{stream}.delta")]
        else:
            kind = text(self.all(ADDED)[0].event, "part", "type")
            spoken = kind in ("audio", "output_audio") or bool(self.all(f"{TRANSCRIPT}.delta"))
            wanted = [f"{TRANSCRIPT}.done"] if spoken else [f"{TEXT}.done"] if kind in ("text", "output_text") else []
            # Either end of an audio part will do here; that both come is CNT-10.
            if spoken and self.all(f"{AUDIO}.done") and not self.all(f"{TRANSCRIPT}.delta"):
                wanted = []
            wanted.append(DONE)
        return [kind for kind in wanted if not self.all(kind)]


def parts(view: View) -> list[Part]:
    """Every content part of the call, in the order of their first events. Computed once for a trace."""
    derived = view.trace.derived
    if "parts" not in derived:
        kinds = {ADDED, DONE, *(f"{stream}.{end}" for stream in STREAMS for end in ("delta", "done"))}
        found: dict[tuple[str, str, int | None], Part] = {}
        for response in history(view).responses.values():
            for one in response.steps:
                if one.kind in kinds:
                    item, place = text(one.event, "item_id"), index(one.event, "content_index")
                    part = found.setdefault((response.id, item, place), Part(response, item, place))
                    part.steps.append(one)
        derived["parts"] = list(found.values())
    result: list[Part] = derived["parts"]
    return result


@FAMILY.rule("01", MUST, DOCUMENTED, _SOURCE, LOG, hidden_by_filter=True)
def part_around_content(view: View) -> Iterator[Observation]:
    """a content part is added before its content and done after its content

    content_part.added opens the place that deltas write to, content_part.done closes it.

    Clients create the bubble at added; a delta before it has nowhere to go.

    Okay:
        < response.content_part.added @r/i/0/0 {"part": {"type": "text"}}
        < response.output_text.delta @r/i/0/0 {"delta": "Hi"}
        < response.output_text.done @r/i/0/0 {"text": "Hi"}
        < response.content_part.done @r/i/0/0 {"part": {"type": "text"}}
    Fail:
        < response.output_text.delta @r/i/0/0 {"delta": "Hi"}
        < response.content_part.added @r/i/0/0 {"part": {"type": "text"}}
    Fail:
        < response.output_text.delta @r/i/0/0 {"delta": "Hi"}
        < response.output_text.done @r/i/0/0 {"text": "Hi"}
    Fail[azure-preview]:
        < response.content_part.added @r/i/0/0 {"part": {"type": "text"}}
        < response.text.delta @r/i/0/0 {"delta": "Hi"}
        < response.content_part.done @r/i/0/0 {"part": {"type": "text"}}
        < response.text.done @r/i/0/0 {"text": "Hi"}
    """
    for part in parts(view):
        if not part.all(ADDED):
            first = part.steps[0]
            yield bad(first.entry, "content_part.added before it", f"content_part.added never came; first {first.kind}")
            continue
        state = CONTENT_PART.initial
        for one in part.steps:
            new = step(CONTENT_PART, state, one.kind)
            outside = new is None and state in (CONTENT_PART.initial, "done") and one.kind != DONE
            if outside or (one.kind == DONE and state == CONTENT_PART.initial):
                where = "before content_part.added" if state == CONTENT_PART.initial else "after content_part.done"
                yield bad(one.entry, "between content_part.added and content_part.done", f"{one.kind} {where}")
            elif one.kind in (ADDED, DONE):
                yield good(one.entry)
            # A missing .done of the text (CNT-06, CNT-09) must not make everything after it look wrong too.
            state = new or ("done" if one.kind == DONE else state)


@FAMILY.rule("02", MUST, DOCUMENTED, sdk("response_text_delta_event.py", "response_output_item_added_event.py"))
def announced_item(view: View) -> Iterator[Observation]:
    """content events name an announced item, at one output_index

    Vendor text: item_id is "The ID of the item", output_index "The index of the output item in the response": one item, one index.

    Clients find the place of a delta by either of them, of a tool call's arguments too. (With webrtcfilter=on the announcement may be hidden.)

    Okay:
        < response.output_item.added @r//0 {"item": {"id": "i"}}
        < response.output_text.delta @r/i/0/0 {"delta": "Hi"}
    Fail:
        < response.output_item.added @r//0 {"item": {"id": "i"}}
        < response.output_text.delta @r/i/1/0 {"delta": "Hi"}
    Fail:
        < response.output_item.added @r//0 {"item": {"id": "i", "type": "function_call"}}
        < response.function_call_arguments.delta @r/i/1 {"call_id": "c", "delta": "{}"}
    Fail[azure-preview]:
        < response.audio_transcript.delta @r/i/0/0 {"delta": "Hi"}
    Okay[azure-preview]:
        < conversation.item.created {"item": {"id": "i", "type": "message", "role": "assistant"}}
        < response.audio_transcript.delta @r/i/0/0 {"delta": "Hi"}
    """
    course = history(view)
    for response in course.responses.values():
        places = {
            text(one.event, "item", "id"): index(one.event, "output_index")
            for one in reversed(response.all("response.output_item.added"))
        }
        for one in response.all(*_STREAMED):
            item, actual = text(one.event, "item_id"), index(one.event, "output_index")
            place = places.setdefault(item, actual)
            if not view.filtered and not course.known(item, one.entry.seq):
                yield bad(one.entry, "an item that was announced", f"{item!r}")
            else:
                yield judged(
                    one.entry, actual == place, f"output_index {place}", f"{shown(at(one.event, 'output_index'))}"
                )


@FAMILY.rule("06", MUST, DOCUMENTED, _DONES, _SOURCE)
def done_once(view: View) -> Iterator[Observation]:
    """deltas come before their done, and each part is done once

    "Done" means done streaming: nothing is added after it, it comes once, and a completed response leaves no part open.

    Okay:
        < response.output_text.delta @r/i/0/0 {"delta": "Hi"}
        < response.output_text.done @r/i/0/0 {"text": "Hi"}
    Fail:
        < response.output_text.done @r/i/0/0 {"text": "Hi"}
        < response.output_text.delta @r/i/0/0 {"delta": "Hi"}
    Fail:
        < response.content_part.added @r/i/0/0 {"part": {"type": "text"}}
        < response.output_text.delta @r/i/0/0 {"delta": "Hi"}
        < response.done {"response": {"id": "r", "status": "completed"}}
    Fail[azure-preview]:
        < response.audio_transcript.done @r/i/0/0 {"transcript": "Hi"}
        < response.audio_transcript.done @r/i/0/0 {"transcript": "Hi"}
    """
    for part in parts(view):
        for stream in STREAMS:
            dones = part.all(f"{stream}.done")
            for again in dones[1:]:
                yield bad(again.entry, f"one {stream}.done", f"again for {part.name}")
            for late in (one for one in part.all(f"{stream}.delta") if dones and one.entry.seq > dones[0].entry.seq):
                yield bad(late.entry, f"before {stream}.done", f"{late.kind} after it")
            if dones:
                yield good(dones[0].entry)
        for again in part.all(DONE)[1:]:
            yield bad(again.entry, f"one {DONE}", f"again for {part.name}")
        if part.response.status == "completed" and (missing := part.missing()):
            yield bad(part.steps[0].entry, missing, f"the response completed without them for {part.name}")


@FAMILY.rule("07", SHOULD, INFERRED, WEBRTC, "OpenAI Agents SDK 0.20.0, openaiRealtimeWebRtc")
def no_audio_delta(view: View) -> Iterator[Observation]:
    """no audio bytes on the data channel

    Over WebRTC the audio is RTP; the same audio in base64 besides would only fill the channel.

    Okay:
        < response.output_audio.done @r/i/0/0
    Fail:
        < response.output_audio.delta @r/i/0/0 {"delta": "AAAA"}
    Fail[azure-preview]:
        < response.audio.delta @r/i/0/0 {"delta": "AAAA"}
    """
    for one in history(view).server(f"{AUDIO}.delta", f"{AUDIO}.done"):
        yield judged(one.entry, one.kind != f"{AUDIO}.delta", "audio as RTP only", one.kind)


@FAMILY.rule("09", MUST, DOCUMENTED, _DONES, _SOURCE)
def done_when_interrupted(view: View) -> Iterator[Observation]:
    """interrupted content is still closed

    Vendor text at each done event: "Also emitted when a Response is interrupted, incomplete, or cancelled."

    Clients close their bubble there. Send the done events of every open part before response.done.

    Okay:
        < response.content_part.added @r/i/0/0 {"part": {"type": "audio"}}
        < response.output_audio_transcript.delta @r/i/0/0 {"delta": "I"}
        < response.output_audio_transcript.done @r/i/0/0 {"transcript": "I"}
        < response.content_part.done @r/i/0/0 {"part": {"type": "audio"}}
        < response.done {"response": {"id": "r", "status": "cancelled"}}
    Fail:
        < response.content_part.added @r/i/0/0 {"part": {"type": "audio"}}
        < response.output_audio_transcript.delta @r/i/0/0 {"delta": "I"}
        < response.done {"response": {"id": "r", "status": "cancelled"}}
    Fail[azure-preview]:
        < response.content_part.added @r/i/0/0 {"part": {"type": "text"}}
        < response.text.done @r/i/0/0 {"text": "I"}
        < response.done {"response": {"id": "r", "status": "incomplete"}}
    """
    for part in parts(view):
        if part.response.status in INTERRUPTED:
            missing = part.missing()
            yield judged(part.steps[0].entry, not missing, missing, f"response.done without them for {part.name}")


@FAMILY.rule("10", SHOULD, INFERRED, _DONES, hidden_by_filter=True)
def both_ends(view: View) -> Iterator[Observation]:
    """an audio part ends with output_audio.done and output_audio_transcript.done

    Audio and transcript are two streams of one part, in either order; both end.

    Okay:
        < response.content_part.added @r/i/0/0 {"part": {"type": "audio"}}
        < response.output_audio_transcript.done @r/i/0/0 {"transcript": "Hi"}
        < response.output_audio.done @r/i/0/0
        < response.done {"response": {"id": "r", "status": "completed"}}
    Fail:
        < response.content_part.added @r/i/0/0 {"part": {"type": "audio"}}
        < response.output_audio_transcript.done @r/i/0/0 {"transcript": "Hi"}
        < response.done {"response": {"id": "r", "status": "completed"}}
    """
    for part in parts(view):
        added = part.all(ADDED)
        spoken = bool(added) and text(added[0].event, "part", "type") in ("audio", "output_audio")
        if spoken and part.response.status in ("completed", *INTERRUPTED):
            missing = [f"{stream}.done" for stream in (AUDIO, TRANSCRIPT) if not part.all(f"{stream}.done")]
            yield judged(added[0].entry, not missing, missing, f"the response ended without for {part.name}")
