from __future__ import annotations

import math
import random
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.media import opus, wav
from harness.media.levels import dbfs
from harness.media.opus import SILENCE, Decoder, encode, mix, packet_samples, write_ogg
from harness.media.wav import Recording
from harness.protocol import opus as toc
from tests.audio_files import recording

FIXTURES = Path(__file__).parents[2] / "fixtures" / "audio"
SPEECH = FIXTURES / "caller-go-forward.wav"


def decoded(packets: list[bytes] | tuple[bytes, ...]) -> np.ndarray:
    decoder = Decoder()
    return np.concatenate([decoder.decode(packet) for packet in packets])


# Packets


@given(config=st.integers(0, 31), stereo=st.booleans(), size=st.integers(0, 1275))
def test_one_frame(config: int, stereo: bool, size: int) -> None:
    payload = bytes([config << 3 | stereo << 2]) + bytes(size)
    assert packet_samples(payload) == toc.FRAME_SAMPLES[config] == toc.packet_samples(payload)


@given(config=st.integers(0, 31), size=st.integers(0, 1275))
def test_two_frames_of_equal_size(config: int, size: int) -> None:
    first = bytes([config << 3 | 1])
    assert packet_samples(first + bytes(2 * size)) == 2 * toc.FRAME_SAMPLES[config]
    with pytest.raises(ValueError, match="R3"):
        packet_samples(first + bytes(2 * size + 1))


def coded_length(size: int) -> bytes:
    """RFC 6716 section 3.2.1."""
    return bytes([size]) if size < 252 else bytes([252 + (size & 3), (size - 252) >> 2])


@given(config=st.integers(0, 31), first=st.integers(0, 1275), second=st.integers(0, 1275))
def test_two_frames_of_different_size(config: int, first: int, second: int) -> None:
    head = bytes([config << 3 | 2]) + coded_length(first)
    assert packet_samples(head + bytes(first + second)) == 2 * toc.FRAME_SAMPLES[config]
    if first:
        with pytest.raises(ValueError, match="R4"):
            packet_samples(head + bytes(first - 1))


