"""The private parts of aiortc, aioice and pylibsrtp that the hooks need, checked when this is imported.

A release without one of them would not fail: packets would go unrecorded, and a rule would judge what it never saw. So the shape of
each part is written down here and compared with what is installed.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from types import MappingProxyType

import aioice.ice
import pylibsrtp
from aiortc import RTCRtpReceiver, RTCRtpSender, RTCRtpTransceiver
from aiortc.rtcdtlstransport import RTCDtlsTransport, RtpRouter
from aiortc.rtcicetransport import RTCIceTransport
from aiortc.rtcsctptransport import RTCSctpTransport

from harness.errors import UnknownLibrary

KNOWN: Mapping[str, str] = MappingProxyType({"aiortc": "1.16.0", "aioice": "0.13.0", "pylibsrtp": "1.0.0"})
"""The releases that these parts were read from."""

# A function with its parameters, or the name of an attribute that the class's own code uses.
PARTS: Mapping[type, str] = MappingProxyType(
    {
        RTCDtlsTransport: """
            _validate_peer_identity(self, remoteParameters)   _set_state(self, state)   _set_role(self, role)
            async _send_rtp(self, data)
            async _handle_rtcp_data(self, data)   async _handle_rtp_data(self, data, arrival_time_ms)
            _register_rtp_receiver(self, receiver, parameters)   _state _ssl _role _rx_srtp _tx_srtp _rtp_router""",
        RtpRouter: "route_rtp(self, packet)",
        RTCIceTransport: "_connection",
        aioice.ice.Connection: """
            async get_component_candidates(self, component, addresses, timeout)   data_received(self, data, component)
            async connect(self)   _check_list_maybe_fail(self)   _check_periodic(self)
            _protocols _queue _nominated _closing _check_list _check_list_done""",
        aioice.ice.StunProtocol: "datagram_received(self, data, addr)   transport",
        RTCSctpTransport: """
            async _data_channel_receive(self, stream_id, pp_id, data)
            async _send(self, stream_id, pp_id, user_data, expiry, max_retransmits, ordered)
            async _data_channel_flush(self)   async _handle_data(self, data)   async _receive_data_chunk(self, chunk)   async _send_chunk(self, chunk)
            async _receive_sack_chunk(self, chunk)   _update_rto(self, R)
            _sent_queue _outbound_queue _data_channel_queue _data_channels _remote_max_message_size _advertised_rwnd
            _local_verification_tag _local_tsn _reconfig_request_seq _last_sacked_tsn _advanced_peer_ack_tsn
            _sent_time _sent_count""",
        RTCRtpReceiver: "async receive(self, parameters)   async _run_rtcp(self)   __remote_streams __started __rtcp_task",
        RTCRtpSender: """
            async send(self, parameters)   async _run_rtp(self, codec)   _enabled _ssrc
            __rtp_started __rtp_exited __ntp_timestamp __rtp_timestamp __octet_count __packet_count""",
        RTCRtpTransceiver: "_codecs",
        pylibsrtp.Session: "protect(self, packet)   unprotect(self, packet)",
    }
)  # fmt: skip
_PART = re.compile(r"(?:async )?\w+(?:\([^)]*\))?")


def check(parts: Mapping[type, str] = PARTS) -> None:
    """Compare the parts with what is installed. Raises UnknownLibrary that names the first part that is missing or has another shape."""
    for owner, listed in parts.items():
        for wanted in _PART.findall(listed):
            name = wanted.removeprefix("async ").partition("(")[0]
            found = _shape(owner, name)
            if found != wanted:
                library = owner.__module__.partition(".")[0]
                raise UnknownLibrary(
                    f"{library} {_installed(library)} has no {owner.__name__} part {wanted!r}"
                    + (f"; it has {found!r}" if found else ""),
                    fix=f"install a release that this version knows: {', '.join(f'{one}=={KNOWN[one]}' for one in KNOWN)}",
                )


def _shape(owner: type, name: str) -> str:
    """The part as it is written in the table; empty where there is none."""
    private = f"_{owner.__name__}{name}" if name.startswith("__") else name
    part = inspect.getattr_static(owner, private, None)
    if callable(part):
        manner = "async " if inspect.iscoroutinefunction(part) else ""
        return f"{manner}{name}({', '.join(inspect.signature(part).parameters)})"
    return name if part is not None or private in set(_names(owner)) else ""


def _names(owner: type) -> Iterator[str]:
    """The names that the code of a class uses, its attributes among them."""
    for member in vars(owner).values():
        code = getattr(getattr(member, "fget", None) or member, "__code__", None)
        if code is not None:
            yield from code.co_names


def _installed(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:
        return "(not installed as a package)"


check()
