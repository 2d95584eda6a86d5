"""Whole calls through the proxy, in virtual time: our own caller, over real aiortc, to the fake."""

from __future__ import annotations

import asyncio
from pathlib import Path

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
from tests.proxying.relay import AUDIO, KEY, Relay, relaying

SCRIPT = FakeScript.model_validate({"replies": [{"says": "Hello, world.", "audio": "assistant-hello-world.wav"}]})


async def speak(url: str, dialect: str = "azure-ga") -> Trace:
    """One spoken turn through ``url``, as a client records it."""
    recorder = Recorder(Header("client", dialect, time="virtual"), asyncio.get_running_loop().time)
    done = asyncio.Event()
    recorder.watch(lambda entry: done.set() if entry.type == "output_audio_buffer.stopped" else None)
    async with httpx.AsyncClient(trust_env=False) as http:
        call = Call(
            fake_endpoints(dialect, url, api_key=KEY),
            recorder,
            session={"instructions": "Be brief."},
            caller=Caller(),
            track=OutgoingAudio(),
            http=http,
        )
        try:
            await call.open()
            call.track.say(opus.encode(wav.load(AUDIO / "caller-queen-of-clubs.wav")))
            await asyncio.wait_for(done.wait(), 30)
        finally:
            await call.close()
    return recorder.close()


@pytest.mark.parametrize("dialect", ["azure-preview", "azure-ga", "openai-ga"])
def test_a_call_is_recorded_at_both_ends_and_both_are_conformant(tmp_path: Path, dialect: str) -> None:
    async def main() -> tuple[Relay, Trace]:
        async with relaying(tmp_path, dialect=dialect, script=SCRIPT) as relay:
            made = await speak(relay.url, dialect)
        return relay, made

    relay, made = clock.run(main, time="virtual")
    for one in relay.results:
        print(
            one.scenario,
            one.verdict,
            one.error,
            [(r.id, [f.actual for f in r.failures]) for r in one.rules if r.outcome.value in ("fail", "inconclusive")],
        )
    print(relay.said)
    assert [(one.scenario, one.observer, one.verdict) for one in relay.results] == [
        ("call-0001.client", "service", "conformant"),
        ("call-0001.service", "client", "conformant"),
    ]
