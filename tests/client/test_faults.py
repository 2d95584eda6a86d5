"""The faults of the caller: what a declaration must say, how it is applied, and the small rewrites they are made of."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.client.faults import CLIENT_FAULTS, ClientFault, ClientFaults, base, edits
from harness.client.http import Draft
from harness.client.outbox import Outbox
from harness.errors import ConnectionLost, ScenarioError, UsageError
from harness.fake.faults import FAULTS
from harness.protocol.dialects import DIALECTS
from harness.rules.base import REGISTRY, SERVICE
from harness.rules.catalogue import all_rules
from harness.running import clock
from harness.running.faults import check_faults
from harness.scenario.files import reference_suite
from harness.scenario.loader import LoadedScenario, dialects_of, load, loads
from harness.scenario.model import Caller
from harness.scenario.values import MILESTONES
from harness.targets.endpoints import fake_endpoints
from harness.trace import Header, Recorder

GA, PREVIEW = DIALECTS["azure-ga"], DIALECTS["azure-preview"]
DRAFT = Draft("call", "POST", "http://127.0.0.1:1/v1/calls?model=m", {"authorization": "Bearer k"}, "v=0\r\n")
OFFER = "v=0\r\ns=-\r\na=group:BUNDLE 0 1\r\nm=audio 9 X 96\r\na=mid:0\r\nm=application 9 Y z\r\na=mid:1\r\n"
ENDPOINTS = fake_endpoints("azure-ga", "http://127.0.0.1:1", api_key="long-lived-key")
EVERY = pytest.mark.parametrize("fault", CLIENT_FAULTS.values(), ids=lambda one: one.name)


# What a declaration says


def test_there_are_many_of_them() -> None:
    assert len(CLIENT_FAULTS) >= 60


def test_no_fault_of_the_service_has_the_same_name() -> None:
    assert not set(CLIENT_FAULTS) & set(FAULTS)


@EVERY
def test_a_fault_names_what_exists(fault: ClientFault) -> None:
    assert all_rules()
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", fault.name)
    assert fault.title
    for id in (*fault.caught_by, *fault.also):
        assert id in REGISTRY, id
    assert all(REGISTRY[id].who != SERVICE for id in fault.caught_by), "a client breaks rules about clients"
    assert all(fault.dialect in REGISTRY[id].dialects or fault.dialect == "openai-ga" for id in fault.caught_by)
    assert not set(fault.caught_by) & set(fault.also)
    assert fault.misses is None or fault.misses in MILESTONES
    assert set(fault.against) <= set(FAULTS)
    assert fault.dialect in dialects_of(load(reference_suite() / fault.scenario).scenario)
    assert fault.to_json()["fault"] == fault.name
    assert json.dumps(fault.to_json())


def test_a_name_is_given_once() -> None:
    with pytest.raises(ValueError, match="declared twice"):
        base.client_fault("no-opus", "again", plane=base.OFFER, caught_by=("OFF-05",))(str)


def test_a_fault_says_by_what_it_is_caught() -> None:
    with pytest.raises(ValueError, match="names no rule"):
        base.client_fault("harmless", "nothing", plane=base.OFFER)(str)
    assert "harmless" not in CLIENT_FAULTS


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError) as error:
        ClientFaults(["no-opuss"])
    assert "no-opus" in error.value.fix
    assert CLIENT_FAULTS["no-opus"].caught_by == ("OFF-05",)


# In a scenario

SCENARIO = """\
title: A caller that misbehaves
caller:
  timeout: 5s
  faults: [{names}]
