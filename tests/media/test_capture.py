from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.media import wav
from harness.media.capture import Capture, Frame
from harness.media.levels import SpeechDetector
from harness.media.ogg_reader import packets as ogg_packets
from harness.media.opus import SILENCE, Decoder, encode
from harness.protocol.rtp import RtpPacket
from harness.trace import Entry, Header, Recorder

FIXTURES = Path(__file__).parents[2] / "fixtures" / "audio"
HELLO = encode(wav.load(FIXTURES / "assistant-hello-world.wav"))  # speech from 0.06 s to 1.34 s
START = 5.0  # of the trace, on the loop's clock


def stream(
    payloads: Sequence[bytes],
    *,
    at: float = START,
    sequence: int = 0,
    timestamp: int = 0,
    ssrc: int = 7,
    step: int = 960,
) -> list[RtpPacket]:
    """Packets that leave one after the other, each when it is due."""
    return [
        RtpPacket(
            "received",
            ssrc,
            111,
            (sequence + index) & 0xFFFF,
            (timestamp + index * step) & 0xFFFFFFFF,
            False,
            payload,
            round(at + index * step / 48000, 6),
        )
        for index, payload in enumerate(payloads)
    ]


class Run:
    """A capture that has been fed."""

    def __init__(self, packets: Iterable[RtpPacket], *, flush: bool = True, **options: Any) -> None:
        self.frames: list[Frame] = []
        self.now = START
        self.recorder = Recorder(Header("client", "azure-ga"), lambda: self.now)
        self.capture = Capture(self.recorder, "received", on_frame=self.frames.append, **options)
        self.feed(packets)
        if flush:
            self.capture.flush()

    def feed(self, packets: Iterable[RtpPacket]) -> None:
        for packet in packets:
            self.now = max(self.now, packet.t)
            self.capture.packet(packet)

    def of(self, kind: str) -> tuple[Entry, ...]:
        return self.recorder.trace().of(kind)

    @property
    def speech(self) -> list[tuple[str, float]]:
        return [(entry.data["state"], entry.data["at"]) for entry in self.of("audio.speech")]

    @property
    def rows(self) -> list[list[Any]]:
        return [row for entry in self.of("rtp.packets") for row in entry.data["packets"]]


def silence(seconds: float) -> list[bytes]:
    return [SILENCE] * round(seconds / 0.02)


# Headers


def test_headers_are_recorded_about_a_second_at_a_time() -> None:
    packets = stream(silence(2.5), sequence=65500, timestamp=0xFFFFFF00)
    packets[3] = replace(packets[3], marker=True)
    packets[4] = replace(packets[4], payload=b"")
    run = Run(packets)
    entries = run.of("rtp.packets")
    assert [entry.data["first"] for entry in entries] == [0.0, 1.0, 2.0]
    assert [entry.t for entry in entries] == [1.0, 2.0, 2.48]
    assert {(e.data["direction"], e.data["ssrc"], e.data["payload_type"]) for e in entries} == {("received", 7, 111)}
    assert [len(entry.data["packets"]) for entry in entries] == [50, 50, 25]
    assert run.rows == [
        [
            index % 50 * 20.0,
            packet.sequence,
            packet.timestamp,
            len(packet.payload),
            packet.marker,
            -1 if index == 4 else 0xF8,
        ]
        for index, packet in enumerate(packets)
    ]


def test_streams_are_kept_apart() -> None:
    both = [packet for pair in zip(stream(silence(0.1)), stream(silence(0.1), ssrc=8), strict=True) for packet in pair]
    run = Run([*both, replace(both[0], payload_type=0, sequence=9)], decode=False)
    assert [(e.data["ssrc"], e.data["payload_type"], len(e.data["packets"])) for e in run.of("rtp.packets")] == [
        (7, 111, 5), (8, 111, 5), (7, 0, 1)
    ]  # fmt: skip


def test_the_other_direction_is_none_of_its_business() -> None:
    assert Run([replace(packet, direction="sent") for packet in stream(silence(1))]).recorder.entries == []


