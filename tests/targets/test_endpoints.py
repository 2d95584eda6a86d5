from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.protocol.dialects import DIALECTS
from harness.scenario.model import Caller
from harness.targets.endpoints import Endpoints, available, fake_endpoints, live_endpoints
from harness.targets.environment import load_environment

AZURE = {"AZURE_OPENAI_RESOURCE_NAME": "my-resource", "AZURE_OPENAI_REALTIME_KEY": "k" * 32}
OPENAI = {"OPENAI_API_KEY": "sk-0123456789abcdef"}


def test_the_seeds_configuration_gives_the_seeds_urls() -> None:
    env = {
        "VITE_AZURE_OPENAI_RESOURCE_NAME": "my-resource",
        "VITE_AZURE_OPENAI_REALTIME_KEY": "your-api-key-here",
        "VITE_AZURE_OPENAI_REALTIME_DEPLOYMENT": "gpt-realtime",
        "VITE_AZURE_OPENAI_REALTIME_API_VERSION": "2025-04-01-preview",
        "VITE_AZURE_OPENAI_WEBRTC_REGION": "eastus",
    }
    found = live_endpoints("azure-preview", env)
    assert (
        found.key_url
        == "https://my-resource.openai.azure.com/openai/realtimeapi/sessions?api-version=2025-04-01-preview"
    )
    assert found.call_url == "https://eastus.realtimeapi-preview.ai.azure.com/v1/realtimertc?model=gpt-realtime"
    assert found.credentials() == {"api-key": "your-api-key-here"}
    assert found.hangup_url("rtc_1") is None
    assert any("eastus is no region of the WebRTC service (eastus2, swedencentral)" in note for note in found.notes)


def test_azure_ga_has_no_api_version_and_one_host() -> None:
    env = {**AZURE, "AZURE_OPENAI_REALTIME_API_VERSION": "2025-04-01-preview", "AZURE_OPENAI_REALTIME_DEPLOYMENT": "d"}
    found = live_endpoints("azure-ga", env)
    assert found.key_url == "https://my-resource.openai.azure.com/openai/v1/realtime/client_secrets"
    assert found.call_url == "https://my-resource.openai.azure.com/openai/v1/realtime/calls"
    assert found.hangup_url("rtc/1") == "https://my-resource.openai.azure.com/openai/v1/realtime/calls/rtc%2F1/hangup"
    assert found.notes == ()
    assert found.config() == {
        "dialect": "azure-ga",
        "resource": "my-resource",
        "deployment": "d",
        "auth": "api-key",
        "key_url": found.key_url,
        "call_url": found.call_url,
    }


def test_the_preview_region_defaults_to_a_webrtc_region() -> None:
    found = live_endpoints("azure-preview", {**AZURE, "AZURE_OPENAI_REALTIME_DEPLOYMENT": "d"})
    assert found.region == "eastus2"
    assert found.notes == ()


def test_a_region_may_be_written_as_the_portal_does() -> None:
    assert live_endpoints("azure-preview", {**AZURE, "AZURE_OPENAI_WEBRTC_REGION": "Sweden Central"}).region == (
        "swedencentral"
    )
    with pytest.raises(UsageError, match="'a/b' is not a region"):
        live_endpoints("azure-preview", {**AZURE, "AZURE_OPENAI_WEBRTC_REGION": "a/b"})


def test_a_missing_deployment_is_said() -> None:
    found = live_endpoints("azure-ga", AZURE)
    assert found.model == "gpt-realtime"
    assert found.notes == ("AZURE_OPENAI_REALTIME_DEPLOYMENT is not set: the deployment is taken to be gpt-realtime",)


@pytest.mark.parametrize(
    "given_name",
    [
        "my-resource",
        "https://my-resource.openai.azure.com",
        "https://my-resource.openai.azure.com/openai/v1/",
        "my-resource.openai.azure.com",
        "my-resource.cognitiveservices.azure.com/",
        ' "my-resource" ',
    ],
)
def test_the_resource_may_be_a_name_a_host_or_a_url(given_name: str) -> None:
    found = live_endpoints("azure-ga", {**AZURE, "AZURE_OPENAI_RESOURCE_NAME": given_name})
    assert found.key_url == "https://my-resource.openai.azure.com/openai/v1/realtime/client_secrets"


@pytest.mark.parametrize("given_name", ["my resource", "https://", "http://[", "-x", "é"])
def test_a_resource_that_is_none_is_refused(given_name: str) -> None:
    with pytest.raises(UsageError, match="is not a resource name") as caught:
        live_endpoints("azure-ga", {**AZURE, "AZURE_OPENAI_RESOURCE_NAME": given_name})
    assert caught.value.where == "AZURE_OPENAI_RESOURCE_NAME"


