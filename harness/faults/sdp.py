"""Small rewrites of SDP texts, from which faults of both ends are put together."""

from __future__ import annotations

import re
from collections.abc import Callable

Rewrite = Callable[[str], str]


def line(pattern: str, replacement: str, *, count: int = 0, section: str = "") -> Rewrite:
    """Each line that matches replaced (``count`` of them, 0 for all); an empty replacement removes it. ``section``: "audio" or
    "application" alone, "" for all."""
    compiled = re.compile(pattern)

    def rewrite(sdp: str) -> str:
        done = 0
        kept: list[str] = []
        here = ""
        for one in sdp.splitlines():
            if one.startswith("m="):
                here = one[2:].split(" ", 1)[0]
            if (not section or section == here) and (not count or done < count) and compiled.search(one):
                done += 1
                one = compiled.sub(replacement, one) if replacement else ""
            if one:
                kept.append(one)
        return "".join(f"{one}\r\n" for one in kept)

    return rewrite


def more(text: str, *, section: str = "audio") -> Rewrite:
    """Further lines at the end of a section, divided by CRLF."""

    def change(media: list[str]) -> list[str]:
        return [one + f"{text}\r\n" if one.startswith(f"m={section} ") else one for one in media]

    return sections(change)


def sections(change: Callable[[list[str]], list[str]]) -> Rewrite:
    """The media sections, each as one text, put together anew."""

    def rewrite(sdp: str) -> str:
        head, *media = re.split(r"(?m)^(?=m=)", sdp)
        return head + "".join(change(media))

    return rewrite


# The fingerprint of no certificate. A whole one: two real ones agree in their first byte once in 256 calls.
other_certificate: Rewrite = line(r"^a=fingerprint:.*", "a=fingerprint:sha-256 " + ":".join(["00"] * 32))
