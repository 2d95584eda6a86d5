"""The caller's side of a recording as audio to say again: the stretches in which something was to be heard, cut from its Ogg Opus file."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import soundfile
from numpy.typing import NDArray

from harness.errors import NotATrace
from harness.fake.replay.audio import first_packet
from harness.media.ogg_reader import packets as ogg_packets
from harness.media.opus import SAMPLE_RATE, Decoder, packet_samples
from harness.trace import Recording, Trace

AUDIBLE = -60.0
"""dBFS from which a stretch counts as said; below it is what a quiet line has anyway."""
ABOVE_NOISE = 10.0
"""Decibels that a stretch has to be above the noise of the line."""
JOIN = 1.5
"""Seconds of quiet inside one recording: a caller's pause for breath belongs to what is said."""
BEFORE, AFTER = 0.1, 0.3
"""Seconds of quiet that are kept around a stretch: detectors look at what leads up to speech."""


@dataclass(frozen=True)
class Stretch:
    """Something that the caller said, from ``start`` to ``end`` in seconds of the trace."""

    start: float
    end: float


def stretches(trace: Trace) -> tuple[Stretch, ...]:
    """What the caller said, in order.

    What is closer together than ``JOIN`` is one stretch, unless the service took the quiet in between for the end of a turn: the caller
    may then have waited for what the service said.
    """
    direction = trace.direction("client")
    ends = [entry.t for entry in trace.events("service", "input_audio_buffer.speech_stopped")]
    began = first_packet(trace, direction)
    found = sorted([*_spoken(trace, direction), *_audible(trace, direction)], key=lambda one: one.start)
    joined: list[Stretch] = []
    for one in found:
        one = Stretch(max(one.start - BEFORE, began), one.end + AFTER)
        before = joined[-1] if joined else None
        if before is None:
            joined.append(one)
        elif one.start - before.end < JOIN and not any(before.end - AFTER < end < one.start + BEFORE for end in ends):
            joined[-1] = Stretch(before.start, max(before.end, one.end))
        else:
            joined.append(Stretch(max(one.start, before.end), one.end))
    return tuple(joined)


def spans(trace: Trace, direction: str) -> Iterator[tuple[float, float | None]]:
    """When the detector heard speech in a direction, from and to in seconds; the end is None where the record ends before."""
    began: float | None = None
    for entry in trace.of("audio.speech"):
        if entry.data.get("direction") != direction:
            continue
        at = float(entry.data.get("at") or 0.0)
        if entry.data.get("state") == "started":
            began = at
        elif began is not None:
            yield began, at
            began = None
    if began is not None:
        yield began, None


def cut(recording: Recording, what: Sequence[Stretch]) -> list[bytes]:
    """A WAV file (48 kHz, mono, 16 bit) for each stretch. Raises NotATrace where the caller's audio is missing or no Ogg Opus file."""
    if not what:
        return []
    direction = recording.trace.direction("client")
    data = recording.audio(direction)
    if data is None:
        raise NotATrace(
            f"the caller's audio is missing: no {direction}.ogg beside the trace",
            where=recording.name,
            fix="put the file back (a run leaves it in audio/ beside traces/)",
        )
    try:
        samples = _decoded(data)
    except ValueError as error:
        raise NotATrace(
            str(error), where=f"{recording.name}: {direction} audio", fix="use the recording's own file"
        ) from error
    began = first_packet(recording.trace, direction)
    return [_wav(samples[_at(one.start - began) : _at(one.end - began)]) for one in what]


def _at(seconds: float) -> int:
    """The sample at this time, on a whole packet: what was encoded in one goes into one again."""
    return max(0, round(seconds / 0.02)) * 960


def _decoded(data: bytes) -> NDArray[np.int16]:
    decoder = Decoder()
    parts: list[NDArray[np.int16]] = []
    for payload in ogg_packets(data):
        try:
            parts.append(decoder.decode(payload))
        except ValueError:
            parts.append(np.zeros(_samples(payload), np.int16))
    return np.concatenate(parts) if parts else np.zeros(0, np.int16)


def _samples(payload: bytes) -> int:
    try:
        return packet_samples(payload)
    except ValueError:
        return 960


def _wav(samples: NDArray[np.int16]) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(
        buffer, samples if samples.size else np.zeros(960, np.int16), SAMPLE_RATE, subtype="PCM_16", format="WAV"
    )
    return buffer.getvalue()


def _spoken(trace: Trace, direction: str) -> list[Stretch]:
    return [Stretch(began, trace.seconds if ended is None else ended) for began, ended in spans(trace, direction)]


def _audible(trace: Trace, direction: str) -> list[Stretch]:
    """Windows that are louder than the line is when nobody speaks."""
    rows: list[tuple[float, float, float]] = []
    for entry in trace.of("audio.levels"):
        if entry.data.get("direction") == direction:
            rows += _windows(entry.data)
    if not rows:
        return []
    noise = float(np.percentile([level for _, _, level in rows], 10))
    return [Stretch(start, end) for start, end, level in rows if level >= max(AUDIBLE, noise + ABOVE_NOISE)]


def _windows(data: Any) -> list[tuple[float, float, float]]:
    start, step = float(data.get("start") or 0.0), float(data.get("step") or 0.1)
    return [
        (start + number * step, start + (number + 1) * step, float(level))
        for number, level in enumerate(data.get("levels", ()))
    ]
