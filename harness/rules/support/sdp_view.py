"""What the SDP rules share: the offers and answers of a trace, parsed, each answer with the offer it answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from harness.protocol.sdp import Media, Sdp, parse
from harness.rules.base import View
from harness.rules.support.fields import text
from harness.rules.support.http_view import body_of, exchanges, media_type
from harness.trace import Entry, shows
from harness.trace.redact import parse_mark

_ICE_CHARACTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
UFRAG = (4, 256)  # RFC 8839 section 5.4
PASSWORD = (22, 256)
LARGEST_PORT = 65535


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer with the entry that shows it and the offer it answers (None where the recording has none)."""

    entry: Entry
    sdp: Sdp
    offer: Sdp | None


def offers(view: View) -> tuple[tuple[Entry, Sdp], ...]:
    """Every offer once: as made or received, also where the stack refused it, else as it stands in the call request."""
    found = view.trace.derived.get("offers")
    if found is None:
        found = view.trace.derived["offers"] = tuple((entry, parse(text)) for entry, text in _offers(view))
    return found


def _offers(view: View) -> Iterator[tuple[Entry, str]]:
    kinds = ("sdp.offer", "sdp.rejected") if view.trace.header.observer == "service" else ("sdp.offer",)
    seen: set[str] = set()
    for entry in view.trace.of(*kinds):
        sdp = text(entry.data, "sdp")
        if sdp not in seen:
            seen.add(sdp)
            yield entry, sdp
    if not seen:
        for one in exchanges(view, "call"):
            body = body_of(one.request)
            if media_type(one.request) == "application/sdp" and isinstance(body, str):
                yield one.request, body


def answers(view: View) -> tuple[Answer, ...]:
    """Every answer once, also one that the stack refused, else the body of a successful call response, whatever it is."""
    found = view.trace.derived.get("answers")
    if found is None:
        found = view.trace.derived["answers"] = tuple(_answers(view))
    return found


def _answers(view: View) -> Iterator[Answer]:
    kinds = ("sdp.answer", "sdp.rejected") if view.trace.header.observer == "client" else ("sdp.answer",)
    entries = [(entry, text(entry.data, "sdp")) for entry in view.trace.of(*kinds) if not _is_error(view, entry)]
    if not entries:
        entries = [
            (one.response, text(one.response.data, "body"))
            for one in exchanges(view, "call")
            if one.ok and one.response
        ]
    for entry, sdp in entries:
        offered = [offer for earlier, offer in offers(view) if earlier.seq < entry.seq]
        yield Answer(entry, parse(sdp), offered[-1] if offered else None)


def _is_error(view: View, entry: Entry) -> bool:
    """Whether this is the body of an error: no answer, even where a client takes it for one (HTTP-20)."""
    if not shows(view.trace, "http.response"):
        return False
    calls = [one for one in exchanges(view, "call") if one.response is not None and one.response.seq < entry.seq]
    return bool(calls) and not calls[-1].ok


def pairs(one: Answer) -> Iterator[tuple[Media, Media]]:
    """Sections of the offer with the sections that answer them, by position (RFC 3264 section 6)."""
    if one.offer is not None:
        yield from zip(one.offer.media, one.sdp.media, strict=False)


def name_of(media: Media) -> str:
    """A section for a person's eyes: ``audio (mid 0)``."""
    return f"{media.kind} (mid {media.mid})" if media.mid is not None else f"{media.kind} (section {media.index + 1})"


def ice_problem(value: str | None, bounds: tuple[int, int], what: str) -> str:
    """What is wrong with an ice-ufrag or ice-pwd, redacted or not; empty where it is sound."""
    if value is None:
        return f"no {what}"
    mark = parse_mark(value)
    length = mark.length if mark else len(value)
    sound = mark.ice if mark else set(value) <= _ICE_CHARACTERS
    if not bounds[0] <= length <= bounds[1]:
        return f"{what} of {length} characters"
    return "" if sound else f"{what} with characters other than letters, digits, + and /"
