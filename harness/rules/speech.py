"""MED, PLAY and TURN, what is heard against what the events claim. Data channel and RTP are different paths: all with tolerances."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from harness.protocol.opus import SAMPLE_RATE, toc_samples
from harness.rules.base import INFO, SERVICE, SHOULD, Observation, View, bad, judged, rule
from harness.rules.disturbance import slack
from harness.rules.fields import listing, number, text
from harness.rules.history import Response, history
from harness.rules.media import sent_by
from harness.rules.playback import CLEARED, STARTED, STOPPED
from harness.rules.sources import OWN, SERVER_EVENTS, sdk
from harness.trace import Entry, Observer

PATHS_SECONDS = 0.6  # jitter buffers of 200 to 500 ms, one way, and the hangover of the speech detector
AUDIBLE_DBFS = -50.0  # well above the silence of any encoder (below -70), well below speech (-35 and up)
UNMEASURED_DBFS = -120.0
ARRIVED = 0.5  # share of a playback that must have come through a disturbed network before it is judged
TRAIL_SECONDS = 0.5  # the end of a word lies in one window with the silence behind it, and detection lets go of it late
SHORTEST_SECONDS = 0.5  # playback shorter than this may end before its audio has arrived
GAP_SECONDS = 0.5  # far above loss and jitter; a listener takes it for the end
LOOK_BACK_SECONDS = 3.0  # detection needs some hundred milliseconds, the network some more


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of decoded audio: the entry it stands in, when it was (seconds of the trace), its level, whether it is speech.

    ``clipped`` samples at full scale, spectral ``flatness`` (None where it was not measured), ``breaks`` in the sound.
    """

    entry: Entry
    start: float
    end: float
    level: float
    speech: bool
    clipped: float = 0.0
    flatness: float | None = None
    breaks: float = 0.0

    @property
    def audible(self) -> bool:
        """Loud enough to be heard, speech or not."""
        return self.speech or self.level >= AUDIBLE_DBFS


def windows(view: View, party: Observer) -> list[Window]:
    """The audio that ``party`` sends, as the observer decoded it; empty where it was not decoded. Computed once for a trace."""
    derived = view.trace.derived
    key = f"windows of the {party}"
    if key not in derived:
        found = []
        for entry in view.trace.of("audio.levels"):
            start, step = number(entry.data, "start"), number(entry.data, "step")
            if view.trace.sender(entry) != party or start is None or step is None:
                continue
            speech, clipped, flatness, breaks = (
                listing(entry.data, name) for name in ("speech", "clipped", "flatness", "breaks")
            )
            for position, level in enumerate(listing(entry.data, "levels")):
                at = start + position * step
                loud = float(level) if isinstance(level, (int, float)) else UNMEASURED_DBFS
                found.append(
                    Window(
                        entry,
                        at,
                        at + step,
                        loud,
                        bool(_measure(speech, position)),
                        _measure(clipped, position),
                        _measure(flatness, position) if flatness else None,
                        _measure(breaks, position),
                    )
                )
        derived[key] = found
    result: list[Window] = derived[key]
    return result


def _measure(values: Sequence[Any], position: int) -> float:
    value = values[position] if position < len(values) else 0.0
    return float(value) if isinstance(value, (int, float)) else 0.0


def playbacks(view: View) -> list[tuple[Response, Entry, Entry | None, str]]:
    """Each playback: its response, started, the entry that ended it (None: still going on), and how."""
    found = []
    for response in history(view).responses.values():
        started = response.first(STARTED)
        if started is not None:
            end = next((one for one in response.all(STOPPED, CLEARED) if one.entry.seq > started.entry.seq), None)
            found.append((response, started.entry, end.entry if end else None, end.kind if end else ""))
    return found


