"""Recorded packets leave as long after the act before them as in the recording, with the headers they had."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import NotATrace
from harness.fake.replay.audio import AudioReplay, Leaving, Packet, packets_of, resounded
from harness.media import ogg
from harness.media.opus import SILENCE
from harness.trace import Recording, open_recording
from tests.traces import trace

SOUND = b"\xf8sound"


def packets(*times: float, sequence: int = 500, step: int = 960) -> tuple[Packet, ...]:
    return tuple(
        Packet(
            t,
            sequence + number,
            10_000 + step * number,
            False,
            111,
            7,
            len(SOUND),
            SOUND[0],
            payload=SOUND + bytes([number]),
        )
        for number, t in enumerate(times)
    )


def play(
    audio: AudioReplay, acts: dict[float, tuple[int, float]], until: float, begin: float = 0.0
) -> list[tuple[float, Leaving]]:
    """Every packet with its time; ``acts``: at which time which act is played, and where it belongs."""
    audio.begin(begin)
    left, now = [], begin
    waiting = sorted(acts.items())
    while now < until:
        while waiting and waiting[0][0] <= now + 1e-9:
            audio.acted(*waiting.pop(0)[1])
        when = audio.when(now)
        following = min([until, *([when] if when is not None else []), *([waiting[0][0]] if waiting else [])])
        if when is not None and when <= now + 1e-9:
            left.append((round(now, 3), audio.take(now)))
            continue
        now = max(following, now)
    return left


def numbers(left: list[tuple[float, Leaving]]) -> list[tuple[float, int, int]]:
    return [(t, one.sequence, one.timestamp) for t, one in left]


def test_a_stream_leaves_as_it_was() -> None:
    audio = AudioReplay(packets(0.1, 0.12, 0.14), [5.0])
    left = play(audio, {}, 0.06)
    assert numbers(left) == [(0.0, 0, 0), (0.02, 1, 960), (0.04, 2, 1920)]
    assert [one.payload[-1] for _, one in left] == [0, 1, 2]


def test_wrong_steps_of_the_headers_and_gaps_stay() -> None:
    wrong = packets(0.0, 0.02, 0.06, 0.3, step=480)
    left = play(AudioReplay(wrong, [5.0]), {}, 0.31)
    assert numbers(left) == [(0.0, 0, 0), (0.02, 1, 480), (0.06, 2, 960), (0.3, 3, 1440)]


def test_sound_waits_for_the_act_that_it_followed_and_silence_fills_the_time() -> None:
    audio = AudioReplay(packets(0.0, 0.02, 0.04, 0.06), [0.04])
    left = play(audio, {0.2: (0, 0.2)}, 0.23)
    sounds = [(t, one.payload[-1]) for t, one in left if one.payload != SILENCE]
    assert sounds == [(0.0, 0), (0.02, 1), (0.2, 2), (0.22, 3)]
    assert [one.sequence for _, one in left] == list(range(len(left)))
    assert {one.timestamp - round(t * 48000) for t, one in left} == {0}


def test_nothing_is_filled_in_where_the_service_paused_by_itself() -> None:
    left = play(AudioReplay(packets(0.0, 0.02, 1.0), [0.9]), {2.0: (0, 2.0)}, 2.2)
    assert [t for t, _ in left][:3] == [0.0, 0.02, 2.1]


def test_what_would_be_late_is_left_out() -> None:
    times = [0.02 * number for number in range(100)]
    audio = AudioReplay(packets(*times), [1.0])
    left = play(audio, {0.5: (0, 0.5)}, 0.6)
    # Two packets from before the act, then what followed it, at once where it is late by then.
    assert [one.payload[-1] for _, one in left][24:33] == [24, 25, 26, 27, 50, 51, 52, 53, 54]
    assert [t for t, one in left if one.payload[-1] >= 52] == [0.54, 0.56, 0.58]
    assert [one.sequence for _, one in left] == list(range(len(left)))


def test_other_payload_types_and_streams_than_the_usual_ones_are_told() -> None:
    usual, odd = packets(0.0, 0.02), packets(0.04)
    odd = (Packet(0.04, 502, 11_920, True, 96, 8, len(SOUND), SOUND[0], payload=SOUND),)
    left = [one for _, one in play(AudioReplay((*usual, *odd), [5.0], negotiated=111), {}, 0.05)]
    assert [(one.payload_type, one.stream, one.marker) for one in left] == [
        (None, 0, False),
        (None, 0, False),
        (96, 8, True),
    ]


def recorded(audio: dict[str, bytes], *rows: list[float], undecodable: tuple[int, ...] = ()) -> Recording:
    entries = [(1.0, "audio.undecodable", {"direction": "received", "sequence": one, "size": 2}) for one in undecodable]
    data = {"direction": "received", "ssrc": 7, "payload_type": 111, "first": 0.5, "packets": list(rows)}
    made = trace((1.0, "rtp.packets", data), *entries)
    return Recording(made, "x.ndjson", {name: lambda one=one: one for name, one in audio.items()})  # type: ignore[misc]


def test_octets_come_from_the_file_by_their_place() -> None:
    first, last = b"\xf8first", b"\xf8the last"
    stream = [(960, first), (960, SILENCE), (960, last)]
    rows = [[0, 1, 0, len(first), 0, 0xF8], [40, 3, 1920, len(last), 0, 0xF8], [60, 4, 2880, 30, 0, 0xF8]]
    found = packets_of(recorded({"received": ogg.file(stream)}, *rows))
    assert [one.payload for one in found] == [first, last, None]
    assert [one.t for one in found] == [0.5, 0.54, 0.56]


def test_what_did_not_decode_does_not_decode_again() -> None:
    from harness.media.opus import packet_samples

    found = packets_of(recorded({"received": ogg.file([(960, SILENCE)])}, [0, 9, 0, 2, 0, 0xF8], undecodable=(9,)))
    ((_, left),) = play(AudioReplay(found, [5.0]), {}, 0.01)
    assert len(left.payload) == 2
    with pytest.raises(ValueError, match="R5"):
        packet_samples(left.payload)


def test_missing_audio_is_an_error_unless_silence_may_stand_for_it() -> None:
    lacking = recorded({}, [0, 1, 0, 9, 0, 0xF8])
    with pytest.raises(NotATrace, match=r"x\.ndjson: the service's audio is missing: 1 packets .* no received\.ogg"):
        packets_of(lacking)
    ((_, left),) = play(AudioReplay(packets_of(lacking, silence=True), [5.0]), {}, 0.01)
    assert left.payload == SILENCE
    with pytest.raises(NotATrace, match="not an Ogg Opus file"):
        packets_of(recorded({"received": b"RIFF"}, [0, 1, 0, 9, 0, 0xF8]))


def test_a_fault_of_the_sound_changes_each_stretch_by_itself() -> None:
    quiet = Packet(0.04, 502, 0, False, 111, 7, 3, 0xF8, payload=SILENCE)
    made = resounded((*packets(0.0, 0.02), quiet, *packets(0.06)), lambda stretch: [b"%d" % len(stretch)])
    assert [one.payload for one in made] == [b"2", SILENCE, SILENCE, b"1"]


def test_the_audio_of_a_real_run_is_found(turn: Path) -> None:
    found = packets_of(open_recording(turn))
    sounds = [one for one in found if one.size > len(SILENCE)]
    assert len(sounds) > 50
    assert all(one.payload is not None and len(one.payload) == one.size for one in found)
