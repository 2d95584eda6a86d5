from __future__ import annotations

import asyncio
import os
import re
import threading
from collections.abc import Awaitable, Callable

import pytest

from harness.running import clock
from harness.trace import Entry, Header, Recorder
from harness.webrtc.peer import Peer, RejectedDescription
from tests.peers import End, ReadyAudio, connected


def virtual(main: Callable[[], Awaitable[None]], seed: int = 0) -> None:
    clock.run(main, time="virtual", seed=seed)


# The connection


def test_the_states_of_a_call_are_recorded_in_order() -> None:
    async def main() -> None:
        async with connected() as (caller, service):
            pass
        assert caller.states("connection.signaling") == ["have-local-offer", "stable", "closed"]
        assert service.states("connection.signaling") == ["have-remote-offer", "stable", "closed"]
        for end in (caller, service):
            assert end.states("connection.gathering") == ["gathering", "complete"]
            assert end.states("connection.ice") == ["checking", "completed", "closed"]
            assert end.states("connection.dtls")[:2] == ["connecting", "connected"]
            assert end.states("connection.state") == ["connecting", "connected", "closed"]
            first = {f"{entry.kind} {entry.data.get('state')}": entry.seq for entry in reversed(end.recorder.entries)}
            assert (
                first["connection.dtls connecting"]
                < first["connection.secured None"]
                < first["connection.dtls connected"]
                < first["connection.state connected"]
            )

    virtual(main)


def test_the_handshake_is_recorded_with_the_fingerprint_of_the_other_end() -> None:
    async def main() -> None:
        async with connected() as (caller, service):
            pass
        for end, other, role in ((caller, service, "server"), (service, caller, "client")):
            (secured,) = end.of("connection.secured")
            found = re.search(r"a=fingerprint:sha-256 (\S+)", other.peer.pc.localDescription.sdp)
            assert found
            assert secured.data == {
                "role": role,
                "version": "DTLSv1.2",
                "srtp_profile": "SRTP_AEAD_AES_256_GCM",
                "peer_fingerprint": found[1],
                "matches": True,
            }

    virtual(main)


def test_the_channel_opens_and_messages_go_both_ways() -> None:
    async def main() -> None:
        async with connected() as (caller, service):
            (offered,), (accepted,) = caller.channels, service.channels
            assert (accepted.label, accepted.ordered, accepted.id) == ("realtime-channel", True, 1)
            offered.send("an event")
            offered.send(b"octets")
            accepted.send("ü" * 50_000)
            await asyncio.sleep(1)
            assert service.messages == ["an event", b"octets"]
            assert caller.messages == ["ü" * 50_000]
            opening = {"ppid": 50, "stream": 1}
            assert [entry.data for entry in caller.of("channel.dcep")] == [
                {"direction": "sent", "message": "open", **opening, "type": 0},
                {"direction": "received", "message": "ack", **opening},
            ]
            assert [entry.data for entry in service.of("channel.dcep")] == [
                {"direction": "received", "message": "open", **opening, "type": 0},
                {"direction": "sent", "message": "ack", **opening},
            ]

    virtual(main)


def test_two_runs_record_the_same_at_the_same_times() -> None:
    def secrets_aside(entry: Entry) -> tuple[float, str, dict]:
        told = {k: v for k, v in entry.data.items() if k not in ("ssrc", "peer_fingerprint", "reports")}
        reports = [{**block, "ssrc": None} for block in entry.data.get("reports", ())]
        return entry.t, entry.kind, {**told, "reports": reports}

    async def main() -> list[list[tuple[float, str, dict]]]:
        async with connected() as (caller, service):
            await asyncio.sleep(20)
        return [[secrets_aside(entry) for entry in end.recorder.entries] for end in (caller, service)]

    runs = [clock.run(main, time="virtual", seed=3) for _ in range(3)]
    assert runs[0] == runs[1] == runs[2]
    assert clock.run(main, time="virtual", seed=4) != runs[0], "the seed decides"


