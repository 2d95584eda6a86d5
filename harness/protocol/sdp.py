"""A tolerant SDP parser: whatever text comes, the description it holds and a list of what is wrong with it.

``parse`` never raises: a checker has to say *what* is wrong with a peer's SDP, and one bad line must not hide the rest.
Grammar: RFC 8866 section 9; candidates: RFC 8839 section 5.1; fingerprints: RFC 8122 section 5; groups: RFC 5888.
Line numbers count from 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from harness.protocol.sdp_fields import (
    STATIC_AUDIO,
    Candidate,
    Codec,
    Fingerprint,
    integer,
    read_candidate,
    read_codec,
    read_fingerprint,
    short,
)

DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")
# Types whose line may stand more than once or with any content; "m" opens a section (RFC 8866 section 5).
_TYPES = frozenset("vosiuepcbtrzkam")


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is not well-formed: the line (1 is the first), and what is wrong with it in plain words."""

    line: int
    text: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.text}"


@dataclass(frozen=True, slots=True)
class Attribute:
    """An ``a=`` line: ``name`` and ``value``; a flag such as ``a=rtcp-mux`` has the value None."""

    name: str
    value: str | None
    line: int


@dataclass(frozen=True, slots=True)
class Group:
    """An ``a=group`` line: its semantics ("BUNDLE") and the mids in order."""

    semantics: str
    mids: tuple[str, ...]


class _Attributes:
    """Reading attributes: shared by the session level and the media sections."""

    attributes: tuple[Attribute, ...]

    def has(self, name: str) -> bool:
        """Whether the attribute stands at this level."""
        return any(attribute.name == name for attribute in self.attributes)

    def all(self, name: str) -> tuple[str, ...]:
        """All values of the attribute at this level, in order; a flag counts as an empty text."""
        return tuple(attribute.value or "" for attribute in self.attributes if attribute.name == name)

    def get(self, name: str) -> str | None:
        """The first value of the attribute at this level, or None where it is absent."""
        return next(iter(self.all(name)), None)

    @property
    def directions(self) -> tuple[str, ...]:
        """Direction attributes at this level, in order (one at most is legal)."""
        return tuple(attribute.name for attribute in self.attributes if attribute.name in DIRECTIONS)

    @property
    def fingerprints(self) -> tuple[Fingerprint, ...]:
        """Fingerprints at this level, well-formed or not."""
        return tuple(read_fingerprint(value) for value in self.all("fingerprint"))


@dataclass(frozen=True)
class Media(_Attributes):
    """One media section: the fields of its ``m=`` line and its attributes. ``port`` is None where it is not a number."""

    index: int
    kind: str
    port: int | None
    proto: str
    formats: tuple[str, ...]
    line: int
    attributes: tuple[Attribute, ...]
    connection: str | None = None
    encryption: bool = False

    @property
    def mid(self) -> str | None:
        """The value of ``a=mid``, or None."""
        return self.get("mid")

    @property
    def used(self) -> bool:
        """False for a rejected section: port 0 without ``a=bundle-only`` (RFC 9143 section 6)."""
        return self.port != 0 or self.has("bundle-only")

    @property
    def rtp(self) -> bool:
        """Whether the transport protocol is an RTP profile."""
        return "RTP/" in self.proto.upper()

    @cached_property
    def rtpmaps(self) -> Mapping[int, Codec]:
        """Codec by payload type, from well-formed ``a=rtpmap`` lines only."""
        maps: dict[int, Codec] = {}
        for value in self.all("rtpmap"):
            payload_type, _, encoding = value.strip().partition(" ")
            codec = read_codec(encoding.strip())
            if (number := integer(payload_type)) is not None and codec is not None:
                maps.setdefault(number, codec)
        return maps

    @cached_property
    def codecs(self) -> Mapping[str, Codec | None]:
        """Each format of the m-line with its codec: from its rtpmap, from the static table, or None."""
        return {text: self._codec_of(text) for text in self.formats}

    @cached_property
    def parameters(self) -> Mapping[int, Mapping[str, str]]:
        """``a=fmtp`` by payload type: lower-case parameter names and their values ("" for a bare word)."""
        found: dict[int, dict[str, str]] = {}
        for value in self.all("fmtp"):
            payload_type, _, rest = value.strip().partition(" ")
            if (number := integer(payload_type)) is None:
                continue
            for part in rest.split(";"):
                name, _, setting = part.strip().partition("=")
                if name:
                    found.setdefault(number, {})[name.strip().lower()] = setting.strip()
        return found

    @cached_property
    def candidates(self) -> tuple[Candidate, ...]:
        """ICE candidates of this section, well-formed or not."""
        return tuple(read_candidate(value) for value in self.all("candidate"))

    def _codec_of(self, text: str) -> Codec | None:
        number = integer(text)
        if number is None:
            return None
        if number in self.rtpmaps:
            return self.rtpmaps[number]
        static = STATIC_AUDIO.get(number) if self.kind == "audio" else None
        return read_codec(static) if static else None


