"""Session configuration: what is shown, what may change, what is refused and how."""

from __future__ import annotations

import pytest

from tests.fake.rim import EVERY_DIALECT, GENERATIONS, Rim, error_of, script

BOTH = pytest.mark.parametrize("dialect", GENERATIONS)


def refused(dialect: str, **settings):
    rim = Rim(dialect)
    before = rim.conversation.configuration.view("", 0)
    error = error_of(rim.update(**settings))
    assert rim.conversation.configuration.view("", 0) == before
    assert error["type"] == "invalid_request_error"
    return error


def test_the_ga_session_is_shown_whole():
    session = Rim("azure-ga", session={"type": "realtime", "instructions": "Be brief."}).one("session.created")[
        "session"
    ]
    assert session == {
        "id": "sess_0001",
        "object": "realtime.session",
        "type": "realtime",
        "expires_at": 1_700_003_600,
        "model": "gpt-realtime",
        "output_modalities": ["audio"],
        "instructions": "Be brief.",
        "audio": {
            "input": {
                "format": {"type": "audio/pcm", "rate": 24000},
                "transcription": None,
                "noise_reduction": None,
                "turn_detection": {
                    "type": "server_vad",
                    "threshold": 0.5,
                    "prefix_padding_ms": 300,
                    "silence_duration_ms": 500,
                    "idle_timeout_ms": None,
                    "create_response": True,
                    "interrupt_response": True,
                },
            },
            "output": {"format": {"type": "audio/pcm", "rate": 24000}, "voice": "alloy", "speed": 1.0},
        },
        "tools": [],
        "tool_choice": "auto",
        "max_output_tokens": "inf",
        "tracing": None,
        "truncation": "auto",
        "prompt": None,
        "include": None,
    }


def test_the_beta_session_is_shown_whole():
    session = Rim("azure-preview", session={"model": "x", "voice": "sage"}).one("session.created")["session"]
    assert {name: session[name] for name in ("voice", "modalities", "temperature", "max_response_output_tokens")} == {
        "voice": "sage",
        "modalities": ["audio", "text"],
        "temperature": 0.8,
        "max_response_output_tokens": "inf",
    }
    assert session["turn_detection"]["silence_duration_ms"] == 500
    assert "idle_timeout_ms" not in session["turn_detection"]
    assert "type" not in session
    assert "audio" not in session


def test_a_session_is_taken_over_as_it_was_shown():
    first = Rim("azure-ga", session={"audio": {"output": {"voice": "marin"}}}).one("session.created")["session"]
    assert Rim("azure-ga", session=first).one("session.created")["session"] == first


def test_what_a_key_carries_and_cannot_be_applied_is_left_at_its_default():
    session = Rim("azure-ga", session={"voice": "alloy", "max_output_tokens": -1, "instructions": "Hi."})
    shown = session.one("session.created")["session"]
    assert (shown["max_output_tokens"], shown["instructions"]) == ("inf", "Hi.")


@pytest.mark.parametrize("dialect", EVERY_DIALECT)
def test_only_named_fields_change(dialect):
    rim = Rim(dialect)
    before = rim.one("session.created")["session"]
    [updated] = rim.update(instructions="Be brief.")
    assert updated["type"] == "session.updated"
    assert updated["session"] == {**before, "instructions": "Be brief."}
    [updated] = rim.update(instructions="")
    assert updated["session"] == {**before, "instructions": ""}


def test_nested_settings_change_one_by_one():
    rim = Rim("openai-ga")
    rim.update(audio={"output": {"voice": "cedar"}})
    [updated] = rim.update(audio={"output": {"speed": 1.25}, "input": {"noise_reduction": {"type": "near_field"}}})
    assert updated["session"]["audio"]["output"]["voice"] == "cedar"
    assert updated["session"]["audio"]["output"]["speed"] == 1.25
    assert updated["session"]["audio"]["input"]["noise_reduction"] == {"type": "near_field"}


