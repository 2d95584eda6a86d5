"""Each row of the diagnosis fits what it is for, and a clean call has none."""

from __future__ import annotations

import pytest

from harness.diagnosis import CAUSES, diagnose
from harness.trace import Trace
from tests.traces import KEY_OK, SET_UP, refused, trace

DENIED = {"error": {"code": "401", "message": "Access denied due to invalid subscription key or wrong API endpoint."}}
NO_DEPLOYMENT = {
    "error": {"code": "DeploymentNotFound", "message": "The API deployment for this resource does not exist."}
}


def error_with(
    *rows: tuple[float, str, dict[str, object]], error: str = "CallError", dialect: str = "azure-ga"
) -> Trace:
    return trace(
        *rows, (9.0, "harness.error", {"error": error, "step": "x", "what": "y"}), end="failed", dialect=dialect
    )  # type: ignore[arg-type]


def unreachable() -> Trace:
    request = (
        0.0,
        "http.request",
        {"id": 1, "step": "key", "method": "POST", "url": "https://x", "headers": {}, "body": ""},
    )
    return error_with(
        request, (0.1, "http.failed", {"id": 1, "step": "key", "error": "ConnectError", "message": "refused"})
    )


def leftover_api_version() -> Trace:
    request = (
        0.0,
        "http.request",
        {
            "id": 1,
            "step": "key",
            "method": "POST",
            "url": "https://x/?api-version=2025-08-28",
            "headers": {},
            "body": "",
        },
    )
    return error_with(
        request, (0.1, "http.response", {"id": 1, "step": "key", "status": 401, "headers": {}, "body": DENIED})
    )


CASES: dict[str, Trace] = {
    "deployment-not-found": refused("key", 404, NO_DEPLOYMENT),
    "beta-api-removed": refused("key", 400, {"error": {"code": "beta_api_shape_disabled"}}, dialect="openai-beta"),
    "ephemeral-key-required": refused(
        "call", 401, {"error": {"message": "This operation requires ephemeral authentication."}}
    ),
    "ephemeral-key-expired": refused("call", 401, {"error": {"message": "The token has expired."}}),
    "api-version-in-ga-url": leftover_api_version(),
    "api-key-invalid": refused("key", 401, DENIED),
    "region-mismatch": refused(
        "call", 404, {"error": {"message": "region not available"}}, dialect="azure-preview", region="westus"
    ),
    "wrong-path": refused("key", 404, {"error": {"code": "404", "message": "Resource not found"}}),
    "wrong-session-fields": refused(
        "key", 400, {"error": {"code": "unknown_parameter", "param": "session.modalities"}}
    ),
    "rate-limited": refused("key", 429, ""),
    "offer-refused": refused("call", 400, {"error": {"code": "invalid_offer"}}),
    "service-unreachable": unreachable(),
    "service-error": refused("key", 503, "upstream"),
    "channel-never-opened": error_with(KEY_OK, (0.1, "sdp.offer", {"sdp": ""}), (0.2, "sdp.answer", {"sdp": ""})),
    "connection-lost": error_with(*SET_UP, error="ConnectionLost"),
}


def test_every_row_has_a_case() -> None:
    assert set(CASES) == set(CAUSES)


@pytest.mark.parametrize("name", CASES)
def test_most_specific_row_comes_first(name: str) -> None:
    found = diagnose(CASES[name])
    assert found[0].id == name
    assert found[0].evidence


def test_clean_call_has_no_diagnosis() -> None:
    assert diagnose(trace(*SET_UP)) == ()


def test_retry_that_worked_leaves_nothing_to_explain() -> None:
    limited = (0.0, "http.response", {"id": 0, "step": "key", "status": 429, "headers": {}, "body": ""})
    assert diagnose(trace(limited, *SET_UP)) == ()


@pytest.mark.parametrize("row", CAUSES.values(), ids=lambda row: row.id)
def test_row_says_cause_fix_and_source(row: object) -> None:
    assert row.cause.endswith(".")  # type: ignore[attr-defined]
    assert row.fix  # type: ignore[attr-defined]
    assert row.source  # type: ignore[attr-defined]
    assert row.found.__doc__  # type: ignore[attr-defined]
