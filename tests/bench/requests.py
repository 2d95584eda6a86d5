"""The requests of a call that the benchmarks' peers make by themselves."""

from __future__ import annotations

import httpx

KEY = "bench-key-0123456789"
KEYS = "/openai/v1/realtime/client_secrets"
CALLS = "/openai/v1/realtime/calls"


async def mint(http: httpx.AsyncClient) -> str:
    """An ephemeral key of the served fake."""
    body = {"session": {"type": "realtime", "model": "gpt-realtime"}}
    response = await http.post(KEYS, json=body, headers={"api-key": KEY})
    return str(response.raise_for_status().json()["value"])
