"""Takes secrets out of everything before it is stored: by place (headers, fields, SDP, queries), by shape, and by value.

A secret becomes a mark, ``[redacted:N:LEN:CLASS]``. N counts distinct secrets in order of first appearance within one
recording, so that rules can still say "the same key" or "another key" without anyone being able to guess it; LEN is its
length in characters; CLASS is ``ice`` when all characters are ICE characters (RFC 8839 section 5.4: ALPHA / DIGIT / "+" / "/"),
else ``text``. Redaction is idempotent: marks are left as they are.

What is removed, and what is remembered, differ on purpose. A value that stands where secrets stand is always removed there. It is
also removed wherever else it turns up, but only from eight characters on: a password "blue" in a tool's schema must not turn every
"blue" of a transcript, or a field name, into a mark. Secrets handed in as known are removed everywhere from four characters on.

A secret is found in every usual spelling: escaped for JSON, a URL or HTML, and inside Base64. A text that hides one behind mixed
escapes is stored without them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.trace.secret_encodings import base64_cores, layers, parts_of_basic, spellings, unescaped

MARK = re.compile(r"\[redacted:(\d+):(\d+):(ice|text)\]")

SECRET_HEADERS = frozenset(
    {
        "authorization",
        "proxy-authorization",
        "api-key",
        "x-api-key",
        "ocp-apim-subscription-key",
        "cookie",
        "set-cookie",
    }
)
# A gateway's own header for a key: x-gateway-key, x-auth-token.
_KEY_HEADER = re.compile(r"(?i)[-_](?:key|token|secret)\Z")
SECRET_FIELDS = frozenset(
    {
        "api-key",
        "api_key",
        "apikey",
        "x-api-key",
        "authorization",
        "access_token",
        "refresh_token",
        "id_token",
        "password",
        "client_secret",
        "secret",
        "ephemeral_key",
        "ephemeralkey",
        "ice-pwd",
    }
)
SECRET_QUERY = re.compile(
    r"(?i)([?&;](?:api-key|api_key|apikey|key|access_token|token|sig|code|client_secret|subscription-key)=)([^&#\s\"'<>\\]+)"
)
# "https://user:password@host/": RFC 3986 section 3.2.1
USERINFO = re.compile(r"(?i)(\b[a-z][a-z0-9+.-]*://)([^\s/?#@\"'<>]+)(?=@)")
ICE_PWD = re.compile(r"(?i)(a=ice-pwd:)([^\s\\\"]+)")
# Bearer, header-like and JSON-like text inside error messages, logs and bodies that are not JSON.
BEARER = re.compile(r"(?i)(\bbearer\s+)([^\s\"',;<>\\\[]+)")
HEADER_TEXT = re.compile(
    r"(?i)(\b(?:api-key|x-api-key|ocp-apim-subscription-key)\b[\"']?\s*[:=]\s*[\"']?)([^\s\"',;<>\\\[]+)"
)
_FIELD_NAMES = "|".join(sorted(map(re.escape, SECRET_FIELDS), key=len, reverse=True))
FIELD_TEXT = re.compile(
    rf"(?i)(\\?\"(?:{_FIELD_NAMES})\\?\"\s*:\s*(?:\{{\s*\\?\"value\\?\"\s*:\s*)?\\?\")((?:[^\"\\]|\\(?!\"))+)"
)
SHAPES = (
    re.compile(r"\b(?:ek|sk|rk)[_-][A-Za-z0-9_-]{8,}"),  # OpenAI ephemeral, secret and restricted keys
    re.compile(r"\beyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?"),  # JWT (Entra tokens)
    # Classic Azure resource keys; the foundation of an ICE candidate may look like one.
    re.compile(r"(?<!candidate:)\b[0-9a-fA-F]{32}\b"),
    re.compile(r"\b[A-Za-z0-9]{20,}AAA[A-Za-z0-9]{4,}ACOG[A-Za-z0-9]{4}\b"),  # newer Azure AI resource keys
)
_ICE = re.compile(r"[A-Za-z0-9+/]+\Z")
# Text without any of this matches none of the patterns above: most strings of a recording are short and plain, and one look is enough.
_SUSPECT = re.compile(
    r"a=ice-pwd:|[?&;][a-z_-]+=|://[^\s/]*@|bearer\s|api-key|subscription-key|\"\s*:|[esr]k[_-]|eyJ|[0-9a-f]{32}|AAA",
    re.IGNORECASE,
)
# Text with none of these has no escapes.
_ESCAPED = re.compile(r"\\[ux/\"']|%[0-9A-Fa-f]{2}|&[#A-Za-z]")
# "Provide a bearer token", "api-key: missing": prose, not a key.
_PROSE = re.compile(r"[A-Za-z]{1,15}[.:!?)]*\Z|[^A-Za-z0-9]*\Z")
# The scheme of a credential stays readable (RFC 9110 section 11.1); the rest is the secret.
_SCHEME = re.compile(r"(?i)((?:bearer|basic|token|apikey|sharedaccesssignature)\s+)(\S.*)\Z", re.DOTALL)
_PLAIN = (int, float, bool, type(None))
_SHORTEST_KNOWN = 4
_SHORTEST_MET = 8


@dataclass(frozen=True)
class Mark:
    """A parsed mark: which secret (``number``), its ``length`` in characters, whether all are ICE characters."""

    number: int
    length: int
    ice: bool


def parse_mark(text: str) -> Mark | None:
    """The mark inside ``text`` (for example ``Bearer [redacted:2:40:text]``), or None where there is none."""
    found = MARK.search(text)
    return Mark(int(found[1]), int(found[2]), found[3] == "ice") if found else None


class Redactor:
    """Redacts values of one recording; remembers each secret it met, so that it is recognised wherever it turns up later.

    ``known`` are secrets that are known before; ``first`` is the number of the first mark, where the recording has some already.
    """

    def __init__(self, known: Iterable[str] = (), *, first: int = 1) -> None:
        self._first = first
        self._numbers: dict[str, int] = {}
        self._pattern: re.Pattern[str] | None = None
        self._spellings: dict[str, str] = {}
        self._cores: dict[str, str] = {}
        self._shortest_core = 0
        for secret in known:
            self.learn(secret)

    def learn(self, secret: str) -> None:
        """From now on ``secret`` is removed wherever it stands, also escaped for a URL, JSON or HTML, and inside Base64.

        Values shorter than four characters are ignored: removing them would destroy the recording and hide nothing.
        """
        secret = secret.strip()
        if len(secret) < _SHORTEST_KNOWN or secret in self._spellings or MARK.search(secret):
            return
        self._number(secret)
        for spelling in spellings(secret):
            self._spellings.setdefault(spelling, secret)
        for core in base64_cores(secret):
            self._cores.setdefault(core, secret)
        self._shortest_core = min(map(len, self._cores), default=0)
        longest_first = sorted(self._spellings, key=len, reverse=True)
        # Marks come first, so that a secret such as "text" or "22" never eats into one.
        self._pattern = re.compile("|".join([MARK.pattern, *map(re.escape, longest_first)]))

    def mark(self, secret: str) -> str:
        """The mark of ``secret``, which is remembered; a text that is a mark already is returned unchanged."""
        secret = secret.strip()
        if MARK.fullmatch(secret):
            return secret
        if len(secret) >= _SHORTEST_MET:
            self.learn(secret)
        return f"[redacted:{self._number(secret)}:{len(secret)}:{'ice' if _ICE.match(secret) else 'text'}]"

    def headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """HTTP headers with lower-case names and secret values marked (the auth scheme stays readable)."""
        return {
            name.lower(): self._credential(value)
            if name.lower() in SECRET_HEADERS or _KEY_HEADER.search(name)
            else self.text(value)
            for name, value in headers.items()
        }

    def text(self, text: str) -> str:
        """Free text (URL, SDP, message, log line) with every secret in it marked."""
        known = len(self._spellings)
        clean = self._clean(text)
        # What the end of a text gave away may stand at its beginning too.
        return clean if len(self._spellings) == known else self._clean(clean)

    def _clean(self, text: str) -> str:
        text = self._found(text)
        if _ESCAPED.search(text):
            for plain in layers(text):
                clean = self._found(plain)
                if clean != plain:
                    return self._clean(clean)
        return text

    def _found(self, text: str) -> str:
        if _SUSPECT.search(text):
            text = self._patterns(text)
        if self._pattern is not None:
            text = self._pattern.sub(self._known, text)
        if len(text) >= self._shortest_core > 0:
            for core, secret in self._cores.items():
                if core in text:
                    text = text.replace(core, self.mark(secret))
        return text

    def _patterns(self, text: str) -> str:
        text = ICE_PWD.sub(self._second_group, text)
        text = USERINFO.sub(self._userinfo, text)
        text = SECRET_QUERY.sub(self._query_group, text)
        text = FIELD_TEXT.sub(self._credential_group, text)
        text = BEARER.sub(self._unless_prose, text)
        text = HEADER_TEXT.sub(self._unless_prose, text)
        for shape in SHAPES:
            text = shape.sub(lambda found: self.mark(found[0]), text)
        return text

    def value(self, value: Any) -> Any:
        """Any JSON value: strings cleaned, secret fields and headers marked, the rest untouched. Never changes its argument."""
        known = len(self._spellings)
        clean = self._value(value)
        # What a field gave away may stand in those before it too.
        return clean if len(self._spellings) == known else self._value(clean)

    def _value(self, value: Any) -> Any:
        match value:
            case str():
                return self.text(value)
            case Mapping():
                # A GA key response: {"value": "...", "expires_at": ...} at the top level.
                keylike = isinstance(value.get("value"), str) and "expires_at" in value
                return {
                    self.text(str(key)): self._credential(inner)
                    if keylike and key == "value"
                    else self._field(str(key), inner)
                    for key, inner in value.items()
                }
            case list() | tuple():
                return [inner if type(inner) in _PLAIN else self._value(inner) for inner in value]
        return value

    def _field(self, key: str, inner: Any) -> Any:
        if type(inner) in _PLAIN:
            return inner
        name = key.lower()
        if name not in SECRET_FIELDS and name not in SECRET_HEADERS:
            return self._value(inner)
        match inner:
            case str():
                return self._credential(inner)
            case list() | tuple():
                return [self._field(key, one) for one in inner]
            case Mapping():  # {"client_secret": {"value": "...", "expires_at": 1}}
                return {
                    self.text(str(name)): self._credential(field)
                    if isinstance(field, str) and name == "value"
                    else self._value(field)
                    for name, field in inner.items()
                }
        return self._value(inner)

    def _number(self, secret: str) -> int:
        return self._numbers.setdefault(secret, len(self._numbers) + self._first)

    def _credential(self, value: str) -> str:
        """A value that is a secret as a whole, but for the auth scheme in front of it."""
        if not value.strip():
            return value
        scheme = _SCHEME.match(value)
        if scheme is None:
            return self.mark(value)
        if scheme[1].strip().lower() == "basic":
            self._learn_parts(parts_of_basic(scheme[2].strip()))
        return scheme[1] + self.mark(scheme[2])

    def _learn_parts(self, parts: Iterable[str]) -> None:
        """Parts of a credential that are secrets by themselves, where they are long enough."""
        for part in parts:
            if len(part.strip()) >= _SHORTEST_MET:
                self.learn(part)

    def _known(self, found: re.Match[str]) -> str:
        return found[0] if MARK.fullmatch(found[0]) else self.mark(self._spellings[found[0]])

    def _query_group(self, found: re.Match[str]) -> str:
        """Known by what it stands for, since headers and bodies hold it unescaped."""
        return found[1] + self.mark(unescaped(found[2]))

    def _userinfo(self, found: re.Match[str]) -> str:
        if not MARK.fullmatch(found[2]):
            self._learn_parts([unescaped(part) for part in found[2].split(":", 1)[1:]])
        return found[1] + self.mark(found[2])

    def _second_group(self, found: re.Match[str]) -> str:
        return found[1] + self.mark(found[2])

    def _credential_group(self, found: re.Match[str]) -> str:
        return found[1] + self._credential(unescaped(found[2]))

    def _unless_prose(self, found: re.Match[str]) -> str:
        return found[0] if _PROSE.match(found[2]) else self._second_group(found)
