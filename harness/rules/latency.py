"""LAT: how long things took. Measurements for the report; no vendor promises any of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.rules.base import BOTH, INFO, SERVICE, Observation, View, good, judged, rule
from harness.rules.disturbance import slack
from harness.rules.exchange import exchanges
from harness.rules.fields import mapping, number
from harness.rules.sources import OWN
from harness.trace import Entry

ANSWER_SECONDS = 3.0
"""Budget of LAT-02 where the configuration names none (``harness.config`` ``budgets``: {"LAT-02": seconds})."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One measured time: what, how many seconds, and the entry where it ended."""

    name: str
    seconds: float
    entry: Entry


def measures(view: View) -> Iterator[Measure]:
    """Every time that the trace shows: token request, call request, ICE, channel open, first audio, reply to each utterance."""
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
    stops = view.server("input_audio_buffer.speech_stopped")
    for stopped, later in zip(stops, (*stops[1:], None), strict=False):
        reply = next(((at, entry) for at, entry in spoken if at >= stopped.t), None)
        if reply is not None and (later is None or reply[0] < later.t):
            yield Measure("end of speech to first audio", reply[0] - stopped.t, reply[1])


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


@rule("LAT-01", "the times of the call", who=BOTH, severity=INFO, confidence="I", source=OWN)
def times(view: View) -> Iterator[Observation]:
    """Measures the token request, the call request, ICE, the channel's opening, the first audio and each reply to an utterance.

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
    Unseen:
        request key
    """
    for measure in measures(view):
        yield good(measure.entry, f"{measure.name}: {measure.seconds * 1000:.0f} ms")


@rule(
    "LAT-02",
    "the service answers an utterance within the budget",
    who=SERVICE,
    severity=INFO,
    confidence="I",
    source=OWN,
)
def reply_budget(view: View) -> Iterator[Observation]:
    """From speech_stopped to output_audio_buffer.started the service takes no longer than the budget, three seconds unless configured.

    It is the pause that a caller hears. Utterances that the caller goes on from, or that get no audio, are not judged.

    Okay:
        < input_audio_buffer.speech_stopped {"audio_end_ms": 900, "item_id": "item_1"}
        +700ms
        < output_audio_buffer.started {"response_id": "resp_1"}
    Okay:
        harness.config {"budgets": {"LAT-02": 6}}
        < input_audio_buffer.speech_stopped {"audio_end_ms": 900, "item_id": "item_1"}
        +5s
        < output_audio_buffer.started {"response_id": "resp_1"}
    Fail:
        < input_audio_buffer.speech_stopped {"audio_end_ms": 900, "item_id": "item_1"}
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
    kinds = ("input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped", "output_audio_buffer.started")
    stopped: Entry | None = None
    for entry in view.server(*kinds):
        if entry.type == kinds[2] and stopped is not None:
            took = entry.t - stopped.t
            yield judged(entry, took <= budget, f"at most {budget:g} s", f"{took:.3f} s")
        stopped = entry if entry.type == kinds[1] else None
