"""Edits of SDP text between the wire and the stack: an offer as browsers write it, a description that the stack can take. Pure."""

from __future__ import annotations

import re

_OPUS = re.compile(r"^a=rtpmap:(\d+) opus/48000/2\s*$", re.IGNORECASE)
_MDNS = re.compile(r"^a=candidate:\S+ \d+ \S+ \d+ \S+\.local\.? ", re.IGNORECASE)

OPUS_PARAMETERS = "minptime=10;useinbandfec=1"
"""What Chromium, Firefox and Safari all offer for Opus (:rfc:`7587` section 7)."""


def as_browser(offer: str) -> str:
    """The offer with what browsers say and aiortc does not: ``a=ice-options:trickle`` and the format parameters of Opus; one fingerprint.

    :rfc:`9429` section 5.2.1: an offer must carry "ice-options" with "trickle"; that it also lists all candidates is allowed.
    """
    session, *sections = sections_of(one_fingerprint(offer))
    if not any(line.startswith("a=ice-options:") for line in session):
        session.append("a=ice-options:trickle")
    return joined(session, *(_with_opus_parameters(lines) for lines in sections))


def _with_opus_parameters(lines: list[str]) -> list[str]:
    opus = {found[1] for line in lines if (found := _OPUS.match(line))}
    described = {
        payload_type for payload_type in opus if any(line.startswith(f"a=fmtp:{payload_type} ") for line in lines)
    }
    edited: list[str] = []
    for line in lines:
        edited.append(line)
        if (found := _OPUS.match(line)) and found[1] not in described:
            edited.append(f"a=fmtp:{found[1]} {OPUS_PARAMETERS}")
    return edited


def one_fingerprint(description: str) -> str:
    """The description with the SHA-256 fingerprint alone, as browsers and the services write it; aiortc lists three digests.

    Some stacks compare with one digest only: libdatachannel (``PeerConnection::checkFingerprint``) takes another one than SHA-256 for
    a mismatch where the handshake begins before the answer has been read to its end, which on a short way it does.
    """
    return re.sub(r"(?m)^a=fingerprint:(?!sha-256 ).*\r?\n", "", description)


def resolvable(description: str) -> str:
    """The description without candidates that only multicast DNS could resolve, and without an end that says there is nobody.

    Browsers hide their addresses behind ``.local`` names; resolving one takes a second or fails, and is not needed: the browser's
    own checks make it a peer-reflexive candidate (:rfc:`8445` section 7.3.1.3). For the same reason a section that lists no usable
    candidate must not say ``a=end-of-candidates``, or aioice gives up its only component.
    """
    session, *sections = sections_of(description)
    edited = []
    for lines in sections:
        kept = [line for line in lines if not _MDNS.match(line)]
        if not any(line.startswith("a=candidate:") for line in kept):
            kept = [line for line in kept if line.strip() != "a=end-of-candidates"]
        edited.append(kept)
    return joined(session, *edited)


_TRANSPORT = ("a=ice-ufrag:", "a=ice-pwd:", "a=fingerprint:", "a=setup:")


def unbundled(description: str) -> str:
    """The description with the transport attributes of the first bundled section repeated in those that leave them out.

    :rfc:`9429` section 5.3.1 puts them into the bundle's tagged section alone; many repeat them; aiortc takes only the latter.
    """
    session, *sections = sections_of(description)
    groups = [line.split()[1:] for line in session if line.startswith("a=group:BUNDLE")]
    by_mid = {line[6:].strip(): lines for lines in sections for line in lines if line.startswith("a=mid:")}
    for first, *others in (group for group in groups if group):
        for name in _TRANSPORT:
            shared = [line for line in by_mid.get(first, ()) if line.startswith(name)]
            if any(line.startswith(name) for line in session):
                continue
            for lines in (by_mid[mid] for mid in others if mid in by_mid):
                if not any(line.startswith(name) for line in lines):
                    lines.extend(shared)
    return joined(session, *sections)


def matching(answer: str, offer: str) -> str:
    """The answer as this offer asks for it: each section under the offer's protocol, and bundled only where bundling was offered.

    :rfc:`9429` section 5.3.1: the proto field must exactly match the offer's; aiortc answers with the usual one.
    :rfc:`9143` section 7.3: only what was offered can be bundled. One fingerprint is enough: :func:`one_fingerprint`.
    """
    session, *sections = sections_of(one_fingerprint(answer))
    head, *offered = sections_of(offer)
    if not any(line.startswith("a=group:BUNDLE") for line in head):
        session = [line for line in session if not line.startswith("a=group:BUNDLE")]
    for lines, asked in zip(sections, offered, strict=False):
        words, wanted = lines[0].split(" "), asked[0].split()
        if len(words) > 2 and len(wanted) > 2:
            lines[0] = " ".join([*words[:2], wanted[2], *words[3:]])
    return joined(session, *sections)


def opus_payload_types(description: str) -> list[int]:
    """The payload types of Opus in the first audio section, in the order of its m-line."""
    for lines in sections_of(description)[1:]:
        if lines[0].startswith("m=audio "):
            opus = {found[1] for line in lines if (found := _OPUS.match(line))}
            return [int(word) for word in lines[0].split()[3:] if word in opus]
    return []


def sections_of(description: str) -> list[list[str]]:
    """The session's lines, then those of each media section. The first line of a media section is its m-line."""
    sections: list[list[str]] = [[]]
    for line in description.splitlines():
        if line.startswith("m="):
            sections.append([])
        sections[-1].append(line)
    return sections


def joined(*sections: list[str]) -> str:
    """A description of these sections, each line ended by CRLF."""
    return "".join(f"{line}\r\n" for lines in sections for line in lines)
