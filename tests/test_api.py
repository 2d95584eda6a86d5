"""The public interface: its names, that it costs nothing to import, and the examples of docs/api.md."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import harness
from harness.errors import NotATrace, UsageError
from harness.trace import read_trace
from tests.unscripted import GATEWAY_KEY, gateway

ROOT = Path(__file__).parent.parent
GOLDEN = ROOT / "tests" / "golden" / "azure-ga" / "s02-server-vad-turn.ndjson"
TEXT = ROOT / "scenarios" / "text"


def examples() -> Iterator[str]:
    yield from re.findall(r"^```python\n(.*?)^```", (ROOT / "docs" / "api.md").read_text(), re.S | re.M)


def test_the_names_are_these() -> None:
    assert sorted(harness.__all__) == [
        "Checked", "FakeService", "Result", "Scenario", "Trace", "__version__", "check", "judge", "read_trace", "run",
    ]  # fmt: skip
    assert all(getattr(harness, name) is not None for name in harness.__all__)
    with pytest.raises(AttributeError, match="module 'harness' has no attribute 'Recorder'"):
        harness.Recorder  # type: ignore[attr-defined]  # noqa: B018


def test_importing_it_loads_nothing_else() -> None:
    script = "import sys, harness; print([name for name in sys.modules if name.startswith('harness.')])"
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_the_examples_of_the_page_work_in_their_order(tmp_path: Path) -> None:
    found = list(examples())
    assert len(found) == 3
    for text in found:
        ran = subprocess.run([sys.executable, "-c", text], cwd=tmp_path, capture_output=True, text=True)
        assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "reports" / "conformance.html").exists()


def test_a_recording_is_judged_from_its_file_or_as_it_is() -> None:
    assert harness.judge(GOLDEN).verdict == harness.judge(read_trace(GOLDEN)).verdict == "conformant"
    with pytest.raises(NotATrace):
        harness.judge(ROOT / "README.md")


def test_records_of_one_call_are_judged_together() -> None:
    recorded = ROOT / "tests" / "formats" / "recorded" / "faulty"
    judged = harness.judge(recorded / "call.har", recorded / "console.txt")
    assert (judged.verdict, judged.observed["record"]) == ("nonconformant", "http+events")
    with pytest.raises(UsageError, match="2 calls"):
        harness.judge(recorded / "console.txt", recorded / "console.txt")


def test_a_wrong_name_is_refused_before_any_call() -> None:
    with pytest.raises(UsageError):
        harness.run(TEXT, faults=["no-such-fault"])
    with pytest.raises(UsageError):
        harness.check("http://127.0.0.1:9", "openai-ga", key="k", without=["eyes"])


def test_a_service_is_graded(tmp_path: Path) -> None:
    (scenario, *_) = sorted(TEXT.glob("*.yaml"))
    with gateway() as place:
        found = harness.check(place.url, "openai-ga", scenario, key=GATEWAY_KEY, out=tmp_path)
    assert [one.verdict for one in found.results] == ["conformant"]
    assert (tmp_path / "results.json").exists()


def test_the_reports_name_what_was_left_out(tmp_path: Path) -> None:
    scripted = ROOT / "scenarios" / "responses" / "a-preamble-comes-before-the-answer.yaml"
    with gateway() as place:
        found = harness.check(place.url, "openai-ga", scripted, key=GATEWAY_KEY, out=tmp_path / "check")
        assert harness.run(scripted, dialects=["openai-ga"], target=place.url, out=tmp_path / "run") == []
    assert [one.reason for one in found.left_out] == ["only a scripted service can be made to do this"]
    for folder in ("check", "run"):
        assert "only a scripted service can be made to do this" in (tmp_path / folder / "junit.xml").read_text()
