"""Faults of what a page of another origin may do (CORS)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from harness.fake.cors import ALLOWED, EXPOSED
from harness.fake.faults.base import CONDUCT, fault

PAGE = "browser/a-page-may-make-the-call.yaml"


def pages(name: str, title: str, differs: dict[str, Any], *caught_by: str) -> None:
    """Declare what differs in the leave for pages."""
    fault(name, title, plane=CONDUCT, caught_by=caught_by, scenario=PAGE)(lambda right: replace(right, pages=differs))


pages(
    "page-of-no-origin",
    "pages of one origin alone may call",
    {"origins": ("https://only.example",)},
    "CORS-01",
    "CORS-02",
)
pages(
    "page-without-authorization",
    "a page may not send Authorization",
    {"allowed": tuple(name for name in ALLOWED if name.lower() != "authorization")},
    "CORS-01",
)
pages(
    "page-without-location",
    "Location is not exposed to pages",
    {"exposed": tuple(name for name in EXPOSED if name != "Location")},
    "CORS-02",
)
