"""The fake's HTTP side against any client: every request gets a response or its connection is closed, and the next client is served."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.fake.server import FakeService
from harness.fake.settings import FakeSettings
from harness.protocol.dialects import DIALECTS
from harness.running import clock
from harness.trace import Header, Recorder, Trace, read_trace

KEY_PATH, CALL_PATH = "/openai/v1/realtime/client_secrets", "/openai/v1/realtime/calls"
GOOD = {"session": {"type": "realtime", "model": "gpt-realtime"}}
LIMITS = FakeSettings(request_seconds=2.0)

header_text = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=40)
headers = st.dictionaries(
    st.sampled_from(
        ["Host", "Authorization", "api-key", "Content-Type", "Origin", "Cookie", "Expect", "User-Agent", "X-A"]
    ),
    header_text,
    max_size=5,
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
bodies = st.one_of(
    st.binary(max_size=200),
    json_values.map(lambda value: json.dumps(value).encode()),
    json_values.map(lambda value: json.dumps({"session": value, "expires_after": value}).encode()),
    json_values.map(
        lambda value: json.dumps(
            {"session": {"type": "realtime", "model": "gpt-realtime", "audio": value, "tools": [value]}}
        ).encode()
    ),
    st.text(max_size=100).map(lambda text: f"v=0\r\n{text}".encode()),
    st.sampled_from(
        [
            b"[" * 100_000,
            b'{"a":' * 50_000,
            b"9" * 100_000,
            b'{"session": NaN}',
            b'{"session": {"temperature": 1e999}}',
            b"\xff\xfe{}",
        ]
    ),
)


def served(act: Callable[[str], Awaitable[object]], settings: FakeSettings = LIMITS) -> tuple[FakeService, list[Trace]]:
    """Run ``act`` against the fake in virtual time; afterwards a good client gets its key, and every trace is whole."""
    traces: list[Trace] = []

    async def main() -> FakeService:
        loop = asyncio.get_running_loop()
        failures: list[dict[str, object]] = []
        loop.set_exception_handler(lambda _, context: failures.append(context))
        service = FakeService(
            dialects=[DIALECTS["azure-ga"]],
            settings=settings,
            recorder_for=lambda dialect: Recorder(Header("service", dialect), loop.time),
            on_trace=lambda recorder: traces.append(recorder.trace()),
        )
        async with service:
            await act(service.url)
            async with httpx.AsyncClient(trust_env=False) as http:
                key = await http.post(f"{service.url}{KEY_PATH}", headers={"api-key": "k"}, json=GOOD)
            assert key.status_code == 200
        assert failures == []
        return service

    service = clock.run(main, time="virtual")
    for trace in traces:
        assert read_trace(trace.lines()).entries == trace.entries
    return service, traces


async def send(url: str, *parts: bytes, pause: float = 0.0) -> bytes:
    """What comes back on one connection, until the service closes it or says nothing more for a minute."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
    try:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause)
        return await asyncio.wait_for(reader.read(), 60)
    except (ConnectionError, BrokenPipeError):
        return b""
    finally:
        writer.close()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.binary(max_size=200), min_size=1, max_size=4))
def test_any_octets_end_in_a_response_or_a_closed_connection(parts: list[bytes]) -> None:
    served(lambda url: send(url, *parts))


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([KEY_PATH, CALL_PATH, f"{CALL_PATH}/x/hangup", "/", "//", "/%ff", "*"]),
    headers,
    bodies,
    st.sampled_from(["POST", "GET", "OPTIONS", "PUT"]),
)
def test_any_request_gets_a_response_that_is_no_crash(
    path: str, fields: dict[str, str], body: bytes, method: str
) -> None:
    async def act(url: str) -> None:
        fields.setdefault("Host", "x")
        fields.setdefault("api-key", "k")
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items()).encode("latin-1")
        head = f"{method} {path} HTTP/1.1\r\nConnection: close\r\nContent-Length: {len(body)}\r\n".encode() + lines
        reply = await send(url, head + b"\r\n" + body)
        status = reply.split(b" ")[1:2]
        assert status != [b"500"]
        assert status or not reply

    served(act)


@settings(max_examples=60, deadline=None)
@given(
    st.binary(max_size=150),
    st.sampled_from(
        ["", "; boundary", "; boundary=", "; boundary=x", '; boundary="x"; charset=nonsense', "; boundary=\xff"]
    ),
)
def test_any_form_gets_a_response(body: bytes, parameters: str) -> None:
    form = (
        b'--x\r\nContent-Disposition: form-data; name="sdp"\r\n\r\n' + body + b"\r\n--x\r\n" + body + b"\r\n--x--\r\n"
    )

    async def act(url: str) -> None:
        kind = f"multipart/form-data{parameters}".encode("latin-1")
        for content in (body, form):
            head = (
                b"POST "
                + CALL_PATH.encode()
                + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer k\r\n"
            )
            head += b"Content-Type: " + kind + b"\r\nContent-Length: " + str(len(content)).encode() + b"\r\n\r\n"
            reply = await send(url, head + content)
            assert reply.split(b" ")[1:2] not in ([], [b"500"])

    served(act)


@pytest.mark.parametrize(
    "parts",
    [
        [b""],
        [b"POST / HTTP/1.1\r\n"],
        [b"POST / HTTP/1.1\r\nHost: x\r\n", *[b"X-A: b\r\n"] * 50],
        [b"P", b"O", b"S", b"T", b" ", *[b"x"] * 50],
        [b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n", *[b"x"] * 50],
        [b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", *[b"1\r\nx\r\n"] * 50],
        [b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", *[b"X"] * 50],
    ],
    ids=[
        "silence",
        "half a head",
        "an endless head",
        "one octet at a time",
        "a slow body",
        "endless chunks",
        "a slow second request",
    ],
)
def test_a_slow_client_is_left_alone_after_a_while(parts: list[bytes]) -> None:
    async def act(url: str) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))

        async def drip() -> None:
            for part in parts:
                writer.write(part)
                await asyncio.sleep(1)

        dripping = asyncio.create_task(drip())
        await asyncio.wait_for(reader.read(), 60)
        assert loop.time() - began < 20
        dripping.cancel()
        writer.close()

    served(act)


def test_a_body_above_the_limit_is_refused_and_not_kept() -> None:
    async def act(url: str) -> None:
        async with httpx.AsyncClient(trust_env=False) as http:
            reply = await http.post(f"{url}{KEY_PATH}", headers={"api-key": "k"}, content=b"x" * (2 << 20))
        assert reply.status_code == 413

    served(act)


def test_connections_are_limited() -> None:
    async def act(url: str) -> None:
        port = int(url.rpartition(":")[2])
        pairs = [await asyncio.open_connection("127.0.0.1", port) for _ in range(20)]
        refused = [await asyncio.wait_for(reader.read(), 1) for reader, _ in pairs[10:]]
        assert refused == [b""] * 10
        for _, writer in pairs:
            writer.close()
        await asyncio.sleep(0.1)

    served(act, FakeSettings(max_connections=10))


def test_a_client_that_fails_for_ever_does_not_make_one_endless_trace() -> None:
    async def act(url: str) -> None:
        async with httpx.AsyncClient(trust_env=False) as http:
            for _ in range(300):
                await http.post(f"{url}{KEY_PATH}", headers={"api-key": "k"}, content=b"no JSON" * 100)

    _, traces = served(act)
    assert len(traces) > 2
    assert max(len(trace.entries) for trace in traces) <= 110
