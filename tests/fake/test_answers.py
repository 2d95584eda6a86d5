from dataclasses import fields

import pytest

from harness.fake.answers import AZURE, OPENAI, UNKNOWN_PARAMETER, VENDORS, HttpRefusal
from harness.protocol.dialects import DIALECTS


def test_every_vendor_has_its_row() -> None:
    assert {row.vendor for row in DIALECTS.values()} == set(VENDORS)


def test_the_gateway_has_two_fields_and_the_model_side_four() -> None:
    assert AZURE.not_found.body == {"error": {"code": "404", "message": "Resource not found"}}
    assert UNKNOWN_PARAMETER.about("session.x").body == {
        "error": {
            "message": "Unknown parameter: 'session.x'.",
            "type": "invalid_request_error",
            "param": "session.x",
            "code": "unknown_parameter",
        }
    }


@pytest.mark.parametrize("vendor", [AZURE, OPENAI], ids=["azure", "openai"])
def test_every_refusal_is_an_error_with_a_code_and_a_message(vendor: object) -> None:
    refusals = [value for row in fields(vendor) if isinstance(value := getattr(vendor, row.name), HttpRefusal)]  # type: ignore[arg-type]
    assert len(refusals) >= 9
    for refusal in refusals:
        assert 400 <= refusal.status < 500
        error = refusal.body["error"]
        assert error["code"]
        assert error["message"]


def test_headers_are_added() -> None:
    refusal = AZURE.method.sending({"allow": "POST"})
    assert refusal.headers == {"allow": "POST"}
    assert AZURE.method.headers == {}
