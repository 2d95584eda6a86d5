"""Secrets out, evidence kept."""

from __future__ import annotations

import copy
import json
import string
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.trace.redact import _SUSPECT, MARK, SECRET_FIELDS, SECRET_HEADERS, Mark, Redactor, parse_mark

KEY = "ek_notasecret0123456789"
AZURE = "0123456789abcdef" * 2
JWT = "eyJhbGciOiJub25l.eyJzdWIiOiJub2JvZHkifQ.c2ln"
PWD = "qE9kZLLDKpKKrbRpnNk2Bc"

# Characters of real keys; the first letters keep the text clear of the prose that is left alone.
secrets = st.text(string.ascii_letters + string.digits + "+/_-=.", min_size=20, max_size=60).map(
    lambda text: f"K9{text}z"
)
words = st.text(string.ascii_lowercase + " ", max_size=20)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=12,
)


class TestMark:
    def test_carries_number_length_and_class(self) -> None:
        redactor = Redactor()
        assert redactor.mark(PWD) == "[redacted:1:22:ice]"
        assert redactor.mark("a secret-text") == "[redacted:2:13:text]"

    def test_equal_secrets_have_equal_numbers_and_others_another(self) -> None:
        redactor = Redactor()
        assert redactor.mark(KEY) == redactor.mark(f" {KEY} ")
        assert redactor.mark(KEY) != redactor.mark(f"{KEY}x")

    def test_short_secrets_are_numbered_too(self) -> None:
        redactor = Redactor()
        assert [redactor.mark(text) for text in ("abc", "abd", "abc")] == [
            "[redacted:1:3:ice]",
            "[redacted:2:3:ice]",
            "[redacted:1:3:ice]",
        ]

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("Bearer [redacted:2:40:text]", Mark(2, 40, False)),
            ("[redacted:11:22:ice]", Mark(11, 22, True)),
            ("Bearer abc", None),
            ("", None),
            ("[redacted:x:22:ice]", None),
        ],
    )
    def test_is_parsed(self, text: str, expected: Mark | None) -> None:
        assert parse_mark(text) == expected

    def test_text_around_a_mark_does_not_pass_as_one(self) -> None:
        assert "hidden" not in Redactor().mark("[redacted:1:4:text]hidden")


class TestHeaders:
    def test_scheme_stays_and_names_become_lower_case(self) -> None:
        clean = Redactor().headers({"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"})
        assert clean == {
            "authorization": f"Bearer [redacted:1:{len(KEY)}:text]",
            "content-type": "application/json",
        }

    @pytest.mark.parametrize("name", sorted(SECRET_HEADERS))
    def test_every_secret_header_is_marked(self, name: str) -> None:
        assert "swordfish-swordfish" not in Redactor().headers({name.title(): "swordfish-swordfish"})[name]

    @pytest.mark.parametrize("value", ["first=half; second=half", "two words", "a b c"])
    def test_only_an_auth_scheme_is_left_readable(self, value: str) -> None:
        assert MARK.fullmatch(Redactor().headers({"Cookie": value})["cookie"])

    def test_an_empty_value_stays_empty(self) -> None:
        assert Redactor().headers({"authorization": "", "api-key": " "}) == {"authorization": "", "api-key": " "}

    def test_header_and_body_give_the_same_number(self) -> None:
        """What "the call request uses the key of the token response" is judged from."""
        redactor = Redactor()
        minted = redactor.value({"body": {"value": KEY, "expires_at": 1}})
        used = redactor.value({"headers": {"Authorization": f"Bearer {KEY}"}})
        assert parse_mark(minted["body"]["value"]) == parse_mark(used["headers"]["Authorization"])

    def test_headers_inside_a_value_are_treated_like_headers(self) -> None:
        redactor = Redactor()
        once = redactor.headers({"Authorization": f"Bearer {KEY}", "set-cookie": "sid=1234567890"})
        assert redactor.value({"headers": once}) == {"headers": once}
        raw = {"authorization": f"Bearer {KEY}", "set-cookie": "sid=1234567890", "cookie": ["sid=abcdefgh", "b=c"]}
        assert redactor.value(raw)["authorization"] == once["authorization"]
        assert redactor.value(raw)["set-cookie"] == once["set-cookie"]
        assert all(MARK.fullmatch(one) for one in redactor.value(raw)["cookie"])


