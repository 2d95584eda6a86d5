"""Causes on the way between two ends that are both well: packets that are lost, in one direction, for a while, or all along."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from harness.diagnosis.base import Case, Evidence, cause
from harness.protocol.opus import SAMPLE_RATE
from harness.rules.support.disturbance import RETRANSMISSIONS
from harness.rules.support.fields import listing, mapping, number, text
from harness.rules.support.packets import SEQUENCES, TIMESTAMPS, Packet, distance, packets, sent_by
from harness.rules.support.reception import reception
from harness.rules.support.sources import MS_WEBRTC, OWN, rfc
from harness.trace import Entry

# A hole in the audio of this many seconds is heard as the end of a call; shorter ones are loss.
_HOLE = 1.0
# So much of a hole may the timestamps leave unexplained, as a share of it: a sender that paused has not lost what it never sent.
_ACCOUNTED = 0.5
# Opus conceals a few percent (RFC 6716 section 4.4); a tenth is heard, and holds up the data channel.
_LOSS_PERCENT = 10.0
_LOSS_LEAST = 25
# Both ends report about every five seconds, and the first time after half of that (RFC 3550 section 6.2).
_REPORTING = 4.0


def on_purpose(case: Case) -> str:
    """That the harness did it, and what, in words; empty where it left the network alone."""
    done = [entry for entry in case.trace.of("connection.disturbed") if entry.data.get("conditions")]
    if not done:
        return ""
    return f"The harness disturbs the network on purpose: {'; then '.join(_told(entry) for entry in done)}."


def _told(entry: Entry) -> str:
    told = text(entry.data, "text")
    return told.partition(": ")[2] or told


def _joined(*parts: str) -> str:
    return " ".join(part for part in parts if part)


@cause(
    "network-disturbed",
    "The network trouble that was asked for broke the call.",
    rank=500,
    fix="That is what the run was to show; for a call that survives choose a milder network, or none.",
    source=OWN,
    tell=lambda case: _joined(on_purpose(case), _darkness(case)),
)
def network_disturbed(case: Case) -> Evidence:
    """The harness itself disturbed the network (--network, network:), and the channel never opened or ICE lost the other end.

    A connection that the service closed was closed by the service, on a bad network too.
    """
    return case.trace.of("connection.disturbed") if case.never_opened() or (case.lost() and _given_up(case)) else []


def _darkness(case: Case) -> str:
    """The last blackout, or the cut-off, of the harness."""
    changes = [entry for entry in case.trace.of("connection.disturbed") if entry.data.get("blackout")]
    words = {"ended": "The last blackout ended at", "cut-off": "It was cut off at"}
    return (
        f"{words.get(text(changes[-1].data, 'blackout'), 'It went dark at')} {changes[-1].t:.1f} s." if changes else ""
    )


def _given_up(case: Case) -> list[Entry]:
    return [entry for entry in case.trace.of("connection.ice") if entry.data.get("state") == "failed"]


@cause(
    "consent-expired",
    "The service stopped answering in the middle of the session, and ICE gave the connection up after half a minute.",
    rank=505,
    fix="The network went away, or the service's process did without a word: look at its log at that time. A NAT or firewall that forgets an idle mapping looks the same: keep the audio running in silence.",
    source=rfc(7675, "5.1"),
    tell=lambda case: _last_sign(case),
)
def consent_expired(case: Case) -> Evidence:
    """The call was lost, ICE has failed, and the harness left the network alone."""
    if not case.lost() or not _given_up(case) or on_purpose(case):
        return []
    return [*_signs(case)[-1:], *_given_up(case)[-1:]]


def _signs(case: Case) -> list[Entry]:
    """What shows that the service was there: its packets, reports and events."""
    planes = ("rtp.packets", "rtp.rtcp", "event.received" if case.trace.header.observer == "client" else "event.sent")
    return [entry for entry in case.trace.of(*planes) if case.trace.sender(entry) == "service"]


def _last_sign(case: Case) -> str:
    signs = _signs(case)
    return f"The last sign of it came at {max(map(_end, signs)):.1f} s." if signs else ""


def _end(entry: Entry) -> float:
    """When the last thing in an entry happened: packets are written down by the second."""
    last = packets(entry)[-1:] if entry.kind == "rtp.packets" else []
    return last[0].t if last else entry.t


@cause(
    "caller-audio-lost",
    "None of the caller's audio reaches the service, although it is sent: one-way audio.",
    rank=510,
    fix="Let UDP out as well as in: a firewall or NAT drops what leaves, or the caller sends to another address than ICE chose. The service's receiver reports say what arrives.",
    source=f"{rfc(3550, '6.4')}; {MS_WEBRTC}",
    tell=on_purpose,
)
def caller_audio_lost(case: Case) -> Evidence:
    """A turn or an answer was waited for, the caller's RTP is recorded, and no RTCP of the service has a report about it."""
    if not case.waited_for(r"^input_audio_buffer\.|^response\.|^output_audio_buffer\.|in the received audio"):
        return []
    sent = [one for one in case.trace.of("rtp.packets") if case.trace.sender(one) == "client"]
    told = [one for one in case.trace.of("rtp.rtcp") if case.trace.sender(one) == "service" and "reports" in one.data]
    if (
        not sent
        or not told
        or told[-1].t - (number(sent[0].data, "first") or 0.0) < _REPORTING
        or case.server(_STARTED)
    ):
        return []
    ours = {number(one.data, "ssrc") for one in sent}
    heard = any(number(block, "ssrc") in ours for one in told for block in listing(one.data, "reports"))
    return [] if heard else [sent[-1], told[-1]]


