"""Our client against a hostile service: each call ends in time with an error that says what came, and its trace can be judged."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from aiortc import RTCDataChannel
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.client.call import Call
from harness.client.http import LIMIT
from harness.errors import CallError, HarnessError
from harness.media.track import OutgoingAudio
from harness.running import clock
from harness.scenario.model import Caller
from harness.targets.endpoints import fake_endpoints
from harness.trace import Header, Recorder, Trace
from tests.client.service import GA_TOKEN, KEY, Service
from tests.client.test_call import make_call
from tests.fake.rim import Rim, script
from tests.hostile.mutations import spoiled, spoiled_text, values
from tests.hostile.test_judging import sound

Writer = asyncio.StreamWriter
CALLER = Caller.model_validate({"timeout": "5s"})


def call_against(serve: Callable[[bytes, Writer], Awaitable[None]]) -> tuple[Trace, HarnessError | None, float]:
    """A call to a server that does with each request's head and its connection whatever ``serve`` does; with its seconds."""

    async def main() -> tuple[Trace, HarnessError | None, float]:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: None)  # of the server, not ours

        async def connected(reader: asyncio.StreamReader, writer: Writer) -> None:
            head = await reader.readuntil(b"\r\n\r\n")
            try:
                await serve(head, writer)
            except ConnectionError:
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        recorder = Recorder(Header("client", "azure-ga"), loop.time)
        failure: HarnessError | None = None
        async with httpx.AsyncClient(trust_env=False) as http:
            endpoints = fake_endpoints("azure-ga", url, api_key=KEY)
            call = Call(endpoints, recorder, session={}, caller=CALLER, track=OutgoingAudio(), http=http)
            try:
                await call.open()
            except HarnessError as error:
                failure = error
            finally:
                await call.close()
        server.close()
        return recorder.close("failed"), failure, loop.time()

    return clock.run(main, time="virtual")


def refused(serve: Callable[[bytes, Writer], Awaitable[None]]) -> CallError:
    trace, failure, seconds = call_against(serve)
    assert isinstance(failure, CallError)
    assert seconds < 60
    sound(trace)
    return failure


status_lines = st.sampled_from(
    [
        b"HTTP/1.1 200 OK",
        b"HTTP/1.1 201 Created",
        b"HTTP/1.1 500 x",
        b"HTTP/1.1 204 x",
        b"HTTP/1.1 101 x",
        b"HTTP/1.1 307 x",
        b"HTTP/1.0 200",
        b"HTTP/9.9 999 x",
        b"ICY 200",
    ]
)
header_lines = st.lists(
    st.tuples(
        st.sampled_from(
            [
                b"Content-Length",
                b"Content-Type",
                b"Location",
                b"Retry-After",
                b"Date",
                b"Transfer-Encoding",
                b"Content-Encoding",
                b"Set-Cookie",
                b"X-A",
            ]
        ),
        st.binary(max_size=30).map(lambda octets: re.sub(rb"[\r\n\0]", b"", octets))
        | st.sampled_from(
            [
                b"0",
                b"-1",
                b"9" * 30,
                b"chunked",
                b"gzip",
                b"deflate",
                b"nan",
                b"application/json",
                b"text/html; charset=nonsense",
            ]
        ),
    ),
    max_size=5,
)


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=300))
def test_any_octets_in_place_of_a_response(octets: bytes) -> None:
    async def serve(head: bytes, writer: Writer) -> None:
        writer.write(octets)
        await writer.drain()

    refused(serve)