def test_without_decoding_there_are_headers_and_the_file_alone(tmp_path: Path) -> None:
    run = Run(stream(HELLO), decode=False)
    assert {entry.kind for entry in run.recorder.entries} == {"rtp.packets"}
    assert run.frames == []
    assert run.capture.write_ogg(tmp_path / "x.ogg") == pytest.approx(len(HELLO) * 0.02)


def test_what_is_flushed_twice_is_recorded_once() -> None:
    run = Run(stream(HELLO))
    before = len(run.recorder.entries)
    run.capture.flush()
    assert len(run.recorder.entries) == before


# Speech and levels


def test_speech_is_dated_by_the_arrival_of_its_frames() -> None:
    run = Run(stream([*silence(1), *HELLO, *silence(1)]))
    assert run.speech == [("started", 1.08), ("stopped", 2.34)]
    started, stopped = run.of("audio.speech")
    assert started.t == pytest.approx(1.08 + 4 * 0.02)  # known with the fifth frame
    assert stopped.t == pytest.approx(2.34 + 9 * 0.02)
    assert {entry.data["direction"] for entry in (started, stopped)} == {"received"}


def test_levels_and_speech_agree() -> None:
    run = Run(stream([*silence(1), *HELLO, *silence(1)]))
    windows = {}
    for entry in run.of("audio.levels"):
        assert entry.data["step"] == 0.1
        assert len(entry.data["levels"]) == len(entry.data["speech"]) <= 10
        for index, (level, speech) in enumerate(zip(entry.data["levels"], entry.data["speech"], strict=True)):
            windows[round(entry.data["start"] + index * 0.1, 6)] = (level, speech)
    assert list(windows) == [round(index * 0.1, 6) for index in range(35)]
    assert [start for start, (_, speech) in windows.items() if speech] == [
        round(1 + index * 0.1, 6) for index in range(14)
    ]
    assert {level for start, (level, _) in windows.items() if start < 1} == {-100.0}
    assert max(level for level, _ in windows.values()) == pytest.approx(-13.0, abs=1.0)


def test_frames_are_handed_on_as_they_come() -> None:
    packets = stream([*silence(0.2), *HELLO])
    run = Run(packets)
    assert [frame.t for frame in run.frames] == [packet.t for packet in packets]
    run = Run([], flush=False)
    run.feed(packets[:1])
    assert run.frames == [Frame(START, -100.0, False, False)]


def test_levels_do_not_depend_on_the_short_way_through_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    packets = stream([*silence(1), *HELLO, *silence(1), *HELLO])
    short = Run(packets)
    decode = Decoder.decode

    def every(self: Decoder, payload: bytes) -> np.ndarray:
        self._silent = 0
        return decode(self, payload)

    monkeypatch.setattr(Decoder, "decode", every)
    assert Run(packets).recorder.entries == short.recorder.entries


def test_speech_that_has_not_ended_ends_with_the_recording() -> None:
    run = Run(stream(HELLO[:40]))
    assert run.speech == [("started", pytest.approx(0.08, abs=0.021)), ("stopped", 0.8)]


def test_a_pause_without_packets_ends_speech_where_the_last_packet_ended() -> None:
    """Discontinuous transmission, or a line that was cut."""
    speech = HELLO[:40]
    run = Run([*stream(speech), *stream(speech, at=START + 3, sequence=40, timestamp=3 * 48000)])
    assert [state for state, _ in run.speech] == ["started", "stopped"] * 2
    assert run.speech[1][1] == 0.8
    assert run.speech[2][1] == pytest.approx(3.08, abs=0.03)
    (first, *_), (last, *_) = run.of("audio.levels")[:1], run.of("audio.levels")[-1:]
    assert first.data["start"] == 0.0
    assert sum(len(entry.data["levels"]) for entry in run.of("audio.levels")) == 38
    assert last.data["levels"][-1] > -60


