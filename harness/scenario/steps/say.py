"""``say``: speak a recording."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from harness.protocol.dialects import Dialect
from harness.scenario.marks import Recording
from harness.scenario.stage import Audio, Stage
from harness.scenario.steps.base import Step

PACKET_SECONDS = 0.02


class Say(Step):
    """Feed a recording into the audio track; does not block. Given in any format libsndfile reads."""

    word: ClassVar[str] = "say"
    say: Recording = Field(description="file in fixtures/audio, or beside the scenario file")
    loop: bool = False
    overlap: bool = Field(default=False, description="mix over what is being said instead of queueing after it")
    gain: float = Field(default=0.0, description="decibels added")

    def describe(self, dialect: Dialect) -> str:
        """The recording and how it is spoken."""
        how = [name for name, on in (("looped", self.loop), ("over what is being said", self.overlap)) if on]
        how += [f"{self.gain:+g} dB"] if self.gain else []
        manner = f" ({', '.join(how)})" if how else ""
        return f"say {self.say}{manner}"

    def prepare(self, audio: Audio) -> None:
        """Encode the recording."""
        audio(self.say, gain=self.gain)

    async def take(self, stage: Stage) -> None:
        """Queue it; that it was said is written down when its last packet is out."""
        await stage.configured()
        packets = stage.audio(self.say, gain=self.gain)
        seconds = round(len(packets) * PACKET_SECONDS, 3)
        number = stage.number

        def said() -> None:
            stage.record("step.said", step=number, file=self.say, seconds=seconds)

        stage.call.track.say(packets, loop=self.loop, overlap=self.overlap, on_done=said)
