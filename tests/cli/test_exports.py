"""Recordings of others at the command line, and ours given to others."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.cli import main as cli
from tests.formats.test_recorded_calls import RECORDED

FAULTY = RECORDED / "faulty"
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes], tmp_path: Path) -> Run:
    monkeypatch.chdir(tmp_path)

    def harness(*words: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["harness", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        out, err = capfdbinary.readouterr()
        return int(ended.value.code or 0), out.decode("latin-1"), err.decode()

    return harness


def test_a_log_is_judged_and_its_report_has_the_trace_that_was_made_of_it(run: Run) -> None:
    code, _, _ = run("judge", FAULTY / "console.txt", "-d", "azure-ga", "--out", "reports")
    assert code == 1
    (one,) = json.loads(Path("reports/results.json").read_text())["runs"]
    assert one["observed"]["record"] == "events"
    assert one["trace"] == "traces/record-0001.azure-ga.ndjson"
    again, out, _ = run("judge", Path("reports") / one["trace"])
    assert again == 1
    assert "only: " in out
    page = Path("reports/conformance.html").read_text()
    assert "repeat: " not in page  # nobody can make this call again
    assert "EVT-06" in page
    assert f"events only: {one['observed']['judged']} of {one['observed']['rules']} rules can be judged" in page


def test_records_of_one_call_are_judged_together(run: Run) -> None:
    code, out, _ = run("judge", FAULTY / "console.txt", FAULTY / "call.har", FAULTY / "webrtc_internals_dump.txt")
    assert code == 1
    assert all(id in out for id in ("HTTP-18", "ANS-16", "EVT-06", "RSP-03"))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("judge", RECORDED), "no trace in this folder"),
        (("judge", FAULTY / "console.txt", "-d", "azure"), "azure-ga"),
        (("judge", str(cli.__file__)), "these are read: traces"),
        (("export", FAULTY / "served.ndjson", "--as", "mp3"), "choose one of: events, har, pcap"),
        (("export", FAULTY / "console.txt", "--as", "har"), "not a trace header"),
    ],
)
def test_mistakes_are_told_with_what_to_do(run: Run, words: tuple[str | Path, ...], said: str) -> None:
    code, _, err = run(*words)
    assert code == 2
    assert said in err
    assert "Traceback" not in err


def test_exports_to_a_file_and_to_standard_output(run: Run) -> None:
    trace = FAULTY / "served.ndjson"
    code, out, _ = run("export", trace, "--as", "events")
    assert code == 0
    assert json.loads(out.splitlines()[0])["event"]["type"] == "session.created"
    code, out, _ = run("export", trace, "--as", "pcap", "-o", "deep/call.pcap")
    assert code == 0
    assert "tshark -r deep/call.pcap -d udp.port==5004,rtp" in out
    capture = Path("deep/call.pcap").read_bytes()
    _, out, _ = run("export", trace, "--as", "pcap")
    assert out.encode("latin-1") == capture


def test_what_is_not_in_a_recording_cannot_be_exported(run: Run) -> None:
    Path("empty.ndjson").write_text(
        '{"trace":1,"observer":"client","dialect":"azure-ga"}\n{"end":"completed","entries":0}\n'
    )
    code, _, err = run("export", "empty.ndjson", "--as", "pcap")
    assert code == 2
    assert "nothing of the plane 'rtp'" in err


def test_a_scenario_of_a_record_is_made_where_nobody_speaks_alone(run: Run) -> None:
    assert run("judge", FAULTY / "console.txt", "--out", "spoken")[0] == 1
    code, _, err = run("scenario", *Path("spoken/traces").glob("*.ndjson"))
    assert code == 2
    assert "holds no sound" in err
    events = [
        {"type": "session.created", "event_id": "e1", "session": {"id": "s", "type": "realtime", "audio": {}}},
        {"type": "conversation.item.create", "item": {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}},
    ]  # fmt: skip
    Path("log.json").write_text(json.dumps(events))
    run("judge", "log.json", "-d", "azure-ga", "--out", "typed")
    code, out, _ = run("scenario", *Path("typed/traces").glob("*.ndjson"), "-o", "made.yaml")
    assert code == 0
    assert "steps" in out
    assert "text: Hi" in Path("made.yaml").read_text()


def test_a_cassette_of_a_record_shows_no_more_than_the_record(run: Run) -> None:
    run("judge", FAULTY / "console.txt", "-d", "azure-ga", "--out", "whole")
    (trace,) = Path("whole/traces").glob("*.ndjson")
    assert run("cassette", trace, "-o", "log.zip")[0] == 0
    said = [run("judge", path, "--out", path.stem)[0] for path in (trace, Path("log.zip"))]
    assert said == [1, 1]
    made = [json.loads(Path(path, "results.json").read_text())["runs"][0] for path in (trace.stem, "log")]
    assert made[0]["observed"] == made[1]["observed"]
    assert made[0]["rules"] == made[1]["rules"]
