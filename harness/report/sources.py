"""Sources of rules as links: what a source names (a URL, a file of an SDK or of the documentation, an RFC, an issue), and where that is. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from markupsafe import Markup, escape

# What a source looks like, and its address; the first that fits is taken.
_PLACES: tuple[tuple[re.Pattern[str], str], ...] = (
    (
        re.compile(r"RFC (?P<number>\d+),? (?:section|sections|§) ?(?P<section>\d[\d.]*\d|\d)"),
        r"https://www.rfc-editor.org/rfc/rfc\g<number>#section-\g<section>",
    ),
    (re.compile(r"(?P<url>https://[^\s;,()]+)"), r"\g<url>"),
    (
        re.compile(r"OpenAI Python SDK (?P<version>[\d.]+), (?P<file>(?:types|resources)/[\w./-]+)"),
        r"https://github.com/openai/openai-python/blob/v\g<version>/src/openai/\g<file>",
    ),
    (
        re.compile(r"MicrosoftDocs/azure-ai-docs, (?P<file>articles/[\w./-]+)"),
        r"https://github.com/MicrosoftDocs/azure-ai-docs/blob/main/\g<file>",
    ),
    (re.compile(r"RFC (?P<number>\d+)"), r"https://www.rfc-editor.org/rfc/rfc\g<number>"),
    (
        re.compile(r"(?P<repository>[\w.-]+/[\w.-]+)#(?P<number>\d+)"),
        r"https://github.com/\g<repository>/issues/\g<number>",
    ),
)


def linked(source: str) -> Iterator[tuple[str, str]]:
    """Each part of a source (they are joined by semicolons) with its address, or an empty string where it has none.

    A URL that a part spells out is its address, and is taken out of its words.
    """
    for part in source.split("; "):
        found = next((match.expand(url) for place, url in _PLACES if (match := place.search(part))), "")
        words = re.sub(r",? ?https://[^\s;,()]+", "", part).strip()
        yield words or part, found


def as_html(source: str) -> Markup:
    """A source with its links."""
    return Markup("; ").join(
        Markup('<a href="{}">{}</a>').format(url, words) if url else escape(words) for words, url in linked(source)
    )
