from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from harness.fake.admission import (
    Ask,
    CallGrant,
    TokenGrant,
    call_request,
    hangup_request,
    offer_problem,
    region_of,
    token_request,
)
from harness.fake.answers import HttpRefusal
from harness.fake.settings import FakeSettings
from harness.fake.tokens import KeyRing
from harness.protocol.dialects import Dialect
from tests.fake.requests import (
    ALL,
    API_KEY,
    AZURE,
    BETA,
    CLOSED,
    OFFER,
    OPENAI,
    PREVIEW,
    SETTINGS,
    call_ask,
    token_ask,
    token_body,
)

every_dialect = pytest.mark.parametrize("dialect", ALL, ids=lambda row: row.name)


def refused(answer: object) -> tuple[int, str, str | None]:
    assert isinstance(answer, HttpRefusal), answer
    return answer.status, answer.code, answer.param


def ring(dialect: Dialect, now: float = 0.0) -> KeyRing:
    keys = KeyRing(epoch=1_700_000_000.0)
    keys.mint("ek_good", dialect.name, model=dialect.default_model, session={"instructions": "Hi"}, seconds=60, now=now)
    return keys


# The token request


@every_dialect
def test_a_good_token_request_is_granted_with_the_dialects_lifetime(dialect: Dialect) -> None:
    grant = token_request(
        dialect, token_ask(dialect, token_body(dialect, instructions="Be kind.", voice="ash")), SETTINGS
    )
    assert isinstance(grant, TokenGrant)
    assert grant.model == dialect.default_model
    assert grant.seconds == dialect.key_seconds
    assert grant.session["instructions"] == "Be kind."
    assert grant.session["voice"] == "ash"


@every_dialect
def test_without_a_key_or_with_a_wrong_one_it_is_401(dialect: Dialect) -> None:
    nobody = replace(token_ask(dialect), headers={"content-type": "application/json"})
    wrong = token_ask(dialect, api_key="wrong", authorization="Bearer wrong")
    assert refused(token_request(dialect, nobody, SETTINGS))[0] == 401
    assert refused(token_request(dialect, wrong, SETTINGS))[0] == 401


def test_the_vendors_words_for_a_wrong_key() -> None:
    azure = token_request(AZURE, token_ask(AZURE, api_key="wrong"), SETTINGS)
    openai = token_request(OPENAI, token_ask(OPENAI, authorization="Bearer wrong"), SETTINGS)
    assert isinstance(azure, HttpRefusal)
    assert isinstance(openai, HttpRefusal)
    assert azure.body["error"]["code"] == "401"
    assert azure.message.startswith("Access denied due to invalid subscription key or wrong API endpoint")
    assert openai.body["error"]["code"] == "invalid_api_key"
    assert openai.message.startswith("Incorrect API key provided")


@every_dialect
def test_bearer_is_accepted_everywhere_and_api_key_on_azure_alone(dialect: Dialect) -> None:
    json_type = {"content-type": "application/json"}
    bearer = replace(token_ask(dialect), headers={**json_type, "authorization": f"Bearer {API_KEY}"})
    api_key = replace(token_ask(dialect), headers={**json_type, "api-key": API_KEY})
    assert isinstance(token_request(dialect, bearer, SETTINGS), TokenGrant)
    assert isinstance(token_request(dialect, api_key, SETTINGS), TokenGrant) == (dialect.vendor == "azure")


def test_any_key_will_do_where_the_settings_say_so() -> None:
    assert isinstance(token_request(AZURE, token_ask(AZURE, api_key="whatever"), FakeSettings()), TokenGrant)
    assert refused(token_request(AZURE, token_ask(AZURE, api_key=""), FakeSettings()))[0] == 401
    assert refused(token_request(AZURE, token_ask(AZURE, api_key="ek_ephemeral"), FakeSettings()))[0] == 401


@pytest.mark.parametrize("version", ["", "latest", "2025-04", None])
def test_the_preview_is_no_resource_without_an_api_version(version: str | None) -> None:
    ask = replace(token_ask(PREVIEW), query={} if version is None else {"api-version": version})
    assert refused(token_request(PREVIEW, ask, SETTINGS)) == (404, "404", None)