_STARTED = "input_audio_buffer.speech_started"


@cause(
    "network-blackout",
    "Nothing came through for a while:",
    rank=515,
    fix="Look at the network at that time (a change of access point, a tunnel, a router that restarts); what was sent meanwhile on the data channel arrives when it is back, the audio is lost.",
    source=f"{rfc(3550, 'A.1')}; {OWN}",
    tell=lambda case: _joined(
        ", ".join(_span(since, until) for _, since, until in _holes(case)) + ".", on_purpose(case)
    ),
)
def network_blackout(case: Case) -> Evidence:
    """A step was missed around a second or more in which the service's audio was sent (its numbers go on) and did not arrive, or after the last sign of the service."""
    if case.failed_call or not case.missed or case.errors():
        return []
    return [entry for entry, *_ in _holes(case)]


def _span(since: float, until: float | None) -> str:
    return f"from {since:.1f} s on" if until is None else f"from {since:.1f} s to {until:.1f} s"


def _holes(case: Case) -> list[tuple[Entry, float, float | None]]:
    """The holes that touch a missed step, or come to an end shortly before it."""
    begun = {number(entry.data, "step"): entry.t for entry in case.trace.of("step.started")}
    waits = [(begun.get(number(entry.data, "step"), entry.t), entry.t) for entry in case.missed]
    return [
        (entry, since, until)
        for entry, since, until in _all_holes(case)
        if any(since <= to and (until is None or 2 * until - since + RETRANSMISSIONS >= start) for start, to in waits)
    ]


def _all_holes(case: Case) -> Iterator[tuple[Entry, float, float | None]]:
    came = _packets(case)
    for (_, before), (entry, after) in pairwise(came):
        missing = distance(before.sequence, after.sequence, SEQUENCES)
        media = distance(before.timestamp, after.timestamp, TIMESTAMPS) / SAMPLE_RATE
        gap = after.t - before.t
        if gap >= _HOLE and missing > _LOSS_LEAST and abs(media - gap) < gap * _ACCOUNTED:
            yield entry, before.t, after.t
    silent_since = max(map(_end, _signs(case)), default=0.0)
    if (
        len(came) > _LOSS_LEAST
        and silent_since - came[-1][1].t < _HOLE
        and _stood_until(case) - silent_since >= 2 * _HOLE
    ):
        yield came[-1][0], silent_since, None


def _stood_until(case: Case) -> float:
    """When the call was ended by one of the two, or else the recording."""
    over = [one for one in case.trace.of("http.request") if one.data.get("step") == "hangup"]
    return min([one.t for one in (*over, *case.trace.of("channel.closed"))], default=case.trace.seconds)


def _packets(case: Case) -> list[tuple[Entry, Packet]]:
    """What came of the other end's last stream."""
    streams = list(sent_by(case.view, "service" if case.trace.header.observer == "client" else "client"))
    return [(entry, packet) for entry, some in (streams[-1] if streams else ()) for packet in some]


@cause(
    "packet-loss",
    "Too many packets are lost on the way:",
    rank=520,
    fix="Look at the network between the two ends (Wi-Fi, a full uplink, a shaper): a tenth of the audio lost is heard, and each lost message of the data channel comes a second or more late.",
    source=f"{rfc(3550, '6.4.1')}; {OWN}",
    tell=lambda case: _joined(" and ".join(words for _, words in _losses(case)) + ".", on_purpose(case)),
)
def packet_loss(case: Case) -> Evidence:
    """A step was missed, and a tenth or more of the packets of one direction never arrived: by their numbers, or by the other end's reports."""
    if case.failed_call or not case.missed or case.errors() or case.broken("MED-02") or _holes(case):
        return []
    return [entry for entry, _ in _losses(case)]


def _losses(case: Case) -> Iterator[tuple[Entry, str]]:
    """The loss in each direction, blackouts aside, with the entry that shows it last."""
    came, holes = _packets(case), [since for _, since, _ in _all_holes(case)]
    stretches: list[list[Packet]] = [[]]
    for _, packet in came:
        stretches[-1].append(packet)
        if packet.t in holes:
            stretches.append([])
    measured = reception(stretches)
    if measured["loss_percent"] >= _LOSS_PERCENT and measured["lost"] >= _LOSS_LEAST:
        yield came[-1][0], f"{measured['loss_percent']:g} % of what was received"
    told = [
        (entry, mapping(block))
        for entry in case.trace.of("rtp.rtcp")
        if entry.data.get("direction") == "received"
        for block in listing(entry.data, "reports")
    ]
    sent = sum(len(packets(entry)) for entry in case.trace.of("rtp.packets") if entry.data.get("direction") == "sent")
    lost = max((number(block, "lost") or 0.0 for _, block in told), default=0.0)
    if sent and not holes and lost >= _LOSS_LEAST and 100 * lost / sent >= _LOSS_PERCENT:
        yield told[-1][0], f"{100 * lost / sent:.1f} % of what was sent, by the other end's reports"
