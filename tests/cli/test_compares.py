"""harness compare at the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.cli import main as cli

GOLDEN = Path(__file__).parents[1] / "golden" / "azure-ga"
TURN = str(GOLDEN / "s02-server-vad-turn.ndjson")
BARGE_IN = str(GOLDEN / "s09-barge-in.ndjson")


def run(*words: str | Path, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr("sys.argv", ["harness", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


def test_forms(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run("compare", TURN, TURN, monkeypatch=monkeypatch) == 0
    assert "✓ 1 pair" in capsys.readouterr().out
    page = tmp_path / "deep" / "x.html"
    assert run("compare", TURN, BARGE_IN, "--json", "--html", page, monkeypatch=monkeypatch) == 0
    assert json.loads(capsys.readouterr().out)["pairs"][0]["order"]["same"] is False
    assert page.read_text().count("<svg") == 2
    assert run("compare", TURN, TURN, "--markdown", monkeypatch=monkeypatch) == 0
    assert capsys.readouterr().out.startswith("**✓ 1 pair")


def test_mistakes(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run("compare", TURN, tmp_path / "gone", monkeypatch=monkeypatch) == 2
    assert "no such file or folder" in capsys.readouterr().err
    assert run("compare", TURN, TURN, "--latency-budget", "much", monkeypatch=monkeypatch) == 2
    assert "write 20%, 200ms" in capsys.readouterr().err
    assert run("compare", GOLDEN, TURN, "--json", "--markdown", monkeypatch=monkeypatch) == 2


def test_nothing_in_common(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "other.ndjson").write_text((GOLDEN / "s06-text.ndjson").read_text().replace("s06", "elsewhere"))
    (tmp_path / "more.ndjson").write_text((GOLDEN / "s06-text.ndjson").read_text().replace("s06", "further"))
    assert run("compare", GOLDEN, tmp_path, monkeypatch=monkeypatch) == 3


def test_drift(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("drift", GOLDEN, "--fake", GOLDEN, monkeypatch=monkeypatch) == 0
    assert "16 calls of live services" in capsys.readouterr().out
    assert run("drift", "--json", monkeypatch=monkeypatch) == 0
    assert json.loads(capsys.readouterr().out)["missing"]["live"] == "no recording of a live call: none was given"
    assert run("drift", "--require-live", monkeypatch=monkeypatch) == 1
    assert run("drift", "no-such-folder", monkeypatch=monkeypatch) == 2


def test_records_of_others(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    recorded = Path(__file__).parents[1] / "formats" / "recorded"
    logs = [recorded / call / "console.txt" for call in ("clean", "faulty")]
    assert run("compare", *logs, monkeypatch=monkeypatch) == 1
    assert "newly failing: EVT-06" in capsys.readouterr().out
    as_json = tmp_path / "log.json"
    as_json.write_text('[{"type": "response.output_text.delta", "event_id": "e", "delta": "x"}]')
    assert run("compare", as_json, as_json, monkeypatch=monkeypatch) in (0, 3)
    as_json.write_text('{"runs": 3}')
    assert run("compare", as_json, as_json, monkeypatch=monkeypatch) == 2