def test_an_api_version_left_in_a_ga_url_is_401_on_azure() -> None:
    """Microsoft's migration guide lists it among the causes of 401."""
    leftover = {"api-version": "2025-04-01-preview"}
    assert refused(token_request(AZURE, replace(token_ask(AZURE), query=leftover), SETTINGS))[0] == 401
    assert isinstance(token_request(OPENAI, replace(token_ask(OPENAI), query=leftover), SETTINGS), TokenGrant)
    call = replace(call_ask(AZURE, "ek_good"), query=leftover)
    assert refused(call_request(AZURE, call, SETTINGS, ring(AZURE), 1.0))[0] == 401
    preview = replace(call_ask(PREVIEW, "ek_good"), query={"model": PREVIEW.default_model, **leftover})
    assert isinstance(call_request(PREVIEW, preview, SETTINGS, ring(PREVIEW), 1.0), CallGrant)


@every_dialect
def test_the_content_type_must_be_json(dialect: Dialect) -> None:
    status = {"azure": 415, "openai": 400}[dialect.vendor]
    for content_type in ("text/plain", "", "application/sdp"):
        answer = token_request(dialect, token_ask(dialect, content_type=content_type), SETTINGS)
        assert refused(answer)[0] == status
    charset = token_ask(dialect, content_type="Application/JSON; charset=utf-8")
    assert isinstance(token_request(dialect, charset, SETTINGS), TokenGrant)


@every_dialect
@pytest.mark.parametrize("text", ["", "{", "[1]", '"text"', "null", "[" * 100_000])
def test_a_body_that_is_no_json_object_is_400(dialect: Dialect, text: str) -> None:
    assert refused(token_request(dialect, token_ask(dialect, text), SETTINGS))[0] == 400


@every_dialect
@pytest.mark.parametrize("model", ["GPT-Realtime-2.1", "nobodys-deployment", " gpt-realtime"])
def test_an_unknown_deployment_is_404_and_case_counts(dialect: Dialect, model: str) -> None:
    ask = token_ask(dialect, token_body(dialect, model=model))
    status, code, _ = refused(token_request(dialect, ask, CLOSED))
    assert (status, code) == (404, {"azure": "DeploymentNotFound", "openai": "model_not_found"}[dialect.vendor])
    good = token_ask(dialect, token_body(dialect, model=dialect.default_model))
    assert isinstance(token_request(dialect, good, CLOSED), TokenGrant)


@every_dialect
@pytest.mark.parametrize(
    "model", ["gpt-realtime-2.1", "gpt-realtime-2.1-mini", "gpt-realtime-2.1-2026-09-02", "a-name-of-next-year"]
)
def test_any_name_is_a_deployment_unless_the_list_is_closed(dialect: Dialect, model: str) -> None:
    ask = token_ask(dialect, token_body(dialect, model=model))
    assert isinstance(token_request(dialect, ask, SETTINGS), TokenGrant)


def test_azure_has_no_default_deployment_and_openai_has_a_default_model() -> None:
    assert refused(token_request(PREVIEW, token_ask(PREVIEW, {"voice": "alloy"}), SETTINGS)) == (
        400,
        "missing_required_parameter",
        "model",
    )
    assert refused(token_request(AZURE, token_ask(AZURE, {"session": {"type": "realtime"}}), SETTINGS)) == (
        400,
        "missing_required_parameter",
        "session.model",
    )
    assert refused(token_request(AZURE, token_ask(AZURE, {}), SETTINGS))[1:] == (
        "missing_required_parameter",
        "session",
    )
    grant = token_request(OPENAI, token_ask(OPENAI, {}), SETTINGS)
    assert isinstance(grant, TokenGrant)
    assert grant.model == OPENAI.default_model


@pytest.mark.parametrize("dialect", [PREVIEW, BETA], ids=lambda row: row.name)
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("type", "realtime"),
        ("audio", {"output": {"voice": "alloy"}}),
        ("output_modalities", ["audio"]),
        ("max_output_tokens", 4096),
        ("session", {"type": "realtime"}),
        ("expires_after", {"anchor": "created_at", "seconds": 600}),
    ],
)
def test_ga_fields_are_unknown_in_a_flat_body(dialect: Dialect, field: str, value: Any) -> None:
    ask = token_ask(dialect, {"model": dialect.default_model, field: value})
    assert refused(token_request(dialect, ask, SETTINGS)) == (400, "unknown_parameter", field)


