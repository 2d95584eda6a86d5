"""Secrets of both sides, and the proxy's own, echoed by a service in every spelling: none is in what the proxy leaves, says or logs."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.media.track import OutgoingAudio
from harness.proxying.proxying import proxy_forever
from harness.trace import Header, Recorder
from harness.webrtc.peer import Peer
from tests.echo import SPELLINGS, Echo, Manner, echoing, passwords_in
from tests.test_secrets import keys, leaks, left_in, listening, manners

PATHS = {"keys": "/openai/v1/realtime/client_secrets", "calls": "/openai/v1/realtime/calls"}


@pytest.fixture(scope="module")
def echo() -> Iterator[Echo]:
    with echoing() as service:
        yield service


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=keys, own=keys, manner=manners, spelling=st.sampled_from(sorted(SPELLINGS)), own_key=st.booleans())
def test_a_relayed_call_leaves_no_secret(
    echo: Echo, key: str, own: str, manner: Manner, spelling: str, own_key: bool
) -> None:
    echo.manner, echo.secrets = manner, set()
    said: list[str] = []
    planted = {key, own, manner.minted, manner.cookie}
    spell = SPELLINGS[spelling]
    gossip = f"my key is {spell(key)}, once more {key}"

    async def main(out: Path) -> None:
        stop = asyncio.Event()
        relaying = asyncio.create_task(
            proxy_forever(
                host="127.0.0.1", port=0, dialect="azure-ga", to=echo.url, own_key=own_key, out=out, say=said.append,
                environment={"AZURE_OPENAI_REALTIME_KEY": own, "AZURE_OPENAI_ENDPOINT": "https://nobody.example"}, stop=stop,
            )
        )  # fmt: skip
        while not said:
            await asyncio.sleep(0.01)
        url = said[0].split()[1]
        track = OutgoingAudio()
        peer = Peer(Recorder(Header("client", "azure-ga"), asyncio.get_running_loop().time), loopback=True, track=track)
        async with httpx.AsyncClient(trust_env=False) as http:
            headers = {
                "api-key": key,
                "x-gossip": spell(key),
                "cookie": f"token={key}",
                "content-type": "application/json",
            }
            body = json.dumps({"session": {"type": "realtime", "instructions": gossip}, "api_key": key, "note": gossip})
            query = httpx.QueryParams({"key": key, "code": key})
            await http.post(f"{url}{PATHS['keys']}?{query}", headers=headers, content=body)
            channel = peer.create_channel("realtime-channel")
            channel.on(
                "open", lambda: [channel.send(one) for one in (gossip, gossip.encode(), json.dumps({"type": gossip}))]
            )
            offer = await peer.offer()
            headers = {
                "authorization": f"Bearer {manner.minted}",
                "content-type": "application/sdp",
                "x-gossip": spell(key),
            }
            told = offer.replace("\r\ns=-\r\n", f"\r\ns={' '.join(gossip.split())}\r\n")
            answer = await http.post(f"{url}{PATHS['calls']}", headers=headers, content=told)
            planted.update(passwords_in(offer), passwords_in(answer.text))
            if answer.is_success:
                await peer.accept_answer(answer.text)
                await peer.wait_connected(10)
                await asyncio.sleep(0.2)
            await peer.close()
        stop.set()
        await relaying

    with tempfile.TemporaryDirectory() as name, listening() as ear:
        asyncio.run(main(Path(name)))
        texts = [("said", line) for line in said] + [("log", line) for line in ear.heard] + left_in(Path(name))
    traces = [text for where, text in texts if where.endswith(".ndjson")]
    assert len(traces) >= 2
    assert leaks(texts, planted | echo.secrets) == []
    talked = manner.call == "answer"
    assert all(("event.received" in trace) == talked for trace in traces if '"step":"call"' in trace)
