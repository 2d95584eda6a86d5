"""When an answer is overdue, and what proves that it will not come."""

from __future__ import annotations

from harness.protocol.dialects import DIALECTS
from harness.rules.base import View
from harness.rules.support.fields import MISSING
from harness.rules.support.history import History, history, overdue, overtaken
from harness.trace import Trace
from tests.traces import event, trace


def view_of(recorded: Trace) -> View:
    return View(recorded, DIALECTS[recorded.header.dialect])


def course_of(recorded: Trace) -> History:
    return history(view_of(recorded))


def test_it_is_computed_once() -> None:
    recorded = trace(event(0.0, "service", "session.created", session={}))
    assert course_of(recorded) is course_of(recorded)


def test_types_are_canonical_in_either_vocabulary() -> None:
    rows = (
        event(0.0, "service", "response.text.delta"),
        event(0.1, "service", "response.output_text.delta"),
        event(0.2, "service", "conversation.item.created", item={"id": "i"}),
    )
    kinds = {
        name: [step.kind for step in course_of(trace(*rows, dialect=name)).steps]
        for name in ("azure-ga", "azure-preview")
    }
    assert kinds["azure-ga"] == ["response.output_text.delta"] * 2 + ["conversation.item.created"]
    assert kinds["azure-preview"] == ["response.output_text.delta"] * 2 + ["conversation.item.added"]


def test_silence_is_overdue_only_after_long_or_where_nobody_hung_up() -> None:
    for seconds, end, said in (
        (9.9, "completed", 0),
        (10.0, "completed", 1),
        (0.1, "truncated", 1),
        (0.1, "failed", 1),
    ):
        recorded = trace(event(0.0, "client", "response.create"), (seconds, "harness.note", {"text": ""}), end=end)
        found = list(overdue(view_of(recorded), recorded.entries[0], "an answer"))
        assert [one.ok for one in found] == [None] * said, (seconds, end)


def test_a_whole_response_or_a_later_answer_overtakes() -> None:
    asked = event(0.0, "client", "session.update", session={})
    created = event(1.0, "service", "response.created", response={"id": "r"})
    done = event(2.0, "service", "response.done", response={"id": "r"})
    delete = event(1.0, "client", "conversation.item.delete", item_id="i")
    deleted = event(2.0, "service", "conversation.item.deleted", item_id="i")
    other = event(2.0, "service", "conversation.item.deleted", item_id="j")
    for rows, proof in (
        ((created,), None),
        ((created, done), "response.done"),
        ((delete, deleted), "conversation.item.deleted"),
        ((delete, other), None),
    ):
        recorded = trace(asked, *rows)
        found = overtaken(course_of(recorded), recorded.entries[0])
        assert (found.kind if found else None) == proof
    began_before = trace(created, asked, done)
    assert overtaken(course_of(began_before), began_before.entries[1]) is None


def test_settings_are_what_the_service_showed_last() -> None:
    detection = {"type": "server_vad"}
    recorded = trace(
        event(0.0, "service", "session.created", session={"audio": {"input": {"turn_detection": detection}}}),
        event(1.0, "client", "session.update", session={"audio": {"input": {"turn_detection": None}}}),
        event(2.0, "service", "session.updated", session={"audio": {"input": {"turn_detection": None}}}),
        event(3.0, "service", "session.updated", session={"instructions": "Be kind."}),
    )
    settings = course_of(recorded).settings
    assert settings.value("turn_detection", 0) is MISSING
    assert settings.value("turn_detection", 2) == detection
    assert settings.manual(3)
    assert settings.manual(4), "what a later session leaves out still holds"
    assert settings.value("temperature", 4) is MISSING