# Descriptions


def test_the_offer_speaks_as_a_browser_and_the_local_description_stays() -> None:
    async def main() -> None:
        caller = End("client")
        caller.open_channel()
        offer = await caller.peer.offer()
        assert offer.index("a=ice-options:trickle\r\n") < offer.index("m=audio")
        assert "a=rtpmap:96 opus/48000/2\r\na=fmtp:96 minptime=10;useinbandfec=1\r\n" in offer
        assert re.findall(r"a=candidate:\S+ 1 udp \d+ (\S+) \d+ typ host", offer) == ["127.0.0.1"] * 2
        local = caller.peer.pc.localDescription.sdp
        assert "ice-options" not in local
        assert "fmtp" not in local
        await caller.peer.close()

    virtual(main)


def test_the_answer_is_complete_and_takes_only_what_was_offered() -> None:
    async def main() -> None:
        caller, service = End("client"), End("service")
        caller.open_channel()
        answer = await service.peer.answer(await caller.peer.offer())
        assert re.findall(r"^m=(.*?)\r?$", answer, re.M)[0].endswith("UDP/TLS/RTP/SAVPF 96")
        assert re.findall(r"a=mid:(\S+)", answer) == ["0", "1"]
        assert "a=group:BUNDLE 0 1\r\n" in answer
        assert re.findall(r"a=setup:(\S+)", answer) == ["active", "active"]
        assert answer.count("a=rtpmap:") == 1
        assert re.findall(r"a=candidate:\S+ 1 udp \d+ (\S+) \d+ typ host", answer) == ["127.0.0.1"] * 2
        assert "a=sctp-port:5000\r\n" in answer
        await caller.peer.close()
        await service.peer.close()

    virtual(main)


CHROMIUM_EXTRAS = (
    "a=extmap:14 urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n"
    "a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time\r\n"
    "a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01\r\n"
    "a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n"
    "a=rtcp-rsize\r\n"
    "a=rtpmap:63 red/48000/2\r\n"
    "a=fmtp:63 111/111\r\n"
    "a=rtpmap:13 CN/8000\r\n"
    "a=rtpmap:110 telephone-event/48000\r\n"
    "a=rtcp-fb:111 transport-cc\r\n"
)


def as_chromium(offer: str, *, candidates: bool) -> str:
    """An offer of ours in the shape of Chromium's: other numbers, more codecs and extensions, hidden or no addresses."""
    hidden = "a=candidate:1 1 udp 2113937151 4d1f3c2e-8a55-4e0e-8d7a-0e6f2a3b9c11.local 55555 typ host generation 0\r\n"
    offer = re.sub(r"a=candidate:.*\r\n", hidden if candidates else "", offer).replace("a=end-of-candidates\r\n", "")
    offer = re.sub(r"a=extmap:.*\r\n", "", offer)
    offer = re.sub(r"^m=(audio|application) \d+", r"m=\1 9", offer, flags=re.M)
    offer = offer.replace("a=group:", "a=extmap-allow-mixed\r\na=group:")
    offer = offer.replace("SAVPF 96 9 0 8", "SAVPF 111 63 9 0 8 13 110").replace(":96 ", ":111 ")
    return offer.replace("a=rtcp-mux\r\n", "a=rtcp-mux\r\n" + CHROMIUM_EXTRAS)


