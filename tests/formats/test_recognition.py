from __future__ import annotations

from typing import Any

import pytest

from harness.formats.recognition import recognised
from harness.protocol.dialects import DIALECTS
from harness.trace import Entry


def entries(*events: dict[str, Any]) -> list[Entry]:
    return [Entry(seq, 0.0, "event.received", {"event": event}) for seq, event in enumerate(events)]


GA, BETA = {"type": "response.output_text.delta"}, {"type": "response.text.delta"}
NESTED, FLAT = (
    {"type": "session.created", "session": {"audio": {}}},
    {"type": "session.created", "session": {"voice": "x"}},
)


@pytest.mark.parametrize("name", DIALECTS)
def test_the_urls_of_a_dialect_tell_it(name: str) -> None:
    row = DIALECTS[name]
    urls = [url.format(resource="demo", region="eastus2") for url in (row.key_url, row.call_url)]
    assert recognised(urls, ())[0] == name


@pytest.mark.parametrize(
    ("hints", "events", "dialect"),
    [
        ((), (GA,), "openai-ga"),
        ((), (BETA,), "azure-preview"),
        ((), (NESTED,), "openai-ga"),
        ((), (FLAT,), "azure-preview"),
        (("realtime-channel",), (GA,), "azure-ga"),
        (("realtime-channel",), (BETA,), "azure-preview"),
        (("oai-events",), (BETA,), "openai-beta"),
        (("http://127.0.0.1:8080/openai/v1/realtime/calls",), (), "azure-ga"),
        # A mistake is no evidence: the paths count before the names.
        (("https://api.openai.com/v1/realtime/calls",), (BETA,), "openai-ga"),
    ],
)
def test_what_is_known_narrows_the_choice(
    hints: tuple[str, ...], events: tuple[dict[str, Any], ...], dialect: str
) -> None:
    assert recognised(hints, entries(*events))[0] == dialect


def test_what_looks_alike_is_told() -> None:
    name, why = recognised((), entries(GA, NESTED))
    assert name == "openai-ga"
    assert why == "by the names of its events; azure-ga looks the same, choose it with -d"


@pytest.mark.parametrize("hints", [(), ("https://app.example/api",), ("http://[::1",)])
def test_nothing_tells_nothing(hints: tuple[str, ...]) -> None:
    assert recognised(hints, entries({"type": "session.closed"}, {"type": "error"})) == ("", "")