@settings(max_examples=100, deadline=None)
@given(
    status_lines,
    header_lines,
    st.binary(max_size=100)
    | values.map(lambda value: json.dumps(value).encode())
    | spoiled(GA_TOKEN).map(lambda value: json.dumps(value).encode()),
)
def test_any_response_to_the_token_request(status: bytes, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    async def serve(head: bytes, writer: Writer) -> None:
        if b"/calls" in head:
            writer.write(b"HTTP/1.1 400 no\r\nContent-Length: 0\r\n\r\n")
        else:
            lines = b"".join(b"%s: %s\r\n" % line for line in headers)
            writer.write(status + b"\r\n" + lines + b"Connection: close\r\n\r\n" + body)
        await writer.drain()

    refused(serve)


async def endless_body(head: bytes, writer: Writer) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{")
    while True:
        writer.write(b'"a":"' + b"x" * 65536)
        await writer.drain()


async def endless_headers(head: bytes, writer: Writer) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-A: " + b"x" * 1000 + b"\r\n")
        await writer.drain()


async def slow_body(head: bytes, writer: Writer) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    while True:
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(1)


async def silence(head: bytes, writer: Writer) -> None:
    await asyncio.sleep(1000)


async def endless_interim_responses(head: bytes, writer: Writer) -> None:
    while True:
        writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0.1)


async def bomb(head: bytes, writer: Writer) -> None:
    body = gzip.compress(bytes(100 << 20), 9)
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    await writer.drain()


async def deep(head: bytes, writer: Writer) -> None:
    body = b'{"value":' * 200_000
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    await writer.drain()


async def refuse_for_ever(head: bytes, writer: Writer) -> None:
    writer.write(b"HTTP/1.1 429 x\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n")
    await writer.drain()


@pytest.mark.parametrize(
    "serve",
    [endless_body, endless_headers, slow_body, silence, endless_interim_responses, bomb, deep, refuse_for_ever],
    ids=lambda serve: serve.__name__,
)
def test_a_response_that_does_not_end_well_ends_the_call(serve: Callable[[bytes, Writer], Awaitable[None]]) -> None:
    trace, failure, seconds = call_against(serve)
    assert isinstance(failure, CallError)
    assert seconds < 30
    assert sum(len(line) for line in trace.lines()) < 7 * LIMIT  # zeros are escaped, six for one


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_spoiled_answer_is_refused_or_lived_with(data: st.DataObject) -> None:
    """What remains of the answer is set, or refused with a reason; then the channel opens, or does not in time."""
    trace, _, failure = make_call(
        caller=CALLER, service_options={"edit_answer": lambda sdp: data.draw(spoiled_text(sdp))}
    )
    assert failure is None or isinstance(failure, CallError)
    sound(trace)


@pytest.mark.parametrize(
    "edit",
    [
        lambda sdp: sdp + "a=candidate:1 1 udp 1 127.0.0.1 9 typ host\r\n" * 20_000,
        lambda sdp: sdp.replace("a=fingerprint:sha-256 ", "a=fingerprint:sha-256 " + "AB:" * 100_000),
        lambda sdp: sdp + "a=rtpmap:111 " + "x" * (3 << 20) + "\r\n",
        lambda sdp: sdp.replace("m=audio", "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\nm=audio" * 1, 1) + "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n" * 5000,
        lambda sdp: "v=0\r\nm=audio " + "\0" * 1000,
    ],
    ids=["many candidates", "a long fingerprint", "a long line", "many sections", "zeros"],
)  # fmt: skip
def test_a_huge_answer_is_refused_or_lived_with(edit: Callable[[str], str]) -> None:
    trace, _, failure = make_call(caller=CALLER, service_options={"edit_answer": edit})
    assert failure is None or isinstance(failure, CallError)
    assert trace.end


def server_events() -> list[dict[str, Any]]:
    rim = Rim("azure-ga", script({"says": "Hello there."}))
    rim.write("hello")
    rim.run(3.0)
    return [event for event in rim.events if "type" in event]


EVENTS = server_events()
ODD = (b"\x00\xff", b"{}", "", "null", "[" * 60_000, '{"a":' * 5000, "9" * 60_000, '{"type":"error","x":NaN}', '{"type":"error","x":1e999}', '{"type":1}',
       '{"type":"\\ud800","event_id":"\\udfff"}', '{"type":"session.created","session":' + "9" * 5000 + "}")  # fmt: skip
messages = (
    st.sampled_from(EVENTS).flatmap(spoiled).map(json.dumps)
    | st.sampled_from(ODD)
    | st.text(max_size=20)
    | st.binary(max_size=20)
)


@settings(max_examples=25, deadline=None)
@given(st.lists(messages, min_size=1, max_size=40))
def test_any_messages_on_the_channel_are_recorded_and_judged(sent: list[str | bytes]) -> None:
    async def talk(call: Call, service: Service) -> None:
        assert service.channel is not None
        for message in sent:
            service.channel.send(message.encode("utf-8", "replace").decode() if isinstance(message, str) else message)
        await asyncio.sleep(1)
        assert not call.lost.is_set()

    trace, _, failure = make_call(talk)
    assert failure is None
    assert len(trace.of("event.received", "event.undecodable")) == len(sent)
    sound(trace)


def test_a_service_that_floods_the_channel_loses_the_call() -> None:
    def flood(channel: RTCDataChannel, message: str) -> None:
        for _ in range(15_000):
            channel.send('{"type":"response.done"}')

    async def talk(call: Call, service: Service) -> None:
        await asyncio.wait_for(call.lost.wait(), 30)

    trace, _, _ = make_call(talk, service_options={"on_message": flood})
    assert "floods the channel" in " ".join(entry.data["text"] for entry in trace.of("harness.note"))
    assert len(trace.events("service")) <= 10_100
