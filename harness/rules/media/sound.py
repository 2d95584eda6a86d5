"""MED: what the assistant's audio sounds like while it plays: speech and no noise, neither clipped nor faint."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median, pstdev

from harness.protocol.opus import SAMPLE_RATE
from harness.rules.base import DOCUMENTED, INFERRED, INFO, SHOULD, Observation, View, judged
from harness.rules.media import FAMILY
from harness.rules.support.history import Response
from harness.rules.support.sources import OWN, SERVER_EVENTS, rfc
from harness.rules.support.windows import Window, playbacks, windows
from harness.trace import Entry

FEWEST = 10  # windows of a tenth of a second: a second of sound is the least that can be judged
FLAT = 0.35  # median spectral flatness: 0.001 to 0.17 in recordings of speech, 0.45 in pink noise, 0.57 in white noise
STEADY_DB, STEADY_WINDOWS = 1.0, 15  # standard deviation: 4 dB and more in speech, below 1 dB in tones, hum and hiss
CLIPPED = 0.005  # share of samples at full scale: 0.0006 where speech just touches it, 0.0076 at 12 dB too much
RECOMMENDED_DBFS, AROUND_DB = -22.0, 13.0  # an RMS of 2600 of 32767


@dataclass(frozen=True, slots=True)
class Heard:
    """A playback that has ended, ``how`` it did, and the windows of the service's audio from its start to its end."""

    response: Response
    started: Entry
    ended: Entry
    how: str
    windows: list[Window]

    @property
    def audible(self) -> list[Window]:
        """Those in which something is to be heard."""
        return [one for one in self.windows if one.audible]


def heard_playbacks(view: View) -> list[Heard]:
    """Every playback that was decoded to its end. Computed once for a trace."""
    derived = view.trace.derived
    if "heard playbacks" not in derived:
        decoded = windows(view, "service")
        derived["heard playbacks"] = [
            Heard(
                response,
                started,
                ended,
                how,
                [one for one in decoded if started.t <= one.start and one.end <= ended.t],
            )
            for response, started, ended, how in playbacks(view)
            if ended is not None and decoded and decoded[-1].end >= ended.t
        ]
    found: list[Heard] = derived["heard playbacks"]
    return found


@FAMILY.rule("14", SHOULD, INFERRED, SERVER_EVENTS, OWN)
def no_noise(view: View) -> Iterator[Observation]:
    """the assistant's audio sounds like speech, not like noise or a tone

    Speech has harmonics and syllables: a spectrum with peaks, a level that rises and falls. Noise has no peaks, a tone or hum no syllables.

    Loud hiss instead of words is how samples of the wrong byte order, width or encoding sound. Judged by the median spectral
    flatness of a second or more, and by the spread of its level.

    Okay:
        < output_audio_buffer.started {"response_id": "r"}
        levels received 0.1 -20 -25 -18 -40 -22 -19 -30 -21 -26 -20 {"flatness": [0.01, 0.34, 0.4, 0.02, 0.34, 0.36,
            0.0, 0.34, 0.5, 0.34]}
        +2s
        levels received 0.1 -90*10 {"start": 1.0}
        < output_audio_buffer.stopped {"response_id": "r"}
    Fail:
        < output_audio_buffer.started {"response_id": "r"}
        levels received 0.1 -20 -25 -18 -40 -22 -19 -30 -21 -26 -20 {"flatness": [0.55, 0.36, 0.6, 0.3, 0.36, 0.36, 0.2,
            0.5, 0.3, 0.36]}
        +1s
        < output_audio_buffer.stopped {"response_id": "r"}
    Okay:
        < output_audio_buffer.started {"response_id": "r"}
        levels received 0.1 -22.1 -20 -22.1 -20 -22.1 -20 -22.1 -20 -22.1 -20 -22.1 -20 -22.1 -20 -22.1 -20 -22.1 -20
            {"flatness": [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]}
        +1.8s
        < output_audio_buffer.stopped {"response_id": "r"}
    Fail:
        < output_audio_buffer.started {"response_id": "r"}
        levels received 0.1 -21.9 -20 -21.9 -20 -21.9 -20 -21.9 -20 -21.9 -20 -21.9 -20 -21.9 -20 -21.9 -20 -21.9 -20
            {"flatness": [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]}
        +1.8s
        < output_audio_buffer.stopped {"response_id": "r"}
    Okay:
        < output_audio_buffer.started {"response_id": "r"}
        levels received 0.125 -20*16 {"flatness": [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]}
        +2s
        < output_audio_buffer.stopped {"response_id": "r"}
    Fail:
        < output_audio_buffer.started {"response_id": "r"}
        levels received 0.125 -20*17 {"flatness": [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]}
        +2.125s
        < output_audio_buffer.stopped {"response_id": "r"}
    Unseen:
        < output_audio_buffer.started {"response_id": "r"}
        levels received 0.1 -20 -25 -18 -40 -22 -19 -30 -21 -26 {"flatness": [0.55, 0.5, 0.6, 0.4, 0.5, 0.5, 0.6, 0.5,
            0.5]}
        +900ms
        < output_audio_buffer.stopped {"response_id": "r"}
    """
    for heard in heard_playbacks(view):
        audible = [one for one in heard.audible if one.flatness is not None]
        if len(audible) < FEWEST:
            continue
        flat = median(one.flatness or 0.0 for one in audible)
        # The windows at the edges hold the beginning and the end, and are weaker for it.
        levels = [one.level for one in audible[1:-1]]
        spread = pstdev(levels)
        steady = len(levels) >= STEADY_WINDOWS and spread < STEADY_DB
        wanted = (f"a spectral flatness of at most {FLAT:g}, a level that varies by {STEADY_DB:g} dB or more",)
        seen = f"{flat:.2f}, {spread:.1f} dB in {len(audible) / 10:.1f} s of sound"
        yield judged(heard.started, flat <= FLAT and not steady, wanted, seen)


