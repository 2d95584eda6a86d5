import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import pytest

from harness.client.player import play
from harness.errors import CallError, ConnectionLost, UsageError
from harness.judging.results import Expectation
from harness.protocol.dialects import DIALECTS
from harness.protocol.session_body import session_body
from harness.running import clock
from harness.scenario.model import Scenario
from harness.scenario.steps.base import Step
from harness.trace import Header, Recorder, Trace

PACKETS = (b"\xf8\xff\xfe",) * 50


class Said:
    """An outgoing track that only keeps what it was asked for."""

    def __init__(self) -> None:
        self.log: list[tuple[Any, ...]] = []

    def say(self, packets: Sequence[bytes], *, loop: bool, overlap: bool, on_done: Callable[[], None]) -> None:
        self.log.append(("say", len(packets), loop, overlap))
        asyncio.get_running_loop().call_later(len(packets) * 0.02, on_done)

    def hush(self) -> None:
        self.log.append(("hush",))


class Line:
    """A call on which a script of (seconds, event or entry) happens; what the player sends is kept."""

    def __init__(self, recorder: Recorder, dialect: str) -> None:
        self.dialect = DIALECTS[dialect]
        self.track = Said()
        self.lost = asyncio.Event()
        self.ended = asyncio.Event()
        self.lost_because = ""
        self.sent: list[Any] = []
        self.recorder = recorder
        self.closed_at: float | None = None
        self.answers: dict[str, Callable[[], None]] = {}

    def send(self, event: Mapping[str, Any]) -> None:
        if self.ended.is_set():
            raise self.gone()
        if event["type"] == "too.big":
            raise UsageError("larger than the service takes")
        self.sent.append(event)
        self.recorder.record("event.sent", event=event, size=1)
        self.answers.get(event["type"], lambda: None)()

    def send_raw(self, text: str) -> None:
        self.sent.append(text)

    def update(self, session: Mapping[str, Any]) -> None:
        self.send({"type": "session.update", "session": session_body(self.dialect, session)[0]})

    def gone(self) -> CallError:
        return ConnectionLost(self.lost_because or "the call has been hung up")

    async def close(self) -> None:
        if self.closed_at is None:
            self.closed_at = self.recorder.now
        self.ended.set()

    def lose(self, because: str = "the service closed the data channel") -> None:
        self.lost_because = because
        self.recorder.record("channel.closed", label="realtime-channel")
        self.lost.set()
        self.ended.set()

    def receive(self, kind: str, /, **fields: Any) -> None:
        self.recorder.record("event.received", event={"type": kind, **fields}, size=1)


class Walk:
    """The outcome of one walk."""

    def __init__(self) -> None:
        self.expectations: list[Expectation] = []
        self.error: CallError | None = None
        self.line: Line
        self.trace: Trace

    @property
    def met(self) -> list[bool]:
        return [one.met for one in self.expectations]

    @property
    def actual(self) -> str:
        return self.expectations[0].actual

    @property
    def expected(self) -> str:
        return self.expectations[0].expected


def at(seconds: float, kind: str, /, **fields: Any) -> tuple[float, Callable[[Line], None]]:
    """An event of the service."""
    return seconds, lambda line: line.receive(kind, **fields)


def heard(seconds: float, state: str, *, late: float = 0.0) -> tuple[float, Callable[[Line], None]]:
    """Speech in the received audio begins or ends; it is noticed ``late`` seconds afterwards."""
    return (
        seconds + late,
        lambda line: line.recorder.record("audio.speech", direction="received", state=state, at=seconds) and None,
    )


def lost(seconds: float) -> tuple[float, Callable[[Line], None]]:
    return seconds, lambda line: line.lose()


def walk(
    steps: list[Any],
    *script: tuple[float, Callable[[Line], None]],
    dialect: str = "azure-ga",
    prepare: Callable[[Line], None] = lambda line: None,
) -> Walk:
    """Play steps against a script, in virtual time."""
    scenario = Scenario.model_validate({"title": "t", "steps": steps})

    async def main() -> Walk:
        loop = asyncio.get_running_loop()
        recorder = Recorder(Header("client", dialect), loop.time)
        outcome = Walk()
        outcome.line = Line(recorder, dialect)
        prepare(outcome.line)
        for seconds, happen in script:
            if seconds:
                loop.call_at(seconds, happen, outcome.line)
            else:
                happen(outcome.line)
        try:
            returned = await play(
                scenario, outcome.line, recorder, lambda name, /, *, gain=0.0: PACKETS, into=outcome.expectations
            )
            assert returned == outcome.expectations
        except CallError as error:
            outcome.error = error
        outcome.trace = recorder.close()
        return outcome

    return clock.run(main, time="virtual")


