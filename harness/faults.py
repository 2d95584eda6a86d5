"""All declared faults, of the service and of the caller, as ``harness faults`` lists them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.client.faults import CLIENT_FAULTS
from harness.fake.faults import FAULTS


def faults_json() -> list[dict[str, Any]]:
    """``harness faults --json``: ``of`` says whose fault it is, "service" (--fault, fake.faults) or "client" (caller.faults)."""
    service = [{"of": "service", **one.to_json()} for one in FAULTS.values()]
    return [*service, *(one.to_json() for one in CLIENT_FAULTS.values())]


def faults_text() -> Iterator[str]:
    """A line for each fault, by whose it is: its name, what catches it, what it does."""
    yield f"{len(FAULTS)} faults of the service (--fault NAME, or faults: under fake: in a scenario)"
    for one in FAULTS.values():
        yield _line(one.name, one.caught_by or (one.diagnosis or f"ends at {one.ends}",), one.title)
    yield ""
    yield f"{len(CLIENT_FAULTS)} faults of the caller (faults: under caller: in a scenario)"
    for other in CLIENT_FAULTS.values():
        yield _line(other.name, other.caught_by or (f"no {other.misses}",), other.title)


def _line(name: str, caught_by: tuple[str, ...], title: str) -> str:
    return f"  {name:<42} {', '.join(caught_by):<24} {title}"
