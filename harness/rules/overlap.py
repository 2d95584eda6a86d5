"""PLAY and TURN, both at once: what the caller says over an answer is noticed, and silences it. Judged from the audio, not from events."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Mapping

from harness.rules.base import SERVICE, SHOULD, Observation, View, judged, rule
from harness.rules.disturbance import slack
from harness.rules.fields import number, text
from harness.rules.history import History, Step, history, in_default
from harness.rules.interruption import BARGE_SECONDS, allows_interruption
from harness.rules.playback import SPEECH
from harness.rules.sources import SERVER_EVENTS, TURN_DETECTION, sdk
from harness.rules.speech import PATHS_SECONDS, playbacks, windows
from harness.trace import Entry

SPOKEN_SECONDS = 1.0  # shorter speech may be taken for a cough
CLEAR_DBFS = -35.0  # 13 dB below the recommended level of speech
NOTICED_SECONDS, BEHIND_SECONDS = 2.5, 0.5  # from the first word, and from the last: far more than any detection takes
HIGHEST_THRESHOLD = 0.6  # a service that was told to be hard of hearing may be (the default is 0.5)
_CLEAR = "output_audio_buffer.clear"


@rule(
    "PLAY-14",
    "what interrupts an answer silences it",
    who=SERVICE,
    severity=SHOULD,
    confidence="I",
    source=f"{sdk('output_audio_buffer_clear_event.py')}; {TURN_DETECTION}; {SERVER_EVENTS}",
)
def interruption_is_heard(view: View) -> Iterator[Observation]:
    """Two seconds behind speech_started (with interrupt_response) or output_audio_buffer.clear the answer is heard no more.

    Whatever the events say: an assistant that talks on is not interrupted. What ends by itself until then, and what comes from the next
    response, is not judged.

    Okay:
        < response.created {"response": {"id": "r", "status": "in_progress"}}
        < output_audio_buffer.started {"response_id": "r"}
        > output_audio_buffer.clear {}
        audio.levels {"direction": "received", "start": 0.0, "step": 0.5, "levels": [-30, -30, -30, -30, -30, -30, -90, -90], "speech": [1, 1, 1, 1, 1, 1, 0, 0]}
    Fail:
        < response.created {"response": {"id": "r", "status": "in_progress"}}
        < output_audio_buffer.started {"response_id": "r"}
        > output_audio_buffer.clear {}
        audio.levels {"direction": "received", "start": 0.2, "step": 0.5, "levels": [-30, -30, -30, -30, -30, -30, -90, -90], "speech": [1, 1, 1, 1, 1, 1, 0, 0]}
    Fail:
        < session.created {"session": {"type": "realtime", "audio": {"input": {"turn_detection": {"type": "server_vad"}}}}}
        < response.created {"response": {"id": "r", "status": "in_progress"}}
        < output_audio_buffer.started {"response_id": "r"}
        < input_audio_buffer.speech_started {"item_id": "u", "audio_start_ms": 900}
        < response.done {"response": {"id": "r", "status": "cancelled", "status_details": {"type": "cancelled", "reason": "turn_detected"}}}
        audio.levels {"direction": "received", "start": 0.0, "step": 0.5, "levels": [-30, -30, -30, -30, -30, -30, -30, -30], "speech": [1, 1, 1, 1, 1, 1, 1, 1]}
    Unseen:
        < session.created {"session": {"type": "realtime", "audio": {"input": {"turn_detection": {"type": "server_vad", "interrupt_response": false}}}}}
        < response.created {"response": {"id": "r", "status": "in_progress"}}
        < output_audio_buffer.started {"response_id": "r"}
        < input_audio_buffer.speech_started {"item_id": "u", "audio_start_ms": 900}
        audio.levels {"direction": "received", "start": 0.0, "step": 0.5, "levels": [-30, -30, -30, -30, -30, -30, -30, -30], "speech": [1, 1, 1, 1, 1, 1, 1, 1]}
    """
    course = history(view)
    heard = windows(view, "service")
    starts = [started for _, started, _, _ in playbacks(view)]
    for cause in _interruptions(course) if heard else ():
        quiet_from = cause.entry.t + BARGE_SECONDS + PATHS_SECONDS + slack(view)
        quiet_to = min((one.t - PATHS_SECONDS for one in starts if one.seq > cause.entry.seq), default=math.inf)
        behind = [one for one in heard if one.start >= quiet_from and one.end <= quiet_to]
        if behind:
            late = next((one for one in behind if one.speech), None)
            seen = f"speech at {late.start:.2f} s" if late else ""
            yield judged(cause.entry, late is None, f"silence from {quiet_from:.2f} s on", seen)


def _interruptions(course: History) -> Iterator[Step]:
    """What should silence all that is playing at that moment."""
    for cause in (*course.client(_CLEAR), *course.server(SPEECH)):
        playing = [one for one in course.responses.values() if one.playing(cause.entry.seq)]
        if cause.kind == SPEECH and not allows_interruption(course, cause.entry.seq):
            continue
        # "... any ongoing response with output to the default conversation": an out-of-band answer may go on.
        if playing and (cause.kind == _CLEAR or all(map(in_default, playing))):
            yield cause


@rule(
    "TURN-19",
    "clear speech of the caller is noticed",
    who=SERVICE,
    severity=SHOULD,
    confidence="I",
    source=f"{sdk('input_audio_buffer_speech_started_event.py')}; {TURN_DETECTION}",
    observers=("client",),
)
def speech_is_noticed(view: View) -> Iterator[Observation]:
    """With turn detection on, a second of speech at an ordinary level is followed by speech_started, also while the assistant talks.

    A service that does not listen while it speaks cannot be interrupted. Judged where the caller's audio is known to have left, and
    not where the harness disturbs the network: the words may have been lost.

    Okay:
        < session.created {"session": {"type": "realtime", "audio": {"input": {"turn_detection": {"type": "server_vad"}}}}}
        audio.speech {"direction": "sent", "state": "started", "at": 0.0}
        audio.levels {"direction": "sent", "start": 0.0, "step": 0.5, "levels": [-25, -25, -25, -25], "speech": [1, 1, 1, 1]}
        +1.9s
        audio.speech {"direction": "sent", "state": "stopped", "at": 1.9}
        +550ms
        < input_audio_buffer.speech_started {"item_id": "u", "audio_start_ms": 0}
        +3s
        connection.state {"state": "connected"}
    Fail:
        < session.created {"session": {"type": "realtime", "audio": {"input": {"turn_detection": {"type": "server_vad"}}}}}
        audio.speech {"direction": "sent", "state": "started", "at": 0.0}
        audio.levels {"direction": "sent", "start": 0.0, "step": 0.5, "levels": [-25, -25, -25, -25], "speech": [1, 1, 1, 1]}
        +1.9s
        audio.speech {"direction": "sent", "state": "stopped", "at": 1.9}
        +650ms
        < input_audio_buffer.speech_started {"item_id": "u", "audio_start_ms": 0}
        +3s
        connection.state {"state": "connected"}
    Unseen:
        < session.created {"session": {"type": "realtime", "audio": {"input": {"turn_detection": null}}}}
        audio.speech {"direction": "sent", "state": "started", "at": 0.0}
        audio.levels {"direction": "sent", "start": 0.0, "step": 0.5, "levels": [-25, -25, -25, -25], "speech": [1, 1, 1, 1]}
        +2s
        audio.speech {"direction": "sent", "state": "stopped", "at": 2.0}
        +3s
        connection.state {"state": "connected"}
    """
    if view.trace.of("connection.disturbed"):
        return
    course = history(view)
    times = [entry.t for entry in view.trace.entries]
    closed = min((entry.t for entry in view.trace.of("channel.closed")), default=math.inf)
    for entry, begin, end in _spoken(view):
        deadline = max(begin + NOTICED_SECONDS, end + BEHIND_SECONDS)
        span = [bisect_right(times, at) for at in (begin, deadline)]
        if deadline > min(view.trace.seconds, closed) or not all(_listens(course, seq) for seq in span):
            continue
        cleared = [one for one in course.client("input_audio_buffer.clear") if begin <= one.entry.t <= deadline]
        if end - begin < SPOKEN_SECONDS or cleared or not _clear(view, begin, end):
            continue
        noticed = [one.entry for one in course.server(SPEECH) if begin - PATHS_SECONDS <= one.entry.t <= deadline]
        ok = bool(noticed) or _in_a_turn(course, span[0])
        yield judged(
            entry, ok, f"{SPEECH} by {deadline:.2f} s", f"nothing about speech from {begin:.2f} to {end:.2f} s"
        )


def _spoken(view: View) -> Iterator[tuple[Entry, float, float]]:
    """The caller's stretches of speech: the entry that began it, begin and end in seconds of the trace."""
    begun: tuple[Entry, float] | None = None
    for entry in view.trace.of("audio.speech"):
        at = number(entry.data, "at")
        if view.trace.sender(entry) != "client" or at is None:
            continue
        if text(entry.data, "state") == "started":
            begun = (entry, at)
        elif begun is not None:
            yield *begun, at
            begun = None


def _clear(view: View, begin: float, end: float) -> bool:
    """Whether the caller's speech between these times has an ordinary level."""
    powers = [
        10 ** (one.level / 10)
        for one in windows(view, "client")
        if one.speech and begin <= one.start and one.end <= end
    ]
    return bool(powers) and 10 * math.log10(sum(powers) / len(powers)) >= CLEAR_DBFS


def _listens(course: History, seq: int) -> bool:
    detection = course.settings.value("turn_detection", seq)
    if not isinstance(detection, Mapping):
        return False
    threshold = number(detection, "threshold")
    return threshold is None or threshold <= HIGHEST_THRESHOLD


def _in_a_turn(course: History, seq: int) -> bool:
    """Whether the last word of the service about speech before ``seq`` was that it has started."""
    edges = [one for one in course.server(SPEECH, "input_audio_buffer.speech_stopped") if one.entry.seq < seq]
    return bool(edges) and edges[-1].kind == SPEECH
