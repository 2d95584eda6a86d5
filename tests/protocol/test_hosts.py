"""Which hosts are this machine."""

from __future__ import annotations

import pytest

from harness.protocol.hosts import is_loopback


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST", "app.localhost", "x.localhost", "127.0.0.1", "127.9.9.9", "::1"]
)
def test_this_machine(host: str) -> None:
    assert is_loopback(host) is True


@pytest.mark.parametrize(
    "host", ["192.0.2.1", "0.0.0.0", "10.0.0.1", "::", "localhost.example", "notlocalhost", "", None]
)
def test_another_machine(host: str | None) -> None:
    assert is_loopback(host) is False