def test_the_endpoint_overrides_the_host_of_every_azure_url() -> None:
    env = {"AZURE_OPENAI_ENDPOINT": "http://127.0.0.1:8080/", "AZURE_OPENAI_REALTIME_KEY": "k" * 32}
    preview, ga = live_endpoints("azure-preview", env), live_endpoints("azure-ga", env)
    assert preview.key_url.startswith("http://127.0.0.1:8080/openai/realtimeapi/sessions?")
    assert preview.call_url.startswith("http://127.0.0.1:8080/v1/realtimertc?")
    assert preview.call_host == "eastus2.localhost:8080"
    assert ga.call_url == "http://127.0.0.1:8080/openai/v1/realtime/calls"
    assert ga.call_host is None
    assert preview.loopback
    assert ga.loopback


def test_a_resources_own_endpoint_leaves_the_regional_host_alone() -> None:
    env = {
        "AZURE_OPENAI_ENDPOINT": "https://my-resource.openai.azure.com/",
        "AZURE_OPENAI_REALTIME_KEY": "k" * 32,
    }
    found = live_endpoints("azure-preview", env)
    assert found.key_url.startswith("https://my-resource.openai.azure.com/openai/realtimeapi/sessions?")
    assert found.call_url.startswith("https://eastus2.realtimeapi-preview.ai.azure.com/v1/realtimertc?")
    assert found.resource == "my-resource"
    assert not found.loopback


@pytest.mark.parametrize(
    "address", ["https://gw.example/proxy", "https://gw.example/proxy/v1", "https://gw.example/proxy/v1/"]
)
def test_the_openai_base_url_may_end_in_v1_or_not(address: str) -> None:
    found = live_endpoints("openai-ga", {**OPENAI, "OPENAI_BASE_URL": address})
    assert found.key_url == "https://gw.example/proxy/v1/realtime/client_secrets"
    assert found.hangup_url("rtc_1") == "https://gw.example/proxy/v1/realtime/calls/rtc_1/hangup"
    assert found.credentials() == {"authorization": "Bearer sk-0123456789abcdef"}


def test_without_a_base_url_openai_is_openai() -> None:
    assert live_endpoints("openai-beta", OPENAI).call_url == (
        "https://api.openai.com/v1/realtime?model=gpt-4o-realtime-preview"
    )


def test_an_entra_token_is_sent_as_bearer() -> None:
    found = live_endpoints("azure-ga", {**AZURE, "AZURE_OPENAI_AD_TOKEN": "eyJhbGciOi.x.y"})
    assert found.auth.name == "bearer"
    assert found.credentials() == {"authorization": "Bearer eyJhbGciOi.x.y"}
    assert "eyJhbGciOi" not in repr(found)
    assert "eyJhbGciOi" not in str(found.config())


def test_missing_variables_are_all_named_in_both_spellings() -> None:
    with pytest.raises(UsageError) as caught:
        live_endpoints("azure-preview", {"AZURE_OPENAI_REALTIME_KEY": "  "})
    message = str(caught.value)
    for name in ("AZURE_OPENAI_RESOURCE_NAME", "AZURE_OPENAI_REALTIME_KEY"):
        assert f"{name} (or VITE_{name})" in message
    assert ".env.local" in message
    with pytest.raises(UsageError, match="OPENAI_API_KEY"):
        live_endpoints("openai-ga", AZURE)


def test_available_gives_a_reason_on_one_line() -> None:
    assert available("azure-ga", AZURE) is None
    reason = available("openai-ga", AZURE)
    assert reason is not None
    assert "OPENAI_API_KEY" in reason
    assert "\n" not in reason


def test_a_mistake_is_no_reason_to_skip() -> None:
    with pytest.raises(UsageError, match="is not a resource name"):
        available("azure-ga", {**AZURE, "AZURE_OPENAI_RESOURCE_NAME": "two words"})


def test_what_the_vendor_removed_is_only_called_elsewhere() -> None:
    assert available("openai-beta", OPENAI) == "OpenAI, beta was removed 2026-05-12"
    assert available("openai-beta", {**OPENAI, "OPENAI_BASE_URL": "https://gw.example/v1"}) is None
    assert available("azure-preview", AZURE) is None


@pytest.mark.parametrize("key", ["two words", "line\nend", "ключ-ключ"])
def test_a_key_that_no_header_can_carry_is_refused_without_showing_it(key: str) -> None:
    with pytest.raises(UsageError) as caught:
        live_endpoints("openai-ga", {"OPENAI_API_KEY": key})
    assert key not in str(caught.value)
    assert "OPENAI_API_KEY" in str(caught.value)


