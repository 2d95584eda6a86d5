from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from fractions import Fraction

import numpy as np
import pytest
from aiortc.mediastreams import MediaStreamError

from harness.media.levels import dbfs
from harness.media.opus import SILENCE, Decoder, encode
from harness.media.track import OutgoingAudio, Playing
from harness.running import clock
from tests.audio_files import recording

A = tuple(b"\xf8a%d" % index for index in range(5))
B = tuple(b"\xf8b%d" % index for index in range(3))


def virtual(test: Callable[[], Awaitable[None]]) -> Callable[[], None]:
    """Run the test on a loop in virtual time."""

    def run() -> None:
        clock.run(test, time="virtual")

    run.__name__ = test.__name__  # type: ignore[attr-defined]
    return run


def payloads(track: OutgoingAudio, count: int) -> list[bytes]:
    return [track.next(0.0) for _ in range(count)]


# What is sent


def test_silence_unless_something_is_said() -> None:
    track = OutgoingAudio()
    assert payloads(track, 3) == [SILENCE] * 3
    assert track.playing == ()


def test_what_is_said_follows_what_is_playing_without_a_gap() -> None:
    track = OutgoingAudio()
    first, second = track.say(A), track.say(B)
    assert track.playing == (first, second)
    assert payloads(track, 9) == [*A, *B, SILENCE]
    assert track.playing == ()


def test_nothing_to_say_is_done_in_the_next_slot() -> None:
    track = OutgoingAudio()
    done: list[str] = []
    playing = track.say((), on_start=lambda: done.append("started"), on_done=lambda: done.append("done"))
    track.say(B)
    assert payloads(track, 1) == [B[0]]
    assert playing.done.is_set()
    assert done == ["done"]


def test_an_empty_loop_ends_too() -> None:
    track = OutgoingAudio()
    track.say((), loop=True)
    assert payloads(track, 2) == [SILENCE] * 2
    assert track.playing == ()


def test_loop_repeats_until_it_is_cut() -> None:
    track = OutgoingAudio()
    playing = track.say(B, loop=True)
    assert payloads(track, 8) == [*B, *B, *B[:2]]
    assert playing.cut() == 160
    assert playing.done.is_set()
    assert payloads(track, 1) == [SILENCE]


def test_cut_drops_the_rest_and_the_queue_goes_on() -> None:
    track = OutgoingAudio()
    called: list[str] = []
    first = track.say(A, on_done=lambda: called.append("first"))
    track.say(B, on_done=lambda: called.append("second"))
    payloads(track, 2)
    assert first.cut() == first.sent_ms == 40
    assert payloads(track, 4) == [*B, SILENCE]
    assert called == ["second"]
    assert first.cut() == 40


def test_what_waits_can_be_cut_before_it_starts() -> None:
    track = OutgoingAudio()
    track.say(A)
    waiting = track.say(B)
    assert waiting.cut() == 0
    assert waiting.started is None
    assert payloads(track, 6) == [*A, SILENCE]


def test_hush_cuts_everything() -> None:
    track = OutgoingAudio()
    voices = [track.say(A), track.say(B, loop=True), track.say(A, overlap=True)]
    track.hush()
    assert track.playing == ()
    assert all(voice.done.is_set() for voice in voices)
    assert payloads(track, 2) == [SILENCE] * 2


def test_callbacks_come_with_the_first_packet_and_behind_the_last() -> None:
    track = OutgoingAudio()
    called: list[str] = []
    track.say(B, on_start=lambda: called.append("start"), on_done=lambda: called.append("done"))
    seen = []
    for _ in range(5):
        track.next(0.0)
        seen.append(tuple(called))
    assert seen == [("start",), ("start",), ("start",), ("start", "done"), ("start", "done")]


def test_done_may_say_more_and_it_follows_at_once() -> None:
    track = OutgoingAudio()
    track.say(B, on_done=lambda: track.say(A) and None)
    assert payloads(track, 9) == [*B, *A, SILENCE]


def test_done_may_hush_another() -> None:
    speech = encode(recording())
    track = OutgoingAudio()
    called: list[str] = []
    track.say(speech[:2], on_done=track.hush)
    other = track.say(speech[:2], overlap=True, on_done=lambda: called.append("second"))
    payloads(track, 3)
    assert other.done.is_set()
    assert called == []


def test_overlap_starts_at_once_and_alone_it_passes_unchanged() -> None:
    track = OutgoingAudio()
    track.say(A, overlap=True)
    assert payloads(track, 6) == [*A, SILENCE]


def heard(packets: list[bytes]) -> np.ndarray:
    decoder = Decoder()
    return np.stack([decoder.decode(packet) for packet in packets])


def test_overlap_is_the_sum_while_both_last() -> None:
    low, high = encode(recording("tone", 1.0), gain=-20.0), encode(recording("tone", 0.4), gain=-14.0)
    track = OutgoingAudio()
    track.say(low)
    first = payloads(track, 10)
    over = track.say(high, overlap=True)
    rest = payloads(track, 40)
    assert first == list(low[:10])
    assert rest[20:] == list(low[30:])  # behind it, the other one goes on as it was encoded
    assert over.sent_ms == 400
    assert over.done.is_set()
    levels = [dbfs(frame) for frame in heard(first + rest)]
    # Same pitch, so that the sum is louder than either by an amount that the phases decide, and never that of one alone.
    alone = np.mean(levels[3:9])
    assert alone == pytest.approx(-29.0, abs=1.0)
    # Tones begin in phase, 0.2 s are 88 periods of 440 Hz: amplitudes add, 0.1 + 0.2 of the tone's.
    assert np.mean(levels[13:29]) == pytest.approx(-9.03 + 20 * np.log10(0.1 + 0.2), abs=1.0)
    assert np.mean(levels[33:49]) == pytest.approx(alone, abs=1.0)


