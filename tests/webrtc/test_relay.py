"""Audio that came in elsewhere leaves as it came; messages leave at once; an ACK waits until it is asked for."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from harness.protocol import negotiation
from harness.protocol.rtp import RtpPacket
from harness.running import clock
from harness.webrtc.peer import InvalidText, Peer, RelayedAudio, as_it_came, send_at_once
from tests.peers import End, connected

PACKET = RtpPacket("received", 7, 0, 65534, 0xFFFFFFF0, True, b"\xf8one", 0.0)


def test_packets_are_sent_as_they_came() -> None:
    track = RelayedAudio()

    async def main() -> tuple[list[RtpPacket], int, list[float | None]]:
        assert track.send(PACKET) is None  # nothing stands yet
        async with connected(caller_track=track) as (caller, service):
            await asyncio.sleep(1)
            opus = negotiation.opus_payload_types(caller.peer.pc.remoteDescription.sdp)[0]
            first = replace(PACKET, payload_type=opus)
            times = [
                track.send(one)
                for one in (
                    first,
                    replace(
                        first, sequence=1, timestamp=944, marker=False, payload=b"\xf8two"
                    ),  # 65535 and 0 are missing
                    replace(first, sequence=0, payload=b"\xf8late"),
                    replace(first, ssrc=8, sequence=500, payload=b"\xf8other"),
                )
            ]
            await asyncio.sleep(3)
            assert [one.payload for one in caller.seen("sent")] == [one.payload for one in service.seen("received")]
            reports = [one for one in service.of("rtp.rtcp") if one.data["direction"] == "received"]
            assert any("SR" in one.data["types"] for one in reports)
            found = service.seen("received"), caller.peer.pc.getSenders()[0]._ssrc, times
        assert track.send(PACKET) is None  # closed
        return found

    packets, ssrc, times = clock.run(main, time="virtual")
    assert [(one.sequence, one.timestamp, one.marker, one.payload) for one in packets] == [
        (65534, 0xFFFFFFF0, True, b"\xf8one"),
        (1, 944, False, b"\xf8two"),
        (0, 0xFFFFFFF0, True, b"\xf8late"),
        (500, 0xFFFFFFF0, True, b"\xf8other"),
    ]
    assert [one.ssrc for one in packets[:3]] == [ssrc] * 3
    assert packets[3].ssrc not in (ssrc, 7, 8)
    assert None not in times


def test_a_message_has_left_when_the_call_returns() -> None:
    async def main() -> None:
        async with connected() as (caller, service):
            (channel,) = caller.channels
            send_at_once(channel, "now")
            assert not caller.peer.pc.sctp._data_channel_queue
            assert caller.peer.unacknowledged
            await asyncio.sleep(0)
            await asyncio.sleep(0.5)
            assert service.messages == ["now"]
            assert service.peer.arrived <= asyncio.get_running_loop().time()

    clock.run(main, time="virtual")


def test_an_ack_is_held_back_until_it_is_asked_for() -> None:
    async def main() -> None:
        caller, service = End("client"), End("service")
        service.peer = Peer(service.recorder, loopback=True, track=service.track, holds_ack=True)
        service.peer.on_channel = service._on_channel
        try:
            opened = caller.open_channel()
            await caller.peer.accept_answer(await service.peer.answer(await caller.peer.offer(), passive=True))
            await caller.peer.wait_connected(10)
            await asyncio.sleep(2)
            assert not opened.is_set()
            for _ in range(2):
                service.peer.acknowledge(service.channels[0])
            await asyncio.wait_for(opened.wait(), 1)
            sent = [one.data["message"] for one in service.of("channel.dcep") if one.data["direction"] == "sent"]
            assert sent == ["ack"]
            assert [one.data["role"] for one in service.of("connection.secured")] == ["server"]
        finally:
            await caller.peer.close()
            await service.peer.close()

    clock.run(main, time="virtual")


def test_an_offer_for_channels_that_do_not_exist_yet() -> None:
    async def main() -> str:
        end = End("client")
        end.peer = Peer(end.recorder, loopback=True, track=RelayedAudio(), channels=True)
        offer = await end.peer.offer()
        await end.peer.close()
        return offer

    offer = clock.run(main, time="virtual")
    assert [line.split()[0] for line in offer.splitlines() if line.startswith("m=")] == ["m=application", "m=audio"]


def test_text_that_is_no_utf8_keeps_its_octets() -> None:
    assert as_it_came("ü") == "ü"
    assert as_it_came(b"\x00") == b"\x00"
    text = as_it_came(InvalidText(b"\xff{}"))
    assert isinstance(text, str)
    assert text.encode("utf8") == b"\xff{}"
