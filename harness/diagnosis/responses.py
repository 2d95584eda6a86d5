"""Causes in responses: refused, failed, withheld, cut short, never asked for."""

from __future__ import annotations

import re

from harness.diagnosis.base import Case, Evidence, cause
from harness.rules.support.fields import at, index, listing, text
from harness.rules.support.sources import CONVERSATIONS, MS_ERRORS, SERVER_EVENTS, issue, sdk
from harness.trace import Entry


def _ended(case: Case, status: str, pattern: str = "") -> list[Entry]:
    """Responses that ended so, without a step that expected it, whose status_details are like ``pattern``."""
    return [
        one
        for one in case.server("response.done")
        if one.seq not in case.expected
        and text(one.event, "response", "status") == status
        and re.search(pattern, str(at(one.event, "response", "status_details")), re.IGNORECASE)
    ]


@cause(
    "response-already-active",
    "A response was asked for while another was still running.",
    rank=800,
    fix="Wait for response.done before response.create, or set turn_detection.create_response to false where the client asks for each response itself.",
    source=f"{issue('openai/openai-agents-python#1466')}; {issue('maximhq/bifrost#7189')}; {issue('openai/openai-realtime-console#556')}",
    tell=lambda case: _race(case),
)
def response_already_active(case: Case) -> Evidence:
    """An error conversation_already_has_active_response, or RSP-10."""
    return [*_already_active(case), *case.broken("RSP-10")]


def _already_active(case: Case) -> list[Entry]:
    return case.errors("conversation_already_has_active_response", r"already has an active response")


def _race(case: Case) -> str:
    """What to add where the client could not know better: it asked, and the response that it was refused for was on its way to it."""
    refused = next(iter(_already_active(case)), None)
    if refused is None or case.broken("RSP-10"):
        return ""
    over = max((one.seq for one in case.server("response.done") if one.seq < refused.seq), default=-1)
    asked = [one for one in case.client("response.create") if over < one.seq < refused.seq]
    if len(asked) != 1:  # the response that runs may be the client's own
        return ""
    return (
        "The request and a response that the service started by itself crossed on the wire: the client could not know of it yet. "
        "This is a race, not a client error; send response.create again after response.done."
    )


@cause(
    "response-failed-by-quota",
    "The service could not answer: the quota or the rate limit is used up.",
    rank=805,
    fix="Look at status_details.error of response.done and handle it, there is no error event; wait, or raise the quota.",
    source=f"{issue('openai/openai-agents-js#1022')}; {issue('livekit/agents#2967')}",
)
def response_failed_by_quota(case: Case) -> Evidence:
    """response.done with status failed, and insufficient_quota or a rate limit in its details."""
    return _ended(case, "failed", r"quota|rate_limit|rate limit|429")


@cause(
    "response-withheld",
    "The content filter withheld the answer.",
    rank=810,
    fix="status_details.reason says content_filter; change the instructions, or the filter of the deployment.",
    source=f"{MS_ERRORS}; {sdk('realtime_response_status.py')}",
)
def response_withheld(case: Case) -> Evidence:
    """response.done with status incomplete or failed, and content_filter in its details."""
    return [*_ended(case, "incomplete", "content_filter"), *_ended(case, "failed", "content_filter")]


@cause(
    "response-too-long",
    "The answer was cut off at the token limit.",
    rank=815,
    fix="Raise max_output_tokens (beta: max_response_output_tokens), or ask for shorter answers; audio takes many tokens.",
    source=sdk("realtime_response_status.py"),
)
def response_too_long(case: Case) -> Evidence:
    """response.done with status incomplete, and max_output_tokens in its details."""
    return _ended(case, "incomplete", "max_output_tokens")


@cause(
    "response-failed",
    "The service failed to answer.",
    rank=820,
    fix="Look at status_details.error of response.done and handle it: there is no error event. Ask again with a back-off.",
    source=f"{issue('livekit/agents#2967')}; {SERVER_EVENTS}",
)
def response_failed(case: Case) -> Evidence:
    """response.done with status failed."""
    return _ended(case, "failed")


@cause(
    "function-never-called",
    "The session offers functions, and the service called none.",
    rank=823,
    fix="See in session.updated that session.tools arrived, and ask the model more plainly (live.ask in the scenario). A service without "
    "function calls is checked with --without function-calls.",
    source=CONVERSATIONS,
)
def function_never_called(case: Case) -> Evidence:
    """A missed step that waits for a function call on a service without a script, and no such call in the whole recording."""
    steps = {index(one.data, "step") for one in case.trace.of("step.started") if text(one.data, "word") == "tool"}
    steps |= {index(one.data, "step") for one in case.waited_for("function_call")}
    missed = [one for one in case.missed if (number := index(one.data, "step")) in steps and number in case.lenient]
    return [] if _calls(case) else missed


@cause(
    "function-call-not-answered",
    "The assistant called a function, and the client did not give it the result.",
    rank=825,
    fix="Send conversation.item.create with a function_call_output and the call's call_id, then response.create.",
    source=CONVERSATIONS,
)
def function_call_not_answered(case: Case) -> Evidence:
    """A function call whose call_id no output names (ITM-08)."""
    calls = case.broken("ITM-08")
    return [*calls, *_calls(case)] if calls and not _outputs(case) else []


@cause(
    "no-response-after-tool-result",
    "The function's result was sent without a response.create after it: the assistant says nothing.",
    rank=830,
    fix="Send response.create after the function_call_output; the service does not answer it by itself.",
    source=CONVERSATIONS,
)
def no_response_after_tool_result(case: Case) -> Evidence:
    """A function_call_output that is the last thing the client asked for, of a call whose id is its own (ITM-15)."""
    outputs = _outputs(case)
    asked = case.client("response.create")
    alone = bool(outputs) and not any(one.seq > outputs[-1].seq for one in asked)
    wanted = (case.broken("ITM-08") or case.missed) and not case.broken("ITM-15")
    return outputs[-1:] if alone and wanted else []


