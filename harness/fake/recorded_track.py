"""The outgoing track of a replay: the recorded packets, each when it is due, with the headers that they had."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import av
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from harness.fake.replay.audio import AudioReplay, Leaving
from harness.media.opus import SILENCE, TIME_BASE
from harness.media.track import OutgoingAudio
from harness.protocol.rtp import RtpPacket

TICK = 1e-6
"""Seconds by which a timer of the event loop may be early, which is no time at all."""


class RecordedTrack(MediaStreamTrack):
    """A track that gives what ``audio`` says, when it says so; :meth:`rewrite` puts the recorded headers onto what the stack makes of it."""

    kind = "audio"

    def __init__(self, audio: AudioReplay) -> None:
        super().__init__()
        self._audio = audio
        self._changed = asyncio.Event()
        self._begun = False
        self._voice: OutgoingAudio | None = None
        self._left: deque[Leaving] = deque()
        self._first: RtpPacket | None = None

    def acted(self, number: int, due: float) -> None:
        """The act of this number was played, and belongs to ``due``."""
        self._audio.acted(number, due)
        self._changed.set()

    def hand_over(self, voice: OutgoingAudio) -> None:
        """Nothing more of the recording is played; what ``voice`` is given to say leaves instead."""
        self._voice = voice
        self._audio.end()
        self._changed.set()

    async def recv(self) -> av.Packet[Any]:
        """Wait for the next packet and give it. Raises MediaStreamError once the track is stopped."""
        clock = asyncio.get_running_loop().time
        if not self._begun:
            self._begun = True
            self._audio.begin(clock())
        while self.readyState == "live":
            now = clock()
            when = self._audio.when(now)
            if when is not None and when <= now + TICK:
                leaving = self._audio.take(now)
                if self._voice is not None:
                    leaving = replace(leaving, payload=self._voice.next(now))
                self._left.append(leaving)
                packet = av.Packet(leaving.payload or SILENCE)
                packet.pts = max(leaving.timestamp, 0)
                packet.time_base = TIME_BASE
                return packet
            self._changed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(when):
                    await self._changed.wait()
        raise MediaStreamError

    def stop(self) -> None:
        """End the track."""
        super().stop()
        self._changed.set()

    def rewrite(self, packet: RtpPacket) -> Iterable[RtpPacket]:
        """The packet with the header and the octets of the recorded one."""
        if self._first is None:
            self._first = packet
        leaving = self._left.popleft()
        yield replace(
            packet,
            sequence=self._first.sequence + leaving.sequence & 0xFFFF,
            timestamp=self._first.timestamp + leaving.timestamp & 0xFFFFFFFF,
            marker=leaving.marker,
            payload=leaving.payload,
            payload_type=packet.payload_type if leaving.payload_type is None else leaving.payload_type,
            ssrc=leaving.stream or packet.ssrc,
        )
