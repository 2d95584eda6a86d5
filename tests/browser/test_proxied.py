"""A real Chromium calls the service through the proxy: the page works as without it, and both sides are recorded and judged."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.trace import read_trace
from tests.bench.chromium import browser, executable
from tests.browser.test_example import MICROPHONE
from tests.proxying.processes import proxied_at_most
from tests.test_live import KEY

pytestmark = pytest.mark.skipif(executable() is None, reason="Chromium is not installed")


@pytest.mark.parametrize("dialect", ["azure-ga", "azure-preview"])
def test_a_page_calls_through_the_proxy(tmp_path: Path, dialect: str) -> None:
    with proxied_at_most(90, tmp_path, dialect=dialect) as proxied:
        with browser(f"{proxied.url}/?key={KEY}&dialect={dialect}&seconds=3&write=Hello", MICROPHONE):
            proxied.wait_for("conformant  call-0001.client")
            proxied.wait_for("conformant  call-0001.service")
        assert proxied.stop() == 0
        assert proxied.service.stop() == 0
    verdicts = {name: (run["observer"], run["verdict"]) for name, run in proxied.runs.items()}
    assert verdicts == {
        "call-0001.client": ("service", "conformant"),
        "call-0001.service": ("client", "conformant"),
    }
    added = proxied.runs["call-0001.service"]["media"]["proxy"]
    assert added["packets"]["count"] > 200
    client = read_trace(proxied.out / proxied.runs["call-0001.client"]["trace"])
    service = read_trace(proxied.out / proxied.runs["call-0001.service"]["trace"])
    for by in ("client", "service"):
        assert [one.event for one in client.events(by)] == [one.event for one in service.events(by)]
    offered, relayed = (one.of("sdp.offer")[0].data["sdp"].splitlines() for one in (client, service))
    ours = ("c=", "m=", "a=candidate", "a=end-of-candidates", "a=ice-", "a=fingerprint", "a=ssrc", "a=rtcp:")
    assert [line for line in offered if not line.startswith(ours)] == [
        line for line in relayed if not line.startswith(ours)
    ]
