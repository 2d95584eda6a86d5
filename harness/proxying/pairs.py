"""Which two traces a request belongs to: one pair for each client's way to a call, from its first request to the end of the call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from harness.fake.bodies import as_recorded
from harness.fake.traces import Client, Traces
from harness.protocol.dialects import keys_in
from harness.proxying.bridge import Bridge
from harness.proxying.upstream import Reply, Way
from harness.targets.endpoints import Endpoints
from harness.trace import Recorder


@dataclass(frozen=True)
class Pair:
    """The two traces of a client's way to a call: ``client`` as seen where the service stands, ``service`` as seen by a client."""

    client: Recorder
    service: Recorder


class Pairs:
    """Hands out pairs of traces, and ends both of a pair together; ``make`` and ``on_end`` as in :class:`harness.proxying.proxy.Proxy`."""

    def __init__(
        self, endpoints: Endpoints, make: Callable[[], Pair], on_end: Callable[[Pair, Bridge | None], None]
    ) -> None:
        self._endpoints = endpoints
        self._dialect = endpoints.dialect.name
        self._make = make
        self._on_end = on_end
        self._pairs: dict[int, Pair] = {}  # by the id of the client's recorder
        self._bridges: dict[int, Bridge] = {}  # likewise
        self._calls: dict[str, Pair] = {}  # by the id of the call
        self._minted: set[str] = set()
        self._traces = Traces(self._new, self._ended, lambda: asyncio.get_running_loop().time())

    def open(self, way: Way, client: Client, key: str, asker: str) -> Pair:
        """The pair that a request continues; ``key`` and ``asker`` as in :meth:`harness.fake.traces.Traces.open`."""
        standing = self._calls.get(way.call_id)
        return standing or self._pairs[id(self._traces.open(self._dialect, client, key, asker))]

    def asking_leave(self, client: Client, *, refused: bool) -> Pair | None:
        """The pair that a browser's preflight belongs to, or None where there is no telling."""
        recorder = self._traces.asking_leave(self._dialect, client, refused=refused)
        return None if recorder is None else self._pairs[id(recorder)]

    def minted_here(self, key: str) -> bool:
        """Whether this ephemeral key was minted through the proxy."""
        return key in self._minted

    def keys(self, way: Way, answer: Reply) -> list[str]:
        """The ephemeral keys in an answer, which no recording may hold."""
        return list(keys_in(_json(answer.text))) if way.step == "key" else []

    def live(self, pair: Pair, bridge: Bridge, call_id: str) -> None:
        """A call has been made."""
        self._bridges[id(pair.client)] = bridge
        if call_id:
            self._calls[call_id] = pair

    def answered(self, pair: Pair, way: Way, answer: Reply, client: Client, key: str, asker: str) -> None:
        """A request has been answered: the pair waits for the next one, or belongs to a call, or ends."""
        bridge = self._bridges.get(id(pair.client))
        if bridge is not None:
            bridge.hung_up = bridge.hung_up or (way.step == "hangup" and answer.ok)
            return
        if way.step == "key" and answer.ok:
            for minted in keys_in(_json(answer.text)):
                self._minted.add(minted)
                self._traces.minted(pair.client, minted, asker, client)
                return
        if answer.ok and way.step == "call":
            note = "the call is not relayed: the offer has no audio, no Opus or no data channel; its media passes by the proxy"
            pair.client.record("harness.note", text=note, about="proxy")
            self._traces.close(pair.client)
        else:
            self._traces.failed(pair.client, client, key if self.minted_here(key) else "")

    def broken(self, pair: Pair) -> None:
        """The request was interrupted."""
        if id(pair.client) not in self._bridges:
            self._traces.close(pair.client, "interrupted")

    def call_ended(self, bridge: Bridge) -> None:
        """A call is over: both its traces are."""
        client = bridge.client.recorder
        self._calls = {name: pair for name, pair in self._calls.items() if pair.client is not client}
        self._traces.close(client)

    async def end_all(self, why: str) -> None:
        """End all calls and hand over all traces."""
        await asyncio.gather(*(bridge.close(why) for bridge in tuple(self._bridges.values())))
        self._traces.close_all()

    def _new(self, _dialect: str) -> Recorder:
        pair = self._make()
        self._pairs[id(pair.client)] = pair
        config = self._endpoints.config()
        pair.service.record("harness.config", **config, label=self._endpoints.dialect.label, ice_servers=[])
        for text in self._endpoints.notes:
            pair.service.record("harness.note", text=text, about="target")
        return pair.client

    def _ended(self, client: Recorder) -> None:
        pair = self._pairs.pop(id(client))
        failed = client.end == "completed" and any(entry.kind == "harness.error" for entry in pair.service.entries)
        pair.service.close("failed" if failed else client.end or "completed")
        self._on_end(pair, self._bridges.pop(id(client), None))


def _json(text: str) -> Any:
    return as_recorded("application/json", text)