@pytest.mark.parametrize("candidates", [True, False], ids=["mDNS candidates", "no candidates"])
def test_a_browsers_offer_is_answered_and_its_checks_are_waited_for(candidates: bool) -> None:
    async def main() -> None:
        answers: list[str] = []

        def keep(answer: str) -> str:
            answers.append(answer)
            return answer

        def edited(offer: str) -> str:
            return as_chromium(offer, candidates=candidates)

        async with connected(edit_offer=edited, edit_answer=keep) as (caller, service):
            assert asyncio.get_running_loop().time() < 0.2, "nobody waited for a name to be resolved"
            await asyncio.sleep(1)
            assert {packet.payload_type for packet in service.seen("received")} == {111}
            assert len(caller.seen("received")) > 45
        (answer,) = answers
        assert re.findall(r"^m=audio \d+ \S+ (.*?)\r?$", answer, re.M) == ["111"]
        assert re.findall(r"a=extmap:(.*?)\r", answer) == [
            "14 urn:ietf:params:rtp-hdrext:ssrc-audio-level",
            "4 urn:ietf:params:rtp-hdrext:sdes:mid",
        ]
        assert "transport-cc" not in answer
        assert re.findall(r"a=setup:(\S+)", answer) == ["active", "active"]

    virtual(main)


def test_transport_attributes_may_be_left_out_of_bundled_sections() -> None:
    def short(description: str) -> str:
        audio, channel = re.split(r"(?=m=application)", description)
        return audio + re.sub(r"a=(ice-ufrag|ice-pwd|fingerprint|setup|candidate|end-of-candidates).*\r\n", "", channel)

    async def main() -> None:
        async with connected(edit_offer=short, edit_answer=short) as (caller, _):
            assert caller.states("connection.state") == ["connecting", "connected"]

    virtual(main)


def test_an_offer_without_a_bundle_is_answered_without_one() -> None:
    async def main() -> None:
        caller, service = End("client"), End("service")
        caller.open_channel()
        offer = await caller.peer.offer()
        answer = await service.peer.answer(offer.replace("a=group:BUNDLE 0 1\r\n", ""))
        assert "a=group" not in answer
        await caller.peer.close()
        await service.peer.close()

    virtual(main)


def test_video_is_answered_as_inactive() -> None:
    video = (
        "m=video 9 UDP/TLS/RTP/SAVPF 100\r\nc=IN IP4 0.0.0.0\r\na=sendrecv\r\na=mid:2\r\na=rtcp-mux\r\n"
        "a=rtpmap:100 VP8/90000\r\n"
    )

    async def main() -> None:
        caller, service = End("client"), End("service")
        caller.open_channel()
        offer = (await caller.peer.offer()).replace("BUNDLE 0 1", "BUNDLE 0 1 2") + video
        answer = await service.peer.answer(offer)
        assert "a=inactive" in answer[answer.index("m=video") :]
        assert answer.index("m=application") < answer.index("m=video")
        await caller.peer.close()
        await service.peer.close()

    virtual(main)


def without(pattern: str) -> Callable[[str], str]:
    return lambda sdp: re.sub(pattern, "", sdp, flags=re.M)


def only(kind: str) -> Callable[[str], str]:
    def edit(sdp: str) -> str:
        head, *sections = re.split(r"(?=^m=)", sdp, flags=re.M)
        return head + "".join(section for section in sections if section.startswith(f"m={kind}"))

    return edit