def test_packets_that_come_late_in_a_burst_are_no_pause() -> None:
    packets = stream([*silence(1), *HELLO, *silence(1)])
    held_up = [
        replace(packet, t=max(packet.t, START + 2.0)) if packet.t - START > 1.5 else packet for packet in packets
    ]
    assert [state for state, _ in Run(held_up).speech] == ["started", "stopped"]


def test_the_detector_can_be_chosen() -> None:
    run = Run(stream([*HELLO, *silence(1)]), detector=SpeechDetector(threshold=-1.0))
    assert run.speech == []


# Packets that are not as they should be


def test_undecodable_payloads_are_recorded_and_the_rest_is_heard() -> None:
    packets = stream([*silence(1), *HELLO, *silence(1)])
    packets[10] = replace(packets[10], payload=b"\xfb")
    packets[80] = replace(packets[80], payload=b"\xfb\x00\x01")
    run = Run(packets)
    assert [dict(entry.data) for entry in run.of("audio.undecodable")] == [
        {"direction": "received", "sequence": 10, "size": 1},
        {"direction": "received", "sequence": 80, "size": 3},
    ]
    assert [state for state, _ in run.speech] == ["started", "stopped"]
    assert len(run.frames) == len(packets) - 2


def test_packets_that_are_padding_alone_are_neither_heard_nor_an_error(tmp_path: Path) -> None:
    run = Run([replace(packet, payload=b"") for packet in stream(silence(0.1))])
    assert {entry.kind for entry in run.recorder.entries} == {"rtp.packets"}
    assert run.capture.write_ogg(tmp_path / "x.ogg") == 0.0


def test_late_and_repeated_packets_are_recorded_filed_and_not_heard(tmp_path: Path) -> None:
    packets = stream(HELLO)
    order = [*packets[:10], packets[11], packets[10], packets[5], *packets[12:]]
    run = Run(order)
    assert [row[1] for row in run.rows] == [packet.sequence for packet in order]
    assert len(run.frames) == len(packets) - 1
    run.capture.write_ogg(tmp_path / "swapped.ogg")
    Run(packets).capture.write_ogg(tmp_path / "straight.ogg")
    assert (tmp_path / "swapped.ogg").read_bytes() == (tmp_path / "straight.ogg").read_bytes()


def test_lost_packets_are_silence_in_the_file(tmp_path: Path) -> None:
    packets = stream(HELLO)
    run = Run([*packets[:20], *packets[25:]])
    assert run.capture.write_ogg(tmp_path / "x.ogg") == pytest.approx(len(HELLO) * 0.02)


