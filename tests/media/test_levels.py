from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.media import wav
from harness.media.levels import (
    FRAME_SAMPLES,
    Change,
    Frame,
    Hysteresis,
    LevelWindows,
    SpeechDetector,
    dbfs,
    mean_square,
    to_dbfs,
)

FIXTURES = Path(__file__).parents[2] / "fixtures" / "audio"


# Levels


@pytest.mark.parametrize(
    ("samples", "expected"),
    [
        (np.full(960, -32768), 0.0),
        (np.zeros(960), -100.0),
        (np.zeros(0), -100.0),
        (np.full(960, 3277), -20.0),
        (np.full(960, 1), -90.31),
        (32767 * np.sin(2 * np.pi * np.arange(960) / 96), -3.01),
    ],
)
def test_dbfs(samples: np.ndarray, expected: float) -> None:
    assert dbfs(samples.astype(np.int16)) == pytest.approx(expected, abs=0.01)


@given(st.lists(st.integers(-32768, 32767), max_size=100))
def test_dbfs_is_between_floor_and_overload(samples: list[int]) -> None:
    assert -100.0 <= dbfs(np.array(samples, np.int16)) <= 1e-6


def test_floor_of_powers() -> None:
    assert to_dbfs(1e-300) == to_dbfs(0.0) == -100.0


# Runs of speech


def changes(speech: Iterable[bool | int], **settings: float) -> list[tuple[str, int, int]]:
    """(state, frame it happened at, frame it was known at)."""
    runs = Hysteresis(**settings)
    found = []
    for index, flag in enumerate(speech):
        if (change := runs.step(index * 0.02, bool(flag))) is not None:
            found.append((change.state, round(change.at / 0.02), index))
    return found


def test_a_run_is_dated_back_to_its_first_frame_and_behind_its_last() -> None:
    assert changes([0] * 5 + [1] * 20 + [0] * 20, start=0.06, hang_over=0.2) == [("started", 5, 7), ("stopped", 25, 34)]


def test_clicks_and_short_pauses_change_nothing() -> None:
    clicks = [1, 1, 0] * 10
    assert changes(clicks, start=0.06) == []
    speech = [1] * 5 + ([0] * 9 + [1]) * 5 + [0] * 10
    assert changes(speech, start=0.06, hang_over=0.2) == [("started", 0, 2), ("stopped", 55, 64)]


def test_one_frame_is_enough_where_the_settings_say_so() -> None:
    assert changes([0, 1, 0, 1], start=0.0, hang_over=0.0) == [
        ("started", 1, 1), ("stopped", 2, 2), ("started", 3, 3)
    ]  # fmt: skip


