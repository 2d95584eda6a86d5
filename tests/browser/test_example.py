"""The example page in a real Chromium: the whole call works, and the verdict tells a right client from wrong ones."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.request import urlopen

import pytest

from tests.bench.chromium import browser, executable
from tests.test_live import KEY, Served, served_at_most

pytestmark = pytest.mark.skipif(executable() is None, reason="Chromium is not installed")

MICROPHONE = Path(__file__).parents[2] / "fixtures" / "audio" / "caller-not-ill-disposed.wav"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with served_at_most(90, tmp_path) as running:
        yield running


@contextmanager
def elsewhere(page: str) -> Iterator[str]:
    """The page on an origin of its own, as an app's page is."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize("dialect", ["azure-ga", "azure-preview", "openai-ga"])
def test_a_page_makes_a_call_and_is_judged_conformant(served: Served, dialect: str) -> None:
    with browser(f"{served.url}/?key={KEY}&dialect={dialect}&seconds=3&write=Hello", MICROPHONE):
        served.wait_for("✓ conformant")
    assert served.stop() == 0
    (run,) = json.loads((served.out / "results.json").read_text())["runs"]
    assert (run["dialect"], run["observer"], run["verdict"]) == (dialect, "service", "conformant")
    assert run["milestones"]["session.update"] is not None
    trace = (served.out / run["trace"]).read_text()
    assert '"response.create"' in trace
    assert '"response.done"' in trace


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("session: dialect.session}", "session: {...dialect.session, temperature: 0.8}}", "[other-generations-fields]"),
        ("Bearer ${key}", "Bearer ${query.get('key')}", "call request refused with 401"),
    ],
)
def test_a_mistake_of_a_page_on_another_origin_is_named(served: Served, right: str, wrong: str, said: str) -> None:
    with urlopen(served.url) as answer:
        page = answer.read().decode()
    assert right in page
    page = page.replace(right, wrong).replace('": "/', f'": "{served.url}/')
    with elsewhere(page) as url, browser(f"{url}/?key={KEY}&dialect=azure-ga&seconds=2", MICROPHONE):
        served.wait_for(said)
    assert served.stop() in (1, 3)
