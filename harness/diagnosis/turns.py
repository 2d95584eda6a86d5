"""Causes in the caller's turns: nothing heard, no end, no commit, nobody who asks for an answer."""

from __future__ import annotations

from collections.abc import Iterator

from harness.diagnosis.base import Case, Evidence, cause
from harness.diagnosis.session import effective
from harness.rules.support.fields import at, listing, text
from harness.rules.support.sources import MS_WEBRTC, OWN, TURN_DETECTION, issue
from harness.rules.support.windows import AUDIBLE_DBFS
from harness.trace import Entry

STARTED, STOPPED, COMMITTED = (
    "input_audio_buffer.speech_started",
    "input_audio_buffer.speech_stopped",
    "input_audio_buffer.committed",
)

SETTLED_SECONDS = 2.0  # an open channel without a packet for longer than this has no audio; a slow start takes less


def _turn_detection(case: Case) -> object:
    """The turn detection in force, as the service showed it; None where it is off, False where nothing was shown."""
    shown, path = effective(case), case.view.dialect.session_path("turn_detection")
    found = at(shown.event, "session", *(path or ())) if shown else False
    return found if found is None or isinstance(found, dict) else False


def _waits_for_turn(case: Case) -> bool:
    return bool(case.waited_for(r"^input_audio_buffer\.|^response\.|^conversation\.item\.|in the received audio"))


def _levels(case: Case) -> Iterator[tuple[Entry, float]]:
    for entry in case.trace.of("audio.levels"):
        if case.trace.sender(entry) == "client":
            yield from ((entry, float(one)) for one in listing(entry.data, "levels") if isinstance(one, (int, float)))


def _sends_audio(case: Case) -> bool:
    return any(case.trace.sender(one) == "client" for one in case.trace.of("rtp.packets"))


@cause(
    "commit-of-empty-buffer",
    "There was nothing to commit: the buffer held less than 100 ms of audio, or turn detection had taken the turn already.",
    rank=1000,
    fix="Commit only with turn detection off (null), after the caller has spoken; with turn detection on the service commits by itself.",
    source=issue("openai/openai-agents-js#748"),
)
def commit_of_empty_buffer(case: Case) -> Evidence:
    """An error input_audio_buffer_commit_empty, or TURN-09."""
    told = case.errors("input_audio_buffer_commit_empty", r"buffer too small|buffer is empty")
    return [*told, *case.broken("TURN-09")]


@cause(
    "no-rtp-in-silence",
    "The client stops sending audio when the caller is silent, so that the end of the turn is never heard.",
    rank=1005,
    fix="Keep the track running and send silence; do not stop it, and switch DTX off (usedtx=0).",
    source=issue("bielcarpi/hermes-live-voice#55"),
)
def no_rtp_in_silence(case: Case) -> Evidence:
    """Speech started and did not stop, while the client's RTP paused or ended (TURN-12)."""
    paused = case.broken("TURN-12")
    started, stopped = case.server(STARTED), case.server(STOPPED)
    if paused and (not started or len(stopped) < len(started) or case.missed):
        return [*started[-1:], *paused]
    return []


@cause(
    "no-rtp-sent",
    "The client sends no audio packet at all.",
    rank=1010,
    fix="Add the microphone's track to the peer connection before the offer (addTrack), and look whether the track is ended or the sender's direction is recvonly.",
    source=MS_WEBRTC,
)
def no_rtp_sent(case: Case) -> Evidence:
    """The channel was open for more than two seconds, a turn was waited for, and no RTP packet of the client is recorded."""
    opened = case.trace.first("channel.open")
    if opened is None or case.server(STARTED) or _sends_audio(case) or case.trace.seconds - opened.t < SETTLED_SECONDS:
        return []
    return [opened] if case.waited_for(r"^input_audio_buffer\.") else []


