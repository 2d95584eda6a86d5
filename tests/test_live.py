"""``-m live`` in real time over real sockets: a second process runs ``harness serve`` as the real service."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from harness.trace import read_trace
from tests.commands import HARNESS

KEY = "served-key-0123456789abcdef"
ROOT = Path(__file__).parent.parent
SCENARIO = ROOT / "scenarios" / "turns" / "caller-speaks-assistant-answers.yaml"


class Served:
    """``harness serve`` in a process of its own."""

    def __init__(self, out: Path, *words: str) -> None:
        command = [*HARNESS, "serve", "--port", "0", "--key", KEY, "--out", str(out), *words]
        self.out = out
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env={**os.environ, "PYTHONUNBUFFERED": "1"}
        )
        assert self.process.stdout is not None
        self.url = self.wait_for("serving http").split()[1]

    def wait_for(self, words: str) -> str:
        """The next line of its output that holds these words."""
        assert self.process.stdout is not None
        return next(line for line in self.process.stdout if words in line)

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(30)


@contextmanager
def served_at_most(seconds: float, out: Path, *words: str) -> Iterator[Served]:
    """A service that is ended after so many seconds: a line that never comes ends the wait for it."""
    running = Served(out, *words)
    patience = threading.Timer(seconds, running.process.kill)
    patience.start()
    try:
        yield running
    finally:
        patience.cancel()
        if running.process.poll() is None:
            running.stop()


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    running = Served(tmp_path / "served")
    yield running
    if running.process.poll() is None:
        running.stop(signal.SIGKILL)


def test_a_service_that_nobody_called_proves_nothing(served: Served) -> None:
    served.process.send_signal(signal.SIGINT)
    assert served.wait_for("no call came")
    assert served.process.wait(30) == 3


def environment(url: str) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if "OPENAI" not in name}
    return clean | {
        "AZURE_OPENAI_ENDPOINT": url,
        "VITE_AZURE_OPENAI_REALTIME_KEY": KEY,
        "AZURE_OPENAI_REALTIME_DEPLOYMENT": "gpt-realtime",
        "OPENAI_API_KEY": KEY,
        "OPENAI_BASE_URL": f"{url}/v1",
    }


def test_live_runs_pass_in_every_current_dialect(served: Served, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-m",
        "live",
        str(SCENARIO),
        "--harness-out",
        str(out),
        "-q",
        "-p",
        "no:cacheprovider",
    ]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(served.url), capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout
    runs = json.loads((out / "live" / "results.json").read_text())["runs"]
    assert {"azure-preview", "azure-ga", "openai-ga"} <= {run["dialect"] for run in runs}
    assert {(run["verdict"], run["target"], run["time"]) for run in runs} == {("conformant", "live", "real")}
    assert served.stop() == 0
    judged = json.loads((served.out / "results.json").read_text())["runs"]
    assert {run["verdict"] for run in judged} == {"conformant"}
    assert {run["observer"] for run in judged} == {"service"}
    for path in [*out.rglob("*"), *served.out.rglob("*")]:
        if path.suffix in (".json", ".html", ".xml", ".ndjson"):
            assert KEY not in path.read_text()


def test_service_that_ends_in_the_middle_of_a_call(served: Served, tmp_path: Path) -> None:
    scenario = tmp_path / "long.yaml"
    scenario.write_text(
        "title: A long wait\nsteps:\n  - expect: session.updated\n  - {expect: response.done, within: 60s}\n"
    )
    out = tmp_path / "out"
    command = [
        *HARNESS,
        "run",
        str(scenario),
        "--target",
        "live",
        "-d",
        "azure-ga",
        "--out",
        str(out),
    ]
    caller = subprocess.Popen(command, env=environment(served.url), stdout=subprocess.PIPE, text=True)
    trace = out / "traces" / "long.azure-ga.ndjson"
    served.wait_for("call-0001.azure-ga is open")
    served.stop(signal.SIGTERM)
    text, _ = caller.communicate(timeout=50)
    assert caller.returncode in (1, 3), text
    assert re.search(r"\[(connection-lost|channel-closed-by-service)\]", text)
    assert read_trace(trace).end == "failed"


def test_what_is_served_follows_a_script(tmp_path: Path) -> None:
    script = tmp_path / "script.yaml"
    script.write_text("title: A table\nfake: {replies: [{says: For how many?, after: 40ms}]}\n")
    scenario = tmp_path / "asks.yaml"
    scenario.write_text(
        "title: Somebody asks\ndialects: [azure-ga]\nsession: {modalities: [text]}\nsteps:\n  - text: A table.\n"
        "  - {expect: response.output_text.done, where: {text: For how many?}, within: 5s}\n"
    )
    served = Served(tmp_path / "served", "--script", str(script), "--sample-names")
    command = [
        *HARNESS,
        "run",
        str(scenario),
        "--target",
        "live",
        "--out",
        str(tmp_path / "out"),
    ]
    done = subprocess.run(command, env=environment(served.url), capture_output=True, text=True, timeout=60, check=False)
    served.stop()
    assert done.returncode == 1, done.stderr  # a server event that only exists in the sample breaks a rule
    (run,) = json.loads((tmp_path / "out" / "results.json").read_text())["runs"]
    assert all(one["outcome"] == "met" for one in run["expectations"])
    assert run["diagnosis"][0]["id"] == "sample-code-events"
