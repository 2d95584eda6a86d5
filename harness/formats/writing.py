"""The forms in which a trace can be given to others, by the names of ``harness export --as``."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from harness.formats import event_log, har, pcap
from harness.trace import Trace

Payloads = Mapping[str, Iterable[bytes]]
"""For each direction ("sent", "received") the packets of the audio file beside a trace, in order."""


@dataclass(frozen=True)
class Export:
    """A row: what it is, the plane of a trace that it ``holds``, how its files end, the octets it makes of a trace and the audio beside it.

    ``options``: what tshark has to be told to read it.
    """

    title: str
    holds: str
    ending: str
    write: Callable[[Trace, Payloads], bytes]
    binary: bool = False
    options: str = ""


EXPORTS: Mapping[str, Export] = {
    "events": Export("the events as JSON lines", "event", ".jsonl", lambda trace, _: event_log.write(trace).encode()),
    "har": Export("the requests as a HAR", "http", ".har", lambda trace, _: har.write(trace).encode()),
    "pcap": Export(
        "the decrypted RTP, for tshark and Wireshark",
        "rtp",
        ".pcap",
        pcap.write,
        binary=True,
        options="-d udp.port==5004,rtp",
    ),
}