@pytest.mark.parametrize("dialect", [AZURE, OPENAI], ids=lambda row: row.name)
@pytest.mark.parametrize(
    ("session", "param"),
    [
        ({"voice": "alloy"}, "session.voice"),
        ({"modalities": ["text"]}, "session.modalities"),
        ({"temperature": 0.8}, "session.temperature"),
        ({"input_audio_transcription": {"model": "whisper-1"}}, "session.input_audio_transcription"),
        ({"audio": {"output": {"voices": "alloy"}}}, "session.audio.output.voices"),
        ({"audio": {"loudspeaker": {}}}, "session.audio.loudspeaker"),
    ],
)
def test_beta_fields_are_unknown_in_a_nested_body(dialect: Dialect, session: dict[str, Any], param: str) -> None:
    body = {"session": {"type": "realtime", "model": dialect.default_model, **session}}
    assert refused(token_request(dialect, token_ask(dialect, body), SETTINGS)) == (400, "unknown_parameter", param)


def test_a_flat_body_is_unknown_to_ga() -> None:
    ask = token_ask(AZURE, {"model": "gpt-realtime", "voice": "alloy"})
    assert refused(token_request(AZURE, ask, SETTINGS)) == (400, "unknown_parameter", "model")


@pytest.mark.parametrize(
    ("session", "code", "param"),
    [
        ({"model": "gpt-realtime"}, "missing_required_parameter", "session.type"),
        ({"model": "gpt-realtime", "type": "live"}, "invalid_value", "session.type"),
        (["realtime"], "invalid_type", "session"),
    ],
)
def test_the_session_type_is_required(session: Any, code: str, param: str) -> None:
    answer = token_request(AZURE, token_ask(AZURE, {"session": session}), SETTINGS)
    assert refused(answer) == (400, code, param)


def test_wrong_values_are_refused_under_the_fields_own_name() -> None:
    flat = token_request(PREVIEW, token_ask(PREVIEW, token_body(PREVIEW, temperature=9)), SETTINGS)
    nested = token_request(AZURE, token_ask(AZURE, token_body(AZURE, speed=9)), SETTINGS)
    assert refused(flat) == (400, "invalid_value", "temperature")
    assert refused(nested) == (400, "invalid_value", "session.audio.output.speed")


@pytest.mark.parametrize(
    ("expires_after", "code"),
    [
        ({"anchor": "created_at", "seconds": 9}, "integer_below_min_value"),
        ({"anchor": "created_at", "seconds": 7201}, "integer_above_max_value"),
        ({"anchor": "now", "seconds": 60}, "invalid_value"),
        ({"anchor": "created_at", "seconds": "60"}, "invalid_type"),
        ({"anchor": "created_at", "seconds": True}, "invalid_type"),
        (60, "invalid_type"),
    ],
)
def test_the_lifetime_asked_for_has_a_range(expires_after: Any, code: str) -> None:
    nested = token_ask(OPENAI, {**token_body(OPENAI), "expires_after": expires_after})
    flat = token_ask(BETA, {**token_body(BETA), "client_secret": {"expires_after": expires_after}})
    assert refused(token_request(OPENAI, nested, SETTINGS))[:2] == (400, code)
    assert refused(token_request(BETA, flat, SETTINGS))[:2] == (400, code)


def test_the_lifetime_asked_for_is_granted_in_ga_and_not_in_beta() -> None:
    wanted = {"expires_after": {"anchor": "created_at", "seconds": 7200}}
    nested = token_request(OPENAI, token_ask(OPENAI, {**token_body(OPENAI), **wanted}), SETTINGS)
    flat = token_request(BETA, token_ask(BETA, {**token_body(BETA), "client_secret": wanted}), SETTINGS)
    assert isinstance(nested, TokenGrant)
    assert isinstance(flat, TokenGrant)
    assert (nested.seconds, flat.seconds) == (7200, 60)
    short = token_request(OPENAI, token_ask(OPENAI), replace(SETTINGS, key_seconds=1.5))
    assert isinstance(short, TokenGrant)
    assert short.seconds == 1.5


def test_transcription_sessions_need_no_model() -> None:
    body = {"input_audio_transcription": {"model": "whisper-1"}, "include": ["item.input_audio_transcription.logprobs"]}
    assert refused(token_request(BETA, token_ask(BETA, body), SETTINGS))[1] == "missing_required_parameter"
    for dialect in (PREVIEW, BETA):
        grant = token_request(dialect, token_ask(dialect, body), SETTINGS, transcription=True)
        assert isinstance(grant, TokenGrant), grant
        assert grant.session.transcription
    nested = {"session": {"type": "transcription", "audio": {"input": {"transcription": {"model": "whisper-1"}}}}}
    grant = token_request(AZURE, token_ask(AZURE, nested), SETTINGS)
    assert isinstance(grant, TokenGrant), grant
    assert grant.session.transcription


