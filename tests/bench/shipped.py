"""The peer "aiortc as shipped": the same calls by plain aiortc, as its own examples make them, in a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import httpx
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.contrib.media import MediaBlackhole, MediaPlayer

from tests.bench.processes import cpu_seconds, memory_mb
from tests.bench.requests import CALLS, mint

WINDOW = 10.0
UPDATE = {"type": "session.update", "session": {"type": "realtime", "audio": {"output": {"voice": "alloy"}}}}


@dataclass
class Call:
    """One call; ``milliseconds`` from the token request to session.updated."""

    peer: RTCPeerConnection = field(default_factory=lambda: RTCPeerConnection(RTCConfiguration(iceServers=[])))
    sink: MediaBlackhole = field(default_factory=MediaBlackhole)
    milliseconds: float = 0.0
    replies: int = 0
    packets: int = 0

    async def open(self, http: httpx.AsyncClient, recording: Path) -> None:
        """Mint, offer, answer, update the session, and go on talking."""
        began = time.perf_counter()
        key = await mint(http)
        updated = asyncio.Event()
        self.peer.addTrack(MediaPlayer(str(recording), loop=True).audio)
        self.peer.on("track", self.sink.addTrack)
        channel = self.peer.createDataChannel("realtime-channel")

        @channel.on("message")
        def _on_message(message: str) -> None:
            kind = json.loads(message)["type"]
            if kind == "session.created":
                channel.send(json.dumps(UPDATE))
            elif kind == "session.updated":
                updated.set()
            elif kind == "response.done":
                self.replies += 1

        await self.peer.setLocalDescription(await self.peer.createOffer())
        headers = {"authorization": f"Bearer {key}", "content-type": "application/sdp"}
        answer = await http.post(CALLS, content=self.peer.localDescription.sdp, headers=headers)
        await self.peer.setRemoteDescription(RTCSessionDescription(answer.raise_for_status().text, "answer"))
        await self.sink.start()
        async with asyncio.timeout(20):
            await updated.wait()
        self.milliseconds = (time.perf_counter() - began) * 1000

    async def received(self) -> int:
        """RTP packets that came until now."""
        stats = await self.peer.getReceivers()[0].getStats()
        return sum(one.packetsReceived for one in stats.values() if one.type == "inbound-rtp")


async def hold(url: str, count: int, recording: Path) -> dict[str, float]:
    """Hold so many calls at once, and measure as :mod:`tests.bench.sessions` measures ours."""
    calls = [Call() for _ in range(count)]
    pid = os.getpid()
    after_first = 0.0
    async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
        for call in calls:
            await call.open(http, recording)
            if call is calls[0]:
                await asyncio.sleep(3.0)
                after_first = memory_mb(pid)
        await asyncio.sleep(1.0)
        full, used, began = memory_mb(pid), cpu_seconds(pid), time.perf_counter()
        before = [await call.received() for call in calls]
        await asyncio.sleep(WINDOW)
        used, grown, seconds = cpu_seconds(pid) - used, memory_mb(pid) - full, time.perf_counter() - began
        packets = sum([await call.received() for call in calls]) - sum(before)
        for call in calls:
            await call.peer.close()
    return {
        "core": used / seconds / count,
        "mb": (full - after_first) / max(count - 1, 1),
        "growth": grown / seconds / count * 60,
        "packets": packets / seconds / count,
        "replies": sum(call.replies for call in calls),
        "set_up": median(call.milliseconds for call in calls),
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(hold(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])))))
