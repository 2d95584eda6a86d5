"""The output audio buffer: what was given to the track, how much of it has left, and the three events that tell the client.

``output_audio_buffer.started`` comes when the first audio leaves, ``stopped`` when everything has left *and* ``response.done``
was sent, ``cleared`` instead of ``stopped`` when the rest is thrown away (OpenAI SDK, ``realtime_server_event.py``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from harness.fake.actions import Outbox, Play, StopAudio
from harness.fake.timers import Timer, Timers


@dataclass(slots=True)
class Sound:
    """The audio of one response, its messages one after the other. Times are seconds.

    ``parts``: item id to where its audio begins and ends in the whole. ``limit`` is how much of it exists: less than ``seconds``
    when generation was cut short. ``played`` left by ``played_at``.
    """

    response_id: str
    default: bool
    parts: dict[str, tuple[float, float]] = field(default_factory=dict)
    limit: float = 0.0
    played: float = 0.0
    played_at: float | None = None
    response_done: bool = False
    drained: bool = False
    over: bool = False
    cut: Timer | None = None

    @property
    def seconds(self) -> float:
        """How long all of it is."""
        return max((end for _, end in self.parts.values()), default=0.0)

    @property
    def started(self) -> bool:
        """True once audio has left."""
        return self.played_at is not None

    def played_by(self, now: float) -> float:
        """Seconds that have left by ``now``: what was reported, and real time since then."""
        if self.played_at is None:
            return 0.0
        # The next message's audio may not be there yet: only its own first packet says that it is.
        end = next((end for begin, end in self.parts.values() if begin <= self.played < end), self.played)
        return min(self.played + max(0.0, now - self.played_at), end, self.limit)

    def heard(self, now: float) -> list[tuple[str, int]]:
        """(item id, milliseconds heard by ``now``) of each message."""
        played = self.played_by(now)
        return [(item, round(max(0.0, min(played, end) - begin) * 1000)) for item, (begin, end) in self.parts.items()]


class Playback:
    """All sounds of a session. ``on_over`` is called when one has been stopped, cleared or dropped."""

    def __init__(self, outbox: Outbox, timers: Timers, on_over: Callable[[], None]) -> None:
        self._outbox = outbox
        self._timers = timers
        self._on_over = on_over
        self._sounds: dict[str, Sound] = {}
        self.ever = False

    @property
    def busy(self) -> bool:
        """True while audio is waiting or playing."""
        return bool(self._sounds)

    def open(self, play: Play, *, default: bool) -> None:
        """Hand the audio of a message to the track; ``default``: its response belongs to the default conversation."""
        self.ever = True
        sound = self._sounds.setdefault(play.response_id, Sound(play.response_id, default))
        sound.parts[play.item_id] = (sound.seconds, sound.seconds + play.seconds)
        sound.limit, sound.drained = sound.seconds, False
        self._outbox.act(play)

    def played(self, response_id: str, item_id: str, seconds: float) -> None:
        """``seconds`` of this message's audio have left the track."""
        sound = self._sounds.get(response_id)
        if sound is None or item_id not in sound.parts:
            return
        if not sound.started:
            self._outbox.emit("output_audio_buffer.started", response_id=response_id)
        begin, end = sound.parts[item_id]
        sound.played, sound.played_at = max(sound.played, min(begin + seconds, end)), self._timers.now
        self._arrange_cut(sound)

    def drained(self, response_id: str, item_id: str) -> None:
        """Nothing of this message's audio is left in the track."""
        sound = self._sounds.get(response_id)
        if sound is None or item_id not in sound.parts:
            return
        begin, end = sound.parts[item_id]
        self.played(response_id, item_id, end - begin)
        sound.drained = end == sound.seconds
        self._maybe_stopped(sound)

    def finish(self, response_id: str, generated: float | None = None) -> None:
        """The response is done; with ``generated``, only that many seconds of its audio were made.

        The client may cancel a response and still hear what was made until then; the buffer is cleared by
        ``output_audio_buffer.clear`` alone (OpenAI SDK, ``output_audio_buffer_clear_event.py``).
        """
        sound = self._sounds.get(response_id)
        if sound is None:
            return
        sound.response_done = True
        if generated is not None and generated < sound.seconds:
            sound.limit = generated
            self._arrange_cut(sound)
        self._maybe_stopped(sound)

    def interrupt(self) -> list[tuple[str, int]]:
        """The caller interrupts: clear the default conversation's audio. Returns (item id, milliseconds heard) of what was cut."""
        return [one for sound in list(self._sounds.values()) if sound.default for one in self._clear(sound)]

    def clear(self) -> int:
        """The client clears the buffer. Returns how many sounds were in it."""
        return len([self._clear(sound) for sound in list(self._sounds.values())])

    def _clear(self, sound: Sound) -> list[tuple[str, int]]:
        heard = sound.heard(self._timers.now)
        self._outbox.act(StopAudio(sound.response_id))
        if sound.started:
            self._outbox.emit("output_audio_buffer.cleared", response_id=sound.response_id)
        self._end(sound)
        return heard

    def _arrange_cut(self, sound: Sound) -> None:
        """Where less audio was made than was handed over, cut it where it ends."""
        if sound.limit >= sound.seconds:
            return
        if sound.cut is not None:
            sound.cut.cancel()
        if sound.started or sound.limit <= 0:
            left = sound.limit - sound.played_by(self._timers.now)
            sound.cut = self._timers.after(max(0.0, left), lambda: self._cut(sound))

    def _cut(self, sound: Sound) -> None:
        if sound.over:
            return
        self._outbox.act(StopAudio(sound.response_id))
        sound.drained = True
        self._maybe_stopped(sound)

    def _maybe_stopped(self, sound: Sound) -> None:
        if not (sound.drained and sound.response_done) or sound.over:
            return
        if sound.started:
            self._outbox.emit("output_audio_buffer.stopped", response_id=sound.response_id)
        self._end(sound)

    def _end(self, sound: Sound) -> None:
        sound.over = True
        if sound.cut is not None:
            sound.cut.cancel()
        del self._sounds[sound.response_id]
        self._on_over()
