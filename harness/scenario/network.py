"""What a scenario may do to the network of its call: chances, times, and the presets that combine them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from harness.netem import emulator as emulated
from harness.scenario.values import Duration, Model

_PERCENT = re.compile(r"(\d+(?:\.\d+)?)\s*%\Z")
_BANDWIDTH = re.compile(r"(\d+(?:\.\d+)?)\s*(kbps|Mbps)\Z")
_BITS = {"kbps": 1e3, "Mbps": 1e6}


def parse_percent(value: object) -> float:
    """A share between 0 and 1 of a percentage. Raises ValueError for a bare number and for more than 100 %."""
    if isinstance(value, str) and (found := _PERCENT.match(value.strip())) and float(found[1]) <= 100:
        return float(found[1]) / 100
    raise ValueError(f"{value!r} is not a percentage; write a number from 0 to 100 and a percent sign: 5%, 0.5%")


Percent = Annotated[
    float,
    BeforeValidator(parse_percent),
    WithJsonSchema({"type": "string", "pattern": r"^\d+(\.\d+)?\s*%$", "examples": ["5%", "0.5%"]}),
]


def parse_bandwidth(value: object) -> float:
    """Bits a second. Raises ValueError for a bare number, another unit, and for none at all (that is a cut-off)."""
    if isinstance(value, str) and (found := _BANDWIDTH.match(value.strip())) and float(found[1]) > 0:
        return float(found[1]) * _BITS[found[2]]
    raise ValueError(f"{value!r} is not a bandwidth; write a number above 0 and a unit: 64kbps, 1.5Mbps")


Bandwidth = Annotated[
    float,
    BeforeValidator(parse_bandwidth),
    WithJsonSchema({"type": "string", "pattern": r"^\d+(\.\d+)?\s*(kbps|Mbps)$", "examples": ["64kbps", "1.5Mbps"]}),
]

PresetName = Literal[
    "clean",
    "wifi-good",
    "wifi-bad",
    "4g",
    "3g",
    "slow-uplink",
    "congested",
    "train-tunnel",
    "handover",
    "one-way-audio",
    "cut-off",
]

PRESETS: Mapping[PresetName, tuple[str, Mapping[str, Any]]] = {
    "clean": ("nothing is disturbed, or no longer", {}),
    "wifi-good": ("a home network", {"loss": "0.2%", "delay": "15ms", "jitter": "5ms"}),
    "wifi-bad": (
        "a crowded channel, two walls away",
        {
            "loss": "3%",
            "burst_loss": {"enter": "0.6%", "leave": "30%"},
            "delay": "40ms",
            "jitter": "25ms",
            "reorder": "1%",
            "duplicate": "0.5%",
        },
    ),
    "4g": ("a phone with good reception", {"loss": "0.5%", "delay": "35ms", "jitter": "15ms"}),
    "3g": (
        "a phone with poor reception",
        {"loss": "1%", "burst_loss": {"enter": "0.3%", "leave": "40%"}, "delay": "110ms", "jitter": "40ms"},
    ),
    "slow-uplink": (
        "a line that lets out little more than the call itself needs",
        {"delay": "30ms", "jitter": "10ms", "sent": {"delay": "30ms", "bandwidth": "96kbps", "queue": "250ms"}},
    ),
    "congested": ("an uplink with a full queue", {"loss": "2%", "delay": "150ms", "jitter": "60ms"}),
    "train-tunnel": (
        "a phone on a train: a tunnel of five seconds every forty",
        {
            "loss": "1%",
            "delay": "60ms",
            "jitter": "20ms",
            "blackout": {"after": "6s", "lasts": "5s", "every": "40s"},
        },
    ),
    "handover": (
        "between two cells or access points: a moment of nothing every fifteen seconds",
        {"delay": "40ms", "jitter": "10ms", "blackout": {"after": "4s", "lasts": "800ms", "every": "15s"}},
    ),
    "one-way-audio": ("a firewall or NAT that lets the caller's audio out and none in", {"audio_lost": "received"}),
    "cut-off": ("the network goes away ten seconds into the call, for good", {"cut_off": "10s"}),
}


class BurstLoss(Model):
    """Loss in bursts, by the model of Gilbert and Elliott; bursts last 100 % / leave datagrams on average."""

    enter: Percent = Field(description="the chance of each datagram to begin a burst")
    leave: Percent = Field(description="the chance of each datagram in a burst to end it")
    loss: Percent = Field(default=1.0, description="the share of a burst that is lost")


class Blackout(Model):
    """Nothing passes, in either direction, for a while. Times count from the first datagram of the call, or from the step."""

    after: Duration
    lasts: Duration
    every: Duration | None = Field(default=None, description="again that long after each beginning")

    @model_validator(mode="after")
    def _ends_before_the_next(self) -> Blackout:
        if self.every is not None and self.every <= self.lasts:
            raise ValueError("every must be longer than lasts; to cut the network off for good write cut_off")
        return self


class Way(Model):
    """What happens to the datagrams of one direction; a word that is not given is as it is for both."""

    loss: Percent = Field(default=0.0, description="lost, each for itself")
    burst_loss: BurstLoss | None = None
    delay: Duration = Field(default=0.0, description="one way; a round trip takes twice as long")
    jitter: Duration = Field(default=0.0, description="how much the delay varies, up and down; it does not reorder")
    reorder: Percent = Field(default=0.0, description="overtaken by what was sent after")
    reorder_by: Duration = Field(default=0.05, description="how much later what is overtaken arrives")
    duplicate: Percent = Field(default=0.0, description="arrives twice")
    bandwidth: Bandwidth | None = Field(
        default=None,
        description="what the line takes, UDP and IP headers included; speech takes up to 90 kbps a direction, silence 25",
    )
    queue: Duration = Field(
        default=0.2, description="the longest wait for a line with a bandwidth; what comes then is lost"
    )


class Network(Way):
    """What the network does to every datagram of the call, on the caller's side; HTTP is left alone.

    A preset, or these words, or a preset with some of its words replaced. They hold both ways; ``sent`` and ``received`` replace
    them in one. As a step it holds from there on. A round trip of more than 500 ms ends a call after half a minute: the caller's ICE
    agent waits that long for each answer to its consent checks.
    """

    preset: PresetName | None = None
    sent: Way | None = Field(default=None, description="other words for what the caller sends")
    received: Way | None = Field(default=None, description="other words for what the caller receives")
    audio_lost: Literal["sent", "received"] | None = Field(
        default=None, description="one-way audio: RTP that the caller sends, or receives, never arrives; all else does"
    )
    blackout: Blackout | None = None
    cut_off: Duration | None = Field(default=None, description="nothing passes any more from then on")
    seed: int | None = Field(default=None, description="other chances than those of the run's seed")

    @model_validator(mode="before")
    @classmethod
    def _under_the_preset(cls, value: Any) -> Any:
        """A bare word is a preset; what stands beside ``preset`` replaces its words."""
        if isinstance(value, str):
            value = {"preset": value}
        if isinstance(value, Mapping) and isinstance(value.get("preset"), str) and value["preset"] in PRESETS:
            return {**PRESETS[value["preset"]][1], **value}
        return value

    @property
    def conditions(self) -> emulated.Conditions:
        """As the emulator takes them."""
        dark = self.blackout
        return emulated.Conditions(
            **_words(self),
            audio_lost=self.audio_lost,
            blackouts=(emulated.Blackout(dark.after, dark.lasts, dark.every),) if dark else (),
            cut_off=self.cut_off,
            sent=emulated.Path(**_words(self, self.sent)) if self.sent else None,
            received=emulated.Path(**_words(self, self.received)) if self.received else None,
        )


def _words(both: Way, own: Way | None = None) -> dict[str, Any]:
    """The words of a direction: its own where they are given, else those of both."""
    given = own.model_fields_set if own else frozenset[str]()
    words = {name: getattr(own if name in given else both, name) for name in Way.model_fields}
    burst = words["burst_loss"]
    return words | {"burst_loss": emulated.BurstLoss(burst.enter, burst.leave, burst.loss) if burst else None}