@dataclass(frozen=True)
class Sdp(_Attributes):
    """A parsed description: session-level lines, ``media`` sections, and every ``problems`` found on the way."""

    text: str
    lines: tuple[tuple[str, str], ...]
    attributes: tuple[Attribute, ...]
    media: tuple[Media, ...]
    problems: tuple[Problem, ...]
    encryption: bool = False

    def line(self, type: str) -> str | None:
        """The value of the first session-level line of this type, or None."""
        return next((value for letter, value in self.lines if letter == type), None)

    def of(self, kind: str) -> tuple[Media, ...]:
        """Media sections of this kind ("audio", "application", ...)."""
        return tuple(media for media in self.media if media.kind == kind)

    @property
    def looks_like_sdp(self) -> bool:
        """Whether there is anything to judge beyond "this is not SDP": a version line or a media section."""
        return bool(self.media) or self.line("v") is not None

    @property
    def groups(self) -> tuple[Group, ...]:
        """Session-level groups."""
        found = (value.split() for value in self.all("group"))
        return tuple(Group(words[0], tuple(words[1:])) for words in found if words)

    @property
    def bundle(self) -> Group | None:
        """The first BUNDLE group, or None."""
        return next((group for group in self.groups if group.semantics == "BUNDLE"), None)

    @property
    def tagged(self) -> Media | None:
        """The section that carries the transport of the bundle: the first mid of BUNDLE (RFC 9143 section 7), else the first used one."""
        if self.bundle and self.bundle.mids:
            named = next((media for media in self.media if media.mid == self.bundle.mids[0]), None)
            if named is not None:
                return named
        return next((media for media in self.media if media.used), None)

    def attribute(self, media: Media, name: str) -> str | None:
        """The value that holds for a section: its own, else the session's; None where neither has it."""
        own = media.get(name)
        return own if own is not None else self.get(name)

    def direction(self, media: Media) -> str:
        """The direction of a section: its own, else the session's, else sendrecv (RFC 8866 section 6.7)."""
        return next(iter((*media.directions, *self.directions)), "sendrecv")

    def fingerprints_of(self, media: Media) -> tuple[Fingerprint, ...]:
        """The fingerprints that hold for a section: its own, else the session's (RFC 8122 section 5)."""
        return media.fingerprints or self.fingerprints

    def values(self, name: str) -> tuple[str, ...]:
        """The attribute's values at every level, the session's first."""
        return (*self.all(name), *(value for media in self.media for value in media.all(name)))


@lru_cache(maxsize=64)
def parse(text: str) -> Sdp:
    """Read a description. Never raises; what is not well-formed is listed in ``problems`` and skipped.

    Both CRLF and bare LF end a line here; a bare LF is listed once, as a problem.
    """
    problems: list[Problem] = list(_line_end_problems(text))
    session: list[tuple[str, str]] = []
    attributes: list[Attribute] = []
    sections: list[tuple[int, str, list[tuple[str, str]], list[Attribute]]] = []
    for number, raw in enumerate(_split(text), start=1):
        letter, equals, value = raw[:1], raw[1:2], raw[2:]
        if equals != "=" or not letter:
            problems.append(Problem(number, "an empty line" if not raw else f"not of the form x=value: {short(raw)}"))
            continue
        if letter not in _TYPES:
            problems.append(Problem(number, f"unknown line type {letter!r}"))
            continue
        if number == 1 and letter != "v":
            problems.append(Problem(1, f"the first line is {short(raw)}, not v=0"))
        if letter == "m":
            sections.append((number, value, [], []))
        elif letter == "a":
            name, colon, setting = value.partition(":")
            if not name:
                problems.append(Problem(number, "an attribute without a name"))
                continue
            (sections[-1][3] if sections else attributes).append(Attribute(name, setting if colon else None, number))
        else:
            (sections[-1][2] if sections else session).append((letter, value))
    media = tuple(_media(index, section, problems) for index, section in enumerate(sections))
    return Sdp(
        text=text,
        lines=tuple(session),
        attributes=tuple(attributes),
        media=media,
        problems=tuple(sorted(problems, key=lambda problem: problem.line)),
        encryption=any(letter == "k" for letter, _ in session),
    )


def _split(text: str) -> list[str]:
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    if lines and not lines[-1]:
        lines.pop()
    return lines


def _line_end_problems(text: str) -> Iterator[Problem]:
    lines = text.split("\n")
    if not text:
        yield Problem(1, "empty")
        return
    bare = next((number for number, line in enumerate(lines[:-1], start=1) if not line.endswith("\r")), None)
    if bare is not None:
        yield Problem(bare, "ends in LF alone, not CRLF")
    if lines[-1]:
        yield Problem(len(lines), "the last line does not end in CRLF")


def _media(index: int, section: tuple[int, str, list[tuple[str, str]], list[Attribute]], found: list[Problem]) -> Media:
    number, value, lines, attributes = section
    words = value.split()
    if len(words) < 4:
        found.append(Problem(number, f"an m-line needs media, port, proto and a format: m={short(value)}"))
    words += [""] * (3 - len(words))
    port = integer(words[1].partition("/")[0])
    if port is None or port > 65535:
        found.append(Problem(number, f"{short(words[1])!r} is not a port"))
        port = None
    media = Media(
        index=index,
        kind=words[0],
        port=port,
        proto=words[2],
        formats=tuple(words[3:]),
        line=number,
        attributes=tuple(attributes),
        connection=next((value for letter, value in lines if letter == "c"), None),
        encryption=any(letter == "k" for letter, _ in lines),
    )
    for attribute in attributes:
        if attribute.name == "rtpmap" and not _rtpmap_is_sound(attribute.value or ""):
            found.append(Problem(attribute.line, f"not a payload type with name/clock: rtpmap:{attribute.value}"))
    return media


def _rtpmap_is_sound(value: str) -> bool:
    payload_type, _, encoding = value.strip().partition(" ")
    return integer(payload_type) is not None and read_codec(encoding.strip()) is not None
