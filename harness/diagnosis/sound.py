"""Causes in the sound of the answers, and in what an interruption did to them: each is what the rules about the audio found."""

from __future__ import annotations

from harness.diagnosis.base import Case, Evidence, cause
from harness.rules.support.sources import COSTS, OWN, SERVER_EVENTS, TURN_DETECTION, rfc


@cause(
    "interruption-ignored",
    "The caller interrupts, and the assistant talks on.",
    rank=900,
    fix="Keep listening while audio plays; at speech_started (with interrupt_response) and at output_audio_buffer.clear cut the track and drop what is queued.",
    source=f"{TURN_DETECTION}; {SERVER_EVENTS}",
)
def interruption_ignored(case: Case) -> Evidence:
    """Speech over an answer was not noticed (TURN-19), did not end it (PLAY-08), or left it to be heard (PLAY-14)."""
    return case.broken("TURN-19", "PLAY-14", "PLAY-08")


@cause(
    "noise-for-speech",
    "The audio is noise or a tone where speech should be.",
    rank=905,
    fix="Give the encoder what it expects: 16 bit little-endian samples at the rate it was opened with, decoded from G.711 first where they came as that.",
    source=OWN,
)
def noise_for_speech(case: Case) -> Evidence:
    """The received audio has neither the spectrum nor the syllables of speech (MED-14)."""
    return case.broken("MED-14")


@cause(
    "audio-clipped",
    "The audio is too loud and cut off at full scale.",
    rank=910,
    fix="Lower the gain in front of the encoder, or use a compressor.",
    source=rfc(7874, "4"),
)
def audio_clipped(case: Case) -> Evidence:
    """More than one in 200 samples lies at full scale (MED-15)."""
    return case.broken("MED-15")


@cause(
    "audio-not-paced",
    "The audio is sent faster or slower than real time.",
    rank=915,
    fix="Send a packet of 20 ms every 20 ms, by the media clock, and keep the rest in the output buffer, where it can be cleared.",
    source=OWN,
)
def audio_not_paced(case: Case) -> Evidence:
    """The received media runs ahead of the clock (MED-17) or falls behind it (MED-25), in packets that are well formed (MED-04)."""
    return [] if case.broken("MED-04") else case.broken("MED-17", "MED-25")


@cause(
    "audio-at-other-rate",
    "The answer plays at a multiple of its speed, or most of its audio never came.",
    rank=920,
    fix="Resample to 48 kHz before encoding: model audio is 24 kHz, telephone audio 8 kHz. Do not stop the track before it has run empty.",
    source=COSTS,
)
def audio_at_other_rate(case: Case) -> Evidence:
    """More words than anybody can say in the time (MED-21)."""
    return case.broken("MED-21")


@cause(
    "audio-source-dry",
    "What feeds the track runs dry in the middle of the answer.",
    rank=925,
    fix="Buffer more of the audio before it is played, and look whether the source has died while the events went on.",
    source=OWN,
)
def audio_source_dry(case: Case) -> Evidence:
    """The sound breaks off again and again (MED-19), leaves empty stretches (MED-24), or ends while playback goes on (MED-18)."""
    return case.broken("MED-19", "MED-18", "MED-24")
