"""What a finished DTLS handshake came to, read from the private parts of aiortc's transport."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aiortc.rtcdtlstransport import X509_DIGEST_ALGORITHMS, certificate_digest


@dataclass(frozen=True)
class Handshake:
    """A finished DTLS handshake: our ``role`` ("client" or "server"), "DTLSv1.2", the SRTP profile of :rfc:`5764` or an empty text.

    ``matches`` tells whether the SHA-256 ``fingerprint`` of the peer's certificate, or its digest by another function, is one of
    those in the remote description.
    """

    role: str
    version: str
    srtp_profile: str
    fingerprint: str
    matches: bool


def handshake_of(dtls: Any, remote: Any) -> Handshake:
    """The handshake of an ``RTCDtlsTransport``, against the ``RTCDtlsParameters`` of the remote description."""
    certificate = dtls._ssl.get_peer_certificate(as_cryptography=True)
    own = {name: certificate_digest(certificate, name) for name in X509_DIGEST_ALGORITHMS}
    return Handshake(
        role=dtls._role,
        version=dtls._ssl.get_protocol_version_name(),
        srtp_profile=(dtls._ssl.get_selected_srtp_profile() or b"").decode(),
        fingerprint=own["sha-256"],
        matches=any(own.get(one.algorithm.lower()) == one.value.upper() for one in remote.fingerprints),
    )
