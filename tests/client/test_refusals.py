import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.client.http import Response
from harness.client.refusals import explain, seen
from harness.protocol.dialects import DIALECTS
from harness.targets.endpoints import fake_endpoints, live_endpoints
from harness.trace.redact import Redactor

AZURE = {
    "AZURE_OPENAI_RESOURCE_NAME": "my-resource",
    "AZURE_OPENAI_REALTIME_KEY": "long-lived-key-0123456789",
    "AZURE_OPENAI_REALTIME_DEPLOYMENT": "my-deployment",
}


NO = Response(401, {}, "", "", False, False, 0)


def refuse(
    status: int, body: Any = "", *, step: str = "key", dialect: str = "azure-ga", region: str = "", **headers: str
) -> tuple[str, str]:
    text = body if isinstance(body, str) else json.dumps(body)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    response = Response(status, sent, text, body, not isinstance(body, str), False, 0)
    env = {**AZURE, "OPENAI_API_KEY": "sk-0123456789", "AZURE_OPENAI_WEBRTC_REGION": region}
    endpoints = live_endpoints(dialect, env)
    return explain(endpoints, step, endpoints.key_url if step == "key" else endpoints.call_url, response, str)


def error(code: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


def test_401_names_the_variable_to_check() -> None:
    what, fix = refuse(401, error("401", "Access denied due to invalid subscription key or wrong API endpoint."))
    assert what == "the service does not accept the API key"
    assert "AZURE_OPENAI_REALTIME_KEY" in fix
    assert "a valid key of my-resource.openai.azure.com" in fix
    assert "AZURE_OPENAI_RESOURCE_NAME" in fix
    assert "OPENAI_API_KEY" in refuse(401, dialect="openai-ga")[1]


def test_401_at_a_call_speaks_of_the_key_that_was_sent() -> None:
    minted = live_endpoints("openai-ga", {"OPENAI_API_KEY": "sk-0123456789"})
    found = [explain(one, "call", one.call_url, NO, str) for one in (minted, replace(minted, direct=True))]
    assert [what for what, _ in found] == [
        "the service does not accept the ephemeral key",
        "the service does not accept the key that was given for the call request",
    ]
    assert "--key" in found[1][1]


def test_deployment_not_found_says_that_it_is_not_the_models_name() -> None:
    body = error("DeploymentNotFound", "The API deployment for this resource does not exist.")
    what, fix = refuse(404, body)
    assert what == "there is no deployment called 'my-deployment'"
    assert "AZURE_OPENAI_REALTIME_DEPLOYMENT" in fix
    assert "case sensitive and not the model's name" in fix
    assert refuse(404, "deployment not found", step="call")[0] == what


def test_a_missing_model_is_told_apart() -> None:
    body = error("model_not_found", "The model `gpt-realtime-2.1` does not exist")
    assert refuse(404, body, dialect="openai-ga") == (
        "there is no model called 'gpt-realtime-2.1'",
        "set OPENAI_REALTIME_MODEL to a realtime model that this key may use",
    )


@pytest.mark.parametrize("status", [403, 404])
def test_the_regional_host_must_be_the_resources_own_region(status: int) -> None:
    what, fix = refuse(status, "region not available", step="call", dialect="azure-preview", region="eastus")
    assert "region 'eastus'" in what
    assert "AZURE_OPENAI_WEBRTC_REGION" in fix
    assert "eastus is not a WebRTC region" in fix
    assert "eastus2 and swedencentral only" in fix
    assert "is not a WebRTC region" not in refuse(status, "", step="call", dialect="azure-preview")[1]


def test_region_is_no_topic_where_the_url_has_none() -> None:
    what, fix = refuse(404, error("404", "Resource not found"), step="call")
    assert what == "the service has nothing at this address"
    assert "https://my-resource.openai.azure.com/openai/v1/realtime/calls" in fix
    assert "region" not in fix


@pytest.mark.parametrize(
    ("message", "meaning"),
    [
        ("This operation requires ephemeral authentication.", "wants the ephemeral key"),
        ("The ephemeral key has expired", "had expired"),
        ("nope", "does not accept the ephemeral key"),
    ],
)
def test_401_at_the_call_request(message: str, meaning: str) -> None:
    what, fix = refuse(401, error("Unauthorized", message), step="call", dialect="azure-preview")
    assert meaning in what
    assert "60 s" in fix or "Bearer" in fix


def test_the_beta_shape_that_is_gone_is_the_wrong_dialect() -> None:
    what, fix = refuse(400, error("beta_api_shape_disabled", "gone"), dialect="openai-beta")
    assert "no longer speaks the beta protocol" in what
    assert "openai-ga" in fix


def test_400_at_either_request() -> None:
    assert "session field" in refuse(400, error("unknown_parameter", "Unknown parameter: 'session.temperature'"))[0]
    assert "does not do realtime" in refuse(400, error("OpperationNotSupported", "no"))[0]
    assert refuse(400, "no")[0] == "the service refuses the token request"
    assert refuse(400, error("invalid_offer", "Invalid SDP offer."), step="call")[0] == "the service refuses the offer"
    assert refuse(415, "", step="call")[0] == "the service refuses the offer"


def test_429_says_how_long() -> None:
    assert refuse(429, "", retry_after="60")[1].startswith("wait 60 s, as the service asks;")
    assert refuse(429, "", retry_after="2")[1].startswith("wait 2 s, as the service asks (it was waited for once);")
    assert refuse(429, "")[1].startswith("the service does not say how long to wait;")
    assert "waiting does not help" in refuse(429, error("insufficient_quota", "You exceeded"), retry_after="1")[1]


def test_a_redirect_says_where_to() -> None:
    what, _ = refuse(302, "", location="https://login.example/")
    assert what.startswith("the service redirects to https://login.example/; redirects are not followed")
    assert "nowhere" in refuse(304, "")[0]


def test_a_web_page_is_called_one() -> None:
    what, fix = refuse(502, "<html><h1>Bad gateway", content_type="text/html")
    assert what == "a web page came instead of an answer of the API (status 502)"
    assert "AZURE_OPENAI_ENDPOINT" in fix


def test_5xx_was_asked_twice() -> None:
    assert refuse(503)[0] == "the service failed (503), also when asked again"


@given(
    st.integers(100, 999),
    st.sampled_from(["key", "call"]),
    st.sampled_from(sorted(DIALECTS)),
    st.text(max_size=200),
    st.text(max_size=50),
)
def test_every_status_has_a_meaning_and_a_fix(status: int, step: str, dialect: str, text: str, location: str) -> None:
    response = Response(status, {"location": location}, text, text, False, False, 0)
    endpoints = fake_endpoints(dialect, "http://127.0.0.1:1", api_key="key-1")
    what, fix = explain(endpoints, step, endpoints.key_url, response, str)
    assert what
    assert fix


class TestSeen:
    def test_either_vendors_error_shape(self) -> None:
        def line(body: Any) -> str:
            return seen(
                Response(404, {"content-type": "application/json; x=y"}, json.dumps(body), body, True, False, 0), str
            )

        assert line(error("DeploymentNotFound", "no such\nthing")) == (
            "HTTP 404, application/json: DeploymentNotFound: no such thing"
        )
        assert line({"error": {"message": "m", "type": "invalid_request_error", "code": None}}) == (
            "HTTP 404, application/json: invalid_request_error: m"
        )
        assert line({"code": "404", "message": "m"}) == "HTTP 404, application/json: 404: m"
        assert line({"error": "m"}) == 'HTTP 404, application/json: {"error": "m"}'
        assert line([]) == "HTTP 404, application/json: []"

    def test_nothing_is_said_to_be_nothing(self) -> None:
        assert seen(Response(500, {}, " ", " ", False, False, 0), str) == "HTTP 500, no content-type: empty body"

    def test_a_key_across_the_cut_is_not_shown_by_half(self) -> None:
        key = "long-lived-key-0123456789"
        text = "x" * 190 + key + "y" * 100
        line = seen(Response(500, {}, text, text, False, False, 0), Redactor([key]).text)
        assert len(line) < 260
        assert "long-lived" not in line
