"""LAT: how long things took. Measurements for the report; no vendor promises any of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.protocol.dialects import DIALECTS
from harness.rules.base import BOTH, INFERRED, INFO, SERVICE, Family, Observation, View, good, judged
from harness.rules.support.disturbance import slack
from harness.rules.support.fields import mapping, number, text
from harness.rules.support.history import Step, history
from harness.rules.support.http_view import exchanges
from harness.rules.support.milestones import milestone_entries
from harness.rules.support.sources import OWN
from harness.trace import Entry, Trace, timed

FAMILY = Family("LAT", "Timing", rank=160, who=SERVICE)
_STARTED, _STOPPED = "input_audio_buffer.speech_started", "input_audio_buffer.speech_stopped"
_OVER = ("output_audio_buffer.stopped", "output_audio_buffer.cleared")
_WAITS = {_STOPPED: "end of speech to first audio", "response.create": "response.create to first audio"}
BARGE_IN = "barge-in to silence"
OF_THE_CALLER = ("key to offer", "channel open to session.update")
"""What the caller alone takes time for: no latency of the service."""
SET_UP = ("token request", "call request", "ICE", "answer to channel open")
"""What does not depend on the scenario, so that the values of all runs are one sample."""
_BARGE_IN_SECONDS = 3.0  # an older start of speech did not clear the buffer
ANSWER_SECONDS = 3.0
"""Budget of LAT-02 where the configuration names none (``harness.config`` ``budgets``: {"LAT-02": seconds})."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One measured time: what, how many seconds, and the entry where it ended."""

    name: str
    seconds: float
    entry: Entry


def measures(view: View) -> Iterator[Measure]:
    """Every time that the trace shows: the requests, ICE, each milestone after the one before it, each reply, each interruption."""
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
    reached = milestone_entries(trace)
    opened = reached["channel-open"]
    for before, after, name in (
        ("key", "offer", OF_THE_CALLER[0]),
        ("offer", "answer", "offer to answer"),
        ("answer", "channel-open", "answer to channel open"),
        ("channel-open", "session.update", OF_THE_CALLER[1]),
    ):
        first, then = reached[before], reached[after]
        if first is not None and then is not None and then.seq > first.seq:
            yield Measure(name, then.t - first.t, then)
    spoken = _service_speech(view)
    if opened is not None and spoken:
        yield Measure("channel open to first audio", spoken[0][0] - opened.t, spoken[0][1])
    begun = asked(view)
    for ask, later in zip(begun, (*begun[1:], None), strict=False):
        reply = next(((at, entry) for at, entry in spoken if at >= ask.entry.t), None)
        if reply is not None and (later is None or reply[0] < later.entry.t):
            yield Measure(_WAITS[ask.kind], reply[0] - ask.entry.t, reply[1])
    yield from _barge_ins(view)


def latencies(trace: Trace) -> dict[str, list[float]]:
    """All measures of a trace by their names, each with its values in seconds, to the millisecond, in their order; none without times."""
    if not all(map(timed, trace.entries)):
        return {}
    found: dict[str, list[float]] = {}
    for one in measures(View(trace, DIALECTS[trace.header.dialect])):
        found.setdefault(one.name, []).append(round(one.seconds, 3))
    return found


def _barge_ins(view: View) -> Iterator[Measure]:
    """From the caller's speech to the silence of the service, wherever speech cleared its audio while that was heard.

    The caller's speech begins by its audio; where the service noticed it even earlier, by input_audio_buffer.speech_started.
    """
    service = _speech(view, "service")
    caller = [at for at, state, _ in _speech(view, "client") if state == "started"]
    noticed = [one.t for one in view.server(_STARTED)]
    for cleared in view.server("output_audio_buffer.cleared"):
        begun = [t for t in (*caller, *noticed) if cleared.t - _BARGE_IN_SECONDS < t <= cleared.t]
        spoken = [t for t in begun if t in caller]
        if not begun or not any(t in noticed for t in begun):
            continue
        start = max(spoken or begun)
        heard = next((state for at, state, _ in reversed(service) if at <= start), "stopped")
        silent = next(((at, entry) for at, state, entry in service if at >= start and state == "stopped"), None)
        if heard == "started" and silent is not None:
            yield Measure(BARGE_IN, silent[0] - start, silent[1])


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
    return [(at, entry) for at, state, entry in _speech(view, "service") if state == "started"]


def _speech(view: View, by: str) -> list[tuple[float, str, Entry]]:
    """Where the audio of one end turns into speech and where it ends: the time, "started" or "stopped", the entry."""
    found = [
        (at, text(entry.data, "state"), entry)
        for entry in view.trace.of("audio.speech")
        if view.trace.sender(entry) == by and (at := number(entry.data, "at")) is not None
    ]
    return sorted(found, key=lambda one: one[0])


@FAMILY.rule("01", INFO, INFERRED, OWN, who=BOTH)
def times(view: View) -> Iterator[Observation]:
    """the times of the call

    Measures the token request, the call request, ICE, each milestone after the one before it, each reply and how fast each
    interruption is followed by silence.

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
    Okay:
        audio.speech {"direction": "received", "state": "started", "at": 0.0}
        audio.speech {"direction": "sent", "state": "started", "at": 0.0}
        < input_audio_buffer.speech_started {"audio_start_ms": 900, "item_id": "item_2"}
        +2.9s
        < output_audio_buffer.cleared {"response_id": "r"}
        audio.speech {"direction": "received", "state": "stopped", "at": 2.9}
    Unseen:
        audio.speech {"direction": "received", "state": "started", "at": 0.0}
        audio.speech {"direction": "sent", "state": "started", "at": 0.0}
        < input_audio_buffer.speech_started {"audio_start_ms": 900, "item_id": "item_2"}
        +3.1s
        < output_audio_buffer.cleared {"response_id": "r"}
        audio.speech {"direction": "received", "state": "stopped", "at": 3.1}
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
