"""MED: what the assistant's audio sounds like while it plays: speech and no noise, neither clipped nor faint, without breaks or silence."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from statistics import median, pstdev

from harness.protocol.opus import SAMPLE_RATE
from harness.rules.base import DOCUMENTED, INFERRED, INFO, SHOULD, Observation, View, judged
from harness.rules.media import FAMILY
from harness.rules.support.disturbance import slack
from harness.rules.support.history import Response
from harness.rules.support.packets import SEQUENCES, distance, sent_by
from harness.rules.support.sources import OWN, SERVER_EVENTS, rfc
from harness.rules.support.windows import Window, playbacks, windows
from harness.trace import Entry

FEWEST = 10  # windows of a tenth of a second: a second of sound is the least that can be judged
FLAT = 0.35  # median spectral flatness: 0.001 to 0.17 in recordings of speech, 0.45 in pink noise, 0.57 in white noise
STEADY_DB, STEADY_WINDOWS = 1.0, 15  # standard deviation: 4 dB and more in speech, below 1 dB in tones, hum and hiss
CLIPPED = 0.005  # share of samples at full scale: 0.0006 where speech just touches it, 0.0076 at 12 dB too much
RECOMMENDED_DBFS, AROUND_DB = -22.0, 13.0  # an RMS of 2600 of 32767
BREAKS, BREAKS_A_SECOND = 3, 1.0  # sentences end, words do not stop dead every second
SILENT_SECONDS = 5.0  # longer than any pause for breath or thought
DELIVERED, PAUSE_SECONDS = (
    0.9,
    1.0,
)  # share of the packets that must have come, and without a longer pause: loss is silence too


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


@FAMILY.rule("18", SHOULD, INFERRED, SERVER_EVENTS, OWN)
def no_long_silence(view: View) -> Iterator[Observation]:
    """playback does not fall silent before it ends

    While a response plays something is heard at least every five seconds, and so it is before stopped.

    Packets that go on with nothing in them are an audio source that died while the events did not notice. Stretches in which packets
    were lost are not judged; a response that is silent throughout is MED-07.

    Okay:
        < output_audio_buffer.started {"response_id": "r"}
        levels received 0.7 -20 -90*7 -20
        +6.3s
        < output_audio_buffer.stopped {"response_id": "r"}
    Fail:
        < output_audio_buffer.started {"response_id": "r"}
        levels received 1.7 -20 -90*3
        packets received 2 0:1:960:9:0:3 700:2:1920 1400:3:2880 2100:4:3840 2800:5:4800 3500:6:5760 3800:7:6720
            3810:8:7680 3820:9:8640 3850:11:10560 {"first": 2.0}
        +6.8s
        < output_audio_buffer.stopped {"response_id": "r"}
    Unseen:
        < output_audio_buffer.started {"response_id": "r"}
        levels received 1.7 -20 -90*3
        packets received 2 0:1:960:9:0:3 700:2:1920 1400:3:2880 2100:4:3840 2800:5:4800 3500:6:5760 3800:7:6720
            3850:9:8640 {"first": 2.0}
        +6.8s
        < output_audio_buffer.stopped {"response_id": "r"}
    Unseen:
        < output_audio_buffer.started {"response_id": "r"}
        levels received 1.7 -20 -90*3
        packets received 2 0:1:960:9:0:3 700:2:1920 1400:3:2880 2100:4:3840 2800:5:4800 3500:6:5760
            3750:7:6720 {"first": 2.0}
        +6.8s
        < output_audio_buffer.stopped {"response_id": "r"}
    """
    limit = SILENT_SECONDS + slack(view)
    for heard in heard_playbacks(view):
        audible = heard.audible
        if not audible:
            continue
        edges = [heard.started.t, *(edge for one in audible for edge in (one.start, one.end)), heard.ended.t]
        length, begin = max((end - begin, begin) for begin, end in zip(edges[::2], edges[1::2], strict=True))
        if length <= limit or delivered(view, begin, begin + length):
            seen = f"nothing for {length:.1f} s from {begin:.2f} s on"
            yield judged(heard.started, length <= limit, f"something audible every {limit:g} s", seen)


def delivered(view: View, begin: float, end: float) -> bool:
    """Whether the service's packets between two times of the trace came, all along and without noticeable loss."""
    stream = [packet for stream in sent_by(view, "service") for _, chunk in stream for packet in chunk]
    came = [packet for packet in stream if begin <= packet.t < end]
    if not came:
        return False
    pauses = pairwise([begin, *(packet.t for packet in came), end])
    ahead = [distance(came[0].sequence, packet.sequence, SEQUENCES) for packet in came]
    whole = len(set(ahead)) >= DELIVERED * (max(ahead) - min(ahead) + 1)
    return whole and max(later - earlier for earlier, later in pauses) <= PAUSE_SECONDS


@FAMILY.rule("19", SHOULD, INFERRED, OWN)
def no_stutter(view: View) -> Iterator[Observation]:
    """speech does not stutter

    Sound that breaks off again and again, from loud to nothing within 40 ms, is a source that runs dry in the middle of words.

    Voices fade. Pace what feeds the track, and buffer more of it. Three breaks are the fewest that count, at more than one in a
    second of sound; packets that the network lost are no breaks.

    Okay:
        < output_audio_buffer.started {"response_id": "r"}
        levels received 0.31 -20*10 {"breaks": [1, 1, 1, 0, 0, 0, 0, 0, 0, 0]}
        +3.1s
        < output_audio_buffer.stopped {"response_id": "r"}
    Fail:
        < output_audio_buffer.started {"response_id": "r"}
        levels received 0.29 -20*10 {"breaks": [1, 1, 1, 0, 0, 0, 0, 0, 0, 0]}
        +2.9s
        < output_audio_buffer.stopped {"response_id": "r"}
    Okay:
        < output_audio_buffer.started {"response_id": "r"}
        levels received 0.5 -20 -25 {"breaks": [1, 1]}
        +1s
        < output_audio_buffer.stopped {"response_id": "r"}
    """
    for heard in heard_playbacks(view):
        seconds = sum(one.end - one.start for one in heard.audible)
        if seconds > 0:
            count = sum(one.breaks for one in heard.windows)
            ok = count < BREAKS or count / seconds <= BREAKS_A_SECOND
            yield judged(
                heard.started, ok, f"at most {BREAKS_A_SECOND:g} break a second", f"{count} in {seconds:.1f} s"
            )
