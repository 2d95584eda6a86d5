from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.protocol.rtp import MID_EXTENSION, Reception, mid_extension, pack, reception_reports, rtcp_types, unpack

octet = st.integers(0, 255)


@given(
    payload_type=st.integers(0, 127),
    marker=st.booleans(),
    sequence=st.integers(0, 0xFFFF),
    timestamp=st.integers(0, 0xFFFFFFFF),
    ssrc=st.integers(0, 0xFFFFFFFF),
    mid=st.text("0123456789audio", max_size=20),
    payload=st.binary(max_size=200),
)
def test_what_is_packed_is_unpacked(
    payload_type: int, marker: bool, sequence: int, timestamp: int, ssrc: int, mid: str, payload: bytes
) -> None:
    data = pack(payload_type, marker, sequence, timestamp, ssrc, mid_extension(3, mid), payload)
    packet = unpack(data, 1.5)
    assert packet is not None
    assert (packet.payload_type, packet.marker, packet.sequence, packet.timestamp, packet.ssrc, packet.payload) == (
        payload_type,
        marker,
        sequence,
        timestamp,
        ssrc,
        payload,
    )
    assert (packet.direction, packet.t) == ("received", 1.5)


@given(st.binary(max_size=64) | st.binary(min_size=11, max_size=64).map(b"\x80".__add__))
def test_any_octets_are_a_packet_or_none(data: bytes) -> None:
    packet = unpack(data, 0.0)
    assert packet is None or len(packet.payload) <= len(data) - 12


HEADER = bytes.fromhex("6f 1234 00000960 deadbeef".replace(" ", ""))


@pytest.mark.parametrize(
    ("data", "payload"),
    [
        pytest.param(b"\x80" + HEADER + b"abc", b"abc", id="plain"),
        pytest.param(b"\x82" + HEADER + bytes(8) + b"abc", b"abc", id="two CSRCs"),
        pytest.param(b"\x90" + HEADER + b"\xbe\xde\0\1\x10\x30\0\0" + b"abc", b"abc", id="one-byte extensions"),
        pytest.param(b"\x90" + HEADER + b"\x10\0\0\0" + b"abc", b"abc", id="empty two-byte extensions"),
        pytest.param(b"\xa0" + HEADER + b"abc\0\0\3", b"abc", id="padding of three"),
        pytest.param(b"\xa0" + HEADER + b"\0\0\3", b"", id="padding alone"),
        pytest.param(b"\xa0" + HEADER + b"abc\0", None, id="padding of none"),
        pytest.param(b"\xa0" + HEADER + b"abc\x20", None, id="more padding than packet"),
        pytest.param(b"\x90" + HEADER + b"\xbe\xde\0\2\x10\x30\0\0", None, id="extensions cut off"),
        pytest.param(b"\x8f" + HEADER + bytes(8), None, id="CSRCs cut off"),
        pytest.param(b"\x40" + HEADER + b"abc", None, id="version 1"),
        pytest.param(b"\x80" + HEADER[:-1], None, id="header cut off"),
    ],
)
def test_headers(data: bytes, payload: bytes | None) -> None:
    packet = unpack(data, 0.0)
    assert (packet.payload if packet else None) == payload
    if packet is not None:
        assert (packet.sequence, packet.timestamp, packet.ssrc) == (0x1234, 0x960, 0xDEADBEEF)
        assert (packet.payload_type, packet.marker) == (111, False)


@pytest.mark.parametrize(
    ("id", "mid", "block"),
    [
        (1, "0", "bede 0001 10 30 0000"),
        (14, "audio", "bede 0002 e4 617564696f 0000"),
        (3, "abc", "bede 0001 32 616263"),
        (None, "0", ""),
        (15, "0", ""),
        (1, "", ""),
        (1, "a mid of 17 chars", ""),
    ],
)
def test_mid_extension(id: int | None, mid: str, block: str) -> None:
    assert mid_extension(id, mid) == bytes.fromhex(block.replace(" ", ""))
    assert MID_EXTENSION.endswith(":mid")


