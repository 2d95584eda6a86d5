"""Takes secrets out of everything before it is stored: by place (headers, fields, SDP, queries), by shape, and by value.

A secret becomes a mark, ``[redacted:N:LEN:CLASS]``. N counts distinct secrets in order of first appearance within one
recording, so that rules can still say "the same key" or "another key" without anyone being able to guess it; LEN is its
length in characters; CLASS is ``ice`` when all characters are ICE characters (RFC 8839 section 5.4: ALPHA / DIGIT / "+" / "/"),
else ``text``. Redaction is idempotent: marks are left as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, quote_plus

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
ICE_PWD = re.compile(r"(?i)(a=ice-pwd:)([^\s\\\"]+)")
# Bearer and header-like text inside error messages, logs and bodies.
BEARER = re.compile(r"(?i)(\bbearer\s+)([^\s\"',;<>\\\[]+)")
HEADER_TEXT = re.compile(
    r"(?i)(\b(?:api-key|x-api-key|ocp-apim-subscription-key)\b[\"']?\s*[:=]\s*[\"']?)([^\s\"',;<>\\\[]+)"
)
SHAPES = (
    re.compile(r"\b(?:ek|sk|rk)[_-][A-Za-z0-9_-]{8,}"),  # OpenAI ephemeral, secret and restricted keys
    re.compile(r"\beyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?"),  # JWT (Entra tokens)
    re.compile(r"\b[0-9a-fA-F]{32}\b"),  # classic Azure resource keys
    re.compile(r"\b[A-Za-z0-9]{20,}AAA[A-Za-z0-9]{4,}ACOG[A-Za-z0-9]{4}\b"),  # newer Azure AI resource keys
)
_ICE = re.compile(r"[A-Za-z0-9+/]+\Z")
_SHORTEST_KNOWN = 4


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
    """Redacts values of one recording; remembers each secret it met, so that it is recognised wherever it turns up later."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        self._numbers: dict[str, int] = {}
        self._pattern: re.Pattern[str] | None = None
        self._spellings: dict[str, str] = {}
        for secret in known:
            self.learn(secret)

    def learn(self, secret: str) -> None:
        """From now on ``secret`` is removed wherever it stands, also percent-encoded or JSON-escaped.

        Values shorter than four characters are ignored: removing them would destroy the recording and hide nothing.
        """
        secret = secret.strip()
        if len(secret) < _SHORTEST_KNOWN or secret in self._numbers or MARK.search(secret):
            return
        self._numbers[secret] = len(self._numbers) + 1
        escaped = secret.replace("\\", "\\\\").replace('"', '\\"')
        for spelling in {secret, quote(secret, safe=""), quote_plus(secret), quote(secret), escaped}:
            self._spellings[spelling] = secret
        longest_first = sorted(self._spellings, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def mark(self, secret: str) -> str:
        """Learn ``secret`` and return its mark; a text that is a mark already is returned unchanged."""
        if MARK.search(secret):
            return secret
        secret = secret.strip()
        self.learn(secret)
        number = self._numbers.get(secret, 0)
        return f"[redacted:{number}:{len(secret)}:{'ice' if _ICE.match(secret) else 'text'}]"

    def headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        """HTTP headers with lower-case names and secret values marked (the auth scheme stays readable)."""
        clean: dict[str, str] = {}
        for name, value in headers.items():
            lower = name.lower()
            if lower in SECRET_HEADERS:
                scheme, space, rest = value.partition(" ")
                clean[lower] = f"{scheme} {self.mark(rest)}" if space and rest.strip() else self.mark(value)
            else:
                clean[lower] = self.text(value)
        return clean

    def text(self, text: str) -> str:
        """Free text (URL, SDP, message, log line) with every secret in it marked."""
        text = ICE_PWD.sub(self._second_group, text)
        text = SECRET_QUERY.sub(self._second_group, text)
        text = BEARER.sub(self._second_group, text)
        text = HEADER_TEXT.sub(self._second_group, text)
        for shape in SHAPES:
            text = shape.sub(lambda found: self.mark(found[0]), text)
        if self._pattern is not None:
            text = self._pattern.sub(lambda found: self.mark(self._spellings[found[0]]), text)
        return text

    def value(self, value: Any) -> Any:
        """Any JSON value: strings cleaned, secret fields marked, the rest untouched. Never changes its argument."""
        match value:
            case str():
                return self.text(value)
            case Mapping():
                # A GA key response: {"value": "...", "expires_at": ...} at the top level.
                keylike = isinstance(value.get("value"), str) and "expires_at" in value
                return {
                    self.text(str(key)): self.mark(inner)
                    if keylike and key == "value" and inner
                    else self._field(str(key), inner)
                    for key, inner in value.items()
                }
            case list() | tuple():
                return [self.value(inner) for inner in value]
        return value

    def _field(self, key: str, inner: Any) -> Any:
        if key.lower() in SECRET_FIELDS:
            if isinstance(inner, str) and inner:
                return self.mark(inner)
            if isinstance(inner, Mapping):  # {"client_secret": {"value": "...", "expires_at": 1}}
                return {
                    str(name): self.mark(field) if isinstance(field, str) and name == "value" else self.value(field)
                    for name, field in inner.items()
                }
        return self.value(inner)

    def _second_group(self, found: re.Match[str]) -> str:
        return found[1] + (found[2] if MARK.search(found[2]) else self.mark(found[2]))
