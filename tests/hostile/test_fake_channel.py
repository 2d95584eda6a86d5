"""The fake's side of a call against a client that sends what it likes, as fast as it likes, and takes nothing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.fake.server import FakeService
from harness.fake.settings import FakeSettings
from harness.judging.recording import result_of
from harness.judging.results import to_json
from harness.protocol.dialects import DIALECTS
from harness.running import clock
from harness.trace import Header, Recorder, Trace, read_trace
from harness.webrtc.peer import Peer
from tests.fake.rim import EVERY_DIALECT, Rim, script
from tests.peers import ReadyAudio

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
VALID: tuple[dict[str, Any], ...] = (
    {"type": "session.update", "session": {"type": "realtime", "instructions": "x", "audio": {"input": {"turn_detection": None}}}},
    {"type": "conversation.item.create", "item": {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}},
    {"type": "conversation.item.create", "previous_item_id": "root", "item": {"type": "function_call_output", "call_id": "c", "output": "{}"}},
    {"type": "conversation.item.truncate", "item_id": "i", "content_index": 0, "audio_end_ms": 10},
    {"type": "conversation.item.delete", "item_id": "i"},
    {"type": "response.create", "response": {"instructions": "x", "tools": [], "metadata": {"a": "b"}, "input": []}},
    {"type": "response.cancel"},
    {"type": "input_audio_buffer.append", "audio": "AAAA"},
    {"type": "input_audio_buffer.commit"},
    {"type": "output_audio_buffer.clear"},
)  # fmt: skip


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A valid event with one of its values, at any depth, replaced or taken away."""
    event = json.loads(json.dumps(draw(st.sampled_from(VALID))))
    place: Any = event
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        if not keys:
            break
        key = draw(st.sampled_from(keys))
        if isinstance(place[key], (dict, list)) and draw(st.booleans()):
            place = place[key]
            continue
        if draw(st.booleans()):
            place[key] = draw(json_values)
        else:
            del place[key]
        break
    return json.dumps(event)


# What cannot be written with json.dumps, or is a bother to read.
ODD = ("", "{}", "[]", "null", "NaN", '{"type":"response.create","x":1e999}', "[" * 5000, '{"type":' * 200, "9" * 5000,
       '{"type":"session.update","session":{"instructions":"\\ud800"}}', '{"type":"session.update","session":' + "9" * 5000 + "}",
       '{"type":"\\u0000"}', "\ufeff{}", '{"type":"response.create","type":"response.cancel"}')  # fmt: skip
messages = mutated() | st.sampled_from(ODD) | st.text(max_size=30) | st.binary(max_size=30)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(EVERY_DIALECT), st.lists(messages, min_size=1, max_size=12))
def test_the_conversation_answers_any_message_by_events_of_the_schema(dialect: str, sent: list[str | bytes]) -> None:
    rim = Rim(dialect, script({"says": "Hello there."}))
    for message in sent:
        rim.run(0.1)
        rim.send(message)
    rim.run(2.0)


def call(
    act: Callable[[Peer, Any, asyncio.Event], Awaitable[None]],
    limits: FakeSettings | None = None,
    *,
    watched: bool = True,
) -> Trace:
    """A call to the fake by a peer of our own; ``act`` gets it with its open channel. The trace of the service's side."""
    traces: list[Trace] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        service = FakeService(
            dialects=[DIALECTS["azure-ga"]],
            settings=limits,
            recorder_for=(lambda dialect: Recorder(Header("service", dialect, time="virtual"), loop.time)),
            on_trace=lambda recorder: traces.append(recorder.trace()),
        )
        peer = Peer(Recorder(Header("client", "azure-ga"), loop.time), loopback=True, track=ReadyAudio())
        async with service, httpx.AsyncClient(base_url=service.url, trust_env=False) as http:
            body = {"session": {"type": "realtime", "model": "gpt-realtime"}}
            key = (await http.post("/openai/v1/realtime/client_secrets", headers={"api-key": "k"}, json=body)).json()[
                "value"
            ]
            channel = peer.create_channel("realtime-channel")
            opened = asyncio.Event()
            channel.on("open", opened.set)
            headers = {"authorization": f"Bearer {key}", "content-type": "application/sdp"}
            answer = await http.post("/openai/v1/realtime/calls", headers=headers, content=await peer.offer())
            await peer.accept_answer(answer.text)
            await asyncio.wait_for(opened.wait(), 10)
            await act(peer, channel, peer.lost)
            await peer.close()

    clock.run(main, time="virtual")
    (trace,) = traces
    assert read_trace(trace.lines()).entries == trace.entries
    result = result_of(trace, name="hostile")
    assert not result.bug, result.error
    json.dumps(to_json([result], seconds=0.0))
    return trace


