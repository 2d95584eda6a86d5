"""MED: the RTP stream itself: payload type, sequence, timestamps, durations, RTCP."""

from __future__ import annotations

from collections.abc import Iterator

from harness.protocol.opus import LONGEST, SAMPLE_RATE, SHORTEST, frame_count, toc_samples
from harness.protocol.sdp import parse
from harness.rules.base import BOTH, DOCUMENTED, MUST, SHOULD, Observation, View, bad, good, judged
from harness.rules.media import FAMILY
from harness.rules.support.disturbance import slack
from harness.rules.support.fields import index, listing, text
from harness.rules.support.packets import SEQUENCES, TIMESTAMPS, Packet, distance, streams
from harness.rules.support.sources import rfc
from harness.trace import Entry

REORDER = 100  # packets: a late packet is still in order within two seconds of 20 ms packets
JUMP = 1000  # packets: RFC 3550 appendix A.1 takes larger gaps (MAX_DROPOUT 3000) for a restart; loss is far smaller
_MOST_A_SECOND = 400  # packets of 2.5 ms
MARKED = 1.0  # seconds: own policy, twice what a jitter buffer holds
PAUSED = 0.5  # share of a pause in the timestamps that must have passed: jitter buffers and bursts shorten it
RTCP_SECONDS = 10.0  # RFC 3550 section 6.2: reports at least every 5 s; twice that for the first ones


def _audio_types(view: View) -> tuple[set[int], set[int]]:
    """Payload types of the answer, and of the offer where the answer kept them: those of Opus, and those of other codecs."""
    opus: set[int] = set()
    others: set[int] = set()
    for kind in ("sdp.answer", "sdp.offer"):
        for entry in view.trace.of(kind)[-1:]:
            for media in parse(text(entry.data, "sdp")).of("audio"):
                for pt, codec in media.rtpmaps.items():
                    (opus if codec.name.lower() == "opus" else others).add(pt)
    return opus, others - opus


@FAMILY.rule("01", MUST, DOCUMENTED, rfc(3550, "5.1"), "RFC 3264 section 6.1", who=BOTH, by_sender=True)
def payload_type(view: View) -> Iterator[Observation]:
    """RTP carries the negotiated Opus payload type

    A receiver must ignore packets with payload types it does not understand; a number from another call is silence.

    Take the payload type from the remote description of this call. Another codec that was negotiated (telephone-event, comfort
    noise) is not judged.

    Okay:
        answer
        packets sent 1 0:1:960
    Fail:
        answer
        packets sent 1 0:1:960 {"payload_type": 111}
    Unseen:
        sdp.answer {"sdp": "v=0\\r\\nm=audio 9 UDP/TLS/RTP/SAVPF 96 110\\r\\na=rtpmap:96 opus/48000/2\\r\\na=rtpmap:110
            telephone-event/48000\\r\\n"}
        packets sent 1 0:1:960 {"payload_type": 110}
    """
    opus, others = _audio_types(view)
    for entry in view.trace.of("rtp.packets") if opus else ():
        seen = index(entry.data, "payload_type")
        if seen in others:
            continue
        yield judged(entry, seen in opus, [f"payload type {pt}" for pt in sorted(opus)], f"payload type {seen}")


@FAMILY.rule("02", MUST, DOCUMENTED, rfc(3550, "5.1"), who=BOTH, by_sender=True)
def sequence(view: View) -> Iterator[Observation]:
    """sequence numbers go up by one

    The sequence number increments by one for each packet sent; loss and reordering by the network are no fault.

    A failure is what no network does: a number used twice, a jump of more than a thousand at once, a step back
    beyond any reordering, and numbers left out while the timestamps show that nothing was lost.

    Okay:
        packets received 1 0:65535:960 20:0:1920 60:2:3840 61:1:2880
    Fail:
        packets received 1 0:7:960 20:7:1920
    Fail:
        packets received 1 0:7:960 20:1017:970560
    Fail:
        packets received 1 0:7:960 20:9:1920
    Okay:
        packets received 1 0:7:960 20:1007:960960
    Okay:
        packets received 1 0:7:960 10000:4997:4791360
    Fail:
        packets received 1 0:7:960 10000:5017:4810560
    Okay:
        packets received 1 0:50:48000 2120:156:149760 2140:56:53760
    Fail:
        packets received 1 0:50:48000 2120:156:149760 2140:55:52800
    """
    jump = JUMP + slack(view) * _MOST_A_SECOND
    for stream in streams(view).values():
        highest: Packet | None = None
        seen: set[int] = set()
        reached = 0  # the highest number, counted on where the 16 bits begin anew
        for entry, chunk in stream:
            wrong = ""
            for packet in chunk:
                step = distance(highest.sequence, packet.sequence, SEQUENCES) if highest else 0
                if highest is not None:
                    missed = (packet.t - highest.t) * _MOST_A_SECOND
                    astray = step > jump + missed or -step > REORDER
                    wrong = wrong or _sequence_fault(highest, packet, step, reached + step in seen, astray)
                    if astray:
                        seen.clear()
                seen.add(reached + step)
                if highest is None or step > 0 or astray:
                    highest, reached = packet, reached + step
            if chunk:
                yield judged(entry, not wrong, "the last number plus one (loss and reordering aside)", wrong)


