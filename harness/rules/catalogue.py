"""All rules: importing this module fills the registry. A new family is one more import here."""

from __future__ import annotations

from harness.rules import (
    answer,
    answer_transport,
    channel,
    connection,
    content,
    content_text,
    envelope,
    errors,
    filter,
    functions,
    http,
    http_address,
    http_call,
    http_errors,
    http_key,
    interruption,
    item_course,
    item_references,
    items,
    latency,
    manual_turns,
    media,
    offer,
    offer_transport,
    pacing,
    playback,
    response_causes,
    response_order,
    response_results,
    responses,
    safety,
    schema,
    session,
    session_course,
    session_requests,
    speech,
    tool_arguments,
    transcription,
    turn_order,
    turns,
)
from harness.rules.base import REGISTRY, UNOBSERVABLE, Rule, Unobservable, order

MODULES = (
    http,
    http_key,
    http_address,
    http_call,
    http_errors,
    offer,
    offer_transport,
    answer,
    answer_transport,
    channel,
    connection,
    content,
    content_text,
    envelope,
    errors,
    filter,
    functions,
    interruption,
    item_references,
    items,
    latency,
    manual_turns,
    media,
    pacing,
    playback,
    response_results,
    responses,
    safety,
    schema,
    session,
    session_course,
    session_requests,
    speech,
    response_causes,
    response_order,
    tool_arguments,
    item_course,
    turn_order,
    transcription,
    turns,
)


def all_rules() -> tuple[Rule, ...]:
    """Every rule, in the order of the families, then by number."""
    return tuple(sorted(REGISTRY.values(), key=order))


def unobservable_rules() -> tuple[Unobservable, ...]:
    """Every row that no check stands for, with its reason, in the same order."""
    return tuple(sorted(UNOBSERVABLE.values(), key=order))