@rule(
    "MED-07",
    "there is sound on the track while playback is on",
    who=SERVICE,
    severity=SHOULD,
    confidence="I",
    source=SERVER_EVENTS,
)
def sound_while_playing(view: View) -> Iterator[Observation]:
    """Between output_audio_buffer.started and stopped or cleared the service streams audio: it must be heard.

    Events without sound are how a muted track or a wrong payload type looks from outside.

    Okay:
        < output_audio_buffer.started {"response_id": "r"}
        audio.levels {"direction": "received", "start": 0.0, "step": 1.0, "levels": [-70, -49], "speech": [0, 0]}
        +2s
        < output_audio_buffer.stopped {"response_id": "r"}
    Fail:
        < output_audio_buffer.started {"response_id": "r"}
        audio.levels {"direction": "received", "start": 0.0, "step": 1.0, "levels": [-70, -51], "speech": [0, 0]}
        +2s
        < output_audio_buffer.stopped {"response_id": "r"}
    Okay:
        < output_audio_buffer.started {"response_id": "r"}
        audio.levels {"direction": "received", "start": 0.0, "step": 0.85, "levels": [-90, -90, -90, -30], "speech": [0, 0, 0, 1]}
        +2s
        < output_audio_buffer.stopped {"response_id": "r"}
    Fail:
        < output_audio_buffer.started {"response_id": "r"}
        audio.levels {"direction": "received", "start": 0.0, "step": 0.9, "levels": [-90, -90, -90, -30], "speech": [0, 0, 0, 1]}
        +2s
        < output_audio_buffer.stopped {"response_id": "r"}
    Fail:
        < output_audio_buffer.started {"response_id": "r"}
        audio.levels {"direction": "received", "start": 0.0, "step": 0.55, "levels": [-90], "speech": [0]}
        +550ms
        < output_audio_buffer.stopped {"response_id": "r"}
    Unseen:
        < output_audio_buffer.started {"response_id": "r"}
        audio.levels {"direction": "received", "start": 0.0, "step": 0.45, "levels": [-90], "speech": [0]}
        +450ms
        < output_audio_buffer.stopped {"response_id": "r"}
    Unseen:
        < output_audio_buffer.started {"response_id": "r"}
        +2s
        < output_audio_buffer.stopped {"response_id": "r"}
    """
    paths = PATHS_SECONDS + slack(view)
    heard = windows(view, "service")
    for response, started, ended, _ in playbacks(view):
        if ended is None or ended.t - started.t < SHORTEST_SECONDS:
            continue
        during = [one for one in heard if one.end > started.t - paths and one.start < ended.t + paths]
        arrived = sum(one.end - one.start for one in heard if started.t <= one.start < ended.t)
        withheld = slack(view) > 0 and arrived < (ended.t - started.t) * ARRIVED
        if during and heard[-1].end >= ended.t and not withheld:
            loudest = max(during, key=lambda one: one.level)
            seen = f"at most {loudest.level:.0f} dBFS in {ended.t - started.t:.1f} s"
            yield judged(started, any(one.audible for one in during), f"sound while {response.id!r} plays", seen)


@rule(
    "MED-08",
    "the audio that came covers what the service counts as heard",
    who=SERVICE,
    severity=INFO,
    confidence="I",
    source=OWN,
)
def media_covers_truncation(view: View) -> Iterator[Observation]:
    """When an item is truncated at audio_end_ms, at least that much media has arrived since its playback started.

    Okay:
        < response.output_item.added {"response_id": "r", "output_index": 0, "item": {"id": "i"}}
        < output_audio_buffer.started {"response_id": "r"}
        rtp.packets {"direction": "received", "ssrc": 2, "payload_type": 96, "first": 0.0, "packets": [[0, 1, 0, 9, 0, 120], [20, 2, 960, 9, 0, 120]]}
        < conversation.item.truncated {"item_id": "i", "content_index": 0, "audio_end_ms": 610}
    Fail:
        < response.output_item.added {"response_id": "r", "output_index": 0, "item": {"id": "i"}}
        < output_audio_buffer.started {"response_id": "r"}
        rtp.packets {"direction": "received", "ssrc": 2, "payload_type": 96, "first": 0.0, "packets": [[0, 1, 0, 9, 0, 120], [20, 2, 960, 9, 0, 120]]}
        < conversation.item.truncated {"item_id": "i", "content_index": 0, "audio_end_ms": 630}
    """
    paths = PATHS_SECONDS + slack(view)
    course = history(view)
    packets = [packet for stream in sent_by(view, "service") for _, chunk in stream for packet in chunk]
    for truncated in course.server("conversation.item.truncated") if packets else ():
        end = number(truncated.event, "audio_end_ms")
        for response, started, _, _ in playbacks(view):
            items = [text(one.event, "item", "id") for one in response.all("response.output_item.added")]
            written_down = packets[-1].t >= truncated.entry.t - paths
            if end is None or not written_down or text(truncated.event, "item_id") not in items:
                continue
            samples = sum(
                toc_samples(packet.toc) or 0 for packet in packets if started.t - paths <= packet.t <= truncated.entry.t
            )
            came = samples / SAMPLE_RATE * 1000
            ok = came + paths * 1000 >= end
            yield judged(truncated.entry, ok, f"at least {end:g} ms of media", f"{came:.0f} ms")


