"""LAT: how long things took. Measurements for the report; no vendor promises any of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.rules.base import BOTH, INFERRED, INFO, SERVICE, Family, Observation, View, good, judged
from harness.rules.support.disturbance import slack
from harness.rules.support.fields import mapping, number, text
from harness.rules.support.history import Step, history
from harness.rules.support.http_view import exchanges
from harness.rules.support.sources import OWN
from harness.trace import Entry

FAMILY = Family("LAT", "Timing", rank=160, who=SERVICE)
_STARTED, _STOPPED = "input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped"
_OVER = ("output_audio_buffer.stopped", "output_audio_buffer.cleared")
_WAITS = {_STOPPED: "end of speech to first audio", "response.create": "response.create to first audio"}
ANSWER_SECONDS = 3.0
"""Budget of LAT-02 where the configuration names none (``harness.config`` ``budgets``: {"LAT-02": seconds})."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One measured time: what, how many seconds, and the entry where it ended."""

    name: str
    seconds: float
    entry: Entry


def measures(view: View) -> Iterator[Measure]:
    """Every time that the trace shows: token request, call request, ICE, channel open, first audio, each reply."""
    for step, name in (("key", "token request"), ("call", "call request")):
        for one in exchanges(view, step):
            if one.ok and one.response is not None:
                yield Measure(name, one.response.t - one.request.t, one.response)
    trace = view.trace
    checking = next((entry for entry in trace.of("connection.ice") if entry.data.get("state") == "checking"), None)
    connected = next(
        (entry for entry in trace.of("connection.ice") if entry.data.get("state") in ("connected", "completed")), None
    )
    if checking is not None and connected is not None:
        yield Measure("ICE", connected.t - checking.t, connected)
    answer, opened = trace.first("sdp.answer"), trace.first("channel.open")
    if answer is not None and opened is not None:
        yield Measure("answer to channel open", opened.t - answer.t, opened)
    spoken = _service_speech(view)
    if opened is not None and spoken:
        yield Measure("channel open to first audio", spoken[0][0] - opened.t, spoken[0][1])
    begun = asked(view)
    for ask, later in zip(begun, (*begun[1:], None), strict=False):
        reply = next(((at, entry) for at, entry in spoken if at >= ask.entry.t), None)
        if reply is not None and (later is None or reply[0] < later.entry.t):
            yield Measure(_WAITS[ask.kind], reply[0] - ask.entry.t, reply[1])


def asked(view: View) -> list[Step]:
    """Each moment from which a caller waits for the service: the end of speech, or the client's response.create.

    Where the service answers a turn by itself, a response.create on top of it is no new start. Where it does not (manual mode,
    create_response false, a function call in between), the wait begins with the response.create: until then it was the client's.
    """
    course = history(view)
    found: list[Step] = []
    owed = False
    for one in course.steps:
        if one.by == "service" and one.kind in (_STARTED, "response.created"):
            owed = False
        elif one.by == "service" and one.kind == _STOPPED:
            detection = course.settings.value("turn_detection", one.entry.seq)
            owed = bool(mapping(detection)) and mapping(detection).get("create_response") is not False
            found.append(one)
        elif one.by == "client" and one.kind == "response.create" and not (owed or _out_of_band(one)):
            found.append(one)
    return found


def _out_of_band(create: Step) -> bool:
    return text(create.event, "response", "conversation") == "none"


def _service_speech(view: View) -> list[tuple[float, Entry]]:
    """When the service's audio begins to be speech, by the audio itself."""
    found = [
        (at, entry)
        for entry in view.trace.of("audio.speech")
        if entry.data.get("state") == "started"
        and view.trace.sender(entry) == "service"
        and (at := number(entry.data, "at")) is not None
    ]
    return sorted(found, key=lambda pair: pair[0])


