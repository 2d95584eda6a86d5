"""``harness scenario``, ``harness cassette`` and ``harness serve --replay`` as one types them."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from harness.cli import main as cli
from harness.errors import HarnessError, UsageError
from harness.trace import open_recording
from tests.regression.calls import recorded

KEY = "planted-key-0123456789abcdef"


@pytest.fixture(scope="module")
def turn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recorded("turns/caller-speaks-assistant-answers.yaml", "azure-ga", tmp_path_factory.mktemp("turn"))[1]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ran(*words: str | Path, code: int = 0) -> str:
    result = CliRunner().invoke(cli.app, [*map(str, words)])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result.output


def test_a_recording_becomes_a_scenario_that_passes_and_finds_what_changed(turn: Path, folder: Path) -> None:
    said = ran("scenario", turn, "-o", "again.yaml")
    assert "scenario: again.yaml" in said
    assert "harness run again.yaml" in said
    ran("run", "again.yaml")
    assert "response.done" in ran("run", "again.yaml", "--fault", "rsp-done-missing", code=1)


def test_a_cassette_is_taken_wherever_a_trace_is(turn: Path, folder: Path) -> None:
    assert "audio: sent, received" in ran("cassette", turn, "-o", "bug.zip")
    assert "1 conformant" in ran("judge", "bug.zip")
    ran("scenario", "bug.zip")
    assert (folder / "bug.yaml").is_file()
    ran("run", "bug.yaml")
    ran("cassette", "bug.zip", "-o", "unpacked")
    assert "1 conformant" in ran("judge", "unpacked")
    assert open_recording(folder / "unpacked").directions == ("sent", "received")


def test_credentials_of_the_environment_do_not_leave(turn: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    text = turn.read_text().replace("helpful behavioral health", f"helpful {KEY}")
    (folder / "leaky.ndjson").write_text(text)
    ran("cassette", "leaky.ndjson", "-o", "out")
    assert KEY not in (folder / "out" / "trace.ndjson").read_text()


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (("cassette", "nowhere.ndjson"), "No such file"),
        (("scenario", "."), "no trace in this folder"),
        (("serve", "--replay", "nowhere.zip"), "No such file"),
    ],
)
def test_mistakes_are_messages(words: tuple[str, ...], what: str) -> None:
    with pytest.raises(HarnessError, match=what):
        ran(*words)


def test_one_service_at_a_time(turn: Path) -> None:
    with pytest.raises(UsageError, match="two services at once"):
        ran("serve", "--replay", turn, "--script", "x.yaml")
