"""Causes on the way between two ends that are both well: each from a recording, and each from a call that meets it."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from harness.diagnosis import CAUSES
from harness.judging.recording import result_of
from harness.judging.results import Result
from harness.running.jobs import Job
from harness.running.runner import run_job
from harness.scenario.loader import loads
from harness.trace import Trace
from tests.diagnosis.cases import Cases, Row, error_event, failed, missed, names, never_opened, packets, session
from tests.limits import Limit
from tests.traces import SET_UP

CHECKING = (0.5, "connection.ice", {"state": "checking"})
TOLD = "the harness disturbs the network: loss 5 %"
DISTURBED: Row = (0.01, "connection.disturbed", {"text": TOLD, "conditions": {"loss": 0.05}})
HEARING = "500 ms of speech in the received audio within 5 s"


def stream(direction: str, *spans: tuple[float, float], every: int = 1) -> Row:
    """RTP of 20 ms whose numbers go on while it is not recorded, in these spans of time; ``every`` so many of them came."""
    numbers = [n for since, until in spans for n in range(round(since * 50), round(until * 50))][::every]
    listed = [[(n - numbers[0]) * 20, n, 960 * n, 3, 0, 248] for n in numbers]
    data = {
        "direction": direction,
        "ssrc": 1 if direction == "sent" else 2,
        "payload_type": 96,
        "first": numbers[0] / 50,
    }
    return (numbers[-1] / 50, "rtp.packets", {**data, "packets": listed})


def report(t: float, *blocks: dict[str, Any]) -> Row:
    return (t, "rtp.rtcp", {"direction": "received", "types": ["SR", "SDES"], "ssrc": 2, "reports": list(blocks)})


def step(t: float, number: int = 1) -> Row:
    return (t, "step.started", {"step": number, "word": "hear", "text": HEARING})


CASES: Cases = {
    "network-disturbed": lambda: never_opened(DISTURBED, CHECKING),
    "consent-expired": lambda: failed(
        *SET_UP,
        stream("received", (0.1, 2.0)),
        (32.0, "connection.ice", {"state": "failed"}),
        error="ConnectionLost",
        step="session",
    ),
    "caller-audio-lost": lambda: session(
        stream("sent", (0.1, 8.0)), report(2.5), report(7.5), missed("input_audio_buffer.committed within 5 s")
    ),
    "network-blackout": lambda: session(
        step(3.0), stream("received", (0.1, 4.0), (7.0, 9.0)), missed(HEARING, "100 ms of speech")
    ),
    "packet-loss": lambda: session(step(3.0), stream("received", (0.1, 9.0), every=2), missed(HEARING, "no speech")),
    "no-rtp-received": lambda: session(packets("sent", 0.1, 3.0), missed(HEARING, "no speech")),
    "network-may-explain": lambda: session(DISTURBED, missed("response.done within 5 s")),
}


@pytest.mark.parametrize("name", CASES)
def test_cause_stands_first_with_its_evidence(name: str) -> None:
    found = CASES[name]().diagnose()
    assert [one.id for one in found][:1] == [name]
    assert found[0].evidence
    assert found[0].cause.startswith(CAUSES[name].cause)


def test_a_hole_is_told_with_its_times_and_who_made_it() -> None:
    (found,) = CASES["network-blackout"]().diagnose()
    assert found.cause == "Nothing came through for a while: from 4.0 s to 7.0 s."
    broken = session(DISTURBED, step(3.0), stream("received", (0.1, 4.0), (7.0, 9.0)), missed(HEARING))
    assert broken.diagnose()[0].cause == (
        "Nothing came through for a while: from 4.0 s to 7.0 s. The harness disturbs the network on purpose: loss 5 %."
    )


def test_silence_of_everything_until_the_end_is_a_hole_too() -> None:
    gone = session(step(3.0), stream("received", (0.1, 4.0)), missed(HEARING))
    assert gone.diagnose()[0].cause == "Nothing came through for a while: from 4.0 s on."
    alive = session(step(3.0), stream("received", (0.1, 4.0)), report(8.0), missed(HEARING))
    assert "network-blackout" not in [one.id for one in alive.diagnose()]


@pytest.mark.parametrize(
    "rows",
    [
        # The sender paused: its numbers do not go on.
        [
            step(3.0),
            packets("received", *(0.02 * n for n in range(100)), *(5 + 0.02 * n for n in range(200))),
            missed(HEARING),
        ],
        # The hole was over long before the step.
        [stream("received", (0.1, 1.0), (2.5, 30.0)), step(20.0), (30.0, *missed(HEARING)[1:])],
        # Nothing was missed.
        [stream("received", (0.1, 4.0), (7.0, 9.0)), error_event("server_error")],
        # The service told why.
        [step(3.0), stream("received", (0.1, 4.0), (7.0, 9.0)), error_event("server_error"), missed(HEARING)],
    ],
    ids=["pause", "before", "nothing missed", "error told"],
)
def test_what_is_no_blackout(rows: list[Row]) -> None:
    assert "network-blackout" not in [one.id for one in session(*rows).diagnose()]


def test_loss_on_the_way_up_is_known_from_the_other_ends_reports() -> None:
    lost = {"ssrc": 1, "lost": 100, "lost_percent": 25.0, "jitter_ms": 1.0}
    rows = (
        step(1.0),
        stream("sent", (0.1, 8.1)),
        report(5.0, {**lost, "lost": 10}),
        report(8.5, lost),
        missed("response.done within 5 s"),
    )
    assert session(*rows).diagnose()[0].cause == (
        "Too many packets are lost on the way: 25.0 % of what was sent, by the other end's reports."
    )


def test_numbers_that_the_service_leaves_out_are_not_lost_on_the_way() -> None:
    found = session(
        step(3.0), stream("received", (0.1, 9.0), every=2), missed(HEARING), broken={"MED-02": 1}
    ).diagnose()
    assert "packet-loss" not in [one.id for one in found]


@pytest.mark.parametrize(
    "rows",
    [
        [report(2.5), report(7.5, {"ssrc": 1, "lost": 0, "lost_percent": 0.0, "jitter_ms": 0.0})],
        [(7.5, "rtp.rtcp", {"direction": "received", "types": ["SR"], "ssrc": 2})],
        [report(2.0)],
        [],
    ],
    ids=["reported at last", "a recording that does not tell", "too early to tell", "no report at all"],
)
def test_where_reports_do_not_say_that_nothing_arrives_nobody_does(rows: list[Row]) -> None:
    found = session(stream("sent", (0.1, 8.0)), *rows, missed("input_audio_buffer.committed within 5 s")).diagnose()
    assert "caller-audio-lost" not in [one.id for one in found]


def test_a_broken_rule_of_the_service_is_not_put_down_to_the_network() -> None:
    found = session(DISTURBED, missed("response.done within 5 s"), broken={"RSP-03": 1}).diagnose()
    assert [one.id for one in found] == ["rule-broken"]


def came(*numbers: int, every: float = 20) -> Row:
    """Received RTP with these numbers, a packet in so many milliseconds."""
    listed = [[round((n - numbers[0]) * every, 1), n, round(48 * every * n), 3, 0, 248] for n in numbers]
    data = {"direction": "received", "ssrc": 2, "payload_type": 96, "first": numbers[0] * every / 1000}
    return (numbers[-1] * every / 1000, "rtp.packets", {**data, "packets": listed})


def heard_of(cause: str, *rows: Row, begun: float = 3.0, until: float = 9.0) -> bool:
    """Whether ``cause`` is named for a step that was missed."""
    return names(session(step(begun), *rows, missed(HEARING, t=until)), cause)


def limit(name: str, cause: str, expected: bool, *rows: Row, **times: float) -> Limit:
    return Limit(name, partial(heard_of, cause, *rows, **times), expected)


def behind(seconds: float) -> Row:
    """A hole of three seconds in which the timestamps account for so many."""
    direction = {"direction": "received", "ssrc": 2, "payload_type": 96, "first": 0.0}
    rows = [[n * 20, n, n * 960, 3, 0, 248] for n in range(200)]
    after = [[n * 20, n, 199 * 960 + round(seconds * 48000) + (n - 349) * 960, 3, 0, 248] for n in range(349, 450)]
    return (9.0, "rtp.packets", {**direction, "packets": [*rows, *after]})


def reported(lost: int, seconds: float) -> tuple[Row, Row]:
    """Audio that was sent for so long, and the other end's report of what it lacks."""
    block = {"ssrc": 1, "lost": lost, "lost_percent": 9.0, "jitter_ms": 1.0}
    return stream("sent", (0.0, seconds)), report(8.5, block)


