"""Faults of what the client asks of the session."""

from __future__ import annotations

from typing import Any

from harness.client.faults.base import ANSWER, EVENTS, REACTIONS, client_fault
from harness.client.faults.edits import send_at, session
from harness.faults.events import Make, changed, each
from harness.faults.registry import BETA, GA, SETUP, TURN
from harness.faults.sdp import line
from harness.protocol.dialects import AZURE, Dialect
from harness.protocol.session_body import session_body

AZURE_GA = tuple(name for name in AZURE if name in GA)


def update(name: str, title: str, make: Make, *caught_by: str, **more: Any) -> None:
    """Declare a rewrite of the first session.update."""
    client_fault(name, title, plane=EVENTS, caught_by=caught_by, **{"scenario": SETUP, **more})(make)


def setting(**words: Any) -> Make:
    """Canonical settings added to the first session.update, at the place where the dialect has them."""

    def make(dialect: Dialect) -> Any:
        body, _ = session_body(dialect, words)
        return session(**{name: value for name, value in _flat(body) if name != "type"})(dialect)

    return make


def _flat(body: Any, before: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for name, value in body.items():
        nested = before + name in ("audio", "audio__input", "audio__output")
        found += _flat(value, f"{before}{name}__") if nested else [(before + name, value)]
    return found


# What GA and beta keep apart

update(
    "update-without-a-type",
    "a GA session.update does not name the session's type",
    changed("session.update", lambda event: event["session"].pop("type")),
    "SES-06",
    dialects=GA,
    diagnosis="session-type-missing",
)
update(
    "beta-voice-in-ga",
    "a GA session.update has the voice where beta has it",
    session(voice="verse"),
    "SES-07",
    dialects=GA,
    diagnosis="other-generations-fields",
)
update(
    "temperature-in-ga",
    "a GA session.update has a temperature",
    session(temperature=0.8),
    "SES-07",
    dialects=GA,
    diagnosis="other-generations-fields",
)
update(
    "beta-turn-detection-in-ga",
    "a GA session.update has turn_detection where beta has it",
    session(turn_detection={"type": "server_vad"}),
    "SES-07",
    dialects=GA,
    diagnosis="other-generations-fields",
)
update(
    "misspelled-field-in-ga",
    "one field of a GA session.update is misspelled",
    session(audio__output__speach=1.2),
    "SES-07",
    dialects=GA,
    diagnosis="unknown-update-field",
)

# Values

update(
    "temperature-out-of-range",
    "a temperature of 2",
    setting(temperature=2.0),
    "SES-08",
    dialects=BETA,
    diagnosis="session-settings-out-of-range",
)
update(
    "threshold-out-of-range",
    "a threshold of 1.5",
    setting(turn_detection={"type": "server_vad", "threshold": 1.5}),
    "SES-08",
    diagnosis="session-settings-out-of-range",
)
update(
    "speed-out-of-range",
    "a speed of 3",
    setting(speed=3.0),
    "SES-08",
    dialects=GA,
    diagnosis="session-settings-out-of-range",
)
update(
    "output-tokens-out-of-range",
    "5000 output tokens",
    setting(max_output_tokens=5000),
    "SES-08",
    diagnosis="session-settings-out-of-range",
)
update(
    "idle-timeout-out-of-range",
    "an idle timeout of one second",
    setting(turn_detection={"type": "server_vad", "idle_timeout_ms": 1000}),
    "SES-08",
    dialects=GA,
    diagnosis="session-settings-out-of-range",
)
update(
    "eagerness-unknown",
    "an eagerness of hasty",
    setting(turn_detection={"type": "semantic_vad", "eagerness": "hasty"}),
    "SES-08",
    diagnosis="session-settings-out-of-range",
)
update(
    "turn-detection-none",
    "turn detection is switched off by the type none",
    setting(turn_detection={"type": "none"}),
    "SES-12",
    diagnosis="session-settings-out-of-range",
)
update(
    "turn-detection-as-text",
    "turn detection is a text",
    setting(turn_detection="server_vad"),
    "SES-12",
    diagnosis="session-settings-out-of-range",
)
update(
    "both-modalities-in-ga",
    "audio and text are asked for at once",
    session(output_modalities=["audio", "text"]),
    "SES-10",
    dialects=GA,
    diagnosis="session-settings-out-of-range",
)
update(
    "audio-alone-in-beta",
    "audio is asked for without text",
    session(modalities=["audio"]),
    "SES-10",
    dialects=BETA,
    diagnosis="session-settings-out-of-range",
)
update(
    "transcription-by-a-model-name",
    "the transcription model is no deployment",
    session(audio__input__transcription={"model": "whisper-2"}),
    "SES-15",
    scenario="transcription/what-the-caller-said-is-transcribed.yaml",
    dialects=AZURE_GA,
    diagnosis="transcription-model-no-deployment",
)
update(
    "transcription-by-a-model-that-ends",
    "the transcription model is one whose end is announced",
    session(audio__input__transcription={"model": "whisper-1"}),
    "SES-19",
    dialects=("openai-ga",),
)
update(
    "model-changed",
    "session.update names another model",
    session(model="gpt-realtime-mini"),
    "SES-09",
    diagnosis="session-update-refused",
)


# In the middle of a call


def _voice(name: str) -> Make:
    def make(dialect: Dialect) -> Any:
        body, _ = session_body(dialect, {"voice": name})
        return send_at("output_audio_buffer.started", {"type": "session.update", "session": body}, after=0.8)(dialect)

    return make


client_fault(
    "voice-changed-after-audio",
    "another voice is asked for while the first one speaks",
    plane=REACTIONS,
    caught_by=("SES-09",),
    scenario=TURN,
    diagnosis="voice-locked",
)(_voice("sage"))
client_fault(
    "voice-named-again",
    "the voice that speaks is named once more in a later update",
    plane=REACTIONS,
    caught_by=("SES-21",),
    scenario=TURN,
)(_voice("alloy"))
update(
    "speaks-before-the-update",
    "session.update comes three seconds after the caller began to speak",
    each("session.update", lambda event: [(4.0, event)], at=1),
    "SES-11",
    scenario=TURN,
    diagnosis="speech-before-update",
)


def _huge(event: dict[str, Any]) -> None:
    event["session"]["instructions"] = "Be kind. " * 40_000


client_fault(
    "message-too-large",
    "session.update is larger than the service takes",
    plane=EVENTS,
    caught_by=("DC-11",),
    scenario=SETUP,
    beside={ANSWER: line(r"^a=max-message-size:.*", "a=max-message-size:0")},
    diagnosis="message-too-large",
)(changed("session.update", _huge))
