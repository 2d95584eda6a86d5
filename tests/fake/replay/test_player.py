"""Recorded acts come in their order, as long after what caused them as in the recording."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.fake.replay.actions import CloseChannel, Emit, HangUp
from tests.fake.replay.scripts import Rim, client, rows, said, server
from tests.traces import trace

CREATED = server(0.01, "session.created", session={"id": "sess_1"})
UPDATE = client(0.1, "session.update", session={"type": "realtime", "instructions": "Be brief."})
UPDATED = server(0.15, "session.updated", session={"id": "sess_1"})
SENT_UPDATE = {"type": "session.update", "session": {"type": "realtime", "instructions": "Be brief."}}


def test_an_answer_comes_as_long_after_its_cause_and_the_rest_after_that() -> None:
    recorded = rows(CREATED, UPDATE, UPDATED, server(0.25, "rate_limits.updated"))
    rim = Rim(recorded, begin=10.0)
    rim.send(13.0, SENT_UPDATE)
    rim.until(20.0)
    assert rim.out == [(10.01, "session.created"), (13.05, "session.updated"), (13.15, "rate_limits.updated")]


def test_nothing_comes_before_what_caused_it() -> None:
    rim = Rim(rows(CREATED, UPDATE, UPDATED))
    rim.until(60.0)
    assert [kind for _, kind in rim.out] == ["session.created"]
    assert "session.updated, which waits for session.update of the client" in rim.replay.unplayed


def test_a_client_that_is_faster_does_not_overtake_the_service() -> None:
    recorded = rows(
        CREATED, server(1.0, "conversation.created"), client(2.0, "response.create"), server(2.1, "response.created")
    )
    rim = Rim(recorded)
    rim.send(0.1, {"type": "response.create"})
    rim.until(5.0)
    assert rim.out == [(0.01, "session.created"), (1.0, "conversation.created"), (1.0, "response.created")]


def test_what_was_wrong_comes_again() -> None:
    broken = (
        0.2,
        "event.undecodable",
        {"direction": "received", "reason": "not JSON", "text": "{oops", "size": 5, "binary": False},
    )
    recorded = rows(
        CREATED, server(0.1, "response.done"), broken, server(0.3, "response.done"), server(0.4, "no.such.event")
    )
    rim = Rim(recorded)
    rim.until(1.0)
    assert rim.out == [
        (0.01, "session.created"),
        (0.1, "response.done"),
        (0.2, "{oops"),
        (0.3, "response.done"),
        (0.4, "no.such.event"),
    ]


@pytest.mark.parametrize("ends", [True, False])
def test_a_channel_that_the_service_closed_closes_again(ends: bool) -> None:
    closing = [
        (0.5, "channel.closed", {"label": "x"}),
        (0.5, "harness.error", {"error": "ConnectionLost", "step": "session", "what": "x"}),
    ]
    if ends:
        closing.append((0.5, "connection.dtls", {"state": "closed"}))
    rim = Rim(rows(CREATED, closing))
    rim.until(1.0)
    assert isinstance(rim.actions[1], CloseChannel)
    assert [type(one) for one in rim.actions[2:]] == ([HangUp] if ends else [])


def test_a_client_that_hangs_up_is_not_hung_up_on() -> None:
    rim = Rim(rows(CREATED, (0.5, "channel.closed", {"label": "x"})))
    rim.until(1.0)
    assert [type(one) for one in rim.actions] == [Emit]


class TestSpeech:
    recorded = rows(
        CREATED,
        said(1.0, 2.0),
        server(1.04, "input_audio_buffer.speech_started", audio_start_ms=700, item_id="item_1"),
        server(2.5, "input_audio_buffer.speech_stopped", audio_end_ms=2500, item_id="item_1"),
        server(2.6, "response.created"),
    )

    def test_follows_the_caller_who_speaks_later_and_longer(self) -> None:
        rim = Rim(self.recorded)
        rim.speak(3.0, 6.0, until=8.0)
        # Speech is certain after 60 ms, its end at once; the recording told of it 40 ms after its beginning.
        assert rim.out[1:] == [
            (3.04, "input_audio_buffer.speech_started"),
            (6.5, "input_audio_buffer.speech_stopped"),
            (6.6, "response.created"),
        ]
        # The places in the audio move with it.
        assert [event.get("audio_start_ms", event.get("audio_end_ms")) for event in rim.events[1:3]] == [2700, 6500]

    def test_a_pause_shorter_than_the_recorded_gap_ends_no_turn(self) -> None:
        rim = Rim(self.recorded)
        rim.speak(3.0, 4.0, until=4.3)
        rim.speak(4.3, 5.0, until=6.0)
        assert rim.out[2] == (5.5, "input_audio_buffer.speech_stopped")

    def test_a_click_is_no_speech(self) -> None:
        rim = Rim(self.recorded)
        rim.speak(3.0, 3.04, until=6.0)
        assert [kind for _, kind in rim.out] == ["session.created"]

    def test_a_pause_that_the_service_passed_over_is_passed_over_again(self) -> None:
        # A patient service: 0.8 s of silence within the turn were not its end, 0.5 s at its end were enough.
        recorded = rows(
            CREATED,
            said(1.0, 2.0),
            said(2.8, 3.5),
            server(1.1, "input_audio_buffer.speech_started", item_id="item_1"),
            server(4.0, "input_audio_buffer.speech_stopped", item_id="item_1"),
        )
        rim = Rim(recorded)
        rim.speak(1.0, 2.0, until=2.8)
        rim.speak(2.8, 3.5, until=6.0)
        assert rim.out[2] == (4.0, "input_audio_buffer.speech_stopped")

    def test_a_caller_without_that_pause_is_answered_all_the_same(self) -> None:
        recorded = rows(
            CREATED,
            said(1.0, 2.0),
            said(2.8, 3.5),
            server(1.1, "input_audio_buffer.speech_started", item_id="item_1"),
            server(4.0, "input_audio_buffer.speech_stopped", item_id="item_1"),
        )
        rim = Rim(recorded)
        rim.speak(1.0, 3.5, until=6.0)
        assert rim.out[2] == (4.45, "input_audio_buffer.speech_stopped")  # longer than the pause that was passed over


class TestIds:
    def test_the_clients_own_ids_replace_the_recorded_ones(self) -> None:
        item = {"type": "message", "role": "user", "content": []}
        recorded = rows(
            CREATED,
            client(0.1, "conversation.item.create", event_id="evt_old", item={"id": "item_recorded", **item}),
            server(0.2, "conversation.item.added", item={"id": "item_recorded", **item}),
            client(
                0.3, "conversation.item.create", previous_item_id="item_recorded", item={"id": "item_second", **item}
            ),
            server(0.4, "error", error={"event_id": None, "message": "item_recorded is not there"}),
        )
        rim = Rim(recorded)
        rim.send(0.1, {"type": "conversation.item.create", "event_id": "mine", "item": {"id": "a-new-id", **item}})
        rim.until(0.25)
        rim.send(
            0.3,
            {
                "type": "conversation.item.create",
                "event_id": "e2",
                "previous_item_id": "a-new-id",
                "item": {"id": "b", **item},
            },
        )
        rim.until(1.0)
        assert rim.events[1]["item"]["id"] == "a-new-id"
        assert rim.events[2]["error"] == {"event_id": "e2", "message": "a-new-id is not there"}

    def test_an_id_that_the_service_told_has_to_come_back(self) -> None:
        recorded = rows(
            CREATED,
            server(0.2, "conversation.item.added", item={"id": "item_1"}),
            client(0.3, "conversation.item.delete", item_id="item_1"),
            server(0.4, "conversation.item.deleted", item_id="item_1"),
        )
        rim = Rim(recorded)
        assert rim.send(0.3, {"type": "conversation.item.delete", "item_id": "item_2"}) is None
        assert rim.replay.missed is not None
        assert rim.replay.missed.what == "the recording expects conversation.item.delete next"
        assert 'item_id: "item_1" was recorded, "item_2" came' in rim.replay.missed.seen


class TestMisses:
    recorded = rows(
        CREATED, UPDATE, UPDATED, client(0.3, "response.create"), client(0.31, "response.create", response={"a": 1})
    )

    @pytest.mark.parametrize(
        ("event", "what", "seen"),
        [
            ({"type": "response.cancel"}, "expects session.update next", "response.cancel came"),
            ("not JSON", "expects session.update next", "a message that is no event came: not JSON"),
            (
                {"type": "session.update", "session": {"type": "realtime", "instructions": "Be long."}},
                "expects session.update next",
                'session.instructions: "Be brief." was recorded, "Be long." came',
            ),
            (
                {"type": "session.update", "session": {"type": "realtime", "instructions": "Be brief.", "voice": "x"}},
                "expects session.update next",
                "session.voice came and was not recorded",
            ),
        ],
    )
    def test_say_what_was_expected_and_what_came(self, event: object, what: str, seen: str) -> None:
        rim = Rim(self.recorded)
        assert rim.send(0.1, event) is None
        assert rim.replay.missed is not None
        assert what in rim.replay.missed.what
        assert seen in rim.replay.missed.seen
        assert "--lenient" in rim.replay.missed.fix

    def test_messages_that_waited_for_nothing_in_between_may_change_places(self) -> None:
        rim = Rim(self.recorded)
        rim.send(0.1, SENT_UPDATE)
        rim.until(0.2)
        assert rim.send(0.3, {"type": "response.create", "response": {"a": 1}}) is not None
        assert rim.send(0.4, {"type": "response.create"}) is not None
        assert rim.send(0.5, {"type": "response.create"}) is None
        assert rim.replay.missed is not None
        assert rim.replay.missed.what == "the recording expects no further message of the client"

    def test_audio_in_pieces_may_come_in_any_number(self) -> None:
        rim = Rim(
            rows(
                CREATED,
                client(0.1, "input_audio_buffer.append", audio="AAAA"),
                client(0.2, "input_audio_buffer.commit"),
                server(0.3, "input_audio_buffer.committed"),
            )
        )
        for number in range(3):
            assert rim.send(0.1 + number / 100, {"type": "input_audio_buffer.append", "audio": "BBBB"}) is not None
        rim.send(0.5, {"type": "input_audio_buffer.commit"})
        rim.until(1.0)
        assert rim.out[-1] == (0.6, "input_audio_buffer.committed")

    def test_a_secret_that_was_taken_out_stands_for_any(self) -> None:
        rim = Rim(
            rows(CREATED, client(0.1, "session.update", session={"tools": [{"authorization": "[redacted:1:20:text]"}]}))
        )
        assert (
            rim.send(0.2, {"type": "session.update", "session": {"tools": [{"authorization": "secret-token"}]}})
            is not None
        )


@given(st.lists(st.tuples(st.booleans(), st.floats(0.0, 3.0)), max_size=12), st.lists(st.floats(0.0, 5.0), max_size=12))
def test_whatever_the_client_does_acts_keep_their_order_and_never_fall_behind_time(
    made: list[tuple[bool, float]], waits: list[float]
) -> None:
    t, recorded = 0.0, []
    for number, (by_client, gap) in enumerate(made):
        t += gap
        recorded.append(client(t, "response.create") if by_client else server(t, f"event.{number}"))
    rim = Rim(trace((0.0, "channel.open", {"label": "x"}), *recorded))
    now = 0.0
    for wait in waits:
        now += wait
        rim.send(now, {"type": "response.create"})
        if rim.replay.missed is not None:
            break
    rim.until(now + 100.0)
    told = [kind for _, kind in rim.out]
    assert told == [row[2]["event"]["type"] for row in recorded if row[1] == "event.received"][: len(told)]
    assert [at for at, _ in rim.out] == sorted(at for at, _ in rim.out)


def test_a_call_that_the_client_hung_up_in_the_middle_of_its_steps_is_no_end_by_the_service() -> None:
    steps = [
        (0.4, "step.started", {"step": 1, "word": "hang_up", "text": "hang up"}),
        (0.5, "channel.closed", {"label": "x"}),
    ]
    after = (0.6, "step.started", {"step": 2, "word": "never", "text": "no error"})
    rim = Rim(rows(CREATED, steps, after))
    rim.until(1.0)
    assert [type(one) for one in rim.actions] == [Emit]