@pytest.mark.parametrize(
    ("payload", "step"),
    [
        (b"\xe0\xff\xfe", 120),
        (b"\xf0\xff\xfe", 480),
        (b"\xf9\xff\xfe\xff\xfe", 1920),
        (b"\xfb\x03\xff\xfe\xff\xfe\xff\xfe", 2880),
    ],
    ids=["2.5 ms", "10 ms", "40 ms", "60 ms"],
)
def test_packets_of_other_lengths_make_the_same_frames(payload: bytes, step: int) -> None:
    run = Run(stream([payload] * (48000 // step), step=step))
    assert [round(frame.t, 6) for frame in run.frames] == [
        round(START + index * 0.02, 6) for index in range(48000 // step * step // 960)
    ]
    assert run.of("audio.undecodable") == ()


def seconds_of_file(run: Run, path: Path) -> float:
    seconds = run.capture.write_ogg(path)
    assert soundfile.info(path).frames == round(seconds * 48000)
    return seconds


def test_the_file_runs_on_over_wraps_of_the_timestamp(tmp_path: Path) -> None:
    run = Run(stream(silence(1), sequence=65530, timestamp=0xFFFFFFFF - 960 * 10))
    assert seconds_of_file(run, tmp_path / "x.ogg") == 1.0
    assert len(run.frames) == 50


def test_a_timestamp_that_is_set_anew_does_not_stretch_the_file(tmp_path: Path) -> None:
    run = Run([*stream(silence(1)), *stream(silence(1), at=START + 1, sequence=50, timestamp=0x7FFFFFFF)])
    assert seconds_of_file(run, tmp_path / "x.ogg") == 2.0


def test_another_ssrc_goes_on_where_it_arrives(tmp_path: Path) -> None:
    run = Run([*stream(silence(1)), *stream(silence(1), at=START + 1.5, ssrc=8, sequence=900, timestamp=12345)])
    assert seconds_of_file(run, tmp_path / "x.ogg") == 2.5
    assert len(run.frames) == 100


def test_a_sender_that_begins_anew_is_heard() -> None:
    run = Run([*stream(silence(1), sequence=5000), *stream(silence(1), at=START + 1, sequence=10, timestamp=48000)])
    assert len(run.frames) == 100


def test_what_is_not_kept_is_not_written(tmp_path: Path) -> None:
    assert Run(stream(HELLO), keep=False).capture.write_ogg(tmp_path / "x.ogg") == 0.0
    assert not (tmp_path / "x.ogg").exists()


anything = st.builds(
    RtpPacket,
    direction=st.just("received"),
    ssrc=st.integers(1, 2),
    payload_type=st.integers(110, 111),
    sequence=st.integers(0, 0xFFFF),
    timestamp=st.integers(0, 0xFFFFFFFF),
    marker=st.booleans(),
    payload=st.binary(max_size=12) | st.just(SILENCE),
    t=st.floats(START, START + 5),
)


@given(st.lists(anything, max_size=25))
@settings(max_examples=80, deadline=None)
def test_any_packets_are_recorded_once_and_make_a_file_of_bounded_length(
    tmp_path_factory: pytest.TempPathFactory, packets: list[RtpPacket]
) -> None:
    packets.sort(key=lambda packet: packet.t)
    run = Run(packets)
    assert len(run.rows) == len(packets)
    assert run.capture.write_ogg(tmp_path_factory.mktemp("ogg") / "x.ogg") < 12


def test_sound_under_wrong_timestamps_is_kept_and_no_flood_makes_the_file_long(tmp_path: Path) -> None:
    packets = stream(HELLO, step=480)
    seconds = Run(packets).capture.write_ogg(tmp_path / "x.ogg")
    assert seconds == pytest.approx(len(HELLO) * 0.02, abs=0.1)
    assert [one for one in ogg_packets((tmp_path / "x.ogg").read_bytes()) if one != SILENCE] == [
        one for one in HELLO if one != SILENCE
    ]
    flood = [replace(one, timestamp=0, sequence=number, t=0.0) for number, one in enumerate(stream([HELLO[20]] * 1000))]
    assert Run(flood).capture.write_ogg(tmp_path / "y.ogg") < 2.1


# Quality


def test_quality_is_measured_only_where_it_is_asked_for_and_told_where_it_says_something() -> None:
    chopped = [SILENCE if index % 15 < 5 else packet for index, packet in enumerate(HELLO)]
    plain = Run(stream(chopped)).of("audio.levels")
    assert not any({"clipped", "flatness", "breaks"} & set(entry.data) for entry in plain)
    measured = Run(stream([*chopped, *[SILENCE] * 100]), quality=True).of("audio.levels")
    assert [entry.data["levels"] for entry in measured][: len(plain) - 1] == [e.data["levels"] for e in plain][:-1]
    assert sum(sum(entry.data.get("breaks", [])) for entry in measured) == 4
    assert not any("clipped" in entry.data for entry in measured)
    assert all(
        len(entry.data["flatness"]) == len(entry.data["levels"]) for entry in measured if "flatness" in entry.data
    )
    assert "flatness" not in measured[-1].data
    loud = Run(stream(encode(wav.load(FIXTURES / "assistant-hello-world.wav"), gain=24)), quality=True)
    assert sum(sum(entry.data.get("clipped", [])) for entry in loud.of("audio.levels")) > 300
