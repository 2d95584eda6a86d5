"""How a certificate is checked."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from harness.access import tls
from harness.errors import UsageError
from harness.protocol.dialects import DIALECTS
from harness.targets import Endpoints


def endpoints(**options: object) -> Endpoints:
    return Endpoints(DIALECTS["openai-ga"], "key", "bearer", "gpt-realtime", **options)  # type: ignore[arg-type]


def test_certificates_are_checked_and_their_list_is_read_once() -> None:
    context = tls(endpoints())
    assert isinstance(context, ssl.SSLContext)
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert context.cert_store_stats()["x509_ca"] > 0
    assert tls(endpoints()) is context


def test_the_environments_certificates_count_unless_the_service_is_on_this_machine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "missing.pem"))
    tls.__globals__["_usual_certificates"].cache_clear()
    assert isinstance(tls(endpoints(loopback=True)), ssl.SSLContext)
    with pytest.raises(UsageError, match="SSL_CERT_FILE"):
        tls(endpoints())


def test_checking_can_be_switched_off() -> None:
    assert tls(endpoints(verify=False)) is False


def test_a_file_without_certificates_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "empty.pem"
    path.write_text("")
    with pytest.raises(UsageError, match=r"empty\.pem"):
        tls(endpoints(cafile=str(path)))
