"""The vendor's Python SDK makes the HTTP half of a call through the proxy: key, call as a form with its session beside it, hang-up."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import httpx
from openai import AsyncOpenAI

from harness.client.bodies import call_id
from harness.running import clock
from tests.peers import End
from tests.proxying.relay import KEY, Relay, relaying


def test_the_python_sdk_calls_through_the_proxy(tmp_path: Path) -> None:
    async def main() -> Relay:
        async with relaying(tmp_path, dialect="openai-ga") as relay, httpx.AsyncClient(trust_env=False) as http:
            sdk = AsyncOpenAI(api_key=KEY, base_url=f"{relay.url}/v1", http_client=http)
            secret = await sdk.realtime.client_secrets.create(session={"type": "realtime", "model": "gpt-realtime-2.1"})
            assert secret.value.startswith("ek_")
            end = End("client")
            opened = end.open_channel("oai-events")
            answer = await sdk.with_options(api_key=secret.value).realtime.calls.create(
                sdp=await end.peer.offer(), session={"type": "realtime", "model": "gpt-realtime-2.1"}
            )
            await end.peer.accept_answer(answer.text)
            await asyncio.wait_for(opened.wait(), 10)
            end.channels[0].send(
                json.dumps({"type": "session.update", "session": {"type": "realtime", "instructions": "Be brief."}})
            )
            await asyncio.sleep(2)
            await sdk.realtime.calls.hangup(call_id(answer.response.headers["location"]))
            await asyncio.wait_for(end.peer.lost.wait(), 10)
            await end.peer.close()
        return relay

    relay = clock.run(main, time="virtual")
    assert [(one.observer, one.verdict) for one in relay.results] == [
        ("service", "conformant"),
        ("client", "conformant"),
    ]
    for trace in relay.traces().values():
        assert [(one.data["step"], one.data["status"]) for one in trace.of("http.response")] == [
            ("key", 200),
            ("call", 201),
            ("hangup", 200),
        ]
        assert "gpt-realtime-2.1" in trace.of("http.request")[1].data["body"]
        assert trace.events("service", "session.updated")
