"""MED: whether the assistant's audio goes on while it plays: no long silence, no stretch without a sample, no stutter."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby, pairwise

from harness.rules.base import INFERRED, SHOULD, Observation, View, judged
from harness.rules.media import FAMILY
from harness.rules.media.sound import Heard, heard_playbacks
from harness.rules.support.disturbance import slack
from harness.rules.support.packets import SEQUENCES, distance, sent_by
from harness.rules.support.sources import OWN, SERVER_EVENTS
from harness.rules.support.windows import Window

BREAKS, BREAKS_A_SECOND = 3, 1.0  # sentences end, words do not stop dead every second
SILENT_SECONDS = 5.0  # longer than any pause for breath or thought
DIGITAL_DBFS = -75.0  # nothing that a microphone or a voice gives is so still: the encoder was fed zeros
EMPTY_SECONDS = 1.5  # a voice pauses for less between its sentences, and the room around it is heard meanwhile
DELIVERED = 0.9  # share of the packets that must have come: loss is silence too
PAUSE_SECONDS = 1.0  # and no longer pause between two of them


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


@FAMILY.rule("24", SHOULD, INFERRED, OWN)
def no_empty_stretch(view: View) -> Iterator[Observation]:
    """a completed answer has no stretches of digital silence

    While a completed response plays, no stretch of 1.5 seconds consists of zeros.

    A pause in speech still carries breath and room noise. Digital silence means that the audio source had nothing to send, or ended
    before the response did. Buffer enough audio to bridge the pauses of the source, and send stopped when the audio ends. Stretches
    with lost packets are not judged; silence of more than five seconds is reported by MED-18.

    Okay:
        < output_audio_buffer.started {"response_id": "r"}
        < response.done {"response": {"id": "r", "status": "completed"}}
        levels received 0.7 -20 -76*2 -20
        +2.8s
        < output_audio_buffer.stopped {"response_id": "r"}
    Okay:
        < output_audio_buffer.started {"response_id": "r"}
        < response.done {"response": {"id": "r", "status": "completed"}}
        levels received 0.8 -20 -74*2 -20
        +3.2s
        < output_audio_buffer.stopped {"response_id": "r"}
    Fail:
        < output_audio_buffer.started {"response_id": "r"}
        < response.done {"response": {"id": "r", "status": "completed"}}
        levels received 0.8 -20 -76*2 -20
        packets received 2 0:1:960 700:2:1920 1400:3:2880 2100:4:3840 {"first": 0.8}
        +3.2s
        < output_audio_buffer.stopped {"response_id": "r"}
    Fail:
        < output_audio_buffer.started {"response_id": "r"}
        < response.done {"response": {"id": "r", "status": "completed"}}
        levels received 0.7 -20 -90*7
        packets received 2 0:1:960 900:2:1920 1800:3:2880 2700:4:3840 3600:5:4800 4500:6:5760 {"first": 0.8}
        +5.6s
        < output_audio_buffer.stopped {"response_id": "r"}
    Okay:
        < output_audio_buffer.started {"response_id": "r"}
        < response.done {"response": {"id": "r", "status": "completed"}}
        levels received 0.7 -20 -90*8
        packets received 2 0:1:960 900:2:1920 1800:3:2880 2700:4:3840 3600:5:4800 4500:6:5760 5400:7:6720 {"first": 0.8}
        +6.3s
        < output_audio_buffer.stopped {"response_id": "r"}
    Unseen:
        < output_audio_buffer.started {"response_id": "r"}
        < response.done {"response": {"id": "r", "status": "cancelled"}}
        levels received 0.8 -20 -90*2 -20
        packets received 2 0:1:960 700:2:1920 1400:3:2880 2100:4:3840 {"first": 0.8}
        +3.2s
        < output_audio_buffer.stopped {"response_id": "r"}
    """
    limit, longest = EMPTY_SECONDS + slack(view), SILENT_SECONDS + slack(view)
    for heard in heard_playbacks(view):
        if heard.response.status != "completed" or not heard.audible:
            continue
        stretches = [one for one in empty_stretches(heard) if one[1] - one[0] <= longest]
        begin, end = max(stretches, key=lambda one: one[1] - one[0], default=(heard.started.t, heard.started.t))
        if end - begin <= limit or delivered(view, begin, end):
            count = sum(later - earlier > limit for earlier, later in stretches)
            seen = f"digital silence from {begin:.2f} to {end:.2f} s ({end - begin:.1f} s)"
            seen += f", the longest of {count} such stretches" if count > 1 else ""
            yield judged(heard.started, end - begin <= limit, f"no {limit:g} s of digital silence", seen)


def empty_stretches(heard: Heard) -> list[tuple[float, float]]:
    """Start and end, in seconds of the trace, of each run of windows that follow one another with nothing in them at all."""
    runs = [(empty, list(run)) for empty, run in groupby(heard.windows, key=_is_empty)]
    return [(run[0].start, run[-1].end) for empty, run in runs if empty]


def _is_empty(window: Window) -> bool:
    return window.level <= DIGITAL_DBFS and not window.audible


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
