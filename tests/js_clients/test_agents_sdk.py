"""The vendor's SDK for pages, in a real Chromium, through ``harness proxy``: with the page's own key, and without any."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlencode

import pytest

import harness
from harness.comparing.comparison import compare
from harness.comparing.sources import read_sample
from harness.regression.scenario import write_scenario
from harness.trace import open_recording, read_trace
from tests.bench.chromium import browser, executable
from tests.browser.test_example import MICROPHONE
from tests.proxying.processes import Proxied, proxied_at_most
from tests.test_live import KEY, served_at_most

pytestmark = pytest.mark.skipif(executable() is None, reason="Chromium is not installed")


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def page(installed: Path, folder: Path) -> Iterator[str]:
    """The page and the SDK's bundle on an origin of their own, as an app has them."""
    folder.mkdir()
    (folder / "agents.html").write_bytes((installed / "agents.html").read_bytes())
    (folder / "bundle").symlink_to(installed / "node_modules" / "@openai" / "agents-realtime" / "dist" / "bundle")
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def check(proxied: Proxied) -> None:
    """The page has asked, and got its answer; both sides are told, and nobody's key is."""
    proxied.wait_for("call-0001.service::")
    proxied.stop()
    assert {name: run["verdict"] for name, run in proxied.runs.items()} == {
        "call-0001.client": "conformant",
        "call-0001.service": "conformant",
    }
    trace = read_trace(proxied.out / proxied.runs["call-0001.service"]["trace"])
    assert trace.events("client", "response.create")
    assert trace.events("service", "response.done")
    assert trace.of("http.request")[-1].data["headers"]["x-openai-agents-sdk"]
    for path in proxied.out.rglob("*"):
        assert not path.is_file() or KEY.encode() not in path.read_bytes(), path
    assert not any(KEY in line for line in proxied.said)


FAULTS = (
    "rsp-done-twice",
    "rsp-created-missing",
    "playback-stop-missing",
    "session-created-second",
    "call-without-location",
)


def test_a_call_of_the_sdk_becomes_a_regression_test(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Recorded by the proxy, replayed twenty times alike; the scenario made of it passes, fails where the service changed, and compare says where."""
    with proxied_at_most(45, tmp_path, dialect="openai-ga") as proxied, page(installed, tmp_path / "page") as origin:
        asked = urlencode({"url": proxied.url, "key": KEY})
        with browser(f"{origin}/agents.html?{asked}", MICROPHONE):
            check(proxied)
    monkeypatch.chdir(tmp_path)
    trace = proxied.out / proxied.runs["call-0001.service"]["trace"]
    made = write_scenario(open_recording(trace), tmp_path / "again.yaml")
    replays = harness.run(made.path, repeat=20, out=tmp_path / "good")
    assert [one.verdict for one in replays] == ["conformant"] * 20
    assert len({tuple((rule.id, rule.outcome) for rule in one.rules) for one in replays}) == 1
    good = read_sample(tmp_path / "good")
    for fault in FAULTS:
        (broken,) = harness.run(made.path, faults=[fault], out=tmp_path / fault)
        assert broken.verdict == "nonconformant", fault
        (pair,) = compare(good, read_sample(tmp_path / fault)).pairs
        assert pair.verdict.worse, fault
        newly = {one.id for one in pair.rules if one.kind == "newly failing"}
        steps = [one for one in pair.steps if one.newly]
        assert newly or steps, fault
    monkeypatch.setenv("HARNESS_KEY", KEY)
    with served_at_most(30, tmp_path / "live", "--fault", FAULTS[0]) as served:
        (live,) = harness.run(made.path, target=served.url)
        assert [rule.id for rule in live.rules if rule.outcome == "fail" and rule.severity == "must"] == ["RSP-03"]


def test_a_page_without_a_key_calls_with_the_proxys_own(installed: Path, tmp_path: Path) -> None:
    with page(installed, tmp_path / "page") as origin:
        words = ("--own-key", "--allow-origin", origin)
        with proxied_at_most(45, tmp_path, *words, dialect="openai-ga") as proxied:
            with browser(f"{origin}/agents.html?{urlencode({'url': proxied.url})}", MICROPHONE):
                check(proxied)
            for run in proxied.runs.values():
                assert '"authorization"' in (proxied.out / run["trace"]).read_text()