@given(
    config=st.integers(0, 31),
    sizes=st.lists(st.integers(0, 300), min_size=1, max_size=48),
    padding=st.none() | st.integers(0, 600),
    equal=st.booleans(),
)
def test_many_frames(config: int, sizes: list[int], padding: int | None, equal: bool) -> None:
    if equal:
        sizes = [sizes[0]] * len(sizes)
    count = len(sizes) | (0 if equal else 0x80) | (0x40 if padding is not None else 0)
    head = bytes([config << 3 | 3, count])
    if padding is not None:
        head += b"\xff" * (padding // 254) + bytes([padding % 254])
    if not equal:
        head += b"".join(coded_length(size) for size in sizes[:-1])
    payload = head + bytes(sum(sizes)) + bytes(padding or 0)
    samples = len(sizes) * toc.FRAME_SAMPLES[config]
    if samples > 5760:
        with pytest.raises(ValueError, match="R5"):
            packet_samples(payload)
        return
    assert packet_samples(payload) == samples == toc.packet_samples(payload)
    only_shortens_the_last_frame = sizes[-1] > 0 and (not equal or len(sizes) == 1)
    if len(payload) > len(head) and not only_shortens_the_last_frame:
        with pytest.raises(ValueError, match=r"R6|R7"):
            packet_samples(payload[:-1])


@pytest.mark.parametrize(
    ("payload", "requirement"),
    [
        (b"", "R1"),
        (bytes([0xF8]) + bytes(1276), "R2"),
        (bytes([0xF9]) + bytes(2552), "R2"),
        (bytes([0xFA]), "R4, R7"),
        (bytes([0xFA, 255]), "R4, R7"),
        (bytes([0xFA, 3, 0]), "R4"),
        (bytes([0xFB]), "R6, R7"),
        (bytes([0xFB, 0]), "R5"),
        (bytes([0xFB, 7]), "R5"),
        (bytes([0xFB, 0x41]), "R6, R7"),
        (bytes([0xFB, 0x41, 255]), "R6, R7"),
        (bytes([0xFB, 0x41, 1]), "R6"),
        (bytes([0xFB, 0x82]), "R4, R7"),
        (bytes([0xFB, 0x82, 3, 0]), "R7"),
        (bytes([0xFB, 0x81]) + bytes(1276), "R2"),
    ],
)
def test_malformed_packets(payload: bytes, requirement: str) -> None:
    with pytest.raises(ValueError, match=rf"\({requirement}\)"):
        packet_samples(payload)
    with pytest.raises(ValueError, match=rf"\({requirement}\)"):
        Decoder().decode(payload)


@given(st.lists(st.binary(max_size=60), min_size=1, max_size=8))
@settings(max_examples=150, deadline=None)
def test_decoder_gives_what_the_header_says_or_refuses(payloads: list[bytes]) -> None:
    decoder = Decoder()
    for payload in payloads:
        try:
            expected = packet_samples(payload)
        except ValueError:
            expected = None
        try:
            heard = decoder.decode(payload)
        except ValueError:
            continue
        assert heard.size == expected
    # Whatever came before, a good packet decodes.
    assert decoder.decode(SILENCE).size == 960


# Silence


def test_silence_is_what_the_encoder_makes_of_it() -> None:
    assert set(encode(recording("silence", 0.2))) == {SILENCE}


def test_silence_decodes_to_digital_silence() -> None:
    heard = decoded([SILENCE] * 20)
    assert heard.size == 20 * 960
    assert not heard.any()


class EveryPacket(Decoder):
    """A decoder that never takes the short way through silence."""

    def decode(self, payload: bytes) -> np.ndarray:
        self._silent = 0
        return super().decode(payload)


@pytest.mark.parametrize("seed", range(4))
def test_the_short_way_through_silence_changes_no_sample(seed: int) -> None:
    pick = random.Random(seed)
    speech = [encode(wav.load(FIXTURES / name)) for name in (SPEECH.name, "assistant-hello-world.wav")]
    silences = [SILENCE, b"\xfc\xff\xfe", b"\xf0\xff\xfe", b"\xe0\xff\xfe", b"\xf8", b"\x78", b"\x08", b"\xf8\x00"]
    short, long = Decoder(), EveryPacket()
    for _ in range(12):
        voice = pick.choice(speech)
        start = pick.randrange(len(voice))
        packets = [*voice[start : start + pick.randrange(1, 40)], *[pick.choice(silences)] * pick.randrange(1, 60)]
        for packet in packets:
            assert np.array_equal(short.decode(packet), long.decode(packet))


def test_the_short_way_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    decoder = Decoder()
    for _ in range(10):
        decoder.decode(SILENCE)
    monkeypatch.setattr(decoder, "_context", None)
    assert not decoder.decode(SILENCE).any()
    with pytest.raises(AttributeError):
        decoder.decode(encode(recording())[3])


# Encoding


@pytest.mark.parametrize(("seconds", "packets"), [(0.01, 1), (0.02, 1), (0.021, 2), (0.5, 25), (1 / 48000, 1)])
def test_packets_cover_the_recording(seconds: float, packets: int) -> None:
    assert len(encode(recording("tone", seconds))) == packets


def test_every_packet_lasts_20_ms_and_is_no_larger_than_a_datagram() -> None:
    packets = encode(wav.load(SPEECH))
    assert {packet_samples(packet) for packet in packets} == {960}
    assert max(map(len, packets)) < 600


@pytest.mark.parametrize("name", [SPEECH.name, "assistant-hello-world.wav", "noise-monkeys.wav"])
def test_what_is_decoded_is_what_was_said(name: str) -> None:
    said = wav.load(FIXTURES / name).samples.astype(float)
    heard = decoded(encode(wav.load(FIXTURES / name))).astype(float)[120 : said.size]  # the codec's 2.5 ms
    said = said[: heard.size]
    correlation = np.dot(said, heard) / math.sqrt(np.dot(said, said) * np.dot(heard, heard))
    assert correlation > 0.95
    assert dbfs(heard.astype(np.int16)) == pytest.approx(dbfs(said.astype(np.int16)), abs=0.5)


def test_encoded_once_by_content_and_gain() -> None:
    samples = recording().samples
    first = encode(Recording(samples, "a.wav"))
    assert encode(Recording(samples.copy(), "b.wav")) is first
    assert encode(Recording(samples, "a.wav"), gain=6.0) is not first
    assert encode(Recording(samples, "a.wav"), gain=6.0) is encode(Recording(samples, "a.wav"), gain=6.0)


def test_cache_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opus, "_encoded", {})
    monkeypatch.setattr(opus, "_MOST_KEPT", 2)
    tones = [Recording(np.full(960, level, np.int16)) for level in (1, 2, 3)]
    first = encode(tones[0])
    encode(tones[1])
    assert encode(tones[0]) is first
    encode(tones[2])
    assert encode(tones[0]) is first
    assert len(opus._encoded) == 2


@pytest.mark.parametrize("gain", [-12.0, 6.0])
def test_gain_is_decibels(gain: float) -> None:
    as_it_is, changed = (decoded(encode(recording("tone", 0.5), gain=decibels)) for decibels in (0.0, gain))
    assert dbfs(changed) - dbfs(as_it_is) == pytest.approx(gain, abs=0.3)


def test_too_much_gain_clips_and_does_not_wrap() -> None:
    said = recording("tone", 0.5).samples[: 24 * 960]
    heard = decoded(encode(recording("tone", 0.5), gain=60.0))[120 : 24 * 960]
    assert dbfs(heard) > -1.5
    same_sign = np.sign(said[: heard.size]) == np.sign(heard)
    assert same_sign.mean() > 0.98


# Mixing


def test_mix_is_the_sum() -> None:
    assert mix(np.array([100, -7], np.int16), np.array([23, -3], np.int16)).tolist() == [123, -10]


