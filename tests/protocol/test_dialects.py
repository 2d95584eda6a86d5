"""The table of dialects: complete, consistent, and able to say the same session in every dialect."""

from __future__ import annotations

import copy
from string import Formatter
from typing import Any, ClassVar
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.protocol.dialects import (
    API_KEY,
    BEARER,
    DIALECTS,
    FICTIONAL_EVENTS,
    WEBRTC_FILTER,
    Dialect,
)
from harness.protocol.generations import BETA_NAMES, CLIENT_EVENTS, SERVER_EVENTS
from harness.protocol.session_body import session_body
from harness.protocol.sessions import SESSION_FIELDS

BETA_FIELDS = {row.beta[0] for row in SESSION_FIELDS if row.beta}
GA_FIELDS = {row.ga[0] for row in SESSION_FIELDS if row.ga}
every = pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)

words = st.sampled_from(
    [row.word for row in SESSION_FIELDS] + sorted(BETA_FIELDS | GA_FIELDS) + ["sampleRate", "a.b", ""]
)
anything = st.recursive(
    st.none() | st.integers() | st.text(max_size=5) | st.sampled_from(["pcm16", "g711_ulaw"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["input", "output", "voice", "format", "type", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


def paths_in(body: dict[str, Any], above: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    return {(*above, name) for name in body} | {
        path for name, inner in body.items() if isinstance(inner, dict) for path in paths_in(inner, (*above, name))
    }


class TestRows:
    def test_the_four(self) -> None:
        assert list(DIALECTS) == ["azure-preview", "azure-ga", "openai-ga", "openai-beta"]
        assert all(name == row.name for name, row in DIALECTS.items())

    @every
    def test_urls_are_https_templates_of_known_names(self, dialect: Dialect) -> None:
        known = {"resource", "region", "model", "api_version", "call_id"}
        texts = [dialect.key_url, dialect.transcription_key_url, dialect.call_url, dialect.hangup_url or ""]
        texts += [*dialect.key_query.values(), *dialect.call_query.values()]
        assert {name for text in texts for _, name, _, _ in Formatter().parse(text) if name} <= known
        assert all(urlsplit(text).scheme == "https" for text in texts[:3])
        assert not any(urlsplit(text).query for text in texts[:4])

    @every
    def test_generation_decides_shape_and_key_place(self, dialect: Dialect) -> None:
        beta = dialect.generation.name == "beta"
        assert dialect.body == ("flat" if beta else "nested")
        assert dialect.key_path == (("client_secret", "value") if beta else ("value",))
        assert dialect.expires_path == (*dialect.key_path[:-1], "expires_at")
        assert (dialect.hangup_url is None) == beta
        assert dialect.location is not beta
        assert 201 in dialect.call_statuses
        assert dialect.call_statuses_documented is not beta

    @every
    def test_vendor_decides_label_and_auth(self, dialect: Dialect) -> None:
        azure = dialect.vendor == "azure"
        assert dialect.label == ("realtime-channel" if azure else "oai-events")
        assert (API_KEY in dialect.auth) == azure
        assert BEARER in dialect.auth

    @every
    def test_says_where_it_comes_from(self, dialect: Dialect) -> None:
        assert dialect.sources
        assert dialect.title
        assert dialect.state

    def test_only_azure_ga_filters_and_only_the_preview_has_regions(self) -> None:
        assert [name for name, row in DIALECTS.items() if row.filter] == ["azure-ga"]
        assert [name for name, row in DIALECTS.items() if row.regions] == ["azure-preview"]
        assert [name for name, row in DIALECTS.items() if "api-version" in row.key_query] == ["azure-preview"]

    def test_rows_cannot_be_changed(self) -> None:
        with pytest.raises(TypeError):
            DIALECTS["mine"] = DIALECTS["azure-ga"]  # type: ignore[index]
        with pytest.raises(AttributeError):
            DIALECTS["azure-ga"].label = "x"  # type: ignore[misc]


class TestNames:
    @every
    def test_there_and_back(self, dialect: Dialect) -> None:
        for canonical in SERVER_EVENTS | CLIENT_EVENTS:
            wire = dialect.wire(canonical)
            if wire is not None and canonical != "conversation.item.created":
                assert dialect.canonical(wire) == canonical

    @every
    def test_every_wire_name_is_known_and_no_fiction(self, dialect: Dialect) -> None:
        spoken = dialect.server_events | dialect.client_events
        assert {dialect.wire(name) for name in SERVER_EVENTS | CLIENT_EVENTS} - {None} <= spoken
        # "session.update" is fiction only as a server event.
        assert not set(FICTIONAL_EVENTS) & dialect.server_events
        assert not set(FICTIONAL_EVENTS) - {"session.update"} & dialect.client_events

    @every
    def test_a_name_of_its_own_stays(self, dialect: Dialect) -> None:
        for wire in dialect.server_events | dialect.client_events:
            assert dialect.wire(wire) in (wire, BETA_NAMES.get(wire, wire))
        assert dialect.wire("no.such.event") == dialect.canonical("no.such.event") == "no.such.event"

    def test_beta_lacks_the_audio_names_of_ga(self) -> None:
        beta, ga = DIALECTS["azure-preview"], DIALECTS["azure-ga"]
        assert beta.wire("response.output_audio_transcript.delta") == "response.audio_transcript.delta"
        assert beta.wire("conversation.item.done") is None
        assert ga.wire("response.output_audio_transcript.delta") == "response.output_audio_transcript.delta"
        assert "response.audio_transcript.delta" in beta.server_events - ga.server_events
        assert "response.output_audio_transcript.delta" in ga.server_events - beta.server_events

    def test_renames_start_from_canonical_names_and_end_in_no_ga_name_twice(self) -> None:
        wires = [wire for wire in BETA_NAMES.values() if wire is not None]
        assert set(BETA_NAMES) <= SERVER_EVENTS
        assert len(wires) == len(set(wires))

    def test_the_filter_lets_eleven_known_types_through(self) -> None:
        assert len(WEBRTC_FILTER) == 11
        assert WEBRTC_FILTER <= SERVER_EVENTS

    def test_tables_agree_with_the_official_sdk(self) -> None:
        sdk = pytest.importorskip("openai.types.realtime", reason="the vendor's SDK is not installed")
        beta = pytest.importorskip("openai.types.beta.realtime")
        from typing import get_args

        def types(union: Any) -> set[str]:
            return {
                name
                for member in get_args(get_args(union)[0])
                for name in get_args(member.model_fields["type"].annotation)
            }

        assert types(sdk.RealtimeServerEvent) == SERVER_EVENTS
        assert types(sdk.RealtimeClientEvent) == CLIENT_EVENTS
        assert types(beta.RealtimeServerEvent) == DIALECTS["openai-beta"].server_events
        assert types(beta.RealtimeClientEvent) == DIALECTS["openai-beta"].client_events


class TestSessionBody:
    SESSION: ClassVar = {
        "instructions": "You are a helpful behavioral health assistant.",
        "voice": "alloy",
        "temperature": 0.8,
        "max_output_tokens": 4096,
    }

    def test_beta_is_flat(self) -> None:
        body, notes = session_body(DIALECTS["azure-preview"], self.SESSION)
        assert body == {
            "instructions": "You are a helpful behavioral health assistant.",
            "voice": "alloy",
            "temperature": 0.8,
            "max_response_output_tokens": 4096,
        }
        assert notes == ["session.max_output_tokens sent as max_response_output_tokens"]

    def test_ga_nests_and_has_no_temperature(self) -> None:
        body, notes = session_body(DIALECTS["azure-ga"], self.SESSION)
        assert body == {
            "type": "realtime",
            "instructions": "You are a helpful behavioral health assistant.",
            "audio": {"output": {"voice": "alloy"}},
            "max_output_tokens": 4096,
        }
        assert len(notes) == 1
        assert "temperature left out" in notes[0]

    @pytest.mark.parametrize(
        ("name", "session", "expected"),
        [
            ("azure-ga", {}, {"type": "realtime"}),
            ("openai-beta", {}, {}),
            ("azure-ga", {"type": "transcription"}, {"type": "transcription"}),
            ("openai-beta", {"type": "realtime"}, {}),
            ("openai-ga", {"max_response_output_tokens": 9}, {"type": "realtime", "max_output_tokens": 9}),
            ("openai-beta", {"audio": {"output": {"voice": "ash", "speed": 1.1}}}, {"voice": "ash", "speed": 1.1}),
            ("openai-ga", {"turn_detection": None}, {"type": "realtime", "audio": {"input": {"turn_detection": None}}}),
            ("openai-ga", {"modalities": ["text", "audio"]}, {"type": "realtime", "output_modalities": ["audio"]}),
            ("openai-beta", {"output_modalities": ["audio"]}, {"modalities": ["audio", "text"]}),
            ("openai-beta", {"modalities": ["text"]}, {"modalities": ["text"]}),
            (
                "openai-ga",
                {"input_audio_format": "pcm16"},
                {"type": "realtime", "audio": {"input": {"format": {"type": "audio/pcm", "rate": 24000}}}},
            ),
            (
                "openai-beta",
                {"audio": {"input": {"format": {"type": "audio/pcmu"}}}},
                {"input_audio_format": "g711_ulaw"},
            ),
            # What no dialect knows goes out as it was written, wrong or not.
            ("openai-ga", {"sampleRate": 24000, "a.b": 1}, {"type": "realtime", "sampleRate": 24000, "a.b": 1}),
            ("openai-ga", {"audio": {"input": {"gain": 2}}}, {"type": "realtime", "audio": {"input": {"gain": 2}}}),
            ("openai-ga", {"audio": {}}, {"type": "realtime", "audio": {}}),
            ("openai-ga", {"audio": {"input": {}}}, {"type": "realtime", "audio": {"input": {}}}),
            ("openai-ga", {"audio": "loud"}, {"type": "realtime", "audio": "loud"}),
            ("openai-ga", {"voice": "ash", "audio": {}}, {"type": "realtime", "audio": {"output": {"voice": "ash"}}}),
            (
                "openai-ga",
                {"audio": "loud", "voice": "ash"},
                {"type": "realtime", "audio": {"output": {"voice": "ash"}}},
            ),
        ],
    )
    def test_translation(self, name: str, session: dict[str, Any], expected: dict[str, Any]) -> None:
        assert session_body(DIALECTS[name], session)[0] == expected

    @pytest.mark.parametrize(
        ("name", "session", "word"),
        [
            ("azure-preview", {"truncation": "auto"}, "truncation"),
            ("azure-preview", {"prompt": {"id": "p"}}, "prompt"),
            ("openai-ga", {"modalities": ["text", "audio"]}, "modalities"),
            ("openai-ga", {"output_audio_format": "g711_alaw"}, "output_audio_format"),
        ],
    )
    def test_whatever_is_changed_or_left_out_is_noted(self, name: str, session: dict[str, Any], word: str) -> None:
        assert any(f"session.{word}" in note for note in session_body(DIALECTS[name], session)[1])

    @given(st.sampled_from(sorted(DIALECTS)), st.dictionaries(words, anything, max_size=4))
    def test_never_raises_never_changes_its_argument(self, name: str, session: dict[str, Any]) -> None:
        before = copy.deepcopy(session)
        body, _ = session_body(DIALECTS[name], session)
        assert session == before
        body.setdefault("audio", {})
        assert session == before

    @given(
        st.sampled_from(sorted(DIALECTS)),
        st.dictionaries(st.sampled_from([row.word for row in SESSION_FIELDS]), st.integers()),
    )
    def test_no_field_of_the_other_generation_is_ever_sent(self, name: str, session: dict[str, Any]) -> None:
        dialect = DIALECTS[name]
        body, notes = session_body(dialect, session)
        own = {
            path[: depth + 1]
            for row in SESSION_FIELDS
            if (path := row.path(dialect.generation.name))
            for depth in range(len(path))
        }
        assert paths_in(body) <= own
        lost = [word for word in session if dialect.session_path(word) is None]
        assert all(any(f"session.{word} left out" in note for note in notes) for word in lost)

    @given(
        st.dictionaries(
            st.sampled_from(sorted({row.word for row in SESSION_FIELDS if row.beta and row.ga})), st.integers()
        )
    )
    def test_a_body_of_one_dialect_is_understood_by_the_other(self, session: dict[str, Any]) -> None:
        beta, ga = DIALECTS["openai-beta"], DIALECTS["openai-ga"]
        straight, _ = session_body(ga, session)
        around, _ = session_body(ga, session_body(beta, session)[0])
        assert around == straight