@pytest.mark.parametrize(
    "address", ["gw.example", "ftp://gw.example", "http://", "http://host:99999", "http://[", "https://u:pw@gw.example"]
)
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(UsageError) as caught:
        live_endpoints("openai-ga", {**OPENAI, "OPENAI_BASE_URL": address})
    assert caught.value.where == "OPENAI_BASE_URL"
    assert "pw" not in str(caught.value)


def test_clear_text_off_this_machine_is_noted() -> None:
    assert fake_endpoints("azure-ga", "http://192.0.2.1:8080", api_key="key-1").notes == (
        "http://192.0.2.1:8080 is not encrypted: keys travel in clear text",
    )
    assert fake_endpoints("azure-ga", "http://[::1]:8080", api_key="key-1").notes == ()


def test_a_fake_has_the_dialects_paths_and_defaults() -> None:
    found = fake_endpoints("azure-preview", "http://127.0.0.1:4711", api_key="key-1")
    assert found.key_url == "http://127.0.0.1:4711/openai/realtimeapi/sessions?api-version=2025-04-01-preview"
    assert found.call_url == "http://127.0.0.1:4711/v1/realtimertc?model=gpt-4o-realtime-preview"
    assert (found.loopback, found.region, found.auth.name) == (True, "eastus2", "api-key")
    assert not fake_endpoints("openai-ga", "https://gateway.example", api_key="key-1").loopback


def test_an_unknown_dialect_names_the_known_ones() -> None:
    with pytest.raises(UsageError, match="azure-preview, azure-ga, openai-ga, openai-beta"):
        fake_endpoints("azure", "http://127.0.0.1:1", api_key="key-1")


def test_a_scenarios_caller_changes_key_model_region_and_filter() -> None:
    plain = fake_endpoints("azure-preview", "http://127.0.0.1:1", api_key="key-1")
    changed = plain.for_caller(Caller(api_key="wrong", model="Other", region="eastus", webrtcfilter=True))
    assert changed.credentials() == {"api-key": "wrong"}
    assert changed.call_url == "http://127.0.0.1:1/v1/realtimertc?model=Other"
    assert changed.call_host == "eastus.localhost:1"
    assert [note.partition(":")[0] for note in changed.notes] == [
        "webrtcfilter left out",
        "eastus is no region of the WebRTC service (eastus2, swedencentral); AZURE_OPENAI_WEBRTC_REGION must be the resource's region",
    ]
    ga = fake_endpoints("azure-ga", "http://127.0.0.1:1", api_key="key-1")
    assert ga.for_caller(Caller(webrtcfilter=True)).call_url.endswith("/calls?webrtcfilter=on")
    assert ga.for_caller(Caller(region="eastus")).notes == (
        "region eastus left out: azure-ga has no region in its URLs",
    )
    with pytest.raises(UsageError, match="is not a region"):
        plain.for_caller(Caller(region="evil.example/"))


@given(st.sampled_from(sorted(DIALECTS)), st.text(max_size=40))
def test_no_model_name_changes_where_a_request_goes(dialect: str, model: str) -> None:
    found = fake_endpoints(dialect, "http://127.0.0.1:1", api_key="key-1", model=model)
    other: Endpoints = fake_endpoints(dialect, "http://127.0.0.1:1", api_key="key-1")
    assert found.call_url.partition("?")[0] == other.call_url.partition("?")[0]
    assert found.call_url.isascii()


class TestLoadEnvironment:
    def test_local_wins_over_env_and_the_process_over_both(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / ".env").write_text("FIRST=env\nSECOND=env\nTHIRD=env\nBARE\n")
        (tmp_path / ".env.local").write_text("SECOND=local\nTHIRD=local # a comment\n")
        monkeypatch.setenv("THIRD", "process")
        found = load_environment(tmp_path)
        assert (found["FIRST"], found["SECOND"], found["THIRD"]) == ("env", "local", "process")
        assert "BARE" not in found

    def test_no_file_is_no_error(self, tmp_path: Path) -> None:
        (tmp_path / ".env").mkdir()
        load_environment(tmp_path)

    def test_a_byte_order_mark_hides_nothing(self, tmp_path: Path) -> None:
        (tmp_path / ".env.local").write_bytes(b"\xef\xbb\xbfVITE_AZURE_OPENAI_RESOURCE_NAME=my-resource\r\n")
        assert load_environment(tmp_path)["VITE_AZURE_OPENAI_RESOURCE_NAME"] == "my-resource"

    def test_a_file_that_is_not_text_is_named(self, tmp_path: Path) -> None:
        (tmp_path / ".env.local").write_bytes(b"KEY=\xff\xfe\x00")
        with pytest.raises(UsageError, match="not UTF-8 text") as caught:
            load_environment(tmp_path)
        assert caught.value.where.endswith(".env.local")
