"""The input audio buffer and turn detection: from 20 ms frames to the start and the end of speech.

Positions are milliseconds "from the start of all audio written to the buffer during the session" (OpenAI SDK,
``input_audio_buffer_speech_started_event.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from harness.fake.checks import Refusal
from harness.fake.items import PCM_BYTES_PER_MS, audio_ms

FRAME_MS = 20
# Fewer frames in a row are a click, not speech.
ONSET_FRAMES = 3
MINIMUM_COMMIT_MS = 100
# Semantic VAD: the vendor names maximum waits of 8, 4 and 2 s and estimates when a sentence is over. No model is at work
# here: every sentence counts as finished after a quarter of the maximum.
SEMANTIC_SILENCE_MS: Mapping[str, int] = {"low": 2000, "medium": 1000, "auto": 1000, "high": 500}
_SEMANTIC_PADDING_MS = 300
# Bytes of a millisecond of appended audio, by the session's input format: 16 bit at 24 kHz, or 8 bit at 8 kHz.
_BYTES_PER_MS: Mapping[str, int] = {
    "pcm16": PCM_BYTES_PER_MS,
    "g711_ulaw": 8,
    "g711_alaw": 8,
    "audio/pcm": PCM_BYTES_PER_MS,
    "audio/pcmu": 8,
    "audio/pcma": 8,
}
_MOST_APPENDED = 15 * 1024 * 1024  # "up to a maximum of 15 MiB": SDK, input_audio_buffer_append_event.py


def quietest(threshold: float) -> float:
    """The level in dBFS below which a frame is no speech: "a higher threshold will require louder audio".

    The vendor's threshold is a probability; 0.5 lets anything pass that a person would call audible speech (-50 dBFS).
    """
    return -70.0 + 40.0 * threshold


@dataclass(slots=True)
class InputAudio:
    """The buffer and the detector. ``start_ms``..``written_ms`` is the audio that is not committed yet."""

    written_ms: int = 0
    start_ms: int = 0
    speaking: bool = False
    _run: int = 0  # frames in a row that speak against the present state

    def hear(
        self, speech: bool, level: float, detection: Mapping[str, Any] | None
    ) -> Literal["started", "stopped"] | None:
        """Add one frame; tells when a turn starts (``start_ms`` is then its first millisecond) or stops."""
        self.written_ms += FRAME_MS
        if detection is None:
            return None
        semantic = detection["type"] == "semantic_vad"
        voiced = speech and (semantic or level >= quietest(detection["threshold"]))
        if voiced == self.speaking:
            self._run = 0
            return None
        self._run += 1
        if not self.speaking:
            if self._run < ONSET_FRAMES:
                return None
            padding = _SEMANTIC_PADDING_MS if semantic else detection["prefix_padding_ms"]
            self.start_ms = max(self.start_ms, self.written_ms - self._run * FRAME_MS - padding)
            self.speaking, self._run = True, 0
            return "started"
        silence = SEMANTIC_SILENCE_MS[detection["eagerness"]] if semantic else detection["silence_duration_ms"]
        if self._run * FRAME_MS < silence:
            return None
        self.speaking, self._run = False, 0
        return "stopped"

    def append(self, audio: str, form: str | Mapping[str, Any]) -> None:
        """Audio written with ``input_audio_buffer.append``, base64 in the session's input format. Raises Refusal.

        Over WebRTC audio is RTP; no turn is looked for in this one.
        """
        if len(audio) * 3 // 4 > _MOST_APPENDED:
            raise Refusal("invalid_value", "Invalid 'audio': more than 15 MiB of audio.", "audio")
        self.written_ms += audio_ms(audio, "audio", _BYTES_PER_MS[form if isinstance(form, str) else form["type"]])

    def pending_ms(self, detection: Mapping[str, Any] | None) -> int:
        """What a commit would take. While turn detection waits for speech it keeps nothing that could be committed."""
        if detection is not None and not self.speaking:
            return 0
        return self.written_ms - self.start_ms

    def forget_turn(self) -> None:
        """Turn detection is off: speech in progress is just audio in the buffer."""
        self.speaking, self._run = False, 0

    def take(self) -> int:
        """Empty the buffer and forget a turn that had started; returns how many milliseconds were in it."""
        length = self.written_ms - self.start_ms
        self.start_ms = self.written_ms
        self.forget_turn()
        return length
