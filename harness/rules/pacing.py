"""MED and TURN, pacing: neither faster than real time nor with holes, one source throughout."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from harness.protocol.opus import SAMPLE_RATE
from harness.rules.base import BOTH, CLIENT, SERVICE, SHOULD, Observation, View, bad, judged, rule
from harness.rules.disturbance import slack
from harness.rules.media import TIMESTAMPS, Packet, distance, sent_by, streams
from harness.rules.sources import OWN, issue, rfc
from harness.trace import Entry

BURST_MS = 200.0  # own policy: more than a jitter buffer absorbs
AHEAD_SECONDS = (
    1.0  # what a jitter buffer holds at most (200 to 500 ms), and as much again for a network that is slow at first
)
FIRST_SECONDS = 1.0  # a first packet that came late makes what follows it look early: so far ahead a stream may begin
RESTART_SECONDS = 2.0  # timestamps that jump by more have been set anew
PAUSE_SECONDS = 1.0  # far above any packet interval (120 ms), well below what turn detection waits for


@rule(
    "MED-09",
    "the client sends no faster than real time",
    who=CLIENT,
    severity=SHOULD,
    confidence="I",
    source=OWN,
)
def no_burst(view: View) -> Iterator[Observation]:
    """Media that arrives faster than it plays overruns the jitter buffer: words are dropped or squeezed.

    At most 200 ms of media may come ahead of the clock. Pace packets by the media clock.

    Okay:
        rtp.packets {"direction": "sent", "ssrc": 1, "payload_type": 96, "first": 0.0, "packets": [[0, 1, 0, 3, 0, 248], [20, 2, 960, 3, 0, 248], [40, 3, 11040, 3, 0, 248]]}
    Fail:
        rtp.packets {"direction": "sent", "ssrc": 1, "payload_type": 96, "first": 0.0, "packets": [[0, 1, 0, 3, 0, 248], [20, 2, 960, 3, 0, 248], [40, 3, 12000, 3, 0, 248]]}
    """
    for stream in sent_by(view, "client"):
        first: Packet | None = None
        least = 0.0
        for entry, chunk in stream:
            worst = 0.0
            for packet in chunk:
                first = first or packet
                media = distance(first.timestamp, packet.timestamp, TIMESTAMPS) / SAMPLE_RATE
                lead = (media - (packet.t - first.t)) * 1000
                least = min(least, lead)
                worst = max(worst, lead - least)
            if chunk:
                yield judged(entry, worst <= BURST_MS, f"at most {BURST_MS:g} ms ahead", f"{worst:.0f} ms ahead")


@rule(
    "MED-17",
    "the service sends no faster than real time",
    who=SERVICE,
    severity=SHOULD,
    confidence="I",
    source=OWN,
)
def no_rush(view: View) -> Iterator[Observation]:
    """Audio that comes faster than it plays piles up: the listener's buffer throws words away, and nothing can be interrupted in time.

    Media may run ahead of its own first second by one second at most, and of the clock by two. What the network held back and then
    delivered at once is not ahead of anything. Pace packets by the media clock; the output buffer belongs into the service.

    Okay:
        rtp.packets {"direction": "received", "ssrc": 2, "payload_type": 96, "first": 0.0, "packets": [[0, 1, 0, 9, 0, 120], [20, 2, 960, 9, 0, 120], [900, 3, 1920, 9, 0, 120], [900, 4, 2880, 9, 0, 120], [900, 5, 43200, 9, 0, 120]]}
    Okay:
        rtp.packets {"direction": "received", "ssrc": 2, "payload_type": 96, "first": 0.0, "packets": [[0, 1, 0, 9, 0, 3], [500, 2, 48000, 9, 0, 3], [1600, 3, 146400, 9, 0, 3]]}
    Fail:
        rtp.packets {"direction": "received", "ssrc": 2, "payload_type": 96, "first": 0.0, "packets": [[0, 1, 0, 9, 0, 3], [500, 2, 48000, 9, 0, 3], [1600, 3, 151200, 9, 0, 3]]}
    Okay:
        rtp.packets {"direction": "received", "ssrc": 2, "payload_type": 96, "first": 0.0, "packets": [[0, 1, 0, 9, 0, 3], [950, 2, 96000, 9, 0, 3]]}
    Fail:
        rtp.packets {"direction": "received", "ssrc": 2, "payload_type": 96, "first": 0.0, "packets": [[0, 1, 0, 9, 0, 3], [50, 2, 76800, 9, 0, 3], [100, 3, 153600, 9, 0, 3]]}
    Fail:
        rtp.packets {"direction": "received", "ssrc": 2, "payload_type": 96, "first": 0.0, "packets": [[0, 1, 0, 9, 0, 3], [1050, 2, 100800, 9, 0, 3]]}
    Okay:
        rtp.packets {"direction": "received", "ssrc": 2, "payload_type": 96, "first": 0.0, "packets": [[0, 1, 0, 9, 0, 3], [1500, 2, 172800, 9, 0, 3]]}
    Fail:
        rtp.packets {"direction": "received", "ssrc": 2, "payload_type": 96, "first": 0.0, "packets": [[0, 1, 0, 9, 0, 3], [1500, 2, 163200, 9, 0, 3]]}
    """
    limit = AHEAD_SECONDS + slack(view)
    for stream in sent_by(view, "service"):
        last: Packet | None = None
        began = ahead = media = base = 0.0
        for entry, chunk in stream:
            worst = 0.0
            for packet in chunk:
                step = distance(last.timestamp, packet.timestamp, TIMESTAMPS) / SAMPLE_RATE if last else math.inf
                if last is None or abs(step - (packet.t - last.t)) > RESTART_SECONDS:
                    began, media, base = packet.t, 0.0, 0.0
                else:
                    media += step
                    ahead = media - (packet.t - began)
                    base = min(max(base, ahead), limit) if packet.t - began <= FIRST_SECONDS else base
                    worst = max(worst, ahead - base)
                last = packet
            if chunk:
                yield judged(entry, worst <= limit, f"at most {limit:g} s ahead", f"{worst:.1f} s ahead")


@rule(
    "MED-10",
    "each side keeps its SSRC",
    who=BOTH,
    severity=SHOULD,
    confidence="D",
    source=rfc(3550, "8"),
)
def one_ssrc(view: View) -> Iterator[Observation]:
    """One source, one SSRC for the whole call; a new one restarts the jitter buffer and sounds like a click or a gap.

    Okay:
        rtp.packets {"direction": "sent", "ssrc": 1, "payload_type": 96, "first": 0.0, "packets": [[0, 1, 960, 3, 0, 248]]}
        rtp.packets {"direction": "received", "ssrc": 2, "payload_type": 96, "first": 0.0, "packets": [[0, 1, 960, 3, 0, 248]]}
    Fail:
        rtp.packets {"direction": "received", "ssrc": 2, "payload_type": 96, "first": 0.0, "packets": [[0, 1, 960, 3, 0, 248]]}
        rtp.packets {"direction": "received", "ssrc": 3, "payload_type": 96, "first": 1.0, "packets": [[0, 9, 960, 3, 0, 248]]}
    """
    first: dict[str, Any] = {}
    for (direction, ssrc), stream in streams(view).items():
        kept = first.setdefault(direction, ssrc)
        yield judged(stream[0][0], ssrc == kept, f"SSRC {kept} throughout", f"SSRC {ssrc}")


@rule(
    "TURN-12",
    "the client keeps sending RTP in silence",
    who=CLIENT,
    severity=SHOULD,
    confidence="O",
    source=issue("bielcarpi/hermes-live-voice#55"),
)
def keeps_sending(view: View) -> Iterator[Observation]:
    """Turn detection counts silence in the audio it gets: where nothing comes, the end of the turn never does.

    Also judged is how long the client lived on behind its last packet: until its last event, report or hang-up. Send silence, or comfort noise, for as long as the call stands. Do not stop the track between utterances.

    Okay:
        rtp.packets {"direction": "sent", "ssrc": 1, "payload_type": 96, "first": 0.0, "packets": [[0, 1, 0, 3, 0, 248], [950, 2, 45600, 3, 0, 248]]}
        +2.9s
        rtp.rtcp {"direction": "sent", "types": ["RR"]}
    Fail:
        rtp.packets {"direction": "sent", "ssrc": 1, "payload_type": 96, "first": 0.0, "packets": [[0, 1, 0, 3, 0, 248], [1050, 2, 50400, 3, 0, 248]]}
    Fail:
        rtp.packets {"direction": "sent", "ssrc": 1, "payload_type": 96, "first": 0.0, "packets": [[0, 1, 0, 3, 0, 248], [20, 2, 960, 3, 0, 248]]}
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
