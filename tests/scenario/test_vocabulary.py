"""Which dialects can play what."""

from __future__ import annotations

from typing import Any

import pytest

from harness.protocol.dialects import DIALECTS, FICTIONAL_EVENTS
from harness.protocol.generations import BETA_NAMES
from harness.scenario.model import Scenario
from harness.scenario.requirements import dialects_of
from harness.scenario.vocabulary import (
    CLIENT_NAMES,
    SERVER_NAMES,
    did_you_mean,
    speaks,
    wrong_client_event,
    wrong_server_event,
)

ALL = tuple(DIALECTS)
GA = ("azure-ga", "openai-ga")
BETA = ("azure-preview", "openai-beta")


def scenario(**parts: Any) -> Scenario:
    return Scenario.model_validate({"title": "x", **parts})


@pytest.mark.parametrize(
    ("parts", "dialects"),
    [
        ({}, ALL),
        ({"dialects": ["openai-ga", "azure-ga", "openai-ga"]}, ("openai-ga", "azure-ga")),
        ({"steps": [{"expect": "response.output_audio_transcript.done"}]}, ALL),
        ({"steps": [{"expect": "response.audio_transcript.done"}]}, BETA),
        ({"steps": [{"expect": "conversation.item.added"}]}, ALL),
        ({"steps": [{"expect": "conversation.item.created"}]}, ALL),
        ({"steps": [{"expect": "conversation.item.done"}]}, GA),
        ({"steps": [{"expect": "conversation.item.done", "optional": True}]}, ALL),
        ({"steps": [{"never": "conversation.item.done"}]}, ALL),
        ({"steps": [{"expect": {"all_of": ["error", "conversation.item.done"]}}]}, GA),
        ({"steps": [{"expect": {"any_of": ["conversation.item.created", "conversation.item.done"]}}]}, ALL),
        ({"steps": [{"expect": {"any_of": [{"event": "transcription_session.updated"}]}}]}, BETA),
        ({"steps": [{"send": {"type": "transcription_session.update"}}]}, BETA),
        ({"steps": [{"send": {"type": "response.create"}}]}, ALL),
        ({"steps": [{"update": {"instructions": "x"}}]}, ALL),
        ({"steps": [{"update": {"truncation": "auto"}}]}, GA),
        ({"steps": [{"update": {"temperature": 0.8}}]}, BETA),
        ({"steps": [{"update": {"max_response_output_tokens": 5}}]}, ALL),
        ({"session": {"temperature": 0.8, "truncation": "auto"}}, ALL),
        ({"steps": [{"expect": "session.updated", "where": {"session.voice": "alloy"}}]}, ALL),
        ({"steps": [{"expect": "session.updated", "where": {"session.temperature": 0.8}}]}, BETA),
        ({"steps": [{"expect": "session.updated", "where": {"session.temperature": {"absent": True}}}]}, ALL),
        ({"steps": [{"expect": "session.created", "save": {"kind": "session.type"}}]}, GA),
        ({"steps": [{"expect": {"all_of": [{"event": "session.created", "where": {"session.type": "x"}}]}}]}, GA),
        ({"caller": {"webrtcfilter": True}}, ("azure-ga",)),
        ({"steps": [{"update": {"temperature": 1}}, {"expect": "conversation.item.done"}]}, ()),
    ],
)
def test_a_scenario_runs_in_every_dialect_that_can(parts: dict[str, Any], dialects: tuple[str, ...]) -> None:
    assert dialects_of(scenario(**parts)) == dialects


def test_the_names_are_those_of_all_dialects_and_nothing_fictional() -> None:
    assert set(BETA_NAMES) <= SERVER_NAMES
    assert {name for name in BETA_NAMES.values() if name} <= SERVER_NAMES
    assert not SERVER_NAMES & CLIENT_NAMES
    assert not SERVER_NAMES & set(FICTIONAL_EVENTS)


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=lambda row: row.name)
def test_every_dialect_speaks_its_own_names(dialect: Any) -> None:
    assert all(speaks(dialect, name) for name in dialect.server_events | dialect.client_events)
    assert not any(speaks(dialect, name) for name in FICTIONAL_EVENTS if name != "session.update")


def test_known_names_are_not_wrong_and_fictional_ones_always_are() -> None:
    assert {wrong_server_event(name) for name in SERVER_NAMES} == {None}
    assert {wrong_client_event(name) for name in CLIENT_NAMES} == {None}
    for name, meaning in FICTIONAL_EVENTS.items():
        assert meaning in str(wrong_server_event(name))


def test_the_nearest_word_is_found_without_regard_to_case() -> None:
    assert did_you_mean("Expct", ["expect", "wait"]) == "; did you mean 'expect'?"
    assert did_you_mean("rsp-03", ["RSP-03"]) == "; did you mean 'RSP-03'?"
    assert did_you_mean("zzz", ["expect"], otherwise="!") == "!"
