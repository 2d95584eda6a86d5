"""Recorded HTTP answers come again, with new secrets and times in the places of the old ones."""

from __future__ import annotations

import itertools

from harness.fake.replay.answers import Answer, Fresh, answers_of
from tests.traces import trace

DATE = "Sat, 28 Nov 2026 07:00:00 GMT"
EPOCH = 1795849200.0


def test_answers_stand_by_step_with_what_took_long_or_never_came() -> None:
    request = {"step": "key", "method": "POST", "url": "http://x/", "headers": {}, "body": ""}
    response = {"step": "key", "status": 401, "headers": {"date": DATE}, "body": {"error": {}}, "seconds": 0.2}
    made = trace(
        (0.0, "http.request", {"id": 1, **request}),
        (0.2, "http.response", {"id": 1, **response}),
        (1.0, "http.request", {"id": 2, **request}),
        (16.0, "http.failed", {"id": 2, "step": "key", "error": "ReadTimeout", "message": ""}),
    )
    refused, silent = answers_of(made)["key"]
    assert (refused.status, refused.seconds, refused.epoch) == (401, 0.2, EPOCH)
    assert (silent.status, silent.seconds) == (0, 15.0)


def test_each_mark_gets_one_new_secret_and_times_are_as_far_ahead() -> None:
    secrets = itertools.count(1)
    fresh = Fresh(lambda length: f"secret{next(secrets)}/{length}")
    fresh.later(EPOCH, EPOCH + 1000.7)
    fresh.later(EPOCH, EPOCH + 5000)
    body = {
        "value": "[redacted:4:35:text]",
        "again": "Bearer [redacted:4:35:text], [redacted:5:9:ice]",
        "expires_at": int(EPOCH) + 600,
        "session": [{"expires_at": None}, {"expires_at": int(EPOCH) + 60}],
    }
    assert fresh.value(body) == {
        "value": "secret1/35",
        "again": "Bearer secret1/35, secret2/9",
        "expires_at": int(EPOCH) + 1600,
        "session": [{"expires_at": None}, {"expires_at": int(EPOCH) + 1060}],
    }


def test_headers_of_the_connection_are_left_out_and_the_call_gets_its_own_id() -> None:
    headers = {
        "location": "/openai/v1/realtime/calls/rtc_old",
        "content-type": "application/sdp",
        "content-length": "7",
        "date": DATE,
        "x-request-id": "req_old",
        "retry-after": "3",
        "set-cookie": "[redacted:1:9:text]",
        "x-odd": "kept",
    }
    answer = Answer(201, headers, "v=0")
    assert answer.fresh_headers("rtc_new", lambda: "req_new", ("x-request-id",)) == {
        "location": "/openai/v1/realtime/calls/rtc_new",
        "content-type": "application/sdp",
        "x-request-id": "req_new",
        "retry-after": "3",
        "x-odd": "kept",
    }
    assert Answer(201, {"location": "/calls/rtc_old"}).fresh_headers("", str, ())["location"] == "/calls/rtc_old"
