"""CPU and memory of real-time sessions on the client side: ours and Chromium's, in the same run, against the same service."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import httpx

from tests.bench import chromium
from tests.bench.processes import cpu_seconds, memory_mb

KEY = "bench-key-0123456789"
WINDOW = 10.0
RECORDING = Path(__file__).parents[2] / "fixtures" / "audio" / "caller-john-dashwood.wav"


@dataclass(frozen=True)
class Sessions:
    """``core`` is CPU per session (1.0 = one core), ``mb`` the memory of each session after the first."""

    who: str
    sessions: int
    core: float
    mb: float


@contextmanager
def service() -> Iterator[str]:
    """``harness serve`` in a process of its own, in real time."""
    command = [
        sys.executable,
        "-m",
        "harness.cli",
        "serve",
        "--port",
        "0",
        "--dialect",
        "azure-ga",
        "--key",
        KEY,
        "--out",
        os.devnull,
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"})
    assert process.stdout is not None
    try:
        for line in process.stdout:
            if "http://" in line:
                yield "http://" + line.partition("http://")[2].split()[0].rstrip("/")
                break
    finally:
        process.terminate()
        process.wait(10)


def mint(url: str) -> str:
    """An ephemeral key."""
    body = {"session": {"type": "realtime", "model": "gpt-realtime"}}
    response = httpx.post(
        f"{url}/openai/v1/realtime/client_secrets", json=body, headers={"api-key": KEY}, trust_env=False
    )
    return str(response.raise_for_status().json()["value"])


def ours(url: str, count: int) -> Sessions:
    """``count`` of our callers in one process of their own."""
    command = [sys.executable, "-m", "tests.bench.sessions", url, str(count)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    figures = json.loads(done.stdout.splitlines()[-1])
    return Sessions("realtime-harness", count, figures["core"], figures["mb"])


def theirs(url: str, count: int) -> Sessions:
    """``count`` calls in one page of headless Chromium."""
    states: Queue[dict[str, Any]] = Queue()
    with chromium.page_server(lambda: mint(url), states) as page:
        with chromium.browser(f"{page}/?n={count}&service={url}", RECORDING) as pid:
            first = _wait(states, 1)
            assert "error" not in first, first
            after_first = memory_mb(pid)
            last = _wait(states, count)
            assert "error" not in last, last
            time.sleep(1.0)
            more = (memory_mb(pid) - after_first) / max(count - 1, 1)
            before = cpu_seconds(pid)
            time.sleep(WINDOW)
            used = cpu_seconds(pid) - before
    return Sessions("headless Chromium", count, used / WINDOW / count, more)


def _wait(states: Queue[dict[str, Any]], up: int) -> dict[str, Any]:
    while True:
        try:
            state = states.get(timeout=60)
        except Empty:
            raise SystemExit("Chromium did not get its calls up within 60 s") from None
        if state.get("up") == up or "error" in state:
            return state


async def _hold(url: str, count: int) -> dict[str, float]:
    from harness.client.call import Call
    from harness.media.track import OutgoingAudio

    from harness.media import opus, wav
    from harness.scenario.model import Caller
    from harness.targets import fake_endpoints
    from harness.trace import Header, Recorder

    packets = opus.encode(wav.load(RECORDING))
    loop = asyncio.get_running_loop()
    calls: list[Call] = []
    pid = os.getpid()
    after_first = 0.0
    async with httpx.AsyncClient(trust_env=False) as http:
        for _ in range(count):
            track = OutgoingAudio()
            recorder = Recorder(Header("client", "azure-ga", url), loop.time)
            call = Call(
                fake_endpoints("azure-ga", url, api_key=KEY),
                recorder,
                session={},
                caller=Caller(),
                track=track,
                http=http,
            )
            await call.open()
            track.say(packets, loop=True)
            calls.append(call)
            if len(calls) == 1:
                await asyncio.sleep(1.0)
                after_first = memory_mb(pid)
        await asyncio.sleep(1.0)
        more = (memory_mb(pid) - after_first) / max(count - 1, 1)
        before = cpu_seconds(pid)
        await asyncio.sleep(WINDOW)
        used = cpu_seconds(pid) - before
        for call in calls:
            await call.close()
    return {"core": used / WINDOW / count, "mb": more}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_hold(sys.argv[1], int(sys.argv[2])))))