@cause(
    "silent-input",
    "The caller's audio is silent: the microphone is denied, muted, or another device than the one that is spoken into.",
    rank=1015,
    fix="Allow the microphone in the browser (lock icon in the address bar; https or localhost only), check the device and track.enabled and track.muted; here, check that the recording has sound.",
    source=f"{MS_WEBRTC}; W3C Media Capture and Streams, getUserMedia",
)
def silent_input(case: Case) -> Evidence:
    """No speech_started came though a turn was waited for until the step gave up, and no level of the caller's audio is above -50 dBFS."""
    levels = list(_levels(case))
    if case.server(STARTED) or not levels or not _waits_for_turn(case) or case.lost():
        return []
    if case.client("conversation.item.create", "response.create") and not case.waited_for(r"^input_audio_buffer\."):
        return []
    silent = max(level for _, level in levels) < AUDIBLE_DBFS
    return [levels[0][0], levels[-1][0]] if silent else []


@cause(
    "turn-detection-off",
    "Turn detection is off, and nobody commits the turn or asks for an answer.",
    rank=1020,
    fix="Send input_audio_buffer.commit and then response.create when the caller has finished, or switch turn detection on.",
    source=f"{TURN_DETECTION}; {issue('openai/openai-realtime-console#556')}",
)
def turn_detection_off(case: Case) -> Evidence:
    """The session shows turn_detection null, and a turn was waited for without a commit, or an answer without response.create."""
    shown = effective(case)
    if shown is None or _turn_detection(case) is not None:
        return []
    committed, asked = case.client("input_audio_buffer.commit"), case.client("response.create")
    unasked = case.waited_for(r"^response\.|in the received audio") and not asked
    untaken = case.waited_for(r"^input_audio_buffer\.|^conversation\.item\.") and not committed
    return [shown] if (unasked or untaken) and not case.broken("TURN-17") else []


@cause(
    "create-response-off",
    "The service takes turns but has been told not to answer them by itself.",
    rank=1025,
    fix="Send response.create after input_audio_buffer.committed, or set turn_detection.create_response to true.",
    source=TURN_DETECTION,
)
def create_response_off(case: Case) -> Evidence:
    """turn_detection.create_response is false, a turn was committed, and an answer was waited for that nobody asked for."""
    shown, detection = effective(case), _turn_detection(case)
    committed = case.server(COMMITTED)
    if shown is None or not isinstance(detection, dict) or detection.get("create_response") is not False:
        return []
    asked = [one for one in case.client("response.create") if committed and one.seq > committed[0].seq]
    waited = case.waited_for(r"^response\.|in the received audio")
    return [shown, *committed[-1:]] if committed and waited and not asked else []


@cause(
    "speech-never-ends",
    "The caller's audio never becomes silent, so that turn detection never sees the end.",
    rank=1030,
    fix="Let half a second of silence follow the words; against noise raise turn_detection.threshold or switch noise reduction on.",
    source=f"{TURN_DETECTION}; {OWN}",
)
def speech_never_ends(case: Case) -> Evidence:
    """speech_started without speech_stopped, while the audio that the client sends goes on being speech."""
    started, stopped = case.server(STARTED), case.server(STOPPED)
    if len(started) <= len(stopped) or not case.waited_for(r"^input_audio_buffer\.|^response\.|in the received audio"):
        return []
    changes = [one for one in case.trace.of("audio.speech") if case.trace.sender(one) == "client"]
    return [started[-1], changes[-1]] if changes and text(changes[-1].data, "state") == "started" else []


@cause(
    "speech-not-detected",
    "The caller spoke, and the service did not notice.",
    rank=1035,
    fix="Raise the level, lower turn_detection.threshold, and look whether the service gets the RTP at all (its receiver reports).",
    source=TURN_DETECTION,
)
def speech_not_detected(case: Case) -> Evidence:
    """The caller's audio holds speech, turn detection is on, and no speech_started came though a step waited for it."""
    spoken = [
        one
        for one in case.trace.of("audio.speech")
        if case.trace.sender(one) == "client" and one.data.get("state") == "started"
    ]
    if case.server(STARTED) or not spoken or not isinstance(_turn_detection(case), dict):
        return []
    return (
        [*spoken[:1], *case.waited_for(r"^input_audio_buffer\.")] if case.waited_for(r"^input_audio_buffer\.") else []
    )
