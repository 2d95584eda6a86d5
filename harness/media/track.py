"""The outgoing audio track: recordings that are already Opus packets, queued, looped, overlapped and cut on the media clock."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import av
from aiortc.mediastreams import MediaStreamError, MediaStreamTrack

from harness.media.opus import FRAME_SAMPLES, SILENCE, TIME_BASE, Mixer

PACKET_SECONDS = 0.02
PACKET_MS = 20
# How far behind its clock the track may be and still send everything that is due, one packet after the other: five packets.
# Later than that, the slots that were missed stay empty: the timestamps show a pause, the recording goes on after it.
LATEST = 0.1
# Packets that bring a decoder to the state it would be in: the overlap of one frame, and energies predicted from the last few.
_WARM_UP = 4


class Playing:
    """A recording that was handed to the track.

    ``started``: loop time of its first packet, None until then. ``done``: set when its last 20 ms are over, or when it was cut.
    """

    __slots__ = ("_at", "_loop", "_on_done", "_on_start", "_packets", "_sent", "_track", "done", "started")

    def __init__(
        self,
        track: OutgoingAudio,
        packets: Sequence[bytes],
        loop: bool,
        on_start: Callable[[], None] | None,
        on_done: Callable[[], None] | None,
    ) -> None:
        self.started: float | None = None
        self.done = asyncio.Event()
        self._track = track
        self._packets = packets
        self._loop = loop and len(packets) > 0
        self._on_start = on_start
        self._on_done = on_done
        self._at = 0
        self._sent = 0

    @property
    def sent_ms(self) -> int:
        """Milliseconds handed over so far."""
        return self._sent * PACKET_MS

    def cut(self) -> int:
        """Drop the rest at the next packet boundary; returns the milliseconds that were sent. ``on_done`` is not called."""
        self._track._remove(self)
        self.done.set()
        return self.sent_ms

    def _exhausted(self) -> bool:
        return not self._loop and self._at >= len(self._packets)

    def _finish(self) -> None:
        if self.done.is_set():
            return
        self._track._remove(self)
        self.done.set()
        if self._on_done is not None:
            self._on_done()

    def _take(self, now: float | None) -> bytes:
        if self.started is None:
            self.started = asyncio.get_running_loop().time() if now is None else now
            if self._on_start is not None:
                self._on_start()
        if self._at >= len(self._packets):
            self._at = 0
        payload = self._packets[self._at]
        self._at += 1
        self._sent += 1
        return payload

    def _history(self) -> Sequence[bytes]:
        """What led up to the packet taken last."""
        return self._packets[max(0, self._at - 1 - _WARM_UP) : self._at - 1]


class OutgoingAudio(MediaStreamTrack):
    """A track of ready Opus packets, 20 ms each, silence included, from the first :meth:`recv` until it is stopped.

    Packets are due at start + n * 20 ms of the event loop's clock and carry pts = n * 960 at 48 kHz: exact in virtual time,
    without drift in real time. With another ``pace`` than 1 so many seconds of audio leave in a second, which no track should do.
    """

    kind = "audio"

    def __init__(self, *, pace: float = 1.0) -> None:
        super().__init__()
        self._spacing = PACKET_SECONDS / pace
        self._queue: deque[Playing] = deque()
        self._over: list[Playing] = []
        self._mixer: Mixer | None = None
        self._start: float | None = None
        self._slot = 0

    @property
    def playing(self) -> tuple[Playing, ...]:
        """What is not over yet: the queue in its order, then what overlaps it."""
        return (*self._queue, *self._over)

    def say(
        self,
        packets: Sequence[bytes],
        *,
        loop: bool = False,
        overlap: bool = False,
        on_start: Callable[[], None] | None = None,
        on_done: Callable[[], None] | None = None,
    ) -> Playing:
        """Say it after everything that is queued; with ``overlap`` at once, mixed over what is being said.

        ``loop`` repeats it until it is cut. ``on_start`` is called as its first packet leaves, ``on_done`` when its last 20 ms
        are over; not when it is cut. Both may call :meth:`say`. On a stopped track nothing is said: it is done at once.
        """
        playing = Playing(self, packets, loop, on_start, on_done)
        if self.readyState != "live":
            playing.done.set()
        elif overlap:
            self._over.append(playing)
        else:
            self._queue.append(playing)
        return playing

    def hush(self) -> None:
        """Cut everything that is being said or queued; the track falls back to silence."""
        for playing in self.playing:
            playing.cut()

    def next(self, now: float | None = None) -> bytes:
        """The payload of the next 20 ms slot, without waiting; ``now`` is its loop time (default: the running loop's)."""
        if not self._queue and not self._over:
            return SILENCE
        while self._queue and self._queue[0]._exhausted():
            self._queue[0]._finish()
        for playing in tuple(self._over):
            if playing._exhausted():
                playing._finish()
        voices = [self._queue[0], *self._over] if self._queue else self._over
        if len(voices) > 1:
            return self._mix(tuple(voices), now)
        self._mixer = None
        return voices[0]._take(now) if voices else SILENCE

    async def recv(self) -> av.Packet[Any]:
        """Wait for the next slot and give its packet. Raises MediaStreamError once the track is stopped."""
        if self.readyState != "live":
            raise MediaStreamError
        clock = asyncio.get_running_loop().time
        now = clock()
        if self._start is None:
            self._start = now
        wait = self._start + self._slot * self._spacing - now
        if wait > 0:
            await asyncio.sleep(wait)
            if self.readyState != "live":
                raise MediaStreamError
            now = clock()
        elif -wait > LATEST:
            self._slot += int(-wait / self._spacing)
        packet = av.Packet(self.next(now))
        packet.pts = self._slot * FRAME_SAMPLES
        packet.time_base = TIME_BASE
        self._slot += 1
        return packet

    def stop(self) -> None:
        """End the track and cut everything."""
        self.hush()
        super().stop()

    def _mix(self, voices: Sequence[Playing], now: float | None) -> bytes:
        if self._mixer is None:
            self._mixer = Mixer()
        taken = [(voice, voice._take(now)) for voice in voices]
        return self._mixer.mix((voice, voice._history(), payload) for voice, payload in taken)

    def _remove(self, playing: Playing) -> None:
        if playing in self._over:
            self._over.remove(playing)
        elif playing in self._queue:
            self._queue.remove(playing)
