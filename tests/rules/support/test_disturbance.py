"""Rules do not blame a service for what the harness did to the network, and blame it as ever where the network was left alone."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import pytest

from harness.protocol.dialects import DIALECTS
from harness.rules.base import Outcome, View, judge_rule
from harness.rules.catalogue import all_rules
from harness.rules.support.disturbance import slack
from tests.limits import Limit
from tests.traces import event, trace

Row = tuple[float, str, dict[str, Any]]
RULES = {one.id: one for one in all_rules()}


def disturbed(**conditions: Any) -> Row:
    return (0.0, "connection.disturbed", {"text": "", "conditions": conditions})


def slack_of(*rows: Row) -> float:
    return slack(View(trace(*rows), DIALECTS["azure-ga"]))


def test_a_network_left_alone_gives_no_slack() -> None:
    assert slack_of() == 0.0
    assert slack_of((0.0, "connection.disturbed", {"text": "something"})) == 0.0


def test_slack_is_what_the_settings_can_delay() -> None:
    assert slack_of(disturbed(delay=0.08, jitter=0.02)) == pytest.approx(0.2)
    assert slack_of(disturbed(loss=0.05)) == 3.0
    assert slack_of(disturbed(burst_loss={"enter": 0.1, "leave": 0.5, "loss": 1.0})) == 3.0
    assert slack_of(disturbed(blackouts=[{"after": 1.0, "lasts": 5.0}])) == 13.0
    assert slack_of(disturbed(cut_off=3.0)) == 0.0


def test_one_direction_has_its_own_delay_and_a_narrow_line_its_queue() -> None:
    assert slack_of(disturbed(delay=0.1, sent={"delay": 0.3})) == pytest.approx(0.4)
    assert slack_of(disturbed(sent={"loss": 0.05})) == 3.0
    assert slack_of(disturbed(received={"bandwidth": 64000.0, "queue": 0.2})) == pytest.approx(3.2)


@pytest.mark.parametrize(("lost", "again"), [(0, 3.0), (5, 3.0), (10, 7.0), (28, 31.0), (60, 63.0), (100, 3.0)])
def test_the_more_was_lost_the_longer_a_message_may_take_to_come_through(lost: int, again: float) -> None:
    counts = (9.0, "connection.disturbed", {"received": {"datagrams": 100, "lost": lost}})
    assert slack_of(disturbed(loss=0.3), counts) == again
    assert slack_of(disturbed(delay=0.1), counts) == pytest.approx(0.2)


def test_a_network_that_is_changed_in_mid_call_gives_the_slack_of_all_that_it_was() -> None:
    assert slack_of(disturbed(delay=0.1), disturbed(delay=0.2), disturbed()) == pytest.approx(0.6)


def test_a_network_that_was_cut_off_excuses_everything() -> None:
    assert slack_of(disturbed(cut_off=3.0), (3.0, "connection.disturbed", {"blackout": "cut-off"})) == math.inf


@pytest.mark.parametrize("conditions", [{"delay": "soon"}, {"blackouts": [None, {"lasts": []}]}, {"loss": None}])
def test_settings_that_make_no_sense_give_no_slack(conditions: dict[str, Any]) -> None:
    assert slack_of((0.0, "connection.disturbed", {"conditions": conditions})) in (0.0, 3.0)
    assert slack_of((0.0, "connection.disturbed", {"conditions": []})) == 0.0


def packets(*rows: tuple[float, int]) -> Row:
    """Received packets of 20 ms by (milliseconds, sequence)."""
    rows_of = [[ms, number, number * 960, 9, 0, 120] for ms, number in rows]
    data = {"direction": "received", "ssrc": 2, "payload_type": 111, "first": 0.0, "packets": rows_of}
    return (rows[-1][0] / 1000, "rtp.packets", data)


STARTED = event(0.0, "service", "output_audio_buffer.started", response_id="r")
STOPPED = event(3.0, "service", "output_audio_buffer.stopped", response_id="r")
ICE = [(0.0, "connection.ice", {"state": "checking"}), (12.0, "connection.ice", {"state": "completed"})]
TRUNCATED = [
    event(0.0, "service", "response.output_item.added", response_id="r", output_index=0, item={"id": "i"}),
    STARTED,
    event(4.0, "service", "output_audio_buffer.cleared", response_id="r"),
    event(4.0, "service", "conversation.item.truncated", item_id="i", content_index=0, audio_end_ms=1500),
]
LATE: dict[str, list[Row]] = {
    "MED-13": [STARTED, packets((0, 1), (900, 46)), STOPPED],
    "MED-02": [packets((25_000, 1), (25_020, 1251))],
    "DC-01": ICE,
    "PLAY-12": TRUNCATED,
}
EXCUSES = {
    "MED-13": disturbed(burst_loss={"enter": 0.01, "leave": 0.1, "loss": 1.0}),
    "MED-02": disturbed(blackouts=[{"after": 0.0, "lasts": 25.0}]),
    "DC-01": disturbed(loss=0.2),
    "PLAY-12": disturbed(loss=0.05, delay=0.1),
}


@pytest.mark.parametrize("name", LATE)
def test_what_comes_late_is_found_and_excused_by_the_networks_doing(name: str) -> None:
    rows = sorted(LATE[name], key=lambda row: row[0])
    assert judge_rule(RULES[name], trace(*rows)).outcome is Outcome.FAIL
    assert judge_rule(RULES[name], trace(EXCUSES[name], *rows)).outcome is Outcome.PASS


def test_speech_at_the_end_may_be_explained_by_an_event_that_is_still_on_its_way() -> None:
    levels = {"direction": "received", "start": 8.0, "step": 0.5, "levels": [-30], "speech": [1]}
    heard = (8.5, "audio.levels", levels)
    assert judge_rule(RULES["MED-12"], trace(heard)).outcome is Outcome.FAIL
    assert judge_rule(RULES["MED-12"], trace(disturbed(loss=0.05), heard)).outcome is Outcome.NOT_EXERCISED
    later = (20.0, "connection.state", {"state": "closed"})
    assert judge_rule(RULES["MED-12"], trace(disturbed(loss=0.05), heard, later)).outcome is Outcome.FAIL


def test_an_acknowledgement_that_is_under_way_again_is_waited_for_as_long_as_the_network_may_take() -> None:
    rows: list[Row] = [
        (0.0, "channel.dcep", {"direction": "sent", "message": "open", "ppid": 50, "stream": 1}),
        (12.0, "rtp.rtcp", {"direction": "received", "types": ["SR"]}),
    ]
    assert judge_rule(RULES["DC-06"], trace(*rows)).outcome is Outcome.FAIL
    assert judge_rule(RULES["DC-06"], trace(disturbed(loss=0.2), *rows)).outcome is Outcome.NOT_EXERCISED


def silent(step: float) -> Outcome:
    """A playback of two seconds, of which two silent windows came through a network that the harness disturbs."""
    windows = [
        (0.0, "audio.levels", {"direction": "received", "start": start, "step": step, "levels": [-90.0, -90.0]})
        for start in (0.0, 2.0)
    ]
    rows = (
        disturbed(delay=0.01),
        STARTED,
        *windows,
        event(2.0, "service", "output_audio_buffer.stopped", response_id="r"),
    )
    return judge_rule(RULES["MED-07"], trace(*rows)).outcome


def lost(count: int) -> float:
    counts = (9.0, "connection.disturbed", {"received": {"datagrams": 100, "lost": count}})
    return slack_of(disturbed(loss=0.3), counts)


LIMITS = (
    Limit("one retransmission", partial(slack_of, disturbed(loss=0.05)), 3.0),
    Limit("a retransmission behind a blackout", partial(slack_of, disturbed(blackouts=[{"lasts": 5.0}])), 13.0),
    Limit("three losses in a row", partial(lost, 17), 7.0),
    Limit("four losses in a row", partial(lost, 18), 15.0),
    Limit("as many losses in a row as count", partial(lost, 60), 63.0),
    Limit("less than half of a playback", partial(silent, 0.475), Outcome.NOT_EXERCISED),
    Limit("more than half of a playback", partial(silent, 0.525), Outcome.FAIL),
)