class TestExpect:
    def test_met_when_the_event_comes(self) -> None:
        done = walk([{"expect": "response.done"}], at(2.5, "response.created"), at(3.0, "response.done"))
        assert done.expectations == [
            Expectation(1, True, "response.done within 10 s", "response.done at 3.000 s", entry=2)
        ]
        assert done.line.closed_at == 3.0
        assert [entry.kind for entry in done.trace.of("step")] == ["step.started", "step.met"]
        assert done.trace.of("step.met")[0].data["entry"] == 2

    def test_events_that_came_already_count(self) -> None:
        assert walk([{"wait": "1s"}, {"expect": "response.done"}], at(0.5, "response.done")).met == [True]
        assert walk([{"expect": "session.created"}], at(0, "session.created")).met == [True]

    def test_matching_goes_on_behind_the_last_match(self) -> None:
        steps = [{"expect": "response.done"}, {"expect": "response.done", "within": "2s"}]
        assert walk(steps, at(1, "response.done")).met == [True, False]
        assert walk(steps, at(1, "response.done"), at(2.9, "response.done")).met == [True, True]
        steps = [{"expect": "b"}, {"expect": "a", "within": "1s"}]
        assert walk(steps, at(0, "a"), at(0, "b")).met == [True, False]

    def test_an_event_anywhere_in_the_call_counts_and_moves_nothing(self) -> None:
        steps = [{"expect": "b"}, {"expect": "a", "within": "1s", "anywhere": True}, {"expect": "c"}]
        done = walk(steps, at(0, "a"), at(0, "b"), at(0, "c"))
        assert done.met == [True, True, True]
        assert done.expectations[1].expected == "a within 1 s, anywhere in the call"
        assert walk(steps, at(0, "b"), at(0.5, "a"), at(0, "c")).met == [True, True, True]
        assert walk(steps, at(0, "b"), at(1.5, "a"), at(0, "c")).met == [True, False, False]

    def test_an_event_at_the_very_end_of_the_time_counts_and_one_behind_it_does_not(self) -> None:
        step = [{"expect": "response.done", "within": "2s"}]
        assert walk(step, at(1.999, "response.done")).met == [True]
        assert walk(step, at(2.001, "response.done")).met == [False]

    def test_canonical_names_stand_for_the_dialects_own(self) -> None:
        done = walk(
            [{"expect": "response.output_audio_transcript.done"}],
            at(1, "response.audio_transcript.done"),
            dialect="azure-preview",
        )
        assert done.met == [True]
        assert done.expected == "response.audio_transcript.done within 10 s"

    def test_the_other_generations_name_is_no_match_and_is_told(self) -> None:
        done = walk(
            [{"expect": "response.output_audio_transcript.done", "within": "1s"}],
            at(0.5, "response.audio_transcript.done"),
        )
        assert done.met == [False]
        assert done.actual == (
            "response.audio_transcript.done came: that is the beta name of response.output_audio_transcript.done"
        )

    def test_conditions_and_what_was_there_instead(self) -> None:
        step = {"expect": "response.done", "within": "1s", "where": {"response.status": "completed"}}
        done = walk(
            [step],
            at(0.2, "response.done", response={"status": "cancelled", "status_details": {"reason": "turn_detected"}}),
        )
        assert done.expected == 'response.done within 1 s where response.status is "completed"'
        assert done.actual == (
            'response.done came at 0.200 s, but expected response.status is "completed", got "cancelled"; '
            "response.done came with status cancelled: turn_detected"
        )
        assert walk([step], at(0.2, "response.done", response={"status": "completed"})).met == [True]

    def test_what_is_saved_can_be_used(self) -> None:
        done = walk(
            [
                {"expect": "conversation.item.added", "save": {"item": "item.id"}},
                {"send": {"type": "conversation.item.delete", "item_id": "${item}"}},
                {"expect": "conversation.item.deleted", "where": {"item_id": "${item}"}, "within": "1s"},
            ],
            at(0.1, "conversation.item.added", item={"id": "item_7"}),
            at(0.2, "conversation.item.deleted", item_id="item_7"),
        )
        assert done.met == [True, True]
        assert done.line.sent == [{"type": "conversation.item.delete", "item_id": "item_7"}]

    def test_saving_what_is_not_there_is_a_miss(self) -> None:
        done = walk([{"expect": "error", "save": {"x": "error.param"}}], at(1, "error", error={}))
        assert done.met == [False]
        assert done.actual == "error came at 1.000 s, but has no error.param to save"

    def test_all_of_in_any_order(self) -> None:
        step = {"expect": {"all_of": ["response.output_audio.done", "response.content_part.done"]}, "within": "1s"}
        events = [at(0.2, "response.content_part.done"), at(0.4, "response.output_audio.done")]
        done = walk([step], *events)
        assert done.met == [True]
        assert done.expected == "response.output_audio.done and response.content_part.done, in any order, within 1 s"
        done = walk([step], events[0])
        assert done.met == [False]
        assert done.actual == "response.content_part.done came, response.output_audio.done did not"

    def test_one_event_serves_one_pattern(self) -> None:
        step = {"expect": {"all_of": ["response.done", "response.done"]}, "within": "1s"}
        assert walk([step], at(0.1, "response.done")).met == [False]
        assert walk([step], at(0.1, "response.done"), at(0.2, "response.done")).met == [True]

    def test_any_of(self) -> None:
        step = {
            "expect": {"any_of": ["session.updated", {"event": "error", "where": {"error.code": "x"}}]},
            "within": "1s",
        }
        assert walk([step], at(0.1, "error", error={"code": "x"})).met == [True]
        done = walk([step], at(0.1, "error", error={"code": "y", "message": "why"}))
        assert done.met == [False]
        assert "error came: y: why" in done.actual
        assert done.expected == 'session.updated or error (error.code is "x") within 1 s'

    @pytest.mark.parametrize(
        ("events", "actual"),
        [
            ([], "no event at all"),
            (
                [at(0.1, "session.created"), *[at(0.2, "rate_limits.updated")] * 3],
                "came instead: session.created, rate_limits.updated ×3",
            ),
            ([at(0.1 * n, f"e{n}") for n in range(1, 8)], "came instead: …, e3, e4, e5, e6, e7"),
            (
                [at(0.1, "error", error={"code": "unknown_parameter", "message": "Unknown parameter: 'x'"})],
                "error came: unknown_parameter: Unknown parameter: 'x'",
            ),
            ([at(0.1, "error")], "error came: without code and message"),
            (
                [at(0.1, "response.done", response={"status": "failed", "status_details": {"error": {"message": "quota"}}})],
                "response.done came with status failed: quota",
            ),
            ([at(0.1, "session.end")], "session.end came, which is no server event: there is no end event"),
        ],
    )  # fmt: skip
    def test_a_miss_says_what_came_instead(self, events: Any, actual: str) -> None:
        done = walk([{"expect": "session.updated", "within": "1s"}], *events)
        assert done.met == [False]
        assert done.actual.startswith(actual)

    def test_an_event_that_the_dialect_lacks(self) -> None:
        done = walk([{"expect": "conversation.item.done", "within": "1s"}], dialect="azure-preview")
        assert done.actual == "azure-preview has no event conversation.item.done"

    def test_an_optional_one_may_stay_away(self) -> None:
        steps = [{"expect": "rate_limits.updated", "optional": True, "within": "1s"}, {"expect": "response.done"}]
        done = walk(steps, at(0.5, "response.done"))
        assert done.met == [True, True]
        assert done.expected == "rate_limits.updated within 1 s (optional)"
        assert done.actual == "came instead: response.done"

    def test_a_variable_that_an_optional_one_did_not_save_is_a_miss_with_the_reason(self) -> None:
        done = walk(
            [
                {"expect": "error", "optional": True, "within": "1s", "save": {"x": "error.code"}},
                {"send": {"type": "response.cancel", "response_id": "${x}"}},
            ]
        )
        assert done.met == [True, False]
        assert "${x} has not been saved" in done.expectations[1].actual
        assert done.error is None


