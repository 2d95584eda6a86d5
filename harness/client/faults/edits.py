"""Small rewrites of requests, SDP and events from which the caller's faults are put together."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit

from harness.client.faults.base import Reaction, RequestRewrite
from harness.client.http import Draft
from harness.faults.events import Change, Make, Picker, any_event, changed
from harness.faults.registry import Event, Outgoing
from harness.protocol.dialects import Dialect
from harness.targets.endpoints import Endpoints

MakeReaction = Callable[[Dialect], Reaction]

# HTTP


def at_step(step: str, change: Callable[[Draft, Endpoints], Draft]) -> RequestRewrite:
    """The requests of this step ("key", "call", "hangup") as ``change`` makes them."""
    return lambda draft, endpoints: change(draft, endpoints) if draft.step == step else draft


def query(step: str, **values: str | None) -> RequestRewrite:
    """Query parameters added, changed, or (None) taken away."""

    def change(draft: Draft, endpoints: Endpoints) -> Draft:
        parts = urlsplit(draft.url)
        pairs = [one for one in parts.query.split("&") if one and one.partition("=")[0] not in values]
        pairs += [urlencode({name: value}) for name, value in values.items() if value is not None]
        return replace(draft, url=urlunsplit(parts._replace(query="&".join(pairs))))

    return at_step(step, change)


def path(step: str, wanted: str) -> RequestRewrite:
    """Another path; without the query, which belongs to the right one."""

    def change(draft: Draft, endpoints: Endpoints) -> Draft:
        asked, _, pairs = wanted.partition("?")
        return replace(draft, url=urlunsplit(urlsplit(draft.url)._replace(path=asked, query=pairs)))

    return at_step(step, change)


def headers(step: str, values: Callable[[Endpoints], Mapping[str, str | None]]) -> RequestRewrite:
    """Headers added, changed, or (None) taken away; names in lower case."""

    def change(draft: Draft, endpoints: Endpoints) -> Draft:
        merged = {**draft.headers, **values(endpoints)}
        return replace(draft, headers={name: value for name, value in merged.items() if value is not None})

    return at_step(step, change)


def body(step: str, change: Change) -> RequestRewrite:
    """The JSON body as ``change`` leaves it."""

    def edit(draft: Draft, endpoints: Endpoints) -> Draft:
        edited = json.loads(draft.content)
        change(edited)
        return replace(draft, content=json.dumps(edited))

    return at_step(step, edit)


def chain(*rewrites: RequestRewrite) -> RequestRewrite:
    """One rewrite after the other."""

    def change(draft: Draft, endpoints: Endpoints) -> Draft:
        for rewrite in rewrites:
            draft = rewrite(draft, endpoints)
        return draft

    return change


# Events. Types are canonical (GA) names, found under their wire name in every dialect.


def put(event: dict[str, Any], where: str, value: Any) -> None:
    """Set the field at a dotted path; objects on the way are made."""
    *parents, last = where.split(".")
    target: Any = event
    for name in parents:
        target = target[int(name)] if isinstance(target, list) else target.setdefault(name, {})
    if isinstance(target, list):
        target[int(last)] = value
    else:
        target[last] = value


def session(**values: Any) -> Make:
    """Settings added to the first session.update; a double underscore stands for a dot in their names."""

    def change(event: dict[str, Any]) -> None:
        for name, value in values.items():
            put(event, f"session.{name.replace('__', '.')}", value)

    return changed("session.update", change, at=1)


def at(kind: str, act: Callable[[Event, Dialect], Iterable[Outgoing]], *, nth: int = 1) -> MakeReaction:
    """What ``act`` sends at the ``nth`` server event of this type."""

    def make(dialect: Dialect) -> Reaction:
        picked = Picker(dialect, kind, nth, any_event)
        return lambda event: act(event, dialect) if picked(event) else ()

    return make


def send_at(kind: str, message: Any, *, after: float = 0.0, nth: int = 1) -> MakeReaction:
    """Send this message at the ``nth`` server event of this type; ``message`` may be a function of that event."""
    return at(kind, lambda event, _: [(after, message(event) if callable(message) else message)], nth=nth)
