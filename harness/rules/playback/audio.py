"""PLAY: what is heard of an answer that was cut short. Judged from the audio; data channel and RTP are different paths, so with tolerances."""

from __future__ import annotations

import math
from collections.abc import Iterator

from harness.rules.base import INFERRED, SHOULD, Observation, View, bad, judged
from harness.rules.playback import FAMILY
from harness.rules.playback.buffer import CLEARED, SPEECH
from harness.rules.playback.interruption import BARGE_SECONDS, allows_interruption
from harness.rules.support.disturbance import slack
from harness.rules.support.history import History, Step, history, in_default
from harness.rules.support.sources import SERVER_EVENTS, TURN_DETECTION, sdk
from harness.rules.support.windows import PATHS_SECONDS, playbacks, windows

_CLEAR = "output_audio_buffer.clear"


_INTERRUPTION_IS_HEARD = (sdk("output_audio_buffer_clear_event.py"), TURN_DETECTION, SERVER_EVENTS)


@FAMILY.rule("14", SHOULD, INFERRED, *_INTERRUPTION_IS_HEARD, hidden_by_filter=False)
def interruption_is_heard(view: View) -> Iterator[Observation]:
    """what interrupts an answer silences it

    Two seconds after speech_started (with interrupt_response) or output_audio_buffer.clear the answer is heard no more.

    Whatever the events say: an assistant that talks on is not interrupted. What ends by itself until then, and what comes from the next
    response, is not judged.

    Okay:
        < response.created {"response": {"id": "r", "status": "in_progress"}}
        < output_audio_buffer.started {"response_id": "r"}
        > output_audio_buffer.clear {}
        levels received 0.5 -30*6 -90*2
    Fail:
        < response.created {"response": {"id": "r", "status": "in_progress"}}
        < output_audio_buffer.started {"response_id": "r"}
        > output_audio_buffer.clear {}
        levels received 0.5 -30*6 -90*2 {"start": 0.2}
    Fail:
        < session.created {"session": {"type": "realtime",
            "audio": {"input": {"turn_detection": {"type": "server_vad"}}}}}
        < response.created {"response": {"id": "r", "status": "in_progress"}}
        < output_audio_buffer.started {"response_id": "r"}
        < input_audio_buffer.speech_started {"item_id": "u", "audio_start_ms": 900}
        < response.done {"response": {"id": "r", "status": "cancelled", "status_details": {"type": "cancelled",
            "reason": "turn_detected"}}}
        levels received 0.5 -30*8
    Unseen:
        < session.created {"session": {"type": "realtime", "audio": {"input": {"turn_detection": {"type": "server_vad",
            "interrupt_response": false}}}}}
        < response.created {"response": {"id": "r", "status": "in_progress"}}
        < output_audio_buffer.started {"response_id": "r"}
        < input_audio_buffer.speech_started {"item_id": "u", "audio_start_ms": 900}
        levels received 0.5 -30*8
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


@FAMILY.rule("10", SHOULD, INFERRED, SERVER_EVENTS, hidden_by_filter=False)
def silent_when_cleared(view: View) -> Iterator[Observation]:
    """the response is silent after cleared

    cleared cuts the audio off: speech that goes on beyond what was on its way talks over the caller.

    Okay:
        < output_audio_buffer.started {"response_id": "r"}
        +2s
        < output_audio_buffer.cleared {"response_id": "r"}
        levels received 0.5 -30*2 -90 {"start": 2.0}
        +2s
        < rate_limits.updated {"rate_limits": []}
    Fail:
        < output_audio_buffer.started {"response_id": "r"}
        +2s
        < output_audio_buffer.cleared {"response_id": "r"}
        levels received 0.5 -30*2 -90 {"start": 2.15}
        +2s
        < rate_limits.updated {"rate_limits": []}
    """
    paths = PATHS_SECONDS + slack(view)
    heard = windows(view, "service")
    spans = playbacks(view)
    for response, _, ended, how in spans:
        if how != CLEARED or ended is None:
            continue
        quiet_from = ended.t + paths
        quiet_to = min((started.t - paths for _, started, _, _ in spans if started.seq > ended.seq), default=None)
        behind = [one for one in heard if one.end > quiet_from and (quiet_to is None or one.end <= quiet_to)]
        late = next((one for one in behind if one.speech and one.start >= quiet_from), None)
        if late is not None:
            yield bad(
                ended,
                f"silence from {quiet_from:.2f} s on",
                f"speech at {late.start:.2f} s, {response.id!r} being cleared",
            )
        elif behind:
            yield judged(ended, True, "", "")