@BOTH
def test_turn_detection_keeps_what_is_not_named(dialect):
    rim = Rim(dialect)
    rim.turn_detection({"type": "server_vad", "threshold": 0.9})
    rim.turn_detection({"type": "server_vad", "silence_duration_ms": 200})
    now = rim.conversation.configuration["turn_detection"]
    assert (now["threshold"], now["silence_duration_ms"]) == (0.9, 200)
    rim.turn_detection({"type": "server_vad", "threshold": None})
    assert rim.conversation.configuration["turn_detection"]["threshold"] == 0.5
    rim.turn_detection({"type": "semantic_vad", "eagerness": "high"})
    assert rim.conversation.configuration["turn_detection"] == {
        "type": "semantic_vad",
        "eagerness": "high",
        "create_response": True,
        "interrupt_response": True,
    }
    rim.turn_detection(None)
    assert rim.conversation.configuration["turn_detection"] is None


@BOTH
def test_the_error_names_the_client_event(dialect):
    rim = Rim(dialect)
    error = error_of(rim.send({"type": "session.update", "event_id": "mine", "session": {"type": "x"}}))
    assert error["event_id"] == "mine"


class TestGaRefusals:
    def test_a_missing_type(self):
        error = error_of(Rim("openai-ga").send({"type": "session.update", "session": {"instructions": "x"}}))
        assert (error["code"], error["param"]) == ("missing_required_parameter", "session.type")

    @pytest.mark.parametrize(
        "name", ["modalities", "voice", "temperature", "turn_detection", "max_response_output_tokens", "nonsense"]
    )
    def test_one_beta_field_refuses_the_whole_update(self, name):
        error = refused("azure-ga", instructions="New.", **{name: 1})
        assert (error["code"], error["param"]) == ("unknown_parameter", f"session.{name}")
        assert error["message"] == f"Unknown parameter: 'session.{name}'."

    def test_an_unknown_nested_field(self):
        assert refused("azure-ga", audio={"input": {"gain": 3}})["param"] == "session.audio.input.gain"

    def test_both_modalities(self):
        assert refused("azure-ga", output_modalities=["audio", "text"])["code"] == "invalid_value"

    def test_the_kind_of_session(self):
        rim = Rim("azure-ga")
        error = error_of(rim.send({"type": "session.update", "session": {"type": "transcription"}}))
        assert error["message"] == "Passing a transcription session update event to a realtime session is not allowed."

    def test_tracing_once_set(self):
        rim = Rim("openai-ga")
        assert rim.update(tracing="auto")[0]["type"] == "session.updated"
        assert error_of(rim.update(tracing={"workflow_name": "w"}))["param"] == "session.tracing"


class TestBetaRefusals:
    @pytest.mark.parametrize(
        "name", ["type", "output_modalities", "audio", "max_output_tokens", "truncation", "prompt"]
    )
    def test_ga_fields(self, name):
        error = refused("azure-preview", instructions="New.", **{name: "realtime"})
        assert (error["code"], error["param"]) == ("unknown_parameter", f"session.{name}")

    def test_audio_alone(self):
        error = refused("azure-preview", modalities=["audio"])
        assert error["code"] == "invalid_value"
        assert "['text'] and ['audio', 'text']" in error["message"]


@pytest.mark.parametrize(
    ("dialect", "settings", "param"),
    [
        ("azure-preview", {"temperature": 0.5}, "session.temperature"),
        ("azure-preview", {"temperature": 1.3}, "session.temperature"),
        ("azure-preview", {"voice": "marin"}, "session.voice"),
        ("azure-preview", {"max_response_output_tokens": 4097}, "session.max_response_output_tokens"),
        ("azure-preview", {"max_response_output_tokens": "many"}, "session.max_response_output_tokens"),
        ("azure-preview", {"turn_detection": {"type": "none"}}, "session.turn_detection.type"),
        ("azure-preview", {"turn_detection": {"type": "server_vad", "threshold": 1.1}}, "session.turn_detection.threshold"),
        ("azure-preview", {"input_audio_format": "opus"}, "session.input_audio_format"),
        ("azure-ga", {"max_output_tokens": 0}, "session.max_output_tokens"),
        ("azure-ga", {"audio": {"output": {"speed": 1.6}}}, "session.audio.output.speed"),
        ("azure-ga", {"audio": {"output": {"voice": "robot"}}}, "session.audio.output.voice"),
        ("azure-ga", {"audio": {"input": {"turn_detection": {"type": "semantic_vad", "eagerness": "very"}}}}, "session.audio.input.turn_detection.eagerness"),
        ("azure-ga", {"audio": {"input": {"turn_detection": {"type": "server_vad", "idle_timeout_ms": 4999}}}}, "session.audio.input.turn_detection.idle_timeout_ms"),
        ("azure-ga", {"audio": {"input": {"turn_detection": {"type": "server_vad", "idle_timeout_ms": 30001}}}}, "session.audio.input.turn_detection.idle_timeout_ms"),
        ("azure-ga", {"model": "another"}, "session.model"),
    ],
)  # fmt: skip
def test_values_out_of_range(dialect, settings, param):
    error = refused(dialect, **settings)
    assert (error["code"], error["param"]) == ("invalid_value", param)


