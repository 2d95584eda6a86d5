"""CPU and memory of real-time sessions on the client side: ours and Chromium's, in the same run, against the same service."""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, Queue
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import soundfile

from tests.bench import chromium
from tests.bench.processes import cpu_seconds, memory_mb
from tests.bench.requests import KEY
from tests.bench.requests import mint as mint_with
from tests.commands import HARNESS

if TYPE_CHECKING:
    from harness.trace import Recorder

WINDOW = 10.0
RECORDING = Path(__file__).parents[2] / "fixtures" / "audio" / "caller-john-dashwood.wav"
PAUSE = 1.0  # seconds behind it, so that each round of the loop is a turn that gets its reply


@dataclass(frozen=True)
class Sessions:
    """``core`` is CPU per session (1.0 = one core), ``mb`` the memory of each session after the first one.

    ``growth`` is MB that one session's recording adds in a minute, ``packets`` what each session received in a second: fifty, or
    the calls were not the same. ``set_up`` is milliseconds from the token request to session.updated, where the peer measures them.
    ``replies`` counts the service's finished responses: the recording was heard as speech.
    """

    who: str
    sessions: int
    core: float
    mb: float
    growth: float
    packets: float
    replies: int
    set_up: float = 0.0


@contextmanager
def service() -> Iterator[str]:
    """``harness serve`` in a process of its own, in real time."""
    program = [*HARNESS, "serve", "--port", "0", "--dialect", "azure-ga", "--key", KEY]
    with tempfile.TemporaryDirectory() as out:
        process = subprocess.Popen(
            [*program, "--out", out], stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}
        )
        assert process.stdout is not None
        try:
            greeting = process.stdout.readline()
            # What it says of each call is nobody's business here, but a full pipe would stop it.
            threading.Thread(target=process.stdout.read, daemon=True).start()
            yield "http://" + greeting.partition("http://")[2].split()[0].rstrip("/")
        finally:
            process.terminate()
            process.wait(30)


@contextmanager
def microphone() -> Iterator[Path]:
    """The recording that both peers repeat: speech, then a pause."""
    samples, rate = soundfile.read(RECORDING, dtype="int16")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "microphone.wav"
        soundfile.write(path, np.concatenate([samples, np.zeros(int(PAUSE * rate), np.int16)]), rate)
        yield path


def mint(url: str) -> str:
    """An ephemeral key."""

    async def ask() -> str:
        async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
            return await mint_with(http)

    return asyncio.run(ask())


def ours(url: str, count: int, recording: Path) -> Sessions:
    """``count`` of our callers in one process of their own."""
    command = [sys.executable, "-m", "tests.bench.sessions", url, str(count), str(recording)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return Sessions("realtime-harness", count, **json.loads(done.stdout.splitlines()[-1]))


def shipped(url: str, count: int, recording: Path) -> Sessions:
    """``count`` callers of plain aiortc in one process of their own."""
    command = [sys.executable, "-m", "tests.bench.shipped", url, str(count), str(recording)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return Sessions("aiortc as shipped", count, **json.loads(done.stdout.splitlines()[-1]))


def theirs(url: str, count: int, recording: Path) -> Sessions:
    """``count`` calls in one page of headless Chromium."""
    states: Queue[dict[str, Any]] = Queue()
    with (
        chromium.page_server(lambda: mint(url), states) as page,
        chromium.browser(f"{page}/?n={count}&seconds={WINDOW}&service={url}", recording) as pid,
    ):
        _wait(states, 1)
        time.sleep(1.0)
        after_first = memory_mb(pid)
        before_window = _wait(states, count)
        full, used = memory_mb(pid), cpu_seconds(pid)
        after_window = _wait(states, count)
        used, grown = cpu_seconds(pid) - used, memory_mb(pid) - full
    seconds = (after_window["at"] - before_window["at"]) / 1000
    return Sessions(
        "headless Chromium",
        count,
        core=used / seconds / count,
        mb=(full - after_first) / max(count - 1, 1),
        growth=grown / seconds / count * 60,
        packets=(after_window["packets"] - before_window["packets"]) / seconds / count,
        replies=after_window["replies"],
    )


def _wait(states: Queue[dict[str, Any]], up: int) -> dict[str, Any]:
    while True:
        try:
            state = states.get(timeout=60)
        except Empty:
            raise SystemExit("Chromium did not get its calls up within 60 s") from None
        if "error" in state:
            raise SystemExit(f"Chromium: {state['error']}")
        if state.get("up") == up:
            return state


async def _hold(url: str, count: int, recording: Path, folder: Path) -> dict[str, float]:
    """Calls as `harness run` makes them: both directions decoded and kept, the trace written to its file as it grows."""
    from harness.client.call import Call
    from harness.media import opus, wav
    from harness.media.track import OutgoingAudio
    from harness.scenario.model import Caller
    from harness.targets.endpoints import fake_endpoints
    from harness.trace import Header, Recorder

    packets = opus.encode(wav.load(recording))
    loop = asyncio.get_running_loop()
    calls: list[Call] = []
    times: list[float] = []
    pid = os.getpid()
    after_first = 0.0
    async with httpx.AsyncClient(trust_env=False) as http:
        for number in range(count):
            sink = (folder / f"{number}.ndjson").open("w")
            recorder = Recorder(Header("client", "azure-ga", url), loop.time, sink=sink)
            endpoints = fake_endpoints("azure-ga", url, api_key=KEY)
            call = Call(
                endpoints, recorder, session={"voice": "alloy"}, caller=Caller(), track=OutgoingAudio(), http=http
            )
            began = time.perf_counter()
            await call.open()
            while not any(entry.type == "session.updated" for entry in recorder.entries):
                await asyncio.sleep(0.001)
            times.append((time.perf_counter() - began) * 1000)
            call.track.say(packets, loop=True)
            calls.append(call)
            if len(calls) == 1:
                await asyncio.sleep(3.0)
                after_first = memory_mb(pid)
        await asyncio.sleep(1.0)
        full, used, began = memory_mb(pid), cpu_seconds(pid), loop.time()
        await asyncio.sleep(WINDOW)
        used, grown, seconds = cpu_seconds(pid) - used, memory_mb(pid) - full, loop.time() - began
        for call in calls:
            await call.close()
    received = sum(_received(call.recorder, began, began + seconds) for call in calls)
    return {
        "core": used / seconds / count,
        "mb": (full - after_first) / max(count - 1, 1),
        "growth": grown / seconds / count * 60,
        "packets": received / seconds / count,
        "set_up": statistics.median(times),
        "replies": sum(1 for call in calls for entry in call.recorder.entries if entry.type == "response.done"),
    }


def _received(recorder: Recorder, begin: float, end: float) -> int:
    """Packets that came in between two times of the loop's clock."""
    rows = [entry.data for entry in recorder.entries if entry.kind == "rtp.packets"]
    times = [one["first"] + row[0] / 1000 for one in rows if one["direction"] == "received" for row in one["packets"]]
    return sum(recorder.at(begin) <= t < recorder.at(end) for t in times)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as traces:
        print(json.dumps(asyncio.run(_hold(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]), Path(traces)))))
