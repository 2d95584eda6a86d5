"""Who may use a proxy that spends a key of its own: this machine, and pages of the origins that were named. Pure.

Whoever reaches it spends the key. A page of another site can send requests to 127.0.0.1 (its ``Origin`` tells), and a name that
its owner points to 127.0.0.1 makes them look like the site's own (DNS rebinding; its ``Host`` tells).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from harness.errors import UsageError
from harness.fake.cors import EXPOSED
from harness.protocol.hosts import is_loopback


@dataclass(frozen=True)
class Access:
    """The rule: requests come to ``host`` (as given to ``--host``), an address or this machine's name; ``origins`` may be pages of theirs."""

    host: str
    origins: tuple[str, ...] = ()

    def refusal(self, headers: Mapping[str, str], peer: str) -> str:
        """Why a request with these headers (names in lower case) from the address ``peer`` is refused; empty where it is not."""
        host = headers.get("host", "")
        if not self._known(host):
            return f"the Host header names {host[:100]!r}, which is not this machine: it may be another site that points here (a name of this machine is given by --host)"
        origin = headers.get("origin")
        if origin is None:
            return "" if is_loopback(peer) else f"{peer} is not this machine, and the request names no Origin"
        if _origin(origin) in self.origins:
            return ""
        return f"the page's origin {origin[:100]} is not allowed: start the proxy with --allow-origin {origin[:100]}"

    def answer(self, origin: str) -> dict[str, str]:
        """The CORS headers of an answer to a page that may use the proxy."""
        return {
            "access-control-allow-origin": origin,
            "access-control-expose-headers": ", ".join(EXPOSED),
            "vary": "Origin",
        }

    def preflight(self, asked: Mapping[str, str]) -> dict[str, str]:
        """The headers of the answer to a preflight of such a page: what it asks for is allowed, since the service gets none of it unseen."""
        return {
            **self.answer(asked["origin"]),
            "access-control-allow-methods": "POST, DELETE",
            "access-control-allow-headers": asked.get("access-control-request-headers", ""),
            "access-control-max-age": "600",
            **(
                {"access-control-allow-private-network": "true"}
                if "access-control-request-private-network" in asked
                else {}
            ),
        }

    def _known(self, host: str) -> bool:
        """An address cannot be rebound; of names only this machine's own, and the one that was given, are known."""
        try:
            name = urlsplit(f"//{host}").hostname or ""
        except ValueError:
            return False
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return bool(name) and (is_loopback(name) or name == self.host.lower())
        return True


def access(host: str, origins: Sequence[str]) -> Access:
    """The rule for a proxy with a key of its own. Raises UsageError for an origin that is none, and where anybody could use the key."""
    if not is_loopback(host) and not origins:
        raise UsageError(
            "with --own-key and an address that others can reach, anybody could spend the key",
            where=f"--host {host}",
            fix="name the pages that may use it with --allow-origin https://app.example, or leave --host out",
        )
    return Access(host, tuple(named_origin(one) for one in origins))


def named_origin(text: str) -> str:
    """An origin as browsers write it (:rfc:`6454` section 6.2). Raises UsageError where it is none."""
    found = _origin(text)
    if not found:
        raise UsageError(
            f"{text[:80]!r} is not an origin",
            where="--allow-origin",
            fix="write scheme, host and port as the browser does: https://app.example or http://localhost:5173",
        )
    return found


def _origin(text: str) -> str:
    try:
        parts = urlsplit(text.strip())
        port = parts.port
    except ValueError:
        return ""
    usual = {"http": 80, "https": 443}.get(parts.scheme)
    if (
        usual is None
        or not parts.hostname
        or parts.path not in ("", "/")
        or parts.query
        or parts.fragment
        or parts.username
    ):
        return ""
    name = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{name}" + (f":{port}" if port is not None and port != usual else "")