@given(st.lists(st.lists(st.integers(-32768, 32767), min_size=4, max_size=4), min_size=1, max_size=4))
def test_mix_never_wraps(voices: list[list[int]]) -> None:
    total = np.sum(voices, axis=0)
    mixed = mix(*[np.array(voice, np.int16) for voice in voices])
    assert mixed.dtype == np.int16
    scale = min(1.0, 32767 / max(1, np.abs(total).max()))
    assert np.abs(mixed - total * scale).max() <= 1


# Files


def read_back(path: Path) -> np.ndarray:
    samples, rate = soundfile.read(path, dtype="int16")
    assert rate == 48000
    return samples


def timed(packets: list[bytes] | tuple[bytes, ...], start: int = 0) -> list[tuple[int, bytes]]:
    return [(start + index * 960, packet) for index, packet in enumerate(packets)]


def test_file_holds_what_the_packets_decode_to(tmp_path: Path) -> None:
    packets = encode(wav.load(SPEECH))
    assert write_ogg(tmp_path / "a.ogg", timed(packets)) == pytest.approx(len(packets) * 0.02)
    heard = read_back(tmp_path / "a.ogg")
    assert heard.size == len(packets) * 960
    assert np.abs(heard.astype(int) - decoded(packets)).max() <= 2


def test_ffmpeg_reads_it_too_with_every_packet_in_its_place(tmp_path: Path) -> None:
    packets = encode(wav.load(SPEECH))
    write_ogg(tmp_path / "a.ogg", timed(packets))
    with av.open(str(tmp_path / "a.ogg")) as container:
        stream = container.streams.audio[0]
        assert (stream.codec_context.name, stream.rate, stream.layout.name) == ("opus", 48000, "mono")
        read = [packet for packet in container.demux(stream) if packet.size]
    assert [bytes(packet) for packet in read] == list(packets)
    assert [packet.pts for packet in read] == [index * 960 for index in range(len(packets))]


def test_gaps_become_silence_of_their_length(tmp_path: Path) -> None:
    tone = encode(recording("tone", 0.2))
    gap = 960 * 7 + 480 + 120 + 60  # the last 60 are less than any packet lasts
    packets = timed(tone) + timed(tone, start=len(tone) * 960 + gap)
    seconds = write_ogg(tmp_path / "gap.ogg", packets)
    assert seconds == pytest.approx((2 * len(tone) * 960 + gap - 60) / 48000)
    heard = read_back(tmp_path / "gap.ogg")
    assert heard.size == round(seconds * 48000)
    filled = [*tone, *[SILENCE] * 7, b"\xf0\xff\xfe", b"\xe0\xff\xfe", *tone]
    assert np.abs(heard.astype(int) - decoded(filled)).max() <= 2


@given(
    st.lists(
        st.tuples(
            st.integers(0, 100_000), st.sampled_from([SILENCE, b"\xe0\xff\xfe", b"\xfb\x03" + bytes(3), b"\xfb"])
        ),
        max_size=30,
    )
)
@settings(max_examples=60, deadline=None)
def test_any_packets_make_a_file_as_long_as_it_says(tmp_path_factory: pytest.TempPathFactory, packets) -> None:
    path = tmp_path_factory.mktemp("ogg") / "x.ogg"
    seconds = write_ogg(path, packets)
    good = [(at, packet) for at, packet in packets if packet != b"\xfb"]
    if not good:
        assert (seconds, path.exists()) == (0.0, False)
        return
    info = soundfile.info(path)
    assert info.frames == round(seconds * 48000)
    first, last = min(at for at, _ in good), max(at for at, _ in good)
    assert (last - first - 960) / 48000 <= seconds <= (last - first + 4 * 2880) / 48000


def test_order_and_repetitions_do_not_matter(tmp_path: Path) -> None:
    packets = timed(encode(wav.load(SPEECH)))
    write_ogg(tmp_path / "a.ogg", packets)
    shuffled = packets + packets[10:20]
    random.Random(1).shuffle(shuffled)
    write_ogg(tmp_path / "b.ogg", shuffled)
    assert (tmp_path / "a.ogg").read_bytes() == (tmp_path / "b.ogg").read_bytes()


def test_stereo_packets_make_a_stereo_file(tmp_path: Path) -> None:
    write_ogg(tmp_path / "s.ogg", timed([b"\xfc\xff\xfe"] * 10))
    assert soundfile.info(tmp_path / "s.ogg").channels == 2


def test_packets_of_any_size_fit_into_pages(tmp_path: Path) -> None:
    """Lacing values of 255, and more segments in a second than a page takes."""
    padded = [
        b"\xfb\x41" + b"\xff" * (size // 254) + bytes([size % 254]) + b"\xff\xfe" + bytes(size)
        for size in (0, 250, 1200, 9000)
    ]
    packets = timed(padded * 30)
    assert write_ogg(tmp_path / "p.ogg", packets) == pytest.approx(2.4)
    with av.open(str(tmp_path / "p.ogg")) as container:
        assert [bytes(packet) for packet in container.demux() if packet.size] == [payload for _, payload in packets]
