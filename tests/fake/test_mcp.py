"""Remote MCP tools: listing, calls, approval."""

from __future__ import annotations

import pytest

from tests.fake.rim import GENERATIONS, Rim, error_of, script

BOTH = pytest.mark.parametrize("dialect", GENERATIONS)
SERVER = {"type": "mcp", "server_label": "docs", "server_url": "https://docs.example/mcp"}
CALL = {"server": "docs", "name": "search", "arguments": {"q": "x"}, "output": "found"}


def test_listing():
    rim = Rim("openai-ga", script(mcp={"docs": ["search", "fetch"]}))
    rim.update(tools=[SERVER])
    rim.run(1.0)
    assert rim.types()[2:] == [
        "session.updated",
        "conversation.item.added",
        "mcp_list_tools.in_progress",
        "mcp_list_tools.completed",
        "conversation.item.done",
    ]
    assert [tool["name"] for tool in rim.one("conversation.item.done")["item"]["tools"]] == ["search", "fetch"]
    rim.update(tools=[SERVER])
    rim.run(1.0)
    assert len(rim.of("mcp_list_tools.in_progress")) == 1


def test_listing_fails():
    rim = Rim("openai-ga", script(mcp={"docs": None}), session={"tools": [SERVER]})
    rim.run(1.0)
    assert rim.types()[-2:] == ["mcp_list_tools.failed", "conversation.item.done"]


@pytest.mark.parametrize(("error", "what"), [(None, "completed"), ("no such page", "failed")])
def test_a_call_without_approval(error, what):
    rim = Rim("azure-ga", script({"mcp_calls": [{**CALL, "error": error}], "says": "Here."}))
    rim.update(tools=[{**SERVER, "require_approval": "never"}])
    rim.send({"type": "response.create"})
    rim.run(3.0)
    own = [name for name in rim.types() if "mcp_call" in name]
    assert own == [
        *["response.mcp_call_arguments.delta"] * len(rim.of("response.mcp_call_arguments.delta")),
        "response.mcp_call_arguments.done",
        "response.mcp_call.in_progress",
        f"response.mcp_call.{what}",
    ]
    call, message = rim.one("response.done")["response"]["output"]
    assert (call["type"], message["type"]) == ("mcp_call", "message")
    assert call["arguments"] == '{"q": "x"}'
    assert call["output"] == ("found" if error is None else None)
    assert (call["error"] or {}).get("message") == error


def test_approval_is_asked_for_and_given():
    rim = Rim("azure-ga", script({"mcp_calls": [CALL]}, {"says": "Found."}))
    rim.update(tools=[SERVER])
    rim.send({"type": "response.create"})
    rim.run(1.0)
    [request] = rim.one("response.done")["response"]["output"]
    assert (request["type"], request["arguments"]) == ("mcp_approval_request", '{"q": "x"}')
    answer = {"type": "mcp_approval_response", "approval_request_id": request["id"], "approve": True}
    rim.send({"type": "conversation.item.create", "item": answer})
    rim.send({"type": "response.create"})
    rim.run(3.0)
    call, message = rim.of("response.done")[1]["response"]["output"]
    assert (call["approval_request_id"], call["output"]) == (request["id"], "found")
    assert message["content"][0]["transcript"] == "Found."


def test_approval_refused_or_unknown():
    rim = Rim("azure-ga", script({"mcp_calls": [CALL]}, {"says": "Then not."}))
    rim.update(tools=[SERVER])
    rim.send({"type": "response.create"})
    rim.run(1.0)
    [request] = rim.one("response.done")["response"]["output"]
    answer = {"type": "mcp_approval_response", "approval_request_id": request["id"], "approve": False}
    rim.send({"type": "conversation.item.create", "item": answer})
    rim.send({"type": "response.create"})
    rim.run(3.0)
    assert [item["type"] for item in rim.of("response.done")[1]["response"]["output"]] == ["message"]
    answer["approval_request_id"] = "item_none"
    error = error_of(rim.send({"type": "conversation.item.create", "item": answer}))
    assert error["param"] == "item.approval_request_id"


def test_a_cancelled_call_fails():
    rim = Rim("azure-ga", script({"mcp_calls": [CALL]}))
    rim.send({"type": "response.create"})
    while not rim.of("response.mcp_call.in_progress"):
        rim.run(0.02)
    rim.send({"type": "response.cancel"})
    assert len(rim.of("response.mcp_call.failed")) == len(rim.of("response.mcp_call_arguments.done")) == 1


def test_beta_knows_nothing_of_it():
    rim = Rim("azure-preview", script({"mcp_calls": [CALL], "says": "Here."}))
    assert error_of(rim.update(tools=[SERVER]))["param"] == "session.tools[0].type"
    rim.send({"type": "response.create"})
    rim.run(3.0)
    assert [item["type"] for item in rim.one("response.done")["response"]["output"]] == ["message"]
