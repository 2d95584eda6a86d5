"""TURN: turns against the caller's audio: what is detected was spoken, what is spoken is detected, and audio never pauses."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator, Mapping

from harness.rules.base import CLIENT, INFERRED, OBSERVED, SHOULD, Observation, View, bad, judged
from harness.rules.playback.buffer import SPEECH
from harness.rules.support.fields import number, text
from harness.rules.support.history import History, history
from harness.rules.support.packets import Packet, sent_by
from harness.rules.support.sources import TURN_DETECTION, issue, sdk
from harness.rules.support.windows import PATHS_SECONDS, windows
from harness.rules.turns import FAMILY
from harness.trace import Entry

SPOKEN_SECONDS = 1.0  # shorter speech may be taken for a cough
CLEAR_DBFS = -35.0  # 13 dB below the recommended level of speech
NOTICED_SECONDS, BEHIND_SECONDS = 2.5, 0.5  # from the first word, and from the last: far more than any detection takes
HIGHEST_THRESHOLD = 0.6  # a service that was told to be hard of hearing may be (the default is 0.5)
PAUSE_SECONDS = 1.0  # far above any packet interval (120 ms), well below what turn detection waits for
LOOK_BACK_SECONDS = 3.0  # detection needs some hundred milliseconds, the network some more


_SPEECH_IS_NOTICED = (sdk("input_audio_buffer_speech_started_event.py"), TURN_DETECTION)


@FAMILY.rule("19", SHOULD, INFERRED, *_SPEECH_IS_NOTICED, observers=("client",))
def speech_is_noticed(view: View) -> Iterator[Observation]:
    """clear speech of the caller is noticed

    With turn detection on, a second of speech at an ordinary level is followed by speech_started, also while the assistant talks.

    A service that does not listen while it speaks cannot be interrupted. Judged where the caller's audio is known to have left, and
    not where the harness disturbs the network: the words may have been lost.

    Okay:
        < session.created {"session": {"type": "realtime",
            "audio": {"input": {"turn_detection": {"type": "server_vad"}}}}}
        audio.speech {"direction": "sent", "state": "started", "at": 0.0}
        levels sent 0.5 -25*4
        +1.9s
        audio.speech {"direction": "sent", "state": "stopped", "at": 1.9}
        +550ms
        < input_audio_buffer.speech_started {"item_id": "u", "audio_start_ms": 0}
        +3s
        connection.state {"state": "connected"}
    Fail:
        < session.created {"session": {"type": "realtime",
            "audio": {"input": {"turn_detection": {"type": "server_vad"}}}}}
        audio.speech {"direction": "sent", "state": "started", "at": 0.0}
        levels sent 0.5 -25*4
        +1.9s
        audio.speech {"direction": "sent", "state": "stopped", "at": 1.9}
        +650ms
        < input_audio_buffer.speech_started {"item_id": "u", "audio_start_ms": 0}
        +3s
        connection.state {"state": "connected"}
    Unseen:
        < session.created {"session": {"type": "realtime", "audio": {"input": {"turn_detection": null}}}}
        audio.speech {"direction": "sent", "state": "started", "at": 0.0}
        levels sent 0.5 -25*4
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


@FAMILY.rule("12", SHOULD, OBSERVED, issue("bielcarpi/hermes-live-voice#55"), who=CLIENT)
def keeps_sending(view: View) -> Iterator[Observation]:
    """the client keeps sending RTP in silence

    Turn detection counts silence in the audio it gets: where nothing comes, the end of the turn never does.

    Also judged is how long the client lived on after its last packet: until its last event, report or hang-up. Send silence, or comfort noise, for as long as the call stands. Do not stop the track between utterances.

    Okay:
        packets sent 1 0:1:0 950:2:45600
        +2.9s
        rtp.rtcp {"direction": "sent", "types": ["RR"]}
    Fail:
        packets sent 1 0:1:0 1050:2:50400
    Fail:
        packets sent 1 0:1:0 20:2:960
        +2.1s
        rtp.rtcp {"direction": "sent", "types": ["RR"]}
    """
    alive = max((entry.t for entry in _signs_of_life(view)), default=0.0)
    latest = 0.0
    behind: Entry | None = None
    for stream in sent_by(view, "client"):
        last: Packet | None = None
        for entry, chunk in stream:
            longest = 0.0
            for packet in chunk:
                longest = max(longest, packet.t - last.t if last else 0.0)
                last = packet
            if chunk:
                yield judged(
                    entry,
                    longest <= PAUSE_SECONDS,
                    f"a packet at least every {PAUSE_SECONDS:g} s",
                    f"{longest:.2f} s without",
                )
                latest, behind = max(latest, last.t if last else 0.0), entry
    # Packets that are on their way when a call is closed are not counted for either side: hence twice the pause.
    if behind is not None and alive - latest > 2 * PAUSE_SECONDS:
        yield bad(behind, f"a packet at least every {PAUSE_SECONDS:g} s", f"none in the last {alive - latest:.2f} s")


def _signs_of_life(view: View) -> Iterator[Entry]:
    """What shows that the client is still there: its events and RTCP reports, and its hang-up."""
    yield from view.client()
    yield from (entry for entry in view.trace.of("rtp.rtcp") if view.trace.sender(entry) == "client")
    yield from (entry for entry in view.trace.of("http.request") if entry.data.get("step") == "hangup")


@FAMILY.rule("14", SHOULD, INFERRED, sdk("input_audio_buffer_speech_started_event.py"))
def speech_was_spoken(view: View) -> Iterator[Observation]:
    """speech that is announced was spoken

    speech_started says "that speech has been detected in the audio buffer": there must have been sound in the caller's audio.

    Okay:
        levels sent 1.0 -30 -90*3
        +3.9s
        < input_audio_buffer.speech_started {"item_id": "a", "audio_start_ms": 0}
    Fail:
        levels sent 1.0 -30 -90*4
        +4.1s
        < input_audio_buffer.speech_started {"item_id": "a", "audio_start_ms": 0}
    """
    spoken = windows(view, "client")
    for started in view.server("input_audio_buffer.speech_started"):
        around = [one for one in spoken if started.t - LOOK_BACK_SECONDS < one.end and one.start <= started.t]
        # Audio is written down in stretches: what a call that was cut off never wrote down may hold the speech.
        if around and spoken[-1].end >= started.t:
            loudest = max(one.level for one in around)
            seen = f"at most {loudest:.0f} dBFS in {LOOK_BACK_SECONDS:g} s"
            yield judged(started, any(one.audible for one in around), "sound in the caller's audio", seen)