@pytest.mark.parametrize(
    ("dialect", "settings", "param"),
    [
        ("azure-preview", {"temperature": "hot"}, "session.temperature"),
        ("azure-preview", {"instructions": 3}, "session.instructions"),
        ("azure-ga", {"audio": []}, "session.audio"),
        ("azure-ga", {"audio": {"input": {"turn_detection": "server_vad"}}}, "session.audio.input.turn_detection"),
        ("azure-ga", {"max_output_tokens": True}, "session.max_output_tokens"),
        ("azure-ga", {"tools": {}}, "session.tools"),
        ("azure-ga", {"tools": [{"type": "function", "name": 1}]}, "session.tools[0].name"),
    ],
)
def test_values_of_another_type(dialect, settings, param):
    error = refused(dialect, **settings)
    assert (error["code"], error["param"]) == ("invalid_type", param)


@pytest.mark.parametrize(
    ("dialect", "accepted"),
    [
        ("azure-preview", {"turn_detection": {"type": "server_vad", "eagerness": "low"}}),
        ("azure-preview", {"tool_choice": {"type": "function", "function": {"name": "f"}}}),
        ("azure-preview", {"tool_choice": {"type": "function", "name": "f"}}),
        ("openai-ga", {"tool_choice": {"type": "mcp", "server_label": "docs"}}),
        ("openai-ga", {"truncation": {"type": "retention_ratio", "retention_ratio": 0.5}}),
        ("openai-ga", {"prompt": {"id": "pmpt_1", "variables": {"name": "Ada"}}}),
        ("openai-ga", {"reasoning": {"effort": "low"}, "parallel_tool_calls": True}),
        ("openai-ga", {"audio": {"input": {"transcription": {"model": "m", "languages": ["de"]}, "format": {"type": "audio/pcmu"}}}}),
        ("openai-ga", {"tools": [{"type": "mcp", "server_label": "d", "require_approval": {"never": {"tool_names": ["a"]}}, "allowed_tools": ["a"]}]}),
    ],
)  # fmt: skip
def test_what_is_accepted_is_shown_in_a_valid_session(dialect, accepted):
    assert Rim(dialect).update(**accepted)[0]["type"] == "session.updated"


@BOTH
def test_the_voice_freezes_with_the_first_audio(dialect):
    rim = Rim(dialect)

    def choose(voice):
        return rim.update(
            **({"audio": {"output": {"voice": voice}}} if rim.dialect.generation.name == "ga" else {"voice": voice})
        )

    assert choose("sage")[0]["type"] == "session.updated"
    rim.send({"type": "response.create"})
    rim.run(3.0)
    assert choose("sage")[0]["type"] == "session.updated"
    error = error_of(choose("alloy"))
    assert error["code"] == "cannot_update_voice"
    assert error["param"] == ("session.audio.output.voice" if rim.dialect.generation.name == "ga" else "session.voice")
    override = {"audio": {"output": {"voice": "ash"}}} if rim.dialect.generation.name == "ga" else {"voice": "ash"}
    error = error_of(rim.send({"type": "response.create", "response": override}))
    assert error["code"] == "cannot_update_voice"


def test_text_does_not_freeze_the_voice():
    rim = Rim("azure-preview")
    rim.text_only()
    rim.send({"type": "response.create"})
    rim.run(1.0)
    assert rim.update(voice="sage")[0]["type"] == "session.updated"


def test_speed_changes_only_between_turns():
    rim = Rim("azure-ga", script({"says": "Well.", "audio": "long.wav"}))
    rim.send({"type": "response.create"})
    assert error_of(rim.update(audio={"output": {"speed": 1.5}}))["param"] == "session.audio.output.speed"
    rim.run(40.0)
    assert rim.update(audio={"output": {"speed": 1.5}})[0]["type"] == "session.updated"
