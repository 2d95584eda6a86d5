"""Which dialect a record speaks, by its URLs, the label of its channel, the names of its events and the shape of its session."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from urllib.parse import urlsplit

from harness.protocol.dialects import DIALECTS, Dialect
from harness.trace import Entry


def recognised(hints: Iterable[str], entries: Collection[Entry]) -> tuple[str, str]:
    """The name of the dialect, and in words by what it was known; empty where nothing in the record tells.

    Each kind of evidence narrows the choice, unless it fits none that is left: then it is the mistake that a rule will name.
    """
    rows = list(DIALECTS.values())
    by: list[str] = []
    hints = tuple(hints)
    kinds: tuple[tuple[str, Callable[[Dialect], bool]], ...] = (
        ("its paths", lambda row: any(_path(url) in (_path(row.key_url), _path(row.call_url)) for url in hints)),
        ("its hosts", lambda row: any(_host(url) and _host(url) == _host(row.call_url) for url in hints)),
        ("the label of its channel", lambda row: row.label in hints),
        ("the names of its events", lambda row: _own_names(row, entries)),
        ("the shape of its session", lambda row: _own_shape(row, entries)),
    )
    for words, fits in kinds:
        left = [row for row in rows if fits(row)]
        if left and len(left) < len(rows):
            rows = left
            by.append(words)
    if not by:
        return "", ""
    # Of those that look alike the one with the fewest ways of its own.
    first, *others = sorted(rows, key=lambda row: (row.state != "current", row.filter))
    alike = f"; {', '.join(row.name for row in others)} looks the same, choose it with -d" if others else ""
    return first.name, f"by {' and '.join(by)}{alike}"


def _path(url: str) -> str:
    try:
        return urlsplit(url).path.rstrip("/")
    except ValueError:
        return ""


def _host(url: str) -> str:
    """The last two labels of a vendor's host; empty for what has none."""
    try:
        host = urlsplit(url.replace("{resource}", "resource").replace("{region}", "region")).hostname or ""
    except ValueError:
        return ""
    return ".".join(host.split(".")[-2:]) if "." in host and not host.replace(".", "").isdigit() else ""


def _own_names(row: Dialect, entries: Iterable[Entry]) -> bool:
    """Whether an event has a name that another generation has not."""
    names = row.server_events | row.client_events
    others = [one.server_events | one.client_events for one in DIALECTS.values() if one.generation != row.generation]
    return any(entry.type in names and any(entry.type not in one for one in others) for entry in entries)


def _own_shape(row: Dialect, entries: Iterable[Entry]) -> bool:
    sessions = [session for entry in entries if isinstance(session := entry.event.get("session"), dict)]
    if not sessions:
        return False
    nested = any(
        "audio" in one or "output_modalities" in one or one.get("type") in ("realtime", "transcription")
        for one in sessions
    )
    return nested == row.generation.typed