SENDER_REPORT = bytes.fromhex("80c80006 0000002a".replace(" ", "")) + bytes(20)
DESCRIPTION = bytes.fromhex("81ca0002 0000002a 01000000".replace(" ", ""))
RECEIVER_REPORT = bytes.fromhex("80c90001 0000002b".replace(" ", ""))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (SENDER_REPORT + DESCRIPTION, (["SR", "SDES"], 42)),
        (RECEIVER_REPORT, (["RR"], 43)),
        (RECEIVER_REPORT + b"\x81\xcb\0\1" + bytes(4), (["RR", "BYE"], 43)),
        (b"\x80\xd2\0\1" + bytes(4), (["210"], 0)),
        (RECEIVER_REPORT + b"\0\0\0\0", (["RR"], 43)),
        (b"\x80\xc9\0\1", (["RR"], None)),
        (b"", ([], None)),
    ],
)
def test_rtcp_types(data: bytes, expected: tuple[list[str], int | None]) -> None:
    assert rtcp_types(data) == expected


# Octets of any kind, and some that begin like RTCP.
OCTETS = st.binary(max_size=200) | st.lists(
    st.builds(
        lambda count, kind, rest: struct.pack("!BBH", 0x80 | count, kind, len(rest) // 4) + rest,
        st.integers(0, 3),
        st.integers(200, 207),
        st.binary(max_size=28) | st.binary(min_size=28, max_size=80),
    ),
    max_size=3,
).map(b"".join)


@given(OCTETS)
def test_any_octets_have_rtcp_types(data: bytes) -> None:
    types, _ = rtcp_types(data)
    assert len(types) <= len(data) // 4


def report_block(ssrc: int, fraction: int, lost: int, jitter: int) -> bytes:
    return struct.pack("!IB3sIIII", ssrc, fraction, lost.to_bytes(3, "big", signed=True), 0, jitter, 0, 0)


def test_reports_of_reception() -> None:
    one, other = report_block(7, 64, 25, 480), report_block(9, 0, -1, 0)
    receiver = struct.pack("!BBHI", 0x82, 201, 13, 1) + one + other
    sender = struct.pack("!BBHI", 0x81, 200, 12, 1) + bytes(20) + one
    silent = struct.pack("!BBHI", 0x80, 200, 6, 1) + bytes(20)
    seven = {"ssrc": 7, "lost": 25, "lost_percent": 25.0, "jitter_ms": 10.0}
    nine = {"ssrc": 9, "lost": -1, "lost_percent": 0.0, "jitter_ms": 0.0}
    assert reception_reports(receiver) == [seven, nine]
    assert reception_reports(silent + sender) == [seven]
    assert reception_reports(silent) == []
    assert reception_reports(receiver[:-1]) == [seven]


@given(OCTETS)
def test_any_octets_have_reports(data: bytes) -> None:
    assert len(reception_reports(data)) <= len(data) // 24


def received(*sequences: int, first: int | None = None) -> Reception:
    reception = Reception(48000, sequences[0] if first is None else first)
    for index, sequence in enumerate(sequences):
        reception.add(sequence, index * 960, index * 0.02)
    return reception


@pytest.mark.parametrize("first", [0, 1, 7, 0x7FFF, 0xFFFE, 0xFFFF])
def test_reception_without_loss(first: int) -> None:
    reception = received(*((first + index) & 0xFFFF for index in range(200)))
    assert (reception.packets_expected, reception.packets_received) == (200, 200)
    assert (reception.packets_lost, reception.fraction_lost, reception.jitter) == (0, 0, 0)
    assert reception.max_seq == first + 199, "extended by the wraps"


def test_losses_late_and_repeated_packets() -> None:
    reception = received(10, 11, 14, 13, 13)
    assert reception.packets_expected == 5
    assert reception.packets_lost == 0, "a repeated packet makes up for a lost one (RFC 3550 section 6.4.1)"
    reception = received(10, 14)
    assert reception.packets_lost == 3
    assert reception.fraction_lost == 3 * 256 // 5
    assert reception.fraction_lost == 0, "asking began the next interval"
    reception.add(15, 960 * 2, 0.04)
    reception.add(17, 960 * 4, 0.08)
    assert (reception.fraction_lost, reception.packets_lost) == (256 // 3, 4)


def test_jitter_follows_the_formula_of_rfc_3550() -> None:
    reception = Reception(48000, 0)
    for index in range(4000):
        reception.add(index & 0xFFFF, index * 960 & 0xFFFFFFFF, index * 0.02 + (0.005 if index % 2 else 0.0))
    # Every transit differs from the one before by 5 ms, 240 units; the estimate settles there.
    assert abs(reception.jitter - 240) <= 1


def test_jitter_survives_the_wrap_of_the_timestamp() -> None:
    reception = Reception(48000, 0)
    for index in range(10):
        reception.add(index, (0xFFFFFFFF - 4 * 960 + index * 960) & 0xFFFFFFFF, index * 0.02)
    assert reception.jitter == 0
