from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from harness.errors import NotARecord
from harness.formats.base import Moment, Record
from harness.formats.har import read, recognise

KEY = "https://demo.openai.azure.com/openai/v1/realtime/client_secrets"
CALL = "https://demo.openai.azure.com/openai/v1/realtime/calls"
OFFER = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\n"
ANSWER = "v=0\r\no=- 2 2 IN IP4 127.0.0.1\r\n"


def entry(url: str, sent: Any = None, status: int = 201, got: Any = "", **more: Any) -> dict[str, Any]:
    body = {} if sent is None else {"postData": {"mimeType": more.pop("mime", "application/sdp"), "text": sent}}
    headers = [
        {"name": name, "value": value} for name, value in more.pop("headers", {"Authorization": "Bearer x"}).items()
    ]
    content = {} if got is None else {"content": {"text": got}}
    return {
        "startedDateTime": more.pop("at", "2026-11-28T07:31:35.500Z"),
        "time": more.pop("time", 20.5),
        "request": {"method": more.pop("method", "POST"), "url": url, "headers": headers, **body},
        "response": {"status": status, "headers": [{"name": "Location", "value": "/x"}], **content, **more},
    }


def har(*entries: Any) -> str:
    return json.dumps({"log": {"version": "1.2", "entries": list(entries)}})


def one(*entries: Any) -> Record:
    (record,) = read(har(*entries), "x.har")
    return record


def of(record: Record, kind: str) -> list[Moment]:
    return [moment for moment in record.moments if moment.kind == kind]


GOOD = (
    entry("https://app.example/", method="GET"),
    entry(KEY, '{"session": {}}', 200, '{"value": "ek_1"}', mime="application/json", at="2026-11-28T07:31:35.000Z"),
    entry(CALL, OFFER, got=ANSWER),
)


def test_the_requests_of_a_call_are_read_in_order_with_their_descriptions() -> None:
    record = one(*GOOD)
    assert [moment.kind for moment in record.moments] == [
        "http.request", "http.response", "sdp.offer", "http.request", "http.response", "sdp.answer",
    ]  # fmt: skip
    key, call = of(record, "http.request")
    assert (key.data["step"], call.data["step"]) == ("key", "call")
    assert key.data["body"] == {"session": {}}
    assert key.data["headers"] == {"authorization": "Bearer x"}
    assert of(record, "http.response")[1].data["seconds"] == 0.0205
    assert (of(record, "sdp.offer")[0].data["sdp"], of(record, "sdp.answer")[0].data["sdp"]) == (OFFER, ANSWER)
    assert record.shows == ("http", "sdp")
    assert record.moments[0].t == 1795851095.0


@pytest.mark.parametrize(
    ("sent", "mime"),
    [
        (OFFER, "application/sdp"),
        (
            f'--b\r\nContent-Disposition: form-data; name="sdp"\r\n\r\n{OFFER}\r\n--b--\r\n',
            "multipart/form-data; boundary=b",
        ),
        (json.dumps({"sdp": OFFER}), "application/json"),
    ],
)
def test_the_offer_is_found_in_each_shape_of_a_call_request(sent: str, mime: str) -> None:
    record = one(entry(CALL, sent, got=ANSWER, mime=mime, headers={"Content-Type": mime}))
    assert of(record, "sdp.offer")[0].data["sdp"].strip() == OFFER.strip()


def test_fields_of_a_form_that_are_listed_are_read_too() -> None:
    listed = entry(CALL, got=ANSWER)
    listed["request"]["postData"] = {"mimeType": "multipart/form-data", "params": [{"name": "sdp", "value": OFFER}]}
    assert of(one(listed), "sdp.offer")[0].data["sdp"] == OFFER


@pytest.mark.parametrize("header", ["Authorization", "api-key"])
def test_a_credential_that_was_left_out_of_the_har_is_not_missed(header: str) -> None:
    with_key, without = (one(entry(CALL, OFFER, got=ANSWER, headers=headers)) for headers in ({header: "x"}, {}))
    assert "unseen" not in of(with_key, "http.request")[0].data
    assert of(without, "http.request")[0].data["unseen"] == ["headers.api-key", "headers.authorization"]


def test_bodies_that_were_not_saved_are_not_seen() -> None:
    record = one(entry(CALL, None, got=None))
    assert "body" in of(record, "http.request")[0].data["unseen"]
    assert of(record, "http.response")[0].data["unseen"] == ["body"]
    assert record.shows == ("http",)


def test_a_body_in_base64_is_decoded() -> None:
    coded = entry(CALL, OFFER, got=base64.b64encode(ANSWER.encode()).decode())
    coded["response"]["content"]["encoding"] = "base64"
    assert of(one(coded), "sdp.answer")[0].data["sdp"] == ANSWER


def test_a_request_without_a_response_failed() -> None:
    record = one(entry(CALL, OFFER, 0, _error="net::ERR_CONNECTION_REFUSED"))
    assert of(record, "http.failed")[0].data["message"] == "net::ERR_CONNECTION_REFUSED"


def test_a_refused_call_and_its_next_try_are_one_call_and_an_answered_one_ends_it() -> None:
    refused, good = entry(CALL, OFFER, 400, "{}"), entry(CALL, OFFER, got=ANSWER)
    hangup = entry(f"{CALL}/rtc_1/hangup", "", 200)
    first, second = read(har(refused, good, hangup, entry(KEY, "{}", 200), good), "x.har")
    assert [moment.data["step"] for moment in of(first, "http.request")] == ["call", "call", "hangup"]
    assert [moment.data["step"] for moment in of(second, "http.request")] == ["key", "call"]


def test_a_gateway_with_paths_of_its_own_is_known_by_what_it_is_sent() -> None:
    assert of(one(entry("https://gateway.example/rt", OFFER, got=ANSWER)), "http.request")[0].data["step"] == "call"


@pytest.mark.parametrize(
    "text",
    [
        har(),
        har(entry("https://app.example/", method="GET")),
        har(None, 3, {"request": []}, entry("http://[::1", "x")),
        '{"log": {"entries": 3}}',
        '{"log": {}}',
        '{"log": {"entries": [',
    ],
)
def test_a_har_without_a_call_is_refused_with_what_to_do(text: str) -> None:
    assert recognise(text)
    with pytest.raises(NotARecord) as caught:
        read(text, "x.har")
    assert caught.value.fix
