"""The rules about the sound of answers, on audio as it is captured: all recordings are fine, and what is done to them is found."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.fake.babble import babble
from harness.fake.faults import Faults
from harness.media import wav
from harness.media.capture import Capture
from harness.media.opus import SILENCE, encode
from harness.protocol.rtp import RtpPacket
from harness.rules.base import Outcome, judge_rule
from harness.rules.catalogue import REGISTRY as RULES
from harness.trace import Header, Recorder, Trace
from tests.traces import event, trace

FIXTURES = Path(__file__).parents[3] / "fixtures" / "audio"
VOICES = sorted(path.name for path in FIXTURES.glob("*.wav") if not path.name.startswith("noise"))
ABOUT_SOUND = ("MED-07", "MED-12", "MED-13", "MED-14", "MED-15", "MED-16", "MED-17", "MED-18", "MED-19")
CONGRATULATIONS = "assistant-congrats.wav"


@cache
def recording(name: str) -> tuple[bytes, ...]:
    return encode(wav.load(FIXTURES / name))


def played(packets: Sequence[bytes], *, lost: Sequence[int] = ()) -> Trace:
    """A trace in which a response plays these packets, with half a second of silence before and behind, but for those lost."""
    now = 0.0
    recorder = Recorder(Header("client", "azure-ga"), lambda: now)
    capture = Capture(recorder, "received", quality=True)

    def say(kind: str) -> None:
        recorder.record("event.received", event={"type": kind, "event_id": f"e{now}", "response_id": "r"}, size=9)

    stream = [*[SILENCE] * 25, *packets, *[SILENCE] * 75]
    for number, payload in enumerate(stream):
        now = number * 0.02
        if number in (25, 25 + len(packets)):
            say("output_audio_buffer.started" if number == 25 else "output_audio_buffer.stopped")
        if number not in lost:
            capture.packet(RtpPacket("received", 7, 111, number, number * 960, False, payload, now))
    capture.flush()
    return recorder.close()


def failed(judged: Trace) -> set[str]:
    outcomes = {id: judge_rule(RULES[id], judged).outcome for id in ABOUT_SOUND}
    return {id for id, outcome in outcomes.items() if outcome is Outcome.FAIL}


@pytest.mark.parametrize("name", VOICES)
def test_nothing_is_wrong_with_any_voice(name: str) -> None:
    judged = played(recording(name))
    assert failed(judged) == set()
    for id in ("MED-15", "MED-16", "MED-18", "MED-19"):
        assert judge_rule(RULES[id], judged).outcome is Outcome.PASS


@pytest.mark.parametrize("seconds", [0.3, 1.0, 4.0, 20.0])
def test_nothing_is_wrong_with_babble(seconds: float) -> None:
    assert failed(played(babble(seconds))) == set()


@pytest.mark.parametrize("every", [20, 10, 5])
@pytest.mark.parametrize("name", ["assistant-sorry-youre-having-problems.wav", "caller-eight-of-spades.wav"])
def test_what_the_network_loses_is_not_the_services_fault(name: str, every: int) -> None:
    packets = recording(name)
    assert failed(played(packets, lost=range(25, 25 + len(packets), every))) == set()


@pytest.mark.parametrize(
    ("fault", "name", "expected"),
    [
        ("audio-noise", "assistant-im-sorry.wav", {"MED-14"}),
        ("audio-tone", "assistant-sorry-youre-having-problems.wav", {"MED-14"}),
        ("audio-clipped", "assistant-thankyou.wav", {"MED-15", "MED-16"}),
        ("audio-faint", "assistant-goodbye.wav", {"MED-16"}),
        ("audio-falls-silent", CONGRATULATIONS, {"MED-18"}),
        ("audio-choppy", "assistant-please-try-again.wav", {"MED-19"}),
        ("audio-silent", "assistant-please-try-again.wav", {"MED-07"}),
    ],
)
def test_each_defect_is_found_and_taken_for_no_other(fault: str, name: str, expected: set[str]) -> None:
    assert failed(played(Faults([fault]).sound(recording(name)))) == expected


@pytest.mark.parametrize(("silent", "outcome"), [(240, Outcome.PASS), (260, Outcome.FAIL)])
def test_five_seconds_of_silence_are_the_limit(silent: int, outcome: Outcome) -> None:
    hello = recording("assistant-hello-world.wav")
    judged = played([*hello[:60], *[SILENCE] * silent, *hello[:60]])
    assert judge_rule(RULES["MED-18"], judged).outcome is outcome


@pytest.mark.parametrize(
    "lost",
    [range(90, 340), range(85, 340, 5), [*range(100, 200), *range(210, 320)]],
    ids=["a blackout", "every fifth packet", "two blackouts"],
)
def test_silence_in_place_of_lost_packets_is_not_judged(lost: Sequence[int]) -> None:
    hello = recording("assistant-hello-world.wav")
    judged = played([*hello[:60], *[SILENCE] * 260, *hello[:60]], lost=lost)
    assert judge_rule(RULES["MED-18"], judged).outcome is Outcome.NOT_EXERCISED


# Pace


def arriving(times: Sequence[float], *, step: int = 960) -> Trace:
    rows = [[round(t * 1000, 3), number, number * step, 90, 0, 120] for number, t in enumerate(times)]
    data: dict[str, Any] = {"direction": "received", "ssrc": 7, "payload_type": 111, "first": 0.0, "packets": rows}
    return trace((times[-1], "rtp.packets", data))


@given(st.lists(st.floats(0, 1.0), min_size=2, max_size=200))
def test_no_delay_of_the_network_makes_a_paced_stream_too_fast(delays: list[float]) -> None:
    times: list[float] = []
    for number, delay in enumerate(delays):
        times.append(max(number * 0.02 + delay, *times[-1:]) if times else delay)
    assert judge_rule(RULES["MED-17"], arriving(times)).outcome is Outcome.PASS


@pytest.mark.parametrize(("pace", "outcome"), [(1.0, Outcome.PASS), (1.05, Outcome.PASS), (1.5, Outcome.FAIL)])
def test_a_stream_that_gains_more_than_a_second_is_too_fast(pace: float, outcome: Outcome) -> None:
    times = [number * 0.02 / pace for number in range(500)]
    assert judge_rule(RULES["MED-17"], arriving(times)).outcome is outcome


def test_timestamps_that_are_set_anew_are_no_pace() -> None:
    rows = [[number * 20, number, number * 960 + (number > 50) * 4_800_000, 90, 0, 120] for number in range(100)]
    data = {"direction": "received", "ssrc": 7, "payload_type": 111, "first": 0.0, "packets": rows}
    assert judge_rule(RULES["MED-17"], trace((2.0, "rtp.packets", data))).outcome is Outcome.PASS


# Length


def answered(transcript: str, seconds: float, *, status: str = "completed", **session: Any) -> Trace:
    steps = round(seconds * 10)
    levels = {"direction": "received", "start": 1.0, "step": 0.1, "levels": [-20] * steps, "speech": [1] * steps}
    named = {"response_id": "r", "item_id": "i", "output_index": 0, "content_index": 0}
    return trace(
        event(0.1, "service", "session.created", session={"type": "realtime", **session}),
        event(0.9, "service", "response.created", response={"id": "r", "status": "in_progress"}),
        event(1.0, "service", "output_audio_buffer.started", response_id="r"),
        event(1.0, "service", "response.output_audio_transcript.done", transcript=transcript, **named),
        event(1.0, "service", "response.done", response={"id": "r", "status": status}),
        (1.0 + seconds, "audio.levels", levels),
        event(1.0 + seconds, "service", "output_audio_buffer.stopped", response_id="r"),
    )


@pytest.mark.parametrize(
    ("transcript", "seconds", "more", "outcome"),
    [
        ("a" * 60, 2.1, {}, Outcome.PASS),
        ("a" * 70, 2.1, {}, Outcome.FAIL),
        ("a 1, " * 60, 2.1, {}, Outcome.PASS),
        ("a" * 19, 0.3, {}, Outcome.NOT_EXERCISED),
        ("a" * 70, 2.1, {"status": "incomplete"}, Outcome.NOT_EXERCISED),
        ("a" * 70, 2.1, {"audio": {"output": {"speed": 1.5}}}, Outcome.PASS),
        ("a" * 70, 2.1, {"audio": {"output": {"speed": 0.5}}}, Outcome.FAIL),
    ],
)
def test_letters_a_second(transcript: str, seconds: float, more: dict[str, Any], outcome: Outcome) -> None:
    assert judge_rule(RULES["MED-21"], answered(transcript, seconds, **more)).outcome is outcome


def test_a_transcript_that_is_told_twice_was_said_once() -> None:
    said = answered("a" * 60, 2.1)
    done = next(entry for entry in said.entries if entry.type.endswith("transcript.done"))
    twice = [
        (entry.t, entry.kind, dict(entry.data))
        for entry in (*said.entries[: done.seq], done, *said.entries[done.seq :])
    ]
    assert judge_rule(RULES["MED-21"], trace(*twice)).outcome is Outcome.PASS
