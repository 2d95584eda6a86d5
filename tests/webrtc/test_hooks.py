from __future__ import annotations

import asyncio
import threading
from itertools import pairwise

import pytest

from harness.protocol import sdp
from harness.running import clock
from harness.webrtc.peer import InvalidText
from tests.peers import ReadyAudio, connected


@pytest.fixture(scope="module")
def call() -> tuple[list, list, list, list, float]:
    """The packets both ends saw of five seconds in virtual time."""

    async def main() -> tuple[list, list, list, list, float]:
        async with connected() as (caller, service):
            start = asyncio.get_running_loop().time()
            await asyncio.sleep(4.99)
            return caller.seen("sent"), service.seen("received"), service.seen("sent"), caller.seen("received"), start

    return clock.run(main, time="virtual")


def test_every_packet_arrives_once_in_order_and_unchanged(call: tuple[list, list, list, list, float]) -> None:
    for sent, received in ((call[0], call[1]), (call[2], call[3])):
        assert len(sent) == 250

        def content(packets: list) -> list:
            return [(p.ssrc, p.payload_type, p.sequence, p.timestamp, p.marker, p.payload, p.t) for p in packets]

        assert content(received) == content(sent)


def test_headers_follow_rfc_3550(call: tuple[list, list, list, list, float]) -> None:
    for packets in (call[0], call[2]):
        assert len({(packet.ssrc, packet.payload_type) for packet in packets}) == 1
        assert packets[0].sequence < 0x8000
        for index, packet in enumerate(packets):
            assert packet.sequence == packets[0].sequence + index & 0xFFFF
            assert packet.timestamp == packets[0].timestamp + index * 960 & 0xFFFFFFFF
            assert packet.payload == b"\xf8" + index.to_bytes(4, "big")
            assert packet.t == pytest.approx(call[4] + index * 0.02, abs=1e-6)
            assert not packet.marker
    assert call[0][0].ssrc != call[2][0].ssrc


def test_the_marker_bit_tells_the_end_of_a_pause() -> None:
    async def main() -> list[tuple[bool, int]]:
        async with connected(caller_track=ReadyAudio(at=10, pause=1.5)) as (_, service):
            await asyncio.sleep(3)
            packets = service.seen("received")
            return [
                (later.marker, later.timestamp - before.timestamp & 0xFFFFFFFF) for before, later in pairwise(packets)
            ][:15]

    steps = clock.run(main, time="virtual")
    assert steps == [(False, 960)] * 9 + [(True, 960 + 72000)] + [(False, 960)] * 5


def test_sender_and_receiver_reports_tell_the_truth() -> None:
    """Reports of both kinds go both ways, and what aiortc makes of them agrees with the packets."""

    async def main() -> None:
        async with connected() as (caller, service):
            await asyncio.sleep(9.99)
            for end, other in ((caller, service), (service, caller)):
                entries = end.of("rtp.rtcp")
                kinds = {(entry.data["direction"], *entry.data["types"]) for entry in entries}
                assert kinds == {("sent", "SR", "SDES"), ("received", "SR", "SDES"), ("sent", "RR"), ("received", "RR")}
                assert {entry.data["ssrc"] for entry in entries if entry.data["direction"] == "sent"} == {
                    end.seen("sent")[0].ssrc
                }
                statistics = {one.type: one for one in (await end.peer.pc.getStats()).values()}
                inbound, about_us = statistics["inbound-rtp"], statistics["remote-inbound-rtp"]
                assert (inbound.ssrc, inbound.packetsReceived) == (
                    other.seen("sent")[0].ssrc,
                    len(end.seen("received")),
                )
                assert (inbound.packetsLost, inbound.jitter) == (0, 0)
                assert (about_us.packetsLost, about_us.fractionLost, about_us.jitter) == (0, 0, 0)
                about_them = statistics["remote-outbound-rtp"]
                # The last sender report is at most 1.5 s old.
                assert len(other.seen("sent")) - 75 <= about_them.packetsSent <= len(other.seen("sent"))
                assert about_them.bytesSent == about_them.packetsSent * 5

    clock.run(main, time="virtual")


def test_no_thread_is_started() -> None:
    async def main() -> list[threading.Thread]:
        async with connected():
            await asyncio.sleep(1)
            return threading.enumerate()

    before = threading.enumerate()
    assert clock.run(main, time="virtual") == before


def test_opus_is_sent_wherever_the_answer_lists_it() -> None:
    def opus_last(answer: str) -> str:
        return answer.replace("SAVPF 96\r\n", "SAVPF 0 96\r\n").replace(
            "a=rtpmap:96", "a=rtpmap:0 PCMU/8000\r\na=rtpmap:96"
        )

    async def main() -> set[int]:
        async with connected(edit_answer=opus_last) as (caller, _):
            await asyncio.sleep(1)
            return {packet.payload_type for packet in caller.seen("sent")}

    assert clock.run(main, time="virtual") == {96}


@pytest.mark.parametrize("number", [111, 35, 96, 127])
def test_opus_keeps_the_number_it_was_offered_with(number: int) -> None:
    def numbered(offer: str) -> str:
        return (
            offer.replace("SAVPF 96 ", f"SAVPF {number} ")
            .replace("map:96 ", f"map:{number} ")
            .replace("fmtp:96 ", f"fmtp:{number} ")
        )

    async def main() -> None:
        answers: list[str] = []

        def keep(answer: str) -> str:
            answers.append(answer)
            return answer

        async with connected(edit_offer=numbered, edit_answer=keep) as (caller, service):
            await asyncio.sleep(0.5)
            assert f"SAVPF {number}\r\n" in answers[0]
            assert f"a=rtpmap:{number} opus/48000/2\r\n" in answers[0]
            assert {packet.payload_type for packet in service.seen("sent")} == {number}
            assert len(caller.seen("received")) == len(service.seen("sent")) > 20

    clock.run(main, time="virtual")


def test_forged_and_foreign_datagrams_are_ignored() -> None:
    """What does not authenticate as SRTP, and what is no known protocol, changes nothing."""

    async def main() -> None:
        async with connected() as (caller, service):
            await asyncio.sleep(0.5)
            port = sdp.parse(service.peer.pc.localDescription.sdp).media[0].port
            transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
                asyncio.DatagramProtocol, remote_addr=("127.0.0.1", port)
            )
            for datagram in (
                b"\x80\x60" + bytes(60),
                b"\x80",
                b"\x80\xc8" + bytes(60),
                b"\xff" * 20,
                b"\0",
                b"\x17" * 9,
                b"",
            ):
                transport.sendto(datagram)
            transport.close()
            await asyncio.sleep(0.5)
            assert [p.sequence for p in service.seen("received")] == [p.sequence for p in caller.seen("sent")]
            assert not service.peer.lost.is_set()

    clock.run(main, time="virtual")


def test_a_string_that_is_not_utf8_is_handed_on_as_such() -> None:
    async def main() -> list[str | bytes]:
        async with connected() as (caller, service):
            sctp = caller.peer.pc.sctp
            await sctp._send(caller.channels[0].id, 51, b"\xff\xfe")
            caller.channels[0].send("still there")
            await asyncio.sleep(0.1)
            return service.messages

    messages = clock.run(main, time="virtual")
    assert messages == [b"\xff\xfe", "still there"]
    assert isinstance(messages[0], InvalidText)
