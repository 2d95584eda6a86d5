"""MED: neither faster nor slower than real time, nor from more than one source."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from harness.protocol.opus import SAMPLE_RATE, toc_samples
from harness.rules.base import BOTH, CLIENT, DOCUMENTED, INFERRED, SHOULD, Observation, View, judged
from harness.rules.media import FAMILY
from harness.rules.support.disturbance import slack
from harness.rules.support.packets import SEQUENCES, TIMESTAMPS, Packet, distance, sent_by, streams
from harness.rules.support.sources import OWN, rfc

BURST_MS = 200.0  # own policy: more than a jitter buffer absorbs
AHEAD_SECONDS = (
    1.0  # what a jitter buffer holds at most (200 to 500 ms), and as much again for a network that is slow at first
)
FIRST_SECONDS = 1.0  # a first packet that came late makes what follows it look early: so far ahead a stream may begin
SLOWEST = 0.75  # seconds of media in a second: own policy, less than any clock is off
WINDOW = 1.0  # seconds over which media is counted: many packets, and less than a listener forgives
SLOW_SECONDS = 3  # on end: a stall and what it holds back are over sooner
FEWEST = 10  # packets in a second: fewer are no stream but what is left of one
RESTART_SECONDS = 2.0  # timestamps that jump by more have been set anew


@FAMILY.rule("09", SHOULD, INFERRED, OWN, who=CLIENT)
def no_burst(view: View) -> Iterator[Observation]:
    """the client sends no faster than real time

    Media that arrives faster than it plays overruns the jitter buffer: words are dropped or squeezed.

    At most 200 ms of media may come ahead of the clock. Pace packets by the media clock.

    Okay:
        packets sent 1 0:1:0 20:2:960 40:3:11040
    Fail:
        packets sent 1 0:1:0 20:2:960 40:3:12000
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


@FAMILY.rule("17", SHOULD, INFERRED, OWN)
def no_rush(view: View) -> Iterator[Observation]:
    """the service sends no faster than real time

    Audio that comes faster than it plays piles up: the listener's buffer throws words away, and nothing can be interrupted in time.

    Media may run ahead of its own first second by one second at most, and of the clock by two. What the network held back and then
    delivered at once is not ahead of anything. Pace packets by the media clock; the output buffer belongs into the service.

    Okay:
        packets received 2 0:1:0:9:0:120 20:2:960 900:3:1920 900:4:2880 900:5:43200
    Okay:
        packets received 2 0:1:0:9:0:3 500:2:48000 1600:3:146400
    Fail:
        packets received 2 0:1:0:9:0:3 500:2:48000 1600:3:151200
    Okay:
        packets received 2 0:1:0:9:0:3 950:2:96000
    Fail:
        packets received 2 0:1:0:9:0:3 50:2:76800 100:3:153600
    Fail:
        packets received 2 0:1:0:9:0:3 1050:2:100800
    Okay:
        packets received 2 0:1:0:9:0:3 1500:2:172800
    Fail:
        packets received 2 0:1:0:9:0:3 1500:2:163200
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


@FAMILY.rule("25", SHOULD, INFERRED, OWN)
def no_drag(view: View) -> Iterator[Observation]:
    """the service sends no slower than real time

    Audio that comes slower than it plays leaves a hole behind each packet: the listener hears a stutter, or words drawn out.

    Three seconds on end, each with at least ten packets, in which less than three quarters of a second of media came. A pause in which
    nothing is sent is none of them. Send a packet of 20 ms every 20 ms.

    Okay:
        packets received 2 20ms*250
    Fail:
        packets received 2 40ms*76
    Okay:
        packets received 2 26ms*193
    Fail:
        packets received 2 28ms*179
    Okay:
        packets received 2 40ms*74
    Okay:
        packets received 2 125ms*41
    Fail:
        packets received 2 88ms*57
    """
    limit = SLOW_SECONDS + slack(view)
    for stream in sent_by(view, "service"):
        start: Packet | None = None
        packets = slow = 0
        rate = SLOWEST
        for entry, chunk in stream:
            worst = 0
            for packet in chunk:
                packets += 1
                if start is None or packet.t - start.t < WINDOW:
                    start = start or packet
                    continue
                # Timestamps may count wrongly (MED-11), and packets may be left out in a pause: what shows more media is believed.
                numbers = distance(start.sequence, packet.sequence, SEQUENCES) * (toc_samples(packet.toc) or 0)
                media = max(numbers, distance(start.timestamp, packet.timestamp, TIMESTAMPS))
                rate = media / SAMPLE_RATE / (packet.t - start.t)
                slow = slow + 1 if packets >= FEWEST and 0 < rate < SLOWEST else 0
                worst = max(worst, slow)
                start, packets = packet, 0
            if chunk:
                yield judged(
                    entry, worst < limit, f"at least {SLOWEST:g} s of media a second", f"{rate:.2f} s a second"
                )


@FAMILY.rule("10", SHOULD, DOCUMENTED, rfc(3550, "8"), who=BOTH, by_sender=True)
def one_ssrc(view: View) -> Iterator[Observation]:
    """each side keeps its SSRC

    One source, one SSRC for the whole call; a new one restarts the jitter buffer and sounds like a click or a gap.

    Okay:
        packets sent 1 0:1:960
        packets received 2 0:1:960
    Fail:
        packets received 2 0:1:960
        packets received 3 0:9:960 {"first": 1.0}
    """
    first: dict[str, Any] = {}
    for (direction, ssrc), stream in streams(view).items():
        kept = first.setdefault(direction, ssrc)
        yield judged(stream[0][0], ssrc == kept, f"SSRC {kept} throughout", f"SSRC {ssrc}")
