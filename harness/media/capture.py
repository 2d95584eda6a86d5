"""What one end heard or sent: RTP packets still encoded, their headers as trace entries, and from their sound levels and speech."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from harness.media.levels import (
    FRAME_SAMPLES,
    FRAME_SECONDS,
    SAMPLE_RATE,
    Change,
    Frame,
    LevelRow,
    LevelWindows,
    Samples,
    SpeechDetector,
    mean_square,
)
from harness.media.opus import Decoder, write_ogg
from harness.protocol.opus import toc_samples
from harness.protocol.rtp import Direction, RtpPacket
from harness.trace import Recorder

__all__ = ["Capture", "Change", "Frame"]

ENTRY_SECONDS = 1.0
# A timestamp that runs this far from the arrival times has been set anew by the sender; the arrival times count then.
_ADRIFT = 2.0
# Sequence numbers up to this far behind the highest one are late or repeated packets (MAX_MISORDER is 100 in RFC 3550 appendix
# A.1; two seconds here); farther, the sender has begun anew.
_LATE = 100
# A loss is covered with the last frame for so many frames; then it is heard as silence. A longer loss than the most is a break.
_REPEATED = 3
_MOST_CONCEALED = 100


class Capture:
    """Takes every RTP packet of one direction; records ``rtp.packets`` and, where it decodes, ``audio.*`` entries.

    Args:
        recorder: gets the entries.
        direction: packets of the other direction are ignored.
        on_frame: called with each 20 ms of sound, in order, as its packet comes in.
        decode: False: headers and Ogg file only, no levels, no speech, no frames.
        keep: False: no packets are kept, :meth:`write_ogg` writes nothing.
        conceal: fill in what was lost, as a receiver that plays or listens does: with the last frame, soon with silence. What
            is measured is then no longer only what came.
        quality: measure overload, spectral flatness and breaks as well.
        detector: tells speech; by default a :class:`SpeechDetector` as it comes.

    Sound is decoded in order of arrival; late and repeated packets are recorded, and put in their place in the file, but not decoded.
    """

    def __init__(
        self,
        recorder: Recorder,
        direction: Direction,
        *,
        on_frame: Callable[[Frame], None] | None = None,
        decode: bool = True,
        keep: bool = True,
        conceal: bool = False,
        quality: bool = False,
        detector: SpeechDetector | None = None,
    ) -> None:
        self._recorder = recorder
        self._direction = direction
        self._keep = keep
        self._timeline = Timeline()
        self._batches: dict[tuple[int, int], _Batch] = {}
        self._kept: list[tuple[int, bytes]] = []
        self._places = Places()
        self._ear = (
            _Ear(recorder, direction, on_frame, detector or SpeechDetector(), conceal, quality) if decode else None
        )

    def packet(self, packet: RtpPacket) -> None:
        """Take one packet as it was sent or received."""
        if packet.direction != self._direction:
            return
        self._note_header(packet)
        new_stream, late, position = self._timeline.place(packet)
        if not packet.payload:
            return  # padding alone (RFC 3550 section 5.1): congestion control probes with it
        if self._keep and position is not None:
            place = self._places.of(position, late, packet.payload[0])
            self._kept.append((place, packet.payload))
        if self._ear is not None and position is not None and not late:
            if new_stream:
                self._ear.new_stream()
            self._ear.hear(packet, position)

    def flush(self) -> None:
        """Record what is still held back: the last headers and levels, and the end of speech that had not ended yet."""
        for batch in self._batches.values():
            self._record_batch(batch)
        self._batches.clear()
        if self._ear is not None:
            self._ear.end()

    def write_ogg(self, path: Path) -> float:
        """Write everything captured as an Ogg Opus file, pauses included; returns its seconds, 0.0 (and no file) for nothing."""
        return write_ogg(path, self._kept)

    def _note_header(self, packet: RtpPacket) -> None:
        key = (packet.ssrc, packet.payload_type)
        batch = self._batches.get(key)
        if batch is None:
            batch = self._batches[key] = _Batch(packet)
        elif packet.t - batch.first.t >= ENTRY_SECONDS:
            self._record_batch(batch)
            batch = self._batches[key] = _Batch(packet)
        payload = packet.payload
        batch.rows.append(
            [
                round((packet.t - batch.first.t) * 1000, 3),
                packet.sequence,
                packet.timestamp,
                len(payload),
                int(packet.marker),
                payload[0] if payload else -1,
            ]
        )

    def _record_batch(self, batch: _Batch) -> None:
        first = batch.first
        self._recorder.record(
            "rtp.packets",
            direction=self._direction,
            ssrc=first.ssrc,
            payload_type=first.payload_type,
            first=self._recorder.at(first.t),
            packets=batch.rows,
        )


class _Batch:
    """Headers of about one second of one stream."""

    __slots__ = ("first", "rows")

    def __init__(self, first: RtpPacket) -> None:
        self.first = first
        self.rows: list[list[float | int]] = []


class Timeline:
    """Puts packets on one line of 48 kHz samples, across wraps of the timestamp and streams that begin anew."""

    def __init__(self) -> None:
        self._ssrc: int | None = None
        self._sequence = 0
        self._timestamp = 0
        self._position = 0
        self._origin = 0.0

    def place(self, packet: RtpPacket) -> tuple[bool, bool, int | None]:
        """(a stream begins here, the packet is late or repeated, its position in samples; None where it has none)."""
        arrived = 0
        if self._ssrc is None:
            self._origin = packet.t
        else:
            arrived = round((packet.t - self._origin) * SAMPLE_RATE)
        ahead = (packet.sequence - self._sequence) & 0xFFFF
        late = packet.ssrc == self._ssrc and (ahead == 0 or ahead > 0xFFFF - _LATE)
        step = ((packet.timestamp - self._timestamp + 0x80000000) & 0xFFFFFFFF) - 0x80000000
        position = self._position + step
        adrift = abs(position - arrived) > _ADRIFT * SAMPLE_RATE
        if late:
            return False, True, None if adrift else position
        new_stream = packet.ssrc != self._ssrc
        if new_stream or adrift:
            position = max(arrived, self._position + FRAME_SAMPLES if self._ssrc is not None else 0)
        self._ssrc, self._sequence, self._timestamp, self._position = (
            packet.ssrc,
            packet.sequence,
            packet.timestamp,
            position,
        )
        return new_stream, False, position


class Places:
    """Where packets stand in the file: at their position, but one after the other where wrong timestamps put them over each other; packets that do not tell their length stay."""

    def __init__(self) -> None:
        self._end = 0

    def of(self, position: int, late: bool, toc: int) -> int:
        """The sample at which a packet begins; ``late`` ones, and repeated ones, fill the place that they left. ``toc``: its first octet."""
        if late:
            return position
        place = max(position, min(self._end, position + round(_ADRIFT * SAMPLE_RATE)))
        self._end = place + (toc_samples(toc) or 0)
        return place


class _Ear:
    """Decodes the packets of one direction and tells how loud they are and when somebody speaks."""

    def __init__(
        self,
        recorder: Recorder,
        direction: Direction,
        on_frame: Callable[[Frame], None] | None,
        detector: SpeechDetector,
        conceal: bool,
        quality: bool,
    ) -> None:
        self._recorder = recorder
        self._direction = direction
        self._on_frame = on_frame
        self._detector = detector
        self._conceal = conceal
        self._quality = quality
        self._last: Samples = np.zeros(FRAME_SAMPLES, np.int16)
        self._sequence: int | None = None
        runs = detector.runs
        self._hang_over = runs.hang_over_frames * FRAME_SAMPLES
        self._windows = LevelWindows((runs.start_frames + runs.hang_over_frames) * FRAME_SECONDS)
        self._decoder = Decoder()
        self._rest = np.zeros(0, np.int16)
        self._rest_t = 0.0
        self._expected: int | None = None  # the position at which the next packet goes on without a gap
        self._last_end = 0.0
        self._marked = 0.0

    def new_stream(self) -> None:
        """Another SSRC: another encoder, whose packets say nothing about the last one's."""
        self._decoder = Decoder()
        self._sequence = None

    def hear(self, packet: RtpPacket, position: int) -> None:
        """Decode a packet that goes to ``position`` samples on the timeline."""
        try:
            samples = self._decoder.decode(packet.payload)
        except ValueError:
            self._recorder.record(
                "audio.undecodable", direction=self._direction, sequence=packet.sequence, size=len(packet.payload)
            )
            return
        if self._conceal:
            self._fill_in(packet, position)
        if self._expected is not None and position - self._expected >= self._hang_over:
            self._break_off()
        self._expected = position + samples.size
        if samples.size == FRAME_SAMPLES and not self._rest.size:
            self._frame(packet.t, samples)
            return
        start = self._rest_t if self._rest.size else packet.t
        samples = np.concatenate([self._rest, samples])
        whole = samples.size // FRAME_SAMPLES
        for index in range(whole):
            self._frame(start + index * FRAME_SECONDS, samples[index * FRAME_SAMPLES : (index + 1) * FRAME_SAMPLES])
        self._rest = samples[whole * FRAME_SAMPLES :]
        self._rest_t = start + whole * FRAME_SECONDS

    def _fill_in(self, packet: RtpPacket, position: int) -> None:
        """Hand out a frame for each that is missing in front of this packet, where packets were lost and not left out."""
        before, self._sequence = self._sequence, packet.sequence
        if before is None or self._expected is None or self._rest.size or packet.sequence == (before + 1) & 0xFFFF:
            return
        missing = min((position - self._expected) // FRAME_SAMPLES, _MOST_CONCEALED)
        for number in range(missing):
            sound = self._last if number < _REPEATED else np.zeros(FRAME_SAMPLES, np.int16)
            self._frame(packet.t - (missing - number) * FRAME_SECONDS, sound)
        self._expected += missing * FRAME_SAMPLES

    def end(self) -> None:
        """Nothing follows: close a run of speech, hand out the last levels."""
        self._break_off()
        for row in self._windows.rest():
            self._record_levels(row)

    def _frame(self, t: float, samples: Samples) -> None:
        self._last = samples
        power = mean_square(samples)
        frame, change = self._detector.listen(t, samples, power)
        self._last_end = t + FRAME_SECONDS
        for row in self._windows.add(t, power, samples if self._quality else None, frame.level_dbfs):
            self._record_levels(row)
        if change is not None:
            self._record_change(change)
        if frame.talking and frame.speech:
            self._windows.mark(self._marked, self._last_end)
            self._marked = self._last_end
        if self._on_frame is not None:
            self._on_frame(frame)

    def _break_off(self) -> None:
        self._rest = self._rest[:0]
        change = self._detector.runs.end(self._last_end)
        if change is not None:
            self._record_change(change)

    def _record_change(self, change: Change) -> None:
        if change.state == "started":
            self._marked = change.at
        self._recorder.record(
            "audio.speech", direction=self._direction, state=change.state, at=self._recorder.at(change.at)
        )

    def _record_levels(self, row: LevelRow) -> None:
        told: dict[str, Sequence[float]] = {"flatness": row.flatness} if row.flatness else {}
        # Most of a call is neither clipped nor broken.
        told |= {name: values for name, values in (("clipped", row.clipped), ("breaks", row.breaks)) if any(values)}
        self._recorder.record(
            "audio.levels",
            direction=self._direction,
            start=self._recorder.at(row.start),
            step=LevelWindows.STEP,
            levels=row.levels,
            speech=row.speech,
            **told,
        )
