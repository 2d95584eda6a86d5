"""How far a peer connection came, out of the trace, and what to do where it came no further. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from harness.trace import Entry


def last_states(entries: Iterable[Entry]) -> str:
    """The last ICE, DTLS and connection states, for a message."""
    found = dict.fromkeys(("ice", "dtls", "state"), "new")
    for entry in entries:
        if entry.plane == "connection" and "state" in entry.data:
            found[entry.kind.partition(".")[2]] = entry.data["state"]
    return f"ICE {found['ice']}, DTLS {found['dtls']}, connection {found['state']}"


def channel_fix(states: str) -> str:
    """What to do where the data channel does not open, from the states it got to."""
    if "ICE completed" not in states and "ICE connected" not in states:
        return "let UDP through to the service's candidates (port 3478): TCP is not used; check that the key had not expired"
    if "DTLS connected" not in states:
        return "the DTLS handshake did not finish: compare the answer's fingerprint and setup with the service's certificate"
    return "the connection stands, but the service did not take the data channel: look at its log"