class TestTheWalk:
    def test_a_miss_ends_it_and_the_rest_is_not_reached(self) -> None:
        done = walk(
            [
                {"expect": "session.updated", "within": "1s"},
                {"say": "a.wav"},
                {"expect": "response.done"},
                {"hear": {"speech": "500ms"}},
                {"never": "error"},
                {"never": "error", "since": "here"},
            ]
        )
        assert [(one.step, one.met) for one in done.expectations] == [
            (1, False),
            (3, False),
            (4, False),
            (5, True),
            (6, False),
        ]
        assert done.expectations[1].actual == "not reached: step 1 was missed"
        assert done.line.track.log == []
        assert done.line.closed_at == 1.0, "the call is hung up all the same"
        assert done.error is None

    def test_no_steps_is_a_walk(self) -> None:
        done = walk([])
        assert done.expectations == []
        assert done.line.closed_at == 0.0

    def test_each_step_is_recorded_as_a_person_reads_it(self) -> None:
        done = walk(
            [
                {"say": "a.wav", "loop": True, "gain": -6},
                {"hush": None},
                {"text": "Hello", "respond": False},
                {"send": {"type": "response.cancel"}},
                {"send_raw": "{"},
                {"update": {"voice": "alloy"}},
                {"wait": "200ms"},
                {"never": "error", "where": {"error.code": "x"}},
                {"hang_up": None},
            ]
        )
        assert [entry.data["text"] for entry in done.trace.of("step.started")] == [
            "say a.wav (looped, -6 dB)",
            "fall silent",
            'write "Hello" without asking for a response',
            "send response.cancel",
            'send the text "{"',
            "update the session: voice",
            "wait 200 ms",
            'no error in the whole call where error.code is "x"',
            "hang up",
        ]
        assert [entry.data["word"] for entry in done.trace.of("step.started")][:2] == ["say", "hush"]

    def test_the_connection_goes_away_in_a_step_that_asks(self) -> None:
        done = walk([{"expect": "response.done"}, {"expect": "error"}], at(1, "response.created"), lost(2))
        assert isinstance(done.error, ConnectionLost)
        assert done.met == [False, False]
        assert done.actual == "the service closed the data channel; until then: came instead: response.created"
        assert done.line.closed_at == 2.0

    def test_the_connection_goes_away_in_a_step_that_only_waits(self) -> None:
        done = walk([{"wait": "1min"}], lost(2))
        assert isinstance(done.error, ConnectionLost)
        assert done.expectations == []
        assert done.trace.of("step.missed")[0].data["actual"] == "the service closed the data channel"
        assert done.line.closed_at == 2.0

    def test_sending_on_a_connection_that_is_gone(self) -> None:
        done = walk([{"send": {"type": "response.create"}}, {"never": "error"}], lost(0))
        assert isinstance(done.error, ConnectionLost)
        assert done.met == [True]

    def test_a_connection_that_goes_away_behind_the_last_step_is_no_error(self) -> None:
        done = walk([{"expect": "error"}], at(1, "error"), lost(1))
        assert done.met == [True]
        assert done.error is None

    def test_after_a_hang_up_nothing_is_waited_for(self) -> None:
        done = walk([{"hang_up": None}, {"expect": "response.done", "within": "1min"}])
        assert done.met == [False]
        assert done.actual == "the call had been hung up; until then: no event at all"
        assert done.error is None
        assert done.trace.seconds == 0.0

    def test_what_cannot_be_sent_is_a_miss(self) -> None:
        done = walk([{"send": {"type": "too.big"}}])
        assert done.met == [False]
        assert done.actual == "larger than the service takes"