def _sequence_fault(last: Packet, packet: Packet, step: int, used: bool, astray: bool) -> str:
    if used:
        return f"{packet.sequence} twice"
    if astray:
        return f"{last.sequence} -> {packet.sequence}"
    duration = toc_samples(last.toc)
    passed = distance(last.timestamp, packet.timestamp, TIMESTAMPS)
    if step > 1 and duration is not None and duration == toc_samples(packet.toc) and 0 < passed < step * duration:
        return f"{last.sequence} -> {packet.sequence} while the timestamp shows {passed / duration:g} packet(s)"
    return ""


def _steps(view: View) -> Iterator[tuple[Entry, Packet, Packet]]:
    """Each packet that directly follows another by its sequence number, with the entry it stands in."""
    for stream in streams(view).values():
        last: Packet | None = None
        for entry, chunk in stream:
            for packet in chunk:
                if last is not None and distance(last.sequence, packet.sequence, SEQUENCES) == 1:
                    yield entry, last, packet
                last = packet


def _per_entry(view: View, faults: list[tuple[Entry, str]], expected: str) -> Iterator[Observation]:
    """One observation for each rtp.packets entry: its first fault, or none."""
    found: dict[int, str] = {}
    for entry, fault in faults:
        found.setdefault(entry.seq, fault)
    for entry in view.trace.of("rtp.packets"):
        if listing(entry.data, "packets"):
            yield judged(entry, entry.seq not in found, expected, found.get(entry.seq, ""))


@FAMILY.rule("03", MUST, DOCUMENTED, rfc(7587, "4.1"), who=BOTH, by_sender=True)
def timestamp_clock(view: View) -> Iterator[Observation]:
    """timestamps count samples at 48 kHz

    The RTP clock of Opus is 48000 Hz at every audio bandwidth, so that every step is a multiple of 120 (2.5 ms).

    A step of 480 for 20 ms means a 24 kHz clock: the listener hears it at the wrong speed or drops it.

    Okay:
        packets sent 1 0:1:4294966336 20:2:0
    Fail:
        packets sent 1 0:1:960 20:2:1842
    """
    faults = [
        (entry, f"a step of {step}")
        for entry, last, packet in _steps(view)
        if (step := distance(last.timestamp, packet.timestamp, TIMESTAMPS)) % SHORTEST
    ]
    yield from _per_entry(view, faults, f"steps in multiples of {SHORTEST}")


@FAMILY.rule("04", MUST, DOCUMENTED, rfc(7587, "4.2"), "RFC 6716 section 3.2.5", who=BOTH, by_sender=True)
def duration(view: View) -> Iterator[Observation]:
    """a packet covers between 2.5 and 120 ms

    The TOC byte fixes the length of the frames; several frames may make up to 120 ms, and there must be at least one.

    Only the TOC byte is in the trace: a packet of code 3 without its count of frames, and packets whose timestamps claim
    more than 120 ms while they follow each other faster, are what can be seen.

    Okay:
        packets received 1 0:1:960:90:0:120 20:2:1920
    Fail:
        packets received 1 0:1:960:1:0:251
    Fail:
        packets received 1 0:1:0:90:0:120 20:2:9600 40:3:19200
    """
    faults = []
    for stream in streams(view).values():
        for entry, chunk in stream:
            faults += [
                (entry, f"packet {packet.sequence} of code 3 has no frame count")
                for packet in chunk
                if packet.toc >= 0 and frame_count(packet.toc) is None and packet.size < 2
            ]
    for entry, last, packet in _steps(view):
        step = distance(last.timestamp, packet.timestamp, TIMESTAMPS)
        # A pause of discontinuous transmission takes as long as it says; a packet too long does not.
        if step > LONGEST and (packet.t - last.t) * SAMPLE_RATE < LONGEST and not packet.marker:
            faults.append((entry, f"{step / 48:g} ms after {(packet.t - last.t) * 1000:.0f} ms"))
    yield from _per_entry(view, faults, "2.5 to 120 ms")