@cause(
    "wrong-call-id",
    "The function's result names another call than the assistant made.",
    rank=835,
    fix="Copy call_id from the function call's item (or from response.function_call_arguments.done); item_id is something else.",
    source=CONVERSATIONS,
)
def wrong_call_id(case: Case) -> Evidence:
    """A function_call_output whose call_id no function call of the service has."""
    known = {text(one.event, "item", "call_id") for one in _calls(case)}
    return [one for one in _outputs(case) if known and text(one.event, "item", "call_id") not in known]


def _calls(case: Case) -> list[Entry]:
    done = case.server("response.output_item.done")
    return [one for one in done if text(one.event, "item", "type") == "function_call"]


def _outputs(case: Case) -> list[Entry]:
    created = case.client("conversation.item.create")
    return [one for one in created if text(one.event, "item", "type") == "function_call_output"]


@cause(
    "item-without-response",
    "An item was written into the conversation, and no response was asked for.",
    rank=840,
    fix="Send response.create after conversation.item.create: only speech is answered by itself.",
    source=CONVERSATIONS,
)
def item_without_response(case: Case) -> Evidence:
    """A user message of the client is its last word, a step waited for an answer, and no response was created after it."""
    messages = [one for one in case.client("conversation.item.create") if text(one.event, "item", "role") == "user"]
    if not messages or not case.waited_for(r"^response\.|in the received audio"):
        return []
    asked = [one for one in case.client("response.create") if one.seq > messages[-1].seq]
    created = [one for one in case.server("response.created") if one.seq > messages[-1].seq]
    return messages[-1:] if not asked and not created else []


@cause(
    "rate-limits-incomplete",
    "rate_limits.updated does not list every limit.",
    rank=845,
    fix="Do not wait for requests and tokens both: many services list tokens alone.",
    source=issue("openai/openai-agents-js#1022"),
)
def rate_limits_incomplete(case: Case) -> Evidence:
    """A step waited for rate_limits.updated with conditions, and one came that did not meet them."""
    waited = case.waited_for(r"^rate_limits\.updated .* where ")
    return [*waited, *case.server("rate_limits.updated")[-1:]] if waited and case.server("rate_limits.updated") else []


@cause(
    "truncated-too-far",
    "conversation.item.truncate names a time that has not been played.",
    rank=850,
    fix="Count what was really played, and send no more than that; clocks drift, so clamp audio_end_ms to the audio that was received.",
    source=f"{issue('pipecat-ai/pipecat#2106')}; {issue('twilio-samples/speech-assistant-openai-realtime-api-python#22')}",
)
def truncated_too_far(case: Case) -> Evidence:
    """An error that the audio is already shorter than audio_end_ms, or PLAY-09."""
    told = case.errors(saying=r"already shorter than")
    return [*told, *case.broken("PLAY-09")]


@cause(
    "unknown-item",
    "The client names an item that the conversation does not have, or creates an item with an id that is already used.",
    rank=855,
    fix="Take ids from conversation.item.added (beta: created), and none from another session or of an item that was deleted; "
    "leave out the id of a new item, or generate a new one.",
    source=SERVER_EVENTS,
)
def unknown_item(case: Case) -> Evidence:
    """An error after an event that is well formed and names an unknown item, or repeats an id (ITM-01, ITM-16)."""
    malformed = case.broken("EVT-06")
    named = [one for one in case.broken("ITM-01", "ITM-16", by="client") if one not in malformed]
    return [*named, *case.errors()] if named and case.errors() else []


@cause(
    "assistant-audio-replayed",
    "An assistant's audio was put into the conversation again, which the service cannot recreate.",
    rank=858,
    fix="Send its transcript instead: content type output_text in GA, text in beta.",
    source=f"{issue('openai/openai-agents-js#963')}; {sdk('conversation_item_create_event.py')}",
)
def assistant_audio_replayed(case: Case) -> Evidence:
    """A conversation.item.create with an assistant's message that has audio (ITM-12), and the error about it."""
    broken = [one for one in case.broken("ITM-12") if text(one.event, "item", "role") == "assistant"]
    audio = [
        one for one in broken if any("audio" in text(part, "type") for part in listing(one.event, "item", "content"))
    ]
    return [*audio, *(one for one in case.errors() if audio and one.seq > audio[0].seq)][:2] if audio else []


@cause(
    "response-field-refused",
    "The service does not take a field of response.create.",
    rank=803,
    fix="Leave the field out for this service, or set it for the whole session; services of one generation differ here.",
    source=issue("pipecat-ai/pipecat#4106"),
)
def response_field_refused(case: Case) -> Evidence:
    """An unknown_parameter error about response.create: by its param, or by its words."""
    if not case.client("response.create"):
        return []
    return [
        one
        for one in case.errors(r"unknown_parameter|unsupported_parameter", r"unknown parameter")
        if "response." in f"{text(one.event, 'error', 'param')} {text(one.event, 'error', 'message')}"
    ]


@cause(
    "malformed-event",
    "A client event lacks a field, or has one of the wrong type.",
    rank=860,
    fix="The error's param names it; content types fit the role (user: input_text, assistant: output_text, beta: text).",
    source=sdk("realtime_client_event.py"),
)
def malformed_event(case: Case) -> Evidence:
    """An error after a client event that breaks EVT-06 or ITM-12."""
    wrong = case.broken("EVT-06", "ITM-12", by="client")
    return [*wrong, *case.errors()] if wrong and case.errors() else []
