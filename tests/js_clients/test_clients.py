"""Other WebRTC stacks as clients of ``harness serve``: each makes a whole call, hears the answer and is judged conformant."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.proxying.processes import proxied_at_most
from tests.test_live import KEY, Served, served_at_most

CLIENTS = ("node-datachannel", "werift", "wrtc")
PATIENCE = 90.0  # seconds; only where something hangs


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with served_at_most(PATIENCE, tmp_path) as running:
        yield running


def converse(client: str, url: str, installed: Path) -> None:
    """A question and its answer, which is heard."""
    ran = subprocess.run(
        ["node", f"{client}.mjs", url, KEY], cwd=installed, capture_output=True, text=True, timeout=PATIENCE
    )
    assert ran.returncode == 0, ran.stderr
    heard = json.loads(ran.stdout)
    assert heard["transcript"] == "Hello, world."
    assert heard["packets"] > 50  # 1.4 s of speech


@pytest.mark.parametrize("client", CLIENTS)
def test_another_stack_converses_and_is_judged_conformant(client: str, installed: Path, served: Served) -> None:
    converse(client, served.url, installed)
    served.wait_for("✓ conformant")
    assert served.stop() == 0
    (run,) = json.loads((served.out / "results.json").read_text())["runs"]
    assert (run["observer"], run["verdict"]) == ("service", "conformant")
    trace = (served.out / run["trace"]).read_text()
    assert '"response.done"' in trace
    assert '"kind":"rtp.packets"' in trace


def test_another_stack_converses_through_the_proxy(installed: Path, tmp_path: Path) -> None:
    client = next(iter(CLIENTS))
    with proxied_at_most(PATIENCE, tmp_path) as proxied:
        converse(client, proxied.url, installed)
        proxied.wait_for("call-0001.client")
        proxied.wait_for("✓ conformant  call-0001.service")
        assert proxied.stop() == 0
    assert {run["verdict"] for run in proxied.runs.values()} == {"conformant"}