SEED_BODY = {
    "model": "gpt-realtime",
    "voice": "alloy",
    "instructions": "You are a helpful behavioral health assistant.",
    "temperature": 0.8,
    "max_output_tokens": 4096,
}


def test_the_samples_token_request_is_refused_unless_the_fake_speaks_its_way() -> None:
    assert refused(token_request(PREVIEW, token_ask(PREVIEW, SEED_BODY), SETTINGS)) == (
        400,
        "unknown_parameter",
        "max_output_tokens",
    )
    grant = token_request(PREVIEW, token_ask(PREVIEW, SEED_BODY), replace(SETTINGS, sample_names=True))
    assert isinstance(grant, TokenGrant)
    assert grant.session["max_output_tokens"] == 4096


# The call request


@every_dialect
def test_a_good_call_request_carries_the_keys_session(dialect: Dialect) -> None:
    grant = call_request(dialect, call_ask(dialect, "ek_good"), SETTINGS, ring(dialect), 59.999)
    assert grant == CallGrant(dialect.default_model, {"instructions": "Hi"}, OFFER, "ek_good", False)


@every_dialect
@pytest.mark.parametrize(
    ("key", "now", "message"),
    [
        ("ek_good", 60.0, "expired"),
        ("ek_other", 1.0, "key"),
        (API_KEY, 1.0, "This operation requires ephemeral authentication."),
        ("", 1.0, "key"),
    ],
)
def test_only_a_good_ephemeral_key_opens_a_call(dialect: Dialect, key: str, now: float, message: str) -> None:
    answer = call_request(dialect, call_ask(dialect, key), SETTINGS, ring(dialect), now)
    assert refused(answer)[0] == 401
    assert isinstance(answer, HttpRefusal)
    assert message in answer.message
    assert ("expired" in answer.message) == (now == 60.0)


def test_a_normal_key_in_azures_own_header_needs_ephemeral_authentication_too() -> None:
    ask = replace(call_ask(AZURE, ""), headers={"content-type": "application/sdp", "api-key": API_KEY})
    assert refused(call_request(AZURE, ask, SETTINGS, ring(AZURE), 1.0)) == (401, "Unauthorized", None)


@every_dialect
def test_a_key_of_another_dialect_is_foreign(dialect: Dialect) -> None:
    other = next(row for row in ALL if row is not dialect)
    assert refused(call_request(dialect, call_ask(dialect, "ek_good"), SETTINGS, ring(other), 1.0))[0] == 401


@every_dialect
def test_the_model_is_in_the_query_of_beta_and_never_in_ga(dialect: Dialect) -> None:
    bare = replace(call_ask(dialect, "ek_good"), query={})
    named = replace(call_ask(dialect, "ek_good"), query={"model": dialect.default_model})
    answers = [call_request(dialect, ask, SETTINGS, ring(dialect), 1.0) for ask in (bare, named)]
    if dialect.call_query:
        assert refused(answers[0]) == (400, "missing_required_parameter", "model")
        assert isinstance(answers[1], CallGrant)
    else:
        assert isinstance(answers[0], CallGrant)
        assert refused(answers[1]) == (400, "unknown_parameter", "model")


def test_an_unknown_deployment_in_the_query_is_404() -> None:
    ask = replace(call_ask(PREVIEW, "ek_good"), query={"model": "Gpt-Realtime"})
    assert refused(call_request(PREVIEW, ask, CLOSED, ring(PREVIEW), 1.0))[:2] == (404, "DeploymentNotFound")


@every_dialect
def test_the_offer_comes_as_sdp(dialect: Dialect) -> None:
    for content_type in ("application/json", "text/plain", ""):
        ask = call_ask(dialect, "ek_good", content_type=content_type)
        answer = call_request(dialect, ask, SETTINGS, ring(dialect), 1.0)
        assert refused(answer)[0] == {"azure": 415, "openai": 400}[dialect.vendor]


def form(key: str, **parts: str) -> Ask:
    headers = {"content-type": "multipart/form-data; boundary=x", "authorization": f"Bearer {key}"}
    return Ask({}, headers, "", parts)


