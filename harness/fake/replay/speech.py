"""The caller's speech while a recording is replayed: which of its beginnings and ends is the one that the recorded service heard. Pure."""

from __future__ import annotations

from harness.fake.replay.acts import SpeechCause
from harness.media.levels import FRAME_SECONDS, Hysteresis

ONSET = 0.06
"""Seconds of sound that are speech: services tell of it sooner than a recording's own detector, which takes 0.1 s."""
MARGIN = 0.15
"""Seconds by which a pause has to be longer than the longest one that was passed over."""


class Speech:
    """What the caller said so far. ``hear`` gets every frame; ``due`` tells when the change that an act waited for has happened."""

    def __init__(self) -> None:
        self._runs = Hysteresis(start=ONSET)
        self._changes: list[tuple[str, float]] = []
        self._since = float("-inf")
        self._silent: float | None = None  # the first frame without speech after one with it
        self._voiced: float | None = None  # the first frame of the sound that lasts
        self._now = 0.0
        self._began: float | None = None

    def hear(self, speech: bool, now: float) -> None:
        """A frame that began at ``now``."""
        self._began = now if self._began is None else self._began
        change = self._runs.step(now, speech)
        if change is not None:
            self._changes.append((change.state, change.at))
        if speech:
            self._silent = None
            self._voiced = now if self._voiced is None else self._voiced
        else:
            self._silent = now if self._silent is None else self._silent
            self._voiced = None
        self._now = now + FRAME_SECONDS

    def told(self, cause: SpeechCause) -> float | None:
        """The service has told of this change: the next one is later. Returns seconds from the beginning of the audio to it."""
        found = self._found(cause)
        self._since = found if found is not None else self._now
        return None if found is None or self._began is None else found - self._began

    def due(self, cause: SpeechCause, told_at: float) -> float | None:
        """When an act that was recorded at ``told_at`` leaves; None where what it waited for has not happened."""
        at = self._found(cause)
        if at is None:
            return None
        gap = told_at - cause.at
        if cause.state == "started" or self._count(cause.state) >= cause.count:
            return at + gap
        return at + max(gap, cause.longest + MARGIN)

    def _found(self, cause: SpeechCause) -> float | None:
        """The time of the change, as far as it may be the one that counts."""
        own = [at for state, at in self._changes if state == cause.state and at > self._since]
        if cause.state == "started":
            if len(own) >= cause.count:
                return own[cause.count - 1]
            # Fewer, longer stretches than in the recording: one that outlasts those that were passed over counts.
            lasts = self._voiced is not None and own and self._now - own[-1] > cause.longest + MARGIN
            return own[-1] if lasts else None
        spoke = bool(own) or self._runs.talking
        if self._silent is None or not spoke:
            return None
        return self._silent if self._runs.talking else own[-1]

    def _count(self, state: str) -> int:
        """Changes of this kind since the last one that the service told of; a pause that is not certain yet counts."""
        own = [at for kind, at in self._changes if kind == state and at > self._since]
        pending = self._runs.talking and self._silent is not None and (not own or self._silent > own[-1])
        return len(own) + int(pending)
