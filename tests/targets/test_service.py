"""How an unscripted service is entered: keys, models, regions, certificates, and what the environment fills in."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

import pytest

from harness.errors import UsageError
from harness.targets.service import ANY_KEY, Access, service_endpoints, tls

HERE, THERE = "http://127.0.0.1:8080", "https://gateway.example/v1"


@pytest.mark.parametrize(
    ("dialect", "env", "credentials"),
    [
        ("openai-ga", {"OPENAI_API_KEY": "sk-0123456789"}, {"authorization": "Bearer sk-0123456789"}),
        ("azure-ga", {"VITE_AZURE_OPENAI_REALTIME_KEY": "azure-0123456789"}, {"api-key": "azure-0123456789"}),
        ("azure-ga", {"AZURE_OPENAI_AD_TOKEN": "eyJ.a.b"}, {"authorization": "Bearer eyJ.a.b"}),
        ("openai-ga", {}, {"authorization": f"Bearer {ANY_KEY}"}),
    ],
)
def test_credentials_come_from_the_environment(dialect: str, env: dict[str, str], credentials: dict[str, str]) -> None:
    found = service_endpoints(dialect, HERE, env, Access())
    assert found.credentials() == credentials
    assert (found.direct, found.loopback, found.base) == (False, True, HERE)


def test_given_key_goes_before_everything_in_the_environment_and_is_not_shown() -> None:
    env = {"AZURE_OPENAI_REALTIME_KEY": "azure-0123456789", "VITE_AZURE_OPENAI_AD_TOKEN": "eyJ.a.b"}
    access = Access(key="gateway-0123456789")
    found = service_endpoints("azure-ga", THERE, env, access)
    assert (found.direct, found.api_key, found.auth.name) == (True, "gateway-0123456789", "bearer")
    assert "gateway-0123456789" not in repr(access) + repr(found)
    assert access.unscripted.without == {"token-request"}


def test_elsewhere_a_key_is_needed() -> None:
    with pytest.raises(UsageError, match="no key for") as told:
        service_endpoints("openai-ga", THERE, {}, Access())
    assert "OPENAI_API_KEY" in told.value.fix


def test_model_and_region_as_given_and_no_region_on_this_machine_otherwise() -> None:
    found = service_endpoints("azure-preview", HERE, {}, Access(model="mine", region="swedencentral"))
    assert (found.model, found.region, found.call_host) == ("mine", "swedencentral", "swedencentral.localhost:8080")
    assert service_endpoints("azure-preview", HERE, {}, Access()).call_host is None


@pytest.mark.parametrize(
    ("dialect", "access", "says"),
    [
        ("azure-preview", Access(form=True), "takes no form"),
        ("openai-ga", Access(cafile="/no/such.pem"), "no such file"),
        ("azure-preview", Access(region="a/b"), "is not a region"),
        ("openai-ga", Access(key="a key"), "blank"),
    ],
)
def test_wrong_settings(dialect: str, access: Any, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        service_endpoints(dialect, HERE, {}, access)


def test_certificates_are_checked_unless_told_otherwise(tmp_path: Path) -> None:
    usual = tls(service_endpoints("openai-ga", HERE, {}, Access()))
    assert usual is True or (isinstance(usual, ssl.SSLContext) and usual.verify_mode is ssl.CERT_REQUIRED)
    assert tls(service_endpoints("openai-ga", HERE, {}, Access(insecure=True))) is False
    empty = tmp_path / "empty.pem"
    empty.write_text("not a certificate")
    with pytest.raises(UsageError, match="no certificates in it"):
        tls(service_endpoints("openai-ga", HERE, {}, Access(cafile=str(empty))))