class TestHear:
    STEP: Any = [{"hear": {"speech": "500ms", "within": "3s"}}]  # noqa: RUF012

    def test_speech_that_lasts_long_enough(self) -> None:
        done = walk(self.STEP, heard(1.0, "started", late=0.1))
        assert done.met == [True]
        assert done.expected == "500 ms of speech in the received audio within 3 s"
        assert done.line.closed_at == pytest.approx(1.8), "sure of it as soon as its end would have been noticed"

    def test_speech_that_began_before_counts_whole(self) -> None:
        done = walk([{"wait": "1.4s"}, *self.STEP], heard(1.0, "started"))
        assert done.met == [True]
        assert done.line.closed_at == pytest.approx(1.8)

    def test_stretches_add_up(self) -> None:
        script = [heard(0.5, "started"), heard(0.8, "stopped"), heard(1.5, "started"), heard(1.8, "stopped", late=0.2)]
        assert walk(self.STEP, *script).actual == "600 ms of speech"

    def test_speech_that_was_over_before_does_not_count(self) -> None:
        done = walk([{"wait": "2s"}, *self.STEP], heard(0.5, "started"), heard(1.5, "stopped"))
        assert done.met == [False]
        assert done.actual.startswith("no speech")

    def test_an_end_that_is_noticed_late_is_not_counted_as_speech(self) -> None:
        done = walk(self.STEP, heard(1.0, "started", late=0.1), heard(1.4, "stopped", late=0.2))
        assert done.met == [False]
        assert done.actual.startswith("400 ms of speech")

    def test_speech_in_the_last_moment_counts(self) -> None:
        assert walk(self.STEP, heard(2.5, "started")).met == [True]
        assert walk(self.STEP, heard(2.51, "started")).met == [False]

    def test_silence(self) -> None:
        step: Any = [{"wait": "1s"}, {"hear": {"silence": "1s", "within": "3s"}}]
        assert walk(step).met == [True]
        talking = heard(0.5, "started")
        assert walk(step, talking).met == [False]
        done = walk(step, talking, heard(2.0, "stopped", late=0.2))
        assert done.met == [True]
        assert done.line.closed_at == pytest.approx(3.3)
        again = heard(2.5, "started", late=0.1)
        assert walk(step, talking, heard(2.0, "stopped", late=0.2), again).actual.startswith("500 ms of silence")

    def test_the_callers_own_speech_is_not_heard(self) -> None:
        own = (0.5, lambda line: line.recorder.record("audio.speech", direction="sent", state="started", at=0.5))
        done = walk(self.STEP, own)  # type: ignore[arg-type]
        assert done.met == [False]
        assert done.actual == "no speech; no audio packet came at all"