@FAMILY.rule("01", INFO, INFERRED, OWN, who=BOTH)
def times(view: View) -> Iterator[Observation]:
    """the times of the call

    Measures the token request, the call request, ICE, the channel's opening, the first audio and each reply.

    Never fails: the numbers are for comparing runs and networks. Speech is taken from the audio itself, not from events.

    Okay:
        request key
        +120ms
        response key
    Okay:
        answer
        +80ms
        channel.open {"label": "realtime-channel", "id": 1}
        < input_audio_buffer.speech_stopped {"audio_end_ms": 900, "item_id": "item_1"}
        +400ms
        audio.speech {"direction": "received", "state": "started", "at": 0.45}
    Okay:
        > response.create {}
        +400ms
        audio.speech {"direction": "received", "state": "started", "at": 0.4}
    Unseen:
        request key
    """
    for measure in measures(view):
        yield good(measure.entry, f"{measure.name}: {measure.seconds * 1000:.0f} ms")


@FAMILY.rule("02", INFO, INFERRED, OWN)
def reply_budget(view: View) -> Iterator[Observation]:
    """the service answers within the budget

    From what asked for the reply to output_audio_buffer.started the service takes no longer than the budget, three seconds unless configured.

    It is the pause that a caller hears. Where the service answers turns by itself it begins with speech_stopped, otherwise with
    response.create: how long a client takes to ask, or to run a function, is its own affair. Where another answer is still being
    played it begins with the end of that. Utterances that the caller goes on from, or that get no audio, are not judged.

    Okay:
        < input_audio_buffer.speech_stopped {"audio_end_ms": 900, "item_id": "item_1"}
        +2.9s
        < output_audio_buffer.started {"response_id": "resp_1"}
    Okay:
        harness.config {"budgets": {"LAT-02": 6}}
        < input_audio_buffer.speech_stopped {"audio_end_ms": 900, "item_id": "item_1"}
        +5s
        < output_audio_buffer.started {"response_id": "resp_1"}
    Okay:
        < session.created {"session": {"type": "realtime", "audio": {"input": {"turn_detection": {"type": "server_vad",
            "create_response": false}}}}}
        < input_audio_buffer.speech_stopped {"audio_end_ms": 900, "item_id": "item_1"}
        +4s
        > response.create {}
        +700ms
        < output_audio_buffer.started {"response_id": "resp_1"}
    Okay:
        > response.create {}
        +4s
        < output_audio_buffer.stopped {"response_id": "resp_0"}
        < output_audio_buffer.started {"response_id": "resp_1"}
    Fail:
        < input_audio_buffer.speech_stopped {"audio_end_ms": 900, "item_id": "item_1"}
        +3.1s
        < output_audio_buffer.started {"response_id": "resp_1"}
    Fail:
        < session.created {"session": {"type": "realtime",
            "audio": {"input": {"turn_detection": {"type": "server_vad"}}}}}
        < input_audio_buffer.speech_stopped {"audio_end_ms": 900, "item_id": "item_1"}
        +4s
        > response.create {}
        < output_audio_buffer.started {"response_id": "resp_1"}
    Fail:
        > response.create {}
        +4s
        < output_audio_buffer.started {"response_id": "resp_1"}
    Unseen:
        < input_audio_buffer.speech_stopped {"audio_end_ms": 900, "item_id": "item_1"}
        < input_audio_buffer.speech_started {"audio_start_ms": 1000, "item_id": "item_2"}
        +4s
        < output_audio_buffer.started {"response_id": "resp_1"}
    """
    config = view.trace.first("harness.config")
    named = number(mapping(config.data, "budgets"), "LAT-02") if config is not None else None
    budget = (ANSWER_SECONDS if named is None else named) + slack(view)
    course = history(view)
    begun = {one.entry.seq for one in asked(view)}
    since: float | None = None
    for one in course.steps:
        if one.entry.seq in begun:
            since = one.entry.t
        elif one.by == "service" and one.kind == _STARTED:
            since = None
        elif one.by == "service" and one.kind in _OVER and since is not None:
            since = one.entry.t
        elif one.by == "service" and one.kind == "output_audio_buffer.started":
            response = course.responses.get(text(one.event, "response_id"))
            if since is not None and not (response is not None and response.conversation is None):
                took = one.entry.t - since
                yield judged(one.entry, took <= budget, f"at most {budget:g} s", f"{took:.3f} s")
                since = None
