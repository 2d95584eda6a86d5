"""Faults of function calls and MCP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from harness.fake.faults.base import EVENTS, fault
from harness.fake.faults.edits import drop, everywhere, lookup, twice, with_field, without
from harness.faults.registry import GA

MCP = "tools/mcp-call-is-made-by-the-service.yaml"
TOOLS = "tools/function-call-is-answered.yaml"
DELTA, DONE = "response.function_call_arguments.delta", "response.function_call_arguments.done"


def function(name: str, title: str, make: Callable[..., Any], *caught_by: str, **more: Any) -> None:
    """Declare a fault of function calls."""
    fault(name, title, plane=EVENTS, caught_by=caught_by, **{"scenario": TOOLS, **more})(make)


function("arguments-delta-lost", "a delta of the arguments is lost", drop(DELTA, at=1), "ITM-05")
function(
    "arguments-change", "the final arguments are others", with_field(DONE, "arguments", '{"day": "never"}'), "ITM-05"
)
function(
    "arguments-of-the-item-differ",
    "the finished item holds other arguments",
    with_field("response.output_item.done", "item.arguments", '{"day": "never"}'),
    "ITM-05",
)
function("arguments-not-json", "the arguments are no JSON", with_field(DONE, "arguments", "{day: tomorrow"), "ITM-05")
function("call-id-changes", "the call_id changes on the way", with_field(DONE, "call_id", "call_other"), "ITM-06")
function(
    "call-id-differs-at-end",
    "response.done has another call_id",
    with_field("response.done", "response.output.0.call_id", "call_other"),
    "ITM-06",
)
function(
    "arguments-without-name",
    "the finished arguments do not name the function",
    without(DONE, "name"),
    "ITM-07",
    dialects=GA,
)
function(
    "mcp-listing-completed-twice",
    "an MCP listing is completed twice",
    twice("mcp_list_tools.completed"),
    "ITM-09",
    scenario="tools/mcp-tools-are-listed.yaml",
    dialects=GA,
)
function(
    "mcp-listing-without-begin",
    "an MCP listing is completed without having begun",
    drop("mcp_list_tools.in_progress"),
    "ITM-09",
    scenario="tools/mcp-tools-are-listed.yaml",
    dialects=GA,
)
function(
    "mcp-call-completed-twice",
    "an MCP call is completed twice",
    twice("response.mcp_call.completed"),
    "ITM-18",
    scenario=MCP,
    dialects=GA,
)
function(
    "mcp-arguments-delta-lost",
    "a delta of the MCP arguments is lost",
    drop("response.mcp_call_arguments.delta", at=1),
    "ITM-22",
    scenario=MCP,
    dialects=GA,
)
function("arguments-done-twice", "the arguments are done twice", twice(DONE), "ITM-21")


def _one_call_id(event: dict[str, Any]) -> None:
    for holder in (event, event.get("item"), *(lookup(event, "response.output") or ())):
        if isinstance(holder, dict) and "call_id" in holder:
            holder["call_id"] = "call_same"


function(
    "call-id-used-twice",
    "two calls have the same call_id",
    everywhere(_one_call_id),
    "ITM-15",
    scenario="tools/two-calls-in-one-response.yaml",
    diagnosis="rule-broken",
)