def notes(trace: Trace) -> str:
    return " ".join(entry.data["text"] for entry in trace.of("harness.note"))


@settings(max_examples=15, deadline=None)
@given(st.lists(messages, min_size=1, max_size=60))
def test_a_call_survives_any_messages_and_can_be_judged(sent: list[str | bytes]) -> None:
    async def act(peer: Peer, channel: Any, lost: asyncio.Event) -> None:
        for message in sent:
            channel.send(message.encode("utf-8", "replace").decode() if isinstance(message, str) else message)
        await asyncio.sleep(1)
        assert not lost.is_set()

    call(act)


def test_a_client_that_floods_is_hung_up_on() -> None:
    async def act(peer: Peer, channel: Any, lost: asyncio.Event) -> None:
        while not lost.is_set():
            for _ in range(100):
                channel.send('{"type": "nonsense"}')
            await asyncio.sleep(0.02)

    trace = call(act)
    assert "floods the channel: more than 200 messages a second" in notes(trace)
    assert len(trace.events("client")) <= 200 * (10 + trace.seconds)


def test_a_client_that_brings_too_much_is_hung_up_on() -> None:
    async def act(peer: Peer, channel: Any, lost: asyncio.Event) -> None:
        while not lost.is_set():
            channel.send("x" * 60_000)
            await asyncio.sleep(0.02)

    trace = call(act, FakeSettings(received_bytes=1 << 20))
    assert "floods the channel" in notes(trace)
    assert sum(entry.data["size"] for entry in trace.of("event.undecodable")) <= 1 << 20


def test_a_client_that_takes_nothing_is_hung_up_on() -> None:
    async def act(peer: Peer, channel: Any, lost: asyncio.Event) -> None:
        sctp: Any = peer.pc.sctp
        sctp._receive_data_chunk = lambda chunk: asyncio.sleep(0)  # nothing is acknowledged any more
        sctp._send_sack = lambda: asyncio.sleep(0)
        for _ in range(400):
            channel.send(
                json.dumps(
                    {
                        "type": "conversation.item.create",
                        "item": {
                            "type": "message",
                            "role": "user",
                            "content": [{"type": "input_text", "text": "x" * 3000}],
                        },
                    }
                )
            )
            await asyncio.sleep(0.02)
            if lost.is_set():
                break

    trace = call(act, FakeSettings(queued_bytes=100_000))
    assert "the client takes no events" in notes(trace)


@pytest.mark.parametrize("seconds", [40.0])
def test_a_client_that_never_connects_is_dropped(seconds: float) -> None:
    async def main() -> int:
        loop = asyncio.get_running_loop()
        service = FakeService(dialects=[DIALECTS["azure-ga"]], settings=FakeSettings(connect_seconds=30.0))
        peer = Peer(Recorder(Header("client", "azure-ga"), loop.time), loopback=True, track=ReadyAudio())
        peer.create_channel("realtime-channel")
        async with service, httpx.AsyncClient(base_url=service.url, trust_env=False) as http:
            body = {"session": {"type": "realtime", "model": "gpt-realtime"}}
            key = (await http.post("/openai/v1/realtime/client_secrets", headers={"api-key": "k"}, json=body)).json()[
                "value"
            ]
            headers = {"authorization": f"Bearer {key}", "content-type": "application/sdp"}
            await http.post("/openai/v1/realtime/calls", headers=headers, content=await peer.offer())
            assert len(service.calls) == 1
            await asyncio.sleep(seconds)
            await peer.close()
            return len(service.calls)

    assert clock.run(main, time="virtual") == 0