@given(st.lists(st.booleans(), max_size=200), st.integers(1, 8), st.integers(1, 15))
def test_changes_alternate_and_hold_for_what_was_asked(speech: list[bool], start: int, hang_over: int) -> None:
    found = changes([*speech, *[False] * hang_over], start=start * 0.02, hang_over=hang_over * 0.02)
    assert [state for state, _, _ in found] == ["started", "stopped"] * (len(found) // 2)
    padded = [*speech, *[False] * hang_over]
    for state, at, known in found:
        if state == "started":
            assert all(padded[at : at + start])
            assert known == at + start - 1
        else:
            assert padded[at - 1]
            assert not any(padded[at : at + hang_over])
            assert known == at + hang_over - 1
    for (_, begin, _), (_, end, _) in zip(found[::2], found[1::2], strict=True):
        assert "1" * start in "".join(str(int(flag)) for flag in padded[begin:end])


def test_end_closes_an_open_run_where_it_ended() -> None:
    runs = Hysteresis(start=0.02, hang_over=0.2)
    assert runs.end(0.0) is None
    runs.step(0.0, True)
    assert runs.end(0.02) == Change("stopped", 0.02)
    assert runs.end(0.02) is None
    runs.step(1.0, True)
    runs.step(1.02, False)
    runs.step(1.04, False)
    assert runs.end(1.06) == Change("stopped", 1.02)
    assert not runs.talking


# Speech


def listen(samples: np.ndarray, detector: SpeechDetector | None = None) -> tuple[list[Frame], list[tuple[str, float]]]:
    detector = detector or SpeechDetector()
    frames, found = [], []
    samples = np.pad(samples, (0, -samples.size % FRAME_SAMPLES))
    for index, part in enumerate(samples.reshape(-1, FRAME_SAMPLES)):
        frame, change = detector.listen(index * 0.02, part, mean_square(part))
        frames.append(frame)
        if change is not None:
            found.append((change.state, round(change.at, 2)))
    return frames, found


def in_silence(name: str) -> np.ndarray:
    second = np.zeros(48000, np.int16)
    return np.concatenate([second, wav.load(FIXTURES / name).samples, second])


def runs_in_the_table() -> dict[str, list[tuple[float, float]]]:
    """What the README of the recordings says: file -> (start, stop) of each run of speech in seconds."""
    section = (FIXTURES / "README.md").read_text().partition("## What is speech in them")[2]
    return {
        name: [(float(start), float(stop)) for start, stop in re.findall(r"([\d.]+)–([\d.]+)", runs)]
        for name, runs in re.findall(r"^\| `(\S+\.wav)` \| (.+) \|$", section, re.MULTILINE)
    }


TABLE = runs_in_the_table()


@pytest.mark.parametrize("name", TABLE)
def test_speech_is_where_the_table_of_recordings_says(name: str) -> None:
    expected = [
        (state, pytest.approx(1 + at, abs=0.041))
        for run in TABLE[name]
        for state, at in zip(("started", "stopped"), run, strict=True)
    ]
    assert listen(in_silence(name))[1] == expected


def test_every_utterance_is_one_run_of_speech() -> None:
    several = {name: len(runs) for name, runs in TABLE.items() if len(runs) != 1}
    # A monologue of nine sentences; a hiss; and screams, which rise and fall as voices do.
    assert several == {"assistant-congrats.wav": 9, "noise-hiss.wav": 0, "noise-monkeys.wav": 3}
    assert set(TABLE) == {path.name for path in FIXTURES.glob("*.wav")}


def noise(seconds: float, dbfs_level: float) -> np.ndarray:
    scale = 32768 * 10 ** (dbfs_level / 20)
    values = np.random.default_rng(7).normal(0.0, scale, round(seconds * 48000))
    return np.clip(values, -32768, 32767).astype(np.int16)


@pytest.mark.parametrize(
    "sound",
    [np.zeros(96000, np.int16), noise(2.0, -60.0), noise(2.0, -50.0), noise(2.0, -30.0)],
    ids=["digital silence", "a quiet line", "hiss below the threshold", "hiss above it"],
)
def test_silence_and_hiss_are_no_speech(sound: np.ndarray) -> None:
    frames, found = listen(sound)
    assert found == []
    assert not any(frame.talking for frame in frames)


def test_the_threshold_decides_what_is_too_quiet() -> None:
    quiet = (in_silence("caller-queen-of-clubs.wav") // 100).astype(np.int16)  # 40 dB down
    assert listen(quiet)[1] == []
    assert listen(quiet, SpeechDetector(threshold=-80.0))[1] != []


def test_frames_carry_level_and_both_verdicts() -> None:
    frames, found = listen(in_silence("assistant-hello-world.wav"), SpeechDetector(start=0.06))
    first = next(index for index, frame in enumerate(frames) if frame.speech)
    assert round(frames[first].t, 2) == found[0][1]
    assert [frame.talking for frame in frames[first : first + 4]] == [False, False, True, True]
    assert frames[0].level_dbfs == -100.0
    assert all(frame.level_dbfs >= -45.0 for frame in frames if frame.speech)
    # Behind the last frame of speech the run goes on for the hang-over.
    last = max(index for index, frame in enumerate(frames) if frame.speech)
    assert [frame.talking for frame in frames[last + 1 : last + 12]] == [True] * 9 + [False] * 2


# Windows


def rows(windows: LevelWindows, frames: Iterable[tuple[float, float]]) -> list[tuple[float, list[float], list[int]]]:
    found = []
    for t, power in frames:
        found += windows.add(t, power)
    return [(row.start, row.levels, row.speech) for row in [*found, *windows.rest()]]


def test_windows_are_mean_powers_of_a_tenth_of_a_second() -> None:
    frames = [(7.3 + index * 0.02, 1.0 if index < 5 else 0.5 if index < 10 else 0.0) for index in range(15)]
    assert rows(LevelWindows(0.3), frames) == [(7.3, [0.0, pytest.approx(-3.0, abs=0.05), -100.0], [0, 0, 0])]


def test_a_row_is_a_second_and_rows_join() -> None:
    found = rows(LevelWindows(0.3), [(index * 0.02, 0.25) for index in range(50 * 7)])
    assert [round(start, 6) for start, _, _ in found] == [0, 1, 2, 3, 4, 5, 6]
    assert [len(levels) for _, levels, _ in found] == [10] * 7
    assert {level for _, levels, _ in found for level in levels} == {-6.0}


def test_speech_is_marked_back_by_as_much_as_is_held() -> None:
    windows = LevelWindows(0.3)
    found = []
    for index in range(150):
        found += windows.add(index * 0.02, 0.1)
        if index == 70:
            windows.mark(1.12, 1.42)  # known 0.3 s late
    found += windows.rest()
    speech = [flag for row in found for flag in row.speech]
    assert [index for index, flag in enumerate(speech) if flag] == [11, 12, 13, 14]


def test_marks_end_with_the_window_they_end_in() -> None:
    windows = LevelWindows(0.3)
    for index in range(15):
        assert not list(windows.add(index * 0.02, 0.1))
    windows.mark(0.1, 0.2)
    (row,) = windows.rest()
    assert row.speech == [0, 1, 0]


def test_windows_without_a_frame_are_at_the_floor() -> None:
    assert rows(LevelWindows(0.3), [(0.0, 1.0), (0.35, 1.0)]) == [(0.0, [0.0, -100.0, -100.0, 0.0], [0, 0, 0, 0])]


def test_a_long_pause_begins_a_new_row() -> None:
    found = rows(LevelWindows(0.3), [(0.0, 1.0), (3600.0, 1.0)])
    assert found == [(0.0, [0.0], [0]), (3600.0, [0.0], [0])]


@given(st.lists(st.floats(0, 3), min_size=1, max_size=80))
def test_no_frame_is_lost_whatever_the_jitter(offsets: list[float]) -> None:
    offsets.sort()
    found = rows(LevelWindows(0.3), [(t, 1.0) for t in offsets])
    heard = [start + index * 0.1 for start, levels, _ in found for index, level in enumerate(levels) if level == 0.0]
    for t in offsets:
        assert any(start - 0.001 <= t <= start + 0.101 for start in heard)
