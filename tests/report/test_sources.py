"""Sources as links."""

from __future__ import annotations

import re

import pytest

from harness.diagnosis import CAUSES
from harness.report.sources import as_html, linked
from harness.rules.catalogue import all_rules

SDK = "https://github.com/openai/openai-python/blob/v3.57.0/src/openai"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            "Microsoft, Realtime API via WebRTC, https://learn.microsoft.com/x; own policy, no vendor statement",
            [
                ("Microsoft, Realtime API via WebRTC", "https://learn.microsoft.com/x"),
                ("own policy, no vendor statement", ""),
            ],
        ),
        (
            "OpenAI Python SDK 3.57.0, types/realtime/a_event.py, b_event.py",
            [("OpenAI Python SDK 3.57.0, types/realtime/a_event.py, b_event.py", f"{SDK}/types/realtime/a_event.py")],
        ),
        (
            "OpenAI Python SDK 3.57.0, resources/realtime/calls.py (hangup)",
            [("OpenAI Python SDK 3.57.0, resources/realtime/calls.py (hangup)", f"{SDK}/resources/realtime/calls.py")],
        ),
        (
            "MicrosoftDocs/azure-ai-docs, articles/x/y-legacy.md",
            [
                (
                    "MicrosoftDocs/azure-ai-docs, articles/x/y-legacy.md",
                    "https://github.com/MicrosoftDocs/azure-ai-docs/blob/main/articles/x/y-legacy.md",
                )
            ],
        ),
        (
            "RFC 9429 section 5.3.1, https://www.rfc-editor.org/rfc/rfc9429",
            [("RFC 9429 section 5.3.1", "https://www.rfc-editor.org/rfc/rfc9429#section-5.3.1")],
        ),
        ("RFC 8832", [("RFC 8832", "https://www.rfc-editor.org/rfc/rfc8832")]),
        ("TanStack/ai#699", [("TanStack/ai#699", "https://github.com/TanStack/ai/issues/699")]),
        ("https://example.org/a", [("https://example.org/a", "https://example.org/a")]),
    ],
)
def test_each_part_has_its_address(source: str, expected: list[tuple[str, str]]) -> None:
    assert list(linked(source)) == expected


def test_links_are_written_and_words_escaped() -> None:
    assert as_html("a <b> & c; RFC 8832") == (
        'a &lt;b&gt; &amp; c; <a href="https://www.rfc-editor.org/rfc/rfc8832">RFC 8832</a>'
    )
    assert list(linked("x; RFC 8832")) == [("x", ""), ("RFC 8832", "https://www.rfc-editor.org/rfc/rfc8832")]


def test_the_catalogue_keeps_all_its_words() -> None:
    for source in [one.source for one in all_rules()] + [one.source for one in CAUSES.values()]:
        for words, url in linked(source):
            assert words in re.sub(r",? ?https://[^\s;,()]+", "", source)
            assert url == "" or url.startswith("https://")