GARBAGE = [
    pytest.param(lambda _: "", "no media sections", id="empty"),
    pytest.param(lambda _: '{"error": {"message": "nope"}}', "no media sections", id="JSON"),
    pytest.param(lambda _: "<html><body>502</body></html>", "no media sections", id="HTML"),
    pytest.param(lambda _: "v=zero\r\nm=audio\r\n", "cannot be parsed", id="broken lines"),
    pytest.param(lambda sdp: sdp[: sdp.index("m=")], "no media sections", id="cut off"),
    pytest.param(only("application"), "no m=audio section", id="no audio"),
    pytest.param(only("audio"), "no m=application section", id="no data channel"),
    pytest.param(without(r"^a=fingerprint:.*\r\n"), "m=audio section has no a=fingerprint", id="no fingerprint"),
    pytest.param(lambda sdp: sdp.replace("fingerprint:sha-", "fingerprint:md-"), "known hash", id="unknown hash"),
    pytest.param(without(r"^a=setup:.*\r\n"), "no a=setup", id="no setup"),
    pytest.param(lambda sdp: re.sub(r"a=setup:\w+", "a=setup:sideways", sdp), "cannot be parsed", id="odd setup"),
    pytest.param(without(r"^a=ice-ufrag:.*\r\n"), "ICE username fragment", id="no ufrag"),
    pytest.param(without(r"^a=ice-pwd:.*\r\n"), "ICE username fragment or password", id="no password"),
    pytest.param(without(r"^a=rtcp-mux\r\n"), "RTCP mux", id="no rtcp-mux"),
    pytest.param(without(r"^a=sctp-port:.*\r\n"), "no a=sctp-port", id="no sctp-port"),
    pytest.param(without(r"^a=(rtpmap|fmtp):96.*\r\n"), "no Opus", id="no Opus"),
    pytest.param(
        lambda sdp: sdp.replace("a=rtpmap:96", "a=fmtp:98 x=1\r\na=rtpmap:96"), "no a=rtpmap", id="fmtp alone"
    ),
    pytest.param(without(r" typ host"), "cannot be parsed", id="broken candidate"),
    pytest.param(lambda sdp: sdp.replace("SAVPF 96", "SAVPF 96 400"), "cannot be parsed", id="payload type 400"),
]


@pytest.mark.parametrize(("edit", "reason"), GARBAGE)
def test_a_broken_answer_is_rejected_with_a_reason(edit: Callable[[str], str], reason: str) -> None:
    async def main() -> None:
        caller, service = End("client"), End("service")
        caller.open_channel()
        answer = await service.peer.answer(await caller.peer.offer())
        edited = edit(answer)
        assert edited != answer
        with pytest.raises(RejectedDescription, match=re.escape(reason)) as rejected:
            await caller.peer.accept_answer(edited)
        assert "\n" not in rejected.value.reason
        await caller.peer.close()
        await service.peer.close()

    virtual(main)


@pytest.mark.parametrize(("edit", "reason"), GARBAGE)
def test_a_broken_offer_is_rejected_with_a_reason(edit: Callable[[str], str], reason: str) -> None:
    async def main() -> None:
        caller, service = End("client"), End("service")
        caller.open_channel()
        offer = await caller.peer.offer()
        with pytest.raises(RejectedDescription, match=re.escape(reason)):
            await service.peer.answer(edit(offer))
        await caller.peer.close()
        await service.peer.close()

    virtual(main)


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        pytest.param(lambda sdp: sdp.replace("a=mid:1", "a=mid:7"), "do not match", id="another mid"),
        pytest.param(lambda sdp: sdp.replace("a=setup:active", "a=setup:actpass"), "must be 'active'", id="actpass"),
    ],
)
def test_an_answer_that_does_not_answer_is_rejected(edit: Callable[[str], str], reason: str) -> None:
    async def main() -> None:
        caller, service = End("client"), End("service")
        caller.open_channel()
        answer = await service.peer.answer(await caller.peer.offer())
        with pytest.raises(RejectedDescription, match=reason):
            await caller.peer.accept_answer(edit(answer))
        await caller.peer.close()
        await service.peer.close()

    virtual(main)


def test_an_answer_before_an_offer_is_rejected() -> None:
    async def main() -> None:
        caller, service, other = End("client"), End("service"), End("client")
        caller.open_channel()
        answer = await service.peer.answer(await caller.peer.offer())
        with pytest.raises(RejectedDescription, match="signaling state"):
            await other.peer.accept_answer(answer)
        for end in (caller, service, other):
            await end.peer.close()

    virtual(main)


SERVERS = [{"urls": ["stun:192.0.2.1", "turn:192.0.2.2?transport=tcp"], "username": "u", "credential": "c"}]