def unreported(t: float) -> bool:
    rows = (stream("sent", (0.1, 8.0)), report(t), missed("input_audio_buffer.committed within 5 s"))
    return names(session(*rows), "caller-audio-lost")


def never_came(t: float) -> bool:
    return names(session(packets("sent", 0.1, 1.0), missed(HEARING, t=t)), "no-rtp-received")


CLOSED = "channel.closed"
LIMITS = (
    limit("a hole of a second", "network-blackout", True, stream("received", (0.1, 4.0), (5.02, 9.0))),
    limit("a shorter hole", "network-blackout", False, stream("received", (0.1, 4.0), (4.96, 9.0))),
    limit("two seconds without a sign", "network-blackout", True, stream("received", (0.1, 4.0)), (6.1, CLOSED, {})),
    limit("less than two seconds", "network-blackout", False, stream("received", (0.1, 4.0)), (5.9, CLOSED, {})),
    limit("a sign within a second", "network-blackout", True, stream("received", (0.1, 4.0)), report(4.9)),
    limit("a later sign of life", "network-blackout", False, stream("received", (0.1, 4.0)), report(5.1)),
    limit("26 numbers on", "network-blackout", True, came(*range(100), *range(125, 220), every=41)),
    limit("25 numbers on", "network-blackout", False, came(*range(100), *range(124, 220), every=41)),
    limit("26 packets in all", "network-blackout", True, came(*range(10, 36))),
    limit("25 packets in all", "network-blackout", False, came(*range(10, 35))),
    limit("timestamps that account for half of it", "network-blackout", True, behind(1.55)),
    limit("timestamps that account for less", "network-blackout", False, behind(1.45)),
    *(
        limit(
            f"a step {begun} s in",
            "network-blackout",
            expected,
            stream("received", (0.1, 4.0), (7.0, 20.0)),
            begun=begun,
            until=20.0,
        )
        for begun, expected in ((12.9, True), (13.1, False))
    ),
    limit("a tenth of what came", "packet-loss", True, came(*(n for n in range(1, 450) if n % 9))),
    limit("less than a tenth", "packet-loss", False, came(*(n for n in range(1, 450) if n % 11))),
    limit("25 packets lost", "packet-loss", True, came(*(n for n in range(1, 202) if n % 8)), until=5.0),
    limit("24 packets lost", "packet-loss", False, came(*(n for n in range(1, 200) if n % 8)), until=5.0),
    limit("a tenth of what was sent", "packet-loss", True, *reported(41, 8.0)),
    limit("less than a tenth of it", "packet-loss", False, *reported(39, 8.0)),
    limit("25 reported lost", "packet-loss", True, *reported(25, 4.0)),
    limit("24 reported lost", "packet-loss", False, *reported(24, 4.0)),
    Limit("a report four seconds in", partial(unreported, 4.2), True),
    Limit("an earlier report", partial(unreported, 4.0), False),
    Limit("two seconds without a packet", partial(never_came, 2.1), True),
    Limit("less than two seconds without a packet", partial(never_came, 1.9), False),
)


