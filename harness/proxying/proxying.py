"""``harness proxy``: real clients call the real service through it; each call is recorded at both ends, and both ends are judged."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import httpx

from harness.judging.party import KEY as PARTY
from harness.judging.recording import as_recorded
from harness.judging.results import Result
from harness.protocol.dialects import DIALECTS
from harness.protocol.hosts import is_loopback
from harness.proxying.access import access
from harness.proxying.bridge import Bridge
from harness.proxying.pairs import Pair
from harness.proxying.proxy import Proxy
from harness.proxying.upstream import TIMEOUT, Upstream
from harness.report.html import conformance_html
from harness.rules.support.reception import added_text
from harness.running.clock import undisturbed
from harness.running.libraries import quiet_libraries
from harness.scenario.model import Assert, RuleChoice
from harness.serving.served import Served
from harness.serving.serving import ended_by_signal
from harness.targets.endpoints import Endpoints
from harness.targets.environment import SECRETS, variable
from harness.targets.service import relayed_endpoints, tls
from harness.trace import Header, Observer, Recorder

_OWN_KEY = "the proxy sends its own key, so that the client needs none"
# What is not asked of a client whose key is ours.
_SKIPPED = Assert(order=[], errors="allowed", rules=RuleChoice(skip=dict.fromkeys(("HTTP-03", "HTTP-11"), _OWN_KEY)))


class Relayed:
    """The traces of relayed calls: two of each, named ``call-0001.client`` and ``call-0001.service`` after the party that they judge.

    ``own_key``: the credentials are the proxy's own, and the rules about the client's are skipped.
    """

    def __init__(self, served: Served, dialect: str, target: str, out: Path, *, own_key: bool = False) -> None:
        self._extra = as_recorded(_SKIPPED) if own_key else {}
        self._served = served
        self._dialect = dialect
        self._target = target
        self._out = out
        self._names: dict[int, str] = {}

    def pair(self) -> Pair:
        """The two recorders of one client's way to a call."""
        name, redactor = (
            self._served.next_name(),
            self._served.redactor(),
        )  # a secret of one side may turn up at the other

        def recorder(party: Observer, observer: Observer, target: str, **extra: object) -> Recorder:
            title = f"{name}: the {party}, as seen by the proxy"
            header = Header(observer, self._dialect, target, title, extra={PARTY: party, **extra})
            return self._served.record(f"{name}.{party}", header, redactor)

        client = recorder("client", "service", "client", **self._extra)
        service = recorder("service", "client", self._target)
        self._names[id(client)] = name
        return Pair(client, service)

    def ended(self, pair: Pair, bridge: Bridge | None) -> None:
        """Both traces are complete: write the sound, say what was added, and have both judged."""
        name = self._names.pop(id(pair.client))
        audio: list[Callable[[], Mapping[str, str]]] = [dict, dict]
        if bridge is not None:
            if added := added_text(bridge.delays.to_json()):
                self._served.say(f"  {name}: the proxy added {added}")
            legs = (bridge.client, bridge.service)
            audio = [partial(leg.write_audio, self._out, f"{name}.{leg.party}.{self._dialect}") for leg in legs]
        self._served.ended(pair.client, audio[0])
        self._served.ended(pair.service, audio[1])


async def proxy_forever(
    *,
    host: str,
    port: int,
    dialect: str,
    to: str,
    environment: Mapping[str, str],
    own_key: bool = False,
    origins: Sequence[str] = (),
    out: Path,
    say: Callable[[str], None],
    stop: asyncio.Event | None = None,
) -> list[Result]:
    """Relay calls until SIGINT or SIGTERM, then end them and return what was judged: two results for each, the client's and the service's.

    ``to`` is "live" or the base URL of a service. With ``own_key`` the credentials of ``environment`` replace the clients', for this
    machine and pages of ``origins`` alone. ``stop`` ends it instead of the signals. Raises UsageError for wrong settings, where it
    cannot listen, and at the end where something could not be written.
    """
    endpoints = relayed_endpoints(dialect, to, environment, own_key=own_key)
    rule = access(host, origins) if own_key else None
    conformance_html((), seconds=0.0)  # loads and compiles what it takes, which would hold up the first calls
    secrets = [value for name in SECRETS if (value := variable(environment, name))]
    served = Served(out, say, secrets=secrets)
    relayed = Relayed(served, dialect, to, out, own_key=own_key)
    stop = stop or ended_by_signal()
    with quiet_libraries(), undisturbed():
        async with httpx.AsyncClient(verify=tls(endpoints), trust_env=not endpoints.loopback, timeout=TIMEOUT) as http:
            proxy = Proxy(
                Upstream(endpoints, http),
                pair_for=relayed.pair,
                on_end=relayed.ended,
                access=rule,
                note=served.say,
                loopback=is_loopback(host),
            )
            url = await proxy.start(host, port)
            try:
                for line in _greeting(url, endpoints, own_key=own_key, origins=rule.origins if rule else ()):
                    say(line)
                await stop.wait()
            finally:
                await proxy.stop()
                served.finish()
    return served.results


def _greeting(url: str, endpoints: Endpoints, *, own_key: bool, origins: Sequence[str]) -> list[str]:
    row = DIALECTS[endpoints.dialect.name]
    lines = [f"relaying {url}  (Ctrl-C ends it)"]
    for label, template, goes_to in (
        ("key", row.key_url, endpoints.key_url),
        ("call", row.call_url, endpoints.call_url),
    ):
        path = template.split("/", 3)[3]
        lines.append(f"  {row.name:<14} {label:<5} POST {url}/{path}  goes to {goes_to.partition('?')[0]}")
    if own_key:
        allowed = ", ".join(["this machine", *(f"pages of {origin}" for origin in origins)])
        lines.append(f"  credentials: those of the environment; who may spend them: {allowed}")
    else:
        lines.append("  credentials: the client's own")
    return [*lines, *(f"  note: {note}" for note in endpoints.notes)]