class TestText:
    @pytest.mark.parametrize(
        ("text", "secret"),
        [
            (f"https://host/v1/realtime?api-key={KEY}&model=x", KEY),
            ("wss://host/p?model=x&access_token=shorty99", "shorty99"),
            (f"a=ice-ufrag:abcd\r\na=ice-pwd:{PWD}\r\na=setup:actpass\r\n", PWD),
            (f"sent Authorization: Bearer {JWT} to the host", JWT),
            (f"bearer {KEY}", KEY),
            (f"api-key: {AZURE}", AZURE),
            ('{"api-key": "zz11yy22"', "zz11yy22"),
            ("Incorrect API key provided: sk-proj-abcdefgh12345678.", "sk-proj-abcdefgh12345678"),
            (f"key {AZURE} was refused", AZURE),
            ('<html>{"client_secret": {"value": "opaque value", "expires_at": 1}}', "opaque value"),
            ('broken {"password":"hunter2 and more", ', "hunter2 and more"),
        ],
    )
    def test_secret_goes_and_the_rest_stays(self, text: str, secret: str) -> None:
        clean = Redactor().text(text)
        assert secret not in clean
        before, _, after = text.partition(secret)
        assert clean.startswith(before)
        assert clean.endswith(after)

    @pytest.mark.parametrize(
        "text",
        [
            "This operation requires bearer authentication.",
            "Bearer token is missing",
            "api-key: missing",
            "Access denied due to invalid subscription key or wrong API endpoint.",
            "a=candidate:f957a2332b1715da3b0ef8ba684454eb 1 udp 2130706431 192.0.2.2 57504 typ host",
            "a=fingerprint:sha-256 " + ":".join(["AB"] * 32),
            "event_0123456789abcdef0123456789abcdef",
            "https://host/openai/v1/realtime/calls/rtc_0123456789abcdef0123456789abcdef",
            "https://host/openai/realtimeapi/sessions?api-version=2025-04-01-preview",
            "",
        ],
    )
    def test_evidence_is_left_alone(self, text: str) -> None:
        assert Redactor().text(text) == text

    @given(
        st.lists(
            st.sampled_from(
                [
                    "a=ice-pwd:",
                    "A=ICE-PWD:",
                    "?",
                    "&",
                    "key=",
                    "api-key=",
                    "Bearer ",
                    "bearer\t",
                    "API-KEY",
                    ": ",
                    '"password"',
                    '\\"secret\\"',
                    ":",
                    '"',
                    "{",
                    '"value"',
                    "ek_",
                    "SK-",
                    "rk_",
                    "eyJ",
                    ".",
                    AZURE,
                    AZURE.upper(),
                    "AAA",
                    "ACOG",
                    "a" * 24,
                    "Zz9",
                    " ",
                    "\n",
                ]
            )
            | st.text(string.ascii_letters + string.digits, max_size=12),
            max_size=8,
        )
    )
    def test_the_quick_look_misses_nothing(self, parts: list[str]) -> None:
        text = "".join(parts)
        assert _SUSPECT.search(text) or Redactor()._patterns(text) == text

    def test_prose_is_not_learned(self) -> None:
        """A word after "bearer" must not vanish from field names."""
        redactor = Redactor()
        redactor.text("bearer tokens are missing, api-key: tokens")
        assert redactor.value({"usage": {"total_tokens": 3}}) == {"usage": {"total_tokens": 3}}