# network: and the steps -> the cause that comes first, and what its text names.
TROUBLES = {
    "one-way audio, none comes back": (
        "one-way-audio", "- text: Hello.\n- hear: {speech: 500ms, within: 5s}", "no-rtp-received", "audio lost that is received"
    ),
    "one-way audio, none gets there": (
        "{audio_lost: sent}", "- say: caller-queen-of-clubs.wav\n- expect: input_audio_buffer.committed", "caller-audio-lost", "that is sent"
    ),
    "blackout": (
        "{blackout: {after: 2s, lasts: 12s}}", "- wait: 3s\n- text: Hello.\n- {expect: response.created, within: 4s}", "network-blackout",
        "blackout after 2 s for 12 s",
    ),
    "loss": (
        "{loss: 20%}", "- text: Hello.\n- hear: {speech: 60s, within: 9s}", "packet-loss", "loss 20 %"
    ),
    "narrow line": (
        "{bandwidth: 24kbps}", "- say: caller-queen-of-clubs.wav\n- {expect: input_audio_buffer.committed, within: 3s}", "packet-loss",
        "bandwidth 24 kbit/s",
    ),
    "delay": (
        "{delay: 240ms}", "- text: Hello.\n- {expect: response.created, within: 300ms}", "network-may-explain", "delay 240 ms"
    ),
    "cut-off": ("cut-off", "- wait: 60s", "network-disturbed", "It was cut off at 10.0 s."),
    "blackout that is too long": (
        "{blackout: {after: 1s, lasts: 60s}}", "- wait: 60s", "network-disturbed", "It went dark at 1.0 s."
    ),
    "loss that lets nothing begin": ("{loss: 70%}", "- wait: 1s", "network-disturbed", "loss 70 %"),
}  # fmt: skip


def met(network: str, steps: str) -> Result:
    path = Path("x.yaml")
    loaded = loads(f"title: x\nnetwork: {network}\nsteps:\n{steps}\n", path)
    return run_job(Job(path, "x.yaml", "azure-ga"), loaded)


@pytest.mark.parametrize("name", TROUBLES)
def test_trouble_of_the_network_is_named_first_where_a_call_meets_it(name: str) -> None:
    network, steps, cause, names = TROUBLES[name]
    found = met(network, steps).diagnosis
    assert found[0].id == cause
    assert names in found[0].cause


# The same trouble in a network that nobody disturbs on purpose: what the harness knows of it is taken out of the recording.
@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("one-way audio, none comes back", "no-rtp-received"),
        ("one-way audio, none gets there", "caller-audio-lost"),
        ("blackout", "network-blackout"),
        ("loss", "packet-loss"),
        ("cut-off", "consent-expired"),
    ],
)
def test_trouble_of_a_real_network_is_read_off_the_recording(name: str, cause: str) -> None:
    network, steps, *_ = TROUBLES[name]
    result = met(network, steps)
    assert result.recording is not None
    entries = [one for one in result.recording.entries if one.kind != "connection.disturbed"]
    renumbered = tuple(replace(one, seq=number) for number, one in enumerate(entries))
    found = result_of(Trace(result.recording.header, renumbered, result.recording.end), name="x").diagnosis
    assert found[0].id == cause
    assert "on purpose" not in found[0].cause
