"""Whole calls through the proxy, in virtual time: our own caller, over real aiortc, to the fake."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from harness.client.call import Call
from harness.media import opus, wav
from harness.media.track import OutgoingAudio
from harness.running import clock
from harness.scenario.model import Caller
from harness.scenario.script import FakeScript
from harness.targets.endpoints import fake_endpoints
from harness.trace import Header, Recorder, Trace
from tests.fake.caller import Caller as Raw
from tests.fake.requests import API_KEY, AZURE, call_path
from tests.proxying.relay import AUDIO, KEY, Relay, relaying

SCRIPT = FakeScript.model_validate({"replies": [{"says": "Hello, world.", "audio": "assistant-hello-world.wav"}]})


@asynccontextmanager
async def calling(url: str, dialect: str = "azure-ga", **options: Any) -> AsyncIterator[Call]:
    """A call of our own caller to ``url``, open; hung up at the end."""
    recorder = Recorder(Header("client", dialect, time="virtual"), asyncio.get_running_loop().time)
    async with httpx.AsyncClient(trust_env=False) as http:
        call = Call(
            fake_endpoints(dialect, url, api_key=KEY),
            recorder,
            session={"instructions": "Be brief."},
            caller=Caller(**options),
            track=OutgoingAudio(),
            http=http,
        )
        try:
            await call.open()
            yield call
        finally:
            await call.close()


def heard_of(call: Call, *types: str) -> asyncio.Event:
    """Set with the next event of one of these types."""
    heard = asyncio.Event()
    call.recorder.watch(lambda entry: heard.set() if entry.type in types else None)
    return heard


async def spoken_turn(call: Call) -> None:
    """A question is asked and its answer heard to the end."""
    done = heard_of(call, "output_audio_buffer.stopped")
    call.track.say(opus.encode(wav.load(AUDIO / "caller-queen-of-clubs.wav")))
    await asyncio.wait_for(done.wait(), 30)


def relayed(out: Path, act: Callable[[Relay], Any], **options: Any) -> Relay:
    """The relay after ``act``, everything judged."""

    async def main() -> Relay:
        async with relaying(out, **options) as relay:
            await act(relay)
        return relay

    return clock.run(main, time="virtual")


def verdicts(relay: Relay) -> dict[str, tuple[str, str]]:
    return {one.scenario: (one.observer, one.verdict) for one in relay.results}


CONFORMANT = {"call-0001.client": ("service", "conformant"), "call-0001.service": ("client", "conformant")}


def packets(trace: Trace, direction: str) -> list[list[int]]:
    """Sequence number, timestamp, size, marker and TOC of every packet."""
    entries = [entry for entry in trace.of("rtp.packets") if entry.data["direction"] == direction]
    return [row[1:] for entry in entries for row in entry.data["packets"]]


@pytest.mark.parametrize("dialect", ["azure-preview", "azure-ga", "openai-ga"])
def test_a_call_is_recorded_at_both_ends_and_both_are_conformant(tmp_path: Path, dialect: str) -> None:
    async def act(relay: Relay) -> None:
        async with calling(relay.url, dialect) as call:
            await spoken_turn(call)

    relay = relayed(tmp_path, act, dialect=dialect, script=SCRIPT)
    assert verdicts(relay) == CONFORMANT
    client, service = relay.traces().values()
    assert (client.end, service.end) == ("completed", "completed")
    for by in ("client", "service"):
        assert [entry.event for entry in client.events(by)] == [entry.event for entry in service.events(by)]
    to_service, to_client = packets(service, "sent"), packets(client, "sent")
    assert to_service == packets(client, "received")[-len(to_service) :]
    assert to_client == packets(service, "received")[-len(to_client) :]
    assert len(to_service) > 150 < len(to_client)
    for one in relay.results:
        assert one.media["proxy"]["packets"]["count"] == len(to_service) + len(to_client)
        assert set(one.audio) == {"sent", "received"}
        assert all((tmp_path / path).stat().st_size > 5000 for path in one.audio.values())
    heard, passed_on = (tmp_path / one.audio[way] for one, way in zip(relay.results, ("received", "sent"), strict=True))
    assert passed_on.read_bytes() == heard.read_bytes()
    assert relay.said[0].endswith("key minted")
    assert any("the proxy added 0 ms per event" in line for line in relay.said)
    assert (tmp_path / "conformance.html").read_text().count("the proxy added 0 ms per event") == 2


def test_each_trace_judges_its_party(tmp_path: Path) -> None:
    async def act(relay: Relay) -> None:
        async with calling(relay.url) as call:
            call.send({"type": "conversation.item.shout"})
            await asyncio.sleep(1)

    relay = relayed(tmp_path, act, faults=["session-created-second"])
    found = {
        one.scenario: {rule.id for rule in one.rules if rule.outcome == "fail" and rule.severity == "must"}
        for one in relay.results
    }
    assert found["call-0001.client"] == {"EVT-02"}
    assert found["call-0001.service"]
    assert "EVT-02" not in found["call-0001.service"]


def test_a_service_that_is_not_there(tmp_path: Path) -> None:
    async def act(relay: Relay) -> None:
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.post(
                f"{relay.url}/openai/v1/realtime/client_secrets", json={}, headers={"api-key": KEY}
            )
        assert answer.status_code == 502
        error = answer.json()["error"]
        assert (error["type"], error["code"]) == ("proxy_error", "service_unreachable")
        assert "127.0.0.1:1 refuses the connection" in error["message"]

    relay = relayed(tmp_path, act, to="http://127.0.0.1:1")
    assert verdicts(relay) == {"call-0001.client": ("service", "error"), "call-0001.service": ("client", "error")}
    assert any("refuses the connection" in line for line in relay.said)
    assert "127.0.0.1:1 refuses the connection" in str(relay.results[1].error)


def test_a_client_that_sends_nothing(tmp_path: Path) -> None:
    async def act(relay: Relay) -> None:
        host, port = relay.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        assert await reader.read() == b""  # it is not waited for for ever
        writer.close()

    assert relayed(tmp_path, act).results == []


def test_a_client_that_never_connects(tmp_path: Path) -> None:
    async def act(relay: Relay) -> None:
        async with httpx.AsyncClient(trust_env=False, base_url=relay.url) as http:
            caller = Raw(http, AZURE)
            headers = {"content-type": "application/sdp", "authorization": f"Bearer {await caller.key()}"}
            answer = await http.post(call_path(AZURE), content=await caller.peer.offer(), headers=headers)
            assert answer.status_code == 201
            await asyncio.sleep(60)
            await caller.close()

    relay = relayed(tmp_path, act, key=API_KEY)
    assert [one.verdict for one in relay.results] == ["inconclusive", "inconclusive"]
    assert (
        "no connection to the client within 45 s"
        in (tmp_path / "traces" / "call-0001.service.azure-ga.ndjson").read_text()
    )


def test_a_client_that_dies_in_mid_call(tmp_path: Path) -> None:
    async def act(relay: Relay) -> None:
        async with calling(relay.url, faults=["never-hangs-up"]) as call:
            await spoken_turn(call)
            assert len(relay.service.calls) == 1
        assert not relay.service.calls  # the fault took 45 s, in which consent has expired

    relay = relayed(tmp_path, act, script=SCRIPT)
    client, service = relay.traces().values()
    assert client.events("service", "response.done")
    assert service.end == client.end == "completed"
    assert service.first("channel.closed") is not None
    assert len(relay.results) == 2
    assert relay.results[1].verdict == "conformant"


def test_a_service_that_dies_in_mid_call(tmp_path: Path) -> None:
    async def act(relay: Relay) -> None:
        async with calling(relay.url) as call:
            await asyncio.sleep(1)
            await relay.service.stop()
            await asyncio.wait_for(call.lost.wait(), 10)

    relay = relayed(tmp_path, act)
    client, service = relay.traces().values()
    assert (client.end, service.end) == ("completed", "failed")
    assert service.first("harness.error") is not None
    assert relay.results[1].verdict == "error"
    assert relay.results[0].verdict != "error"


def test_a_service_that_vanishes_without_a_word(tmp_path: Path) -> None:
    async def act(relay: Relay) -> None:
        async with calling(relay.url) as call:
            await asyncio.sleep(1)
            (behind,) = relay.service.calls.values()
            await behind._peer.abandon()
            await asyncio.wait_for(call.lost.wait(), 60)

    relay = relayed(tmp_path, act)
    client, service = relay.traces().values()
    assert (client.end, service.end) == ("completed", "failed")
    assert 27 < service.seconds < 45  # consent has expired
    assert relay.results[1].verdict == "error"


def test_the_proxy_is_stopped_in_mid_call(tmp_path: Path) -> None:
    async def act(relay: Relay) -> None:
        async with calling(relay.url) as call:
            await asyncio.sleep(1)
            await relay.proxy.stop()
            await asyncio.wait_for(call.lost.wait(), 10)

    relay = relayed(tmp_path, act)
    assert {trace.end for trace in relay.traces().values()} == {"completed"}
    assert verdicts(relay) == CONFORMANT


def test_a_hang_up_request_goes_on(tmp_path: Path) -> None:
    async def act(relay: Relay) -> None:
        async with calling(relay.url, "openai-ga"):
            await asyncio.sleep(1)

    relay = relayed(tmp_path, act, dialect="openai-ga")
    assert verdicts(relay) == CONFORMANT
    for trace in relay.traces().values():
        assert [(one.data["step"], one.data["status"]) for one in trace.of("http.response")] == [
            ("key", 200),
            ("call", 201),
            ("hangup", 200),
        ]


def test_calls_side_by_side_are_told_apart(tmp_path: Path) -> None:
    async def one(relay: Relay, text: str) -> None:
        async with calling(relay.url) as call:
            call.send(
                {
                    "type": "conversation.item.create",
                    "item": {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}]},
                }
            )
            await asyncio.sleep(1)

    async def act(relay: Relay) -> None:
        await asyncio.gather(*(one(relay, f"I am {number}") for number in range(4)))

    relay = relayed(tmp_path, act)
    assert {name.rpartition(".")[2] for name in verdicts(relay)} == {"client", "service"}
    assert len(relay.results) == 8
    said = [
        str([entry.event for entry in trace.events("client", "conversation.item.create")])
        for trace in relay.traces().values()
    ]
    assert sorted(text.count("I am ") for text in said) == [1] * 8
    assert said[0::2] == said[1::2]
