"""The proxy is killed, or a side of it, in processes of their own: what was recorded until then is there and judged."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest

from harness.trace import read_trace
from tests.commands import command, octets, said, wait_until
from tests.proxying.processes import proxied_at_most
from tests.test_live import KEY

SCENARIO = """
title: The caller speaks, the assistant answers
dialects: [azure-ga]
steps:
  - say: caller-queen-of-clubs.wav
  - expect: response.done
  - expect: response.created
    within: 60s
"""


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_KEY", KEY)


def scenario(folder: Path) -> Path:
    path = folder / "s.yaml"
    path.write_text(SCENARIO)
    return path


def test_a_killed_proxy_leaves_both_traces(tmp_path: Path) -> None:
    with (
        proxied_at_most(60, tmp_path) as proxied,
        command("run", scenario(tmp_path), "--target", proxied.url, "--out", tmp_path / "ran") as running,
    ):
        wait_until(lambda: octets(proxied.out) > 40_000, running)
        proxied.process.kill()
        os.killpg(running.pid, signal.SIGKILL)
    paths = sorted(proxied.out.glob("traces/*.ndjson"))
    assert [path.name for path in paths] == ["call-0001.client.azure-ga.ndjson", "call-0001.service.azure-ga.ndjson"]
    assert {read_trace(path).end for path in paths} == {"truncated"}
    with command("judge", *paths, "--out", tmp_path / "judged") as judging:
        code, out = said(judging)
    assert code == 3, out
    runs = json.loads((tmp_path / "judged" / "results.json").read_text())["runs"]
    assert {run["verdict"] for run in runs} == {"inconclusive"}


def test_a_client_and_the_service_that_are_ended_in_mid_call(tmp_path: Path) -> None:
    with (
        proxied_at_most(60, tmp_path) as proxied,
        command("run", scenario(tmp_path), "--target", proxied.url, "--out", tmp_path / "ran") as running,
    ):
        wait_until(lambda: octets(proxied.out) > 40_000, running)
        proxied.service.stop(signal.SIGTERM)
        proxied.wait_for("call-0001.service::azure-ga")
        code, _ = said(running)
        assert code in (1, 3)
        proxied.stop()
    ends = {path.name.split(".")[1]: read_trace(path).end for path in proxied.out.glob("traces/*.ndjson")}
    assert ends == {"client": "completed", "service": "failed"}
    assert proxied.runs["call-0001.service"]["verdict"] == "error"