@pytest.mark.parametrize(
    ("loopback", "servers", "stun", "turn"),
    [
        (False, [], None, None),
        (False, SERVERS, ("192.0.2.1", 3478), ("192.0.2.2", 3478)),
        (True, SERVERS, None, None),
    ],
    ids=["no server, not even the default one", "the servers that were given", "none on loopback"],
)
def test_only_the_named_ice_servers_are_asked(
    loopback: bool, servers: list[dict], stun: tuple[str, int] | None, turn: tuple[str, int] | None
) -> None:
    async def main() -> None:
        recorder = Recorder(Header("client", "azure-ga"), asyncio.get_running_loop().time)
        peer = Peer(recorder, loopback=loopback, ice_servers=servers, track=ReadyAudio())
        peer.create_channel("realtime-channel")
        for dtls in (peer.pc.getTransceivers()[0].receiver.transport, peer.pc.sctp.transport):
            connection = dtls.transport._connection
            assert (connection.stun_server, connection.turn_server) == (stun, turn)
        await peer.close()

    virtual(main)


def test_a_malformed_ice_server_is_refused() -> None:
    async def main() -> None:
        recorder = Recorder(Header("client", "azure-ga"), asyncio.get_running_loop().time)
        with pytest.raises(ValueError, match="malformed uri"):
            Peer(recorder, loopback=False, ice_servers=[{"urls": "http://192.0.2.1"}], track=ReadyAudio())

    virtual(main)


# Losing the other end


def test_a_wrong_fingerprint_fails_dtls_and_loses_the_other_end() -> None:
    def wrong(answer: str) -> str:
        return re.sub(
            r"(a=fingerprint:\S+ )(..)", lambda found: f"{found[1]}{'00' if found[2] != '00' else '11'}", answer
        )

    async def main() -> None:
        caller, service = End("client"), End("service")
        caller.open_channel()
        answer = await service.peer.answer(await caller.peer.offer())
        await caller.peer.accept_answer(wrong(answer))
        with pytest.raises(ConnectionError, match="dtls failed"):
            await caller.peer.wait_connected(10)
        assert caller.peer.lost.is_set()
        assert [entry.data["matches"] for entry in caller.of("connection.secured")] == [False]
        assert caller.states("connection.dtls") == ["connecting", "failed"]
        assert caller.states("connection.state")[-1] == "failed"
        await caller.peer.close()
        await service.peer.close()

    virtual(main)


def test_waiting_for_nobody_times_out() -> None:
    async def main() -> None:
        caller, service = End("client"), End("service")
        caller.open_channel()
        answer = await service.peer.answer(await caller.peer.offer())
        await service.peer.close()
        await caller.peer.accept_answer(answer)
        loop = asyncio.get_running_loop()
        start = loop.time()
        with pytest.raises(TimeoutError):
            await caller.peer.wait_connected(15)
        assert loop.time() == start + 15
        await caller.peer.close()

    virtual(main)


async def close_connection(end: End) -> None:
    await end.peer.close()


async def close_channel(end: End) -> None:
    end.channels[0].close()


async def vanish(end: End) -> None:
    """As a killed process does: sockets gone, not a word said."""
    await end.peer._hooks.abandon()


@pytest.mark.parametrize(
    ("leave", "reason", "earliest", "latest"),
    [
        (close_connection, "closed by the other end", 0.0, 0.0),
        (close_channel, "closed by the other end", 0.0, 0.0),
        # aioice: six checks in a row, 4 to 6 s apart, unanswered for 0.5 s each.
        (vanish, "stopped answering", 27.0, 39.0),
    ],
)
@pytest.mark.parametrize("remaining", ["client", "service"])
def test_the_loss_of_the_other_end_is_noticed(
    leave: Callable[[End], Awaitable[None]], reason: str, earliest: float, latest: float, remaining: str
) -> None:
    async def main() -> None:
        async with connected() as ends:
            stays, leaves = ends if remaining == "client" else reversed(ends)
            await asyncio.sleep(1)
            assert not stays.peer.lost.is_set()
            loop = asyncio.get_running_loop()
            start = loop.time()
            await leave(leaves)
            await asyncio.wait_for(stays.peer.lost.wait(), 60)
            assert earliest <= loop.time() - start <= latest
            assert reason in stays.peer.lost_because

    virtual(main)


