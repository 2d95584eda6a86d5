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

from harness.trace import read_trace
from tests.bench.chromium import browser, executable
from tests.browser.test_example import MICROPHONE
from tests.proxying.processes import Proxied, proxied_at_most
from tests.test_live import KEY

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


def test_the_sdk_calls_through_the_proxy(installed: Path, tmp_path: Path) -> None:
    with proxied_at_most(45, tmp_path, dialect="openai-ga") as proxied, page(installed, tmp_path / "page") as origin:
        asked = urlencode({"url": proxied.url, "key": KEY})
        with browser(f"{origin}/agents.html?{asked}", MICROPHONE):
            check(proxied)


def test_a_page_without_a_key_calls_with_the_proxys_own(installed: Path, tmp_path: Path) -> None:
    with page(installed, tmp_path / "page") as origin:
        words = ("--own-key", "--allow-origin", origin)
        with proxied_at_most(45, tmp_path, *words, dialect="openai-ga") as proxied:
            with browser(f"{origin}/agents.html?{urlencode({'url': proxied.url})}", MICROPHONE):
                check(proxied)
            for run in proxied.runs.values():
                assert '"authorization"' in (proxied.out / run["trace"]).read_text()