class TestValue:
    @pytest.mark.parametrize("name", sorted(SECRET_FIELDS))
    def test_every_secret_field_is_marked(self, name: str) -> None:
        for spelled in (name, name.upper()):
            assert Redactor().value({spelled: "plainword"}) == {spelled: "[redacted:1:9:ice]"}

    def test_key_responses_of_both_generations(self) -> None:
        beta = {"id": "sess_1", "client_secret": {"value": "opaque-key-1", "expires_at": 60}, "voice": "alloy"}
        ga = {"value": "opaque-key-1", "expires_at": 60, "session": {"type": "realtime"}}
        redactor = Redactor()
        assert redactor.value(beta)["client_secret"] == {"value": "[redacted:1:12:text]", "expires_at": 60}
        assert redactor.value(ga) == {
            "value": "[redacted:1:12:text]",
            "expires_at": 60,
            "session": {"type": "realtime"},
        }

    def test_a_value_without_expiry_is_no_key(self) -> None:
        assert Redactor().value({"value": "plain"}) == {"value": "plain"}

    def test_a_short_field_secret_does_not_spread(self) -> None:
        redactor = Redactor()
        clean = redactor.value({"secret": "blue", "transcript": "The sky is blue.", "blue": 1})
        assert clean == {"secret": "[redacted:1:4:ice]", "transcript": "The sky is blue.", "blue": 1}

    def test_a_key_met_once_is_known_everywhere(self) -> None:
        redactor = Redactor()
        redactor.value({"client_secret": {"value": "opaque-key-1", "expires_at": 60}})
        assert redactor.text("the key opaque-key-1 was used") == "the key [redacted:1:12:text] was used"

    def test_tuples_become_lists_and_other_types_stay(self) -> None:
        assert Redactor().value(({"a": 1.5}, None, True)) == [{"a": 1.5}, None, True]

    @given(values)
    def test_never_raises_never_changes_its_argument(self, value: Any) -> None:
        before = copy.deepcopy(value)
        Redactor().value(value)
        assert value == before

    @given(values)
    def test_is_idempotent(self, value: Any) -> None:
        redactor = Redactor(["known-secret"])
        once = redactor.value(value)
        assert redactor.value(once) == once
        assert Redactor().value(once) == once


class TestKnown:
    @pytest.mark.parametrize("short", ["", "a", "abc", "  ab  "])
    def test_too_short_to_remove(self, short: str) -> None:
        redactor = Redactor([short])
        assert redactor.text("abc a ab") == "abc a ab"

    @pytest.mark.parametrize("secret", ["text", "redacted", "22:ice", "1234"])
    def test_a_secret_that_looks_like_a_part_of_a_mark_leaves_marks_whole(self, secret: str) -> None:
        redactor = Redactor([secret])
        line = f"a=ice-pwd:{PWD} 1234 {secret}"
        clean = redactor.text(line)
        assert parse_mark(clean) == Mark(2, 22, True)
        assert redactor.text(clean) == clean

    def test_the_longest_secret_wins(self) -> None:
        clean = Redactor(["abcdef", "abcdefgh"]).text("abcdefgh")
        assert clean == "[redacted:2:8:ice]"

    @given(secrets, words, words)
    def test_no_known_secret_survives_in_any_spelling(self, secret: str, before: str, after: str) -> None:
        redactor = Redactor([secret])
        for spelling in (secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]):
            clean = redactor.value({"text": f"{before} {spelling} {after}", spelling: [spelling]})
            assert secret not in json.dumps(clean)
            assert spelling not in json.dumps(clean)

    @given(secrets, words)
    def test_no_secret_in_its_place_survives(self, secret: str, around: str) -> None:
        redactor = Redactor()
        data = {
            "url": f"https://host/path?api-key={quote(secret, safe='')}",
            "headers": {"Authorization": f"Bearer {secret}", "api-key": secret},
            "body": {"client_secret": {"value": secret, "expires_at": 1}, "note": around},
        }
        clean = json.dumps(redactor.value(data))
        assert secret not in clean
        assert secret not in json.dumps(redactor.value({"later": f"{around}{secret}{around}"}))

    @given(secrets, secrets)
    def test_numbers_tell_equal_from_different(self, one: str, other: str) -> None:
        redactor = Redactor()
        first, second = redactor.mark(one), redactor.mark(other)
        numbers = parse_mark(first), parse_mark(second)
        assert numbers[0] is not None
        assert numbers[1] is not None
        assert (numbers[0].number == numbers[1].number) == (one == other)
        assert numbers[0].length == len(one)
