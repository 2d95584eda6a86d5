"""Public bug reports, rebuilt on the wire: what is said of each, by mark, first cause, the service's words and the rules that failed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.judging.recording import judge_file
from harness.judging.results import Result, exit_code
from harness.report.junit import junit
from harness.report.text import lines_of, mark
from harness.rules.base import INFO, Outcome

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Told:
    """What a recording has to give: mark, first cause, texts that cause and fix hold, rules that fail (INFO apart)."""

    mark: str
    cause: str = ""
    holds: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()


REPORTS = {
    # ACM-VIT/ExamCooker#589
    "01-offer-trimmed": Told(
        "✗", "offer-refused", ("failed to unmarshal SDP: EOF", "Do not trim the offer"), ("OFF-01",)
    ),
    # openai/openai-agents-js#501
    "02-large-image": Told("✗", "message-too-large", ("images",), ("DC-11",)),
    # openai/openai-agents-js#963
    "03-assistant-audio-replayed": Told("✗", "assistant-audio-replayed", ("transcript", "output_text"), ("ITM-12",)),
    # openclaw#125502
    "04-truncated-too-far": Told("~", "truncated-too-far", ("already shorter than 3760ms",), ("PLAY-09",)),
    # pipecat-ai/pipecat#3960
    "05-tool-answer-races-next-turn": Told("~", "response-already-active", ("resp_2",), ("RSP-10",)),
    # livekit/agents#5779
    "06a-transcriber-refuses-turn-detection": Told(
        "~", "session-update-refused", ("Turn detection is not supported", "turn_detection to null", "by hand")
    ),
    "06c-deltas-before-commit": Told("✓"),
    # block/buzz#1511
    "07-expires-after-number": Told("✗", "token-request-refused", ("HTTP-07", '"anchor": "created_at"'), ("HTTP-07",)),
    # MemberJunction#4397
    "08-realtime-events-on-live": Told("~", "other-api", ("session.input_audio.append",)),
    # espressif/esp-webrtc-solution#6, #17
    "09a-offer-without-opus": Told(
        "✗", "offer-refused", ("OFF-05: expected opus/48000/2",), ("OFF-04", "OFF-05", "OFF-12")
    ),
    "09b-opus-16000-port-0": Told(
        "✗", "offer-refused", ("OFF-05: expected opus/48000/2",), ("OFF-04", "OFF-05", "OFF-12", "OFF-21")
    ),
    "09c-savp-passive-accepted": Told("✗", "rule-broken", ("The service took this offer here.",), ("OFF-04", "OFF-12")),
    # csglite#168
    "10-audio-in-a-burst": Told("~", "audio-not-paced", ("20 ms every 20 ms",), ("MED-17",)),
    # community.openai.com 1074736
    "11-response-failed-by-rate-limit": Told("~", "response-failed-by-quota", ("tokens per min",)),
    # openai/openai-agents-js#1346
    "12-idle-timeout-too-early": Told("✗", "rule-broken", ("6 s after the end of playback", "1.0 s"), ("TURN-11",)),
    # livekit/agents#5684
    "15-two-messages-in-one-response": Told("✓"),
    # Microsoft Q&A 5821653
    "s10b-server-error-midstream": Told("~", "response-failed", ("server_error: The server had an error",)),
    # BerriAI/litellm#27054
    "s12-update-rewritten": Told("~", "update-rewritten", ("session.turn_detection.type", "in between")),
    # huggingface/speech-to-speech#457
    "s13-no-lifecycle": Told("✗", "rule-broken", ("content_part.added never came",), ("CNT-01", "RSP-20")),
    # BerriAI/litellm#29662
    "s14-random-item-ids": Told("✗", "rule-broken", ("empty response_id",), ("EVT-15", "CNT-02")),
    "s14c-right-item-empty-response": Told("✗", "rule-broken", ("empty response_id",), ("EVT-15",)),
    # BerriAI/litellm#31709
    "s15-interruption-untold": Told("~", "interruption-ignored", (), ("TURN-19", "TURN-17", "PLAY-03")),
    # pipecat-ai/pipecat#4106
    "s17-azure-output-modalities": Told("~", "response-field-refused", ("response.output_modalities",)),
}


def judged(name: str) -> Result:
    return judge_file(HERE / f"{name}.ndjson")


@pytest.mark.parametrize("name", REPORTS)
def test_what_went_wrong_is_told_with_its_cause_first(name: str) -> None:
    told, result = REPORTS[name], judged(name)
    assert mark(result) == told.mark
    first = result.diagnosis[0] if result.diagnosis else None
    assert (first.id if first else "") == told.cause
    said = f"{first.cause} {first.fix}" if first else ""
    assert [text for text in told.holds if text not in said] == []
    failed = {rule.id for rule in result.rules if rule.outcome is Outcome.FAIL and rule.severity != INFO}
    assert set(told.rules) <= failed


@pytest.mark.parametrize("name", [name for name, told in REPORTS.items() if told.mark == "~"])
def test_a_warning_is_in_every_report_and_strict_fails_by_it(name: str) -> None:
    result = judged(name)
    text = "\n".join(lines_of([result], seconds=1.0))
    assert f"[{REPORTS[name].cause}]" in text
    assert result.diagnosis[0].fix in text
    assert "1 conformant (1 with warnings)" in text.splitlines()[-1]
    assert REPORTS[name].cause in junit([result], seconds=1.0)
    assert (exit_code([result]), exit_code([result], strict=True)) == (0, 1)
    assert Result.from_json(result.to_json()).warned