def test_closing_a_channel_or_the_connection_oneself_is_no_loss() -> None:
    async def main() -> None:
        async with connected() as (caller, _):
            caller.channels[0].close()
            await asyncio.sleep(1)
            assert caller.channels[0].readyState == "closed"
            assert not caller.peer.lost.is_set()
        assert not caller.peer.lost.is_set()

    virtual(main)


# Closing


def resources() -> tuple[int, int]:
    return len(os.listdir("/proc/self/fd")), threading.active_count()


async def started() -> list[End]:
    caller = End("client")
    caller.open_channel()
    return [caller]


async def offered() -> list[End]:
    (caller,) = await started()
    await caller.peer.offer()
    return [caller]


async def answered() -> list[End]:
    caller, service = (await started())[0], End("service")
    await service.peer.answer(await caller.peer.offer())
    return [caller, service]


async def checking() -> list[End]:
    caller, service = (await started())[0], End("service")
    await caller.peer.accept_answer(await service.peer.answer(await caller.peer.offer()))
    await asyncio.sleep(0.001)
    assert caller.states("connection.ice") == ["checking"]
    return [caller, service]


async def handshaking() -> list[End]:
    caller, service = await checking()
    begun = asyncio.Event()
    caller.recorder.watch(lambda entry: begun.set() if entry.kind == "connection.dtls" else None)
    await begun.wait()
    assert caller.states("connection.dtls") == ["connecting"]
    return [caller, service]


async def talking() -> list[End]:
    caller, service = await checking()
    await caller.peer.wait_connected(10)
    await asyncio.sleep(5)
    return [caller, service]


async def refused() -> list[End]:
    caller, service = await answered()
    with pytest.raises(RejectedDescription):
        await caller.peer.accept_answer("v=0\r\n")
    return [caller, service]


@pytest.mark.parametrize("reach", [started, offered, answered, checking, handshaking, talking, refused])
def test_close_leaves_nothing_behind(reach: Callable[[], Awaitable[list[End]]]) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        before, tasks = resources(), asyncio.all_tasks()
        ends = await reach()
        start = loop.time()
        for end in ends:
            await asyncio.gather(end.peer.close(), end.peer.close())
            await end.peer.close()
            assert end.track.readyState == "ended"
            assert end.states("connection.signaling")[-1:] == ["closed"]
            assert not end.of("harness.log")
        assert loop.time() - start < 1
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == tasks
        assert resources() == before

    virtual(main)


@pytest.mark.parametrize("passes", range(14))
def test_close_while_the_handshake_ends_leaves_nothing_behind(passes: int) -> None:
    """A stack that is closed goes on connecting for some passes of the loop, and then starts what it has just stopped."""

    async def main() -> None:
        tasks = asyncio.all_tasks()
        ends = await handshaking()
        for _ in range(passes):
            await asyncio.sleep(0)
        await asyncio.gather(*(end.peer.close() for end in ends))
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == tasks

    virtual(main)


def test_close_ends_even_where_the_stack_hangs() -> None:
    async def main() -> None:
        before = resources()
        caller, service = await talking()

        async def hang() -> None:
            await asyncio.Event().wait()

        caller.peer.pc.close = hang
        await caller.peer.close()
        assert "closing the connection" in caller.of("harness.log")[0].data["text"]
        await service.peer.close()
        await asyncio.sleep(0)
        assert resources()[0] == before[0]

    virtual(main)


def test_cancelling_a_call_closes_it() -> None:
    """What Ctrl-C does: the task that holds the call is cancelled, and closes it on the way out."""

    async def main() -> None:
        before, tasks = resources(), asyncio.all_tasks()
        inside = asyncio.Event()

        async def hold() -> None:
            async with connected():
                inside.set()
                await asyncio.Event().wait()

        task = asyncio.create_task(hold())
        await inside.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == tasks
        assert resources() == before

    virtual(main)