class TestNever:
    def test_over_the_whole_call_from_before_the_step_to_behind_it(self) -> None:
        steps: Any = [{"wait": "1s"}, {"never": "error"}, {"wait": "1s"}]
        assert walk(steps).met == [True]
        assert walk(steps).actual == "it never came"
        for seconds in (0.5, 1.5):
            done = walk(steps, at(seconds, "error", error={"message": "m"}))
            assert done.met == [False]
            assert done.actual == f"error came at {seconds:.3f} s: m"
            assert done.expectations[0].entry is not None

    def test_since_here(self) -> None:
        steps: Any = [{"wait": "1s"}, {"never": "error", "since": "here"}, {"wait": "1s"}]
        assert walk(steps, at(0.5, "error")).met == [True]
        assert walk(steps, at(1.5, "error")).met == [False]

    def test_with_conditions(self) -> None:
        steps: Any = [{"wait": "1s"}, {"never": "error", "where": {"error.code": "x"}}]
        assert walk(steps, at(0.5, "error", error={"code": "y"})).met == [True]
        assert walk(steps, at(0.5, "error", error={"code": "x"})).met == [False]

    def test_expectations_stand_in_the_order_of_the_file(self) -> None:
        done = walk([{"never": "error"}, {"expect": "response.done"}], at(1, "response.done"))
        assert [one.step for one in done.expectations] == [1, 2]


