"""Public bug reports that a scenario plays against the fake: what is said of the call."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import soundfile

import harness
from harness.judging.results import Result
from harness.report.text import mark

HERE = Path(__file__).parent
WELCOME = HERE.parents[1] / "fixtures" / "audio" / "assistant-congrats.wav"


def played(name: str, folder: Path) -> Result:
    (result,) = harness.run(shutil.copy(HERE / name, folder), dialects=["openai-ga"], out=folder / "out")
    return result


def stalled(folder: Path, seconds: float) -> Result:
    """The welcome with zeros for so many seconds in its middle."""
    samples, rate = soundfile.read(WELCOME)
    at = len(samples) // 2
    samples[at - rate // 20 : at] *= np.linspace(1, 0, rate // 20)
    stalling = np.concatenate([samples[:at], np.zeros(round(seconds * rate)), samples[at:]])
    soundfile.write(folder / "assistant-stalling.wav", stalling, rate)
    return played("s11-audio-stalls.yaml", folder)


def test_an_answer_with_an_empty_stretch_is_told(tmp_path: Path) -> None:
    """Microsoft Q&A 5933830."""
    result = stalled(tmp_path, 2.0)
    assert (mark(result), result.diagnosis[0].id) == ("~", "audio-source-dry")
    assert [one.id for one in result.rules if one.outcome == "fail" and one.severity == "should"] == ["MED-24"]


def test_a_pause_between_sentences_is_none(tmp_path: Path) -> None:
    result = stalled(tmp_path, 1.2)
    assert (mark(result), result.diagnosis) == ("✓", ())


def test_a_replayed_answer_of_the_assistant_is_told(tmp_path: Path) -> None:
    """openai/openai-agents-js#963."""
    result = played("03-assistant-audio-replayed.yaml", tmp_path)
    assert (mark(result), result.diagnosis[0].id) == ("✗", "assistant-audio-replayed")
    assert "transcript" in result.diagnosis[0].fix
