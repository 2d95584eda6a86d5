"""How one secret may be spelled in other people's text: escaped for JSON, a URL or HTML, or inside Base64; and text without its escapes."""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
from collections.abc import Iterator
from urllib.parse import quote, quote_plus

# Of a secret inside Base64 only what no neighbour changes is looked for; shorter than this it could be any word.
_SHORTEST_CORE = 8
_ROUNDS = 4

# \u0041 \x41 \/ of JSON and JavaScript, %41 of URLs, &#65; &#x41; &amp; of HTML. Runs of %XX are octets of UTF-8.
_ESCAPE = re.compile(
    r"\\+u(?P<unit>[0-9a-fA-F]{4})|\\+x(?P<octet>[0-9a-fA-F]{2})|\\+(?P<plain>[/\"'])"
    r"|(?P<percent>(?:%[0-9a-fA-F]{2})+)|&(?:\#\d{1,7}|\#[xX][0-9a-fA-F]{1,6}|[A-Za-z]{2,31});"
)


def spellings(secret: str) -> set[str]:
    """The secret itself, and as it is written in URLs, JSON and HTML."""
    return {
        secret,
        quote(secret, safe="", errors="surrogatepass"),
        quote_plus(secret, errors="surrogatepass"),
        quote(secret, errors="surrogatepass"),
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        html.escape(secret),
    }


def base64_cores(secret: str) -> set[str]:
    """What the Base64 of any text around the secret must hold (:rfc:`4648` sections 4 and 5), for each of its three alignments."""
    octets = secret.encode("utf-8", "surrogatepass")
    cores: set[str] = set()
    for before in range(3):
        # A character is the secret's own when all of its six bits are.
        first, end = -(-before * 8 // 6), (before + len(octets)) * 8 // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            cores.add(encode(bytes(before) + octets).decode()[first:end])
    return {core for core in cores if len(core) >= _SHORTEST_CORE}


def layers(text: str) -> Iterator[str]:
    """``text`` with its escapes replaced by what they stand for, then with those that this brings to light, and so on."""
    for _ in range(_ROUNDS):
        plain = _ESCAPE.sub(_unescape, text)
        if plain == text:
            break
        yield plain
        text = plain


def unescaped(text: str) -> str:
    """``text`` without any escapes."""
    for plain in layers(text):
        text = plain
    return text


def _unescape(found: re.Match[str]) -> str:
    if code := found["unit"] or found["octet"]:
        return chr(int(code, 16))
    if found["plain"]:
        return found["plain"]
    if found["percent"]:
        return bytes.fromhex(found["percent"].replace("%", "")).decode("utf-8", "replace")
    return html.unescape(found[0])


def parts_of_basic(credential: str) -> Iterator[str]:
    """User name and password out of the credential of HTTP Basic authentication (:rfc:`7617` section 2); nothing where it is none."""
    try:
        user, colon, password = base64.b64decode(credential, validate=True).decode("utf-8", "replace").partition(":")
    except (ValueError, binascii.Error):
        return
    if colon:
        yield from (password, user)