class TestDoing:
    def test_say_does_not_block_and_is_recorded_when_it_is_said(self) -> None:
        done = walk([{"say": "a.wav", "overlap": True}, {"hush": None}, {"wait": "2s"}])
        assert done.line.track.log == [("say", 50, False, True), ("hush",)]
        (said,) = done.trace.of("step.said")
        assert (said.t, said.data) == (1.0, {"step": 1, "file": "a.wav", "seconds": 1.0})

    def test_text_is_an_item_and_a_response(self) -> None:
        done = walk([{"text": "Hello"}, {"text": "Again", "respond": False}, {"send_raw": "{"}])
        assert done.line.sent == [
            {
                "type": "conversation.item.create",
                "item": {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello"}]},
            },
            {"type": "response.create"},
            {
                "type": "conversation.item.create",
                "item": {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Again"}]},
            },
            "{",
        ]

    def test_update_speaks_the_dialect(self) -> None:
        done = walk([{"update": {"voice": "marin"}}])
        assert done.line.sent == [
            {"type": "session.update", "session": {"type": "realtime", "audio": {"output": {"voice": "marin"}}}}
        ]

    def test_wait_takes_exactly_so_long(self) -> None:
        assert walk([{"wait": "320ms"}]).line.closed_at == 0.32


def calls(
    seconds: float, name: str, arguments: str, call_id: str = "call_1", response_id: str = "resp_1"
) -> tuple[float, Callable[[Line], None]]:
    item = {"type": "function_call", "name": name, "arguments": arguments, "call_id": call_id}
    return at(seconds, "response.output_item.done", response_id=response_id, item=item)


class TestTool:
    STEP: Any = {"tool": {"name": "get_slots", "result": {"slots": [9, 10]}}, "within": "2s"}  # noqa: RUF012
    DONE = at(1.2, "response.done", response={"id": "resp_1"})

    def test_it_is_answered_when_its_response_is_over(self) -> None:
        done = walk([self.STEP], calls(1.0, "get_slots", "{}"), self.DONE)
        assert done.met == [True]
        assert done.actual == "called at 1.000 s"
        assert done.line.sent == [
            {
                "type": "conversation.item.create",
                "item": {"type": "function_call_output", "call_id": "call_1", "output": '{"slots": [9, 10]}'},
            },
            {"type": "response.create"},
        ]
        assert [entry.t for entry in done.trace.of("event.sent")] == [1.2, 1.2]

    def test_the_next_expectation_looks_behind_the_calling_response(self) -> None:
        def answer(line: Line) -> None:
            line.answers["response.create"] = lambda: line.receive("response.done", response={"id": "resp_2"})

        done = walk(
            [self.STEP, {"expect": "response.done", "where": {"response.id": "resp_2"}, "within": "1s"}],
            calls(1.0, "get_slots", "{}"),
            self.DONE,
            prepare=answer,
        )
        assert done.met == [True, True]

    def test_two_calls_of_one_response_are_answered_each(self) -> None:
        first: Any = {"tool": {"name": "get_slots", "result": "a", "respond": False}}
        second: Any = {"tool": {"name": "get_slots", "result": "b"}}
        done = walk(
            [first, second],
            calls(1.0, "get_slots", "{}", "call_1"),
            calls(1.1, "get_slots", "{}", "call_2"),
            self.DONE,
        )
        assert done.met == [True, True]
        outputs = [event["item"] for event in done.line.sent if "item" in event]
        assert [(one["call_id"], one["output"]) for one in outputs] == [("call_1", "a"), ("call_2", "b")]
        assert [event["type"] for event in done.line.sent].count("response.create") == 1

    @pytest.mark.parametrize(
        ("script", "actual"),
        [
            ([], "no function was called"),
            ([calls(1, "book", "{}")], "book was called"),
            ([calls(1, "get_slots", '{"day": "mo"}')], 'get_slots was called, but expected day is "tu", got "mo"'),
            ([calls(1, "get_slots", "{")], 'get_slots was called, but expected arguments to be JSON, got "{"'),
            ([calls(1, "get_slots", "[]")], 'get_slots was called, but expected day is "tu", got absent'),
            ([at(1, "error", error={"message": "m"})], "error came: m"),
            (
                [calls(1, "get_slots", '{"day": "tu"}')],
                "the function call came at 1.000 s, but its response.done did not",
            ),
        ],
    )
    def test_a_miss_says_what_was_called_instead(self, script: Any, actual: str) -> None:
        step = {"tool": {"name": "get_slots", "arguments": {"day": "tu"}}, "within": "2s"}
        done = walk([step], *script)
        assert done.met == [False]
        assert done.expected == 'a call of the function get_slots within 2 s where day is "tu"'
        assert done.actual == actual

    def test_the_connection_goes_away_before_the_answer(self) -> None:
        done = walk([self.STEP], calls(1.0, "get_slots", "{}"), lost(1.1))
        assert isinstance(done.error, ConnectionLost)
        assert done.met == [False]


def test_a_step_without_words_or_action_is_no_step() -> None:
    class Nap(Step):
        """A step that nobody can take."""

        word: ClassVar[str] = "nap"

    with pytest.raises(TypeError, match=r"describe.*take"):
        Nap()


class TestNote:
    def test_it_is_written_down_with_its_variables_and_nothing_is_sent(self) -> None:
        steps = [{"expect": "error", "save": {"code": "error.code"}}, {"note": "now ${code}"}]
        done = walk(steps, at(1.0, "error", error={"code": "bad"}))
        (note,) = done.trace.of("harness.note")
        assert note.data == {"text": "now bad", "about": "scenario"}
        assert done.line.sent == []
        assert done.met == [True]
        assert [entry.data["text"] for entry in done.trace.of("step.started")][1] == 'note "now bad"'

    def test_a_variable_that_nobody_saved_is_a_miss(self) -> None:
        done = walk([{"note": "now ${code}"}])
        assert (done.met, done.actual) == ([False], "${code} has not been saved")
