"""The client's offer as our own connection makes it to the service, and the service's answer as that connection takes it. Pure.

The service sees the client's offer, line by line in the client's order: sections, codecs, parameters, directions, extensions. What
leads to a connection is ours: addresses, candidates, ICE credentials, the certificate's fingerprint, the SSRC with its name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from harness.protocol.negotiation import joined, sections_of

_OURS = ("a=ice-ufrag:", "a=ice-pwd:", "a=fingerprint:")
_DROPPED = ("a=candidate:", "a=end-of-candidates", "a=remote-candidates:", "a=ice-lite", "a=ssrc-group:")
_SSRC = re.compile(r"a=ssrc:(\d+)(.*)")
_RTCP = re.compile(r"a=rtcp:(\d+) IN ")


class Unmatched(ValueError):
    """The answer has no section for one that was offered."""


def relayed_offer(client: str, own: str) -> str:
    """``client``'s offer with what leads to a connection taken from ``own``, the offer of our connection to the service."""
    head, *sections = sections_of(client)
    own_sections = sections_of(own)[1:]
    by_kind = {_kind(lines): lines for lines in reversed(own_sections)}
    fallback = own_sections[0]
    met: set[str] = set()
    made = [list(_head(head, fallback))]
    for lines in sections:
        kind = _kind(lines)
        first = kind in by_kind and kind not in met
        met.add(kind)
        made.append(list(_section(lines, by_kind.get(kind, fallback), first=first)))
    text = joined(*made)
    return text if "\r\n" in client else text.replace("\r\n", "\n")


def own_answer(answer: str, client: str, own: str) -> str:
    """The service's answer to :func:`relayed_offer` as an answer to ``own``: our sections in our order under our names.

    Raises Unmatched where it leaves out a section of ours.
    """
    head, *answered = sections_of(answer)
    offered = sections_of(client)[1:]
    names: dict[str, str] = {}
    made: list[list[str]] = []
    for ours in sections_of(own)[1:]:
        kind = _kind(ours)
        place = next((at for at, lines in enumerate(offered) if _kind(lines) == kind), len(offered))
        if place >= len(answered):
            raise Unmatched(f"it does not answer the m={kind} section")
        lines, mid = answered[place], _value(ours, "a=mid:")
        names[_value(lines, "a=mid:") or _value(offered[place], "a=mid:")] = mid
        rest = [line for line in lines if not line.startswith("a=mid:")]
        made.append([*rest[:1], f"a=mid:{mid}", *rest[1:]])
    return joined([_renamed(line, names) for line in head], *made)


def with_message_size(answer: str, service: str) -> str:
    """Our answer to the client with the ``a=max-message-size`` of the service's: that is what a message may be long."""
    size = next(
        (line for lines in sections_of(service) for line in lines if line.startswith("a=max-message-size:")), ""
    )
    if not size:
        return re.sub(r"(?m)^a=max-message-size:.*\r?\n", "", answer)
    return re.sub(r"(?m)^a=max-message-size:[^\r\n]*", size.strip(), answer)


def handshake_left_to_us(answer: str) -> bool:
    """Whether the service answers ``a=setup:passive``: then we begin the DTLS handshake there, as the client has to begin ours."""
    return any(line.strip() == "a=setup:passive" for lines in sections_of(answer) for line in lines)


def _head(lines: Sequence[str], ours: Sequence[str]) -> Iterator[str]:
    replaced: set[str] = set()
    for line in lines:
        start = "c=" if line.startswith("c=") else next((one for one in _OURS if line.startswith(one)), "")
        if start and start not in replaced:
            replaced.add(start)
            yield _line(ours, start)
        elif not start and not line.startswith(_DROPPED):
            yield line


def _section(lines: Sequence[str], ours: Sequence[str], *, first: bool) -> Iterator[str]:
    """A section of the client's; ``first`` of its kind: it is the one that our connection has."""
    ssrc, cname = _SSRC.match(_line(ours, "a=ssrc:")), ""
    if ssrc:
        cname = ssrc[2]
    theirs = next((found[1] for line in lines if (found := _SSRC.match(line))), "")
    candidates = [line for line in ours if line.startswith(_DROPPED[:2])] if first else []
    place = next((at for at, line in enumerate(lines) if line.startswith(("a=candidate:", "a=ice-ufrag:"))), len(lines))
    fingerprinted = False
    for at, line in enumerate(lines):
        if at == place:
            yield from candidates
        if at == 0:
            yield _media(line, ours)
        elif line.startswith("c="):
            yield _line(ours, "c=")
        elif line.startswith(_DROPPED):
            continue
        elif line.startswith("a=fingerprint:"):
            if not fingerprinted:
                yield _line(ours, "a=fingerprint:")
            fingerprinted = True
        elif line.startswith(_OURS):
            yield _line(ours, line[: line.index(":") + 1])
        elif _RTCP.match(line):
            yield _line(ours, "a=rtcp:") or line
        elif found := _SSRC.match(line):
            if ssrc and found[1] == theirs:
                yield f"a=ssrc:{ssrc[1]}{cname if found[2].startswith(' cname:') else found[2]}"
        else:
            yield line
    if place == len(lines):
        yield from candidates


def _media(line: str, ours: Sequence[str]) -> str:
    """The client's m-line with our port; port 0 is a word of its own: bundled only, or not used (:rfc:`9143` section 6)."""
    words, own = line.split(" "), ours[0].split(" ")
    if len(words) < 3 or words[1].strip() == "0":
        return line
    return " ".join([words[0], own[1], *words[2:]])


def _renamed(line: str, names: Mapping[str, str]) -> str:
    if not line.startswith("a=group:BUNDLE"):
        return line
    return " ".join(["a=group:BUNDLE", *(names[mid] for mid in line.split()[1:] if mid in names)])


def _kind(lines: Sequence[str]) -> str:
    return lines[0].removeprefix("m=").partition(" ")[0]


def _line(lines: Sequence[str], start: str) -> str:
    return next((line for line in lines if line.startswith(start)), "")


def _value(lines: Sequence[str], start: str) -> str:
    return _line(lines, start).removeprefix(start).strip()
