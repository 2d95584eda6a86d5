"""RSP: what is asked for: one response at a time in the default conversation, and an answer to every request."""

from __future__ import annotations

from collections.abc import Iterator

from harness.rules.base import (
    CLIENT,
    DOCUMENTED,
    MUST,
    OBSERVED,
    SHOULD,
    Observation,
    View,
    bad,
    good,
    judged,
)
from harness.rules.responses import FAMILY
from harness.rules.responses.course import CREATED
from harness.rules.support.disturbance import slack
from harness.rules.support.fields import text
from harness.rules.support.history import (
    PATIENCE,
    history,
    known_to_run,
    named_error,
    overdue,
    surely_in_default,
)
from harness.rules.support.sources import CONVERSATIONS, issue, sdk


@FAMILY.rule("09", MUST, DOCUMENTED, sdk("response_create_event.py"), CONVERSATIONS)
def one_at_a_time(view: View) -> Iterator[Observation]:
    """one response at a time writes to the default conversation

    Vendor text: "Only one Response can write to the default Conversation at a time". Others have a null conversation_id.

    Two at once talk over each other. Refuse the second with conversation_already_has_active_response, or end the first.

    Okay:
        < response.created {"response": {"id": "resp_1", "status": "in_progress", "conversation_id": "conv_1"}}
        < response.created {"response": {"id": "resp_2", "status": "in_progress", "conversation_id": null}}
        < response.done {"response": {"id": "resp_1", "status": "completed", "conversation_id": "conv_1"}}
    Fail:
        < response.created {"response": {"id": "resp_1", "status": "in_progress", "conversation_id": "conv_1"}}
        < response.created {"response": {"id": "resp_2", "status": "in_progress", "conversation_id": "conv_1"}}
        < response.done {"response": {"id": "resp_1", "status": "completed", "conversation_id": "conv_1"}}
    """
    course = history(view)
    responses = [one for one in course.responses.values() if surely_in_default(course, one)]
    for response in responses:
        if response.created is None:
            continue
        seq = response.created.entry.seq
        # Only a response that shows life after this entry still ran: one that never ends is RSP-03.
        still = [
            other
            for other in responses
            if other is not response
            and other.running(seq)
            and any(one.entry.seq > seq and one.kind.startswith("response.") for one in other.steps)
        ]
        seen = f"{response.id!r} while {still[0].id!r} runs" if still else ""
        yield judged(response.created.entry, not still, "no other response of the default conversation runs", seen)


@FAMILY.rule("10", SHOULD, OBSERVED, issue("maximhq/bifrost#7189"), who=CLIENT, hidden_by_filter=False)
def create_when_free(view: View) -> Iterator[Observation]:
    """the client asks for no response while one is active

    It is refused with conversation_already_has_active_response, often because VAD has answered already.

    Wait for response.done, or set create_response to false; conversation "none" runs beside.

    Okay:
        > response.create {}
        < response.created {"response": {"id": "resp_1", "status": "in_progress", "conversation_id": "conv_1"}}
        > response.create {"response": {"conversation": "none"}}
    Fail:
        < response.created {"response": {"id": "resp_1", "status": "in_progress", "conversation_id": "conv_1"}}
        +1s
        > response.create {}
    """
    for create in history(view).client("response.create"):
        active = known_to_run(view, create)
        beside = text(create.event, "response", "conversation") == "none"
        seen = f"{active[0].id!r} is active" if active else ""
        yield judged(create.entry, beside or not active, "response.done first", seen)


@FAMILY.rule("18", SHOULD, DOCUMENTED, sdk("response_create_event.py"))
def create_answered(view: View) -> Iterator[Observation]:
    """response.create is answered by response.created or error

    Vendor text: "The server will respond with a response.created event". A refusal is an error event.

    Okay:
        > response.create {}
        < response.created {"response": {"id": "resp_1", "status": "in_progress"}}
    Okay:
        > response.create {"event_id": "mine"}
        < error {"error": {"type": "invalid_request_error", "message": "active", "event_id": "mine"}}
    Fail:
        > response.create {}
        +10.1s
        < rate_limits.updated {"rate_limits": []}
    Unseen:
        > response.create {}
        +9.9s
        < rate_limits.updated {"rate_limits": []}
    """
    course = history(view)
    for create in course.client("response.create"):
        answer = next(course.after(create.entry, CREATED), None) or named_error(course, create.entry)
        waited = view.trace.seconds - create.entry.t
        if answer is not None:
            yield good(create.entry, answer.kind)
        elif waited >= PATIENCE + slack(view):
            yield bad(create.entry, (CREATED, "error"), f"neither in {waited:.0f} s")
        else:
            yield from overdue(view, create.entry, "response.created or error")
