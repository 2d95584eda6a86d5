"""The recorded SDP answer with the addresses, credentials and fingerprints of the call that is really made. Pure.

Everything else in it is as it was recorded, right or wrong. What was wrong with one of the values that have to be new (a password that is
too short, the fingerprint of another certificate) stays wrong in the same way.
"""

from __future__ import annotations

import re

from harness.protocol.negotiation import opus_payload_types
from harness.trace import Trace
from harness.trace.redact import parse_mark

# RFC 8839 section 5.4: at least 4 characters of a fragment, 22 of a password.
_SHORTEST_UFRAG, _SHORTEST_PWD = 4, 22
_ORIGIN = re.compile(r"o=\S+ \d+ \d+ IN IP[46] \S+\Z")
_MEDIA = re.compile(r"(m=\w+) ([1-9]\d*) (.*)\Z")


def transplanted(trace: Trace, recorded: str, *, offer: str, answer: str) -> str | None:
    """The recorded answer for this call, whose own answer to ``offer`` is ``answer``.

    None where the offer has other sections, or another number for Opus, than the recorded one: then its own answer is the right one.
    """
    offered = trace.first("sdp.offer")
    if offered is None or _shape(str(offered.data.get("sdp", ""))) != _shape(offer):
        return None
    secured = trace.first("connection.secured")
    head, *media = _sections(recorded)
    own_head, *own_media = ([line.rstrip("\r\n") for line in one] for one in _sections(answer))
    own = {_kind(one): one for one in own_media}
    matches = secured is None or secured.data.get("matches") is not False
    password = next((line.strip() for line in recorded.splitlines() if line.startswith("a=ice-pwd:")), "")
    made = [_renewed(head, [*own_head, *(own_media[0] if own_media else [])], password, matches, secured is not None)]
    made += [_renewed(one, own.get(_kind(one), []), password, matches, secured is not None) for one in media]
    return "".join(line for section in made for line in section)


def _shape(sdp: str) -> tuple[object, ...]:
    sections = _sections(sdp)[1:]
    mids = [next((line.strip() for line in one if line.startswith("a=mid:")), "") for one in sections]
    return (tuple(_kind(one) for one in sections), tuple(mids), tuple(opus_payload_types(sdp)[:1]))


def _sections(sdp: str) -> list[list[str]]:
    found: list[list[str]] = [[]]
    for line in sdp.splitlines(keepends=True):
        if line.startswith("m="):
            found.append([])
        found[-1].append(line)
    return found


def _kind(section: list[str]) -> str:
    return section[0][2:].split(" ", 1)[0] if section else ""


def _renewed(section: list[str], own: list[str], password: str, matches: bool, connected: bool) -> list[str]:
    """The lines of one section with the values of this call."""
    out: list[str] = []
    ssrcs: dict[str, str] = {}
    own_ssrcs = list(dict.fromkeys(line[7:].split(" ", 1)[0] for line in own if line.startswith("a=ssrc:")))
    candidates = [line for line in own if line.startswith("a=candidate:")]
    renewed = False
    for whole in section:
        line = whole.rstrip("\r\n")
        name, end = line.split(":", 1)[0], whole[len(line) :]
        if name == "a=candidate" and connected:
            out += [f"{one}{end}" for one in candidates] if not renewed else []
            renewed = True
            continue
        if name == "a=ssrc" and own_ssrcs:
            number = line[7:].split(" ", 1)[0]
            ssrcs.setdefault(number, own_ssrcs[len(ssrcs)] if len(ssrcs) < len(own_ssrcs) else number)
            line = line.replace(number, ssrcs[number], 1)
        other = name == "a=ice-pwd" and line != password
        out.append(_line(line, name, own, matches, other) + end)
    return out


def _line(line: str, name: str, own: list[str], matches: bool, other: bool) -> str:
    """One line with its value of this call. ``other``: a second password, which is another one than the first."""
    value = line.partition(":")[2]
    same = [one for one in own if one.startswith(f"{name}:")]
    if name == "a=ice-ufrag":
        return same[0] if same and len(value) >= _SHORTEST_UFRAG else line
    if name == "a=ice-pwd":
        mark = parse_mark(value)
        length = mark.length if mark is not None else len(value)
        password = same[0][10:][: None if length >= _SHORTEST_PWD else length] if same else value
        return f"a=ice-pwd:{password[::-1] if other else password}"
    if name == "a=fingerprint" and matches:
        digest = value.split(" ", 1)[0].lower()
        return next((one for one in same if one[14:].split(" ", 1)[0].lower() == digest), line)
    if _ORIGIN.match(line):
        return next((one for one in own if one.startswith("o=")), line)
    if line.startswith("c=IN IP"):
        return next((one for one in own if one.startswith("c=IN IP")), line)
    if found := _MEDIA.match(line):
        port = next((one.split(" ", 2)[1] for one in own if one.startswith("m=")), found[2])
        return f"{found[1]} {port} {found[3]}"
    return line
