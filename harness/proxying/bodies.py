"""The body of a call request: where its SDP offer stands, and the same body around another offer. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

_BOUNDARY = re.compile(r"(?i);\s*boundary=(?:\"([^\"]+)\"|([^\s;]+))")
_NAME = re.compile(rb"(?i)^content-disposition:[^\r\n]*[;\s]name=\"?sdp\"?(?=[;\s\r\n]|$)", re.MULTILINE)


@dataclass(frozen=True)
class OfferBody:
    """A body that holds an SDP offer: the octets before it, the offer, and the octets after it."""

    before: bytes
    offer: str
    after: bytes

    def around(self, offer: str) -> bytes:
        """The same body with another offer in it."""
        return self.before + offer.encode() + self.after


def offer_in(content_type: str, body: bytes) -> OfferBody | None:
    """The SDP offer in the body of a call request: the body itself, or the part ``sdp`` of a form. None where there is none."""
    boundary = _BOUNDARY.search(content_type)
    if content_type.strip().lower().startswith("multipart/form-data") and boundary:
        return _in_form(body, (boundary[1] or boundary[2]).encode("latin-1", "replace"))
    return _found(b"", body, b"")


def _in_form(body: bytes, boundary: bytes) -> OfferBody | None:
    """The part of a form that is called ``sdp`` (:rfc:`7578` section 4.2)."""
    start = 0
    delimiter = b"--" + boundary
    while (at := body.find(delimiter, start)) >= 0:
        start = at + len(delimiter)
        end = body.find(delimiter, start)
        if end < 0:
            return None
        head, blank, content = body[start:end].partition(b"\r\n\r\n")
        if blank and _NAME.search(head):
            begin = start + len(head) + len(blank)
            return _found(
                body[:begin], content.removesuffix(b"\r\n"), body[begin + len(content.removesuffix(b"\r\n")) :]
            )
    return None


def _found(before: bytes, content: bytes, after: bytes) -> OfferBody | None:
    if not content.startswith(b"v=0"):
        return None
    try:
        return OfferBody(before, content.decode(), after)
    except UnicodeDecodeError:
        return None
