"""The faults of a client: a catalogue of declared misbehaviours of the caller, by plane. Importing this package fills the registry."""

from __future__ import annotations

from harness.client.faults import audio, call, connection, events, offer, session, token, turns
from harness.client.faults.base import CLIENT_FAULTS, ClientFault, ClientFaults, Conduct

__all__ = [
    "CLIENT_FAULTS",
    "ClientFault",
    "ClientFaults",
    "Conduct",
]

MODULES = (token, call, offer, connection, events, session, turns, audio)