@FAMILY.rule("15", SHOULD, DOCUMENTED, rfc(7874, "4"))
def not_clipped(view: View) -> Iterator[Observation]:
    """the assistant's audio is not clipped

    The level "SHOULD also be adapted to avoid clipping": samples that would lie beyond full scale are cut off there, and it rattles.

    Turn the audio down before it is encoded. Judged by the share of samples at full scale in what is audible, at most one in 200.

    Okay:
        < output_audio_buffer.started {"response_id": "r"}
        levels received 0.5 -12 -14 {"clipped": [200, 35]}
        +1s
        < output_audio_buffer.stopped {"response_id": "r"}
    Fail:
        < output_audio_buffer.started {"response_id": "r"}
        levels received 0.5 -12 -14 {"clipped": [200, 45]}
        +1s
        < output_audio_buffer.stopped {"response_id": "r"}
    """
    for heard in heard_playbacks(view):
        seconds = sum(one.end - one.start for one in heard.audible)
        if seconds > 0:
            share = sum(one.clipped for one in heard.windows) / (seconds * SAMPLE_RATE)
            seen = f"{share:.1%} of the samples in {seconds:.1f} s"
            yield judged(heard.started, share <= CLIPPED, f"at most {CLIPPED:.1%} of the samples at full scale", seen)


@FAMILY.rule("16", INFO, DOCUMENTED, rfc(7874, "4"))
def speech_level(view: View) -> Iterator[Observation]:
    """speech has the level of speech

    It is recommended that active speech has an RMS of 2600, 22 dB below full scale; voices differ, by 13 dB either way at most.

    Much fainter, and the listener turns everything up; much louder, and it clips.

    Okay:
        < output_audio_buffer.started {"response_id": "r"}
        levels received 0.5 -34.5*2
        +1s
        < output_audio_buffer.stopped {"response_id": "r"}
    Okay:
        < output_audio_buffer.started {"response_id": "r"}
        levels received 0.5 -9.5*2
        +1s
        < output_audio_buffer.stopped {"response_id": "r"}
    Fail:
        < output_audio_buffer.started {"response_id": "r"}
        levels received 0.5 -8.5*2
        +1s
        < output_audio_buffer.stopped {"response_id": "r"}
    Fail:
        < output_audio_buffer.started {"response_id": "r"}
        levels received 0.5 -35.5*2
        +1s
        < output_audio_buffer.stopped {"response_id": "r"}
    """
    for heard in heard_playbacks(view):
        powers = [10 ** (one.level / 10) for one in heard.windows if one.speech]
        if powers:
            level = 10 * math.log10(sum(powers) / len(powers))
            wanted = f"{RECOMMENDED_DBFS - AROUND_DB:g} to {RECOMMENDED_DBFS + AROUND_DB:g} dBFS"
            yield judged(heard.started, abs(level - RECOMMENDED_DBFS) <= AROUND_DB, wanted, f"{level:.0f} dBFS")