@rule(
    "MED-12",
    "nobody speaks outside of playback",
    who=SERVICE,
    severity=SHOULD,
    confidence="I",
    source=SERVER_EVENTS,
)
def speech_has_owner(view: View) -> Iterator[Observation]:
    """Speech on the track belongs to a response whose playback has started. What follows a clear is PLAY-10.

    Audio that no response owns cannot be interrupted, truncated or shown. Where the harness delays the network, what is heard last is
    not judged: the event that explains it may still be on its way.

    Okay:
        < output_audio_buffer.started {"response_id": "r"}
        +1s
        < output_audio_buffer.stopped {"response_id": "r"}
        audio.levels {"direction": "received", "start": 1.05, "step": 1.0, "levels": [-30], "speech": [1]}
    Fail:
        < output_audio_buffer.started {"response_id": "r"}
        +1s
        < output_audio_buffer.stopped {"response_id": "r"}
        audio.levels {"direction": "received", "start": 1.15, "step": 1.0, "levels": [-30], "speech": [1]}
    """
    explained = view.trace.seconds - slack(view) if slack(view) else math.inf
    paths = PATHS_SECONDS + slack(view)
    spans = playbacks(view)
    judged_entries: dict[int, tuple[Entry, Window | None]] = {}
    for window in windows(view, "service"):
        if not window.speech or window.start > explained:
            continue
        before = [span for span in spans if span[1].t - paths <= window.start]
        owned = any(ended is None or window.end <= ended.t + paths + TRAIL_SECONDS for _, _, ended, _ in before)
        cut = bool(before) and before[-1][3] == CLEARED
        known = judged_entries.setdefault(window.entry.seq, (window.entry, None))
        if not owned and not cut and known[1] is None:
            judged_entries[window.entry.seq] = (window.entry, window)
    for entry, stray in judged_entries.values():
        seen = f"speech at {stray.start:.2f} s" if stray else ""
        yield judged(entry, stray is None, "speech between output_audio_buffer.started and stopped", seen)


@rule(
    "MED-13",
    "playback has no holes",
    who=SERVICE,
    severity=SHOULD,
    confidence="I",
    source=OWN,
)
def no_holes(view: View) -> Iterator[Observation]:
    """While a response plays, packets keep coming: half a second without any is heard as the end of the sentence.

    Okay:
        < output_audio_buffer.started {"response_id": "r"}
        rtp.packets {"direction": "received", "ssrc": 2, "payload_type": 96, "first": 0.0, "packets": [[0, 1, 0, 9, 0, 120], [480, 2, 960, 9, 0, 120]]}
        +1s
        < output_audio_buffer.stopped {"response_id": "r"}
    Fail:
        < output_audio_buffer.started {"response_id": "r"}
        rtp.packets {"direction": "received", "ssrc": 2, "payload_type": 96, "first": 0.0, "packets": [[0, 1, 0, 9, 0, 120], [520, 2, 960, 9, 0, 120]]}
        +2s
        < output_audio_buffer.stopped {"response_id": "r"}
    """
    limit = GAP_SECONDS + slack(view)
    packets = sorted(
        (packet for stream in sent_by(view, "service") for _, chunk in stream for packet in chunk),
        key=lambda one: one.t,
    )
    for _, started, ended, _ in playbacks(view):
        if ended is None:
            continue
        during = [packet.t for packet in packets if started.t <= packet.t <= ended.t]
        if len(during) > 1:
            longest = max(later - earlier for earlier, later in pairwise(during))
            yield judged(started, longest <= limit, f"a packet every {limit:g} s", f"{longest:.2f} s without")


@rule(
    "PLAY-10",
    "behind cleared the response is silent",
    who=SERVICE,
    severity=SHOULD,
    confidence="I",
    source=SERVER_EVENTS,
)
def silent_when_cleared(view: View) -> Iterator[Observation]:
    """cleared cuts the audio off: speech that goes on beyond what was on its way talks over the caller.

    Okay:
        < output_audio_buffer.started {"response_id": "r"}
        +2s
        < output_audio_buffer.cleared {"response_id": "r"}
        audio.levels {"direction": "received", "start": 2.0, "step": 0.5, "levels": [-30, -30, -90], "speech": [1, 1, 0]}
        +2s
        < rate_limits.updated {"rate_limits": []}
    Fail:
        < output_audio_buffer.started {"response_id": "r"}
        +2s
        < output_audio_buffer.cleared {"response_id": "r"}
        audio.levels {"direction": "received", "start": 2.15, "step": 0.5, "levels": [-30, -30, -90], "speech": [1, 1, 0]}
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


@rule(
    "TURN-14",
    "speech that is announced was spoken",
    who=SERVICE,
    severity=SHOULD,
    confidence="I",
    source=sdk("input_audio_buffer_speech_started_event.py"),
)
def speech_was_spoken(view: View) -> Iterator[Observation]:
    """speech_started says "that speech has been detected in the audio buffer": there must have been sound in the caller's audio.

    Okay:
        audio.levels {"direction": "sent", "start": 0.0, "step": 1.0, "levels": [-30, -90, -90, -90], "speech": [1, 0, 0, 0]}
        +3.9s
        < input_audio_buffer.speech_started {"item_id": "a", "audio_start_ms": 0}
    Fail:
        audio.levels {"direction": "sent", "start": 0.0, "step": 1.0, "levels": [-30, -90, -90, -90, -90], "speech": [1, 0, 0, 0, 0]}
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
