"""Both at once: which interruptions must silence an answer, and which words of the caller must be noticed."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from harness.rules.base import Outcome, judge_rule
from harness.rules.catalogue import REGISTRY as RULES
from tests.limits import Limit
from tests.traces import event, trace

Row = tuple[float, str, dict[str, Any]]
VAD = {"type": "server_vad"}


def session(detection: Any = VAD, t: float = 0.1) -> Row:
    shown = {"type": "realtime", "audio": {"input": {"turn_detection": detection}}}
    return event(t, "service", "session.created" if t < 1 else "session.updated", session=shown)


def answer(id: str = "r", t: float = 1.0, conversation: Any = "c") -> tuple[Row, Row]:
    response = {"id": id, "status": "in_progress", "conversation_id": conversation}
    return (
        event(t, "service", "response.created", response=response),
        event(t, "service", "output_audio_buffer.started", response_id=id),
    )


def heard(direction: str, begin: float, end: float, level: float = -20.0, t: float = 9.0) -> Row:
    """Speech from begin to end, known at ``t``, silence until 20 s."""
    flags = [int(begin <= index / 10 < end) for index in range(200)]
    levels = [level if flag else -90.0 for flag in flags]
    return (t, "audio.levels", {"direction": direction, "start": 0.0, "step": 0.1, "levels": levels, "speech": flags})


def outcome(id: str, *rows: Row) -> Outcome:
    return judge_rule(RULES[id], trace(*sorted(rows, key=lambda row: row[0]), (20.0, "connection.state", {}))).outcome


CLEAR = event(3.0, "client", "output_audio_buffer.clear")
SPEECH = event(3.0, "service", "input_audio_buffer.speech_started", item_id="u", audio_start_ms=2900)


@pytest.mark.parametrize("cause", [CLEAR, SPEECH], ids=["a clear", "the caller's speech"])
@pytest.mark.parametrize(("until", "expected"), [(5.5, Outcome.PASS), (6.0, Outcome.FAIL)])
def test_an_answer_is_silent_two_seconds_behind_its_interruption(cause: Row, until: float, expected: Outcome) -> None:
    assert outcome("PLAY-14", session(), *answer(), cause, heard("received", 1.0, until)) is expected


@pytest.mark.parametrize(
    "rows",
    [
        [session({**VAD, "interrupt_response": False}), *answer(), SPEECH],
        [session(None), *answer(), SPEECH],
        [session(), *answer(conversation=None), SPEECH],
        [session(), *answer(), event(2.0, "service", "output_audio_buffer.stopped", response_id="r"), CLEAR],
        [session(), *answer(), CLEAR, *answer("s", 5.0)],
    ],
    ids=["not to interrupt", "no turn detection", "out of band", "nothing plays", "the next answer begins"],
)
def test_what_interrupts_nothing_is_not_judged(rows: list[Row]) -> None:
    assert outcome("PLAY-14", *rows, heard("received", 1.0, 15.0)) is Outcome.NOT_EXERCISED


def spoken(begin: float, end: float) -> tuple[Row, Row]:
    return (
        (begin + 0.1, "audio.speech", {"direction": "sent", "state": "started", "at": begin}),
        (end + 0.2, "audio.speech", {"direction": "sent", "state": "stopped", "at": end}),
    )


def notice(t: float, what: str = "started") -> Row:
    return event(t, "service", f"input_audio_buffer.speech_{what}", item_id="u")


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], Outcome.FAIL),
        ([notice(4.4)], Outcome.PASS),
        ([notice(4.6)], Outcome.FAIL),
        ([notice(1.0)], Outcome.PASS),
        ([notice(1.0), notice(1.5, "stopped")], Outcome.FAIL),
        ([event(3.0, "client", "input_audio_buffer.clear")], Outcome.NOT_EXERCISED),
        ([(0.0, "connection.disturbed", {"text": "one way"})], Outcome.NOT_EXERCISED),
        ([(4.0, "channel.closed", {"label": "x"})], Outcome.NOT_EXERCISED),
        ([session(None, 3.0)], Outcome.NOT_EXERCISED),
        ([session({**VAD, "threshold": 0.9}, 1.0)], Outcome.NOT_EXERCISED),
    ],
    ids=["unnoticed", "noticed", "too late", "in a turn", "turn ended", "cleared", "disturbed", "closed", "switched off", "hard of hearing"],
)  # fmt: skip
def test_clear_speech_is_noticed_in_time(rows: list[Row], expected: Outcome) -> None:
    assert outcome("TURN-19", session(), *spoken(2.0, 3.5), heard("sent", 2.0, 3.5), *rows) is expected


@pytest.mark.parametrize(
    ("begin", "end", "level"),
    [(2.0, 2.9, -20.0), (2.0, 3.5, -36.0), (18.0, 19.5, -20.0)],
    ids=["a cough", "a whisper", "the last words"],
)
def test_what_may_be_missed_is_not_judged(begin: float, end: float, level: float) -> None:
    rows = (session(), *spoken(begin, end), heard("sent", begin, end, level))
    assert outcome("TURN-19", *rows) is Outcome.NOT_EXERCISED


def noticing(name: str, expected: Outcome, begin: float, end: float, *rows: Row, level: float = -20.0) -> Limit:
    around = (session(), *spoken(begin, end), heard("sent", begin, end, level))
    return Limit(name, partial(outcome, "TURN-19", *around, *rows), expected)


LIMITS = (
    noticing("half a second behind the last word", Outcome.PASS, 2.0, 5.0, notice(5.45)),
    noticing("more than half a second behind it", Outcome.FAIL, 2.0, 5.0, notice(5.55)),
    noticing("two and a half seconds behind the first word", Outcome.PASS, 2.0, 3.1, notice(4.45)),
    noticing("more than that behind it", Outcome.FAIL, 2.0, 3.1, notice(4.55)),
    noticing("noticed before the word arrives", Outcome.PASS, 2.0, 3.5, notice(1.45), notice(1.9, "stopped")),
    noticing("noticed before it was spoken", Outcome.FAIL, 2.0, 3.5, notice(1.35), notice(1.9, "stopped")),
    noticing("a second of speech", Outcome.FAIL, 2.0, 3.1),
    noticing("less than a second of it", Outcome.NOT_EXERCISED, 2.0, 2.9),
    noticing("an ordinary level", Outcome.FAIL, 2.0, 3.5, level=-34.0),
    noticing("a low level", Outcome.NOT_EXERCISED, 2.0, 3.5, level=-36.0),
    noticing("a threshold a little higher", Outcome.FAIL, 2.0, 3.5, session({**VAD, "threshold": 0.59}, 1.0)),
    noticing("a high threshold", Outcome.NOT_EXERCISED, 2.0, 3.5, session({**VAD, "threshold": 0.61}, 1.0)),
)
