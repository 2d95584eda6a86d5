"""How loud, and speech or not: levels in dBFS, a speech detector over 20 ms frames, the hysteresis table, windows of levels."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
import webrtcvad
from numpy.typing import NDArray

from harness.media.quality import AUDIBLE_DBFS, Breaks, at_full_scale, flatness

Samples = NDArray[np.int16]

SAMPLE_RATE = 48000
FRAME_SAMPLES = 960
FRAME_SECONDS = 0.02
FLOOR_DBFS = -100.0
_FULL_SCALE = 32768.0


def mean_square(samples: Samples) -> float:
    """Mean power of 16-bit samples, 1.0 for a square wave at full scale; 0.0 for none."""
    if not samples.size:
        return 0.0
    scaled = samples.astype(np.float32)
    return float(np.dot(scaled, scaled)) / (samples.size * _FULL_SCALE * _FULL_SCALE)


def to_dbfs(power: float) -> float:
    """A mean power as dBFS, not below the floor of -100."""
    return max(FLOOR_DBFS, 10.0 * math.log10(power)) if power > 0.0 else FLOOR_DBFS


def dbfs(samples: Samples) -> float:
    """RMS level in dB relative to overload, the dBov of :rfc:`6464` section 3: a full-scale square wave is 0, a full-scale sine -3.01.

    -100 is the floor; digital silence and no samples at all are there.
    """
    return to_dbfs(mean_square(samples))


@dataclass(frozen=True, slots=True)
class Frame:
    """20 ms of decoded audio.

    ``t``: the loop time at which the packet that its first sample came in was sent or received. ``speech``: what this frame alone
    says. ``talking``: whether it belongs to a run of speech, as far as that is known by then (see :class:`Hysteresis`).
    """

    t: float
    level_dbfs: float
    speech: bool
    talking: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """Speech started or stopped: ``at`` is the time of its first frame, or of the first frame after its last one."""

    state: Literal["started", "stopped"]
    at: float


# Silence turns into speech only where speech goes on for a while ("rising"), speech into silence only where silence does
# ("pausing"). What a frame leads to; the two passages in time are in Hysteresis.step.
_State = Literal["silent", "rising", "talking", "pausing"]
_NEXT: Mapping[tuple[_State, bool], _State] = {
    ("silent", False): "silent",
    ("silent", True): "rising",
    ("rising", False): "silent",
    ("rising", True): "rising",
    ("talking", False): "pausing",
    ("talking", True): "talking",
    ("pausing", False): "pausing",
    ("pausing", True): "talking",
}


class Hysteresis:
    """From single frames to runs of speech: ``start`` seconds of speech in a row begin one, ``hang_over`` seconds without end it.

    A change is known that much later than it happened; its ``at`` is the time when it happened.
    """

    def __init__(self, *, start: float = 0.1, hang_over: float = 0.2) -> None:
        self.start_frames = max(1, round(start / FRAME_SECONDS))
        self.hang_over_frames = max(1, round(hang_over / FRAME_SECONDS))
        self._state: _State = "silent"
        self._since = 0.0
        self._frames = 0

    @property
    def talking(self) -> bool:
        """True from the frame that confirmed a run to the one that confirmed its end."""
        return self._state in ("talking", "pausing")

    def step(self, t: float, speech: bool) -> Change | None:
        """Add the frame that begins at ``t``."""
        state = _NEXT[self._state, speech]
        if state != self._state:
            self._since, self._frames = t, 0
        self._state = state
        self._frames += 1
        if state == "rising" and self._frames >= self.start_frames:
            self._state = "talking"
            return Change("started", self._since)
        if state == "pausing" and self._frames >= self.hang_over_frames:
            self._state = "silent"
            return Change("stopped", self._since)
        return None

    def end(self, t: float) -> Change | None:
        """No frame follows the one that ended at ``t``, or none for a while: end a run that is still open."""
        state, self._state = self._state, "silent"
        if state == "talking":
            return Change("stopped", t)
        return Change("stopped", self._since) if state == "pausing" else None


class SpeechDetector:
    """Speech or not, frame by frame: WebRTC's voice activity detector says so and the frame is loud enough.

    ``mode`` is how strict the detector is (0 to 3); ``threshold`` the level in dBFS that speech has at least. Digital silence is
    never speech and is not shown to the detector, which learns nothing from it either (libwebrtc, ``vad_core.c``, kMinEnergy).
    Steady noise up to -30 dBFS or so is no speech to it; louder noise is, and so is what rises and falls as voices do (animals).
    """

    def __init__(self, *, mode: int = 2, threshold: float = -45.0, start: float = 0.1, hang_over: float = 0.2) -> None:
        self.runs = Hysteresis(start=start, hang_over=hang_over)
        self._vad = webrtcvad.Vad(mode)
        self._threshold = threshold

    def listen(self, t: float, samples: Samples, power: float) -> tuple[Frame, Change | None]:
        """Judge one frame of 960 samples that began at ``t``; ``power`` is its :func:`mean_square`."""
        level = to_dbfs(power)
        # The detector sees quiet frames too: it learns the noise floor from them.
        speech = power > 0.0 and self._vad.is_speech(samples.tobytes(), SAMPLE_RATE) and level >= self._threshold
        change = self.runs.step(t, speech)
        return Frame(t, level, speech, self.runs.talking), change


@dataclass(slots=True)
class _Window:
    power: float = 0.0
    frames: int = 0
    speech: bool = False
    clipped: int = 0
    flatness: float | None = None
    breaks: int = 0

    @property
    def level(self) -> float:
        return round(to_dbfs(self.power / self.frames), 1) if self.frames else FLOOR_DBFS


@dataclass(frozen=True, slots=True)
class LevelRow:
    """Consecutive windows from ``start`` (loop time), about a second's worth.

    For each window: ``levels`` in dBFS, ``speech`` 0 or 1, ``clipped`` samples at full scale, spectral ``flatness`` (0.0 where nothing
    is audible, none at all where that is everywhere), ``breaks``: how often the sound broke off.
    """

    start: float
    levels: list[float]
    speech: list[int]
    clipped: list[int]
    flatness: list[float]
    breaks: list[int]


class LevelWindows:
    """Levels of consecutive windows of ``step`` seconds, handed out about a second's worth at a time.

    ``hold`` windows are kept back, since whether they are part of a run of speech is known only later. A window without a
    frame is at the floor: nothing was heard.
    """

    STEP = 0.1
    BATCH = 10
    LONGEST_PAUSE = 100  # windows; after a longer pause a new row begins, so that it costs nothing

    def __init__(self, hold: float) -> None:
        self._hold = math.ceil(hold / self.STEP) + 1
        self._start = 0.0
        self._windows: list[_Window] = []
        self._breaks = Breaks()

    def add(
        self, t: float, power: float, samples: Samples | None = None, level: float = FLOOR_DBFS
    ) -> Iterator[LevelRow]:
        """Add a frame of 20 ms at time ``t``; gives finished rows. With its ``samples`` and ``level``, its quality counts too."""
        if not self._windows:
            self._start = t
        index = self._index(t)
        if index >= len(self._windows) + self.LONGEST_PAUSE:
            yield from self.rest()
            self._start, index = t, 0
        while len(self._windows) <= index:
            self._windows.append(_Window())
        window = self._windows[max(index, 0)]
        window.power += power
        window.frames += 1
        if samples is not None:
            self._judge(window, samples, level)
        while len(self._windows) > self.BATCH + self._hold:
            yield self._take(self.BATCH)

    def mark(self, start: float, end: float) -> None:
        """There was speech from ``start`` to ``end``."""
        first, last = self._index(start), self._index(end - FRAME_SECONDS / 2)
        for window in self._windows[max(first, 0) : last + 1]:
            window.speech = True

    def rest(self) -> Iterator[LevelRow]:
        """Hand out everything that is left."""
        while self._windows:
            yield self._take(self.BATCH)

    def _judge(self, window: _Window, samples: Samples, level: float) -> None:
        window.breaks += self._breaks.step(level)
        if level >= AUDIBLE_DBFS:
            window.clipped += at_full_scale(samples, level)
            # One frame of a window tells enough: a spectrum costs more than everything else here together.
            if window.flatness is None:
                window.flatness = flatness(samples)

    def _index(self, t: float) -> int:
        # A thousandth of a window: times are sums of binary fractions.
        return math.floor((t - self._start) / self.STEP + 0.001)

    def _take(self, count: int) -> LevelRow:
        taken, self._windows = self._windows[:count], self._windows[count:]
        start = self._start
        self._start += len(taken) * self.STEP
        measured = any(window.flatness is not None for window in taken)
        return LevelRow(
            start,
            [window.level for window in taken],
            [int(window.speech) for window in taken],
            [window.clipped for window in taken],
            [round(window.flatness or 0.0, 3) for window in taken] if measured else [],
            [window.breaks for window in taken],
        )
