"""MED: what is heard against what the events claim. Data channel and RTP are different paths: all with tolerances."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import pairwise

from harness.protocol.opus import SAMPLE_RATE, toc_samples
from harness.rules.base import INFERRED, INFO, SHOULD, Observation, View, judged
from harness.rules.media import FAMILY
from harness.rules.playback.buffer import CLEARED
from harness.rules.support.disturbance import slack
from harness.rules.support.fields import number, text
from harness.rules.support.history import history
from harness.rules.support.packets import sent_by
from harness.rules.support.sources import OWN, SERVER_EVENTS
from harness.rules.support.windows import PATHS_SECONDS, Window, playbacks, windows
from harness.trace import Entry

ARRIVED = 0.5  # share of a playback that must have come through a disturbed network before it is judged
TRAIL_SECONDS = 0.5  # the end of a word lies in one window with the silence after it, and detection lets go of it late
SHORTEST_SECONDS = 0.5  # playback shorter than this may end before its audio has arrived
GAP_SECONDS = 0.5  # far above loss and jitter; a listener takes it for the end


@FAMILY.rule("07", SHOULD, INFERRED, SERVER_EVENTS)
def sound_while_playing(view: View) -> Iterator[Observation]:
    """there is sound on the track while playback is on

    Between output_audio_buffer.started and stopped or cleared the service streams audio: it must be heard.

    Events without sound are how a muted track or a wrong payload type looks from outside.

    Okay:
        < output_audio_buffer.started {"response_id": "r"}
        levels received 1.0 -70 -49 {"speech": [0, 0]}
        +2s
        < output_audio_buffer.stopped {"response_id": "r"}
    Fail:
        < output_audio_buffer.started {"response_id": "r"}
        levels received 1.0 -70 -51 {"speech": [0, 0]}
        +2s
        < output_audio_buffer.stopped {"response_id": "r"}
    Okay:
        < output_audio_buffer.started {"response_id": "r"}
        levels received 0.85 -90*3 -30
        +2s
        < output_audio_buffer.stopped {"response_id": "r"}
    Fail:
        < output_audio_buffer.started {"response_id": "r"}
        levels received 0.9 -90*3 -30
        +2s
        < output_audio_buffer.stopped {"response_id": "r"}
    Fail:
        < output_audio_buffer.started {"response_id": "r"}
        levels received 0.55 -90
        +550ms
        < output_audio_buffer.stopped {"response_id": "r"}
    Unseen:
        < output_audio_buffer.started {"response_id": "r"}
        levels received 0.45 -90
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


@FAMILY.rule("08", INFO, INFERRED, OWN)
def media_covers_truncation(view: View) -> Iterator[Observation]:
    """the audio that came covers what the service counts as heard

    When an item is truncated at audio_end_ms, at least that much media has arrived since its playback started.

    Okay:
        < response.output_item.added @r//0 {"item": {"id": "i"}}
        < output_audio_buffer.started {"response_id": "r"}
        packets received 2 0:1:0:9:0:120 20:2:960
        < conversation.item.truncated @/i//0 {"audio_end_ms": 610}
    Fail:
        < response.output_item.added @r//0 {"item": {"id": "i"}}
        < output_audio_buffer.started {"response_id": "r"}
        packets received 2 0:1:0:9:0:120 20:2:960
        < conversation.item.truncated @/i//0 {"audio_end_ms": 630}
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


@FAMILY.rule("12", SHOULD, INFERRED, SERVER_EVENTS)
def speech_has_owner(view: View) -> Iterator[Observation]:
    """nobody speaks outside of playback

    Speech on the track belongs to a response whose playback has started. What follows a clear is PLAY-10.

    Audio that no response owns cannot be interrupted, truncated or shown. Where the harness delays the network, what is heard last is
    not judged: the event that explains it may still be on its way.

    Okay:
        < output_audio_buffer.started {"response_id": "r"}
        +1s
        < output_audio_buffer.stopped {"response_id": "r"}
        levels received 1.0 -30 {"start": 1.05}
    Fail:
        < output_audio_buffer.started {"response_id": "r"}
        +1s
        < output_audio_buffer.stopped {"response_id": "r"}
        levels received 1.0 -30 {"start": 1.15}
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


@FAMILY.rule("13", SHOULD, INFERRED, OWN)
def no_holes(view: View) -> Iterator[Observation]:
    """playback has no holes

    While a response plays, packets keep coming: half a second without any is heard as the end of the sentence.

    Okay:
        < output_audio_buffer.started {"response_id": "r"}
        packets received 2 0:1:0:9:0:120 480:2:960
        +1s
        < output_audio_buffer.stopped {"response_id": "r"}
    Fail:
        < output_audio_buffer.started {"response_id": "r"}
        packets received 2 0:1:0:9:0:120 520:2:960
        +2s
        < output_audio_buffer.stopped {"response_id": "r"}
    """
    limit = GAP_SECONDS + slack(view)
    times = sorted(packet.t for stream in sent_by(view, "service") for _, chunk in stream for packet in chunk)
    for _, started, ended, _ in playbacks(view):
        if ended is None:
            continue
        during = times[bisect_left(times, started.t) : bisect_right(times, ended.t)]
        if len(during) > 1:
            longest = max(later - earlier for earlier, later in pairwise(during))
            yield judged(started, longest <= limit, f"a packet every {limit:g} s", f"{longest:.2f} s without")