steps: [hang_up]
"""


def scenario(tmp_path: Path, names: str) -> LoadedScenario:
    path = tmp_path / "one.yaml"
    path.write_text(SCENARIO.format(names=names))
    return loads(path.read_text(), path)


def test_a_scenario_may_name_faults_of_the_caller(tmp_path: Path) -> None:
    loaded = scenario(tmp_path, "no-opus, second-channel")
    check_faults(loaded)
    assert loaded.scenario.caller.faults == ["no-opus", "second-channel"]


def test_an_unknown_fault_is_an_error_with_its_place(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError) as error:
        check_faults(scenario(tmp_path, "no-opus, secnd-channel"))
    assert error.value.where.endswith("one.yaml:4:21")
    assert "second-channel" in str(error.value)


def test_a_file_that_is_gone_is_named_without_a_place(tmp_path: Path) -> None:
    loaded = scenario(tmp_path, "secnd-channel")
    loaded.path.unlink()
    with pytest.raises(ScenarioError, match="secnd-channel"):
        check_faults(loaded)


# How they are applied


def test_without_faults_nothing_changes() -> None:
    none, caller = ClientFaults(), Caller()
    assert none.requests(ENDPOINTS)(DRAFT) is DRAFT
    assert none.pause(429, 1.5) == 1.5
    assert none.caller(caller) is caller
    assert none.offer(OFFER) is OFFER
    assert none.answer(OFFER) is OFFER
    assert not none.events(GA)
    assert not none.reactions(GA)
    assert none.conduct == base.CallerConduct(believes=none.conduct.believes)
    assert none.conduct.believes(201)
    assert not none.conduct.believes(302)
    assert not none.conduct.believes(401)


def test_faults_of_one_plane_follow_each_other() -> None:
    both = ClientFaults(["no-rtcp-mux", "no-sctp-port"])
    edited = both.offer(OFFER + "a=rtcp-mux\r\na=sctp-port:5000\r\n")
    assert edited == OFFER


def test_a_fault_may_need_another_plane() -> None:
    assert "a=max-message-size:0" in ClientFaults(["message-too-large"]).answer("a=max-message-size:65536\r\n")
    assert ClientFaults(["answer-credentials-misread"]).caller(Caller()).timeout == 20.0


@pytest.mark.parametrize(
    ("name", "status", "pause", "expected"),
    [
        ("refused-key-tried-again", 401, None, 1.0),
        ("refused-key-tried-again", 500, 1.0, 1.0),
        ("retry-after-ignored", 429, 2.0, 0.02),
        ("retry-without-back-off", 503, 1.0, 0.0),
    ],
)
def test_a_client_repeats_what_it_should_not(
    name: str, status: int, pause: float | None, expected: float | None
) -> None:
    assert ClientFaults([name]).pause(status, pause) == expected


# Requests


@pytest.mark.parametrize(
    ("rewrite", "url"),
    [
        (edits.query("call", model=None), "http://127.0.0.1:1/v1/calls"),
        (edits.query("call", model="x y"), "http://127.0.0.1:1/v1/calls?model=x+y"),
        (edits.query("call", **{"api-version": "1"}), "http://127.0.0.1:1/v1/calls?model=m&api-version=1"),
        (edits.path("call", "/openai/realtime?deployment=d"), "http://127.0.0.1:1/openai/realtime?deployment=d"),
        (edits.query("key", model=None), DRAFT.url),
    ],
)
def test_a_request_goes_elsewhere(rewrite: base.RequestRewrite, url: str) -> None:
    assert rewrite(DRAFT, ENDPOINTS).url == url


def test_headers_are_added_changed_and_taken_away() -> None:
    rewrite = edits.headers("call", lambda at: {"authorization": None, "api-key": at.api_key})
    assert rewrite(DRAFT, ENDPOINTS).headers == {"api-key": "long-lived-key"}


def test_a_body_is_edited_as_json() -> None:
    draft = Draft("key", "POST", "http://h/", {}, '{"session": {"type": "realtime", "model": "m"}}')
    rewrite = edits.chain(edits.body("key", lambda whole: edits.put(whole, "session.audio.output.voice", "ash")))
    assert json.loads(rewrite(draft, ENDPOINTS).content)["session"] == {
        "type": "realtime",
        "model": "m",
        "audio": {"output": {"voice": "ash"}},
    }
    assert rewrite(DRAFT, ENDPOINTS) is DRAFT


# SDP


def test_a_section_that_is_taken_away_leaves_the_bundle() -> None:
    edited = CLIENT_FAULTS["no-audio-section"].rewrite(OFFER)
    assert edited == "v=0\r\ns=-\r\na=group:BUNDLE 1\r\nm=application 9 Y z\r\na=mid:1\r\n"


def test_a_second_section_joins_the_bundle() -> None:
    edited = CLIENT_FAULTS["two-audio-sections"].rewrite(OFFER)
    assert edited.count("m=audio ") == 2
    assert "a=group:BUNDLE 0 1 7\r\n" in edited
    assert "a=mid:7\r\n" in edited


# Events


def test_settings_go_into_the_first_update_alone() -> None:
    (rewrite,) = [edits.session(audio__output__speed=9)(GA)]
    update = {"type": "session.update", "session": {"type": "realtime"}}
    ((delay, first),) = rewrite(update)
    assert delay == 0.0
    assert isinstance(first, dict)
    assert first["session"] == {"type": "realtime", "audio": {"output": {"speed": 9}}}
    assert list(rewrite(update)) == [(0.0, update)]
    assert update["session"] == {"type": "realtime"}, "what was to be sent is left as it was"


def test_a_reaction_comes_at_the_event_it_names() -> None:
    react = edits.send_at(
        "response.output_item.added", lambda event: {"type": "x", "of": event["n"]}, after=0.5, nth=2
    )(GA)
    added = {"type": "response.output_item.added"}
    assert [list(react({**added, "n": number})) for number in range(3)] == [[], [(0.5, {"type": "x", "of": 1})], []]
    assert list(react({"type": "error"})) == []


def test_types_are_found_under_their_wire_name() -> None:
    react = edits.send_at("response.output_text.delta", {"type": "x"})(PREVIEW)
    assert list(react({"type": "response.output_text.delta"})) == []
    assert list(react({"type": "response.text.delta"})) == [(0.0, {"type": "x"})]


# What leaves


def outbox(
    names: list[str], act: Callable[[Outbox, Recorder], None], *, fails: bool = False
) -> list[tuple[float, Any]]:
    """What leaves, and when, while ``act`` uses an outbox; two seconds are waited for."""
    sent: list[tuple[float, Any]] = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()

        def transmit(message: str | bytes) -> None:
            if fails:
                raise ConnectionLost("gone")
            sent.append((round(loop.time() - began, 3), message))

        recorder = Recorder(Header("client", "azure-ga"), loop.time)
        act(Outbox(ClientFaults(names), GA, recorder, transmit), recorder)
        await asyncio.sleep(5)

    clock.run(main, time="virtual")
    return sent


UPDATE = {"type": "session.update", "session": {"type": "realtime"}}


def test_events_leave_as_they_are() -> None:
    assert outbox([], lambda box, _: box.send(UPDATE)) == [(0.0, json.dumps(UPDATE, separators=(",", ":")))]


def test_an_event_may_leave_later() -> None:
    ((when, _),) = outbox(["speaks-before-the-update"], lambda box, _: box.send(UPDATE))
    assert when == 4.0


def test_an_event_may_leave_as_bytes() -> None:
    ((_, message),) = outbox(["event-as-binary"], lambda box, _: box.send(UPDATE))
    assert isinstance(message, bytes)
    assert json.loads(message) == UPDATE


def test_a_reaction_leaves_behind_what_it_reacts_to() -> None:
    def act(box: Outbox, recorder: Recorder) -> None:
        recorder.record("event.received", event={"type": "response.created"}, size=1)

    ((when, message),) = outbox(["response-asked-for-twice"], act)
    assert when == 0.8
    assert json.loads(message) == {"type": "response.create"}


def test_nothing_leaves_once_it_is_closed() -> None:
    def act(box: Outbox, recorder: Recorder) -> None:
        box.send(UPDATE)
        box.close()
        recorder.record("event.received", event={"type": "session.created"}, size=1)

    assert outbox(["speaks-before-the-update", "unknown-event"], act) == []


def test_what_leaves_later_may_find_the_call_gone() -> None:
    assert outbox(["speaks-before-the-update"], lambda box, _: box.send(UPDATE), fails=True) == []
