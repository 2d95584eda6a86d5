"""A call of a real Chromium, recorded by the service: replayed to our caller again and again, and to Chromium itself."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

import harness
from harness.regression.scenario import write_scenario
from harness.trace import open_recording
from tests.bench.chromium import browser, executable
from tests.browser.test_example import MICROPHONE
from tests.regression.calls import findings
from tests.test_live import KEY, Served, served_at_most

pytestmark = pytest.mark.skipif(executable() is None, reason="Chromium is not installed")

PAGE = f"?key={KEY}&dialect=azure-ga&seconds=4&write=Hello"


def test_a_call_of_a_page_is_replayed(tmp_path: Path) -> None:
    with served_at_most(60, tmp_path / "recorded") as served:
        with browser(f"{served.url}/{PAGE}", MICROPHONE):
            served.wait_for("✓ conformant")
        assert served.stop() == 0
    (trace,) = (tmp_path / "recorded" / "traces").glob("*.ndjson")

    made = write_scenario(open_recording(trace), tmp_path / "again.yaml")
    seen = {json.dumps(findings(result)) for _ in range(20) for result in harness.run(made.path)}
    assert len(seen) == 1
    assert json.loads(seen.pop())[0] == "conformant"
    for fault in (
        "rsp-created-missing",
        "rsp-done-missing",
        "session-created-missing",
        "update-unconfirmed",
        "session-flat",
    ):
        assert harness.run(made.path, faults=[fault])[0].verdict == "nonconformant", fault

    again = Served(tmp_path / "replayed", "--replay", str(trace))
    patience = threading.Timer(60, again.process.kill)
    patience.start()
    try:
        with browser(f"{again.url}/{PAGE}", MICROPHONE):
            again.wait_for("✓ conformant")
        assert again.stop() == 0
    finally:
        patience.cancel()