@pytest.mark.parametrize("dialect", [AZURE, OPENAI], ids=lambda row: row.name)
def test_a_form_may_come_with_either_key_and_its_session_wins(dialect: Dialect) -> None:
    session = json.dumps({"type": "realtime", "model": "gpt-realtime-mini", "audio": {"output": {"voice": "ash"}}})
    standard = call_request(dialect, form(API_KEY, sdp=OFFER, session=session), SETTINGS, ring(dialect), 1.0)
    ephemeral = call_request(dialect, form("ek_good", sdp=OFFER, session=session), SETTINGS, ring(dialect), 1.0)
    for grant, instructions in ((standard, None), (ephemeral, "Hi")):
        assert isinstance(grant, CallGrant), grant
        assert grant.offer == OFFER
        assert grant.model == "gpt-realtime-mini"
        assert grant.session["audio"]["output"]["voice"] == "ash"
        assert instructions is None or grant.session["instructions"] == instructions
    assert refused(call_request(dialect, form("wrong", sdp=OFFER), SETTINGS, ring(dialect), 1.0))[0] == 401
    broken = call_request(dialect, form(API_KEY, sdp=OFFER, session="{"), SETTINGS, ring(dialect), 1.0)
    assert refused(broken)[0] == 400


def test_beta_takes_no_form() -> None:
    ask = replace(form("ek_good", sdp=OFFER), query={"model": BETA.default_model})
    assert refused(call_request(BETA, ask, SETTINGS, ring(BETA), 1.0))[:2] == (400, "unsupported_content_type")


def test_the_filter_exists_on_azure_alone_and_only_as_on() -> None:
    for dialect, value, filtered in ((AZURE, "on", True), (AZURE, "true", False), (OPENAI, "on", False)):
        ask = replace(call_ask(dialect, "ek_good"), query={"webrtcfilter": value})
        grant = call_request(dialect, ask, SETTINGS, ring(dialect), 1.0)
        assert isinstance(grant, CallGrant)
        assert grant.filtered is filtered


@pytest.mark.parametrize(
    ("host", "region"),
    [
        ("eastus2.realtimeapi-preview.ai.azure.com", "eastus2"),
        ("EastUS.localhost:8080", "eastus"),
        ("localhost:8080", ""),
        ("127.0.0.1:8080", ""),
        ("[::1]:8080", ""),
        ("a.b.localhost", ""),
        ("", ""),
    ],
)
def test_the_host_names_the_region(host: str, region: str) -> None:
    assert region_of(PREVIEW, host) == region
    assert region_of(AZURE, host) == ""


def test_a_region_without_the_service_is_404() -> None:
    def answer(region: str, settings: FakeSettings = SETTINGS) -> object:
        ask = call_ask(PREVIEW, "ek_good", host=f"{region}.localhost:1")
        return call_request(PREVIEW, ask, settings, ring(PREVIEW), 1.0)

    wrong = answer("eastus")
    assert refused(wrong)[0] == 404
    assert isinstance(wrong, HttpRefusal)
    assert "region" in wrong.message
    assert isinstance(answer("swedencentral"), CallGrant)
    assert isinstance(answer("eastus", replace(SETTINGS, regions=("eastus",))), CallGrant)


# Hanging up


def test_who_may_hang_up() -> None:
    def answer(**headers: str) -> HttpRefusal | None:
        return hangup_request(AZURE, Ask({}, headers, ""), SETTINGS, ring(AZURE), 1.0)

    assert answer(authorization="Bearer ek_good") is None
    assert answer(authorization=f"Bearer {API_KEY}") is None
    assert refused(answer(authorization="Bearer wrong"))[0] == 401
    assert refused(answer())[0] == 401


# The offer


def without(fragment: str) -> str:
    assert fragment in OFFER
    return "\r\n".join(line for line in OFFER.split("\r\n") if fragment not in line)


def test_a_whole_offer_has_no_problem_and_a_trimmed_one_has() -> None:
    assert offer_problem(OFFER) == ""
    assert offer_problem(OFFER.strip()) == "failed to unmarshal SDP: EOF"


@pytest.mark.parametrize(
    ("offer", "problem"),
    [
        ("", "empty"),
        (" \r\n", "empty"),
        (json.dumps({"type": "offer", "sdp": OFFER}), "v=0"),
        ("<html></html>", "v=0"),
        (OFFER.replace("\r\n", "\n"), "CRLF"),
        (without("opus"), "Opus"),
        (OFFER.replace("opus/48000/2", "opus/16000/1"), "Opus"),
        (OFFER.partition("m=application")[0], "m=application"),
        (OFFER.replace("m=audio", "m=video"), "m=audio"),
        (without("ice-ufrag"), "ice-ufrag"),
        (without("ice-pwd"), "ice-pwd"),
        (without("fingerprint"), "fingerprint"),
        (without("setup"), "setup"),
    ],
)
def test_what_an_offer_lacks_is_named(offer: str, problem: str) -> None:
    assert problem in offer_problem(offer)
