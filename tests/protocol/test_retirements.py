"""What ends, and who names it: in a scenario, in the environment, on the wire."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from harness.protocol.retirements import RETIREMENTS, retiring
from harness.scenario.files import reference_suite
from harness.scenario.loader import load, loads
from harness.targets.endpoints import live_endpoints


@pytest.mark.parametrize(
    ("session", "place"),
    [
        ({"model": "gpt-realtime"}, ("model",)),
        ({"model": "gpt-realtime-mini-2025-12-15"}, ("model",)),
        ({"transcription": {"model": "whisper-1"}}, ("transcription", "model")),
        ({"input_audio_transcription": {"model": "gpt-4o-transcribe"}}, ("input_audio_transcription", "model")),
        ({"audio": {"input": {"transcription": {"model": "whisper-1"}}}}, ("audio", "input", "transcription", "model")),
        ({"prompt": {"id": "pmpt_1"}}, ("prompt",)),
    ],
)
def test_what_ends_is_found_with_its_place(session: dict[str, Any], place: tuple[str, ...]) -> None:
    ((found, row),) = retiring(session, "openai")
    assert found == place
    assert str(row).endswith(row.instead)
    assert f"ends on {row.ends.isoformat()}" in str(row)


@pytest.mark.parametrize(
    "session",
    [
        {"model": "gpt-realtime-2.1"},
        {"model": "gpt-realtime-2"},
        {"model": "GPT-Realtime"},
        {"transcription": {"model": "gpt-transcribe"}},
        {"transcription": None},
        {"prompt": None},
        {},
    ],
)
def test_nothing_else_does(session: dict[str, Any]) -> None:
    assert list(retiring(session, "openai")) == []


def test_a_deployment_of_azure_may_have_any_name() -> None:
    assert list(retiring({"model": "gpt-realtime", "prompt": {}}, "azure")) == []


def test_every_row_names_a_successor_that_does_not_end_itself() -> None:
    assert RETIREMENTS
    for row in RETIREMENTS:
        assert row.ends >= date(2026, 11, 30)
        assert row.source
        assert row.instead.split()[-1] not in {one.name for one in RETIREMENTS}


SCENARIO = """title: x
dialects: [{dialect}]
session: {{transcription: {{model: whisper-1}}, prompt: {{id: p}}}}
caller: {{model: gpt-realtime}}
steps:
  - update: {{transcription: {{model: whisper-1}}}}
"""


def test_a_scenario_says_it_once_with_its_place() -> None:
    path = Path("s.yaml")
    assert loads(SCENARIO.format(dialect="azure-ga, openai-ga"), path).warnings == (
        "s.yaml:3:34: 'whisper-1' ends on 2027-02-26; use gpt-transcribe",
        "s.yaml:3:54: the session field 'prompt' ends on 2026-11-30; send the text as instructions",
        "s.yaml:4:17: 'gpt-realtime' ends on 2027-01-20; use gpt-realtime-2.1",
    )
    assert loads(SCENARIO.format(dialect="azure-ga"), path).warnings == ()


def test_the_reference_suite_names_nothing_that_ends() -> None:
    files = list(reference_suite().rglob("*.yaml"))
    assert files
    assert [warning for file in files for warning in load(file).warnings] == []


def test_the_environment_is_warned_of_too() -> None:
    env = {"OPENAI_API_KEY": "sk-0123456789abcdef0123", "OPENAI_REALTIME_MODEL": "gpt-realtime"}
    told = "OPENAI_REALTIME_MODEL: 'gpt-realtime' ends on 2027-01-20; use gpt-realtime-2.1"
    assert live_endpoints("openai-ga", env).notes == (told,)
    assert live_endpoints("openai-ga", {**env, "OPENAI_REALTIME_MODEL": "gpt-realtime-2"}).notes == ()
