"""Turn detection, frame by frame."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.fake.turns import FRAME_MS, InputAudio
from tests.fake.rim import GENERATIONS, QUIET, Rim, script

SERVER = {"type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": 500}


def feed(audio: InputAudio, detection, *runs: tuple[int, bool]):
    """Feed runs of (milliseconds, speech); returns (what, position in ms)."""
    found = []
    for milliseconds, speech in runs:
        for _ in range(milliseconds // FRAME_MS):
            what = audio.hear(speech, -20.0 if speech else QUIET, detection)
            if what is not None:
                found.append((what, audio.start_ms if what == "started" else audio.written_ms))
                if what == "stopped":
                    audio.take()
    return found


def test_start_includes_the_prefix_and_end_the_silence():
    assert feed(InputAudio(), SERVER, (1000, False), (800, True), (600, False)) == [("started", 700), ("stopped", 2300)]


@pytest.mark.parametrize(("padding", "silence"), [(0, 200), (100, 1000), (2000, 20)])
def test_the_parameters_are_honoured(padding, silence):
    detection = {**SERVER, "prefix_padding_ms": padding, "silence_duration_ms": silence}
    found = feed(InputAudio(), detection, (1000, False), (800, True), (2000, False))
    assert found == [("started", max(0, 1000 - padding)), ("stopped", 1800 + silence)]


def test_a_pause_shorter_than_the_silence_is_part_of_the_turn():
    found = feed(InputAudio(), SERVER, (500, True), (480, False), (500, True), (600, False))
    assert found == [("started", 0), ("stopped", 1980)]


def test_a_click_is_no_speech():
    assert feed(InputAudio(), SERVER, (1000, False), (40, True), (1000, False)) == []


def test_the_prefix_never_reaches_into_the_turn_before():
    found = feed(InputAudio(), SERVER, (500, True), (600, False), (500, True), (600, False))
    assert found == [("started", 0), ("stopped", 1000), ("started", 1000), ("stopped", 2100)]


@pytest.mark.parametrize(
    ("threshold", "level", "heard"), [(0.5, -45.0, True), (0.9, -45.0, False), (0.9, -30.0, True), (0.1, -65.0, True)]
)
def test_a_higher_threshold_needs_louder_audio(threshold, level, heard):
    audio = InputAudio()
    found = [audio.hear(True, level, {**SERVER, "threshold": threshold}) for _ in range(10)]
    assert ("started" in found) is heard


@pytest.mark.parametrize(("eagerness", "silence"), [("high", 500), ("medium", 1000), ("auto", 1000), ("low", 2000)])
def test_eagerness(eagerness, silence):
    detection = {"type": "semantic_vad", "eagerness": eagerness}
    found = feed(InputAudio(), detection, (1000, False), (800, True), (8000, False))
    assert found == [("started", 700), ("stopped", 1800 + silence)]


def test_without_turn_detection_audio_is_only_kept():
    audio = InputAudio()
    assert feed(audio, None, (1000, True), (1000, False)) == []
    assert audio.pending_ms(None) == 2000
    assert audio.take() == 2000
    assert audio.pending_ms(None) == 0


@given(st.lists(st.tuples(st.integers(0, 60), st.booleans()), max_size=30))
def test_turns_alternate_and_never_go_back(runs):
    found = feed(InputAudio(), SERVER, *[(frames * FRAME_MS, speech) for frames, speech in runs])
    assert [what for what, _ in found] == ["started", "stopped"] * (len(found) // 2) + ["started"] * (len(found) % 2)
    positions = [position for _, position in found]
    assert positions == sorted(positions)


@pytest.mark.parametrize("dialect", GENERATIONS)
def test_the_events_carry_the_positions(dialect):
    rim = Rim(dialect, script({"says": "Yes.", "audio": "short.wav"}))
    rim.run(1.0)
    rim.speak(1.0)
    assert rim.one("input_audio_buffer.speech_started")["audio_start_ms"] == 700
    assert rim.one("input_audio_buffer.speech_stopped")["audio_end_ms"] == 2500


def test_a_caller_who_stops_sending_is_never_answered():
    rim = Rim()
    rim.run(1.0, speech=True)
    rim.run(10.0, rtp=False)
    assert rim.of("input_audio_buffer.speech_stopped") == []


def test_turn_detection_switched_off_in_the_middle_of_speech():
    rim = Rim()
    rim.run(1.0, speech=True)
    rim.turn_detection(None)
    rim.run(2.0)
    assert rim.of("input_audio_buffer.speech_stopped") == []
    assert rim.send({"type": "input_audio_buffer.commit"})[0]["type"] == "input_audio_buffer.committed"
    rim.turn_detection({"type": "server_vad"})
    rim.run(1.0)
    assert rim.of("input_audio_buffer.speech_stopped") == []