@FAMILY.rule("05", SHOULD, DOCUMENTED, rfc(5761, "5"), "RFC 8834 section 4.1", who=BOTH)
def rtcp(view: View) -> Iterator[Observation]:
    """RTCP reports arrive beside the RTP

    Both sides send sender or receiver reports, multiplexed with the media; without them nobody sees loss and jitter.

    Judged once media has flowed for ten seconds.

    Okay:
        packets sent 1 0:1:960
        rtp.rtcp {"direction": "sent", "types": ["SR", "SDES"]}
        rtp.rtcp {"direction": "received", "types": ["RR", "SDES"]}
    Okay:
        packets sent 1 0:1:960
        rtp.rtcp {"direction": "sent", "types": ["SR", "SDES"]}
        +9.9s
        packets sent 1 0:496:476160 {"first": 9.9}
    Fail:
        packets sent 1 0:1:960
        rtp.rtcp {"direction": "sent", "types": ["SR", "SDES"]}
        +10.1s
        packets sent 1 0:506:485760 {"first": 10.1}
    """
    media = view.trace.of("rtp.packets")
    if not media:
        return
    for direction in ("sent", "received"):
        reports = [
            entry
            for entry in view.trace.of("rtp.rtcp")
            if entry.data.get("direction") == direction and {"SR", "RR"} & set(map(str, listing(entry.data, "types")))
        ]
        if reports:
            yield good(reports[0])
        elif media[-1].t - media[0].t >= RTCP_SECONDS + slack(view):
            yield bad(media[-1], f"SR or RR {direction}", f"none in {media[-1].t - media[0].t:.0f} s of media")


@FAMILY.rule("06", MUST, DOCUMENTED, rfc(6716, "3"), who=BOTH, by_sender=True)
def decodes(view: View) -> Iterator[Observation]:
    """every Opus packet decodes

    A well-formed packet has at least one byte, the TOC, and decodes.

    An undecodable packet is 20 ms of noise or silence. Send what the encoder produced, unchanged and not empty.

    Okay:
        packets received 1 0:1:960
    Fail:
        rtp.packets {"direction": "received", "ssrc": 1, "payload_type": 96, "first": 0.0,
            "packets": [[0, 1, 960, 0, 0, -1]]}
    Fail:
        audio.undecodable {"direction": "received", "sequence": 4, "size": 17}
    """
    for stream in streams(view).values():
        for entry, chunk in stream:
            empty = [packet.sequence for packet in chunk if packet.toc < 0]
            yield judged(entry, not empty, "at least the TOC byte", f"packet {empty[0]} is empty" if empty else "")
    for entry in view.trace.of("audio.undecodable"):
        yield bad(
            entry, "a packet that decodes", f"packet {entry.data.get('sequence')}, {entry.data.get('size')} bytes"
        )


@FAMILY.rule("11", SHOULD, DOCUMENTED, rfc(7587, "4.2"), who=BOTH, by_sender=True)
def timestamp_step(view: View) -> Iterator[Observation]:
    """timestamps advance by the duration of the packet

    960 for a packet of 20 ms. More is right only for a pause in transmission, which then takes that long.

    The first packet behind a pause (with a marker) may be late or early by a second, for nobody knows how its sender kept time until then.

    Okay:
        packets sent 1 0:1:0 20:2:960 420:3:20160:3:1
    Okay:
        packets sent 1 0:1:0 210:2:19200
    Fail:
        packets sent 1 0:1:0 190:2:19200
    Fail:
        packets sent 1 0:1:0 20:2:480
    Okay:
        packets sent 1 0:1:0 20:2:48960:3:1
    Fail:
        packets sent 1 0:1:0 20:2:50000:3:1
    """
    faults = []
    for entry, last, packet in _steps(view):
        expected = toc_samples(last.toc)
        step = distance(last.timestamp, packet.timestamp, TIMESTAMPS)
        if expected is None or step == expected:
            continue
        waited = (packet.t - last.t) * SAMPLE_RATE
        early = waited < step - MARKED * SAMPLE_RATE if packet.marker else waited < step * PAUSED
        if step < expected or early:
            faults.append((entry, f"a step of {step} after a packet of {expected}"))
    yield from _per_entry(view, faults, "a step as long as the packet, or a pause")