def test_cutting_one_of_two_voices_leaves_the_other() -> None:
    speech = encode(recording())
    track = OutgoingAudio()
    under = track.say(speech)
    over = track.say(speech, overlap=True)
    mixed = payloads(track, 3)
    assert mixed != list(speech[:3])
    assert under.cut() == 60
    assert payloads(track, 2) == list(speech[3:5])
    assert over.sent_ms == 100


def test_two_loud_voices_do_not_wrap() -> None:
    loud = encode(recording("clipped", 0.5))
    track = OutgoingAudio()
    track.say(loud)
    track.say(loud, overlap=True)
    sums = heard(payloads(track, 24))
    alone = heard(list(loud[:24]))
    assert np.corrcoef(sums[5:].ravel()[120:], alone[5:].ravel()[:-120])[0, 1] > 0.95


# When it is sent


@virtual
async def test_packets_are_due_on_a_grid_of_20_ms() -> None:
    loop = asyncio.get_running_loop()
    await asyncio.sleep(0.0137)
    track = OutgoingAudio()
    track.say(A)
    seen = [(await track.recv(), loop.time()) for _ in range(500)]
    assert [time for _, time in seen] == [round(0.0137 + index * 0.02, 6) for index in range(500)]
    assert [packet.pts for packet, _ in seen] == [index * 960 for index in range(500)]
    assert {Fraction(packet.time_base.numerator, packet.time_base.denominator) for packet, _ in seen} == {
        Fraction(1, 48000)
    }
    assert [bytes(packet) for packet, _ in seen] == [*A, *[SILENCE] * 495]


@virtual
async def test_at_another_pace_the_media_clock_stays_and_the_slots_move() -> None:
    loop = asyncio.get_running_loop()
    start = loop.time()
    track = OutgoingAudio(pace=2.0)
    seen = [(await track.recv(), loop.time() - start) for _ in range(100)]
    assert [round(time, 6) for _, time in seen] == [round(index * 0.01, 6) for index in range(100)]
    assert [packet.pts for packet, _ in seen] == [index * 960 for index in range(100)]


async def send(track: OutgoingAudio) -> None:
    while True:
        await track.recv()


@virtual
async def test_started_and_done_are_exact() -> None:
    loop = asyncio.get_running_loop()
    track = OutgoingAudio()
    sending = asyncio.create_task(send(track))
    await asyncio.sleep(0.5033)
    first, second = track.say(A), track.say(B)
    await first.done.wait()
    assert (first.started, loop.time(), first.sent_ms) == (0.52, 0.62, 100)
    await second.done.wait()
    assert (second.started, loop.time(), second.sent_ms) == (0.62, 0.68, 60)
    sending.cancel()


@virtual
async def test_a_little_late_it_catches_up() -> None:
    loop = asyncio.get_running_loop()
    track = OutgoingAudio()
    await track.recv()
    await asyncio.sleep(0.09)
    seen = [((await track.recv()).pts // 960, loop.time()) for _ in range(6)]
    assert seen == [(1, 0.09), (2, 0.09), (3, 0.09), (4, 0.09), (5, 0.1), (6, 0.12)]


@virtual
async def test_very_late_it_leaves_slots_empty_and_loses_nothing() -> None:
    loop = asyncio.get_running_loop()
    track = OutgoingAudio()
    track.say(A)
    first = await track.recv()
    await asyncio.sleep(1.23)
    seen = [(first, 0.0)] + [(await track.recv(), loop.time()) for _ in range(5)]
    assert [(packet.pts // 960, time) for packet, time in seen] == [
        (0, 0.0), (61, 1.23), (62, 1.24), (63, 1.26), (64, 1.28), (65, 1.3)
    ]  # fmt: skip
    assert [bytes(packet) for packet, _ in seen] == [*A, SILENCE]


@virtual
async def test_stop_ends_a_wait_and_what_was_playing() -> None:
    track = OutgoingAudio()
    playing = track.say(A, loop=True)
    await track.recv()
    waiting = asyncio.create_task(track.recv())
    await asyncio.sleep(0.001)
    track.stop()
    with pytest.raises(MediaStreamError):
        await waiting
    with pytest.raises(MediaStreamError):
        await track.recv()
    assert playing.done.is_set()
    assert track.say(A).done.is_set()
    assert track.playing == ()


@virtual
async def test_started_is_the_loop_s_time_where_none_is_given() -> None:
    track = OutgoingAudio()
    playing: Playing = track.say(A)
    await asyncio.sleep(0.25)
    track.next()
    assert playing.started == 0.25


def test_aiortc_takes_it_as_an_audio_track() -> None:
    track = OutgoingAudio()
    assert (track.kind, track.readyState) == ("audio", "live")
