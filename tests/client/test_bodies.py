import json
from email import policy
from email.parser import BytesParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.client.bodies import answer_problem, call_form, call_id, key_of, token_body
from harness.client.http import Response
from harness.protocol.dialects import DIALECTS, keys_in
from harness.rules.support.samples import ANSWER

SEEDS = {
    "voice": "alloy",
    "instructions": "You are a helpful behavioral health assistant.",
    "temperature": 0.8,
    "max_output_tokens": 4096,
}


def response(body: Any, content_type: str = "application/json", *, truncated: bool = False) -> Response:
    text = body if isinstance(body, str) else json.dumps(body)
    is_json = not isinstance(body, str)
    return Response(200, {"content-type": content_type}, text, body, is_json, truncated, 0)


def test_the_seeds_session_in_the_preview() -> None:
    body, notes = token_body(DIALECTS["azure-preview"], "gpt-realtime", SEEDS)
    assert body == {
        "model": "gpt-realtime",
        "voice": "alloy",
        "instructions": "You are a helpful behavioral health assistant.",
        "temperature": 0.8,
        "max_response_output_tokens": 4096,
    }
    assert notes == ["session.max_output_tokens sent as max_response_output_tokens"]


def test_a_transcription_session_names_no_model_of_its_own() -> None:
    session = {"type": "transcription", "transcription": {"model": "whisper-1"}}
    beta, _ = token_body(DIALECTS["openai-beta"], "gpt-realtime", session)
    ga, _ = token_body(DIALECTS["openai-ga"], "gpt-realtime", session)
    assert beta == {"input_audio_transcription": {"model": "whisper-1"}}
    assert ga == {
        "session": {"type": "transcription", "audio": {"input": {"transcription": {"model": "whisper-1"}}}},
    }


@pytest.mark.parametrize("name", ["azure-ga", "openai-ga"])
def test_the_seeds_session_in_ga(name: str) -> None:
    body, notes = token_body(DIALECTS[name], "gpt-realtime", SEEDS)
    assert body == {
        "session": {
            "model": "gpt-realtime",
            "type": "realtime",
            "audio": {"output": {"voice": "alloy"}},
            "instructions": "You are a helpful behavioral health assistant.",
            "max_output_tokens": 4096,
        }
    }
    assert [note.partition(":")[0] for note in notes] == ["session.temperature left out"]


def test_a_scenarios_model_wins() -> None:
    assert token_body(DIALECTS["openai-beta"], "a", {"model": "b"})[0] == {"model": "b"}


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("azure-preview", {"id": "sess_1", "client_secret": {"value": "key-1", "expires_at": 1}}),
        ("azure-ga", {"value": "key-1", "expires_at": 1, "session": {}}),
    ],
)
def test_the_key_is_where_the_dialect_has_it(name: str, body: Any) -> None:
    assert key_of(DIALECTS[name], response(body)) == ("key-1", "", "")
    assert list(keys_in(body)) == ["key-1"]


@pytest.mark.parametrize(
    ("body", "content_type", "problem", "fix"),
    [
        ("", "application/json", "the token response is empty", "gateway"),
        ("  \n", "", "the token response is empty", "gateway"),
        ("<!DOCTYPE html><p>Sign in", "application/json", "a web page", "login page"),
        ("hello", "text/html", "a web page", "login page"),
        ("key-1", "text/plain", "not a JSON object", "Realtime API"),
        (["key-1"], "application/json", "not a JSON object", "Realtime API"),
        ({}, "application/json", "no key at value", "check the dialect"),
        ({"value": ""}, "application/json", "no key at value", "check the dialect"),
        ({"value": 7}, "application/json", "no key at value", "check the dialect"),
        (
            {"client_secret": {"value": "key-1"}},
            "application/json",
            "its key at client_secret.value, not at value",
            "azure-preview or openai-beta",
        ),
    ],
)
def test_a_token_response_without_a_key_says_why(body: Any, content_type: str, problem: str, fix: str) -> None:
    key, what, todo = key_of(DIALECTS["azure-ga"], response(body, content_type))
    assert key == ""
    assert problem in what
    assert fix in todo


def test_a_body_without_end_is_no_answer() -> None:
    endless = response("v=0", truncated=True)
    assert key_of(DIALECTS["azure-ga"], endless)[1] == "the token response does not end"
    assert answer_problem(endless) is not None


SECRET = st.fixed_dictionaries({}, optional={"value": st.text()})


@given(
    SECRET
    | st.fixed_dictionaries({"client_secret": SECRET})
    | st.recursive(
        st.none() | st.text() | st.integers(),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.sampled_from(["value", "client_secret", "session"]) | st.text(), inner)
        ),
    )
)
def test_any_body_is_read_without_an_exception(body: Any) -> None:
    for dialect in DIALECTS.values():
        key, what, fix = key_of(dialect, response(body))
        assert bool(key) != bool(what)
        assert bool(what) == bool(fix)
        assert not key or key in keys_in(body)


def test_an_sdp_answer_is_taken_whatever_its_label() -> None:
    assert answer_problem(response(ANSWER, "application/sdp")) is None
    assert answer_problem(response(ANSWER, "text/plain")) is None


@pytest.mark.parametrize(
    ("body", "content_type", "problem", "fix"),
    [
        ("", "application/sdp", "the answer is empty", "gateway"),
        ("<html>Sign in</html>", "application/sdp", "a web page, not SDP", "login page"),
        ({"sdp": ANSWER, "type": "answer"}, "application/json", "JSON, not SDP", "not wrapped in JSON"),
        ({"error": {"message": "no"}}, "application/json", "JSON, not SDP", "check the path"),
        ("hello", "application/sdp", "does not begin with v=0", "nothing else"),
        ("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\nm=application 9 x\r\n", "application/sdp", "no audio section", "RFC 9429"),
    ],
)
def test_what_is_no_answer_says_why(body: Any, content_type: str, problem: str, fix: str) -> None:
    found = answer_problem(response(body, content_type))
    assert found is not None
    assert problem in found[0]
    assert fix in found[1]


@pytest.mark.parametrize(
    ("location", "found"),
    [
        ("/v1/realtime/calls/rtc_42", "rtc_42"),
        ("https://my-resource.openai.azure.com/openai/v1/realtime/calls/rtc_42?x=1", "rtc_42"),
        ("rtc_42", "rtc_42"),
        ("/v1/realtime/calls/rtc_42/", "rtc_42"),
        ("", ""),
        ("/", ""),
        ("http://[", ""),
    ],
)
def test_the_call_id_is_the_last_segment(location: str, found: str) -> None:
    assert call_id(location) == found


def test_form_has_the_offer_and_the_session_as_parts() -> None:
    content, kind = call_form(DIALECTS["openai-ga"], "gpt-realtime", {"voice": "sage"}, "v=0\r\ns=-\r\n")
    message = BytesParser(policy=policy.HTTP).parsebytes(f"Content-Type: {kind}\r\n\r\n{content}".encode())
    parts = {part.get_param("name", header="content-disposition"): part for part in message.iter_parts()}
    assert list(parts) == ["sdp", "session"]
    assert parts["sdp"].get_content_type() == "application/sdp"
    assert parts["sdp"].get_payload(decode=True) == b"v=0\r\ns=-\r\n"
    session = json.loads(parts["session"].get_content())
    assert session == {"model": "gpt-realtime", "type": "realtime", "audio": {"output": {"voice": "sage"}}}
