"""How faults of HTTP requests are declared, and the dialects and paths they are about."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from harness.client.faults.base import REQUESTS, RequestRewrite, client_fault
from harness.faults.registry import ALL, SETUP
from harness.protocol.dialects import DIALECTS, Dialect

PREVIEW = ("azure-preview",)
AZURE_GA = ("azure-ga",)
OPENAI_GA = ("openai-ga",)
OPENAI_BETA = ("openai-beta",)
SINGLE_ENDPOINT = "/openai/realtime"
"""Where older code posts to: the preview's WebSocket path."""


def request(
    name: str,
    title: str,
    rewrite: RequestRewrite,
    *caught_by: str,
    dialects: tuple[str, ...] = ALL,
    scenario: str = SETUP,
    **more: Any,
) -> None:
    """Declare a fault of an HTTP request."""
    client_fault(name, title, plane=REQUESTS, caught_by=caught_by, dialects=dialects, scenario=scenario, **more)(
        rewrite
    )


def path_of(dialects: tuple[str, ...], step: str) -> str:
    """The path of a dialect's endpoint for this step ("key", "call")."""
    dialect: Dialect = DIALECTS[dialects[0]]
    return urlsplit(dialect.key_url if step == "key" else dialect.call_url).path


def flat(whole: dict[str, Any]) -> None:
    """Take a GA token request's body apart, as it was in beta."""
    whole.update(whole.pop("session"))
