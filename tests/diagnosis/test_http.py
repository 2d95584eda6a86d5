"""Causes of a refused or unanswered request: by its body, its address, its credentials."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.diagnosis import CAUSES
from harness.protocol.dialects import DIALECTS
from tests.diagnosis.cases import Cases, Recorded, error_body, failed, http, names, refused, unanswered
from tests.traces import trace

PREVIEW = "azure-preview"
AZURE = "https://res.openai.azure.com"

CASES: Cases = {
    "key-already-used": lambda: refused("call", 401, error_body("ephemeral_token_already_used", "already used")),
    "session-refused-at-call": lambda: refused(
        "call", 400, {"detail": "Field `session.model` is not allowed for this connection"}
    ),
    "form-wanted": lambda: refused("call", 422, {"detail": [{"loc": ["body", "sdp"], "msg": "Field required"}]}),
    "call-request-refused": lambda: refused("call", 400, {"error": {"message": "", "code": None}}),
    "error-taken-for-answer": lambda: refused("call", 429, broken={"HTTP-20": 0}),
    "web-page-answers": lambda: refused("key", 502, "<html><h1>Bad gateway"),
    "model-not-found": lambda: refused(
        "key", 404, error_body("model_not_found", "The model `m` does not exist"), dialect="openai-ga"
    ),
    "deployment-not-found": lambda: refused("key", 404, error_body("DeploymentNotFound")),
    "beta-api-removed": lambda: refused("key", 400, error_body("beta_api_shape_disabled"), dialect="openai-beta"),
    "realtime-not-supported": lambda: refused("key", 400, error_body("OpperationNotSupported")),
    "flat-transcription-in-ga": lambda: refused("key", 500, sent={"session": {"input_audio_transcription": {}}}),
    "request-content-filtered": lambda: refused("key", 400, error_body("content_filter")),
    "session-type-missing": lambda: refused(
        "key",
        400,
        error_body("missing_required_parameter", "Missing required parameter: 'session.type'.", "session.type"),
    ),
    "wrong-session-fields": lambda: refused(
        "key",
        400,
        error_body("unknown_parameter", "Unknown parameter: 'session.voice'.", "session.voice"),
        sent={"a": 1},
    ),
    "unknown-session-field": lambda: refused(
        "key",
        400,
        error_body("unknown_parameter", "Unknown parameter: 'session.colour'.", "session.colour"),
        sent={"a": 1},
    ),
    "quota-exhausted": lambda: refused("key", 429, error_body("insufficient_quota")),
    "rate-limited": lambda: refused("call", 429, error_body("rate_limit_exceeded")),
    "places-not-given-back": lambda: failed(
        (0.0, "harness.note", {"about": "places", "text": "4 calls were made before this one; all have ended"}),
        *http("call", 429, error_body("too_many_sessions")),
        step="call",
    ),
    "call-id-not-found": lambda: Recorded(trace(*http("hangup", 404, error_body("call_id_not_found"))), {"HTTP-18": 0}),
    "region-mismatch": lambda: refused(
        "call", 404, error_body("404", "Resource not found"), dialect=PREVIEW, config={"region": "eastus"}
    ),
    "wrong-domain": lambda: refused(
        "key", 404, url="https://res.cognitiveservices.azure.com/openai/realtime?api-version=2024-10-01-preview"
    ),
    "websocket-path": lambda: refused(
        "key",
        404,
        url=f"{AZURE}/openai/realtime?api-version=2024-10-01-preview&deployment=gpt-realtime",
        dialect=PREVIEW,
    ),
    "other-dialects-path": lambda: refused(
        "key", 404, url=f"{AZURE}/openai/realtimeapi/sessions?api-version=2025-04-01-preview"
    ),
    "api-version-in-ga-url": lambda: refused(
        "key", 401, url=f"{AZURE}/openai/v1/realtime/client_secrets?api-version=2025-08-28"
    ),
    "api-version-missing": lambda: refused("key", 404, url=f"{AZURE}/openai/realtimeapi/sessions", dialect=PREVIEW),
    "model-missing-in-call-url": lambda: refused(
        "call", 400, url="https://eastus2.realtimeapi-preview.ai.azure.com/v1/realtimertc", dialect=PREVIEW
    ),
    "model-in-ga-call-url": lambda: refused("call", 400, url=f"{AZURE}/openai/v1/realtime/calls?model=gpt-realtime"),
    "wrong-method": lambda: refused("key", 405, method="GET"),
    "wrong-path": lambda: refused("key", 404, error_body("404", "Resource not found")),
    "ephemeral-key-required": lambda: refused(
        "call", 401, error_body("Unauthorized", "This operation requires ephemeral authentication.")
    ),
    "ephemeral-key-expired": lambda: refused("call", 401, error_body("Unauthorized", "The token has expired.")),
    "not-the-minted-key": lambda: refused("call", 401, broken={"HTTP-11": 0}),
    "call-key-refused": lambda: refused("call", 401),
    "ephemeral-key-refused": lambda: failed(*http("key", 200, {}, number=1), *http("call", 401), step="call"),
    "credential-misplaced": lambda: refused("key", 401, headers={"host": "h"}, broken={"HTTP-03": 0}),
    "api-key-invalid": lambda: refused("key", 401, error_body("401", "Access denied due to invalid subscription key")),
    "access-forbidden": lambda: refused("key", 403, error_body("403", "Public access is disabled.")),
    "token-request-empty": lambda: refused("key", 400, error_body("missing_required_parameter"), sent=""),
    "token-request-refused": lambda: refused("key", 400, error_body("invalid_value"), sent={"session": {}}),
    "redirected": lambda: refused("key", 302),
    "key-in-other-place": lambda: failed(*http("key", 200, {"client_secret": {"value": "[redacted:1:9:text]"}})),
    "no-key-in-response": lambda: failed(*http("key", 200, "<html>")),
    "host-unknown": lambda: unanswered("gaierror", "the host name x cannot be resolved"),
    "tls-failed": lambda: unanswered("SSLError", "no TLS connection"),
    "service-too-slow": lambda: unanswered("ReadTimeout", step="call"),
    "response-cut-off": lambda: unanswered("RemoteProtocolError"),
    "service-unreachable": lambda: unanswered("ConnectionRefusedError", "refused"),
    "service-error": lambda: refused("call", 503, "upstream"),
}


@pytest.mark.parametrize("name", CASES)
def test_cause_stands_first_with_its_evidence(name: str) -> None:
    found = CASES[name]().diagnose()
    assert [one.id for one in found][:1] == [name]
    assert found[0].evidence
    assert found[0].cause.startswith(CAUSES[name].cause)


def test_retry_that_worked_leaves_nothing_to_explain() -> None:
    limited, good = http("key", 429, number=1), http("key", 200, {"value": "x"}, number=2)
    assert not Recorded(trace(*limited, *good, end="failed")).trace.of("harness.error")
    assert "rate-limited" not in [one.id for one in Recorded(trace(*limited, *good, end="failed")).diagnose()]


def test_regional_host_that_does_not_resolve_is_a_wrong_region() -> None:
    asked, _ = http("call", 0, url="https://nowhere.realtimeapi-preview.ai.azure.com/v1/realtimertc?model=m")
    gone = (0.2, "http.failed", {"id": 2, "step": "call", "error": "gaierror", "message": "cannot be resolved"})
    found = failed(asked, gone, dialect=PREVIEW, config={"region": "nowhere"}).diagnose()
    assert [one.id for one in found][:1] == ["region-mismatch"]


def test_server_that_knows_no_post_is_another_one() -> None:
    assert [one.id for one in refused("key", 501, "<!DOCTYPE HTML>").diagnose()] == ["wrong-path"]


def test_region_is_no_cause_where_the_service_runs_in_it() -> None:
    found = refused(
        "call",
        404,
        error_body("404", "Resource not found"),
        dialect=PREVIEW,
        config={"region": "eastus2"},
        url="https://h/v1/realtimertc?model=m",
    )
    assert [one.id for one in found.diagnose()] == ["wrong-path"]


@pytest.mark.parametrize(
    ("cause", "rule", "step", "status"),
    [
        ("ephemeral-key-required", "SEC-01", "call", 401),
        ("ephemeral-key-expired", "HTTP-12", "call", 401),
        ("not-the-minted-key", "HTTP-11", "call", 401),
        ("credential-misplaced", "HTTP-03", "key", 401),
        ("token-request-empty", "HTTP-04", "key", 400),
    ],
)
def test_only_the_request_that_broke_the_rule_is_the_evidence(cause: str, rule: str, step: str, status: int) -> None:
    """The first of two refused requests, at entries 0 and 2, or the one that ended the call."""
    again = [http(step, status, number=number, headers={"host": "h"}, sent="{ }") for number in (1, 2)]
    for entry, expected in ((0, False), (2, True)):
        found = failed(*again[0], *again[1], step=step, broken={rule: entry})
        assert names(found, cause) is expected


def test_request_that_was_refused_is_named() -> None:
    body = error_body("DeploymentNotFound")
    found, *_ = refused("key", 404, body, url="https://my-resource.openai.azure.com/x?y=1").diagnose()
    assert " POST https://my-resource.openai.azure.com/x?y=1: HTTP 404. The service said: Dep" in found.cause
    found, *_ = refused(
        "key", 404, body, url="http://127.0.0.1:8080/x", headers={"host": "my-resource.example"}
    ).diagnose()
    assert " POST http://127.0.0.1:8080/x (host my-resource.example): HTTP 404." in found.cause
    assert (
        unanswered("ConnectError", "refused").diagnose()[0].cause.endswith(" POST https://fake.example/x: no response.")
    )


def test_the_name_of_what_is_missing_is_told() -> None:
    body, config = error_body("404", "The deployment was not found"), {"deployment": "my-deployment"}
    (found, *_) = refused("key", 404, body, config=config).diagnose()
    assert (found.id, "The deployment was called 'my-deployment'." in found.cause) == ("deployment-not-found", True)
    body = error_body("model_not_found", "The model `m` does not exist")
    (found, *_) = refused("call", 404, body, config=config, dialect="openai-ga").diagnose()
    assert (found.id, "The model was called 'my-deployment'." in found.cause) == ("model-not-found", True)
    (found, *_) = refused("call", 403, "", dialect=PREVIEW, config={"region": "eastus"}).diagnose()
    assert (found.id, "The region is eastus." in found.cause) == ("region-mismatch", True)


@pytest.mark.parametrize(
    ("headers", "told"),
    [({"retry-after": "60"}, "It asks to wait for 60 s."), ({"retry-after-ms": "500"}, "for 0.5 s."), ({}, "")],
)
def test_429_says_how_long(headers: dict[str, str], told: str) -> None:
    asked, (t, kind, data) = http("key", 429)
    (found, *_) = failed(asked, (t, kind, {**data, "headers": headers})).diagnose()
    assert found.id == "rate-limited"
    assert told in found.cause
    assert ("asks to wait" in found.cause) == bool(told)


@pytest.mark.parametrize(
    ("body", "headers", "page"),
    [
        ("<!DOCTYPE html><p>", {}, True),
        (" <HTML>", {}, True),
        ("x", {"content-type": "text/html; charset=utf-8"}, True),
        ('{"a": "<html>"}', {}, False),
    ],
)
def test_a_web_page_is_called_one(body: str, headers: dict[str, str], page: bool) -> None:
    asked, (t, kind, data) = http("key", 502, body)
    assert names(failed(asked, (t, kind, {**data, "headers": headers})), "web-page-answers") is page


@given(
    st.integers(300, 999), st.sampled_from(["key", "call"]), st.sampled_from(sorted(DIALECTS)), st.text(max_size=200)
)
def test_every_refusal_has_a_cause_and_a_fix(status: int, step: str, dialect: str, body: str) -> None:
    found = refused(step, status, body, dialect=dialect).diagnose()
    assert found
    assert all(one.cause and one.fix for one in found)
